"""The Schemathesis command line, set up as its own guide to benchmarking recommends.

That is: bounded by the clock, going on after a failure, not shrinking, no operation left out for a health check.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.contract import load_contract

from .documents import known_values, with_single_choices
from .tools import Budget, DidNotRun, Ended, First, Lines, Result, Server, run_process

_OPTIONS = (
    "--checks all --continue-on-failure --no-shrink --suppress-health-check all --generation-database none "
    "--report ndjson --report-ndjson-path events.ndjson --no-color"
)
_OF_A_PATH = {"unsupported_method", "allow_header_conformance"}
_EXECUTABLE = Path(sys.executable).parent / "st"
# A request line of a quarter of a megabyte is refused by the HTTP library around the server, which is not under test.
_TOO_LARGE = 431
_OVERTIME = 30.0  # seconds that it may take to come to its end by itself after the time is over


@dataclass(frozen=True)
class Failure:
    """One failure that it told: its key, and when the exchange that shows it was over, in seconds since the epoch."""

    key: str
    moment: float


class Schemathesis:
    """Finds what fails here and not on the fault-free server; a key is check, operation and title of the failure."""

    name = "Schemathesis"
    command = "st run schemas/{provider}/openapi.json -u {url} -H {credential} --seed {seed} --max-time {seconds} " + (
        _OPTIONS
    )

    def version(self) -> str:
        try:
            done = subprocess.run([str(_EXECUTABLE), "--version"], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise DidNotRun(f"st --version: {error}") from error
        return done.stdout.split()[-1]

    def run(self, server: Server, budget: Budget, folder: Path, known: frozenset[str] | None) -> Result:
        contract = load_contract(server.provider)
        schema, settings = with_single_choices(contract, folder), folder / "schemathesis.toml"
        settings.write_text(configuration(known_values(contract, server.settings)), encoding="utf-8")
        command = [
            str(_EXECUTABLE),
            "--config-file",
            str(settings),
            "run",
            str(schema),
            "-u",
            server.url,
            "--seed",
            str(budget.seed),
        ]
        command += ["--max-time", str(max(1, int(budget.seconds))), *_OPTIONS.split()]
        command += [word for name, value in server.headers.items() for word in ("-H", f"{name}: {value}")]
        lines, seen, spent = Lines(folder / "events.ndjson"), Seen(), 0.0

        def new() -> list[Failure]:
            """What is not known, shown by requests of the budget."""
            seen.read(lines.new())
            return [
                failure
                for failure in seen.failures
                if failure.key not in (known or ()) and server.requests(failure.moment) <= budget.requests
            ]

        def enough() -> bool:
            # It tells of a scenario when that has ended, and forgets it when it is interrupted: the one under way when
            # the last request of the budget came may end.
            nonlocal spent
            if new() and known is not None:
                return True
            if not spent and server.requests() >= budget.requests:
                spent = time.time()
            return bool(spent) and (seen.latest > spent or time.time() > spent + _OVERTIME)

        limits = replace(budget, seconds=budget.seconds + _OVERTIME, requests=sys.maxsize)
        ran = run_process(command, server, limits, folder, enough)
        moments = [failure.moment for failure in new()]
        if ran.ended == "finished" and not seen.finished:
            raise DidNotRun(f"st ended with {ran.code}: {seen.fatal or ran.printed[-500:].strip()}")
        ended: Ended = "time" if seen.stop_reason == "max_time" else ran.ended
        return Result(
            keys=frozenset(f.key for f in seen.failures if server.requests(f.moment) <= budget.requests),
            first=First(server.requests(min(moments)), round(min(moments) - ran.started, 3)) if moments else None,
            requests=server.requests() or seen.exchanges,
            seconds=ran.seconds,
            ended="requests" if ended == "found" and not (moments and known is not None) else ended,
            details={"could_not_generate": sorted(seen.errors)},
        )


def configuration(values: Mapping[str, Sequence[str | int]]) -> str:
    """A configuration file that has every second body try one of the values known for a member."""
    lines = []
    for name, known in values.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(known)}"]
    lines += ["[parameters]"]
    lines += [f'"body.{name}" = {{ dictionary = {json.dumps(name)}, probability = 0.5 }}' for name in values]
    return "\n".join(lines) + "\n"


class Seen:
    """What the events of a run have told so far."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self.errors: set[str] = set()  # its own, such as an operation for which it can generate nothing
        self.exchanges = 0
        self.latest = 0.0  # when the last scenario ended that it told of
        self.finished = False
        self.stop_reason = ""
        self.fatal = ""

    def read(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Takes in further lines of the event file."""
        for line in events:
            for name, event in line.items():
                recorder = event.get("recorder") or {}
                if recorder:
                    self.latest = max(self.latest, event.get("timestamp", 0.0))
                self.exchanges += len(recorder.get("interactions") or {})
                self.failures += failures(recorder, event.get("timestamp", 0.0))
                if name == "NonFatalError":
                    self.errors.add(f"{event.get('label', '')}: {event.get('value', {}).get('type', '')}")
                elif name == "FatalError":
                    self.fatal = str(event.get("exception"))
                elif name == "EngineFinished":
                    self.finished, self.stop_reason = True, str(event.get("stop_reason", ""))


def failures(recorder: Mapping[str, Any], otherwise: float) -> Iterator[Failure]:
    """The failures among the checks of one scenario; ``otherwise`` is the moment of one whose exchange is not kept."""
    exchanges = recorder.get("interactions") or {}
    for case, checks in (recorder.get("checks") or {}).items():
        exchange = exchanges.get(case, {})
        if (exchange.get("response") or {}).get("status_code") == _TOO_LARGE:
            continue
        for check in checks:
            if check["status"] == "failure":
                told = check["failure_info"]["failure"]
                yield Failure(key_of(check["name"], told), exchange.get("timestamp", otherwise))


def key_of(check: str, told: Mapping[str, Any]) -> str:
    """The key of a failure.

    An undeclared method is tried once for a path, and the failure then carries the name of whichever operation of that
    path came first, which differs between runs: it counts for the path.
    """
    operation = str(told.get("operation"))
    return f"{check} · {operation.split(' ')[-1] if check in _OF_A_PATH else operation} · {told['title']}"
