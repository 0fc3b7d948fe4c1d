"""Users of a soak in this process, on a reference server in memory, and what their workers would have left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from conformance.contract import Contract
from conformance.embedded import embedded_server, embedded_target
from conformance.evidence.history import History, appendable
from conformance.evidence.redaction import Redactor
from conformance.parts.part import common_of
from conformance.reference.policies import Policies
from conformance.run import HISTORY
from conformance.scenarios.acting import Actor
from conformance.soak.judging import Judged, Soak, judge_soak
from conformance.soak.leading import Led
from conformance.soak.messages import ROOM, WORKER, scenario_of
from conformance.soak.stories import Stories
from conformance.target.client import Client
from conformance.target.values import Instruments
from tests.faults.certification import contract_of

NAME = "a-soak"


@dataclass
class Shop:
    """Users at one server; ``users`` are those who act at the moment."""

    contract: Contract
    folder: Path
    users: list[Stories]
    started: float

    def judged(self, worlds: Path, workers: int) -> Judged:
        """What the users have left, as that many workers would have left it, judged."""
        folders = [worlds / str(number) for number in range(1, workers + 1)]
        lines = (self.folder / HISTORY).read_bytes().splitlines(keepends=True)
        for number, folder in enumerate(folders, 1):
            (folder / HISTORY).parent.mkdir(parents=True)
            mine = [line for line in lines if int(json.loads(line)["number"]) // ROOM % workers == number - 1]
            (folder / HISTORY).write_bytes(b"".join(mine))
            (folder / WORKER).write_text(json.dumps({"soak": NAME, "worker": number, "exchanges": len(mine)}))
        return judge_soak(self.soak(workers), self.contract, folders, worlds / "judged")

    def soak(self, workers: int) -> Soak:
        target = embedded_target(self.contract)
        redactor = Redactor(target.secrets())
        common = common_of(
            self.contract, target, redactor, of=workers, seed=1, mode="soak", strict=False,
            selection={"ids": (), "areas": (), "levels": ()},
        )  # fmt: skip
        return Soak(NAME, common, len(self.users), workers, self.started, Led(seconds=1.0))


@contextmanager
def shop(provider: str, folder: Path, policies: Policies | None = None, users: int = 4) -> Iterator[Shop]:
    """So many users at a server of their own, each with a client and a history as in a worker."""
    contract = contract_of(provider)
    target, server = embedded_target(contract), embedded_server(provider, policies)
    redactor, instruments = Redactor(target.secrets()), Instruments(target.instruments)
    clients = []
    with appendable(folder / HISTORY) as stream:
        for number in range(1, users + 1):
            history = History(redactor, before=number * ROOM, kept=False, stream=stream)
            client = Client(contract, target, history, seed=1, **server)
            client.scenario = scenario_of(1, number)
            clients.append(client)
        stories = [Stories(Actor(contract, client, instruments), Random(f"1 {client.scenario}")) for client in clients]
        try:
            yield Shop(contract, folder, stories, server["clock"].time())
        finally:
            for client in clients:
                client.close()


def play(stories: list[Stories], times: int) -> None:
    """Each user plays so many stories, in turn, and ends."""
    for _ in range(times):
        for one in stories:
            one.play()
    for one in stories:
        one.end()
