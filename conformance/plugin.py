"""The suite under plain pytest: the options that start a run, and what becomes of it when the session ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.items import SCENARIOS, Scenarios

if TYPE_CHECKING:
    from conformance.run import Run

NOT_JUDGED = 3  # exit code


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of ``conformance certify``, with a prefix: pytest's flags are global, and ``--strict`` is its own."""
    group = parser.getgroup("conformance", "payment-intents conformance")

    def option(name: str, **given: Any) -> None:
        group.addoption(f"--conformance-{name}", **given)

    option("provider", default="", help="the contract to hold the target to")
    option("target", default="", help="URL or target file; without it, the embedded reference server")
    option("api-key", default="", help="KEY or env:NAME, a test key of the target")
    option("i-own-this-server", action="store_true", help="the host is yours, and no real money moves there")
    option("no-cleanup", action="store_true", help="leave what the run has created as it is")
    option("contracts", default="", metavar="DIR", help="folder of further providers' contracts")
    option("seed", type=int, default=None, help="what idempotency keys derive from (default: new in each run)")
    option("output", default="", help="folder for certificate, history and reports")
    option("burst", type=int, default=None, metavar="N", help="send at most N requests at once; 0 forbids bursts")
    option("budget", type=int, default=None, metavar="N", help="send at most N requests, the most telling first")
    option("strict", action="store_true", help="SHOULD decides conformance too")
    option("only", action="append", default=[], metavar="ID", help="judge only this requirement")
    option("area", action="append", default=[], help="judge only this area")
    option("level", action="append", default=[], help="judge only this level")
    option("record", action="store_true", help="keep the run in cassettes, without its secrets")
    option("replay", action="store_true", help="act on what was recorded, and open no connection")
    option("cassettes", default="cassettes", metavar="DIR", help="folder of recorded runs")


def pytest_configure(config: pytest.Config) -> None:
    """``--conformance-provider`` or ``--conformance-target`` starts a run."""

    def given(name: str) -> Any:
        return config.getoption(f"--conformance-{name}")

    if not (given("provider") or given("target")):
        return
    if hasattr(config, "workerinput") or config.getoption("dist", "no") != "no":
        raise pytest.UsageError(
            "pytest-xdist would make a run of its own in each process, and no certificate of the whole; "
            "conformance certify -n N acts a run in N processes"
        )
    from conformance.contract import CatalogueError
    from conformance.evidence.exposure import presentable
    from conformance.order import Order, prepare_runs
    from conformance.run import PreflightError
    from conformance.target.settings import SettingsError

    order = Order(
        providers=(given("provider"),) if given("provider") else (),
        target=given("target"),
        api_key=given("api-key"),
        own_server=given("i-own-this-server"),
        no_cleanup=given("no-cleanup"),
        seed=given("seed"),
        output=given("output"),
        burst=given("burst"),
        budget=given("budget"),
        strict=given("strict"),
        only=tuple(given("only")),
        areas=tuple(given("area")),
        levels=tuple(given("level")),
        contracts=given("contracts"),
        record=given("record"),
        replay=given("replay"),
        cassettes=given("cassettes"),
    )
    try:
        (run,) = prepare_runs(order)
        run.preflight()
    except (SettingsError, CatalogueError) as error:
        raise pytest.UsageError(presentable(str(error))) from error
    except PreflightError as error:
        pytest.exit(presentable(str(error)), returncode=NOT_JUDGED)
    config.pluginmanager.register(Judged(run), "conformance-run")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without a run the scenarios are nobody's tests."""
    outside = collection_path != SCENARIOS and collection_path.parent != SCENARIOS
    return None if outside or config.pluginmanager.has_plugin("conformance-run") else True


class Judged(Scenarios):
    """Judges the run and reports when the session ends, and sets its exit code."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.lines: list[str] = []

    def without(self, left_out: set[str], acted: set[str]) -> None:
        # The user chose tests: what they leave out is not selected, and rules lack the evidence to pass on.
        self.run.rows = {row.id: row for row in self.run.rows.values() if row.id in acted}

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        whole = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if not (whole or self.run.interrupted):
            return
        from conformance.cleanup import clean_after
        from conformance.run import PreflightError
        from conformance.verdict import exit_code

        try:
            certificate = self.run.finish()
        except PreflightError as error:
            self.lines = [f"not judged: {error}", *clean_after(self.run)]
            session.exitstatus = NOT_JUDGED
            return
        if self.run.record and not self.run.interrupted:
            from conformance import recorder

            recorder.keep(self.run, certificate, approve=False)
        self.lines = [f"{certificate.result}: {reason}" for reason in certificate.reasons]
        self.lines.append(f"certificate and reports: {self.run.folder}")
        self.lines += clean_after(self.run)
        session.exitstatus = exit_code(certificate) or (1 if self.others_failed else 0)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.lines:
            terminalreporter.section("conformance")
            for line in self.lines:
                terminalreporter.write_line(line)
