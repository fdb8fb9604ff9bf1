"""Signs requests as botocore, AWS's own library, does (Signature Version 4).

Reads one JSON object a line, {"key", "secret", "token", "region", "service", "method", "url",
"headers", "body"}, and prints the Authorization of each. The headers given are those that are
signed, and the instant is that of their x-amz-date.
"""

import datetime
import json
import sys

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def authorization(case):
    date = case["headers"]["x-amz-date"]
    instant = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ")
    auth.get_current_datetime = lambda *_args, **_kwargs: instant
    request = AWSRequest(case["method"], case["url"], case["headers"], case["body"].encode())
    credentials = Credentials(case["key"], case["secret"], case["token"])
    auth.SigV4Auth(credentials, case["service"], case["region"]).add_auth(request)
    return request.headers["Authorization"]


for line in sys.stdin:
    print(authorization(json.loads(line)))
