"""``certify -n``: the parts of a run, acted by processes of this machine at the same time, and put together."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.order import Order
from conformance.parts.merging import merge
from conformance.parts.part import Part, PartError, read
from conformance.parts.shares import MOST_PARTS
from conformance.parts.worker import GRACE
from conformance.run import Run, SuiteError
from conformance.session import stoppable
from conformance.target.settings import SettingsError
from conformance.verdict import Certificate

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.target.stopping import Stop

_LOOK_EVERY = 0.2  # seconds, whether somebody wants it all to stop
_LAST_LINES = 15  # of what a process has printed, told when it has crashed


def count_of(text: str) -> int:
    """The number of processes that ``-n`` asks for; ``auto`` is one for each processor. Raises ``SettingsError``."""
    if text == "auto":
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return min(usable, MOST_PARTS)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_PARTS):
        raise SettingsError(f"-n {text!r} is no number of processes: auto, or 1 to {MOST_PARTS}")
    return int(text)


def certify_in_processes(run: Run, order: Order, count: int, told: list[str]) -> tuple[Certificate, Run]:
    """Acts a prepared run in so many processes; its certificate, and the run that has been judged.

    ``told`` receives what they say of their clean-up. Interrupted, each still leaves what it has seen, and cleans up.
    Raises ``SettingsError`` and ``SuiteError`` as soon as one process fails or is gone; the others are ended then.
    """
    run.close()  # which each process makes for itself
    folders = [run.folder / "parts" / f"{number}-of-{count}" for number in range(1, count + 1)]
    children = [
        _Child(
            replace(
                order,
                providers=(run.contract.name,),
                seed=run.seed,
                output=str(folder),
                shard=f"{number}/{count}",
                processes_of_one=True,
            )
        )
        for number, folder in enumerate(folders, 1)
    ]
    with stoppable(run):
        try:
            with _shown(run.contract) as show:
                _watch(children, show, run.clock.stop, told)
        finally:
            _end(children)
        try:
            parts = [read(folder) for folder in folders]
            certificate, whole = merge(parts, run.folder, {run.contract.name: run.contract})
        except PartError as error:
            raise SuiteError(str(error)) from error
    run.interrupted, run.client.stopped = whole.interrupted, whole.client.stopped
    _remove(parts)
    return certificate, whole


class _Child:
    """One process, and what it says. ``events`` of all children go into one queue."""

    def __init__(self, order: Order) -> None:
        self.shard = order.shard
        self.done = False
        self.said: deque[str] = deque(maxlen=_LAST_LINES)
        self.listeners: list[threading.Thread] = []
        # In a session of its own, Ctrl-C in a terminal reaches the parent alone, which then ends its children.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "conformance.parts.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        assert self.process.stdin
        with suppress(BrokenPipeError):  # it is gone, which is told as of any other
            self.process.stdin.write(json.dumps(asdict(order)) + "\n")
            self.process.stdin.flush()

    def listen(self, events: queue.Queue[tuple[_Child, dict[str, Any]]]) -> None:
        """Puts what the process says into the queue, and at last with which code it has ended."""

        def errors() -> None:
            assert self.process.stderr
            with self.process.stderr as stream:
                self.said.extend(stream)

        def lines() -> None:
            assert self.process.stdout
            with self.process.stdout as stream:
                for line in stream:
                    try:
                        events.put((self, dict(json.loads(line))))
                    except (ValueError, TypeError):
                        self.said.append(line)  # cut off
            also.join()
            events.put((self, {"ended": self.process.wait()}))

        also = threading.Thread(target=errors, daemon=True)
        self.listeners = [also, threading.Thread(target=lines, daemon=True)]
        for listener in self.listeners:
            listener.start()


def _watch(children: list[_Child], show: Callable[[int, int], None], stop: Stop, cleaned: list[str]) -> None:
    """Returns when each child has left its part; when somebody asks to ``stop``, so are they.

    ``cleaned`` receives what they say of their clean-up. Raises ``SettingsError`` or ``SuiteError`` when one fails.
    """
    events: queue.Queue[tuple[_Child, dict[str, Any]]] = queue.Queue()
    for child in children:
        child.listen(events)
    running = len(children)
    while running:
        try:
            child, told = events.get(timeout=_LOOK_EVERY)
        except queue.Empty:
            if stop.asked:
                _close(children)
            continue
        cleaned += [f"process {child.shard}: {line}" for line in told.get("cleaned", ())]
        show(told.get("scenarios", 0), told.get("done", 0))
        if "failed" in told:
            raise (SettingsError if told["code"] == 2 else SuiteError)(told["failed"])
        child.done = child.done or "part" in told
        if "ended" not in told:
            continue
        running -= 1
        if not child.done:
            raise SuiteError(f"process {child.shard} {_ended(told['ended'])}{_said(child)}")


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended with {code} before its part was there"
    try:
        return f"was ended by {signal.Signals(-code).name} before its part was there"
    except ValueError:
        return f"was ended by signal {-code} before its part was there"


def _said(child: _Child) -> str:
    text = "".join(child.said).strip()
    return f"; it said:\n{text}" if text else ""


def _close(children: list[_Child]) -> None:
    """Ends the children's input: then they stop, leave what they have seen, and clean up."""
    for child in children:
        if child.process.stdin:
            with suppress(BrokenPipeError):  # it is gone already
                child.process.stdin.close()


def _end(children: list[_Child]) -> None:
    """Sees to it that no child is left."""
    _close(children)
    until = time.monotonic() + GRACE + 2.0
    for child in children:
        try:
            child.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
        for listener in child.listeners:
            listener.join()  # which closes what it listens to


@contextmanager
def _shown(contract: Contract) -> Iterator[Callable[[int, int], None]]:
    """One progress display of all processes; told of further scenarios, and of those that are done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn(f"{contract.title:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task, total = progress.add_task("", total=None), 0

        def show(scenarios: int, done: int) -> None:
            nonlocal total
            total += scenarios
            progress.update(task, total=total or None, advance=done)

        yield show


def _remove(parts: list[Part]) -> None:
    """Takes away what the whole holds as well; whatever else a process has left stays."""
    for part in parts:
        part.file.unlink()
        part.history_file.unlink()
        folders: tuple[Path, ...] = (part.history_file.parent, part.folder, part.folder.parent)
        for folder in folders:
            with suppress(OSError):  # something is left in it
                folder.rmdir()
