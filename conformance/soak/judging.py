"""What the users of a soak have seen, judged: their histories, one user after the other, by the rules of any run."""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from conformance.contract import Contract
from conformance.evidence.exchange import Exchange
from conformance.evidence.files import write_whole
from conformance.evidence.finding import Outcome
from conformance.evidence.history import HistoryError, read_grouped
from conformance.evidence.redaction import Redactor
from conformance.parts.part import Common, common_from, target_of
from conformance.report import CERTIFICATE, write_all
from conformance.rules.judge import Judge, rules
from conformance.run import HISTORY
from conformance.sighting import Sighting, sighted
from conformance.soak.leading import Led, Operation
from conformance.soak.ledger import Ledger
from conformance.soak.messages import SOAK, WORKER, user_of
from conformance.verdict import Certificate, certify, judge, read_waivers

ACTED = "a soak acts stories, and no scenario"
BATCH = 500  # exchanges that are in memory at a time
SLOWER = 2.0  # times as long as at the beginning, from which on it is worth a word
ENOUGH = 50  # requests of an operation in a fifth of the time, for its median to say something
_FORMAT = 1
_NOTICED = 0.005  # seconds that it takes longer


class SoakError(Exception):
    """A folder holds no soak, or what it holds does not belong together; the message names it."""


@dataclass(frozen=True)
class Soak:
    """One soak that was acted: ``soak.json`` of its master. Without secrets.

    ``name`` tells it from others. ``users`` acted for ``seconds``, in ``common.of`` workers, of which ``local`` have
    their folders under ``workers`` of this one. ``started`` is in seconds since the epoch.
    """

    name: str
    common: Common
    users: int
    local: int
    started: float
    led: Led

    @property
    def requests_per_second(self) -> float:
        return self.led.requests / self.led.seconds if self.led.seconds else 0.0

    def write(self, folder: Path) -> None:
        told = {"soak": _FORMAT, **asdict(self), "requests_per_second": round(self.requests_per_second, 1)}
        write_whole(folder / SOAK, json.dumps(told, indent=1, ensure_ascii=False) + "\n")


@dataclass
class Slower:
    """An operation that takes longer in the last fifth of a soak than in the first; medians in seconds."""

    operation: str
    first: float
    last: float

    @property
    def line(self) -> str:
        times = self.last / self.first if self.first else 0.0
        return (
            f"{self.operation} takes {times:.1f} times as long at the end as at the beginning: "
            f"{1000 * self.last:.0f} ms, {1000 * self.first:.0f} ms before"
        )


@dataclass
class Pulse:
    """How long each operation took, and when; sixteen bytes for each exchange."""

    _taken: dict[str, tuple[array[float], array[float]]] = field(
        default_factory=lambda: defaultdict(lambda: (array("d"), array("d")))
    )

    def add(self, sighting: Sighting) -> None:
        exchange = sighting.exchange
        started, took = self._taken[sighting.operation]
        started.append(exchange.started)
        took.append(exchange.ended - exchange.started)

    def slower(self) -> list[Slower]:
        """The operations that have become slower, the slowest first."""
        found = []
        for operation, (started, took) in self._taken.items():
            if not operation:
                continue
            first, whole = min(started), max(started) - min(started)
            fifth = whole / 5
            early = [one for at, one in zip(started, took, strict=True) if at <= first + fifth]
            late = [one for at, one in zip(started, took, strict=True) if at >= first + whole - fifth]
            if min(len(early), len(late)) < ENOUGH:
                continue
            before, after = median(early), median(late)
            if after >= SLOWER * before and after - before >= _NOTICED:
                found.append(Slower(operation, before, after))
        return sorted(found, key=lambda one: one.first - one.last)


@dataclass(frozen=True)
class Judged:
    """The certificate, the exchanges that it names, and what else was noticed."""

    certificate: Certificate
    exchanges: Mapping[int, Exchange]
    slower: list[Slower]
    requests: int
    missing: list[str]  # what a worker that was ended before its time may have taken along


def read_soak(folder: Path) -> Soak:
    """The soak that a master has left in a folder. Raises ``SoakError``."""
    file = folder / SOAK
    try:
        told = json.loads(file.read_bytes())
        if told["soak"] != _FORMAT:
            raise SoakError(f"{file} is written in format {told['soak']!r}; this version reads format {_FORMAT}")
        led = told["led"]
        operations = {name: Operation(**one) for name, one in led.pop("operations").items()}
        return Soak(
            name=str(told["name"]),
            common=common_from(told["common"]),
            users=int(told["users"]),
            local=int(told["local"]),
            started=float(told["started"]),
            led=Led(**led, operations=operations),
        )
    except OSError as error:
        raise SoakError(f"{file}: {error.strerror}; `conformance soak` leaves it") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SoakError(f"{file} is no soak: {type(error).__name__}: {error}") from error


def folders_of(soak: Soak, folder: Path, remote: Sequence[Path] = ()) -> list[Path]:
    """The workers' folders: those of the master's machine, and those that were brought from others."""
    return [*local_folders(folder, soak.local), *remote]


def local_folders(folder: Path, workers: int) -> list[Path]:
    """Where the workers of the master's machine leave what they have seen."""
    return [folder / "workers" / str(number) for number in range(1, workers + 1)]


def judge_soak(soak: Soak, contract: Contract, workers: Sequence[Path], folder: Path, *, batch: int = BATCH) -> Judged:
    """Judges every rule on what the workers have left, and writes certificate and reports into ``folder``.

    One user after the other, ``batch`` exchanges at a time: memory grows by a few bytes for each exchange. Verdicts do
    not depend on which worker a user was in. Raises ``SoakError`` where the folders are not those of the soak.
    """
    if contract.digest != soak.common.contract_digest:
        raise SoakError(f"{contract.name}: the soak was acted by another contract than this installation has")
    missing = _belonging(soak, workers)
    (folder / CERTIFICATE).unlink(missing_ok=True)  # an earlier one must not stand for this one, should it fail
    target = target_of(soak.common)
    rows = [row for row in contract.requirements.values() if row.check]
    lacking = {row.id: reason for row in rows if (reason := target.missing(contract, row.needs))}
    judging = Judge(
        contract,
        [row for row in rows if row.id not in lacking],
        secrets=target.secrets(),
        memories={"ids_differ": Ledger},
    )
    pulse, evidence, count = Pulse(), dict[int, Exchange](), 0
    try:
        exchanges = read_grouped([worker / HISTORY for worker in workers if (worker / HISTORY).exists()], user_of)
        while part := list(islice(exchanges, batch)):
            count += len(part)
            judging.add(list(_answered(contract, part, pulse)))
            named = judging.named()
            evidence = {number: one for number, one in evidence.items() if number in named}
            evidence |= {one.number: one for one in part if one.number in named}
    except (HistoryError, OSError) as error:
        raise SoakError(str(error)) from error
    outcomes = judging.outcomes()
    outcomes += [Outcome(name, "inapplicable", reason) for name, reason in lacking.items()]
    known = rules()
    outcomes += [Outcome(row.id, "not_run", ACTED) for row in rows if row.check not in known and row.id not in lacking]
    redactor = Redactor(target.secrets(), names=target.redact_names)
    verdicts = judge(
        contract,
        [redactor.outcome(outcome) for outcome in outcomes],
        waivers=read_waivers(target.waivers, contract.requirements),
        today=datetime.now(UTC).date(),
        strict=soak.common.strict,
        selected=contract.requirements.keys(),
    )
    certificate = certify(
        contract,
        verdicts,
        target=target.name,
        base_url=target.base_url,
        mode="soak",
        seed=soak.common.seed,
        started=soak.started,
        duration_s=soak.led.seconds,
        requests=count,
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_all(certificate, evidence, folder)
    return Judged(certificate, evidence, pulse.slower(), count, missing)


def _answered(contract: Contract, exchanges: Iterable[Exchange], pulse: Pulse) -> Iterator[Sighting]:
    """The answered calls of the API, whose times are told to ``pulse``."""
    for exchange in exchanges:
        seen = sighted(contract, exchange) if exchange.response else None
        if seen is not None:
            pulse.add(seen)
            yield seen


def _belonging(soak: Soak, workers: Sequence[Path]) -> list[str]:
    """What is not whole of what the workers have left. Raises ``SoakError`` where a folder is not one of the soak."""
    if len(workers) != soak.common.of:
        raise SoakError(f"the soak had {soak.common.of} workers, and {len(workers)} folders are here")
    numbers: dict[int, Path] = {}
    missing = []
    for folder in workers:
        try:
            told: Any = json.loads((folder / WORKER).read_bytes())
            name, number = told["soak"], int(told["worker"])
        except FileNotFoundError:
            if not (folder / HISTORY).exists():
                raise SoakError(f"{folder} holds nothing of a soak's worker") from None
            missing.append(f"{folder}: the worker was ended before its time; what it has written is judged")
            continue
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SoakError(f"{folder / WORKER} is not what a soak's worker leaves: {error}") from error
        if name != soak.name:
            raise SoakError(f"{folder} is of another soak")
        if number in numbers:
            raise SoakError(f"{folder} and {numbers[number]} are of the same worker")
        numbers[number] = folder
    return missing
