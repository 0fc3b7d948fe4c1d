"""Which scenarios each of N parts of a run acts: the same split wherever it is made, about as many requests each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.contract import Contract, Requirement

MOST_PARTS = 100
NUMBERS_EACH = 1_000_000  # exchanges of part 2 begin after this, those of part 3 after twice this, and so on

# Requests that a scenario makes, where its row does not tell; measured on the reference server.
_USUAL = 3
_REQUESTS = {"burst": 17, "lost_reply": 18, "confirm_limit": 13, "key_remembered": 10}
_TRIALS = ("transition", "matrix")  # they judge the same trials, so that apart each would make them again


class ShareError(ValueError):
    """What should name a share and does not."""


@dataclass(frozen=True)
class Share:
    """The part ``number`` (from 1) ``of`` so many. Made from text like ``2/5``."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> Share:
        """The share that ``text`` names. Raises ``ShareError``."""
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        number, of = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1 <= number <= of <= MOST_PARTS:
            raise ShareError(f"{text!r} is no part; 2/5 is the second of five, and there are at most {MOST_PARTS}")
        return cls(number, of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def numbers_before(self) -> int:
        """The number after which those of its exchanges begin: so none has to change when parts are put together."""
        return (self.number - 1) * NUMBERS_EACH

    def of_instruments(self, lent: Mapping[str, Any]) -> dict[str, Any]:
        """What this part may use of what the target lends: of single-use instruments every N-th."""
        return {
            name: value[self.number - 1 :: self.of] if isinstance(value, list) else value
            for name, value in lent.items()
        }

    def rows(self, contract: Contract, acted: Iterable[Requirement]) -> frozenset[str]:
        """The ids of those of the ``acted`` rows whose scenarios this part acts."""
        return split(contract, acted, self.of)[self.number - 1]


@dataclass
class _Pile:
    weight: float = 0.0
    rows: list[str] = field(default_factory=list)


def split(contract: Contract, acted: Iterable[Requirement], parts: int) -> tuple[frozenset[str], ...]:
    """The ids of the ``acted`` rows in so many parts, each row in one of them.

    Rows that judge the same requests stay together. It follows from the arguments alone.
    """
    together: dict[str, list[Requirement]] = {}
    for row in acted:
        together.setdefault(_shared(row), []).append(row)
    weights = {name: _weight(contract, rows) for name, rows in together.items()}
    piles = [_Pile() for _ in range(parts)]
    for name in sorted(together, key=lambda name: (-weights[name], name)):
        lightest = min(piles, key=lambda pile: pile.weight)
        lightest.weight += weights[name]
        lightest.rows += [row.id for row in together[name]]
    return tuple(frozenset(pile.rows) for pile in piles)


def _shared(row: Requirement) -> str:
    """What rows have in common that judge the same requests."""
    from conformance.scenarios.arguments import REFUSAL

    if row.check in _TRIALS:
        return "trials"
    return f"{row.check} {json.dumps({key: row.args[key] for key in row.args if key not in REFUSAL}, sort_keys=True)}"


def _weight(contract: Contract, rows: list[Requirement]) -> float:
    """About as many requests as rows that stay together make."""
    from conformance.scenarios.exam import read_exam
    from conformance.scenarios.walk import read_walks

    row = rows[0]
    if row.check == "exam":
        return len(read_exam(contract.folder).select(row.args["operation"], row.args["mode"]))
    if row.check == "walk":
        return sum(map(len, read_walks(contract.folder)))
    if row.check in _TRIALS:
        whole = any(one.check == "matrix" for one in rows)
        named = {one.args.get("transition") for one in rows}
        moves = [move for name, move in contract.transitions.items() if whole or name in named]
        return sum(2.5 * max(1, len(move.sources)) for move in moves)
    return _REQUESTS.get(row.check, _USUAL)
