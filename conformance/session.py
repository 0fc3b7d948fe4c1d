"""Runs the scenarios of a run through pytest, in this process, with a progress display."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from conformance.items import SCENARIOS, Scenarios
from conformance.run import SuiteError

if TYPE_CHECKING:
    from types import FrameType

    from rich.progress import Progress, TaskID

    from conformance.run import Run


# Plugins of pytest's own that a run has no use for; each costs time with every test.
_IDLE = (
    "terminal", "cacheprovider", "logging", "unraisableexception", "threadexception", "faulthandler", "doctest",
    "unittest", "junitxml", "pastebin", "recwarn", "warnings", "stepwise", "setuponly", "setupplan",
)  # fmt: skip


# What pytest takes from the environment is meant for the tests of whoever set it.
_ENVIRONMENT = {"PYTEST_ADDOPTS": None, "PYTEST_PLUGINS": None, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


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


@contextmanager
def _own_environment() -> Iterator[None]:
    """Within it pytest finds nobody's settings, and loads nobody's plugins, which cost seconds."""
    before = {name: os.environ.pop(name, None) for name in _ENVIRONMENT}
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def stoppable(run: Run) -> Iterator[None]:
    """Within it SIGINT and SIGTERM let the run stop after the exchange under way; the second one ends the process.

    Whoever is within sees ``Interrupted`` when the next exchange would begin, and still judges, reports and cleans up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may have handlers
        return
    stop = run.clock.stop

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            os.write(2, b"\x1b[?25h\n" if os.isatty(2) else b"")  # the progress display has hidden the cursor
            os._exit(128 + number)  # what is written is whole, and `conformance cleanup` does the rest
        stop.ask()
        os.write(2, b"\nconformance: stopping; judging what there is and cleaning up (again: at once)\n")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def act(run: Run, fuzz: float = 0.0, plugins: Sequence[object] = ()) -> None:
    """Runs every scenario that the run's selection needs; explores for ``fuzz`` seconds more.

    ``plugins`` are further ones of pytest, which watch.

    Raises ``SuiteError`` where pytest could not collect or run them, ``Interrupted`` where the run was told to stop
    before it was through.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn(f"{run.contract.title:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with _own_environment(), Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        shown = _Shown(progress, progress.add_task("", total=None))
        options = [f"-pno:{plugin}" for plugin in _IDLE] + ["--capture=no", "--assert=plain"]
        place = str(SCENARIOS)
        options += ["-c", os.devnull, "--rootdir", place, "--confcutdir", place, "--import-mode=importlib", place]
        code = pytest.main(options, plugins=[Scenarios(run), shown, *plugins])
    if code == pytest.ExitCode.INTERRUPTED:
        run.clock.stop.check()
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        trouble = "\n".join(shown.trouble) or (
            "interrupted" if code == pytest.ExitCode.INTERRUPTED else f"pytest ended with {code}"
        )
        raise SuiteError(f"the scenarios could not run: {trouble}")
    if fuzz > 0:
        from conformance.scenarios.exploration import explore

        run.exploration.extend(explore(run, fuzz))
