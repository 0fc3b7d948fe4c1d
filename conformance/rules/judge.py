"""Applies the rules that a contract's rows cite to a history, and makes outcomes of what they find."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.contract import Contract, Requirement
from conformance.contract.validation import SchemaError, Validators
from conformance.evidence.exchange import TOO_MANY, Exchange
from conformance.evidence.finding import MOST_FINDINGS, Finding, Outcome
from conformance.sighting import Sighting, read_history

MOST_EXCHANGES = 10  # named by one finding
MOST_REMEMBERED = 10_000  # things (intents, idempotency keys) that one row remembers


class Memory(OrderedDict[Any, Any]):
    """What a rule remembers of the batches before: the things it told last, up to ``MOST_REMEMBERED``.

    The oldest is forgotten first; an intent that was forgotten is judged as one that is met for the first time.
    """

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > MOST_REMEMBERED:
            self.popitem(last=False)


@dataclass
class Bench:
    """What a rule may know besides the sightings of a batch.

    The contract, the run's own ``secrets`` by name, and in ``memory`` what it told itself in the batches before; each
    row has a memory of its own.
    """

    contract: Contract
    validators: Validators
    secrets: Mapping[str, str] = field(default_factory=dict)
    memory: MutableMapping[Any, Any] = field(default_factory=Memory)
    _checked: dict[tuple[str, int], list[SchemaError]] = field(default_factory=dict)

    def schema_errors(self, schema: str, document: Any) -> list[SchemaError]:
        """Schema errors of a document of this batch, looked up once (documents live as long as their batch)."""
        key = (schema, id(document))
        if key not in self._checked:
            self._checked[key] = self.validators.errors(schema, document)
        return self._checked[key]

    def for_row(self, memory: MutableMapping[Any, Any]) -> Bench:
        """A bench that shares all but the memory."""
        return replace(self, memory=memory)

    def clear(self) -> None:
        """Forgets the documents of a batch, of this bench and of those made from it."""
        self._checked.clear()


# A rule yields, for each exchange it could judge, the exchange's number and what contradicts the row, or None.
Judgements = Iterator[tuple[int, Finding | None]]
Rule = Callable[..., Judgements]

_RULES: dict[str, Rule] = {}
_MODULES = ("answers", "errors", "identity", "lifecycle", "members", "money", "repeats", "secrets", "shape")


def rule(function: Rule) -> Rule:
    """Registers a rule under its function's name."""
    _RULES[function.__name__] = function
    return function


def rules() -> Mapping[str, Rule]:
    """All rules by name."""
    for module in _MODULES:
        importlib.import_module(f"conformance.rules.{module}")
    return _RULES


class Judge:
    """Applies rows to a history that comes in batches, and keeps only what the outcomes tell.

    The outcomes do not depend on where one batch ends and the next begins, but for what ``Memory`` forgets; the rows of
    the checks that ``memories`` names remember by these instead.
    """

    def __init__(
        self,
        contract: Contract,
        rows: Iterable[Requirement],
        *,
        secrets: Mapping[str, str] | None = None,
        memories: Mapping[str, Callable[[], MutableMapping[Any, Any]]] | None = None,
    ) -> None:
        known, memories = rules(), memories or {}
        self._bench = Bench(contract, Validators(contract), secrets or {})
        self._rows = [
            _Row(row, known[row.check], self._bench.for_row(memories.get(row.check, Memory)()))
            for row in rows
            if row.check in known
        ]

    def add(self, batch: Sequence[Sighting]) -> None:
        """Judges the next sightings of the history.

        What asks for fewer requests is for the rows that speak of 429 alone: it may come from whatever stands before
        the target, and is not what the target made of the request.
        """
        settled = [one for one in batch if one.response.status != TOO_MANY]
        for row in self._rows:
            row.add(batch if row.of_limits else settled)
        self._bench.clear()

    def named(self) -> set[int]:
        """The numbers of all exchanges that the outcomes name as things stand."""
        return {number for row in self._rows for number in row.named}

    def outcomes(self) -> list[Outcome]:
        """One outcome for each row whose check is a rule: fail with findings, pass, or not_run if never met."""
        return [row.outcome() for row in self._rows]


def judge_history(
    contract: Contract,
    exchanges: Iterable[Exchange],
    rows: Iterable[Requirement],
    *,
    secrets: Mapping[str, str] | None = None,
) -> list[Outcome]:
    """The outcomes of ``Judge`` on a history that is there as a whole."""
    judge = Judge(contract, rows, secrets=secrets)
    judge.add(read_history(contract, exchanges))
    return judge.outcomes()


@dataclass
class _Row:
    """One row, and what has been found of it so far."""

    row: Requirement
    rule: Rule
    bench: Bench
    _judged: int = 0
    _last: int | None = None
    _first: tuple[int, ...] = ()
    _slip: str = ""
    _findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)

    @property
    def of_limits(self) -> bool:
        """Whether the row speaks of answers that ask for fewer requests."""
        args = self.row.args
        return TOO_MANY in (*args.get("when_status", ()), *args.get("statuses", ()))

    def add(self, batch: Sequence[Sighting]) -> None:
        if self._slip:
            return
        try:
            for number, finding in self.rule(batch, self.bench, **self.row.args):
                self._count(number)
                if finding is not None:
                    self._keep(number, finding)
        except Exception as slip:
            # One slip of ours must not cost the verdicts of all other rows.
            self._slip = f"the suite failed: {type(slip).__name__}: {slip}"

    def _count(self, number: int) -> None:
        if number != self._last:
            self._judged, self._last = self._judged + 1, number
            if len(self._first) < 3:
                self._first = (*self._first, number)

    def _keep(self, number: int, finding: Finding) -> None:
        key = (finding.expected, finding.actual, finding.at)
        earlier = self._findings.get(key)
        if earlier is None:
            if len(self._findings) < MOST_FINDINGS:
                self._findings[key] = finding
        elif len(earlier.exchanges) < MOST_EXCHANGES and number not in earlier.exchanges:
            self._findings[key] = replace(earlier, exchanges=(*earlier.exchanges, *finding.exchanges))

    @property
    def named(self) -> tuple[int, ...]:
        found = tuple(number for finding in self._findings.values() for number in finding.exchanges)
        return found or self._first

    def outcome(self) -> Outcome:
        if self._slip:
            return Outcome(self.row.id, "error", self._slip)
        if self._findings:
            return Outcome(self.row.id, "fail", "", tuple(self._findings.values()), self.named, self._judged)
        if self._judged:
            return Outcome(self.row.id, "pass", "", (), self._first, self._judged)
        return Outcome(self.row.id, "not_run", "no exchange of this run could show it")


def finding(sighting: Sighting, expected: str, actual: object, at: str = "") -> tuple[int, Finding]:
    """A contradiction seen in one exchange, as a rule yields it."""
    return sighting.number, sighting.contradiction(expected, actual, at)


def held(sighting: Sighting) -> tuple[int, None]:
    """A judgement without contradiction, as a rule yields it."""
    return sighting.number, None


def each(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """A row's argument that may be one name or several."""
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)
