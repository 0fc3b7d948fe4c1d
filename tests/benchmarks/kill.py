"""Kills runs at random points and cleans up after them: ``python -m tests.benchmarks.kill [POINTS] [SEED]``.

Each run acts on a reference server over a socket, in a process of its own, and is ended by SIGKILL at one of its
requests: before the server has carried it out, after that but before the answer, or a moment later, while the run
writes, judges or cleans up. Then ``conformance cleanup`` runs. Afterwards the server must have no intent that could be
captured or canceled, and every file of the run must be readable.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from conformance.contract import Contract
from conformance.contract.loading import load_contracts
from conformance.evidence.history import read_history
from conformance.target.journal import JournalError, read_head
from conformance.verdict import Certificate, CertificateError
from tests.cleanup.server import Point, Server, served

CONFORMANCE = (sys.executable, "-m", "conformance")
# Small selections, of which each sends other requests, and about how many: single creates, bursts, lost replies, keys.
SELECTIONS = {
    ("stripe", "create"): 150,
    ("stripe", "concurrency"): 220,
    ("stripe", "retries"): 110,
    ("stripe", "idempotency"): 150,
    ("revkeen", "create"): 100,
    ("revkeen", "concurrency"): 150,
}
LATEST = 1.0  # seconds after the last request, in which the run judges, reports and ends
PATIENCE = 120.0  # seconds for one run


@dataclass(frozen=True)
class Shot:
    """One run and the point at which it is killed."""

    provider: str
    area: str
    point: Point
    seed: int


@dataclass
class Found:
    """What is left of a killed run after the clean-up: intents that could be captured or canceled, unreadable files."""

    shot: Shot
    killed: bool
    code: int
    said: str
    journalled: bool
    left: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return self.code == 0 and not self.left and not self.unreadable


def shots(count: int, seed: int, selections: dict[tuple[str, str], int] = SELECTIONS) -> list[Shot]:
    """So many points, the same for the same seed, over all selections in turn."""
    chance, found = random.Random(seed), []
    for number in range(count):
        provider, area = list(selections)[number % len(selections)]
        requests = selections[provider, area]
        kind = chance.choice(("unheard", "unanswered", "later", "later"))
        later = chance.choice((chance.uniform(0.0, 0.02), chance.uniform(0.0, LATEST))) if kind == "later" else 0.0
        point = Point(chance.randint(1, requests), kind == "unheard", later)
        found.append(Shot(provider, area, point, chance.randrange(2**31)))
    return found


def shoot(shot: Shot, server: Server, contract: Contract, folder: Path) -> Found:
    """Starts the run, has it killed, cleans up, and looks at what there is."""
    output, earlier = folder / f"{shot.area}-{shot.seed}", server.statuses()
    target = server.target_file(folder / f"{shot.provider}.toml")
    asked = ("certify", "--target", str(target), "--area", shot.area, "--seed", str(shot.seed), "--output", str(output))
    run = subprocess.Popen([*CONFORMANCE, *asked], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server.strike(shot.point, run.pid)
    try:
        killed = run.wait(PATIENCE) < 0
    finally:
        run.kill()
        run.wait()
    cleaned = subprocess.run(
        [*CONFORMANCE, "cleanup", str(output), "--target", str(target), "--alone"], capture_output=True, text=True
    )
    said = (cleaned.stdout + cleaned.stderr).strip()
    found = Found(shot, killed, cleaned.returncode, said, any(output.rglob("intents*.jsonl")))
    open_ = open_in(contract)
    found.left = [
        f"{name} {status}" for name, status in server.statuses().items() if status in open_ and name not in earlier
    ]
    found.unreadable = list(unreadable(output))
    return found


def open_in(contract: Contract) -> set[str]:
    """The statuses from which a capture or a cancel is documented."""
    moves = contract.transitions.values()
    return {status for move in moves if move.operation in ("capture", "cancel") and move.to for status in move.sources}


def unreadable(folder: Path) -> Iterator[str]:
    """The files of a run that are not what they should be; those under way, named ``.….part``, do not count."""
    for path in folder.rglob("*"):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        try:
            if path.name == "certificate.json":
                Certificate.read(path)
            elif path.name == "exchanges.jsonl":
                list(read_history(path))
            elif path.name.startswith("intents"):
                read_head(path)
            elif path.suffix in (".json", ".sarif"):
                json.loads(path.read_bytes())
            elif path.suffix == ".xml":
                ElementTree.fromstring(path.read_bytes())
            else:
                path.read_text(encoding="utf-8")
        except (ValueError, OSError, SyntaxError, CertificateError, JournalError) as error:
            yield f"{path}: {error}"


def main(count: int, seed: int) -> int:
    contracts, started, found = load_contracts(None), time.monotonic(), []
    asked = shots(count, seed)
    with tempfile.TemporaryDirectory() as name:
        for provider in dict.fromkeys(shot.provider for shot in asked):
            with served(provider) as server:
                for shot in (shot for shot in asked if shot.provider == provider):
                    found.append(shoot(shot, server, contracts[provider], Path(name)))
                    if not found[-1].sound:
                        sys.stdout.write(f"{found[-1]}\n")
                        sys.stdout.flush()
    struck = Counter("killed" if one.killed else "was through before" for one in found)
    sys.stdout.write(
        f"{len(found)} points, seed {seed}: {dict(struck)}, {sum(one.journalled for one in found)} had a journal; "
        f"{sum(one.sound for one in found)} sound afterwards, in {time.monotonic() - started:.0f} s\n"
    )
    return 0 if all(one.sound for one in found) else 1


if __name__ == "__main__":
    sys.exit(main(*(int(text) for text in (sys.argv[1:] + ["100", "8"][len(sys.argv) - 1 :]))))
