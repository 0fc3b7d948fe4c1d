"""Rules on what must not be told: card numbers, keys, the server's inside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.evidence.exchange import UNREADABLE
from conformance.rules.judge import Bench, Judgements, finding, held, rule
from conformance.sighting import Sighting

# A number as cards write theirs: digits in one run, in fours, or as American Express groups them.
_DIGITS = re.compile(
    r"(?<![0-9A-Za-z_.+-])(?:[2-6][0-9]{12,18}|[2-6][0-9]{3}(?:[ -][0-9]{4}){2}[ -][0-9]{1,7}"
    r"|3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5})(?![0-9A-Za-z_.-])"
)
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


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _leaks(texts: Sequence[str], kind: str, secrets: Sequence[str]) -> str:
    for text in texts:
        if kind == "card_number":
            for match in _DIGITS.findall(text):
                digits = re.sub(r"\D", "", match)
                if _luhn(digits):
                    return f"a card number ending in {digits[-4:]}"
        if kind == "api_key" and any(secret in text for secret in secrets if len(secret) >= 8):
            return "the credential that was sent"
        if kind == "stack_trace" and _STACK.search(text):
            return "a stack trace"
    return ""


@rule
def secrets_absent(seen: Sequence[Sighting], bench: Bench, kinds: Sequence[str]) -> Judgements:
    """No answer holds a card number or a stack trace in its body, or the caller's key there or in its headers."""
    for sighting in seen:
        body = sighting.body
        raw = sighting.response.body.decode("utf-8", "replace")
        texts = [raw] if body is UNREADABLE else list(_texts(body))
        headers = [value for _, value in sighting.response.headers]
        leaks = [
            leak
            for kind in kinds
            if (leak := _leaks(texts + headers * (kind == "api_key"), kind, list(bench.secrets.values())))
        ]
        for leak in leaks:
            yield finding(sighting, "none in the answer", leak)
        if not leaks:
            yield held(sighting)
