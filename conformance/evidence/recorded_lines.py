"""Recordings of one JSON object a line: our own histories, and exchanges that others collected."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO

from conformance.evidence.exchange import Exchange, Headers, Request, Response, header
from conformance.evidence.forms import encode_form
from conformance.evidence.history import from_line

# Longer lines hold no exchange, and one endless line must not fill the memory.
_MAX_LINE = 64 * 1024 * 1024
# Members that the exchange itself holds; all others that are plain values say where it comes from.
_HELD = frozenset(
    {
        "method", "path", "query", "request_headers", "request_body", "request_params",
        "response_status", "response_headers", "response_body",
    }
)  # fmt: skip


def lines(stream: BinaryIO) -> Iterator[Any]:
    """Each decoded line, blank ones aside; None for a line that is not JSON. Raises ValueError for an endless one."""
    while line := stream.readline(_MAX_LINE + 1):
        if len(line) > _MAX_LINE:
            raise ValueError(f"a line is longer than {_MAX_LINE} bytes")
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield None


def from_recorded_line(line: Any) -> Exchange:
    """The exchange of one line, its number still to be given. Raises ValueError, TypeError or KeyError at none."""
    if "history" in line:
        return from_line(line)
    started = epoch(line.get("recorded_at"))
    status = line["response_status"]
    response_headers = _headers(line.get("response_headers"))
    origin = {name: _plain(value) for name, value in line.items() if name not in _HELD and _is_plain(value)}
    return Exchange(
        number=0,
        request=_request(line),
        response=None if status is None else Response(int(status), response_headers, _body(line["response_body"])),
        scenario=origin.get("file", ""),
        failure="no answer was recorded" if status is None else "",
        started=started,
        ended=started,
        origin=origin,
    )


def is_hand_edited(line: Any) -> bool:
    """Whether its authors changed what was recorded, so that it shows nobody's behaviour."""
    return isinstance(line, Mapping) and bool(line.get("hand_edited"))


def epoch(moment: Any) -> float:
    """Seconds since the epoch of an ISO 8601 time or an HTTP date; 0.0 where it is neither."""
    if not isinstance(moment, str):
        return 0.0
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            parsed = parse(moment)
        except ValueError:
            continue
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    return 0.0


def _request(line: Mapping[str, Any]) -> Request:
    query = line.get("query")
    path = str(line["path"])
    if query:
        path += "?" + (query if isinstance(query, str) else encode_form(query).decode("ascii"))
    headers = _headers(line.get("request_headers"))
    body = _body(line.get("request_body"))
    params = line.get("request_params")
    if not body and params:
        as_json = "json" in (header(headers, "content-type") or "")
        body = _body(params) if as_json else encode_form(params)
    return Request(str(line["method"]).upper(), path, headers, body)


def _headers(recorded: Mapping[str, Any] | None) -> Headers:
    pairs = (recorded or {}).items()
    return tuple((name, str(item)) for name, value in pairs for item in (value if isinstance(value, list) else [value]))


def _body(recorded: Any) -> bytes:
    if recorded is None:
        return b""
    text = recorded if isinstance(recorded, str) else json.dumps(recorded, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, str) for item in value)
    return isinstance(value, str | int | float) and value != ""


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(value)
    return json.dumps(value) if isinstance(value, bool) else str(value)
