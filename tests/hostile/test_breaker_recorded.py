"""A run that stopped because its target fell silent is recorded, and its replay stops there and says the same."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from conformance.contract import load_contract
from conformance.embedded import embedded_server, embedded_target
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.recorder import judge_recording, keep
from conformance.run import Run, Selection
from conformance.session import act
from conformance.target.client import MOST_FAILURES, Client
from conformance.target.clock import SkippingClock

Spoil = Callable[[int], httpx.Response | None]

DOTS = load_contract("dots")
# Scenarios alone: a rule would have all others acted too.
ACTED = {row.id for row in DOTS.requirements.values() if row.check in ("burst", "create_succeeds", "create_refuses")}
BURST = range(19, 119)  # the numbers of the requests of the burst of a hundred


class Failing(httpx.BaseTransport):
    """A server whose answers ``spoil``, given the number of a request, may replace or keep back."""

    def __init__(self, server: httpx.BaseTransport, spoil: Spoil) -> None:
        self._server, self._spoil = server, spoil
        self._number, self._lock = 0, threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self._number += 1
            spoiled = self._spoil(self._number)
        return spoiled or self._server.handle_request(request)


def silent(numbers: range) -> Spoil:
    def spoil(number: int) -> None:
        if number in numbers:
            raise httpx.ConnectError("refused")

    return spoil


def busy(after: int) -> Spoil:
    body = {"success": False, "error": "too many requests"}
    return lambda number: httpx.Response(429, json=body) if number > after else None


def acted(folder: Path, spoil: Spoil) -> Run:
    """A run on a server that is spoiled; it is to be recorded in ``folder / "kept"``."""
    server = embedded_server("dots")
    run = Run(
        contract=DOTS,
        target=replace(embedded_target(DOTS), burst=len(BURST)),
        folder=folder / "out",
        mode="in-process",
        selection=Selection(frozenset(ACTED)),
        record=folder / "kept",
        transport=Failing(server["transport"], spoil),
        clock=server["clock"],
    )
    run.preflight()
    act(run)
    return run


@pytest.mark.parametrize(
    ("spoil", "stopped"),
    [
        pytest.param(silent(range(7, 10_000)), "no answer to", id="before a burst"),
        pytest.param(silent(range(BURST.start, 10_000)), "no answer to", id="with a burst"),
        pytest.param(silent(range(BURST.start + 6, 10_000)), "no answer to", id="within a burst"),
        pytest.param(silent(range(BURST.stop + 3, 10_000)), "no answer to", id="after a burst"),
        pytest.param(silent(range(BURST.stop + 3, BURST.stop + 3 + MOST_FAILURES + 2)), "", id="and comes back"),
        pytest.param(silent(BURST), "", id="for a burst alone"),
        pytest.param(busy(BURST.stop + 3), "were answered 429", id="and is busy for good"),
    ],
)
def test_its_replay_says_the_same(spoil: Spoil, stopped: str, tmp_path: Path) -> None:
    run = acted(tmp_path, spoil)
    certificate = run.finish()
    assert stopped in run.client.stopped
    assert bool(stopped) == bool(run.client.stopped)
    assert {"error", "inconclusive"} & {row.verdict for row in certificate.requirements if row.id in ACTED}
    keep(run, certificate)  # which a recording that said otherwise would refuse
    replayed = judge_recording(tmp_path / "kept", DOTS, run.selection)
    told = {row.id: (row.verdict, row.reason) for row in replayed.requirements if row.id in run.rows}
    assert told == {row.id: (row.verdict, row.reason) for row in certificate.requirements if row.id in run.rows}


def test_failures_of_a_burst_count_in_the_order_of_its_requests() -> None:
    """Which of them ended first is chance, and no recording tells."""
    most, others = MOST_FAILURES - 1, threading.Semaphore(0)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/first"):
            for _ in range(most):
                assert others.acquire(timeout=10)
            return httpx.Response(404, json={})  # answered last
        others.release()
        raise httpx.ConnectError("refused")

    target, history = embedded_target(DOTS), History(Redactor({}))
    client = Client(DOTS, target, history, transport=httpx.MockTransport(answer), clock=SkippingClock())
    client.together([{"operation": "retrieve", "intent": name} for name in ("first", *"x" * most)])
    client.call("retrieve", "y")
    assert len(history) == MOST_FAILURES + 1
    with pytest.raises(Exception, match=f"no answer to {MOST_FAILURES + 4} requests in a row"):
        client.call("retrieve", "z")
