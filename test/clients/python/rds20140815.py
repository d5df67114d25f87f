"""The SDK alibabacloud_rds20140815: typed requests, signature V3."""

import sys

from alibabacloud_rds20140815 import models
from alibabacloud_rds20140815.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import DaraException
from Tea.exceptions import TeaException

from lines import refused, serve

ENDPOINT, PROTOCOL = sys.argv[1], sys.argv[2]



def call(action, parameters, key_id, secret, _format):
    model = getattr(models, action + "Request", None)
    if model is None:
        return {"kind": "absent"}
    request = model().from_map(parameters)
    kept = {name: value for name, value in request.to_map().items() if value not in (None, [])}
    if kept != parameters:
        raise ValueError(f"{action}Request takes {kept} of {parameters}")
    client = Client(Config(
        access_key_id=key_id, access_key_secret=secret, endpoint=ENDPOINT, protocol=PROTOCOL, region_id="cn-hangzhou",
    ))
    method = next(m for m in dir(client) if m.replace("_", "") == action.lower())
    try:
        return {"kind": "reply", "reply": getattr(client, method)(request).body.to_map()}
    except (TeaException, DaraException) as error:
        data = error.data or {}
        status = getattr(error, "statusCode", None) or getattr(error, "status_code", None) or data.get("statusCode")
        return refused(error.code, error.message, data.get("RequestId"), status)


serve(call)
