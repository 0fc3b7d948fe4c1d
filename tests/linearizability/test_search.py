"""The search held against brute force and against a correct server, and its cost counted in steps."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.linearizability import Answer, Contradiction, Explanation, Shown
from conformance.linearizability.calls import Call
from conformance.linearizability.model import Model, State
from conformance.linearizability.search import Steps, Timed, TooHard, find_order
from tests.linearizability.bursts import LOST, PAID, Told, burst, call, load, refused, shown
from tests.linearizability.server import PROVIDERS, Server

READY = shown("requires_confirmation", amount_received=0, amount_capturable=0)
DONE = shown("succeeded", latest_charge="ch_1", **PAID)
GONE = shown("canceled")


# -- brute force: all orders, all subsets of lost calls --------------------------------------------------------------


def _by_brute_force(
    model: Model, answered: Sequence[Timed], lost: Sequence[Timed], forgotten: Sequence[Timed], after: Shown | None
) -> bool:
    assert not forgotten
    for kept in _parts(lost):
        for order in itertools.permutations([*answered, *kept]):
            pairs = itertools.combinations(order, 2)
            if not any(later.ended < earlier.started for earlier, later in pairs) and _leads(model, order, after):
                return True
    return False


def _parts(calls: Sequence[Timed]) -> Iterator[tuple[Timed, ...]]:
    for size in range(len(calls) + 1):
        yield from itertools.combinations(calls, size)


def _leads(model: Model, order: Sequence[Timed], after: Shown | None) -> bool:
    states: set[State] = {model.start}
    for one in order:
        states = {result for state in states for result in model.steps(state, one.shape)}
    return any(after is None or not model.objections_to_end(state, after) for state in states)


STATUSES = ("requires_confirmation", "succeeded", "canceled", "processing", "requires_payment_method")
AMOUNTS = (2000, 2500)


def _any_call(draw: random.Random, number: int) -> Call:
    """A call whose answer may be anything."""
    started = draw.uniform(0, 3)
    operation = draw.choice(["confirm", "cancel", "update", "retrieve"])
    asked = {"amount": draw.choice(AMOUNTS)} if operation == "update" else {}
    seen = Shown("pi_1", draw.choice(STATUSES), draw.choice(AMOUNTS), draw.choice([0, 2000, None]), None, "ch_1")
    claims = Answer("refused", kinds=frozenset({"unexpected_state"}), claims_state=True)
    answer = draw.choice([Answer("shown", seen), claims, Answer("unknown"), Answer("refused")])
    key = draw.choice(["", "", "k"]) if operation != "retrieve" else ""
    return Call(number, operation, asked, key, started, started + draw.uniform(0, 3), answer)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_finds_what_brute_force_finds(size: int) -> None:
    draw, contract = random.Random(size), load("stripe")
    agreed = {True: 0, False: 0}
    for _ in range(400 if size < 5 else 150):
        calls = [_any_call(draw, number) for number in range(1, size + 1)]
        model = Model(contract, READY["shown"], calls)
        timed = []
        for one in calls:
            ended = float("inf") if one.answer.kind == "unknown" else one.ended
            shared = sum(other.key == one.key and other.operation == one.operation for other in calls if one.key) > 1
            timed.append(
                Timed(one.number, one.started, ended, model.shape(one, one.answer, shared=shared, beside=True))
            )
        after = draw.choice([None, Shown("pi_1", draw.choice(STATUSES), draw.choice(AMOUNTS))])
        answered = [one for one in timed if one.shape.answer.kind != "unknown"]
        lost = [one for one in timed if one.shape.answer.kind == "unknown"]
        order = find_order(model, answered, lost, [], after, Steps(100_000))
        assert (order is not None) == _by_brute_force(model, answered, lost, [], after)
        agreed[order is not None] += 1
        if order is not None:
            found = [next(one for one in timed if one.number == number) for number in order]
            assert {one.number for one in answered} <= {*order}
            assert not any(later.ended < earlier.started for earlier, later in itertools.combinations(found, 2))
            assert _leads(model, found, after)
    assert min(agreed.values()) > 5


# -- a correct server ------------------------------------------------------------------------------------------------


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.sampled_from(PROVIDERS), st.integers(1, 9), st.randoms(use_true_random=False))
def test_a_correct_server_is_always_explained(provider: str, size: int, draw: random.Random) -> None:
    """Calls that take effect one after another, each at a moment of its own time, with answers lost here and there."""
    server = Server(provider, draw)
    before = server.look()
    calls: list[dict[str, Any]] = []
    moments = sorted(draw.uniform(0, 10) for _ in range(size))
    for moment in moments:
        told = server.answer(draw)
        width = draw.choice([0.0, 1.0, 5.0])
        at = (moment - draw.uniform(0, width), moment + draw.uniform(0, width))
        if draw.random() < 0.15:
            told = {**told, "answer": LOST}
        calls.append({**told, "at": at})
    for _ in range(draw.choice([0, 0, 1, 2])):  # lost before they took effect
        told = Server(provider, draw).answer(draw)
        calls.append({**told, "answer": LOST, "at": (draw.uniform(0, 10), 10.0)})
    draw.shuffle(calls)
    try:
        result = burst(provider, before, calls, server.look())
    except TooHard:
        pytest.fail("a handful of calls is never too hard")
    assert isinstance(result, Explanation), result


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.sampled_from(PROVIDERS), st.randoms(use_true_random=False))
def test_a_second_payment_is_never_explained(provider: str, draw: random.Random) -> None:
    """However the others went: two confirms that were paid for by two payments, or for more than there was."""
    member = {"stripe": "latest_charge", "dots": "transfer_id", "paypercut": "latest_payment"}.get(provider)
    if member is None:
        return
    server = Server(provider, draw)
    before = server.look()
    calls = [server.answer(draw) for _ in range(4)]
    twice = [call("confirm", shown("succeeded", **{member: f"p{number}"})) for number in (8, 9)]
    everything = [*calls, *twice]
    draw.shuffle(everything)
    assert isinstance(burst(provider, before, [{**one, "at": (0, 10)} for one in everything]), Contradiction)


# -- the cost --------------------------------------------------------------------------------------------------------


def _hundred(*told: tuple[int, Told]) -> list[Told]:
    return [one for count, each in told for one in [each] * count]


def _updates(count: int) -> list[Told]:
    amounts = range(2001, 2001 + count)
    return [call("update", shown("requires_confirmation", amount=one), {"amount": one}) for one in amounts]


PAID_LAST = shown("succeeded", amount=2017, amount_received=2017, amount_capturable=0)


@pytest.mark.parametrize(
    ("calls", "after", "most"),
    [
        (_hundred((1, call("confirm", DONE)), (99, call("confirm", refused()))), DONE, 250),
        (_hundred((1, call("cancel", GONE)), (99, call("cancel", refused()))), GONE, 250),
        (
            _hundred((50, call("confirm", refused())), (49, call("cancel", refused())), (1, call("confirm", DONE))),
            DONE,
            200,
        ),
        (_hundred((50, call("confirm", LOST)), (50, call("cancel", LOST))), DONE, 900),
        ([*_updates(100)], shown("requires_confirmation", amount=2017), 40_000),
        ([*_updates(50), call("confirm", PAID_LAST), *_hundred((49, call("confirm", refused())))], PAID_LAST, 40_000),
    ],
)
def test_a_hundred_calls_take_few_steps(calls: Sequence[Told], after: Told, most: int) -> None:
    assert isinstance(burst("stripe", READY, calls, after, most_steps=most), Explanation)


def test_a_hundred_creates_take_few_steps() -> None:
    new = call("create", shown("requires_payment_method"), key="k")
    assert isinstance(burst("stripe", None, _hundred((100, new)), most_steps=250), Explanation)


@pytest.mark.parametrize(
    ("calls", "after", "exchanges"),
    [
        (_hundred((98, call("confirm", refused())), (2, call("confirm", DONE))), DONE, (99, 100)),
        (_hundred((50, call("confirm", LOST)), (50, call("cancel", LOST))), shown("requires_capture", amount=1), ()),
        ([*_updates(100)], shown("requires_confirmation", amount=999), ()),
        ([*_updates(98), *_hundred((2, call("cancel", shown("canceled", amount=2017))))], None, (99, 100)),
    ],
)
def test_a_hundred_calls_that_contradict(calls: Sequence[Told], after: Told | None, exchanges: tuple[int, ...]) -> None:
    result = burst("stripe", READY, calls, after)
    assert isinstance(result, Contradiction)
    assert result.exchanges == exchanges
