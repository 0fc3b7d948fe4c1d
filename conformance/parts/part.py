"""What one part of a run leaves to be judged with the others: ``part.json`` beside its history."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from conformance import __version__
from conformance.attestation.digests import file_digest, suite_digest
from conformance.contract import Contract
from conformance.evidence.files import write_whole
from conformance.evidence.finding import Cell, Outcome
from conformance.evidence.redaction import Redactor
from conformance.parts.shares import Share
from conformance.run import HISTORY, PART, Run, SuiteError
from conformance.target.settings import Target
from conformance.target.values import lent_without_secrets
from conformance.verdict.rows import cell_from_json, cell_to_json, finding_from_json, finding_to_json

_FORMAT = 1


class PartError(Exception):
    """A file is no part of a run, or does not belong to the others; the message names it and what is wrong."""


@dataclass(frozen=True)
class Common:
    """What all parts of one run have in common, and must: else they are none.

    ``target`` is what the settings say of it, secrets replaced; ``selection`` what was to be judged.
    """

    of: int
    provider: str
    contract_digest: str
    suite_version: str
    suite_digest: str
    seed: int
    mode: str
    strict: bool
    selection: Mapping[str, tuple[str, ...]]
    target: Mapping[str, Any]

    def differences(self, other: Common) -> list[str]:
        """What the two do not have in common, in words."""
        mine, others = asdict(self), asdict(other)
        return [name.replace("_", " ") for name in mine if mine[name] != others[name]]


@dataclass(frozen=True)
class Part:
    """One part of a run, without secrets; ``folder`` is where it stands.

    ``scenarios`` are the ids of the rows that it was to act, ``outcomes`` what came of each. ``started`` is in seconds
    since the epoch, ``duration_s`` in seconds. ``history`` is the digest of the file with its exchanges. It was
    ``interrupted`` before all was acted, or the target has ``stopped`` it, which says why.
    """

    folder: Path
    common: Common
    number: int
    scenarios: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    matrix: tuple[Cell, ...]
    started: float
    duration_s: float
    requests: int
    history: str
    interrupted: bool = False
    stopped: str = ""

    @property
    def share(self) -> Share:
        return Share(self.number, self.common.of)

    @property
    def file(self) -> Path:
        return self.folder / PART

    @property
    def history_file(self) -> Path:
        return self.folder / HISTORY


def act_part(run: Run, told: list[str], plugins: Sequence[object] = ()) -> Part:
    """Acts a part of a run and leaves it, interrupted or not; cleans up, and appends to ``told`` what is said of that.

    Raises ``PreflightError``, and ``SuiteError`` where the scenarios could not run.
    """
    from conformance.cleanup import clean_after
    from conformance.session import act, stoppable
    from conformance.target.stopping import Interrupted

    with stoppable(run):
        try:
            try:
                run.preflight()
                act(run, plugins=plugins)
            except Interrupted:
                run.interrupted = True
            return leave(run)
        finally:
            run.close()
            told += clean_after(run)


def leave(run: Run) -> Part:
    """Writes what a run has acted, which is one part of a whole, as ``part.json`` into its folder; closes the run.

    Raises ``SuiteError`` where it has not acted all that it was to act, though nobody has interrupted it, and
    ``PreflightError`` where the target moves real money.
    """
    from conformance.rules.judge import rules

    assert run.share is not None  # the caller acts a part
    run.refuse_live_money()
    known = rules()
    rows = [row for row in run.contract.requirements.values() if row.check and row.check not in known]
    scenarios = tuple(row.id for row in rows if run.acts_for(row, known))
    missing = sorted({*scenarios} - {outcome.requirement for outcome in run.outcomes})
    if missing and not run.interrupted:
        raise SuiteError(f"part {run.share} is not complete: {len(missing)} scenarios were not acted ({missing[0]}, …)")
    outcomes = [run.redactor.outcome(outcome) for outcome in run.outcomes]
    matrix = [run.redactor.cell(cell) for cell in run.memory.cells]
    run.close()
    document = {
        "part": _FORMAT,
        **asdict(_common(run)),
        "number": run.share.number,
        "scenarios": scenarios,
        "outcomes": [_outcome_to_json(outcome) for outcome in outcomes],
        "matrix": [cell_to_json(cell) for cell in matrix],
        "started": run.started,
        "duration_s": time.time() - run.started,
        "requests": len(run.history),
        "history": file_digest(run.folder / HISTORY),
        "interrupted": run.interrupted,
        "stopped": run.redactor.prose(run.client.stopped),
    }
    path = run.folder / PART
    write_whole(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return read(path)


def _common(run: Run) -> Common:
    assert run.share is not None
    return common_of(
        run.contract,
        run.target,
        run.redactor,
        of=run.share.of,
        seed=run.seed,
        mode=run.mode,
        strict=run.strict,
        selection={name: tuple(sorted(getattr(run.selection, name))) for name in ("ids", "areas", "levels")},
    )


def common_of(
    contract: Contract,
    target: Target,
    redactor: Redactor,
    *,
    of: int,
    seed: int,
    mode: str,
    strict: bool,
    selection: Mapping[str, tuple[str, ...]],
) -> Common:
    """What ``of`` parts have in common, without the target's secrets."""
    return Common(
        of=of,
        provider=contract.name,
        contract_digest=contract.digest,
        suite_version=__version__,
        suite_digest=suite_digest(),
        seed=seed,
        mode=mode,
        strict=strict,
        selection=selection,
        target={
            "name": redactor.prose(target.name),
            "base_url": redactor.url(target.base_url),
            "instruments": lent_without_secrets(target, redactor),
            "lacks": {name: redactor.text(reason) for name, reason in target.lacks.items()},
            "burst": target.burst,
            "redact_names": list(target.redact_names),
            "waivers": [
                {name: value if isinstance(value, str) else str(value) for name, value in row.items()}
                for row in target.waivers
            ],
        },
    )


def common_from(told: Mapping[str, Any]) -> Common:
    """What ``asdict`` has made of it. Raises ``KeyError``, ``TypeError`` or ``ValueError`` where that is none."""
    return Common(
        of=int(told["of"]),
        provider=str(told["provider"]),
        contract_digest=str(told["contract_digest"]),
        suite_version=str(told["suite_version"]),
        suite_digest=str(told["suite_digest"]),
        seed=int(told["seed"]),
        mode=str(told["mode"]),
        strict=bool(told["strict"]),
        selection={name: tuple(told["selection"][name]) for name in ("ids", "areas", "levels")},
        target=dict(told["target"]),
    )


def read(path: Path) -> Part:
    """The part in a folder, or in a file of one. Raises ``PartError`` where there is none that can be read."""
    file = path / PART if path.is_dir() else path
    try:
        told = json.loads(file.read_bytes())
        if told["part"] != _FORMAT:
            raise PartError(f"{file} is written in format {told['part']!r}; this version reads format {_FORMAT}")
        part = Part(
            folder=file.parent,
            common=common_from(told),
            number=int(told["number"]),
            scenarios=tuple(told["scenarios"]),
            outcomes=tuple(_outcome_from_json(outcome) for outcome in told["outcomes"]),
            matrix=tuple(cell_from_json(cell) for cell in told["matrix"]),
            started=float(told["started"]),
            duration_s=float(told["duration_s"]),
            requests=int(told["requests"]),
            history=str(told["history"]),
            interrupted=bool(told["interrupted"]),
            stopped=str(told["stopped"]),
        )
        found = file_digest(file.parent / HISTORY)
    except OSError as error:
        raise PartError(f"{error.filename or file}: {error.strerror}; `certify --shard` leaves parts") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PartError(f"{file} is no part of a run: {type(error).__name__}: {error}") from error
    if found != part.history:
        raise PartError(f"{file.parent / HISTORY} is not the history that {file.name} names: it was changed or cut off")
    return part


def target_of(common: Common) -> Target:
    """The target as the parts tell of it, with placeholders for its secrets."""
    told = common.target
    return Target(
        name=told["name"],
        provider=common.provider,
        base_url=told["base_url"],
        api_key="[redacted:api_key]",
        instruments=told["instruments"],
        lacks=told["lacks"],
        waivers=tuple(told["waivers"]),
        burst=told["burst"],
        redact_names=tuple(told["redact_names"]),
    )


def _outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    return {**asdict(outcome), "findings": [finding_to_json(finding) for finding in outcome.findings]}


def _outcome_from_json(told: Mapping[str, Any]) -> Outcome:
    outcome = Outcome(**{name: value for name, value in told.items() if name not in ("findings", "exchanges")})
    findings = tuple(finding_from_json(finding) for finding in told["findings"])
    return replace(outcome, findings=findings, exchanges=tuple(told["exchanges"]))
