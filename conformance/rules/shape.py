"""Rules on the shape of intents and errors, by the contract's JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from conformance.contract.validation import SchemaError
from conformance.evidence.exchange import UNREADABLE
from conformance.rules.judge import Bench, Judgements, finding, held, rule
from conformance.sighting import Sighting, resolve


def _path(error: SchemaError) -> tuple[str, ...]:
    return tuple(str(part) for part in error.path)


def _claims(bench: Bench, check: str, schema: str) -> list[tuple[str, ...]]:
    """The members that rows of this check name one by one; the ``rest`` row leaves them alone."""
    rows = bench.contract.requirements.values()
    return [
        tuple(member.replace(".", "/").split("/"))
        for row in rows
        if row.check == check and row.args.get("schema", "error") == schema
        for member in row.args.get("members", ())
    ]


def _wanted(
    errors: Iterable[SchemaError], claims: list[tuple[str, ...]], members: Sequence[str], rest: bool
) -> list[SchemaError]:
    own = {tuple(member.replace(".", "/").split("/")) for member in members}
    chosen = []
    for error in errors:
        path = _path(error)
        claimed_by = [claim for claim in claims if path[: len(claim)] == claim]
        closest = max(claimed_by, key=len, default=None)
        if (closest is None and rest) or (closest is not None and closest in own):
            chosen.append(error)
    return chosen


def _known_since(sighting: Sighting, since: str) -> bool:
    """Whether the exchange names a version and it is not older; versions begin with their date."""
    return not since or (bool(sighting.api_version) and sighting.api_version[:10] >= since[:10])


def _judge(
    sighting: Sighting,
    bench: Bench,
    schema: str,
    document: Any,
    claims: list[tuple[str, ...]],
    members: Sequence[str],
    rest: bool,
) -> Judgements:
    wrong = _wanted(bench.schema_errors(schema, document), claims, members, rest)
    for error in wrong:
        yield finding(sighting, error.expected, error.actual, error.pointer)
    if not wrong and (rest or any(_has(document, member) for member in members)):
        yield held(sighting)


def _has(document: Any, member: str) -> bool:
    """Whether the member is there, be it null."""
    *holders, last = member.replace(".", "/").split("/")
    holder = resolve(document, "".join(f"/{part}" for part in holders)) if holders else document
    return isinstance(holder, Mapping) and last in holder


@rule
def schema(
    seen: Sequence[Sighting],
    bench: Bench,
    schema: str,
    members: Sequence[str] = (),
    rest: bool = False,
    since: str = "",
) -> Judgements:
    """Every intent seen agrees with a schema file, at these members (or at all that no other row names)."""
    claims = _claims(bench, "schema", schema)
    for sighting in seen:
        if not _known_since(sighting, since):
            continue
        if rest and sighting.operation and sighting.succeeded and not _is_one(sighting):
            documented = "a JSON object"
            yield finding(
                sighting, documented, "no JSON" if sighting.body is UNREADABLE else type(sighting.body).__name__
            )
        for intent in sighting.intents:
            yield from _judge(sighting, bench, schema, intent, claims, members, rest)


def _is_one(sighting: Sighting) -> bool:
    """Whether the body is one object, as an intent is.

    A search, which the contract does not hold, looks like a retrieve and rightly answers with a list inside an object.
    """
    return isinstance(sighting.body, Mapping) and (sighting.operation == "retrieve" or bool(sighting.intents))


@rule
def error_schema(seen: Sequence[Sighting], bench: Bench, members: Sequence[str] = (), rest: bool = False) -> Judgements:
    """Every refusal's body agrees with ``error.schema.json``, at these members of the error (or at the rest)."""
    envelope = bench.contract.settings["errors"].get("object", "").strip("/")
    prefix = tuple(envelope.split("/")) if envelope else ()
    claims = [prefix + claim for claim in _claims(bench, "error_schema", "error")]
    own = ["/".join((*prefix, *member.replace(".", "/").split("/"))) for member in members]
    for sighting in seen:
        if not 400 <= sighting.response.status < 500:
            continue
        if isinstance(sighting.body, Mapping):
            yield from _judge(sighting, bench, "error", sighting.body, claims, own, rest)
        elif rest:
            yield finding(
                sighting, "an error object in JSON", "no JSON" if sighting.body is UNREADABLE else sighting.body
            )
