"""Runs the scenarios of a run through pytest, in this process, with a progress display."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.plugin import SCENARIOS, Scenarios
from conformance.run import SuiteError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from conformance.run import Run
    from conformance.verdict import Certificate


# Plugins of pytest's own that a run has no use for; each costs time with every test.
_IDLE = (
    "terminal", "cacheprovider", "logging", "unraisableexception", "threadexception", "faulthandler", "doctest",
    "unittest", "junitxml", "pastebin", "recwarn", "warnings", "stepwise", "setuponly", "setupplan",
)  # fmt: skip


class _Shown:
    """Moves a progress bar on, item by item."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task
        self.trouble: list[str] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        config.option.tbstyle = "native"  # nobody reads these tracebacks, and the default one parses source files

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._progress.update(self._task, total=len(session.items))

    def pytest_runtest_logfinish(self) -> None:
        self._progress.advance(self._task)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.trouble.append(report.longreprtext)

    def pytest_internalerror(self, excrepr: object) -> None:
        self.trouble.append(str(excrepr))


def act(run: Run, fuzz: float = 0.0) -> None:
    """Runs every scenario that the run's selection needs; explores for ``fuzz`` seconds more.

    Raises ``SuiteError`` where pytest could not collect or run them.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    # Other people's plugins have no business here, and cost seconds.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    columns = TextColumn(f"{run.contract.title:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        shown = _Shown(progress, progress.add_task("", total=None))
        options = [f"-pno:{plugin}" for plugin in _IDLE] + ["--capture=no", "--assert=plain"]
        place = str(SCENARIOS)
        options += ["-c", os.devnull, "--rootdir", place, "--confcutdir", place, "--import-mode=importlib", place]
        code = pytest.main(options, plugins=[Scenarios(run), shown])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        trouble = "\n".join(shown.trouble) or (
            "interrupted" if code == pytest.ExitCode.INTERRUPTED else f"pytest ended with {code}"
        )
        raise SuiteError(f"the scenarios could not run: {trouble}")
    if fuzz > 0:
        from conformance.scenarios.exploration import explore

        run.exploration.extend(explore(run, fuzz))


def check_recording(run: Run, certificate: Certificate) -> None:
    """Replays what a run has just recorded.

    Raises ``SuiteError``, and takes the recording away, where a requirement would be judged otherwise than in the run:
    a placeholder may stand where a scenario looks for a value.
    """
    from conformance.run import Run
    from conformance.target.recording import load_recording, recorded_target

    assert run.record is not None  # the caller records
    recording = load_recording(run.record)
    with tempfile.TemporaryDirectory() as folder:
        again = Run(
            contract=run.contract,
            target=recorded_target(recording),
            folder=Path(folder),
            seed=run.seed,
            strict=run.strict,
            mode="replayed",
            selection=run.selection,
            recording=recording,
        )
        again.preflight()
        act(again)
        replayed = {row.id: row.verdict for row in again.finish().requirements}
    otherwise = [
        f"{row.id} {replayed[row.id]} instead of {row.verdict}"
        for row in certificate.requirements
        if replayed[row.id] != row.verdict
    ]
    if otherwise:
        shutil.rmtree(run.record)
        raise SuiteError(
            f"not recorded, because a replay would not say what the run said ({', '.join(otherwise[:5])}); "
            "[redact] may name what the suite looks at"
        )
