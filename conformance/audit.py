"""Judges recordings that exist already, by the same rules as a run of our own."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from conformance.contract import Contract
from conformance.evidence.exchange import Exchange
from conformance.evidence.finding import Outcome
from conformance.evidence.recordings import Skipped, read_recordings
from conformance.evidence.redaction import Redactor
from conformance.report import CERTIFICATE, write_all
from conformance.rules.judge import judge_history, rules
from conformance.verdict import Certificate, certify, judge

ACTED = "it asks for a situation that only a run of our own can bring about"


def audit_recordings(
    contract: Contract, files: Iterable[Path], folder: Path, *, strict: bool = False
) -> tuple[Certificate, Mapping[int, Exchange], Mapping[str, int]]:
    """Judges every rule that recordings can decide, and writes reports into ``folder``.

    Gives the certificate, the redacted exchanges it names, and by reason how many others were left out. Raises
    ``RecordingError`` for a file of no known format.
    """
    started, paths = time.time(), list(files)
    (folder / CERTIFICATE).unlink(missing_ok=True)  # an earlier one must not stand for this one, should it fail
    left_out = Skipped()
    exchanges = list(read_recordings(paths, left_out))
    judged_by_rules = rules()
    outcomes = judge_history(contract, exchanges, contract.requirements.values())
    outcomes += [
        Outcome(row.id, "not_run", ACTED)
        for row in contract.requirements.values()
        if row.check and row.check not in judged_by_rules
    ]
    redactor = Redactor({})
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
        requests=len(exchanges),
    )
    shown = {number for row in certificate.requirements for number in row.exchanges}
    evidence = {one.number: redactor.exchange(one) for one in exchanges if one.number in shown}
    write_all(certificate, evidence, folder)
    return certificate, evidence, left_out
