"""Which exchange answers to which."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from conformance.comparison.pairing import Asked, by_scenario, pair
from conformance.comparison.unify import Unifier, words_of
from conformance.contract import load_contract
from conformance.evidence.exchange import Exchange, Request, Response

STRIPE = load_contract("stripe")
ASKED = Asked(STRIPE, Unifier(words_of(STRIPE)))
A1, A2, B1, B2 = (f"pi_{mark}NabcDEF456ghiJKL789mnoP" for mark in "3579")


class Made:
    """Exchanges in order, one after the other."""

    def __init__(self) -> None:
        self.numbers = count(1)
        self.clock = 1_800_000_000.0

    def __call__(
        self, method: str, path: str, body: bytes = b"", status: int = 200, answer: bytes = b"{}", key: str = "",
        scenario: str = "s",
    ) -> Exchange:  # fmt: skip
        started = self.clock
        self.clock += 1.0
        headers = (("idempotency-key", key),) if key else ()
        request = Request(method, f"http://a.test/v1/payment_intents{path}", headers, body)
        response = Response(status, (), answer)
        return Exchange(next(self.numbers), request, response, scenario, "test", started=started, ended=started + 0.5)


@pytest.fixture
def a() -> Made:
    return Made()


@pytest.fixture
def b() -> Made:
    return Made()


def paired(one: list[Exchange], other: list[Exchange]) -> Iterator[tuple[int, int]]:
    for both in pair(ASKED, one, other):
        yield both.a.number if both.a else 0, both.b.number if both.b else 0


def test_equal_requests_meet_whatever_the_ids(a: Made, b: Made) -> None:
    one = [a("POST", "", b"amount=1"), a("GET", f"/{A1}"), a("POST", f"/{A1}/confirm")]
    other = [b("POST", "", b"amount=1"), b("GET", f"/{B1}"), b("POST", f"/{B1}/confirm")]
    assert list(paired(one, other)) == [(1, 1), (2, 2), (3, 3)]


def test_what_only_one_run_asks_has_no_partner(a: Made, b: Made) -> None:
    one = [a("POST", "", b"amount=1"), a("POST", f"/{A1}/cancel"), a("GET", f"/{A1}")]
    other = [b("POST", "", b"amount=1"), b("GET", f"/{B1}"), b("POST", f"/{B1}/capture")]
    assert list(paired(one, other)) == [(1, 1), (2, 0), (3, 2), (0, 3)]


def test_requests_that_send_something_else_still_meet_by_operation(a: Made, b: Made) -> None:
    one = [a("POST", "", b"amount=1"), a("POST", "", b"amount=2")]
    other = [b("POST", "", b"amount=1"), b("POST", "", b"amount=3")]
    assert list(paired(one, other)) == [(1, 1), (2, 2)]


def test_of_a_poll_that_took_longer_the_last_answers_meet(a: Made, b: Made) -> None:
    one = [a("POST", "", b"amount=1"), *(a("GET", f"/{A1}") for _ in range(3)), a("POST", f"/{A1}/cancel")]
    other = [b("POST", "", b"amount=1"), b("GET", f"/{B1}"), b("POST", f"/{B1}/cancel")]
    assert list(paired(one, other)) == [(1, 1), (4, 2), (5, 3)]


def test_a_read_that_was_repeated_as_often_is_compared_each_time(a: Made, b: Made) -> None:
    assert list(paired([a("GET", f"/{A1}"), a("GET", f"/{A1}")], [b("GET", f"/{B1}"), b("GET", f"/{B1}")])) == [
        (1, 1),
        (2, 2),
    ]


def test_reads_of_two_intents_are_no_poll(a: Made, b: Made) -> None:
    one = [a("GET", f"/{A1}"), a("GET", f"/{A2}")]
    other = [b("GET", f"/{B1}"), b("GET", f"/{B2}")]
    assert list(paired(one, other)) == [(1, 1), (2, 2)]


def test_repeated_requests_keep_their_order(a: Made, b: Made) -> None:
    one = [a("POST", "", b"amount=1", status, key="k") for status in (200, 409)]
    other = [b("POST", "", b"amount=1", status, key="m") for status in (409, 200)]
    assert list(paired(one, other)) == [(1, 1), (2, 2)]


def test_two_runs_ask_alike_until_an_answer_differs(a: Made, b: Made) -> None:
    one = [a(*asked) for asked in (("POST", "", b"x=1"), ("GET", ""), ("POST", "", b"x=1"), ("GET", ""))]
    other = [b(*asked) for asked in (("POST", "", b"x=1"), ("POST", "", b"y=2"), ("POST", "", b"x=1"), ("GET", ""))]
    assert next(paired(one, other)) == (1, 1)


def test_very_many_exchanges_meet_in_turn(a: Made, b: Made) -> None:
    one = [a("POST", "", b"amount=%d" % place) for place in range(2100)]
    other = [b("POST", "", b"amount=%d" % place) for place in range(1, 2101)]
    found = list(paired(one, other))
    assert found[:2] == [(1, 0), (2, 1)]
    assert found[-1] == (0, 2100)


def test_scenarios_come_in_order_of_their_first_exchange(a: Made) -> None:
    made = [a("GET", "", scenario="x"), a("GET", "", scenario="b"), a("GET", "", scenario="x")]
    assert [(name, len(found)) for name, found in by_scenario(reversed(made)).items()] == [("x", 2), ("b", 1)]
