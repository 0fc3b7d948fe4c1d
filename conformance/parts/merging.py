"""One certificate from the parts of a run, the same as one process would have made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from conformance.attestation.digests import suite_digest
from conformance.contract import Contract
from conformance.evidence.history import HistoryError, read_history
from conformance.parts.part import Common, Part, PartError, target_of
from conformance.parts.shares import split
from conformance.rules.judge import rules
from conformance.run import Run, Selection
from conformance.target.settings import SettingsError
from conformance.verdict import Certificate, Mode, WaiverError, read_waivers

_NAMED = 5  # requirements named in a message


def merge(parts: Sequence[Part], folder: Path, contracts: Mapping[str, Contract]) -> tuple[Certificate, Run]:
    """Judges what the parts of a run have seen, and writes certificate and reports into ``folder``.

    Where one was interrupted, so was the whole, whose report then says that it is partial. Sends nothing. Raises
    ``PartError`` where they do not belong together, or not all are there.
    """
    parts = sorted(parts, key=lambda part: part.number)
    contract = _belong_together(parts, contracts)
    if any(part.folder.resolve() == folder.resolve() for part in parts):
        raise PartError(f"{folder} holds a part; the whole needs a folder of its own (--output)")
    run = _whole(parts, folder, contract)
    try:
        return run.finish(), run
    finally:
        run.close()


def _whole(parts: Sequence[Part], folder: Path, contract: Contract) -> Run:
    """The run that the parts make, not yet judged."""
    common = parts[0].common
    target = target_of(common)
    try:
        run = Run(
            contract=contract,
            target=target,
            folder=folder,
            seed=common.seed,
            strict=common.strict,
            mode=cast(Mode, common.mode),
            selection=_selection(common),
            waivers=read_waivers(target.waivers, contract.requirements),
        )
    except (WaiverError, SettingsError, OSError) as error:
        raise PartError(str(error)) from error
    run.started = min(part.started for part in parts)
    run.ended = max(part.started + part.duration_s for part in parts)
    for part in parts:
        # Two machines' clocks, and two servers in memory, have no order between them: each part is a world of its own.
        origin = {"file": f"part {part.share}"}
        try:
            for exchange in read_history(part.history_file):
                run.history.add(replace(exchange, origin=origin))
        except (HistoryError, ValueError) as error:
            raise PartError(str(error)) from error
        run.outcomes += part.outcomes
        run.memory.cells += part.matrix
        run.interrupted |= part.interrupted
        run.client.stopped = run.client.stopped or part.stopped
    return run


def _selection(common: Common) -> Selection:
    return Selection(**{name: frozenset(values) for name, values in common.selection.items()})


def _belong_together(parts: Sequence[Part], contracts: Mapping[str, Contract]) -> Contract:
    """The contract of the parts. Raises ``PartError`` where they are not all parts of one run."""
    if not parts:
        raise PartError("no part was given")
    first = parts[0]
    for part in parts[1:]:
        if differing := first.common.differences(part.common):
            raise PartError(
                f"{part.folder} does not belong to {first.folder}: they differ in {', '.join(differing)}; "
                "the parts of a run are acted with the same settings, seed and suite"
            )
    common = first.common
    numbers = [part.number for part in parts]
    twice = sorted({str(number) for number in numbers if numbers.count(number) > 1})
    missing = [str(number) for number in range(1, common.of + 1) if number not in numbers]
    problems = [f"part {', '.join(twice)} was given twice"] if twice else []
    problems += [f"part {', '.join(missing)} of {common.of} is missing"] if missing else []
    if problems:
        raise PartError("; ".join(problems))
    contract = contracts.get(common.provider)
    if contract is None or contract.digest != common.contract_digest:
        raise PartError(
            f"the parts were acted by another contract of {common.provider} than this installation has "
            "(--contracts DIR names a folder of further ones)"
        )
    if common.suite_digest != suite_digest():
        raise PartError(f"the parts were acted by another suite ({common.suite_version}) than this installation is")
    _nothing_left_out(parts, contract)
    return contract


def _nothing_left_out(parts: Sequence[Part], contract: Contract) -> None:
    """Raises ``PartError`` unless each scenario of the whole was acted by the part whose share it is.

    One that was interrupted need not have acted them all.
    """
    known, chosen = rules(), _selection(parts[0].common).of(contract)
    everything = any(row.check in known for row in chosen.values())  # rules judge what all scenarios leave
    acted = [
        row
        for row in contract.requirements.values()
        if row.check and row.check not in known and (everything or row.id in chosen)
    ]
    for part, share in zip(parts, split(contract, acted, len(parts)), strict=True):
        told = {outcome.requirement for outcome in part.outcomes}
        wrong = sorted(share ^ {*part.scenarios}) or sorted(told - share if part.interrupted else told ^ share)
        if wrong:
            raise PartError(
                f"{part.folder} has not acted just its share: {', '.join(wrong[:_NAMED])}"
                + (", …" if len(wrong) > _NAMED else "")
            )
