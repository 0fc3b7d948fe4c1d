"""Bursts: all requests are ready, but for the last byte, before any of them is let go."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from conformance.contract import load_contract
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.target.bursts import Gate, HeldTransport, Place
from conformance.target.client import Client
from conformance.target.clock import Clock, SkippingClock
from conformance.target.settings import make_target

COUNT = 8
BODY = b'{"id": "pi_1"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
CREATES = [{"operation": "create", "body": {"amount": 2000}} for _ in range(COUNT)]


def connecting(url: str, transport: httpx.BaseTransport | None = None) -> Client:
    contract = load_contract("stripe")
    target = make_target(contract, base_url=url, api_key="key_1", timeout=10)
    return Client(contract, target, History(Redactor({})), transport=transport)


class Listener:
    """Takes connections and answers each request; ``lacks_one`` is set when one has come but for its last byte."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=COUNT)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.connections = 0
        self.lacks_one, self.complete = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(10)
            received, length, missing = b"", 0, 1
            while missing:
                received += connection.recv(65536)
                head, _, body = received.partition(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or -1)
                missing = length - len(body)
                if missing == 1:
                    self.lacks_one.set()
            self.complete.set()
            connection.sendall(ANSWER)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._accepting.join(10)
        for thread in self._threads:
            thread.join(10)


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()
    try:
        yield listener
    finally:
        listener.close()


class Watching:
    """A place at a gate that opens when the server has got all but the last byte."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def hold(self, release: Callable[[], None]) -> float:
        assert self._listener.lacks_one.wait(10)
        assert not self._listener.complete.is_set()
        release()
        return 7.0


@pytest.mark.parametrize("body", [b"amount=2000", b"a"])
def test_all_but_the_last_byte_is_sent_before_the_request_is_let_go(body: bytes) -> None:
    with listening() as listener, httpx.Client(transport=HeldTransport()) as client:
        request = client.build_request("POST", listener.url, content=body)
        request.extensions["place"] = Watching(listener)
        answer = client.send(request)
    assert answer.json() == {"id": "pi_1"}
    assert request.extensions["released"] == 7.0


def test_each_has_a_connection_of_its_own() -> None:
    with listening() as listener:
        client = connecting(listener.url)
        exchanges = client.together(CREATES)
        client.close()
    assert [one.response.status for one in exchanges if one.response] == [200] * COUNT
    assert listener.connections == COUNT


def test_what_is_known_of_them() -> None:
    with listening() as listener:
        client = connecting(listener.url)
        before = client.clock.time()
        exchanges = client.together(CREATES)
        client.close()
    assert [one.number for one in exchanges] == list(range(1, COUNT + 1))  # in the order in which they were asked for
    assert all(before <= one.started <= one.ended for one in exchanges)
    # Let go in a row: what lies between the first and the last is far less than one request takes.
    moments = sorted(one.started for one in exchanges)
    assert max(moments) < min(one.ended for one in exchanges)
    keys = {one.request.header("Idempotency-Key") for one in exchanges}
    assert len(keys) == COUNT


def test_in_memory_all_are_inside_at_once() -> None:
    inside = threading.Barrier(COUNT, timeout=10)

    def answer(request: httpx.Request) -> httpx.Response:
        inside.wait()
        return httpx.Response(200, json={"id": "pi_1"})

    client = connecting("http://reference.invalid", httpx.MockTransport(answer))
    exchanges = client.together(CREATES)
    assert [one.response.status for one in exchanges if one.response] == [200] * COUNT


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = connecting(f"http://127.0.0.1:{port}")
    exchanges = client.together(CREATES)
    client.close()
    assert all(one.response is None and "refused" in one.failure for one in exchanges)


def test_one_that_fails_before_it_is_ready_does_not_hold_the_others() -> None:
    gate = Gate(2, Clock(), patience=60.0)
    failing, waiting = Place(gate, 1), Place(gate, 2)
    let_go = threading.Event()
    thread = threading.Thread(target=lambda: waiting.hold(let_go.set))
    thread.start()
    failing.leave()
    thread.join(10)
    assert let_go.is_set()


def test_one_that_never_comes_is_not_waited_for_for_ever() -> None:
    let_go = threading.Event()
    Gate(2, Clock(), patience=0.01).hold(let_go.set)
    assert let_go.is_set()


def test_what_fails_when_it_is_let_go_fails_alone() -> None:
    gate = Gate(2, Clock(), patience=10.0)
    let_go = threading.Event()
    thread = threading.Thread(target=lambda: gate.hold(let_go.set))

    def break_off() -> None:
        raise OSError("reset")

    thread.start()
    with pytest.raises(OSError, match="reset"):
        gate.hold(break_off)
    thread.join(10)
    assert let_go.is_set()


def test_a_burst_is_paid_for_by_those_that_follow() -> None:
    clock = SkippingClock()
    contract = load_contract("stripe")
    target = make_target(contract, base_url="http://reference.invalid", api_key="key_1", requests_per_second=10)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"id": "pi_1"}))
    client = Client(contract, target, History(Redactor({})), transport=transport, clock=clock)
    before = clock.monotonic()
    client.together(CREATES)
    assert clock.monotonic() - before < 0.5
    client.call("retrieve", "pi_1")
    assert clock.monotonic() - before >= COUNT / 10
