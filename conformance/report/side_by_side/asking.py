"""What the rows of several contracts ask of a target, in words that can be compared.

Two rows ask the same where they cite one check with comparable arguments. What a row expects of the answer is left out:
one provider answers 400 where another merely refuses, and the statements beside each other say so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from conformance.contract import Contract, Requirement
from conformance.report.side_by_side.stories import story_of

# What is expected of an answer, and how closely one looks: as scenarios/arguments.py and the checks name it.
_REFUSAL = frozenset(["judge", "kind", "status", "type", "code", "param", "or_refused", "unless_success"])
_LENIENCY = frozenset(["compare", "embeds_intent", "fold_case", "level", "marked", "via", "when_present"])
# Arguments that list several questions: a row with two members asks about each.
_LISTS = {"members": "member", "operations": "operation", "operation": "operation", "send_each": "send"}
_TRANSITION = "transition"  # what the check of that name asks is told as a story


@dataclass(frozen=True)
class Asking:
    """One question: the check, and its arguments in words."""

    check: str
    arguments: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.arguments)


def askings(contract: Contract, row: Requirement) -> list[Asking]:
    """The questions that a row asks; none for one without a check, or one that a story tells."""
    if row.check in ("", _TRANSITION):
        return []
    alternatives = []
    for name, value in sorted(row.args.items()):
        if name in _REFUSAL | _LENIENCY and not _intent_status(name, value):
            continue
        values = value if name in _LISTS and isinstance(value, list) else [value]
        alternatives.append([(_LISTS.get(name, name), _words(contract, name, one)) for one in values])
    return list(dict.fromkeys(Asking(row.check, arguments) for arguments in product(*alternatives)))


def _intent_status(name: str, value: Any) -> bool:
    """Whether the argument names statuses of an intent, in which something is to hold, and not those of an answer."""
    return name == "status" and (isinstance(value, str) or all(isinstance(one, str) for one in value))


def _words(contract: Contract, name: str, value: Any) -> str:
    if name == "after":
        story = story_of(contract, contract.transitions[value])
        return f"{story.before}; {story.last}".removeprefix("after ") if story else value
    if name in ("send", "send_each", "create") and isinstance(value, Mapping):
        return ", ".join(f"{_name(contract, key)} = {_value(contract, one)}" for key, one in sorted(value.items()))
    return _plain(_renamed(contract, value))


def _value(contract: Contract, value: Any) -> str:
    """A member of a request. The amounts themselves are each provider's own; that one is too small is not."""
    usual = contract.settings.get("requests", {}).get("create", {}).get("amount")
    if usual and isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return "the usual amount" if value == usual else "less than usual" if value < usual else "more than usual"
    return _plain(_renamed(contract, value))


def _renamed(contract: Contract, value: Any) -> Any:
    if isinstance(value, str):
        return _name(contract, value)
    return [_name(contract, one) for one in value] if isinstance(value, list) else value


def _name(contract: Contract, name: Any) -> Any:
    """The member that names the instrument, under one name for all; anything else as it is."""
    return "payment_method" if name == contract.settings["members"].get("payment_method") else name


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value.lower() or '""'
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


def alike(contracts: Iterable[Contract]) -> Iterator[tuple[Asking, dict[str, list[Requirement]]]]:
    """Each question that at least two of the contracts ask, and the rows that ask it, by provider."""
    found: dict[Asking, dict[str, list[Requirement]]] = {}
    for contract in contracts:
        for row in contract.requirements.values():
            for asking in askings(contract, row):
                found.setdefault(asking, {}).setdefault(contract.name, []).append(row)
    return ((asking, rows) for asking, rows in found.items() if len(rows) > 1)
