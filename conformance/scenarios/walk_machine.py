"""The state machine behind the walks: the one module that lets Hypothesis choose, order and shrink their steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from conformance.contract import Contract
from conformance.evidence.finding import Finding
from conformance.scenarios.acting import Actor
from conformance.scenarios.alone import alone
from conformance.scenarios.outcomes import Inapplicable, Inconclusive, NonConformance, Unanswered
from conformance.scenarios.walk import State, Step, Walk, Walker, creations, decisive, further_steps

LONGEST = 8  # steps after the create
MOST_STEPS = 60  # of all frozen walks together
_CANDIDATES = 500
_SEED = 20250827
_LOOK = Step("retrieve")


class _Enough(BaseException):
    """The search is over: its requests or its time are spent. No Exception, so that Hypothesis does not try again."""


class _Player(Protocol):
    """Who takes the steps of a walk: those taken, and what is known of the intent."""

    steps: list[Step]
    state: State

    def play(self, step: Step) -> None: ...


def _machine(
    start: Sequence[Step], steps: Sequence[Step], player: Callable[[], _Player]
) -> type[RuleBasedStateMachine]:
    """A machine that creates an intent and then takes any of the steps, each given to the player of this walk."""

    class Lifecycle(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.player = player()

        @initialize(step=st.sampled_from(start))
        def create(self, step: Step) -> None:
            self.player.play(step)

        @rule(step=st.sampled_from(steps))
        def whatever(self, step: Step) -> None:
            self.player.play(step)

    return Lifecycle


def _documented_machine(machine: Any, contract: Contract, steps: Sequence[Step]) -> type[RuleBasedStateMachine]:
    """That machine with a liking for steps that are documented where it stands; what it finds shrinks badly."""

    class Documented(machine):  # type: ignore[misc]
        @rule(data=st.data())
        def as_documented(self, data: st.DataObject) -> None:
            player = self.player
            new = [one for one in steps if one not in player.steps and player.state.documented(contract, one)]
            player.play(data.draw(st.sampled_from(new or steps)))

    return Documented


def _run(machine: type[RuleBasedStateMachine], seed: int, walks: int, phases: Sequence[Phase]) -> None:
    settings = hypothesis.settings(
        max_examples=walks,
        stateful_step_count=LONGEST,
        database=None,
        deadline=None,
        phases=phases,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    with alone():
        run_state_machine_as_test(hypothesis.seed(seed)(machine), settings=settings)


class _Rehearsal:
    """Plays a walk on the documents alone.

    ``visited`` tells what each step is worth and what it visits: a documented move from a status, most if a MUST row
    judges it, or the operation from a status where nothing is documented.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract, self._decisive = contract, decisive(contract, "MUST")
        self.state = State()
        self.steps: list[Step] = []
        self.visited: list[tuple[int, str, str]] = []

    def play(self, step: Step) -> None:
        moves = [] if step.operation == "create" else self.state.documented(self._contract, step)
        worth = 1 if not moves else 5 if moves[0].id in self._decisive else 2
        self.visited.append((worth, moves[0].id if moves else step.operation, self.state.status))
        self.state = self.state.rehearsed(self._contract, step)
        self.steps.append(step)


def freeze_walks(contract: Contract) -> list[Walk]:
    """The walks of a contract, drawn at random, rehearsed on the documents, and chosen for what they visit together."""
    drawn: list[_Rehearsal] = []

    def player() -> _Rehearsal:
        drawn.append(_Rehearsal(contract))
        return drawn[-1]

    steps = further_steps(contract)
    machine = _documented_machine(_machine(creations(contract), steps, player), contract, steps)
    _run(machine, _SEED, _CANDIDATES, [Phase.generate])
    return list(_chosen([*_tours(contract), *drawn]))


def _tours(contract: Contract) -> Iterator[_Rehearsal]:
    """From each creation the way to each status, and from there each step that leaves it so and one that does not.

    Few of these are met at random: a status deep in the lifecycle, with all that is refused there.
    """
    steps = further_steps(contract)
    for creation in creations(contract):
        ways: dict[str, list[Step]] = {}
        queue: list[list[Step]] = [[creation]]
        while queue:
            way = queue.pop(0)
            state = _rehearsed(contract, way).state
            if state.status in ways or len(way) > LONGEST:
                continue
            ways[state.status] = way
            queue.extend([*way, step] for step in steps if state.documented(contract, step))
        for way in ways.values():
            tour = _rehearsed(contract, way)
            here = tour.state.status
            for step in sorted(steps, key=lambda one: tour.state.rehearsed(contract, one).status != here):
                if len(tour.steps) <= LONGEST and tour.state.status == here and tour.state.documented(contract, step):
                    tour.play(step)
            yield tour


def _rehearsed(contract: Contract, steps: Sequence[Step]) -> _Rehearsal:
    rehearsal = _Rehearsal(contract)
    for step in steps:
        rehearsal.play(step)
    return rehearsal


def _chosen(drawn: Sequence[_Rehearsal]) -> Iterator[Walk]:
    """Walks until their steps are spent: each time the beginning of a drawn one that adds most for its length."""
    beginnings = [
        (_ending_with_a_look(walk.steps[:length]), frozenset(walk.visited[:length]))
        for walk in drawn
        for length in range(2, len(walk.steps) + 1)
    ]
    seen: set[tuple[int, str, str]] = set()
    steps = 0

    def worth(beginning: tuple[Walk, frozenset[tuple[int, str, str]]]) -> float:
        walk, visited = beginning
        return sum(visit[0] for visit in visited - seen) / len(walk)

    while beginnings:
        walk, visited = max(beginnings, key=worth)
        steps += len(walk)
        if steps > MOST_STEPS or visited <= seen:
            return
        seen |= visited
        yield walk


def _ending_with_a_look(steps: Sequence[Step]) -> Walk:
    """The steps, and a retrieve unless they end with one: what the last step did has to be seen."""
    return (*steps,) if steps[-1] == _LOOK else (*steps, _LOOK)


class _Searcher(Walker):
    """A walker that keeps each contradiction it meets in ``found``, until the requests or the time are spent."""

    def __init__(self, act: Actor, decisive: frozenset[str], found: list[Finding], last: int, until: float) -> None:
        super().__init__(act, decisive)
        self._found, self._last, self._until = found, last, until

    def play(self, step: Step) -> None:
        if time.monotonic() > self._until or self.act.client.history.last >= self._last:
            raise _Enough
        try:
            super().play(step)
        except Inapplicable:
            hypothesis.assume(False)
        except NonConformance as wrong:
            self._found.extend(wrong.findings)
            raise


def shortest(act: Actor, found: Finding, steps: Sequence[Step], level: str, requests: int, seconds: float) -> Finding:
    """The shortest sequence of such steps that contradicts, looked for on the target; ``found`` where none is shorter.

    ``steps`` are those of the walk that ``found`` comes from, its create first. Sends at most so many requests, for at
    most so many seconds.
    """
    if len(steps) < 2:
        return found
    met, judged = [found], decisive(act.contract, level)
    last, until = act.client.history.last + requests, time.monotonic() + seconds
    machine = _machine(steps[:1], steps[1:], lambda: _Searcher(act, judged, met, last, until))
    # A target whose answers flicker is told by what was found first.
    with suppress(_Enough, NonConformance, Inconclusive, Unanswered, hypothesis.errors.HypothesisException):
        _run(machine, act.client.seed, 100, [Phase.generate, Phase.shrink])
    return min(met, key=lambda one: len(one.exchanges))
