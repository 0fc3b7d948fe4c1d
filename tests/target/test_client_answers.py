"""The client: nothing that a target does raises, and no more is asked of it than its pace allows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from conformance.target.client import TargetSilent
from conformance.target.clock import Clock
from conformance.target.connections import BODY_LIMIT
from conformance.target.pace import Pace


def test_an_exchange_says_what_was_sent_and_answered(answering: Callable) -> None:
    wire = answering(
        lambda request: httpx.Response(201, headers=[("Set-Cookie", "a"), ("Set-Cookie", "b")], content=b"\xff")
    )
    client = wire.client("stripe")
    client.scenario = "test_x.py::test_x"
    exchange = client.call("create", body={"amount": 1}, case="c1")
    assert (exchange.number, exchange.scenario, exchange.case) == (1, "test_x.py::test_x", "c1")
    assert (exchange.request.method, exchange.request.body) == ("POST", b"amount=1")
    assert exchange.request.header("authorization") == "Bearer key_1"
    assert exchange.response is not None
    assert (exchange.response.status, exchange.response.body) == (201, b"\xff")
    assert [value for name, value in exchange.response.headers if name.lower() == "set-cookie"] == ["a", "b"]
    assert 0 < exchange.started <= exchange.ended
    assert client.history.exchanges == (exchange,)


TROUBLE = [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("garbled"), OSError(5)]


@pytest.mark.parametrize("error", TROUBLE, ids=lambda error: type(error).__name__)
def test_no_answer_is_an_exchange_too(error: Exception, answering: Callable) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    exchange = answering(fail).client("stripe").call("create", body={"amount": 1})
    assert exchange.response is None
    assert type(error).__name__ in exchange.failure
    assert exchange.request.body == b"amount=1"


@pytest.mark.parametrize("key", ["sk_test_\r\nX-Evil: 1", "sk_test_é", "sk_test_\x00"], ids=ascii)
def test_a_key_that_no_header_can_carry(key: str, wire: Any) -> None:
    exchange = wire.client("dots", instruments={"organisation_key": key}).call(
        "create", headers={"X-Key": key}, body={}
    )
    assert exchange.response is None or "X-Evil" not in dict(wire.last.headers)


@pytest.mark.parametrize("identifier", ["", "..", "\ud800", "a\x00b", "é" * 3000], ids=ascii)
def test_an_id_as_a_target_may_give_it(identifier: str, wire: Any) -> None:
    exchange = wire.client("stripe").call("retrieve", identifier)
    assert exchange.number == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int, answering: Callable) -> None:
    wire = answering(lambda request: httpx.Response(status, headers={"Location": "https://elsewhere.example/"}))
    exchange = wire.client("stripe").call("create", body={})
    assert exchange.response is not None
    assert exchange.response.status == status
    assert len(wire.sent) == 1


@pytest.mark.parametrize(("size", "taken"), [(BODY_LIMIT, True), (BODY_LIMIT + 1, False)])
def test_an_answer_without_end(size: int, taken: bool, answering: Callable) -> None:
    exchange = answering(lambda request: httpx.Response(200, content=b"x" * size)).client().call("create", body={})
    assert (exchange.response is not None) is taken
    assert ("longer than" in exchange.failure) is not taken


def test_many_threads_have_numbers_and_keys_of_their_own(wire: Any) -> None:
    client = wire.client("stripe")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: client.call("create", body={}), range(64)))
    assert sorted(exchange.number for exchange in made) == list(range(1, 65))
    assert len({request.headers["idempotency-key"] for request in wire.sent}) == 64


class Stopped(Clock):
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.lock = 100.0, threading.Lock()

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds


@pytest.mark.parametrize(("rate", "starts"), [(4, [0.0, 0.25, 0.5, 0.75]), (0, [0.0] * 4), (0.5, [0.0, 2.0, 4.0, 6.0])])
def test_pace(rate: float, starts: list[float], wire: Any) -> None:
    client = wire.client("stripe", requests_per_second=rate, clock=Stopped())
    told = [client.call("create", body={}).started - 100.0 for _ in starts]
    assert told == pytest.approx(starts)


def test_pace_does_not_save_up() -> None:
    clock = Stopped()
    pace, starts = Pace(2, clock), []
    for pause in (0, 60, 0, 0):
        clock.now += pause
        pace.wait()
        starts.append(clock.now - 100.0)
    assert starts == [0.0, 60.0, 60.5, 61.0]


def test_a_silent_target_is_left_alone(answering: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]

    def silent(request: httpx.Request) -> httpx.Response:
        clock[0] += 25.0
        raise httpx.ReadTimeout("no answer", request=request)

    monkeypatch.setattr("time.time", lambda: clock[0])
    wire = answering(silent)
    client = wire.client()
    for _ in range(3):
        assert client.call("create", body={}).failure
    with pytest.raises(TargetSilent, match="75 s"):
        client.call("create", body={})
    assert len(wire.sent) == 3


def test_an_answer_ends_the_silence(answering: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    answers = [False, False, True, False, False, False]

    def now_and_then(request: httpx.Request) -> httpx.Response:
        clock[0] += 25.0
        if answers.pop(0):
            return httpx.Response(200, json={"id": "pi_1"})
        raise httpx.ReadTimeout("no answer", request=request)

    monkeypatch.setattr("time.time", lambda: clock[0])
    client = answering(now_and_then).client()
    for _ in range(6):
        client.call("create", body={})
    with pytest.raises(TargetSilent):
        client.call("create", body={})
