"""Rules on what must not be told: card numbers, keys, the server's inside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from conformance.evidence.exchange import UNREADABLE
from conformance.evidence.secret_shapes import basic_credential, is_secret_header, shown_card_number, spellings
from conformance.rules.judge import Bench, Judgements, finding, held, rule
from conformance.sighting import Sighting, is_masked

_STACK = re.compile(
    r"Traceback \(most recent call last\)|File \"[^\"]+\.py\", line [0-9]+|"
    r"\bat [\w.$<> ]+\([^()]*\.\w+(?::[0-9]+){1,2}\)|/node_modules/"
)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a decoded body; numbers are amounts and times, and no card is written as one."""
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield str(name)
            yield from _texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)
    elif isinstance(value, str):
        yield value


@lru_cache
def _spelled(secret: str) -> re.Pattern[str]:
    return re.compile("|".join(spellings(secret)))


def _leaks(texts: Sequence[str], kind: str, secrets: Sequence[str]) -> str:
    for text in texts:
        if kind == "card_number":
            digits = shown_card_number(text)
            if digits is not None:
                return f"a card number ending in {digits[-4:]}" if digits else "a card number"
        if kind == "api_key" and any(_spelled(secret).search(text) for secret in secrets if len(secret) >= 8):
            return "the credential that was sent"
        if kind == "stack_trace" and _STACK.search(text):
            return "a stack trace"
    return ""


def _credentials(sighting: Sighting, bench: Bench) -> list[str]:
    """The caller's keys: those of the run or, in a recording of others, those that the request shows."""
    if bench.secrets:
        return list(bench.secrets.values())
    found: list[str] = []
    for name, value in sighting.exchange.request.headers:
        if is_secret_header(name) and not name.lower().endswith("cookie"):
            token = value.split()[-1] if value.split() else ""
            found.extend(basic_credential(token) or (token,))
    return [secret for secret in found if len(secret) >= 8 and not is_masked(secret)]


@rule
def secrets_absent(seen: Sequence[Sighting], bench: Bench, kinds: Sequence[str]) -> Judgements:
    """No answer holds a card number or a stack trace in its body, or the caller's key there or in its headers.

    Where the caller's key is not known, nothing can be said of it.
    """
    for sighting in seen:
        body = sighting.body
        raw = sighting.response.body.decode("utf-8", "replace")
        texts = [raw] if body is UNREADABLE else list(_texts(body))
        headers = [value for _, value in sighting.response.headers]
        secrets = _credentials(sighting, bench) if "api_key" in kinds else []
        leaks = [leak for kind in kinds if (leak := _leaks(texts + headers * (kind == "api_key"), kind, secrets))]
        for leak in leaks:
            yield finding(sighting, "none in the answer", leak)
        if not leaks and (secrets or "api_key" not in kinds):
            yield held(sighting)
