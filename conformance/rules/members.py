"""Rules on single members of an intent: when they are set, what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from conformance.evidence.forms import decode_form
from conformance.rules.judge import Bench, Judgements, each, finding, held, rule
from conformance.sighting import Sighting, is_masked, resolve

Names = str | Sequence[str]


def _pointer(member: str) -> str:
    return "/" + member.replace(".", "/").lstrip("/")


def _chosen(
    seen: Sequence[Sighting],
    bench: Bench,
    status: Names | None = None,
    operation: Names | None = None,
    since: str = "",
    unconfirmed: bool = False,
) -> Iterator[tuple[Sighting, Mapping[str, Any]]]:
    """The intents that a row speaks of. ``unconfirmed``: right after a create that did not confirm."""
    member = bench.contract.settings["members"]["status"]
    for sighting in seen:
        if not sighting.in_full:
            continue  # a publishable key is shown less; rows on that have checks of their own
        if operation and sighting.operation not in each(operation):
            continue
        if unconfirmed and (sighting.operation != "create" or _true(sighting.asked.get("confirm"))):
            continue
        if since and (not sighting.api_version or sighting.api_version[:10] < since[:10]):
            continue
        for intent in sighting.intents:
            if not status or intent.get(member) in each(status):
                yield sighting, intent


def _true(value: Any) -> bool:
    return value is True or value == "true"


@rule
def member_set(
    seen: Sequence[Sighting],
    bench: Bench,
    members: Names,
    status: Names | None = None,
    operation: Names | None = None,
    since: str = "",
) -> Judgements:
    """The members are there and not null."""
    for sighting, intent in _chosen(seen, bench, status, operation, since):
        for member in each(members):
            value = resolve(intent, _pointer(member))
            if value is None or value == "":
                told = "empty text" if value == "" else _absent_or(intent, member)
                yield finding(sighting, f"{member} is set", told, _pointer(member))
            else:
                yield held(sighting)


@rule
def member_unset(
    seen: Sequence[Sighting],
    bench: Bench,
    members: Names,
    status: Names | None = None,
    operation: Names | None = None,
    since: str = "",
    unconfirmed: bool = False,
) -> Judgements:
    """The members are null or absent."""
    for sighting, intent in _chosen(seen, bench, status, operation, since, unconfirmed):
        for member in each(members):
            value = resolve(intent, _pointer(member))
            yield held(sighting) if value is None else finding(sighting, f"{member} is null", value, _pointer(member))


@rule
def members_present(seen: Sequence[Sighting], bench: Bench, members: Names, since: str = "") -> Judgements:
    """The members are there; null is allowed."""
    for sighting, intent in _chosen(seen, bench, since=since):
        missing = [member for member in each(members) if member not in intent]
        for member in missing:
            yield finding(sighting, f"{member} is present", "absent", _pointer(member))
        if not missing:
            yield held(sighting)


@rule
def members_not_null_when_present(seen: Sequence[Sighting], bench: Bench, members: Names) -> Judgements:
    """Unset members are left out, not null."""
    for sighting, intent in _chosen(seen, bench):
        for member in each(members):
            null = member in intent and intent[member] is None
            yield finding(sighting, f"{member} is absent or set", "null", _pointer(member)) if null else held(sighting)


@rule
def livemode_is_test(seen: Sequence[Sighting], bench: Bench, member: str = "livemode") -> Judgements:
    """An intent made with a test key is no live one."""
    for sighting, intent in _chosen(seen, bench):
        if sighting.exchange.credential == "test" and member in intent:
            found = intent[member]
            yield held(sighting) if found is False else finding(sighting, "false", found, _pointer(member))


@rule
def member_matches(
    seen: Sequence[Sighting], bench: Bench, member: str, pattern: str, required: bool = False
) -> Judgements:
    """The member, where it is text, matches a pattern in which ``{id}`` stands for the intent's id.

    ``required``: it is text. A member that the recording says was masked is left alone.
    """
    identifier = bench.contract.settings["members"]["id"]
    for sighting, intent in _chosen(seen, bench):
        value = intent.get(member)
        if required and not isinstance(value, str):
            yield finding(sighting, f"{member} is text", value, _pointer(member))
        texts = (str(value), str(intent.get(identifier)) if "{id}" in pattern else "")
        masked = member in sighting.exchange.origin.get("redacted", "")
        masked = masked or (sighting.foreign and any(map(is_masked, texts)))
        if isinstance(value, str) and not masked:
            wanted = pattern.replace("{id}", re.escape(str(intent.get(identifier))))
            if re.search(wanted, value):
                yield held(sighting)
            else:
                yield finding(
                    sighting, f"matches {pattern}", f"{value[:4]}… ({len(value)} characters)", _pointer(member)
                )


@rule
def object_named_by(seen: Sequence[Sighting], bench: Bench, member: str, by: str) -> Judgements:
    """An object member holds a sibling object named like its own type."""
    for sighting, intent in _chosen(seen, bench):
        holder = intent.get(member)
        if isinstance(holder, Mapping) and isinstance(holder.get(by), str):
            named = holder[by]
            there = isinstance(holder.get(named), Mapping)
            yield held(sighting) if there else finding(sighting, f"an object {named}", "none", f"/{member}/{named}")


@rule
def created_is_now(seen: Sequence[Sighting], bench: Bench, member: str = "created", within: float = 300) -> Judgements:
    """A new intent's time of creation lies within so many seconds of the clock: seconds since the epoch, or RFC 3339.

    Only of a run of our own: the times of a recording may be those of its file. A stored answer shows an earlier time.
    """
    for sighting, intent in _chosen(seen, bench, operation="create"):
        value, seconds = intent.get(member), _seconds(intent.get(member))
        if not sighting.replayed and sighting.exchange.credential == "test" and seconds is not None:
            near = abs(seconds - int(sighting.exchange.ended)) <= within
            told = f"within {within:g} s of the time of the call"
            told += ", in seconds since the epoch" if isinstance(value, int) else ""
            yield held(sighting) if near else finding(sighting, told, value, _pointer(member))


def _seconds(moment: Any) -> float | None:
    """A moment in seconds since the epoch; None where it is neither a whole number nor text with an offset."""
    if isinstance(moment, int) and not isinstance(moment, bool):
        return moment
    if isinstance(moment, str):
        with suppress(ValueError):
            found = datetime.fromisoformat(moment)
            return found.timestamp() if found.tzinfo else None
    return None


@rule
def member_absent_after(seen: Sequence[Sighting], bench: Bench, member: str, operations: Names) -> Judgements:
    """The member is not shown by these operations."""
    for sighting, intent in _chosen(seen, bench, operation=operations):
        shown = intent.get(member) is not None
        yield finding(sighting, f"no {member}", "present", _pointer(member)) if shown else held(sighting)


@rule
def references_unexpanded(seen: Sequence[Sighting], bench: Bench, members: Names) -> Judgements:
    """Where nothing was asked to be expanded, members that refer to other objects hold an id or null."""
    for sighting, intent in _chosen(seen, bench):
        if "expand" in sighting.asked or "expand" in decode_form(sighting.exchange.request.query.encode()):
            continue
        for member in each(members):
            if member in intent:
                value = intent[member]
                plain = value is None or isinstance(value, str)
                told = f"an object ({type(value).__name__})"
                yield held(sighting) if plain else finding(sighting, "an id or null", told, _pointer(member))


def _absent_or(intent: Mapping[str, Any], member: str) -> str:
    return "null" if member in intent and intent[member] is None else "absent"
