"""Answers calls that come as lines of JSON on stdin, one line each on stdout."""

import json
import sys


def serve(call):
    for line in sys.stdin:
        ask = json.loads(line)
        key = ask["key"]
        answer = call(ask["action"], ask["parameters"], key["id"], key["secret"], ask["format"])
        print(json.dumps(answer), flush=True)


def refused(code, message, request_id, status):
    return {"kind": "refused", "code": code, "message": message, "requestId": request_id, "status": status}
