"""Keeps runs as recordings, and judges recordings by replaying them."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

from conformance.contract import Contract
from conformance.run import Run, SuiteError
from conformance.session import act
from conformance.target.recording import load_recording, recorded_target, save_recording
from conformance.verdict import Certificate


def keep(run: Run, certificate: Certificate | None = None) -> None:
    """Writes a finished run into the folder that it is to be recorded in.

    Given its certificate, the recording is replayed first. Raises ``SuiteError``, and leaves what was there before,
    where it cannot be written, or a requirement would be judged otherwise than in the run: a placeholder may stand
    where a scenario looks for a value.
    """
    assert run.record is not None  # the caller records

    def approve(made: Path) -> None:
        if certificate:
            _approve(certificate, judge_recording(made, run.contract), run.rows)

    everything = run.rows.keys() == run.contract.requirements.keys()
    try:
        save_recording(
            run.record,
            run.target,
            run.contract,
            run.redactor,
            run.history.redacted().values(),
            seed=run.seed,
            embedded=run.mode == "in-process",
            requirements=None if everything else run.rows,
            approve=approve,
        )
    except OSError as error:
        raise SuiteError(f"the recording {run.record} could not be written: {error.strerror}") from error


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


def judge_recording(folder: Path, contract: Contract) -> Certificate:
    """The certificate that a replay of the recording in ``folder`` makes; nothing is left behind.

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
            recording=recording,
        )
        try:
            run.preflight()
            act(run)
            return run.finish()
        finally:
            run.close()
