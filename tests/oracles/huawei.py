"""Signs with Huawei's own SDK: one JSON request a line in, one `Authorization` a line out.

{"method": …, "url": …, "headers": {…}, "body": …, "key": …, "secret": …}; the date is the
header `X-Sdk-Date`. Only the headers that are given are signed, and the host.
"""

import json
import sys
from urllib.parse import parse_qsl, unquote, urlsplit

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer


def authorization(given):
    url = urlsplit(given["url"])
    request = SdkRequest(
        method=given["method"],
        schema=url.scheme,
        host=url.netloc,
        resource_path=unquote(url.path),
        query_params=parse_qsl(url.query, keep_blank_values=True),
        header_params=dict(given["headers"]),
        body=given.get("body", ""),
    )
    credentials = BasicCredentials(given["key"], given["secret"], "project")
    return Signer(credentials).sign(request).header_params["Authorization"]


for line in sys.stdin:
    print(authorization(json.loads(line)), flush=True)
