"""Which operations of a client were called, how often, and which never were."""

import collections


class Ledger:
    """The operations a client has, and the calls of each."""

    def __init__(self, client, operations):
        self.client = client
        self.calls = collections.Counter({operation: 0 for operation in operations})

    def watch(self, thing):
        """The same thing, its calls counted."""
        return Watched(thing, self.calls)

    def missed(self):
        return [operation for operation, calls in self.calls.items() if calls == 0]

    def table(self):
        for operation, calls in sorted(self.calls.items()):
            yield f"{self.client:18} {operation:32} {calls:5}  {'good' if calls else 'NOT CALLED'}"


class Watched:
    def __init__(self, thing, calls):
        self._thing, self._calls = thing, calls

    def __getattr__(self, name):
        found = getattr(self._thing, name)
        operation = name.removesuffix("_with_http_info")
        if operation not in self._calls:
            return found

        def call(*arguments, **named):
            self._calls[operation] += 1
            return found(*arguments, **named)

        return call
