"""Rules on refusals: the members of the error object and how they go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.rules.judge import Bench, Judgements, each, finding, held, rule
from conformance.sighting import Sighting

Names = str | Sequence[str]


def _errors(seen: Sequence[Sighting]) -> Iterator[tuple[Sighting, Mapping[str, Any]]]:
    for sighting in seen:
        if sighting.error is not None and 400 <= sighting.response.status < 500:
            yield sighting, sighting.error


def _named(bench: Bench, name: str) -> str:
    """Where the contract keeps a neutral member (type, code, param) of its error object."""
    return str(bench.contract.settings["errors"].get(name, name))


@rule
def error_member(
    seen: Sequence[Sighting],
    bench: Bench,
    member: str = "",
    any_of: Sequence[str] = (),
    operation: Names = (),
    credential: Names = (),
    non_empty_string: bool = False,
    values: Sequence[str] | None = None,
    values_from: str = "",
    when_status: Sequence[int] | None = None,
    when_present: bool = False,
) -> Judgements:
    """A member of every error (or one of ``any_of``) is non-empty text, or one of the documented values."""
    allowed: Any = values
    if values_from:
        allowed = bench.contract.settings
        for part in values_from.split("."):
            allowed = allowed[part]
    for sighting, error in _errors(seen):
        if when_status and sighting.response.status not in when_status:
            continue
        if operation and sighting.operation not in each(operation):
            continue
        if credential and sighting.exchange.credential not in each(credential):
            continue
        names = [_named(bench, name) for name in any_of or (member,)]
        value = next((error[name] for name in names if error.get(name) is not None), None)
        if when_present and value is None:
            continue
        shown_name = " or ".join(names)
        at = f"{bench.contract.settings['errors'].get('object', '')}/{names[0]}"
        if non_empty_string and not (isinstance(value, str) and value.strip()):
            yield finding(sighting, f"{shown_name} is non-empty text", "absent" if value is None else value, at)
        elif allowed is not None and value not in allowed:
            shown = " or ".join(allowed) if len(allowed) <= 8 else f"one of the {len(allowed)} published values"
            yield finding(sighting, f"{shown_name} is {shown}", "absent" if value is None else value, at)
        else:
            yield held(sighting)


@rule
def error_type(seen: Sequence[Sighting], bench: Bench, statuses: Sequence[int], types: Sequence[str]) -> Judgements:
    """Errors with these statuses have one of these types."""
    for sighting, error in _errors(seen):
        if sighting.response.status in statuses:
            found = error.get(_named(bench, "type"))
            yield held(sighting) if found in types else finding(sighting, f"type {' or '.join(types)}", found)


@rule
def error_status(seen: Sequence[Sighting], bench: Bench, types: Sequence[str], statuses: Sequence[int]) -> Judgements:
    """Errors of these types have one of these statuses; an error of another type agrees."""
    for sighting, error in _errors(seen):
        status, found = sighting.response.status, error.get(_named(bench, "type"))
        if found in types and status not in statuses:
            expected = "HTTP " + " or ".join(str(one) for one in statuses)
            yield finding(sighting, f"{expected} with type {found}", f"HTTP {status}")
        else:
            yield held(sighting)


@rule
def error_implies(seen: Sequence[Sighting], bench: Bench, if_present: str, then_present: str) -> Judgements:
    """Where one member of the error is set, so is another."""
    for sighting, error in _errors(seen):
        if error.get(if_present) is not None:
            there = error.get(then_present) is not None
            yield held(sighting) if there else finding(sighting, f"{then_present} beside {if_present}", "absent")


@rule
def error_only_on_type(seen: Sequence[Sighting], bench: Bench, member: str, types: Names) -> Judgements:
    """A member of the error stands only on these types."""
    for sighting, error in _errors(seen):
        if error.get(member) is not None:
            found = error.get(_named(bench, "type"))
            expected = f"{member} only with type {' or '.join(each(types))}"
            yield held(sighting) if found in each(types) else finding(sighting, expected, f"type {found}")


@rule
def error_lacks_object(seen: Sequence[Sighting], bench: Bench, member: str) -> Judgements:
    """The body of a refusal holds no object under this name: the error is not nested there."""
    for sighting in seen:
        if 400 <= sighting.response.status < 500 and isinstance(sighting.body, Mapping):
            nested = isinstance(sighting.body.get(member), Mapping)
            told = f"no object under {member}"
            yield finding(sighting, told, "an object", f"/{member}") if nested else held(sighting)


@rule
def errors_alike(seen: Sequence[Sighting], bench: Bench) -> Judgements:
    """JSON error bodies have the same top-level members, whatever was asked."""
    for sighting in seen:
        if not 400 <= sighting.response.status < 500 or not isinstance(sighting.body, Mapping):
            continue
        members = sorted(sighting.body)
        number, wanted = bench.memory.setdefault("first", (sighting.number, members))
        if number == sighting.number:
            continue
        if members == wanted:
            yield held(sighting)
        else:
            expected = f"the members {', '.join(wanted)}, as in exchange {number}"
            yield finding(sighting, expected, ", ".join(members) or "none")


@rule
def embedded_intent(seen: Sequence[Sighting], bench: Bench) -> Judgements:
    """An intent inside an error is valid and the one that was asked for."""
    identifier = bench.contract.settings["members"]["id"]
    for sighting in seen:
        if sighting.embedded is None:
            continue
        wrong = bench.schema_errors("payment_intent", sighting.embedded)
        for error in wrong:
            yield finding(sighting, error.expected, error.actual, error.pointer)
        found = sighting.embedded.get(identifier)
        if sighting.intent and found != sighting.intent:
            yield finding(sighting, f"{identifier} {sighting.intent}", found)
        elif not wrong:
            yield held(sighting)
