"""Applies the rules that a contract's rows cite to a history, and makes outcomes of what they find."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.contract import Contract, Requirement
from conformance.contract.validation import SchemaError, Validators
from conformance.evidence.exchange import Exchange
from conformance.evidence.finding import MOST_FINDINGS, Finding, Outcome
from conformance.sighting import Sighting, read_history

MOST_EXCHANGES = 10  # named by one finding


@dataclass
class Bench:
    """What a rule may know besides the sightings: the contract, and the run's own ``secrets`` by name."""

    contract: Contract
    validators: Validators
    secrets: Mapping[str, str] = field(default_factory=dict)
    _checked: dict[tuple[str, int], list[SchemaError]] = field(default_factory=dict)

    def schema_errors(self, schema: str, document: Any) -> list[SchemaError]:
        """Schema errors of a document of this history, looked up once (documents live as long as the history)."""
        key = (schema, id(document))
        if key not in self._checked:
            self._checked[key] = self.validators.errors(schema, document)
        return self._checked[key]


# A rule yields, for each exchange it could judge, the exchange's number and what contradicts the row, or None.
Judgements = Iterator[tuple[int, Finding | None]]
Rule = Callable[..., Judgements]

_RULES: dict[str, Rule] = {}
_MODULES = ("answers", "errors", "lifecycle", "members", "money", "secrets", "shape")


def rule(function: Rule) -> Rule:
    """Registers a rule under its function's name."""
    _RULES[function.__name__] = function
    return function


def rules() -> Mapping[str, Rule]:
    """All rules by name."""
    for module in _MODULES:
        importlib.import_module(f"conformance.rules.{module}")
    return _RULES


def judge_history(
    contract: Contract,
    exchanges: Iterable[Exchange],
    rows: Iterable[Requirement],
    *,
    secrets: Mapping[str, str] | None = None,
) -> list[Outcome]:
    """One outcome for each of ``rows`` whose check is a rule: fail with findings, pass, or not_run if never met."""
    known, seen = rules(), read_history(contract, exchanges)
    bench = Bench(contract, Validators(contract), secrets or {})
    return [_outcome(row, known[row.check](seen, bench, **row.args)) for row in rows if row.check in known]


def _outcome(row: Requirement, judgements: Judgements) -> Outcome:
    try:
        return _gathered(row, judgements)
    except Exception as slip:
        # One slip of ours must not cost the verdicts of all other rows.
        return Outcome(row.id, "error", f"the suite failed: {type(slip).__name__}: {slip}")


def _gathered(row: Requirement, judgements: Judgements) -> Outcome:
    judged: list[int] = []
    findings: dict[tuple[str, str, str], Finding] = {}
    for number, finding in judgements:
        if not judged or judged[-1] != number:
            judged.append(number)
        if finding is None:
            continue
        key = (finding.expected, finding.actual, finding.at)
        earlier = findings.get(key)
        if earlier is None:
            if len(findings) < MOST_FINDINGS:
                findings[key] = finding
        elif len(earlier.exchanges) < MOST_EXCHANGES and number not in earlier.exchanges:
            findings[key] = replace(earlier, exchanges=(*earlier.exchanges, *finding.exchanges))
    if findings:
        numbers = tuple(number for found in findings.values() for number in found.exchanges)
        return Outcome(row.id, "fail", "", tuple(findings.values()), numbers, len(judged))
    if judged:
        return Outcome(row.id, "pass", "", (), tuple(judged[:3]), len(judged))
    return Outcome(row.id, "not_run", "no exchange of this run could show it")


def finding(sighting: Sighting, expected: str, actual: object, at: str = "") -> tuple[int, Finding]:
    """A contradiction seen in one exchange, as a rule yields it."""
    return sighting.number, sighting.contradiction(expected, actual, at)


def held(sighting: Sighting) -> tuple[int, None]:
    """A judgement without contradiction, as a rule yields it."""
    return sighting.number, None


def each(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """A row's argument that may be one name or several."""
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)
