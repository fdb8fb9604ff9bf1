"""The two published clients, each through the whole of the registries and replication API.

Usage: check.py BINARY. Ends with status 0 and one line for each client, or with the first
difference.
"""

import contextlib
import pathlib
import sys
import tempfile

import with_harbor_api_client
import with_harborapi
from sea import daemon, docker_registry, push, stalled_registry


def main(binary):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source = stack.enter_context(docker_registry(folder / "source"))
        target = stack.enter_context(docker_registry(folder / "target"))
        slow = stack.enter_context(stalled_registry())
        for tag in ["v1", "v2", "latest"]:
            push(source, "team/app", tag, tag.encode() * 1000)
        push(source, "other/app", "v1", b"other" * 1000)
        url = stack.enter_context(daemon(binary, folder))
        for client in [with_harborapi, with_harbor_api_client]:
            client.check(url, source, target, slow)
            print(f"{client.__name__}: good")


if __name__ == "__main__":
    main(sys.argv[1])
