"""Rules on what must not be told: card numbers, keys, the server's inside."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conformance.rules.judge import Bench, Judgements, finding, held, rule
from conformance.sighting import Sighting

_DIGITS = re.compile(rb"(?<![0-9A-Za-z_.-])[3-6][0-9]{3}(?:[ -]?[0-9]{4}){2}[ -]?[0-9]{1,7}(?![0-9A-Za-z_.-])")
_STACK = re.compile(rb"Traceback \(most recent call last\)|\bat [\w.$]+\([\w.]+:\d+\)|\.py\", line \d+|/node_modules/")


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _leaks(body: bytes, kind: str, secrets: Sequence[str]) -> str:
    if kind == "card_number":
        for match in _DIGITS.findall(body):
            digits = re.sub(rb"\D", b"", match).decode()
            if 13 <= len(digits) <= 19 and _luhn(digits):
                return f"a card number ending in {digits[-4:]}"
    if kind == "api_key" and any(secret.encode() in body for secret in secrets if len(secret) >= 8):
        return "the credential that was sent"
    if kind == "stack_trace" and _STACK.search(body):
        return "a stack trace"
    return ""


@rule
def secrets_absent(seen: Sequence[Sighting], bench: Bench, kinds: Sequence[str]) -> Judgements:
    """No answer holds a card number, the caller's key, or a stack trace."""
    for sighting in seen:
        leaks = [leak for kind in kinds if (leak := _leaks(sighting.response.body, kind, list(bench.secrets.values())))]
        for leak in leaks:
            yield finding(sighting, "none in the answer", leak)
        if not leaks:
            yield held(sighting)
