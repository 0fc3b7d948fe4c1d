"""The state machine behind the frozen walks: the one module that lets Hypothesis choose and order their steps.

Only ``conformance freeze`` uses it. No run does: what a run sends depends on no version of Hypothesis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from conformance.contract import Contract
from conformance.scenarios.alone import alone
from conformance.scenarios.walk import State, Step, Walk, creations, decisive, further_steps

LONGEST = 8  # steps after the create
MOST_STEPS = 60  # of all frozen walks together
_CANDIDATES = 500
_SEED = 20250827
_LOOK = Step("retrieve")


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
    settings = hypothesis.settings(
        max_examples=_CANDIDATES,
        stateful_step_count=LONGEST,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    with alone():
        run_state_machine_as_test(hypothesis.seed(_SEED)(_machine(contract, drawn)), settings=settings)
    return list(_chosen([*_tours(contract), *drawn]))


def _machine(contract: Contract, drawn: list[_Rehearsal]) -> type[RuleBasedStateMachine]:
    """A machine that rehearses walks, with a liking for steps that are documented where they stand, into ``drawn``."""
    steps = further_steps(contract)

    class Lifecycle(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.walk = _Rehearsal(contract)
            drawn.append(self.walk)

        @initialize(step=st.sampled_from(creations(contract)))
        def create(self, step: Step) -> None:
            self.walk.play(step)

        @rule(step=st.sampled_from(steps))
        def whatever(self, step: Step) -> None:
            self.walk.play(step)

        @rule(data=st.data())
        def as_documented(self, data: st.DataObject) -> None:
            walk = self.walk
            new = [one for one in steps if one not in walk.steps and walk.state.documented(contract, one)]
            walk.play(data.draw(st.sampled_from(new or steps)))

    return Lifecycle


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
