"""A daemon with planted secrets, held against its own description and against nonsense.

Usage: describe.py BINARY SECONDS [schemathesis|malformed]. Ends with status 0 where no answer was
a 5xx or undescribed, nothing panicked, and no planted secret was in an answer or in the log.
"""

import base64
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

import malformed
from sea import PASSWORD, daemon, docker_registry, push

ENDPOINT_SECRET = "planted-endpoint-secret-7f3a9c"
PASSPHRASE = "planted-passphrase-b81e44"
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "no_planted_secret",
]
# Streams of events go on until the client leaves, which schemathesis never does.
ENDLESS = ["followAll", "followExecution"]


class Administrator:
    def __init__(self, url):
        self.url = url
        pair = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        self.headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data=data, method=method, headers=self.headers
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.read()


def plant(url, source, target):
    """Endpoints, a rule and its run, a token, a backup; gives the secrets that must not be seen."""
    admin = Administrator(url)
    credential = {"type": "basic", "access_key": "ci", "access_secret": ENDPOINT_SECRET}
    for name, address in [("source", source), ("target", target), ("down", "http://127.0.0.1:1")]:
        registry = {
            "name": name,
            "type": "docker-registry",
            "url": address,
            "credential": credential,
            "unchecked": True,
        }
        admin.ask("POST", "/api/portolan/v1/endpoints", registry)
    rule = {
        "name": "mirror",
        "enabled": True,
        "src_registry": {"id": 1},
        "dest_registry": {"id": 2},
    }
    admin.ask("POST", "/api/v2.0/replication/policies", rule)
    admin.ask("POST", "/api/v2.0/replication/executions", {"policy_id": 1})
    token = json.loads(admin.ask("POST", "/api/portolan/v1/tokens", {"name": "planted"}))["secret"]
    admin.ask("POST", "/api/portolan/v1/backup", {"passphrase": PASSPHRASE})
    basic = admin.headers["Authorization"].split()[1]
    return {"token": token, "secrets": [ENDPOINT_SECRET, PASSPHRASE, PASSWORD, token, basic]}


def schemathesis(url, seconds, planted):
    """Gives whether all checks passed."""
    command = [
        str(pathlib.Path(sys.executable).with_name("st")),
        "run",
        f"{url}/openapi.json",
        "--auth",
        f"admin:{PASSWORD}",
        "--checks",
        ",".join(CHECKS),
        "--max-time",
        str(seconds),
        "--phases",
        "examples,coverage,fuzzing",
        "--generation-with-security-parameters",
        "false",
        "--suppress-health-check",
        "all",
        "--request-timeout",
        "90",
        "--generation-database",
        "none",
        "--continue-on-failure",
        "--no-color",
        "--warnings",
        "off",
    ]
    for name in ENDLESS:
        command += ["--exclude-operation-id", name]
    here = str(pathlib.Path(__file__).parent)
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "planted",
        "PYTHONPATH": here,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PLANTED": "\n".join(planted["secrets"]),
    }
    ended = subprocess.run(command, check=False, env=environment, cwd=tempfile.gettempdir())
    return ended.returncode == 0


def faults_of(log, secrets):
    """What the daemon's log should not hold."""
    text = log.read_text(errors="replace")
    lines = text.splitlines()
    found = [line for line in lines if "panicked" in line or " ERROR " in line]
    found += [
        f"the log holds a planted secret: {secret[:9]}…" for secret in secrets if secret in text
    ]
    print(f"the log has {len(lines)} lines; {len(found)} of them should not be there")
    return found


def main(binary, seconds, *only):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source = stack.enter_context(docker_registry(folder / "source"))
        target = stack.enter_context(docker_registry(folder / "target"))
        push(source, "team/app", "v1", b"app" * 1000)
        url = stack.enter_context(daemon(binary, folder / "daemon"))
        planted = plant(url, source, target)
        good = True
        if "malformed" not in only:
            good &= schemathesis(url, int(seconds), planted)
        if "schemathesis" not in only:
            good &= malformed.run(url, int(seconds), planted)
        faults = faults_of(folder / "daemon" / "log", planted["secrets"])
        for fault in faults[:20]:
            print(fault)
        if not good or faults:
            raise SystemExit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
