"""Rules on amounts, all in minor units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.rules.judge import Bench, Judgements, each, finding, held, rule
from conformance.sighting import Sighting, resolve


def wrong_amounts(
    intent: Mapping[str, Any], equal: Mapping[str, Any], positive: Sequence[str], when_present: bool
) -> list[tuple[str, str, Any]]:
    """(member, expected, found) for each amount that differs; an expected text names another member."""
    wrong = []
    for member, value in equal.items():
        expected = intent.get(value) if isinstance(value, str) else value
        if (member in intent or not when_present) and intent.get(member) != expected:
            told = f"{value} ({expected})" if isinstance(value, str) else str(value)
            wrong.append((member, told, intent.get(member)))
    for member in positive:
        found = intent.get(member)
        if (member in intent or not when_present) and not (isinstance(found, int) and found > 0):
            wrong.append((member, "more than 0", found))
    return wrong


@rule
def amounts(
    seen: Sequence[Sighting],
    bench: Bench,
    status: str | Sequence[str],
    equal: Mapping[str, Any] | None = None,
    positive: Sequence[str] = (),
    when_present: bool = False,
    operation: str | Sequence[str] | None = None,
) -> Judgements:
    """In these statuses an intent's amounts are as documented."""
    member = bench.contract.settings["members"]["status"]
    for sighting in seen:
        if not sighting.in_full:
            continue  # a publishable key is shown less
        if operation and sighting.operation not in each(operation):
            continue
        for intent in sighting.intents:
            if intent.get(member) not in each(status):
                continue
            if when_present and not any(name in intent for name in (*(equal or {}), *positive)):
                continue  # it shows none of the amounts
            wrong = wrong_amounts(intent, equal or {}, positive, when_present)
            for name, expected, found in wrong:
                yield finding(sighting, f"{name} = {expected}", found, f"/{name}")
            if not wrong:
                yield held(sighting)


def _amount(intent: Mapping[str, Any], member: str | None) -> int | None:
    """The amount of that name; None where the intent shows none."""
    value = intent.get(member) if member else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@rule
def money_conserved(seen: Sequence[Sighting], bench: Bench, unless: Mapping[str, Any] | None = None) -> Judgements:
    """What was received and what can still be captured never exceed the amount together.

    ``unless`` names pointers into the intent and the values with which it may be otherwise.
    """
    members = bench.contract.settings["members"]
    names = (members.get("amount_received"), members.get("amount_capturable"))
    for sighting in seen:
        for intent in sighting.intents:
            whole, parts = _amount(intent, "amount"), [_amount(intent, name) for name in names]
            if whole is None or None in parts:
                continue
            if any(resolve(intent, pointer) == value for pointer, value in (unless or {}).items()):
                continue
            total = sum(part for part in parts if part is not None)
            expected = f"{' + '.join(map(str, names))} at most the amount {whole}"
            yield held(sighting) if total <= whole else finding(sighting, expected, total, f"/{names[0]}")


@rule
def nothing_received_before_capture(
    seen: Sequence[Sighting], bench: Bench, statuses: str | Sequence[str]
) -> Judgements:
    """In these statuses no money has been received yet."""
    members = bench.contract.settings["members"]
    received = members["amount_received"]
    for sighting in seen:
        for intent in sighting.intents:
            found = _amount(intent, received)
            if found is not None and intent.get(members["status"]) in each(statuses):
                told = f"{received} = 0 while {intent[members['status']]}"
                yield held(sighting) if found == 0 else finding(sighting, told, found, f"/{received}")


@rule
def settled_money_stays(seen: Sequence[Sighting], bench: Bench) -> Judgements:
    """While an intent is in a terminal status, what was received for it and the payment that it names stay as they are.

    Only of a run of our own: in a recording, one id stands for many. What was asked before that was known, and what a
    stored answer shows, may be otherwise. Of lists, of another intent than was asked for, and of a status that does not
    stay, other rows see to it.
    """
    members, operations = bench.contract.settings["members"], bench.contract.operations
    names = [members[name] for name in ("amount_received", "payment") if name in members]
    for sighting in seen:
        operation = operations.get(sighting.operation)
        if sighting.foreign or sighting.replayed or not sighting.in_full or not (operation and operation.shows_one):
            continue
        for intent in sighting.intents:
            identifier, status = intent.get(members["id"]), intent.get(members["status"])
            if not isinstance(identifier, str) or sighting.intent not in ("", identifier):
                continue
            if not isinstance(status, str) or status not in bench.contract.terminal:
                continue
            shown = {name: intent[name] for name in names if isinstance(intent.get(name), str | int)}
            started = sighting.exchange.started
            number, until, was, before = bench.memory.get((identifier, sighting.recording), (0, 0.0, status, shown))
            if was != status:
                continue
            if number and not 0 < started < until:
                wrong = [name for name in shown if before.get(name, shown[name]) != shown[name]]
                for name in wrong:
                    as_before = f"{name} = {before[name]!r}, as in exchange {number}, when it was {status}"
                    yield finding(sighting, as_before, shown[name], f"/{name}")
                if not wrong:
                    yield held(sighting)
            bench.memory[identifier, sighting.recording] = (
                number or sighting.number,
                until or sighting.exchange.ended,
                status,
                {**shown, **before},
            )
