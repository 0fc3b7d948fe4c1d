"""What goes wrong only under load: with many keys, many creates at once, or after many requests. A soak finds these."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from conformance.reference.idempotency import Execute
from conformance.reference.model import Answer, Call
from conformance.reference.policies import Policies
from conformance.reference.store import Store
from conformance.reference.wire import Asked, Said, Serve

from .fault import Change, Fault, altered, tells
from .key_policies import remembers_keys
from .lies import Maker

KEYS = 10_000  # that are remembered
HANDLES = 20_000  # requests for which there is one
WORK = 5e-5  # seconds for each intent that is there


def takes_ids_from_the_clock(ticks: float = 1000.0) -> Change:
    """Makes the id of a new intent from the clock alone, which ticks so often in a second."""

    def change(policies: Policies) -> Policies:
        right = policies.identifiers

        def intent() -> str:
            prefix, mark, rest = right.intent().rpartition("_")
            return f"{prefix}{mark}{int(time.time() * ticks):0{len(rest)}d}"

        return replace(policies, identifiers=replace(right, intent=intent))

    return change


def runs_out_of_handles(handles: int) -> Maker:
    """Takes a handle for each request and gives none back; without one there is only a server error."""

    def make() -> Callable[[Asked, Serve], Said]:
        taken = 0

        def lie(asked: Asked, serve: Serve) -> Said:
            nonlocal taken
            taken += 1
            said = serve(asked)
            if taken > handles:
                said.status, said.json = 500, {"error": {"type": "api_error", "message": "out of handles"}}
            return said

        return lie

    return make


def looks_through_all_intents(seconds: float) -> Change:
    """Looks through all intents that there are with each request, and takes so long for each of them."""

    def change(policies: Policies) -> Policies:
        right = policies.idempotency

        def idempotency(store: Store, call: Call, now: float, execute: Execute) -> Answer:
            time.sleep(seconds * len(store.intents))
            return right(store, call, now, execute)

        return replace(policies, idempotency=idempotency)

    return change


def _of(prefix: str, again: str, differ: str, errors: str) -> list[Fault]:
    return [
        altered(prefix, "remembers_ten_thousand_keys", remembers_keys(KEYS), again),
        altered(prefix, "takes_ids_from_the_clock", takes_ids_from_the_clock(), differ),
        altered(prefix, "runs_out_of_handles", tells(runs_out_of_handles(HANDLES)), errors),
        altered(prefix, "looks_through_all_intents", looks_through_all_intents(WORK), ""),
    ]


LOADED = {
    "stripe": _of("STR", "238", "290", "192"),
    "revkeen": _of("RVK", "179", "210", "155"),
    "paypercut": _of("PPC", "159", "200", "142"),
}
