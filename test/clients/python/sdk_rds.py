"""The SDK of the earlier generation, aliyun-python-sdk-rds: signature V1, JSON, or XML as it arrives."""

import importlib
import json
import sys
from xml.etree import ElementTree

from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient

from lines import refused, serve

ENDPOINT, PROTOCOL = sys.argv[1], sys.argv[2]


def request_of(action, parameters):
    try:
        module = importlib.import_module(f"aliyunsdkrds.request.v20140815.{action}Request")
    except ModuleNotFoundError:
        return None
    request = getattr(module, f"{action}Request")()
    for name, value in parameters.items():
        getattr(request, f"set_{name}")(value)
    request.set_endpoint(ENDPOINT)
    request.set_protocol_type(PROTOCOL)
    return request


def plain(element):
    """Elements as nested lists of pairs would lose their names: each becomes an object, repeated names a list."""
    if len(element) == 0:
        return element.text or ""
    fields = {}
    for child in element:
        fields.setdefault(child.tag, []).append(plain(child))
    return fields


def call(action, parameters, key_id, secret, format_):
    # Requests of this SDK take their region from the client.
    own = {name: value for name, value in parameters.items() if name != "RegionId"}
    request = request_of(action, own)
    if request is None:
        return {"kind": "absent"}
    client = AcsClient(key_id, secret, parameters.get("RegionId", "cn-hangzhou"), auto_retry=False)
    if format_ == "XML":
        return call_xml(client, request)
    try:
        return {"kind": "reply", "reply": json.loads(client.do_action_with_exception(request))}
    except ServerException as error:
        status = error.get_http_status()
        return refused(error.get_error_code(), error.get_error_msg(), error.get_request_id(), status)


def call_xml(client, request):
    request.set_accept_format("XML")
    status, _headers, body = client.get_response(request)
    root = ElementTree.fromstring(body)
    if status == 200:
        return {"kind": "reply", "reply": plain(root)}
    return refused(root.findtext("Code"), root.findtext("Message"), root.findtext("RequestId"), status)


serve(call)
