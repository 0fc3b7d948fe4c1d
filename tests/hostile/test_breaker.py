"""A target that dies in the middle of a run ends it after a bounded number of failures; one that returns does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from click.testing import Result

from conformance.contract import load_contract
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.target import connections
from conformance.target.client import KNOCKS, MOST_FAILURES, Client, TargetSilent
from conformance.target.clock import SkippingClock
from conformance.target.settings import make_target
from tests.commands.conftest import sound
from tests.hostile.server import answer, hostile

DEAD = httpx.ConnectError("refused")


def a_client(answering: Callable[[httpx.Request], httpx.Response]) -> Client:
    contract = load_contract("stripe")
    target = make_target(contract, base_url="http://127.0.0.1:1", api_key="key_1")
    transport = httpx.MockTransport(answering)
    return Client(contract, target, History(Redactor({})), transport=transport, clock=SkippingClock())


def test_a_dead_target_is_left_alone() -> None:
    sent: list[httpx.Request] = []

    def dead(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise DEAD

    client = a_client(dead)
    for _ in range(MOST_FAILURES):
        assert client.call("create", body={}).failure
    for _ in range(3):
        with pytest.raises(TargetSilent, match=r"in a row \(ConnectError: refused\)"):
            client.call("create", body={})
    with pytest.raises(TargetSilent):
        client.together([{"operation": "create", "body": {}}] * 2)
    assert len(sent) == MOST_FAILURES + len(KNOCKS)
    assert {request.method for request in sent[MOST_FAILURES:]} == {"GET"}
    assert client.stopped


def test_one_that_comes_back_is_asked_on() -> None:
    fails = [True] * (MOST_FAILURES + 2)

    def restarted(request: httpx.Request) -> httpx.Response:
        if fails and fails.pop():
            raise DEAD
        return httpx.Response(200, json={})

    client = a_client(restarted)
    for _ in range(MOST_FAILURES + 5):
        client.call("create", body={})
    assert not client.stopped
    assert client.call("create", body={}).response is not None


def test_one_that_drops_a_single_kind_of_request_is_asked_on() -> None:
    def picky(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            raise httpx.ReadError("reset")
        return httpx.Response(404, json={})

    client = a_client(picky)
    for _ in range(3 * MOST_FAILURES):
        assert client.call("create", body={}).failure
    assert not client.stopped


def test_what_was_never_sent_is_not_held_against_it() -> None:
    client = a_client(lambda request: httpx.Response(200, json={}))
    client.call("create", body={})
    for _ in range(2 * MOST_FAILURES):
        assert client.call("create", body={}, headers={"X-Odd": "é\ud800"}).failure
    assert not client.stopped


def test_a_run_whose_server_dies(
    certify: Callable[..., Result], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.target.client.KNOCKS", (0.0, 0.05))
    with hostile(lambda turn: None, sound=sound("dots"), after=5, dies=True) as server:
        result = certify(server.url, "--area", "create", "--burst", "0")
    assert result.exit_code == 3, result.output
    assert "not judged: Dots: no answer to" in result.output
    lines = (tmp_path / "out/history/exchanges.jsonl").read_text().splitlines()
    assert len(lines) == 5 + MOST_FAILURES + 2


def test_all_answers_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "RUN_LIMIT", 100_000)
    with hostile(lambda turn: turn.say(answer(200, b"x" * 70_000))) as server:
        contract = load_contract("dots")
        target = make_target(contract, base_url=server.url, api_key="key_1")
        client = Client(contract, target, History(Redactor({})))
        first, second = client.call("create", body={}), client.call("create", body={})
        client.close()
    assert first.response is not None
    assert "longer than 65536 bytes" in second.failure
