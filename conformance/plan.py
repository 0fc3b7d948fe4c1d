"""What a run will cost, and which part of it a budget buys: counted by a rehearsal, before anything is sent.

A rehearsal is the run on the embedded reference server, in memory and at the target's pace, in seconds that nobody
waits. So its counts are true of the scenarios as they are, whatever is selected, lent or lacked, and nothing has to be
kept up to date. A server that is wrong may take more or fewer requests, a slow one more time.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.contract import Contract
from conformance.contract.model import LEVELS
from conformance.evidence.history import History
from conformance.run import PREFLIGHT, Budget, Run, Selection
from conformance.scenarios.memory import Memory
from conformance.target.client import Client
from conformance.target.clock import SkippingClock
from conformance.target.pace import Allowance
from conformance.target.settings import SettingsError, Target

if TYPE_CHECKING:
    from conformance.reference.faults import Fault

Value = TypeVar("Value")
_ROW = re.compile(r"\[([^\[\]]+)\]$")
_BEGINNING = 1_800_000_000.0  # seconds since the epoch, at which every rehearsal begins
_ENOUGH = 0.96  # the part of a budget that has to be used
_FITTINGS = 6  # rehearsals, at most, until a choice is found that the budget pays for


@dataclass(frozen=True)
class Plan:
    """What a run on ``target`` will take.

    ``requests`` are all that it sends before it cleans up, ``areas`` those of each area of the contract, with
    ``preflight``. ``seconds`` is how long they take at the target's pace, if it answers at once.
    """

    contract: Contract
    target: Target
    requests: int
    seconds: float
    areas: Mapping[str, int]
    budget: Budget | None = None

    @property
    def line(self) -> str:
        """The plan in one line."""
        pace = self.target.requests_per_second
        time = f"at {pace:g} a second about {_told(self.seconds)}" if pace else "as fast as the target answers"
        return f"{self.contract.title}: {self.requests} requests to {self.target.base_url}, {time}"

    @property
    def lines(self) -> list[str]:
        """The plan, area by area, and what a budget leaves out of each."""
        left: dict[str, int] = {}
        for name in self.budget.left_out if self.budget else ():
            area = self.contract.requirements[name].area
            left[area] = left.get(area, 0) + 1
        lines = [self.line]
        for area in dict.fromkeys((*self.areas, *left)):
            out = f"   {left[area]} requirements left out" if area in left else ""
            lines.append(f"  {area:<16}{self.areas.get(area, 0):>6}{out}")
        return lines


def _told(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def plan(run: Run) -> Plan:
    """The plan of a run that has not begun. Raises ``SettingsError`` where the reference server cannot rehearse it."""
    seen = rehearse(run.contract, run.target, run.selection, run.budget)
    areas: dict[str, int] = {}
    for scenario, count in seen.requests.items():
        named = _ROW.search(scenario)
        area = run.contract.requirements[named[1]].area if named else PREFLIGHT
        areas[area] = areas.get(area, 0) + count
    return Plan(run.contract, run.target, seen.total, seen.seconds, areas, run.budget)


@dataclass
class Rehearsal:
    """What a run on the reference server took.

    ``requests`` counts those of each scenario, ``parts`` those of what several rows share, by its key; ``uses`` has the
    keys that each row needs, ``own`` the requests that are its alone.
    """

    requests: dict[str, int] = field(default_factory=dict)
    parts: dict[Hashable, int] = field(default_factory=dict)
    uses: dict[str, set[Hashable]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.requests.values())

    @property
    def own(self) -> dict[str, int]:
        made: dict[str, int] = {}
        for key, name in self._makers.items():
            made[name] = made.get(name, 0) + self.parts[key]
        counts = {named[1]: count for scenario, count in self.requests.items() if (named := _ROW.search(scenario))}
        return {name: max(0, counts.get(name, 0) - made.get(name, 0)) for name in {**counts, **self.uses}}

    _makers: dict[Hashable, str] = field(default_factory=dict)


def rehearse(
    contract: Contract,
    target: Target,
    selection: Selection | None = None,
    budget: Budget | None = None,
) -> Rehearsal:
    """The run as it goes on the reference server, which lends and lacks what the target does.

    Raises ``SettingsError`` where the reference server does not speak the contract.
    """
    import httpx

    from conformance.embedded import embedded_target
    from conformance.reference import create_app, policies_of
    from conformance.session import act

    stage = embedded_target(contract)
    stage = replace(
        stage,
        instruments={name: value for name, value in stage.instruments.items() if target.instruments.get(name)},
        lacks=target.lacks,
        requests_per_second=target.requests_per_second,
        burst=target.burst,
    )
    seen, clock = Rehearsal(), StageClock()
    app = create_app(contract.name, replace(policies_of(contract.name), clock=clock.time))
    with tempfile.TemporaryDirectory() as folder:
        run = Run(
            contract=contract,
            target=stage,
            folder=Path(folder),
            mode="in-process",
            selection=selection or Selection(),
            budget=replace(budget, requests=None) if budget else None,
            transport=httpx.WSGITransport(app=app),
            clock=clock,
        )
        run.client.allowance = _Counter(run.client, seen.requests)
        run.memory = _Watched(run.client, seen)
        started = clock.time()
        try:
            run.preflight()
            act(run)
        finally:
            run.close()
        seen.seconds = clock.time() - started
    return seen


class StageClock(SkippingClock):
    """Time that only passes where somebody would wait: a slow machine makes no run longer."""

    def time(self) -> float:
        return _BEGINNING + self._skipped

    def monotonic(self) -> float:
        return self._skipped


class _Counter(Allowance):
    """Counts the requests of each scenario."""

    def __init__(self, client: Client, counts: dict[str, int]) -> None:
        super().__init__()
        self._client, self._counts = client, counts

    def take(self, count: int = 1) -> bool:
        scenario = self._client.scenario
        self._counts[scenario] = self._counts.get(scenario, 0) + count
        return super().take(count)


class _Watched(Memory):
    """Notes what scenarios share, what it costs, and who needs it."""

    def __init__(self, client: Client, seen: Rehearsal) -> None:
        super().__init__()
        self._client, self._seen = client, seen

    def once(self, history: History, key: Hashable, make: Callable[[], Value]) -> tuple[Value, range]:
        named = _ROW.search(self._client.scenario)
        name = named[1] if named else ""
        self._seen.uses.setdefault(name, set()).add(key)

        def counted() -> Value:
            before = self._client.allowance.sent
            try:
                return make()
            finally:
                self._seen.parts[key] = self._client.allowance.sent - before
                self._seen._makers[key] = name

        return super().once(history, key, counted)


# -- a budget ----------------------------------------------------------------------------------------------------------


def choose(
    contract: Contract,
    target: Target,
    selection: Selection,
    requests: int,
    faults: Iterable[Fault] | None = None,
) -> Budget:
    """The most telling rows that so many requests pay for, in the order in which they are to be acted.

    What tells most is what finds the most known faults for a request, by ``faults`` (None: all that are known of the
    provider): MUST before SHOULD; then the rest, the cheapest first. Raises ``SettingsError`` where no row is paid for.
    """
    from conformance.reference.faults import faults_of
    from conformance.rules.judge import rules

    seen = rehearse(contract, target, selection)
    if faults is None:
        faults = faults_of(contract.name).values()
    broken, known, selected = [fault.breaks for fault in faults], rules(), selection.of(contract)
    judges = any(row.check in known for row in selected.values())  # what shows a rule something is any scenario
    rows = [
        name
        for name, row in contract.requirements.items()
        if row.check and row.check not in known and (judges or name in selected)
    ]
    telling = [name for name in rows if name in seen.own]
    free = tuple(name for name in rows if name not in seen.own)  # nothing is sent for them, whatever comes of them
    # What a row takes depends on what was done before it: a choice is rehearsed until it fits.
    found, aim = None, float(requests)
    for _ in range(_FITTINGS):
        paid = _paid(contract, telling, broken, seen, aim)
        if not paid:
            break
        budget = Budget(requests, (*paid, *free), frozenset(telling) - {*paid})
        taken = rehearse(contract, target, selection, budget).total
        if taken <= requests and (found is None or len(budget.acts) > len(found.acts)):
            found = budget
        if taken <= requests and (taken >= _ENOUGH * requests or not budget.left_out):
            break
        aim *= requests / taken * (1.0 if taken <= requests else _ENOUGH)
    if found:
        return found
    raise SettingsError(f"--budget {requests} pays for no scenario of {contract.name}; a whole run takes {seen.total}")


def _paid(
    contract: Contract, rows: Collection[str], faults: Iterable[Collection[str]], seen: Rehearsal, requests: float
) -> list[str]:
    """The rows that so many requests pay for, beside the preflight, those first that tell most for a request.

    A row costs what those before it have not brought about. What is too dear is passed over.
    """
    finds: dict[str, set[int]] = {name: set() for name in rows}
    for number, broken in enumerate(faults):
        for name in broken:
            if name in finds:
                finds[name].add(number)
    own, made, found = seen.own, set[Hashable](), set[int]()
    left, unpaid, paid = requests - seen.requests.get(PREFLIGHT, 0), list(rows), list[str]()

    def cost(name: str) -> int:
        return own[name] + sum(seen.parts[key] for key in seen.uses.get(name, set()) - made)

    def rank(name: str) -> tuple[Any, ...]:
        new, level = len(finds[name] - found), LEVELS.index(contract.requirements[name].level)
        return (not new, level, -new / max(cost(name), 1), cost(name))

    while unpaid := [name for name in unpaid if cost(name) <= left]:
        best = min(unpaid, key=rank)
        unpaid.remove(best)
        paid.append(best)
        left -= cost(best)
        made |= seen.uses.get(best, set())
        found |= finds[best]
    return paid
