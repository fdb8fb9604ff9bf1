"""The two published clients, each through the whole of the registries and replication API.

Usage: check.py BINARY. Prints a table of every operation the clients have, and ends with status 1
where one differs from what Harbor would do, or was never called.
"""

import contextlib
import pathlib
import sys
import tempfile
import traceback

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
        failed, ledgers = [], []
        for client in [with_harborapi, with_harbor_api_client]:
            ledger = client.ledger()
            ledgers.append(ledger)
            # A daemon each: what one left half done must not be another's failure.
            with daemon(binary, folder / ledger.client) as url:
                try:
                    client.check(ledger, url, source, target, slow)
                except Exception:
                    traceback.print_exc()
                    failed.append(ledger.client)
    print(f"{'client':18} {'operation':32} {'calls':>5}  result")
    missed = []
    for ledger in ledgers:
        print("\n".join(ledger.table()))
        missed += [f"{ledger.client}: {operation} was never called" for operation in ledger.missed()]
    for failure in failed or missed:
        print(f"FAILED: {failure}")
    return 1 if failed or missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
