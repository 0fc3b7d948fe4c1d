"""Rules on the answer as HTTP: status, media type, headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.evidence.exchange import UNREADABLE
from conformance.rules.judge import Bench, Judgements, finding, held, rule
from conformance.sighting import Sighting, is_masked


@rule
def success_status(seen: Sequence[Sighting], bench: Bench, operation: str) -> Judgements:
    """A successful answer to the operation carries a status that the provider documents."""
    documented = bench.contract.operations[operation].success_statuses
    expected = "HTTP " + " or ".join(str(status) for status in documented)
    for sighting in seen:
        if sighting.operation == operation and sighting.succeeded:
            status = sighting.response.status
            yield held(sighting) if status in documented else finding(sighting, expected, f"HTTP {status}")


def _with_headers(seen: Sequence[Sighting]) -> Iterator[Sighting]:
    """Those whose headers are known: a recording of others that holds none of an answer has left them out."""
    return (sighting for sighting in seen if sighting.response.headers or not sighting.foreign)


@rule
def json_content_type(seen: Sequence[Sighting], bench: Bench) -> Judgements:
    """Every answer of the API is declared as JSON."""
    for sighting in _with_headers(seen):
        declared = (sighting.response.header("content-type") or "").lower()
        if declared.startswith("application/json") or sighting.response.status >= 500:
            yield held(sighting)
        else:
            yield finding(sighting, "Content-Type application/json", declared or "no Content-Type")


@rule
def json_errors(seen: Sequence[Sighting], bench: Bench) -> Judgements:
    """The body of every refusal is a JSON object."""
    for sighting in seen:
        if 400 <= sighting.response.status < 600:
            body = sighting.body
            told = "no JSON" if body is UNREADABLE else type(body).__name__
            yield held(sighting) if isinstance(body, dict) else finding(sighting, "a JSON object", told)


@rule
def no_server_errors(seen: Sequence[Sighting], bench: Bench) -> Judgements:
    """No request is answered with a server error."""
    for sighting in seen:
        status = sighting.response.status
        yield finding(sighting, "no HTTP 5xx", f"HTTP {status}") if status >= 500 else held(sighting)


@rule
def header_present(
    seen: Sequence[Sighting],
    bench: Bench,
    header: str,
    when_status: Sequence[int] = (),
    except_status: Sequence[int] = (),
) -> Judgements:
    """Every answer (of these statuses, but not of those) carries a header."""
    for sighting in _with_headers(seen):
        status = sighting.response.status
        if (when_status and status not in when_status) or status in except_status:
            continue
        found = sighting.response.header(header)
        yield held(sighting) if found else finding(sighting, f"a header {header}", "none")


@rule
def header_echoes(seen: Sequence[Sighting], bench: Bench, header: str, except_status: Sequence[int] = ()) -> Judgements:
    """Where a request sends a header, the answer (but of those statuses) carries it with the same value."""
    for sighting in _with_headers(seen):
        if sighting.response.status in except_status:
            continue
        sent, found = sighting.exchange.request.header(header), sighting.response.header(header)
        if sent is not None and not (sighting.foreign and any(map(is_masked, (sent, found or "")))):
            yield held(sighting) if sent == found else finding(sighting, f"{header}: {sent}", found or "no such header")


@rule
def header_values(
    seen: Sequence[Sighting], bench: Bench, header: str, values: Sequence[str], when_status: Sequence[int] = ()
) -> Judgements:
    """Where an answer (of these statuses) carries the header, its value is one of these."""
    for sighting in seen:
        found = sighting.response.header(header)
        if found is None or (when_status and sighting.response.status not in when_status):
            continue
        expected = f"{header}: {' or '.join(values)}"
        yield held(sighting) if found in values else finding(sighting, expected, found)
