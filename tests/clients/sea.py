"""A daemon and the registries around it, each a process or a thread, all on loopback."""

import contextlib
import hashlib
import http.server
import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

PASSWORD = "Correct-Horse-1"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def wait_for(what, probe, seconds=60):
    """The first true answer of `probe`; ends the run where there is none in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := probe():
            return found
        time.sleep(0.05)
    raise SystemExit(f"{what}: not within {seconds} s")


@contextlib.contextmanager
def child(command, **more):
    process = subprocess.Popen(command, **more)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def daemon(binary, folder):
    """`portolan serve`; gives its address."""
    folder.mkdir()
    log = folder / "log"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PORTOLAN_ADMIN_PASSWORD": PASSWORD,
    }
    command = [binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", str(folder / "data")]
    with log.open("wb") as stderr, child(command, env=environment, stderr=stderr) as process:

        def address():
            if process.poll() is not None:
                raise SystemExit(f"the daemon ended:\n{log.read_text()}")
            found = re.search(r"listening on (http://[0-9.:]+)", log.read_text())
            return found and found[1]

        yield wait_for("the daemon listens", address)


@contextlib.contextmanager
def docker_registry(folder):
    """Debian's docker-registry, anonymous; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    folder.mkdir()
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\nhttp: {{addr: '{address}'}}\n"
    )
    environment = {"PATH": "/usr/bin:/bin"}
    command = ["docker-registry", "serve", str(config)]
    with child(command, env=environment, stderr=subprocess.DEVNULL):
        url = f"http://{address}"
        wait_for("docker-registry listens", lambda: answers(f"{url}/v2/"))
        yield url


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        return False


def send(method, url, body=b"", kind="application/octet-stream"):
    request = urllib.request.Request(url, data=body, method=method, headers={"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers


def push(url, repository, tag, content):
    """Pushes an image of one layer."""

    def blob(kind, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        place = send("POST", f"{url}/v2/{repository}/blobs/uploads/")["Location"]
        send("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", data)
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    layer = blob(LAYER, content)
    rootfs = {"type": "layers", "diff_ids": [layer["digest"]]}
    config = blob(
        CONFIG, json.dumps({"architecture": "amd64", "os": "linux", "rootfs": rootfs}).encode()
    )
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
    send("PUT", f"{url}/v2/{repository}/manifests/{tag}", json.dumps(manifest).encode(), MANIFEST)


@contextlib.contextmanager
def stalled_registry():
    """A registry with one tag whose manifest never comes: what runs from it can only be stopped."""
    over = threading.Event()
    listings = {
        "/v2/": {},
        "/v2/_catalog": {"repositories": ["slow/ship"]},
        "/v2/slow/ship/tags/list": {"name": "slow/ship", "tags": ["v1"]},
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            listing = listings.get(self.path.split("?")[0])
            if listing is None:
                over.wait(120)
                return
            body = json.dumps(listing).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield "http://127.0.0.1:%d" % server.server_address[1]
    finally:
        over.set()
        server.shutdown()
