"""Judges recordings that exist already, by the same rules as a run of our own."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from conformance.contract import Contract
from conformance.evidence.exchange import Exchange
from conformance.evidence.files import write_whole
from conformance.evidence.finding import Outcome
from conformance.evidence.leftovers import left_secrets
from conformance.evidence.recordings import Skipped, read_recordings
from conformance.evidence.redaction import Redactor
from conformance.report import CERTIFICATE, write_all
from conformance.rules.judge import Judge, rules
from conformance.sighting import Sighting, sighted
from conformance.verdict import Certificate, certify, judge

ACTED = "it asks for a situation that only a run of our own can bring about"
COVERAGE = "audit.json"
BATCH = 500  # exchanges that are in memory at a time
_PLACES = 3  # of one kind of secret that are named


@dataclass
class Left:
    """Secrets of one kind that a recording still holds: how many, and the first places."""

    count: int = 0
    places: list[str] = field(default_factory=list)


@dataclass
class Coverage:
    """What an audit looked at, and what it could not judge. Numbers are of exchanges.

    ``elsewhere`` are no calls of the contract's API, ``unanswered`` are calls without an answer. ``versions`` counts
    the judged ones by the API version they name ("" where they name none), where the provider has versions. ``newer``
    holds, for each row that speaks of a newer version, how many could not show it. ``left_out`` was not even read.
    """

    judged: int = 0
    elsewhere: int = 0
    unanswered: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    newer: dict[str, int] = field(default_factory=dict)
    left_out: Skipped = field(default_factory=Skipped)
    secrets: dict[str, Left] = field(default_factory=dict)

    @property
    def read(self) -> int:
        return self.judged + self.elsewhere + self.unanswered

    def lines(self) -> Iterator[str]:
        """The coverage in sentences for a reader."""
        yield f"judged: {_exchanges(self.judged)} of {self.read}"
        if self.elsewhere:
            are = "is no payment-intent call" if self.elsewhere == 1 else "are no payment-intent calls"
            yield f"not judged: {_exchanges(self.elsewhere)} that {are} of this provider"
        if self.unanswered:
            yield f"not judged: {_exchanges(self.unanswered)} without an answer"
        for reason, count in sorted(self.left_out.items()):
            yield f"left out: {count} × {reason}"
        if self.versions:
            told = (f"{version or 'none named'} × {count}" for version, count in sorted(self.versions.items()))
            yield f"API versions: {', '.join(told)}"
        for row, count in self.newer.items():
            yield f"not judged: {row} on {_exchanges(count)} of an older version, or of none named"
        for kind, left in sorted(self.secrets.items()):
            yield f"secrets left in the recording: {kind} × {left.count}, at {'; '.join(left.places)}"

    def as_json(self) -> dict[str, Any]:
        return {
            "read": self.read,
            "judged": self.judged,
            "elsewhere": self.elsewhere,
            "unanswered": self.unanswered,
            "left_out": dict(sorted(self.left_out.items())),
            "versions": dict(sorted(self.versions.items())),
            "newer": self.newer,
            "secrets": {kind: {"count": left.count, "places": left.places} for kind, left in self.secrets.items()},
        }


@dataclass(frozen=True)
class Audit:
    """The certificate of recordings, the redacted exchanges that it names, and what was looked at."""

    certificate: Certificate
    exchanges: Mapping[int, Exchange]
    coverage: Coverage


def audit_recordings(
    contract: Contract,
    files: Iterable[Path],
    folder: Path,
    *,
    strict: bool = False,
    redactor: Redactor | None = None,
    batch: int = BATCH,
) -> Audit:
    """Judges every rule that recordings can decide, and writes reports and ``audit.json`` into ``folder``.

    One pass, ``batch`` exchanges at a time: memory does not grow with the recordings. ``redactor`` knows what else must
    not be written than what anybody takes for a secret. Raises ``RecordingError`` for a
    file of no known format.
    """
    started, paths = time.time(), list(files)
    (folder / CERTIFICATE).unlink(missing_ok=True)  # an earlier one must not stand for this one, should it fail
    coverage, redactor = Coverage(), redactor or Redactor({})
    evidence: dict[int, Exchange] = {}
    judging = Judge(contract, contract.requirements.values())
    exchanges = read_recordings(paths, coverage.left_out)
    while part := list(islice(exchanges, batch)):
        judging.add(_calls(contract, part, coverage))
        named = judging.named()
        evidence = {number: one for number, one in evidence.items() if number in named}
        evidence |= {one.number: redactor.exchange(one) for one in part if one.number in named}
    coverage.newer = _too_old(contract, coverage.versions)
    outcomes = judging.outcomes()
    outcomes += [
        Outcome(row.id, "not_run", ACTED)
        for row in contract.requirements.values()
        if row.check and row.check not in rules()
    ]
    verdicts = judge(
        contract,
        [redactor.outcome(outcome) for outcome in outcomes],
        today=datetime.now(UTC).date(),
        strict=strict,
        selected=contract.requirements.keys(),
    )
    certificate = certify(
        contract,
        verdicts,
        target=", ".join(path.name for path in paths)[:80],
        base_url="",
        mode="recorded",
        seed=0,
        started=started,
        duration_s=time.time() - started,
        requests=coverage.read,
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / COVERAGE, json.dumps(coverage.as_json(), indent=2) + "\n")
    write_all(certificate, evidence, folder)
    return Audit(certificate, evidence, coverage)


def _calls(contract: Contract, exchanges: Sequence[Exchange], coverage: Coverage) -> list[Sighting]:
    """The answered calls of the API among ``exchanges``; all are counted, and searched for secrets."""
    found = []
    for exchange in exchanges:
        _look_for_secrets(contract, exchange, coverage)
        seen = sighted(contract, exchange)
        if seen is None:
            coverage.elsewhere += 1
        elif exchange.response is None:
            coverage.unanswered += 1
        else:
            coverage.judged += 1
            if contract.settings.get("versioning"):
                coverage.versions[seen.api_version] += 1
            found.append(seen)
    return found


def _look_for_secrets(contract: Contract, exchange: Exchange, coverage: Coverage) -> None:
    for secret in left_secrets(exchange, contract.settings["live_keys"]):
        left = coverage.secrets.setdefault(secret.kind, Left())
        left.count += 1
        if len(left.places) < _PLACES:
            origin = exchange.origin
            left.places.append(f"{origin.get('file', '')} #{origin.get('index', '')} {secret.place}")


def _too_old(contract: Contract, versions: Counter[str]) -> dict[str, int]:
    """By row that speaks of a version: how many exchanges name an older one, or none."""
    found = {}
    for row in contract.requirements.values():
        since = str(row.args.get("since", ""))[:10]
        count = sum(number for version, number in versions.items() if since and version[:10] < since)
        if count:
            found[row.id] = count
    return found


def _exchanges(count: int) -> str:
    return f"{count} exchange" if count == 1 else f"{count} exchanges"
