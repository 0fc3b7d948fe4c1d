"""Rules on how an intent moves from status to status, by ``lifecycle.toml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.contract import Contract
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
                origin = sighting.exchange.origin
                recording = origin.get("repo", "") + origin.get("file", "")
                yield sighting, (recording, identifier), status


def _outcomes(contract: Contract, operation: str, before: str | None) -> set[str]:
    """The statuses that a documented success of ``operation`` may show, from ``before`` or, if None, from anywhere."""
    found: set[str] = set()
    for move in contract.transitions.values():
        if move.operation == operation and (before is None or not move.sources or before in move.sources):
            found.update(move.to, move.via)
    return found


@rule
def legal_transitions(seen: Sequence[Sighting], bench: Bench) -> Judgements:
    """A successful operation shows a status that the provider documents for it from the status before."""
    contract, last = bench.contract, dict[tuple[str, str], str]()
    for sighting, intent, status in _statuses(seen, bench):
        before, last[intent] = last.get(intent), status
        if not sighting.succeeded or not sighting.operation or sighting.operation == "retrieve":
            continue
        allowed = _outcomes(contract, sighting.operation, before)
        if sighting.operation == "create" and str(sighting.asked.get("confirm")).lower() == "true":
            allowed |= _outcomes(contract, "confirm", None)
        if not allowed:
            continue  # nothing is documented from there
        if status in allowed or (status == before and before in contract.terminal):
            yield held(sighting)
        else:
            start = f" from {before}" if before and sighting.operation != "create" else ""
            yield finding(sighting, f"{sighting.operation}{start} leads to {' or '.join(sorted(allowed))}", status)


@rule
def terminal_status_stays(seen: Sequence[Sighting], bench: Bench) -> Judgements:
    """An intent that has reached a terminal status keeps it."""
    ended: dict[tuple[str, str], tuple[str, int]] = {}
    for sighting, intent, status in _statuses(seen, bench):
        if intent in ended and ended[intent][1] != sighting.number:
            earlier, number = ended[intent]
            yield (
                held(sighting)
                if status == earlier
                else finding(sighting, f"still {earlier}, as in exchange {number}", status)
            )
        elif status in bench.contract.terminal:
            ended[intent] = (status, sighting.number)
