"""Rules on how an intent moves from status to status, by ``lifecycle.toml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from conformance.contract import Contract
from conformance.contract.lifecycle import moves_from
from conformance.rules.judge import Bench, Judgements, finding, held, rule
from conformance.sighting import Sighting


def _statuses(seen: Sequence[Sighting], bench: Bench) -> Iterator[tuple[Sighting, tuple[str, str], str]]:
    """Each (sighting, intent, status), the intent told apart by recording, for ids repeat between recordings."""
    members = bench.contract.settings["members"]
    for sighting in seen:
        if sighting.replayed:
            continue
        shown: tuple[Mapping[str, Any], ...] = sighting.intents
        if sighting.embedded is not None:
            shown = (*shown, sighting.embedded)
        for intent in shown:
            status = intent.get(members["status"])
            identifier = intent.get(members["id"])
            if sighting.operation and sighting.intent and identifier != sighting.intent:
                continue  # not the intent that was asked for; other rows see to that
            if isinstance(identifier, str) and isinstance(status, str) and status in bench.contract.statuses:
                yield sighting, (sighting.recording, identifier), status


def _outcomes(contract: Contract, operation: str, before: str | None) -> set[str]:
    """The statuses that a documented success of ``operation`` may show, from ``before`` or, if None, from anywhere."""
    statuses = contract.statuses if before is None else (before,)
    found: set[str] = set()
    for status in statuses:
        for move in contract.transitions.values():
            if move.operation == operation and (not move.sources or status in move.sources):
                found.update(move.targets(status), move.via)
        moves = moves_from(contract, operation, status)
        if before is None and operation != "create" and not any(move.targets(status) for move in moves):
            found.add(status)  # no success is documented from there: another request may have left it as it was
    return found


@rule
def legal_transitions(seen: Sequence[Sighting], bench: Bench) -> Judgements:
    """A successful operation shows a status that the provider documents for it from the status before.

    Of operations at the same time nobody knows which status was there before them, nor which is there afterwards.
    """
    contract, last = bench.contract, bench.memory
    for sighting, intent, status in _statuses(seen, bench):
        before, until = last.get(intent, (None, 0.0))
        if _began_before(sighting, until):
            before = None
            last[intent] = None, max(until, sighting.exchange.ended)
        else:
            last[intent] = status, sighting.exchange.ended
        if not sighting.succeeded or not sighting.operation or contract.operations[sighting.operation].reads:
            continue
        allowed = _outcomes(contract, sighting.operation, before)
        if sighting.foreign and before and allowed:
            others = _reachable(contract, before)  # who recorded need not have recorded all that happened
            allowed = allowed.union(*(_outcomes(contract, sighting.operation, one) or {one} for one in others))
        if sighting.operation == "create" and str(sighting.asked.get("confirm")).lower() == "true":
            allowed = allowed.union(*(_outcomes(contract, "confirm", new) for new in allowed))
        if not allowed:
            continue  # nothing is documented from there
        if status in allowed or (status == before and before in contract.terminal):
            yield held(sighting)
        else:
            start = f" from {before}" if before and sighting.operation != "create" else ""
            yield finding(sighting, f"{sighting.operation}{start} leads to {' or '.join(sorted(allowed))}", status)


def _began_before(sighting: Sighting, moment: float) -> bool:
    """Whether the request was sent before a moment, in seconds; not where its time is not known, or only roughly."""
    return not sighting.foreign and 0 < sighting.exchange.started < moment


def _reachable(contract: Contract, status: str) -> set[str]:
    """The statuses that an intent in ``status`` may come to, whoever acts on it; itself among them."""
    found, new = {status}, [status]
    while new:
        start = new.pop()
        for move in contract.transitions.values():
            if start in move.sources:
                ends = {*move.targets(start), *move.via, *move.leaves} - found
                found |= ends
                new += ends
    return found


@rule
def terminal_status_stays(seen: Sequence[Sighting], bench: Bench) -> Judgements:
    """An intent that has reached a terminal status keeps it; what was asked before that was known may show another."""
    ended = bench.memory
    for sighting, intent, status in _statuses(seen, bench):
        if sighting.foreign and sighting.operation == "create":
            ended.pop(intent, None)  # a masked id, which stands for several intents, or an answer given again
        if intent in ended and ended[intent][1] != sighting.number:
            earlier, number, until = ended[intent]
            if _began_before(sighting, until):
                continue
            yield (
                held(sighting)
                if status == earlier
                else finding(sighting, f"still {earlier}, as in exchange {number}", status)
            )
        elif status in bench.contract.terminal:
            ended[intent] = (status, sighting.number, sighting.exchange.ended)


@rule
def reading_changes_nothing(seen: Sequence[Sighting], bench: Bench) -> Judgements:
    """Two reads of an intent, one right after the other, show the same status and money.

    Only of a run of our own: in a recording, others may have acted in between. Not of an intent that moves by itself or
    waits for its payer.
    """
    members = bench.contract.settings["members"]
    action = members.get("next_action_url", "/").split("/")[1]
    names = {members[name] for name in ("status", "amount_received", "amount_capturable", "payment") if name in members}
    last = [bench.memory["last"]] if "last" in bench.memory else []
    for earlier, later in pairwise([*last, *seen]):
        first, second = earlier.exchange, later.exchange
        if later.recording != earlier.recording:
            continue  # a folder's files are read by name, whatever happened between them
        if _began_before(later, first.ended):
            continue
        if later.number != earlier.number + 1 or (second.credential, second.request) != ("test", first.request):
            continue
        if later.operation != "retrieve" or not earlier.intents or not later.intents:
            continue
        before, after = earlier.intents[0], later.intents[0]
        if before.get(members["status"]) in bench.contract.passing or before.get(action):
            continue
        changed = [name for name in sorted({*names, "amount"}) if before.get(name) != after.get(name)]
        for name in changed:
            yield finding(later, f"{name} as a moment before: {before.get(name)!r}", after.get(name), f"/{name}")
        if not changed:
            yield held(later)
    if seen:
        bench.memory["last"] = seen[-1]
