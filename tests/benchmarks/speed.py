"""What a run costs: ``certify`` over a socket, and its replay, against a bare HTTP client that sends the same requests.

Run as ``python -m tests.benchmarks.speed [provider]``; prints medians and ratios of alternating rounds, judges nothing.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.evidence.exchange import Request

ROUNDS = 5


@contextmanager
def served(provider: str, folder: Path) -> Iterator[Path]:
    """A fresh reference server in a process of its own; gives the target file that reaches it."""
    target = folder / "target.toml"
    target.unlink(missing_ok=True)
    command = [sys.executable, "-m", "conformance", "serve", "--provider", provider, "--write-target", str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()  # it has printed its address: it listens, and the file is written
        try:
            yield target
        finally:
            server.terminate()


def run_once(target: Path, folder: Path) -> tuple[dict[str, float], list[Request]]:
    """Seconds of acting and of the whole run, in this process, imports done; and what was sent."""
    from conformance.order import Order, prepare_runs
    from conformance.recorder import keep
    from conformance.session import act

    kept = {"output": str(folder), "cassettes": str(folder / "cassettes")}
    (run,) = prepare_runs(Order(target=str(target), **kept))
    started = time.perf_counter()
    run.preflight()
    act(run)
    acted = time.perf_counter()
    run.finish()
    seconds = {"acting": acted - started, "run": time.perf_counter() - started, "requests": float(len(run.history))}
    for name, order in (
        ("record", Order(target=str(target), record=True, **kept)),
        ("replay", Order(target=str(target), replay=True, **kept)),
    ):
        started = time.perf_counter()
        (again,) = prepare_runs(order)
        again.preflight()
        act(again)
        again.finish()
        if again.record:
            keep(again)
        seconds[name] = time.perf_counter() - started
    return seconds, [exchange.request for exchange in run.history]


def bare(requests: list[Request]) -> float:
    """Seconds that one httpx client takes for the same requests, under keys of its own lest they be replays."""
    import httpx

    prepared = []
    for request in requests:
        headers = {name: value for name, value in request.headers if name.lower() not in _OWN}
        prepared.append((request, {**headers, **{name: f"{headers[name]}-b" for name in headers if name in _KEYS}}))
    with httpx.Client(trust_env=False) as client:
        started = time.perf_counter()
        for request, headers in prepared:
            client.request(request.method, request.url, headers=headers, content=request.body)
        return time.perf_counter() - started


_OWN = {"host", "content-length", "connection"}  # the client writes these itself
_KEYS = {"idempotency-key"}


def whole_process(target: Path, folder: Path) -> float:
    """Seconds from starting the command to its end."""
    command = [sys.executable, "-m", "conformance", "certify", "--target", str(target), "--output", str(folder)]
    started = time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    provider = sys.argv[1] if len(sys.argv) > 1 else "stripe"
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(ROUNDS + 1):
            with served(provider, folder) as target:
                measured, sent = run_once(target, folder / "out")
                measured["bare"] = bare(sent)
            with served(provider, folder) as target:
                measured["process"] = whole_process(target, folder / "out")
            if number:  # the first round warms caches up
                for key, value in measured.items():
                    figures.setdefault(key, []).append(value)
    medians = {key: statistics.median(values) for key, values in figures.items()}
    print(f"{provider}, {medians['requests']:.0f} requests, {ROUNDS} rounds, {os.cpu_count()} cores; medians:")
    for key in ("bare", "acting", "run", "record", "replay", "process"):
        ratios = [one / other for one, other in zip(figures[key], figures["bare"], strict=True)]
        print(f"  {key:8} {medians[key]:6.2f} s   {statistics.median(ratios):5.2f} x bare")
    ratios = [one / other for one, other in zip(figures["replay"], figures["run"], strict=True)]
    print(f"  replay   {statistics.median(ratios):.2f} x run")


if __name__ == "__main__":
    main()
