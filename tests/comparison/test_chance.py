"""What was sent at once, and what follows from it, is left to chance; all else is not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from conformance.comparison.chance import AT_ONCE, UNANSWERED, bursts
from conformance.comparison.compare import Seen, compare_exchanges
from conformance.comparison.differences import ANOTHER
from conformance.contract import load_contract
from conformance.evidence.exchange import Exchange, Request, Response

REVKEEN = load_contract("revkeen")
BEGAN = 1_800_000_000.0
MINE, YOURS, OTHER = "pi_3NabcDEF456ghiJKL78", "pi_5NabcDEF456ghiJKL78", "pi_7NabcDEF456ghiJKL78"
PATH = REVKEEN.operations["create"].path
LOST = "RemoteProtocolError: answer_lost, made by the suite's proxy: closed; the target had answered HTTP 200 "


def made(
    number: int,
    begun: float,
    ended: float,
    path: str = "",
    *,
    method: str = "POST",
    shows: str = "",
    status: str = "requires_confirmation",
    key: str = "",
    code: int = 200,
    items: Sequence[str] = (),
    failure: str = "",
) -> Exchange:
    """An exchange that began and ended so many seconds after its run; ``shows`` is the intent of the answer."""
    intent = {"id": shows, "object": "payment_intent", "amount": 5000, "status": status}
    listed = [{"id": item, "object": "payment_intent", "amount": 5000, "status": status} for item in items]
    answer = intent if shows else {"data": listed, "has_more": False} if method == "GET" else {"error": {"code": "no"}}
    response = None if failure else Response(code, (), json.dumps(answer).encode())
    name = REVKEEN.settings["idempotency"]["header"]
    request = Request(method, f"http://a.test{PATH}{path}", ((name, key),) if key else (), b"")
    return Exchange(number, request, response, "s", "test", failure=failure, started=BEGAN + begun, ended=BEGAN + ended)


def groups(*times: tuple[float, float]) -> list[list[int]]:
    exchanges = [made(number, *both) for number, both in enumerate(times, 1)]
    return [[one.number for one in group] for group in bursts(exchanges)]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([], []),
        ([(1, 2), (2, 3), (3, 4)], [[1], [2], [3]]),  # one ended the moment the next began
        ([(1, 2), (2, 2), (2, 2)], [[1], [2], [3]]),  # no time went by
        ([(1, 3), (2, 4), (5, 6)], [[1, 2], [3]]),
        ([(1, 2), (3, 9), (4, 5), (6, 7), (9, 10)], [[1], [2, 3, 4], [5]]),
        ([(4, 5), (1, 2), (6, 7)], [[1, 2], [3]]),  # one after the other, but not in their order
        ([(2, 4), (8, 9), (6, 7), (3, 5)], [[1, 2, 3, 4]]),  # the last one overlaps the first one
        ([(1, 3), (2, 4), (5, 7), (6, 8)], [[1, 2], [3, 4]]),
    ],
)
def test_what_was_sent_at_once_is_told_by_its_times(
    times: list[tuple[float, float]], expected: list[list[int]]
) -> None:
    assert groups(*times) == expected


def test_of_unknown_times_nothing_is_said() -> None:
    exchanges = [replace(made(number, 0, 0), started=0.0, ended=0.0) for number in (1, 2, 3)]
    exchanges[0] = made(1, 1, 9)
    assert [len(group) for group in bursts(exchanges)] == [1, 1, 1]


def compared(a: Sequence[Exchange], b: Sequence[Exchange]) -> Seen:
    return compare_exchanges(REVKEEN, a, b)


def race(intent: str, first: str, *, overlap: bool) -> list[Exchange]:
    """A confirm and a cancel of one intent, of which one succeeds, and a look at what is left."""
    begun = {"confirm": 3.0, "cancel": 3.0 if overlap else 2.0}
    ends = {"confirm": "succeeded", "cancel": "canceled"}
    calls = [
        made(
            number, begun[name], begun[name] + 0.5, f"/{intent}/{name}",
            shows=intent if name == first else "", status=ends[name], code=200 if name == first else 400,
        )
        for number, name in enumerate(ends, 2)
    ]  # fmt: skip
    after = made(4, 5, 6, f"/{intent}", method="GET", shows=intent, status=ends[first])
    return [made(1, 1, 1.5, shows=intent), *calls, after]


@pytest.mark.parametrize(("one", "other"), [(True, True), (True, False), (False, True), (False, False)])
def test_who_comes_first_is_chance_and_so_is_what_follows(one: bool, other: bool) -> None:
    seen = compared(race(MINE, "confirm", overlap=one), race(YOURS, "cancel", overlap=other))
    assert list(seen.groups) == []
    assert (seen.pairs, seen.not_compared) == (1, {AT_ONCE: 3})


def test_what_came_one_after_the_other_is_compared() -> None:
    one, other = race(MINE, "confirm", overlap=True), race(YOURS, "cancel", overlap=True)
    for run in (one, other):
        run[2] = replace(run[2], started=run[1].ended, ended=run[1].ended + 0.1)
    seen = compared(one, other)
    assert {(group.operation, group.place) for group in seen.groups} >= {("confirm", "status"), ("cancel", "status")}
    assert seen.not_compared == {}


def test_another_intent_of_the_scenario_is_compared() -> None:
    def run(intent: str, stranger: str, shown: str) -> list[Exchange]:
        return [*race(intent, "confirm", overlap=True), made(5, 7, 8, shows=stranger, status=shown)]

    found = compared(run(MINE, OTHER, "succeeded"), run(YOURS, "pi_9NabcDEF456ghiJKL78", "canceled")).groups
    assert [(group.operation, group.place) for group in found] == [("create", "/status")]


def test_a_request_that_only_one_run_made_of_such_an_intent_is_chance() -> None:
    one, other = race(MINE, "confirm", overlap=True), race(YOURS, "cancel", overlap=True)
    one.append(made(5, 7, 8, f"/{MINE}/capture", shows=MINE))
    seen = compared(one, other)
    assert list(seen.groups) == []
    assert seen.not_compared == {AT_ONCE: 4}


def creates(*shown: str, key: str = "0123456789abcdef") -> list[Exchange]:
    """Creates at once under one key, each with the intent that its answer shows; empty: a refusal."""
    return [
        made(number, 1, 2, shows=intent, key=key, code=200 if intent else 409) for number, intent in enumerate(shown, 1)
    ]


@pytest.mark.parametrize(
    ("one", "other"), [((MINE, MINE), (YOURS, "")), (("", MINE), (YOURS, "")), ((MINE, ""), ("", ""))]
)
def test_one_key_that_makes_one_intent_is_no_difference(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert list(compared(creates(*one), creates(*other, key="fedcba9876543210")).groups) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((MINE, MINE), (YOURS, OTHER)),
        (("", MINE), (YOURS, OTHER)),
        ((MINE, ""), (YOURS, OTHER)),
        ((MINE, OTHER), (YOURS, "")),
    ],
)
def test_one_key_that_makes_two_intents_is_told(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    (group,) = compared(creates(*one), creates(*other, key="fedcba9876543210")).groups
    assert (group.operation, group.place) == ("create", "/id")
    assert group.b.endswith(ANOTHER)


def listed(run: list[Exchange], *items: str) -> list[Exchange]:
    known = [made(5, 7, 7.5, shows=item) for item in items if item not in (MINE, YOURS)]
    return [*run, *known, made(6, 8, 9, method="GET", items=items, status="canceled")]


def test_a_list_is_compared_without_such_intents() -> None:
    stranger = "pi_9NabcDEF456ghiJKL78"
    one = listed(race(MINE, "confirm", overlap=True), MINE, OTHER)
    other = listed(race(YOURS, "cancel", overlap=True), stranger, YOURS)
    assert list(compared(one, other).groups) == []
    other[-1] = replace(other[-1], response=Response(200, (), b'{"data": [], "has_more": false}'))
    assert compared(one, other).not_compared == {AT_ONCE: 4}, "a list that holds another number may begin elsewhere"
    altered = [
        {"id": item, "amount": 1, "object": "payment_intent", "status": "canceled"} for item in (YOURS, stranger)
    ]
    other[-1] = replace(
        other[-1], response=Response(200, (), json.dumps({"data": altered, "has_more": False}).encode())
    )
    assert [group.place for group in compared(one, other).groups] == ["/data/*/amount"]


# -- answers that got lost ---------------------------------------------------------------------------------------------


def test_what_is_known_of_answers_that_got_lost_is_compared() -> None:
    def run(intent: str, amount: int) -> list[Exchange]:
        return [made(1, 1, 2, failure=f'{LOST}{{"id": "{intent}", "amount": {amount}}}')]

    assert list(compared(run(MINE, 1), run(YOURS, 1)).groups) == []
    (group,) = compared(run(MINE, 1), run(YOURS, 100)).groups
    assert (group.operation, group.place, group.a, group.b) == ("create", "/amount", "1", "100")


def test_an_answer_that_got_lost_is_held_to_one_that_came() -> None:
    lost = made(1, 1, 2, failure=f'{LOST}{{"id": "{MINE}", "amount": 5000}}')
    assert list(compared([lost], [made(1, 1, 2, shows=YOURS)]).groups) == []
    (group,) = compared([lost], [made(1, 1, 2, code=400)]).groups
    assert (group.place, group.a) == ("answer", "HTTP 200, which got lost")
    (group,) = compared([lost], [made(1, 1, 2, failure="ReadTimeout")]).groups
    assert (group.place, group.b) == ("answer", "no answer")


def test_what_no_run_was_answered_is_not_compared_nor_its_retry() -> None:
    def run(code: int) -> list[Exchange]:
        key = "0123456789abcdef"
        return [made(1, 1, 2, key=key, failure="ReadTimeout"), made(2, 2, 3, key=key, code=code)]

    seen = compared(run(400), run(500))
    assert list(seen.groups) == []
    assert seen.not_compared == {UNANSWERED: 2}


def test_a_read_without_an_answer_says_nothing_of_its_intent() -> None:
    def run(intent: str, status: str) -> list[Exchange]:
        silent = made(1, 1, 2, f"/{intent}", method="GET", failure="ReadTimeout")
        return [silent, made(2, 2, 3, f"/{intent}/cancel", shows=intent, status=status)]

    (group,) = compared(run(MINE, "canceled"), run(YOURS, "succeeded")).groups
    assert (group.operation, group.place) == ("cancel", "/status")
