"""Rules on what an intent's id stands for: one intent, which stays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from conformance.rules.judge import Bench, Judgements, finding, held, rule
from conformance.sighting import Sighting

_UNKNOWN = 404


@rule
def ids_differ(seen: Sequence[Sighting], bench: Bench, member: str = "") -> Judgements:
    """Creates that are not repetitions of one another give intents with different ids.

    Under one idempotency key, in the contract's header or in the ``member`` of the body, a create is the same one; so
    is one without a key that asks for the same. Only of a run of our own: recordings put one id in many's place.
    """
    for sighting in seen:
        if sighting.foreign or sighting.operation != "create" or not sighting.succeeded or sighting.replayed:
            continue
        for intent in sighting.intents:
            identifier = intent.get(bench.contract.settings["members"]["id"])
            if not isinstance(identifier, str):
                continue
            name, asked = _place(sighting, identifier), _request(sighting, member)
            first, number = bench.memory.get(name, (asked, 0))
            if first == asked:
                bench.memory[name] = asked, number or sighting.number
                yield held(sighting)
            else:
                other = f"an id of its own: exchange {number}, another create, shows this one"
                yield finding(sighting, other, identifier, f"/{bench.contract.settings['members']['id']}")


def _place(sighting: Sighting, identifier: str) -> bytes:
    """An id within the world that it belongs to, in few bytes."""
    return hashlib.blake2b(json.dumps([sighting.recording, identifier]).encode(), digest_size=12).digest()


def _request(sighting: Sighting, member: str) -> bytes:
    """What makes a create the same one when it comes again."""
    request = sighting.exchange.request
    header = sighting.contract.settings.get("idempotency", {}).get("header", "")
    key = sighting.asked.get(member) if member else request.header(header) if header else None
    told = ["key", key] if isinstance(key, str) else ["body", request.body.decode("utf-8", "surrogateescape")]
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=12).digest()


@rule
def intents_stay(seen: Sequence[Sighting], bench: Bench, apart: Sequence[str] = ()) -> Judgements:
    """An intent that the own key has been shown is found when that key retrieves it later.

    ``apart`` are headers that choose an account: what was shown with one value need not be found with another. Only of
    a run of our own: in a recording, ids stand for one another.
    """
    identifier = bench.contract.settings["members"]["id"]
    for sighting in seen:
        if sighting.foreign or sighting.exchange.credential != "test":
            continue
        account = [str(sighting.exchange.request.header(name)) for name in apart]
        shown = (sighting.intents[0],) if len(sighting.intents) == 1 else ()
        if sighting.operation == "retrieve" and sighting.response.status in (200, _UNKNOWN):
            name = _shown(sighting, sighting.intent, account)
            if name in bench.memory:
                number, until = bench.memory[name]
                if not 0 < sighting.exchange.started < until:
                    found = sighting.response.status != _UNKNOWN
                    expected = f"the intent that exchange {number} has shown"
                    yield held(sighting) if found else finding(sighting, expected, f"HTTP {_UNKNOWN}")
        for intent in shown:
            _keep(sighting, intent, identifier, account, bench)


def _keep(sighting: Sighting, intent: Mapping[str, object], identifier: str, account: list[str], bench: Bench) -> None:
    """Remembers the intent that an answer is about; those of a list are only mentioned there."""
    operation = bench.contract.operations.get(sighting.operation)
    shown = intent.get(identifier)
    if operation is None or not operation.shows_one or not isinstance(shown, str):
        return
    if sighting.intent in ("", shown):
        name = _shown(sighting, shown, account)
        bench.memory[name] = bench.memory.get(name) or (sighting.number, sighting.exchange.ended)


def _shown(sighting: Sighting, identifier: str, account: list[str]) -> tuple[str, ...]:
    return (sighting.recording, identifier, *account)
