"""The pace: no window has more requests than it gives, over processes too; and what a 429 does to it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from conformance.contract import load_contract
from conformance.evidence.exchange import Response
from conformance.evidence.history import History, read_history
from conformance.evidence.redaction import Redactor
from conformance.rules.judge import judge_history
from conformance.sighting import read_history as sightings
from conformance.target.client import MOST_REFUSED, BudgetSpent, Client, TargetBusy
from conformance.target.clock import Clock, SkippingClock
from conformance.target.pace import (
    BACKOFF,
    GIVEN_UP,
    LONGEST,
    MOST_TRIES,
    SENT_AGAIN,
    Allowance,
    Pace,
    Patience,
    SharedSlots,
    asked_to_wait,
)
from conformance.target.settings import make_target


class Stopped(Clock):
    """A clock that only moves when somebody sleeps; several sleep at the same time."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now, self.slept = now, list[float]()

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def most_in(seconds: float, moments: list[float]) -> int:
    """The most moments that any window of so many seconds has."""
    ordered = sorted(moments)
    return max(sum(begin <= moment < begin + seconds - 1e-6 for moment in ordered) for begin in ordered)


# -- the pace ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "window", "most"), [(20, 1.0, 20), (1.6, 60.0, 97), (10, 1.0, 10)])
@pytest.mark.parametrize("bursts", [[1], [1, 1, 1, 10, 1, 1], [10, 2], [2] * 3 + [1] * 9])
def test_no_window_has_more_than_the_pace_gives_it(rate: float, window: float, most: int, bursts: list[int]) -> None:
    clock, starts = Stopped(), list[float]()
    pace = Pace(rate, clock)
    for count in bursts * (400 // sum(bursts)):
        pace.wait(count)
        starts += [clock.now] * count
    assert most_in(window, starts) <= most
    assert len(starts) / (starts[-1] - starts[0]) > rate / 3, "and no slower than bursts make it"


def test_what_was_not_sent_pays_for_a_burst() -> None:
    clock = Stopped()
    pace = Pace(10, clock)
    pace.wait()
    clock.now += 5
    pace.wait(10)
    assert clock.slept == []


# -- over processes ----------------------------------------------------------------------------------------------------

SENDING = """
import sys
from pathlib import Path
from conformance.target.clock import Clock
from conformance.target.pace import Pace, SharedSlots
import urllib.request
url, folder, rate, count = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
pace = Pace(rate, Clock(), SharedSlots(url, Path(folder)))
for _ in range(count):
    pace.wait()
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url).read()
"""


def test_three_processes_keep_one_pace(tmp_path: Path) -> None:
    arrivals: list[float] = []

    class Counting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            arrivals.append(time.monotonic())
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    rate, each = 20, 15
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}/"
            given = [sys.executable, "-c", SENDING, url, str(tmp_path), str(rate), str(each)]
            processes = [subprocess.Popen(given) for _ in range(3)]
            assert [process.wait(60) for process in processes] == [0, 0, 0]
        finally:
            server.shutdown()
            thread.join()
    assert len(arrivals) == 3 * each
    # Alone, each would have kept the pace, and all together three times as much. One that wakes late makes a window
    # look fuller, but takes nothing off the whole.
    assert max(arrivals) - min(arrivals) >= (3 * each - 1) / rate - 0.5
    assert most_in(1.0, arrivals) <= rate + 5


def test_slots_are_shared_by_base_url(tmp_path: Path) -> None:
    clock = Stopped()
    paces = [Pace(1, clock, SharedSlots(url, tmp_path)) for url in ("http://a", "http://a", "http://b")]
    for pace in paces:
        pace.wait()
    assert clock.slept == [1.0]


def test_a_slot_of_another_time_is_not_waited_for(tmp_path: Path) -> None:
    Pace(1, Stopped(1e6), SharedSlots("http://a", tmp_path)).wait()
    clock = Stopped(1000.0)
    Pace(1, clock, SharedSlots("http://a", tmp_path)).wait()
    assert sum(clock.slept) < 10


@pytest.mark.parametrize("spoilt", ["a file in the way", "no database"])
def test_a_file_that_cannot_be_used_leaves_each_process_its_own_pace(spoilt: str, tmp_path: Path) -> None:
    folder = tmp_path / "pace"
    if spoilt == "no database":
        folder.mkdir()
        (folder / "pace.sqlite").write_bytes(b"this is no database" * 100)
    else:
        folder.write_text("")
    clock = Stopped()
    pace = Pace(2, clock, SharedSlots("http://a", folder))
    for _ in range(3):
        pace.wait()
    assert clock.slept == [0.5, 0.5]


def test_without_a_limit_no_file_is_made(tmp_path: Path) -> None:
    Pace(0, Clock(), SharedSlots("http://a", tmp_path / "pace")).wait()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("rate", "given", "shared"),
    [
        (5, {}, True),
        (0, {}, False),
        (5, {"transport": httpx.MockTransport(lambda request: httpx.Response(200))}, False),
        (5, {"clock": SkippingClock()}, False),
        (5, {"replaying": True}, False),
    ],
)
def test_what_is_shared(rate: float, given: Any, shared: bool) -> None:
    contract = load_contract("stripe")
    target = make_target(contract, base_url="http://127.0.0.1:1", api_key="key_1", requests_per_second=rate)
    client = Client(contract, target, History(Redactor({})), **given)
    client.close()
    assert isinstance(client._pace._slots, SharedSlots) == shared


# -- 429 ---------------------------------------------------------------------------------------------------------------

NOW = 1_800_000_000.0


def too_many(after: str | None = None) -> Response:
    return Response(429, (("Retry-After", after),) if after is not None else (), b"{}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2", 2.0), (" 0 ", 0.0), ("1.5", 1.5), (formatdate(NOW + 7, usegmt=True), 7.0), (formatdate(NOW - 7), 0.0)]
    + [(text, None) for text in (None, "", "soon", "-3", "nan", "inf", "1e9", "²", "9" * 400, "Mon, 99 Foo 2026")],
)
def test_what_retry_after_asks_for(text: str | None, seconds: float | None) -> None:
    found = asked_to_wait(too_many(text), NOW)
    assert found == (None if seconds is None else pytest.approx(seconds, abs=1.0))


@pytest.mark.parametrize(
    ("after", "pauses"),
    [(None, list(BACKOFF)), ("1", [1.0] * MOST_TRIES), ("25", [25.0, 25.0]), ("61", []), ("60", [60.0])],
)
def test_patience_ends(after: str | None, pauses: list[float]) -> None:
    patience = Patience()
    told = list(iter(lambda: patience.pause(too_many(after), NOW), None))
    assert told == pauses
    assert sum(pauses) <= LONGEST


def limited(count: int, after: str | None = "2") -> Callable[[httpx.Request], httpx.Response]:
    """Answers 429 so many times, and then an intent."""
    left = [count]

    def answer(request: httpx.Request) -> httpx.Response:
        if left[0]:
            left[0] -= 1
            return httpx.Response(429, headers={"Retry-After": after} if after else {}, text="<html>slow down</html>")
        return httpx.Response(200, json={"id": "pi_1", "object": "payment_intent"})

    return answer


def test_the_request_is_sent_again_with_its_key(answering: Any) -> None:
    clock = Stopped()
    wire = answering(limited(2))
    client = wire.client(requests_per_second=10, clock=clock)
    client.scenario = "a"
    exchange = client.call("create", body={"amount": 5})
    assert exchange.response.status == 200
    assert not exchange.failure
    assert clock.slept == pytest.approx([2.0, 2.0])
    assert len({request.headers["idempotency-key"] for request in wire.sent}) == 1
    assert len({request.content for request in wire.sent}) == 1
    kept = client.history.exchanges
    assert [(one.response.status, one.failure) for one in kept if one.response] == [
        (429, SENT_AGAIN),
        (429, SENT_AGAIN),
        (200, ""),
    ]


def test_what_follows_a_429_is_slower(answering: Any) -> None:
    clock = Stopped()
    client = answering(limited(1)).client(requests_per_second=10, clock=clock)
    for _ in range(4):
        client.call("create", body={})
    assert clock.slept == pytest.approx([2.0, 0.15, 0.15, 0.15])


def test_a_target_without_a_limit_has_one_from_then_on(answering: Any) -> None:
    clock = Stopped()
    client = answering(limited(1, after=None)).client(clock=clock)
    for _ in range(3):
        client.call("create", body={})
    assert clock.slept == pytest.approx([0.25, 0.1, 0.1])


def test_it_is_held_back_only_so_often_and_so_long(answering: Any) -> None:
    clock = Stopped()
    wire = answering(limited(10**6))
    client = wire.client(requests_per_second=10, clock=clock)
    for _ in range(MOST_REFUSED):
        final = client.call("create", body={})
        assert (final.response.status, final.failure) == (429, GIVEN_UP)
    sent = len(wire.sent)
    assert sent == MOST_REFUSED * (MOST_TRIES + 1)
    with pytest.raises(TargetBusy, match="requests_per_second"):
        client.call("create", body={})
    assert len(wire.sent) == sent


def test_what_is_sent_at_once_is_not_sent_again(answering: Any) -> None:
    client = answering(limited(2)).client(clock=Stopped())
    exchanges = client.together([{"operation": "create", "body": {}} for _ in range(3)])
    assert sorted(one.response.status for one in exchanges if one.response) == [200, 429, 429]
    assert len(client.history) == 3


def test_no_rule_takes_it_for_an_answer_but_those_that_speak_of_429(answering: Any, tmp_path: Path) -> None:
    """A 429 of whatever stands before the target: HTML, with none of the headers that its answers have."""
    for provider, of_limits in (("revkeen", {"RVK-145"}), ("stripe", set())):
        contract = load_contract(provider)
        client = answering(limited(1, after="1")).client(provider, clock=Stopped())
        client.call("create", body={})
        waiting = client.history.exchanges[:1]
        assert sightings(contract, waiting)  # it is in the history, and a call of the API
        of_a_burst = [one.__class__(**{**vars(one), "failure": ""}) for one in waiting]  # it is not sent again
        for history in (waiting, of_a_burst):
            outcomes = judge_history(contract, history, contract.requirements.values())
            assert {one.requirement for one in outcomes if one.verdict != "not_run"} == of_limits


def test_a_history_tells_it_apart(tmp_path: Path, answering: Any) -> None:
    client = answering(limited(1)).client(clock=Stopped())
    client.history = History(Redactor({}), tmp_path / "exchanges.jsonl")
    client.call("create", body={})
    client.history.close()
    assert [one.put_off for one in read_history(tmp_path / "exchanges.jsonl")] == [True, False]


# -- the allowance -----------------------------------------------------------------------------------------------------


def test_no_more_is_sent_than_is_allowed(wire: Any) -> None:
    client = wire.client()
    client.allowance.requests = 4
    for _ in range(3):
        client.call("create", body={})
    with pytest.raises(BudgetSpent, match="budget of 4 requests"):
        client.together([{"operation": "create", "body": {}} for _ in range(2)])
    assert len(wire.sent) == 3, "a burst is sent as a whole or not at all"
    client.call("create", body={})
    with pytest.raises(BudgetSpent):
        client.call("create", body={})
    assert len(wire.sent) == 4


def test_what_is_sent_again_counts(answering: Any) -> None:
    wire = answering(limited(10))
    client = wire.client(clock=Stopped())
    client.allowance.requests = 3
    with pytest.raises(BudgetSpent):
        client.call("create", body={})
    assert len(wire.sent) == 3


def test_threads_share_an_allowance() -> None:
    allowance = Allowance(100)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: allowance.take(), range(1000))) == 100
    assert allowance.sent == 100
