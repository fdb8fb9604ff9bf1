"""Signs requests as Alibaba Cloud's own libraries do: V3, ROA and RPC.

Reads one JSON object a line, {"scheme": "v3" | "roa" | "rpc", "key", "secret", "method", "url",
"headers", "body"}, and prints at once the Authorization of each, or for "rpc", where everything
is in the query, the parameter Signature. The headers given are those that are sent.
"""

import hashlib
import json
import sys
from urllib.parse import parse_qsl, unquote, urlsplit

from alibabacloud_openapi_util.client import Client
from aliyunsdkcore.auth.algorithm import sha_hmac1
from aliyunsdkcore.auth.composer import roa_signature_composer
from Tea.request import TeaRequest


def query_of(url):
    return dict(parse_qsl(url.query.replace("+", "%2B"), keep_blank_values=True))


def v3(case, url):
    request = TeaRequest()
    request.method, request.pathname, request.query = case["method"], url.path, query_of(url)
    request.headers = {**case["headers"], "host": url.netloc}
    payload = hashlib.sha256(case.get("body", "").encode()).hexdigest()
    return Client.get_authorization(
        request, "ACS3-HMAC-SHA256", payload, case["key"], case["secret"]
    )


def roa(case, url):
    request = TeaRequest()
    request.method, request.pathname, request.query = case["method"], url.path, query_of(url)
    request.headers = case["headers"]
    signature = Client.get_roasignature(Client.get_string_to_sign(request), case["secret"])
    older(case, url, signature)
    return f"acs {case['key']}:{signature}"


def older(case, url, signature):
    """The library before this one must agree, but for empty values, which it writes as `name=`."""
    query = query_of(url)
    if "" in query.values():
        return
    names = {"accept": "Accept", "content-md5": "Content-MD5", "date": "Date"}
    names["content-type"] = "Content-Type"
    headers = {names.get(name, name): value for name, value in case["headers"].items()}
    text = roa_signature_composer.compose_string_to_sign(case["method"], query, url.path, headers)
    assert sha_hmac1.get_sign_string(text, case["secret"]) == signature, text


def rpc(case, url):
    return Client.get_rpcsignature(query_of(url), case["method"], case["secret"])


SCHEMES = {"v3": v3, "roa": roa, "rpc": rpc}
for line in sys.stdin:
    asked = json.loads(line)
    print(SCHEMES[asked["scheme"]](asked, urlsplit(asked["url"])), flush=True)
