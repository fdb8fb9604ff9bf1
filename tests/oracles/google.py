"""Makes the assertions with which Google's own library, google-auth, asks for a service account's
access token.

Reads one JSON object a line, {"email", "key_id", "key", "scope", "now"}, and prints the signed JWT
of each.
"""

import datetime
import json
import sys

# This file has the name of the package that is meant.
sys.path.pop(0)

from google.auth import _helpers
from google.oauth2 import service_account

TOKEN_URL = "https://oauth2.googleapis.com/token"


def assertion(case):
    now = datetime.datetime.fromtimestamp(case["now"], datetime.timezone.utc)
    _helpers.utcnow = lambda: now.replace(tzinfo=None)
    info = {
        "type": "service_account",
        "client_email": case["email"],
        "private_key_id": case["key_id"],
        "private_key": case["key"],
        "token_uri": TOKEN_URL,
    }
    credentials = service_account.Credentials.from_service_account_info(info, scopes=[case["scope"]])
    return credentials._make_authorization_grant_assertion().decode()


for line in sys.stdin:
    print(assertion(json.loads(line)))
