"""Rules on requests that are sent again under their idempotency key."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.evidence.exchange import UNREADABLE, Response
from conformance.evidence.finding import Finding
from conformance.rules.judge import Bench, Judgements, finding, held, rule
from conformance.sighting import Sighting, is_masked

KEPT_FOR = 24 * 3600.0


@rule
def repeats_agree(
    seen: Sequence[Sighting],
    bench: Bench,
    stored: Sequence[int],
    unless: Sequence[int] = (),
    compare: Sequence[str] = (),
    member: str = "",
    apart: Sequence[str] = (),
) -> Judgements:
    """A request repeated with its idempotency key within a day of its answer is answered as before, in status and body.

    ``stored`` are the statuses of first answers that are kept; a repeat with a status in ``unless``, or a server error,
    was not answered from there and is not judged; nor is what was sent before the first answer came. ``compare`` are
    the members that agree, where not all of the body has to. The key stands in the contract's header or, where given,
    in the ``member`` of the body. Requests that differ in one of the headers ``apart`` are different ones.
    """
    for sighting in seen:
        name = _request(sighting, member, apart)
        if not name:
            continue
        status, exchange = sighting.response.status, sighting.exchange
        answered, *first = bench.memory.get(name, (None,))
        if answered is None or (exchange.started and exchange.started - answered >= KEPT_FOR):
            if status in stored:
                answer = zlib.compress(sighting.response.body)
                bench.memory[name] = (exchange.ended, sighting.number, status, answer)
        elif status not in unless and status < 500:
            wrong = _difference(sighting, compare, *first)
            if not 0 < exchange.started < answered:
                yield wrong or held(sighting)
            elif wrong and status in stored:
                # Two were carried out at once: which of them is kept, nobody knows.
                bench.memory[name] = (math.inf, *first)


def _request(sighting: Sighting, member: str, apart: Sequence[str]) -> bytes:
    """What tells the request from all others; empty where it carries no key that does."""
    contract, exchange = sighting.contract, sighting.exchange
    if not sighting.operation or contract.operations[sighting.operation].reads:
        return b""
    header = contract.settings.get("idempotency", {}).get("header", "")
    key = sighting.asked.get(member) if member else exchange.request.header(header)
    if not isinstance(key, str) or not key or (sighting.foreign and is_masked(key)):
        return b""
    told = [sighting.recording, key, exchange.credential, sighting.operation, exchange.request.path, _asked(sighting)]
    told += [str(exchange.request.header(name)) for name in apart]
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).digest()


def _asked(sighting: Sighting) -> str:
    """What was asked, so that two spellings of it are one."""
    try:
        return json.dumps(sighting.asked, sort_keys=True) if sighting.asked else repr(sighting.exchange.request.body)
    except RecursionError:
        return repr(sighting.exchange.request.body)


def _difference(
    sighting: Sighting, compare: Sequence[str], number: int, status: int, packed: bytes
) -> tuple[int, Finding] | None:
    """What the answer shows otherwise than exchange ``number``, which had this status and body; None for nothing."""
    as_before = f"as in exchange {number}, the same request with its key"
    if sighting.response.status != status:
        return finding(sighting, f"HTTP {status}, {as_before}", f"HTTP {sighting.response.status}")
    first = Response(status, (), zlib.decompress(packed))
    before, after = first.json, sighting.body
    if first.body == sighting.response.body or (before is not UNREADABLE and before == after):
        return None
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return finding(sighting, f"the same body, {as_before}", "another")
    for name in compare or {**before, **after}:
        if sighting.foreign and any(is_masked(str(body.get(name))) for body in (before, after)):
            continue
        if before.get(name, ...) != after.get(name, ...):
            return finding(sighting, f"{name} = {_told(before, name)}, {as_before}", _told(after, name), f"/{name}")
    return None


def _told(body: Mapping[str, Any], name: str) -> str:
    return repr(body[name])[:160] if name in body else "absent"
