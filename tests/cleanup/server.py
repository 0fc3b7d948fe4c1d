"""The reference server in a process of its own, which tells what it remembers.

``python -m tests.cleanup.server PROVIDER PORT`` prints its base URL, then, for each line of its input, the intents
that it has as JSON, status by id. A line may ask it to send a signal to its client at a certain request. It ends with
its input.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from werkzeug.wrappers import Request

from conformance.reference import policies_of, target_settings
from conformance.reference.app import Application
from conformance.reference.model import Answer
from conformance.reference.policies import Policies
from conformance.reference.serving import serving

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Point:
    """A moment of a run: at its request number ``request``, and so many seconds ``later``.

    That is before the server carries it out (``unheard``), or else after that and before the answer is sent.
    """

    request: int
    unheard: bool = False
    later: float = 0.0


@dataclass
class Server:
    """One such process."""

    provider: str
    url: str
    process: subprocess.Popen[str]

    def statuses(self) -> dict[str, str]:
        """The status of each intent that the server has, by id."""
        return self._asked({})

    def strike(self, point: Point, pid: int, number: int = signal.SIGKILL) -> None:
        """Sends the signal to the process when it has come so far from now on."""
        self._asked({**asdict(point), "pid": pid, "signal": number})

    def _asked(self, command: dict[str, Any]) -> dict[str, str]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        found: dict[str, str] = json.loads(self.process.stdout.readline())
        return found

    def target_file(self, path: Path, more: str = "") -> Path:
        """A target file that reaches the server; ``more`` are further lines of [target]."""
        settings = target_settings(self.provider)
        lines = ["[target]", f'provider = "{self.provider}"', f'base_url = "{self.url}"', more]
        lines += [f"api_key = {json.dumps(settings['api_key'])}", "[instruments]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in settings["instruments"].items()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


@contextmanager
def served(provider: str, port: int = 0) -> Iterator[Server]:
    """A server for as long as the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cleanup.server", provider, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url, "the server did not start"
        yield Server(provider, url, process)
    finally:
        process.communicate()


class Watched(Application):
    """The server, which strikes its client."""

    def __init__(self, policies: Policies) -> None:
        super().__init__(policies)
        self.count = itertools.count(1)
        self.struck: dict[str, Any] = {}

    def answer(self, request: Request) -> Answer:
        number, struck = next(self.count), self.struck
        due = number == struck.get("request")
        if due and struck["unheard"]:
            self.strike()
        answer = super().answer(request)
        if due and not struck["unheard"]:
            self.strike()
        return answer

    def strike(self) -> None:
        struck = self.struck
        if struck["later"]:
            threading.Timer(struck["later"], send_signal, (struck["pid"], struck["signal"])).start()
        else:
            send_signal(struck["pid"], struck["signal"])


def send_signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):  # it is through already
        os.kill(pid, number)


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(provider: str, port: int) -> None:
    made: list[Watched] = []

    def watched(policies: Policies) -> Watched:
        made.append(Watched(policies))
        return made[-1]

    with (
        patch("conformance.reference.serving.application", watched),
        serving(provider, policies_of(provider), port) as url,
    ):
        tell(url)
        (server,) = made
        for line in sys.stdin:
            command = json.loads(line)
            if command:
                server.count, server.struck = itertools.count(1), command
            with server.store.lock:
                tell(json.dumps({intent.id: intent.status for intent in server.store.intents.values()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
