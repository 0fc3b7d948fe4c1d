"""One process of a soak: users of Locust that play stories, each with a client and a history of its own.

``python -m conformance.soak.worker`` reads what it is to do from the first line of its standard input, so that secrets
stand on no command line, and goes by what the master says. When the input ends, whoever started it is gone: then it
ends, too. It leaves ``history/exchanges.jsonl`` and ``history/intents.jsonl`` in its folder, and ``worker.json`` when
all its users have come to their end.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, BinaryIO, cast

import gevent
from locust import User, constant, task  # first of all that opens connections: it replaces how they wait
from locust.env import Environment
from locust.exception import StopUser

from conformance.contract import Contract
from conformance.evidence.exchange import Exchange
from conformance.evidence.exposure import guard_logs, presentable
from conformance.evidence.files import write_whole
from conformance.evidence.history import History, appendable
from conformance.evidence.redaction import Redactor
from conformance.order import Order, target_of
from conformance.parts.worker import LISTS
from conformance.run import HISTORY
from conformance.scenarios.acting import Actor
from conformance.sighting import sighted
from conformance.soak.messages import ENDED, ROOM, STARTS, STOPPED, USERS, WORKER, Start, scenario_of
from conformance.soak.stories import Stories
from conformance.target.client import Client, LiveMoney, TargetSilent
from conformance.target.clock import Clock
from conformance.target.journal import Journal, JournalError, begun
from conformance.target.pace import Pace
from conformance.target.proxy import told
from conformance.target.settings import Target
from conformance.target.values import Instruments

_LAST_WORDS = 5000  # milliseconds that they have to reach the master


class Shop:
    """What the users of this process share."""

    def __init__(self, contract: Contract, target: Target, folder: Path) -> None:
        self.contract, self.target, self.folder = contract, target, folder
        self.redactor = Redactor(target.secrets(), names=target.redact_names, texts=target.redact_texts)
        self.clock, self.instruments = Clock(), Instruments(target.instruments)
        self.journal: Journal = begun(
            contract, self.redactor, folder, target=target.name, base_url=target.base_url, started=time.time()
        )
        (folder / HISTORY).unlink(missing_ok=True)
        (folder / WORKER).unlink(missing_ok=True)
        self.stream: BinaryIO = appendable(folder / HISTORY)
        self.start = Start()
        self.number = 0  # of this process
        self.pace = Pace(0.0, self.clock)
        self.users = count(1)
        self.exchanges = 0

    def begin(self, number: int, start: Start) -> None:
        """Takes over what the master says, before the first user is there."""
        self.number, self.start = number, start
        self.pace = Pace(start.requests_per_second, self.clock)


class Told(History):
    """The history of one user, of which Locust's statistics are told."""

    def __init__(self, shop: Shop, environment: Environment, user: int) -> None:
        before = ((shop.number - 1) * USERS + user) * ROOM
        super().__init__(shop.redactor, before=before, kept=False, stream=shop.stream)
        self._shop, self._events = shop, cast(Any, environment.events)

    def add(self, exchange: Exchange) -> Exchange:
        added = super().add(exchange)
        self._shop.exchanges += 1
        seen = sighted(self._shop.contract, added)
        taken = added.response is None and told(added)  # by our own proxy, after the target had answered
        failure = None if added.response or taken else added.failure.partition(":")[0]
        self._events.request.fire(
            request_type=added.request.method,
            name=(seen and seen.operation) or "other",
            response_time=1000 * (added.ended - added.started),
            response_length=len(added.response.body) if added.response else 0,
            exception=failure,
            context={},
        )
        return added


def user_class(shop: Shop) -> type[User]:
    """The users of Locust that play stories at this target."""

    class Shopper(User):
        wait_time = constant(0)

        def on_start(self) -> None:
            number = next(shop.users)
            if number >= USERS:
                raise StopUser
            self.client = Client(
                shop.contract,
                shop.target,
                Told(shop, self.environment, number),
                seed=shop.start.seed,
                clock=shop.clock,
                journal=shop.journal,
                pace=shop.pace,
            )
            self.client.scenario = scenario_of(shop.number, number)
            random = Random(f"{shop.start.seed} {self.client.scenario}")  # noqa: S311  # which story is no secret
            self.stories = Stories(Actor(shop.contract, self.client, shop.instruments), random)
            self.played = 0

        @task
        def story(self) -> None:
            if not self.stories.any_left or self.client.history.last % ROOM > ROOM // 2:
                raise StopUser
            self._do(self.stories.play)
            self.played += 1
            if shop.start.stories and self.played >= shop.start.stories:
                raise StopUser

        def on_stop(self) -> None:
            with suppress(StopUser):  # it is stopping
                self._do(self.stories.end)
            self.client.close()

        def _do(self, what: Any) -> None:
            """Something that sends requests. Tells the master where nothing more may be sent."""
            try:
                what()
            except LiveMoney as live:
                self._stopped(str(live), live=True)
            except (TargetSilent, JournalError, OSError) as why:
                self._stopped(shop.redactor.prose(str(why)))

        def _stopped(self, why: str, *, live: bool = False) -> None:
            runner = self.environment.runner
            if runner:
                runner.send_message(STOPPED, {"why": why, "live": live})
            raise StopUser

    return Shopper


def work(order: Order, folder: Path, host: str, port: int) -> int:
    """Works for the master there until it says that it is over; the exit code."""
    contract, target = target_of(order)
    guard_logs()
    shop = Shop(contract, target, folder)
    environment = Environment(user_classes=[user_class(shop)])
    runner: Any = environment.create_worker_runner(host, port)

    def starts(environment: Environment, msg: Any) -> None:
        shop.begin(runner.worker_index + 1, Start(**msg.data))

    runner.register_message(STARTS, starts)
    runner.greenlet.join()
    shop.stream.close()
    shop.journal.close()
    done = {"soak": shop.start.soak, "worker": shop.number, "exchanges": shop.exchanges}
    write_whole(folder / WORKER, json.dumps(done) + "\n")
    runner.send_message(ENDED, done)
    connection = runner.client.socket.context
    runner.client.close(linger=_LAST_WORDS)
    connection.term()  # returns when what was said has gone out: nobody waits for a worker that has ended
    return 0


def main() -> int:
    asked = json.loads(sys.stdin.readline())
    given: dict[str, Any] = {name: tuple(value) if name in LISTS else value for name, value in asked["order"].items()}
    order = Order(**given)
    gevent.spawn(_end_with_input)
    try:
        return work(order, Path(asked["folder"]), asked["host"], asked["port"])
    except KeyboardInterrupt:
        return 3
    except Exception as error:
        sys.stderr.write(presentable(f"{type(error).__name__}: {error}\n"))
        return 3


def _end_with_input() -> None:
    """Waits until nobody holds the other end any more."""
    pool = gevent.get_hub().threadpool
    while pool.apply(os.read, (sys.stdin.fileno(), 4096)):
        pass
    os._exit(3)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # somebody still waits for the input to end
