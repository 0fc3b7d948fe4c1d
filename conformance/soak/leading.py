"""The master of a soak: it starts Locust's workers on this machine, waits for those of others, and says what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from conformance.order import Order
from conformance.run import SuiteError
from conformance.soak.messages import ENDED, STARTS, STOPPED, Start
from conformance.target.stopping import Stop

LOOPBACK = "127.0.0.1"
CONNECTING = 60.0  # seconds in which the workers of this machine have to be there
STOPPING = 30.0  # seconds in which users may end their stories
_LOOK_EVERY = 0.2  # seconds
_ENDING = 30.0  # seconds more in which a worker may end
_SAID = 2000  # characters of what a worker has printed, told when it has crashed


@dataclass(frozen=True)
class Load:
    """How much is to be done: by so many ``users`` on ``workers`` of this machine, and ``remote`` ones of others.

    ``duration`` is in seconds, ``waiting`` too: how long remote ones are waited for. ``listen`` is where workers find
    the master.
    """

    users: int
    duration: float
    workers: int = 1
    remote: int = 0
    listen: tuple[str, int] = (LOOPBACK, 0)
    stories: int = 0
    waiting: float = 600.0

    @property
    def of(self) -> int:
        """All workers."""
        return self.workers + self.remote


@dataclass
class Operation:
    """What Locust has counted of one operation; times in milliseconds."""

    requests: int
    unanswered: int
    median: float
    slowest: float  # of a hundred


@dataclass
class Led:
    """What has come of it: ``seconds`` from the first user to the last, and why it ended early, if it did."""

    seconds: float = 0.0
    operations: dict[str, Operation] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    live: str = ""
    interrupted: bool = False

    @property
    def requests(self) -> int:
        return sum(one.requests for one in self.operations.values())


def lead(
    load: Load,
    order: Order,
    folders: Sequence[Path],
    start: Start,
    requests_per_second: float,
    stop: Stop,
    show: Callable[[int, float], None],
    listens: Callable[[str, int], None] = lambda host, port: None,
) -> Led:
    """Lets the users act until the time is over, ``stop`` is asked for, or nothing more can be sent.

    ``folders`` are those of this machine's workers; ``requests_per_second`` is what all workers may send together, 0
    for no limit. ``show`` is told of the requests so far, and the seconds. ``listens`` learns where remote workers find
    the master. Raises ``SuiteError`` where the workers do not come.
    """
    environment, runner = _master(load.listen)
    led = Led()

    def stopped(environment: Any, msg: Any) -> None:
        led.trouble.append(str(msg.data["why"]))
        led.live = led.live or (str(msg.data["why"]) if msg.data["live"] else "")

    def ended(environment: Any, msg: Any) -> None:
        over.add(msg.node_id)

    over: set[str] = set()  # the workers that have come to their end
    runner.register_message(STOPPED, stopped)
    runner.register_message(ENDED, ended)
    host, port = load.listen[0], int(runner.server.port)
    if load.remote:
        listens(host, port)
    with _local(order, folders, LOOPBACK if host in ("0.0.0.0", "*") else host, port) as children:  # noqa: S104
        try:
            _gather(load, runner, children, stop)
            share = replace(start, requests_per_second=requests_per_second / load.of)
            runner.send_message(STARTS, asdict(share))
            runner.start(load.users, spawn_rate=max(load.users, 1))
            begun = time.monotonic()
            while (passed := time.monotonic() - begun) < load.duration and not (stop.asked or led.live):
                _sleep(_LOOK_EVERY)
                show(int(environment.stats.total.num_requests), passed)
                if _over(runner, children, led, passed):
                    break
            led.seconds = time.monotonic() - begun
        finally:
            _end(load, runner, children, over, led)
    led.interrupted = stop.asked
    led.trouble = list(dict.fromkeys(led.trouble))
    led.operations = {
        name: Operation(
            entry.num_requests,
            entry.num_failures,
            float(entry.get_response_time_percentile(0.5)),
            float(entry.get_response_time_percentile(0.99)),
        )
        for (name, _), entry in sorted(environment.stats.entries.items())
    }
    return led


def _master(listen: tuple[str, int]) -> tuple[Any, Any]:
    """Locust's environment and its master. Raises ``SuiteError`` where nobody can listen there."""
    os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"  # the master waits for its workers alone, and by gevent's own means
    try:
        from locust import User
        from locust.env import Environment
    except ImportError as error:
        raise SuiteError("a soak needs Locust: pip install 'payment-intents-conformance[soak]'") from error
    finally:
        del os.environ["LOCUST_SKIP_MONKEY_PATCH"]
    import logging

    logging.getLogger("locust").setLevel(logging.CRITICAL)  # what there is to tell, we tell
    shopper = type("Shopper", (User,), {"abstract": False, "tasks": [lambda user: None]})
    environment = Environment(user_classes=[shopper])
    environment.stop_timeout = STOPPING
    try:
        return environment, environment.create_master_runner(*listen)
    except SystemExit:
        raise SuiteError(f"--listen {listen[0]}:{listen[1]}: somebody listens there already") from None


@dataclass
class _Child:
    """A worker of this machine, and where it prints to."""

    process: subprocess.Popen[str]
    said: IO[bytes]


@contextmanager
def _local(order: Order, folders: Sequence[Path], host: str, port: int) -> Iterator[list[_Child]]:
    """The workers of this machine, ended at the latest with the block."""
    children = []
    try:
        for folder in folders:
            children.append(start_worker(order, folder, host, port))
        yield children
    finally:
        for child in children:
            if child.process.poll() is None:
                child.process.kill()
            child.process.wait()
            if child.process.stdin:
                with suppress(OSError):
                    child.process.stdin.close()
            child.said.close()


def start_worker(order: Order, folder: Path, host: str, port: int) -> _Child:
    """A worker process for the master there."""
    folder.mkdir(parents=True, exist_ok=True)
    said = TemporaryFile()  # noqa: SIM115  # closed with the child
    process = subprocess.Popen(
        [sys.executable, "-m", "conformance.soak.worker"],
        stdin=subprocess.PIPE,
        stdout=said,
        stderr=said,
        text=True,
        start_new_session=True,  # Ctrl-C in a terminal reaches the master alone
    )
    asked = {"order": asdict(order), "folder": str(folder.absolute()), "host": host, "port": port}
    assert process.stdin
    with suppress(BrokenPipeError):  # it is gone, which is told as of any other
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
    return _Child(process, said)


def joined(order: Order, folder: Path, host: str, port: int) -> str:
    """A worker for a master elsewhere, until that says that it is over; what went wrong, empty where nothing did."""
    with _local(order, [folder], host, port) as (child,):
        try:
            code = child.process.wait()
        except KeyboardInterrupt:
            return "interrupted"
        return f"the worker ended with {code}{_said(child)}" if code else ""


def _gather(load: Load, runner: Any, children: Sequence[_Child], stop: Stop) -> None:
    """Returns when all workers are there. Raises ``SuiteError`` where they do not come."""
    until = time.monotonic() + (load.waiting if load.remote else CONNECTING)
    while len(runner.clients.ready) < load.of:
        if stop.asked:
            raise SuiteError("interrupted before the workers were there")
        for child in children:
            if child.process.poll() is not None:
                raise SuiteError(f"a worker ended with {child.process.returncode}{_said(child)}")
        if time.monotonic() > until:
            raise SuiteError(f"{len(runner.clients.ready)} of {load.of} workers came")
        _sleep(_LOOK_EVERY)


def _over(runner: Any, children: Sequence[_Child], led: Led, passed: float) -> bool:
    """Whether nobody acts any more: no user is left, or a worker is gone."""
    gone = [child for child in children if child.process.poll() is not None]
    if gone:
        led.trouble += [
            f"a worker ended with {child.process.returncode} before its time{_said(child)}" for child in gone
        ]
        return True
    return bool(runner.spawning_completed) and passed > 2 and runner.user_count == 0


def _end(load: Load, runner: Any, children: Sequence[_Child], over: set[str], led: Led) -> None:
    """Lets the users end their stories, and the workers leave what they have; what is not there by then is trouble.

    Locust's own way to stop lets a worker sleep for as long as its users might have needed, and its way to quit does
    not wait for what they count last.
    """
    runner.send_message("quit")
    until = time.monotonic() + STOPPING + _ENDING
    waited_for = len(runner.clients)
    while len(over) < waited_for:
        if children and len(children) == load.of and all(child.process.poll() is not None for child in children):
            break
        if time.monotonic() > until:
            led.trouble.append(f"{waited_for - len(over)} of {waited_for} workers did not say that they had ended")
            break
        _sleep(_LOOK_EVERY)
    for child in children:
        try:
            code = child.process.wait(max(1.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            led.trouble.append("a worker did not end when it was told to")
            child.process.kill()
            continue
        if code > 0:
            led.trouble.append(f"a worker ended with {code}{_said(child)}")
    runner.quit()


def _said(child: _Child) -> str:
    child.said.seek(0)
    text = child.said.read()[-_SAID:].decode("utf-8", "replace").strip()
    return f"; it said:\n{text}" if text else ""


def _sleep(seconds: float) -> None:
    import gevent

    gevent.sleep(seconds)
