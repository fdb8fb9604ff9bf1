"""Schemathesis hooks: requests that would end the run are turned aside, and no answer may hold a
planted secret. The secrets come in PLANTED, one a line."""

import os

import schemathesis

SECRETS = [line for line in os.environ.get("PLANTED", "").split("\n") if line]
# These would take the password or the role of the administrator who asks.
ADMINISTRATOR = {"updateUser", "deleteUser"}


@schemathesis.hook
def before_call(context, case, kwargs):
    known = case.operation.definition.raw.get("operationId")
    if known in ADMINISTRATOR and "1" in str((case.path_parameters or {}).get("id")):
        case.path_parameters["id"] = 987


@schemathesis.serializer("application/wasm")
def component(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.check
def no_planted_secret(context, response, case):
    seen = response.content + repr(response.headers).encode()
    for secret in SECRETS:
        assert secret.encode() not in seen, "a planted secret is in the answer"
