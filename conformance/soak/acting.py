"""One soak from settings to what its workers leave: preflight, the users, and the clean-up."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from conformance.cleanup import clean, clean_after, client_for
from conformance.order import Order, target_of
from conformance.parts.part import common_of
from conformance.run import Run
from conformance.session import stoppable
from conformance.soak.judging import Soak, local_folders
from conformance.soak.leading import Load, lead
from conformance.soak.messages import Start
from conformance.target.journal import JOURNAL, JournalError, resumed


def prepared(order: Order, folder: Path) -> Run:
    """The run whose preflight comes before a soak; its settings are checked. Raises ``SettingsError``."""
    contract, target = target_of(order)
    return Run(
        contract=contract,
        target=replace(target, cleanup=target.cleanup and not order.no_cleanup),
        folder=folder,
        seed=order.seed if order.seed is not None else secrets.randbelow(2**31),
        strict=order.strict,
    )


def act(
    run: Run, load: Load, order: Order, show: Callable[[int, float], None], listens: Callable[[str, int], None]
) -> Soak:
    """Lets the users act, and leaves ``soak.json`` in the run's folder.

    ``show`` and ``listens`` are as of ``lead``. Raises ``PreflightError`` where nothing can be judged, which is also
    where real money moves, and ``SuiteError`` where the workers do not come.
    """
    name, started = _name(), time.time()
    with stoppable(run):
        run.preflight()
        led = lead(
            load,
            replace(order, seed=run.seed),
            local_folders(run.folder, load.workers),
            Start(soak=name, seed=run.seed, stories=load.stories),
            run.target.requests_per_second,
            run.clock.stop,
            show,
            listens,
        )
    run.client.live = led.live
    run.refuse_live_money()
    common = common_of(
        run.contract,
        run.target,
        run.redactor,
        of=load.of,
        seed=run.seed,
        mode="soak",
        strict=run.strict,
        selection={"ids": (), "areas": (), "levels": ()},
    )
    acted = Soak(name, common, load.users, load.workers, started, led)
    acted.write(run.folder)
    return acted


def clean_up(run: Run, workers: int) -> list[str]:
    """Cleans up after the preflight and this machine's workers; what is told of it.

    Nothing is done where real money moves, or where the settings leave all as it is.
    """
    run.close()
    told = clean_after(run)
    if run.client.live or not run.target.cleanup:
        return told
    for number, folder in enumerate(local_folders(run.folder, workers), 1):
        if not (folder / JOURNAL).exists():
            continue
        client = client_for(run.contract, run.target, run.redactor)
        try:
            journal = resumed(run.contract, run.redactor, folder / JOURNAL)
            try:
                told += [f"worker {number}: {line}" for line in clean(journal, client).lines(run.redactor)]
            finally:
                journal.close()
        except JournalError as error:
            told.append(f"worker {number}: {error}")
        finally:
            client.close()
    return told


def _name() -> str:
    """A name that no other soak has."""
    return f"{datetime.fromtimestamp(time.time(), UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
