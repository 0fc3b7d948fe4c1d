"""Keeps runs as recordings, and judges recordings by replaying them."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from conformance.attestation.digests import folder_digests
from conformance.contract import Contract
from conformance.report import write_all
from conformance.run import Run, Selection, SuiteError
from conformance.session import act
from conformance.target.recording import load_recording, recorded_target, save_recording
from conformance.verdict import Certificate


def keep(run: Run, certificate: Certificate | None = None, *, approve: bool = True) -> None:
    """Writes a finished run into the folder that it is to be recorded in.

    Its certificate, where given, is written anew with the digests of the recording. Unless ``approve`` is false, the
    recording is replayed first, and the certificate then says what this shows: what a finding quotes may be a secret,
    which the recording does not tell. Raises ``SuiteError``, and leaves what was there before,
    where it cannot be written, or a requirement would be judged otherwise than in the run: a placeholder may stand
    where a scenario looks for a value.
    """
    assert run.record is not None  # the caller records

    def look_at(made: Path) -> None:
        nonlocal certificate
        if certificate and approve:
            replayed = judge_recording(made, run.contract)
            _approve(certificate, replayed, run.rows)
            certificate = _as_recorded(certificate, replayed, run.rows)

    everything = run.rows.keys() == run.contract.requirements.keys()
    try:
        save_recording(
            run.record,
            run.client.target,  # which forbids bursts where they would go through a proxy
            run.contract,
            run.redactor,
            run.history.redacted().values(),
            seed=run.seed,
            embedded=run.mode == "in-process",
            requirements=None if everything else run.rows,
            approve=look_at,
        )
    except OSError as error:
        raise SuiteError(f"the recording {run.record} could not be written: {error.strerror}") from error
    if certificate and certificate.digests:
        digests = replace(certificate.digests, recording=folder_digests(run.record))
        write_all(replace(certificate, digests=digests), run.history.redacted(), run.folder)


def _approve(live: Certificate, replayed: Certificate, selected: Collection[str]) -> None:
    verdicts = {row.id: row.verdict for row in replayed.requirements}
    otherwise = [
        f"{row.id} {verdicts[row.id]} instead of {row.verdict}"
        for row in live.requirements
        if row.id in selected and verdicts[row.id] != row.verdict
    ]
    if otherwise:
        raise SuiteError(
            f"not recorded, because a replay would not say what the run said ({', '.join(otherwise[:5])}); "
            "[redact] may name what the suite looks at"
        )


def _as_recorded(live: Certificate, replayed: Certificate, selected: Collection[str]) -> Certificate:
    """The run's certificate with the findings and reasons of its replay, which has the same verdicts."""
    shown = {row.id: row for row in replayed.requirements if row.id in selected}
    rows = (
        replace(row, findings=shown[row.id].findings, reason=shown[row.id].reason) if row.id in shown else row
        for row in live.requirements
    )
    return replace(live, requirements=tuple(rows))


def judge_recording(folder: Path, contract: Contract, selection: Selection | None = None) -> Certificate:
    """The certificate that a replay of the recording in ``folder`` makes; nothing is left behind.

    Judges all requirements, or those of a ``selection``.

    Raises ``RecordingMissing`` where there is none, ``PreflightError`` and ``SuiteError`` where it cannot be replayed.
    """
    recording = load_recording(folder)
    with tempfile.TemporaryDirectory() as output:
        run = Run(
            contract=contract,
            target=recorded_target(recording),
            folder=Path(output),
            seed=recording.seed,
            mode="replayed",
            selection=selection or Selection(),
            recording=recording,
        )
        try:
            run.preflight()
            act(run)
            return run.finish()
        finally:
            run.close()
