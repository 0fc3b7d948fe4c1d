"""A contradicting walk is told without the steps that it can do without, by requests that no library chooses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from conformance.contract import load_contract
from conformance.embedded import embedded_target
from conformance.evidence.finding import Finding
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.reference import create_app, policies_of
from conformance.scenarios import walk_shortening
from conformance.scenarios.acting import Actor
from conformance.scenarios.outcomes import Inapplicable, Inconclusive, NonConformance, Unanswered
from conformance.scenarios.walk import Step, Walker, decisive
from conformance.scenarios.walk_shortening import shortest
from conformance.target.client import Client
from conformance.target.clock import SkippingClock
from conformance.target.values import Instruments

CREATE, LOOK, CONFIRM, CANCEL = Step("create", "success"), Step("retrieve"), Step("confirm", "success"), Step("cancel")
RENAMED = Step("update", send={"description": "of a walk"})
STRIPE = load_contract("stripe")


@pytest.fixture
def act() -> Actor:
    """On a server that cancels what is paid."""
    policies, target = policies_of("stripe"), embedded_target(STRIPE)
    cancelable = policies.lifecycle.cancelable | {"succeeded"}
    app = create_app("stripe", replace(policies, lifecycle=replace(policies.lifecycle, cancelable=cancelable)))
    history = History(Redactor(target.secrets()))
    transport, clock = httpx.WSGITransport(app=app), SkippingClock()
    return Actor(
        STRIPE, Client(STRIPE, target, history, transport=transport, clock=clock), Instruments(target.instruments)
    )


def contradiction(act: Actor, steps: Sequence[Step]) -> Finding | None:
    walker = Walker(act, decisive(STRIPE, "MUST"))
    try:
        for step in steps:
            walker.play(step)
    except NonConformance as wrong:
        return wrong.findings[0]
    return None


def told(act: Actor, finding: Finding) -> list[str]:
    made = {one.number: one.request for one in act.client.history}
    return [f"{made[number].method} {made[number].path.rpartition('/')[2]}" for number in finding.exchanges]


def test_only_the_steps_that_a_contradiction_needs_are_told(act: Actor) -> None:
    walk = [CREATE, LOOK, RENAMED, LOOK, CONFIRM, RENAMED, LOOK, CANCEL]
    found = contradiction(act, walk)
    assert found is not None
    shown = shortest(act, found, walk, decisive(STRIPE, "MUST"), 200, 30.0)
    assert told(act, shown) == ["POST payment_intents", "POST confirm", "POST cancel"]
    assert (shown.expected, shown.actual) == (found.expected, found.actual)
    assert contradiction(act, [CREATE, CANCEL]) is None, "the confirm is needed"


def test_a_walk_without_a_step_to_spare_is_played_no_more_than_it_has_to_be(act: Actor) -> None:
    found = contradiction(act, [CREATE, CONFIRM, CANCEL])
    assert found is not None
    last = act.client.history.last
    assert shortest(act, found, [CREATE, CONFIRM, CANCEL], decisive(STRIPE, "MUST"), 200, 30.0) == found
    assert act.client.history.last == last + 2, "create and cancel, to see that the confirm is needed"


# The search alone, on servers that contradict whatever steps a test wants them to.

Wrong = Callable[[str], bool]
FOUND = Finding("right", "wrong", exchanges=tuple(range(1, 9)))


@pytest.fixture
def search(act: Actor, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, list[str]]]:
    """``search(steps, wrong, …)``: the steps of the shortest, and all that was played.

    Steps are letters; ``wrong`` tells of those played so far whether they contradict, and may raise what a step may.
    """
    played: list[str] = []

    class Played:
        def __init__(self, act: Actor, decisive: frozenset[str]) -> None:
            self.steps: list[Step] = []
            played.append("")

        def play(self, step: Step) -> None:
            act.clock.sleep(1.0)
            played[-1] += step.operation
            self.steps.append(step)
            if wrong_now(played[-1]):
                raise NonConformance((Finding("right", played[-1]),))

    def run(steps: str, wrong: Wrong, requests: int = 1000, seconds: float = 1000.0) -> tuple[str, list[str]]:
        nonlocal wrong_now
        wrong_now = wrong
        walk = [Step(letter) for letter in steps]
        return shortest(act, replace(FOUND, actual=steps), walk, frozenset(), requests, seconds).actual, played

    wrong_now: Wrong = bool
    monkeypatch.setattr(walk_shortening, "Walker", Played)
    return run


@pytest.mark.parametrize(
    ("walk", "wrong", "shown"),
    [
        ("cabcdefgz", lambda so_far: so_far.endswith("z"), "cz"),
        ("cabdefghz", lambda so_far: {*"bfz"} <= {*so_far}, "cbfz"),
        ("cabdefghz", lambda so_far: {*"bz"} <= {*so_far} and ("d" in so_far) == ("e" in so_far), "cbz"),
        ("cabdefghz", lambda so_far: so_far in ("cabdefghz", "cabghz", "cabhz"), "cabhz"),
        ("cabdefghz", lambda so_far: so_far == "cabdefghz", "cabdefghz"),
        ("cabdefghz", lambda so_far: so_far in ("cabdefghz", "cabg"), "cabg"),
        ("caz", lambda so_far: so_far.endswith("z"), "cz"),
        ("cz", lambda so_far: so_far.endswith("z"), "cz"),
        ("c", lambda so_far: True, "c"),
    ],
    ids=[
        "last alone",
        "two",
        "two that go together",
        "a piece, then one",
        "all",
        "met earlier",
        "one",
        "none",
        "create",
    ],
)
def test_what_is_left_contradicts_and_no_single_step_can_go(
    search: Callable[..., tuple[str, list[str]]], walk: str, wrong: Wrong, shown: str
) -> None:
    found, played = search(walk, wrong)
    assert found == shown
    assert all(one.startswith("c") for one in played)
    for gone in range(1, len(shown) - 1):
        tried = shown[:gone] + shown[gone + 1 :]
        assert any(tried.startswith(one) for one in played), f"{tried} was never played"


def test_no_more_requests_are_sent_than_allowed(search: Callable[..., tuple[str, list[str]]]) -> None:
    found, played = search("cabdefghz", lambda so_far: so_far == "cabdefghz", requests=11)
    assert found == "cabdefghz"
    assert sum(map(len, played)) == 11


def test_no_more_time_of_the_run_is_spent_than_allowed(search: Callable[..., tuple[str, list[str]]]) -> None:
    found, played = search("cabdefghz", lambda so_far: {*"bfz"} <= {*so_far}, seconds=20.0)
    assert 20 <= sum(map(len, played)) <= 21, "a step takes a second by the clock of this run"
    assert {*"cbfz"} <= {*found}
    assert len(found) <= len("cabdefghz")


@pytest.mark.parametrize("reason", [Inapplicable, Inconclusive])
def test_an_attempt_that_cannot_be_judged_shows_nothing(
    search: Callable[..., tuple[str, list[str]]], reason: type[Exception]
) -> None:
    def wrong(so_far: str) -> bool:
        if "b" not in so_far and len(so_far) > 2:
            raise reason("not so")
        return so_far.endswith("z") and len(so_far) > 2

    found, _ = search("cabdez", wrong)
    assert found == "cbz"


def test_a_target_that_falls_silent_is_told_by_what_was_found_before(
    search: Callable[..., tuple[str, list[str]]],
) -> None:
    shorter: list[str] = []

    def wrong(so_far: str) -> bool:
        if shorter:
            raise Unanswered("gone")
        if contradicts := {*"bfz"} <= {*so_far}:
            shorter.append(so_far)
        return contradicts

    found, played = search("cabdefghz", wrong)
    assert [found] == shorter
    assert len("cbfz") < len(found) < len("cabdefghz")
    assert played[-2:] == [found, "c"], "nothing is sent after the first request that gets no answer"


def test_no_run_asks_hypothesis(tmp_path: Path) -> None:
    """A run of a server whose walk contradicts, in a process that cannot import Hypothesis or Schemathesis."""
    program = """
import pathlib, sys
sys.modules.update(hypothesis=None, schemathesis=None)
from tests.faults.certification import certified
(row,) = [row for row in certified("stripe", "cancels_paid_intents", pathlib.Path(sys.argv[1])).requirements
          if row.check == "walk"]
print(row.verdict, len(row.findings[0].exchanges))
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["fail", "3"], done.stdout + done.stderr
