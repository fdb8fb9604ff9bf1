"""Random and malformed requests over every route of the description, as bytes on a socket."""

import base64
import collections
import http.client
import json
import random
import re
import socket
import threading
import time
import urllib.parse
import urllib.request

from nonsense import HEADERS, JUNK, QUERIES, SEGMENTS
from sea import PASSWORD

THREADS = 4
# Seconds an answer is waited for: longer than the daemon gives a request; or to what is broken.
PATIENCE, BRIEF = 95, 2
# Documented, and not a fault: too much at once, or a request that took too long.
ALLOWED = {503}


def operations(url):
    with urllib.request.urlopen(f"{url}/openapi.json", timeout=30) as answer:
        document = json.load(answer)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in ["get", "put", "post", "delete", "head"]:
                content = operation.get("requestBody", {}).get("content", {})
                example = next(iter(content.values()), {}).get("example")
                yield method.upper(), path, operation["operationId"], example


def value(chance, depth=0):
    """Some JSON value, rarely a sensible one."""
    simple = [
        None,
        True,
        False,
        0,
        -1,
        1,
        1.5,
        1e308,
        2**31,
        2**63,
        2**64,
        -(2**63) - 1,
        10**400,
        "",
        "x",
        "\u0000",
        "\ud800",
        "☃" * 100,
        "x" * 70000,
        "0 0 3 * * *",
        "* * * * * *",
        "http://[",
        "https://a:b@c",
        "http://127.0.0.1:1",
        "9999-12-31T23:59:60Z",
        "{a,b",
        "**/[",
        "..",
        "-----BEGIN CERTIFICATE-----",
    ]
    kind = chance.random()
    if depth > 3 or kind < 0.7:
        return chance.choice(simple)
    inner = range(chance.randint(0, 4))
    if kind < 0.85:
        return [value(chance, depth + 1) for _ in inner]
    return {
        chance.choice(["id", "type", "x", "", "name", "\u0000"]): value(chance, depth + 1)
        for _ in inner
    }


def mutated(chance, example):
    """An example with some of its parts replaced, left out or added."""
    if isinstance(example, dict):
        body = {
            key: value(chance) if chance.random() < 0.25 else mutated(chance, inner)
            for key, inner in example.items()
            if chance.random() > 0.1
        }
        if chance.random() < 0.3:
            known = [
                "trigger",
                "filters",
                "settings",
                "credential",
                "allowed_hosts",
                "speed",
                "id",
                "role",
                "destinations",
                "credential_source",
                "ca_certificate",
                "proxy",
                "expires",
                "unchecked",
                "client_certificate",
                "client_key",
                "dest_namespace",
                "dest_namespace_replace_count",
            ]
            body[chance.choice(known)] = value(chance)
        return body
    if isinstance(example, list):
        return [mutated(chance, inner) for inner in example] * chance.choice([0, 1, 1, 3])
    return example


def body_of(chance, example):
    kind = chance.random()
    if kind < 0.6 and example is not None:
        return json.dumps(mutated(chance, example)).encode("utf-8", "surrogatepass")
    if kind < 0.7:
        return json.dumps(value(chance)).encode("utf-8", "surrogatepass")
    depth = chance.choice([10, 127, 129, 5000, 100000])
    odd = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b'{"name": "\xff"}',
        b"\xef\xbb\xbf{}",
        b"[" * depth,
        b'{"a":' * depth,
        b"[" * depth + b"]" * depth,
        b'{"name": 1' + b"0" * 5000 + b"}",
        b'{"policy_id": -0, "policy_id": 1}',
        b'{"name": "' + b"x" * (1 << 20) + b'"}',
        bytes(chance.randrange(256) for _ in range(chance.randint(1, 300))),
        b"\x00asm\x0d\x00\x01\x00" + b"\xff" * 50,
        b"NaN",
        b'{"a": Infinity}',
        b"'",
        b"{}{}",
        b'{"name":"\\ud800"}',
        b"true",
    ]
    return chance.choice(odd)


def login_of(chance, token):
    basic = base64.b64encode(f"admin:{PASSWORD}".encode())
    kind = chance.random()
    if kind < 0.75:
        return b"Authorization: Basic " + basic
    return chance.choice(
        [
            b"Authorization: Bearer " + token.encode(),
            b"X-None: 1",
            b"Authorization: Basic !!!",
            b"Authorization: \xff",
            b"Authorization: Bearer",
            b"Authorization: Bearer " + b"x" * 9000,
            b"Authorization: Basic " + base64.b64encode(b"nobody\xff:x"),
            b'Authorization: Digest username="admin"',
            b"Authorization: Basic " + base64.b64encode(b"robot$planted:wrong"),
        ]
    )


def path_of(chance, path, known):
    """Gives the path, or nothing where it could be about the administrator who asks."""

    def segment(_match):
        return chance.choice(SEGMENTS) if chance.random() < 0.6 else chance.choice("123")

    path = re.sub(r"\{[^}]+\}", segment, path)
    if known in ["updateUser", "deleteUser"] and "1" in path.split("/users/")[1]:
        return None
    kind = chance.random()
    if kind < 0.05:
        path += chance.choice(["/", "//", "/x", "/..", "%00", ";a", "\\"])
    elif kind < 0.08:
        path = path.replace("/", "//", 2)
    return path


def request_of(chance, everything, token):
    """Gives the bytes, and how long an answer is waited for: to a broken one none may come."""
    if chance.random() < 0.07:
        junk = chance.choice(JUNK)
        whole = chance.random() < 0.7
        return (junk if whole else junk[: chance.randrange(len(junk))] + b"\r\n\r\n"), BRIEF
    method, path, known, example = chance.choice(everything)
    path = path_of(chance, path, known)
    if path is None:
        return None, BRIEF
    if chance.random() < 0.05 and "users" not in path:
        method = chance.choice(
            ["PATCH", "TRACE", "OPTIONS", "PROPFIND", "X" * 50, "DELETE", "PUT", "POST", "HEAD"]
        )
    if chance.random() < 0.4:
        path += "?" + "&".join(chance.choices(QUERIES, k=chance.randint(1, 3)))
    body = body_of(chance, example) if method in ["POST", "PUT"] or chance.random() < 0.05 else b""
    head = [
        f"{method} {path} HTTP/1.1".encode("utf-8", "surrogatepass"),
        b"Host: localhost",
        login_of(chance, token),
    ]
    extra = chance.sample(HEADERS, k=chance.choice([0, 0, 0, 1, 2]))
    if body and not any(line.startswith(b"Content-Type") for line in extra):
        head.append(b"Content-Type: application/json")
    is_right = chance.random() > 0.02 and b"Transfer-Encoding: chunked" not in extra
    length = len(body) if is_right else chance.choice([0, len(body) + 1, max(0, len(body) - 1)])
    head += [*extra, b"Content-Length: %d" % length, b"Connection: close"]
    return b"\r\n".join(head) + b"\r\n\r\n" + body, PATIENCE if is_right else BRIEF


def exchange(address, request, patience):
    """Gives status, headers and body; nothing where the server says nothing, which it may."""
    with socket.create_connection(address, timeout=patience) as line:
        try:
            line.sendall(request)
        except OSError:
            pass
        answer = http.client.HTTPResponse(
            line, method="HEAD" if request.startswith(b"HEAD ") else "GET"
        )
        try:
            answer.begin()
            streams = answer.getheader("content-type", "").startswith("text/event-stream")
            body = b"" if streams else answer.read(8 << 20)
        except (OSError, http.client.HTTPException):
            return None
        return answer.status, repr(answer.getheaders()).encode(), body


class Run:
    def __init__(self, url, seconds, planted):
        parts = urllib.parse.urlsplit(url)
        self.address = (parts.hostname, parts.port)
        self.everything = list(operations(url))
        self.planted = planted
        self.end = time.monotonic() + seconds
        self.lock = threading.Lock()
        self.statuses = collections.Counter()
        self.faults = []
        self.late = collections.Counter()

    def work(self, seed):
        chance = random.Random(seed)
        while time.monotonic() < self.end:
            request, patience = request_of(chance, self.everything, self.planted["token"])
            if request is None:
                continue
            try:
                seen = exchange(self.address, request, patience)
            except OSError as error:
                seen = None
                self.fault(request, f"no connection: {error}")
            with self.lock:
                self.statuses[seen[0] if seen else "closed"] += 1
            if seen:
                self.judge(request, *seen)

    def judge(self, request, status, headers, body):
        if status in ALLOWED:
            with self.lock:
                self.late[request.split(b" HTTP")[0][:80], body[:120]] += 1
        if status >= 500 and status not in ALLOWED:
            self.fault(request, f"{status} {body[:200]!r}")
        if any(secret.encode() in headers + body for secret in self.planted["secrets"]):
            self.fault(request, "a planted secret is in the answer")

    def fault(self, request, what):
        login = base64.b64encode(f"admin:{PASSWORD}".encode())
        with self.lock:
            self.faults.append((what, request[:600].replace(login, b"ADMIN")))


def run(url, seconds, planted):
    """Gives whether every answer was fine."""
    seed = random.randrange(2**32)
    state = Run(url, seconds, planted)
    began = time.monotonic()
    threads = [threading.Thread(target=state.work, args=(f"{seed}-{i}",)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum(state.statuses.values())
    took = time.monotonic() - began
    statuses = dict(state.statuses.most_common())
    print(f"malformed: {total} requests in {took:.0f} s, seed {seed}: {statuses}")
    for (line, body), count in state.late.most_common(5):
        print(f"  allowed, {count} times: {line!r}: {body!r}")
    for what, request in state.faults[:20]:
        print(f"  {what}\n    {request!r}")
    print(f"malformed: {len(state.faults)} faults")
    return not state.faults
