"""What the benchmark asks of a tool: a protocol, what goes into a run, and what comes out of it.

A tool is one class in a module of its own beside this one; ``registry.py`` names it. Another tool plugs in by the same.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Ended = Literal["finished", "found", "time", "requests"]

_ASKED_EVERY = 0.1  # seconds between two looks at a running tool
_GRACE = 10.0  # seconds that a stopped tool has to write down what it knows


class DidNotRun(Exception):
    """The tool could not be run, or broke down; the message says why. Never the same as finding nothing."""


@dataclass(frozen=True)
class Budget:
    """What one run may spend at most, and the seed of what a tool generates at random."""

    seconds: float
    requests: int
    seed: int = 1


@dataclass
class Server:
    """A server under test, running. ``settings`` are those of ``conformance.reference.target_settings``.

    ``headers`` is the credential as a client sends it. ``arrivals`` holds the moment at which each request came in, in
    seconds since the epoch, and grows while the server runs; None where the server cannot tell.
    """

    provider: str
    url: str  # with the provider's base path, without a slash at the end
    settings: Mapping[str, Any]
    headers: Mapping[str, str]
    arrivals: list[float] | None = field(default_factory=list)

    def requests(self, until: float = math.inf) -> int:
        """How many requests have come in, up to that moment; 0 where the server cannot tell."""
        return sum(arrived <= until for arrived in list(self.arrivals or ()))


@dataclass(frozen=True)
class First:
    """When the evidence of the earliest finding was complete: requests that the server had received, seconds since the
    tool's start."""

    requests: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """What one run came to.

    ``keys`` names each thing the tool told against the server, in words that do not depend on generated data, so that
    two runs can be compared: what stands in ``keys`` and not among the known ones is a finding. ``first`` is about
    such findings only. ``ended`` says what stopped the run: itself, its first finding, or one end of the budget.
    ``details`` is whatever else the tool's rows of the report want to keep, as JSON.
    """

    keys: frozenset[str]
    first: First | None
    requests: int
    seconds: float
    ended: Ended
    details: Mapping[str, Any] = field(default_factory=dict)


class Tool(Protocol):
    """A tool that is run against servers. Instances are made without arguments, in the process that runs them."""

    name: str  # as the report calls it
    command: str  # the command line of a run, with {placeholders} for what differs; shown in the report

    def version(self) -> str:
        """The tool's version. Raises ``DidNotRun`` where it is not installed."""

    def run(self, server: Server, budget: Budget, folder: Path, known: frozenset[str] | None) -> Result:
        """One run against a server, within the budget; ``folder`` is empty and the tool's to write in.

        ``known`` are the keys that the tool tells of the fault-free server too: the run may stop at the first other
        one. None: nothing is known yet, and the run goes on to its end.

        Raises:
            DidNotRun: the tool broke down, so that nothing can be said.
        """


# -- a tool that is a process -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ran:
    """How a process went. ``started`` is in seconds since the epoch; ``printed`` is the end of all that it printed."""

    started: float
    seconds: float
    ended: Ended
    code: int
    printed: str


def run_process(
    command: Sequence[str],
    server: Server,
    budget: Budget,
    folder: Path,
    found: Callable[[], bool] = lambda: False,
    environment: Mapping[str, str] | None = None,
) -> Ran:
    """Runs a command in ``folder`` until it ends, has spent the budget, or ``found()``, asked often, says: enough.

    Stopping is a SIGINT, as from a keyboard, and a SIGKILL to the whole group when that does not help.
    """
    output = folder / "printed.txt"
    with output.open("wb") as stream:
        started = time.time()
        process = subprocess.Popen(
            [*command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
        ended: Ended = "finished"
        try:
            while process.poll() is None:
                if found():
                    ended = "found"
                elif time.time() - started > budget.seconds:
                    ended = "time"
                elif server.requests() >= budget.requests:
                    ended = "requests"
                if ended != "finished":
                    break
                time.sleep(_ASKED_EVERY)
            seconds = time.time() - started
        finally:
            _stop(process)
    printed = output.read_bytes()[-4000:].decode("utf-8", "replace")
    return Ran(started, seconds, ended, process.returncode, printed)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Lines:
    """The JSON lines of a file that somebody else is writing, each given once, when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._lock = threading.Lock()

    def new(self) -> list[dict[str, Any]]:
        """The lines that have come since the last time."""
        with self._lock:
            if not self._path.exists():
                return []
            with self._path.open("rb") as stream:
                stream.seek(self._read)
                whole, end, _ = stream.read().rpartition(b"\n")
            self._read += len(whole) + len(end)
            return [json.loads(line) for line in whole.splitlines() if line]
