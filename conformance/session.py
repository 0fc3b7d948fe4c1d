"""Runs the scenarios of a run through pytest, in this process, with a progress display."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from conformance.plugin import SCENARIOS, Scenarios
from conformance.run import SuiteError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from conformance.run import Run


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
