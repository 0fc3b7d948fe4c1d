"""Ctrl-C and SIGTERM: the run stops, judges what it has, says that it is partial, and cleans up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.contract.loading import load_contracts
from conformance.evidence.history import read_history
from conformance.target.clock import Clock
from conformance.target.stopping import Interrupted, Stop
from conformance.verdict import Certificate
from tests.benchmarks.kill import CONFORMANCE, open_in, unreadable
from tests.cleanup.server import Point, Server, served

OPEN = open_in(load_contracts(None)["stripe"])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served("stripe") as one:
        yield one


def certify(server: Server, folder: Path, *more: str) -> subprocess.Popen[str]:
    target = server.target_file(folder / "t.toml")
    command = [*CONFORMANCE, "certify", "--target", str(target), "--output", str(folder / "out"), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_a_partial_report_and_nothing_to_capture(
    number: signal.Signals, server: Server, tmp_path: Path
) -> None:
    run = certify(server, tmp_path, "--area", "retries")
    server.strike(Point(40), run.pid, number)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 3, err
    assert "stopping" in err
    certificate = Certificate.read(tmp_path / "out" / "certificate.json")
    assert certificate.result == "inconclusive"
    assert certificate.reasons[0].startswith("The run was interrupted, so that this report is partial")
    assert "clean-up: " in out
    assert ", 0 left" in out
    assert not OPEN & set(server.statuses().values())
    verdicts = {row.verdict for row in certificate.requirements if row.area == "retries"}
    stopped = [row for row in certificate.requirements if row.reason == "interrupted"]
    assert "pass" in verdicts
    assert stopped
    assert {row.verdict for row in stopped} == {"not_run"}
    for page in ("summary.md", "certificate.html"):
        assert "partial" in (tmp_path / "out" / page).read_text(encoding="utf-8")
    # The exchange under way came to its end, and nothing that was asked afterwards is evidence.
    history = list(read_history(tmp_path / "out" / "history" / "exchanges.jsonl"))
    assert 35 <= len(history) == certificate.requests <= 40  # some are sent twice by the suite's proxy
    assert not any(exchange.scenario == "clean-up" for exchange in history)


def test_the_second_signal_ends_it_at_once_and_cleanup_does_the_rest(server: Server, tmp_path: Path) -> None:
    run = certify(server, tmp_path, "--area", "retries")
    server.strike(Point(40), run.pid, signal.SIGINT)
    assert run.stderr
    while "stopping" not in run.stderr.readline():
        assert run.poll() is None
    os.kill(run.pid, signal.SIGINT)
    run.communicate(timeout=120)
    assert run.returncode == 130
    assert not list(unreadable(tmp_path / "out"))
    command = [*CONFORMANCE, "cleanup", str(tmp_path / "out"), "--target", str(tmp_path / "t.toml")]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert not OPEN & set(server.statuses().values())


def test_plain_pytest_does_the_same_at_ctrl_c(server: Server, tmp_path: Path) -> None:
    target = server.target_file(tmp_path / "t.toml")
    command = [sys.executable, "-m", "pytest", "--pyargs", "conformance.scenarios", "-q", "-p", "no:cacheprovider"]
    given = {"target": target, "area": "retries", "output": tmp_path / "out"}
    command += [f"--conformance-{name}={value}" for name, value in given.items()]
    run = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    )
    server.strike(Point(40), run.pid, signal.SIGINT)
    out, _ = run.communicate(timeout=120)
    assert run.returncode == 3, out
    document = json.loads((tmp_path / "out" / "certificate.json").read_bytes())
    assert "partial" in document["reasons"][0]
    assert not OPEN & set(server.statuses().values())


def test_whoever_sleeps_is_woken_and_nothing_begins_afterwards() -> None:
    clock = Clock()
    clock.sleep(0.0)
    clock.stop.ask()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        clock.sleep(60.0)
    assert time.monotonic() - started < 30.0
    with pytest.raises(Interrupted):
        clock.stop.check()


def test_each_clock_has_a_stop_of_its_own() -> None:
    first, second = Clock(), Clock()
    first.stop.ask()
    assert isinstance(second.stop, Stop)
    assert not second.stop.asked
