"""Lies of a server that falters: it breaks off, comes and goes, lags behind itself, or falls over in public."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from conformance.reference.wire import Asked, Lie, Said, Serve

from .lies import Maker, says

_TRACE = (
    "Traceback (most recent call last):\n"
    '  File "/srv/payments/intents.py", line 214, in handle\n'
    "    row = self.db.fetch_one(SELECT_INTENT, (intent_id,))\n"
    "OperationalError: server closed the connection unexpectedly\n"
)


def breaks_off(*operations: str, when: Callable[[Said], object] = bool) -> Maker:
    """Sends the first half of (such) an answer, and says that it is all."""

    def altered(asked: Asked, said: Said) -> None:
        if when(said):
            said.body = said.body[: len(said.body) // 2]

    return says(altered, *operations)


def flaps(status: int, *operations: str) -> Maker:
    """Is out of order every second time that such an operation is asked of an intent; it carries nothing out then."""

    def make() -> Lie:
        asked_for: dict[tuple[str, str], int] = {}

        def lie(asked: Asked, serve: Serve) -> Said:
            if asked.operation not in operations:
                return serve(asked)
            here = (asked.operation, asked.intent)
            times = asked_for[here] = asked_for.get(here, 0) + 1
            return serve(asked) if times % 2 else out_of_order(status)

        return lie

    return make


def out_of_order(status: int) -> Said:
    """What stands before the server says while that is away."""
    return Said(status, {"Content-Type": "application/json"}, json.dumps({"message": "upstream unavailable"}).encode())


def lags(*operations: str) -> Maker:
    """Reads from a copy that lags: shows an intent, the first time after these operations, as it was before."""

    def make() -> Lie:
        before: dict[str, Said] = {}

        def lie(asked: Asked, serve: Serve) -> Said:
            if asked.operation in operations:
                found = serve(asked.retrieving())
                if found.succeeded:
                    before[asked.intent] = found
            if asked.operation == "retrieve" and asked.intent in before:
                return before.pop(asked.intent)
            return serve(asked)

        return lie

    return make


def stores_late() -> Maker:
    """Does not find an intent the first time that it is retrieved, but for the first intent of all."""

    def make() -> Lie:
        found: set[str] = set()

        def lie(asked: Asked, serve: Serve) -> Said:
            if asked.operation == "retrieve" and asked.intent not in found:
                found.add(asked.intent)
                if len(found) > 1:
                    return serve(replace(asked, path=asked.path.replace(asked.intent, "nobodys")))
            return serve(asked)

        return lie

    return make


def falls_over(*operations: str, when: int = 400) -> Maker:
    """Shows a stack trace, in text, where it should refuse with the status ``when``."""

    def altered(asked: Asked, said: Said) -> None:
        if said.status == when:
            said.status, said.body = 500, _TRACE.encode()
            said.headers["Content-Type"] = "text/plain"

    return says(altered, *operations)
