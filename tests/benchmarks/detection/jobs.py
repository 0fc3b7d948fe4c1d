"""The jobs of a benchmark: one run of one tool against one server each, and the file that remembers those done."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conformance.reference.faults import faults_of

from . import servers
from .registry import OURS, TOOLS
from .tools import Budget, Result, Server

LOCALSTRIPE = "localstripe"
TRAFFIC = "recorded traffic"
ENVIRONMENT = "CONFORMANCE_TRAFFIC"  # names the folder of recorded traffic
PATIENCE = 900.0  # seconds until our own run, which no budget bounds, counts as broken down

Row = dict[str, Any]  # what a job came to, as JSON: the job's own members, and a result's or "did_not_run"


class StaleError(Exception):
    """A file to resume was begun with other settings; the message says which."""


@dataclass(frozen=True)
class Job:
    """One run. ``server`` is a fault's name, empty for the fault-free server, LOCALSTRIPE, or TRAFFIC.

    ``known`` is None where the run is to go on to its end.
    """

    provider: str
    server: str
    tool: str
    budget: Budget
    known: frozenset[str] | None = None

    @property
    def key(self) -> str:
        """What tells it from other jobs of the same benchmark."""
        return "|".join([self.tool, self.provider, self.server, str(self.budget.seed)])

    def served(self) -> AbstractContextManager[Server]:
        """The server to run against."""
        if self.server == LOCALSTRIPE:
            return servers.localstripe()
        return servers.reference(self.provider, self.server)


def run_job(job: Job) -> Row:
    """Runs a job in this process; whatever breaks down on the way is told in the row."""
    row: Row = {"key": job.key, "provider": job.provider, "server": job.server, "tool": job.tool}
    row["seed"] = job.budget.seed
    try:
        if job.server == TRAFFIC:
            return {**row, **audit()}
        with tempfile.TemporaryDirectory(prefix="detection-") as folder, job.served() as server:
            return {**row, **told(TOOLS[job.tool]().run(server, job.budget, Path(folder), job.known), job.known)}
    except Exception as error:
        return {**row, "did_not_run": f"{type(error).__name__}: {error}"[:600]}


def told(result: Result, known: frozenset[str] | None) -> Row:
    """A result as JSON. ``new`` are its keys that are not known."""
    return {
        "keys": sorted(result.keys),
        "new": sorted(result.keys - known) if known is not None else None,
        "first": asdict(result.first) if result.first else None,
        "requests": result.requests,
        "seconds": round(result.seconds, 3),
        "ended": result.ended,
        "details": dict(result.details),
    }


def audit() -> Row:
    """The recorded traffic, judged by our rules: how many exchanges, and the MUST rows that it contradicts."""
    from conformance.audit import audit_recordings
    from conformance.contract import load_contract

    files = sorted(Path(os.environ[ENVIRONMENT]).glob("*.jsonl.xz"))
    if not files:
        raise FileNotFoundError(f"no recorded traffic in {ENVIRONMENT}")
    with tempfile.TemporaryDirectory(prefix="detection-") as folder:
        certificate = audit_recordings(load_contract("stripe"), files, Path(folder)).certificate
    failed = [row.id for row in certificate.requirements if row.level == "MUST" and row.verdict == "fail"]
    return {"judged": certificate.requests, "failing": sorted(failed)}


# -- what is to be done -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What a benchmark covers. ``every``: each so-manieth fault only. ``times``: the request budget, as a multiple of
    the requests that our own run takes on the provider's fault-free server."""

    providers: tuple[str, ...]
    tools: tuple[str, ...]
    every: int = 1
    seconds: float = 300
    times: float = 10
    own_seeds: int = 10
    peer_seeds: int = 3

    def settings(self) -> dict[str, Any]:
        """The plan as JSON."""
        told: dict[str, Any] = json.loads(json.dumps(asdict(self)))  # tuples become lists, as when read again
        return told

    def faults(self, provider: str) -> list[str]:
        """The names of the faults that are tried."""
        return list(faults_of(provider))[:: self.every]

    @property
    def peers(self) -> tuple[str, ...]:
        return tuple(tool for tool in self.tools if tool != OURS)

    def first_jobs(self) -> list[Job]:
        """Our own runs without a fault, which the others' budgets come from; and real servers and traffic."""
        jobs = [
            Job(provider, "", OURS, Budget(PATIENCE, 10**9, seed))
            for provider in self.providers
            for seed in range(1, self.own_seeds + 1 if OURS in self.tools else 2)
        ]
        if "stripe" in self.providers and OURS in self.tools:
            jobs.append(Job("stripe", LOCALSTRIPE, OURS, Budget(PATIENCE, 10**9)))
            if os.environ.get(ENVIRONMENT):
                jobs.append(Job("stripe", TRAFFIC, OURS, Budget(PATIENCE, 10**9)))
        return jobs

    def clean_jobs(self, rows: Iterable[Row]) -> list[Job]:
        """What the peers tell of servers without a fault of ours."""
        allowed = self.requests(rows)
        jobs = [
            Job(provider, "", tool, Budget(self.seconds, allowed[provider], seed))
            for tool in self.peers
            for provider in self.providers
            for seed in range(1, self.peer_seeds + 1)
        ]
        if "stripe" in self.providers:
            jobs += [Job("stripe", LOCALSTRIPE, tool, Budget(self.seconds, allowed["stripe"])) for tool in self.peers]
        return jobs

    def fault_jobs(self, rows: Iterable[Row]) -> list[Job]:
        """Each tool against each fault, knowing what it tells of the fault-free server."""
        rows = list(rows)
        allowed, known = self.requests(rows), known_keys(rows)
        return [
            Job(provider, fault, tool, self.budget(tool, allowed[provider]), known[tool, provider])
            for provider in self.providers
            for fault in self.faults(provider)
            for tool in self.tools
            if (tool, provider) in known
        ]

    def budget(self, tool: str, requests: int) -> Budget:
        """What a run against a fault may spend: ours takes what it takes."""
        return Budget(PATIENCE, 10**9) if tool == OURS else Budget(self.seconds, requests)

    def requests(self, rows: Iterable[Row]) -> dict[str, int]:
        """The request budget of each provider. Raises ValueError where our own run without a fault is missing."""
        own = {
            row["provider"]: int(row["requests"] * self.times)
            for row in rows
            if row["tool"] == OURS and not row["server"] and row["seed"] == 1 and "did_not_run" not in row
        }
        missing = [provider for provider in self.providers if provider not in own]
        if missing:
            raise ValueError(f"no run without a fault of {', '.join(missing)}: there is nothing to set a budget by")
        return own


def known_keys(rows: Iterable[Row]) -> dict[tuple[str, str], frozenset[str]]:
    """All that each tool told of each provider's fault-free server, whatever the seed."""
    known: dict[tuple[str, str], frozenset[str]] = {}
    for row in rows:
        if not row["server"] and "did_not_run" not in row:
            place = (row["tool"], row["provider"])
            known[place] = known.get(place, frozenset()) | frozenset(row["keys"])
    return known


# -- doing it ---------------------------------------------------------------------------------------------------------


class Journal:
    """The rows of all jobs done, in a file that an interrupted benchmark goes on from. What did not run is not done."""

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        """Opens the file or begins it. Raises ``StaleError`` where it was begun with other settings."""
        self.path = path
        self.rows: dict[str, Row] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        if lines:
            begun = json.loads(lines[0])
            differing = [name for name in settings if begun.get(name) != settings[name]]
            if differing:
                raise StaleError(f"{path} was begun with other settings: {', '.join(differing)}")
        for line in lines[1:]:
            try:
                row = json.loads(line)
            except ValueError:
                continue  # cut off by the interruption
            self.rows[row["key"]] = row
        with path.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(line) + "\n" for line in [dict(settings), *self.rows.values()])

    def add(self, row: Row) -> None:
        """Keeps a row and writes it."""
        self.rows[row["key"]] = row
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")

    def open_jobs(self, jobs: Iterable[Job]) -> list[Job]:
        """Those of the jobs that have not been done."""
        return [job for job in jobs if "did_not_run" in self.rows.get(job.key, {"did_not_run": "not yet"})]


def run_all(jobs: list[Job], processes: int, journal: Journal) -> Iterator[Row]:
    """Runs jobs in so many processes; gives each one's row when it is done and written down."""
    with ProcessPoolExecutor(processes) as pool:
        running: dict[Future[Row], Job] = {pool.submit(run_job, job): job for job in jobs}
        try:
            for future in as_completed(running):
                row = _row_of(future, running[future])
                journal.add(row)
                yield row
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _row_of(future: Future[Row], job: Job) -> Row:
    """A job's row, also where its process died."""
    try:
        return future.result()
    except Exception as error:
        row = {"key": job.key, "provider": job.provider, "server": job.server, "tool": job.tool}
        return {**row, "seed": job.budget.seed, "did_not_run": f"{type(error).__name__}: {error}"[:600]}
