"""Rules on the shape of intents and errors, by the contract's JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conformance.contract.validation import SchemaError
from conformance.evidence.exchange import UNREADABLE
from conformance.rules.judge import Bench, Judgements, each, finding, held, rule
from conformance.sighting import Sighting, is_masked, resolve


def _path(error: SchemaError) -> tuple[str, ...]:
    return tuple(str(part) for part in error.path)


@dataclass(frozen=True)
class _Claim:
    """A member that a row names, and the operations that the row speaks of (empty: all)."""

    path: tuple[str, ...]
    operations: tuple[str, ...]

    def holds(self, sighting: Sighting) -> bool:
        return not self.operations or sighting.operation in self.operations


def _claims(bench: Bench, check: str, schema: str = "") -> list[_Claim]:
    """The members that rows of this check name one by one; the ``rest`` row leaves them alone."""
    rows = bench.contract.requirements.values()
    return [
        _Claim(tuple(member.replace(".", "/").split("/")), each(row.args.get("operation")))
        for row in rows
        if row.check == check and row.args.get("schema", "") == schema
        for member in row.args.get("members", ())
    ]


def _wanted(
    errors: Iterable[SchemaError], claims: Iterable[_Claim], members: Sequence[str], rest: bool
) -> list[SchemaError]:
    own = {tuple(member.replace(".", "/").split("/")) for member in members}
    chosen = []
    for error in errors:
        path = _path(error)
        claimed_by = [claim.path for claim in claims if path[: len(claim.path)] == claim.path]
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
    claims: Iterable[_Claim],
    members: Sequence[str],
    rest: bool,
) -> Judgements:
    errors = bench.schema_errors(schema, document)
    if errors and sighting.foreign:
        errors = [error for error in errors if not is_masked(error.actual)]
    wrong = errors and _wanted(errors, [claim for claim in claims if claim.holds(sighting)], members, rest)
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
    operation: str | Sequence[str] | None = None,
) -> Judgements:
    """Every intent seen (by these operations) agrees with a schema file, at these members or all that no row names."""
    claims = _claims(bench, "schema", schema)
    for sighting in seen:
        if not _known_since(sighting, since) or (operation and sighting.operation not in each(operation)):
            continue
        if rest and sighting.operation and sighting.succeeded and not _is_one(sighting):
            documented = "a JSON object"
            yield finding(
                sighting, documented, "no JSON" if sighting.body is UNREADABLE else type(sighting.body).__name__
            )
        for intent in sighting.intents:
            yield from _judge(sighting, bench, schema, intent, claims, members, rest)


def _is_one(sighting: Sighting) -> bool:
    """Whether the body is one object where the contract promises one intent.

    A search, where the contract does not hold it, looks like a retrieve and rightly answers a list inside an object.
    """
    if not sighting.contract.operations[sighting.operation].shows_one:
        return True
    return isinstance(sighting.body, Mapping) and (sighting.operation == "retrieve" or bool(sighting.intents))


@rule
def list_schema(
    seen: Sequence[Sighting],
    bench: Bench,
    operation: str = "list",
    members: Sequence[str] = (),
    rest: bool = False,
) -> Judgements:
    """The body of every success of the operation agrees with the schema of its list, at these members or at the rest.

    The items are judged one by one as intents, by ``schema``.
    """
    schema = bench.contract.operations[operation].response_schema
    claims = [claim for claim in _claims(bench, "list_schema") if (claim.operations or ("list",)) == (operation,)]
    for sighting in seen:
        if sighting.operation == operation and sighting.succeeded:
            yield from _judge(sighting, bench, schema, sighting.body, claims, members, rest)


@rule
def error_schema(seen: Sequence[Sighting], bench: Bench, members: Sequence[str] = (), rest: bool = False) -> Judgements:
    """Every refusal's body agrees with ``error.schema.json``, at these members of the error (or at the rest)."""
    envelope = bench.contract.settings["errors"].get("object", "").strip("/")
    prefix = tuple(envelope.split("/")) if envelope else ()
    claims = [replace(claim, path=prefix + claim.path) for claim in _claims(bench, "error_schema")]
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
