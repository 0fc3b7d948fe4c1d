"""The pytest plugin: turns rows into tests, tests into outcomes; ``certify`` uses it, and so does plain pytest."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conformance.contract import Requirement
    from conformance.evidence.finding import Outcome
    from conformance.run import Run
    from conformance.scenarios.acting import Actor

SCENARIOS = Path(__file__).parent / "scenarios"
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
    config.pluginmanager.register(Scenarios(run, finish=True), "conformance-run")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without a run the scenarios are nobody's tests."""
    outside = collection_path != SCENARIOS and collection_path.parent != SCENARIOS
    return None if outside or config.pluginmanager.has_plugin("conformance-run") else True


class Scenarios:
    """Runs the scenarios of one ``Run``. ``finish``: judge and report when the session ends, and set its exit code."""

    def __init__(self, run: Run, *, finish: bool = False) -> None:
        from conformance.rules.judge import rules

        self.run, self.finish = run, finish
        self.rules = rules()
        self.lines: list[str] = []
        self.others_failed = False  # tests of the user's own, run beside the scenarios

    # -- what is collected ---------------------------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "row" in metafunc.fixturenames and metafunc.definition.path.parent == SCENARIOS:
            rows = self._rows(metafunc.function.__name__.removeprefix("test_"))
            metafunc.parametrize("row", rows, ids=[row.id for row in rows], indirect=True)

    def _rows(self, check: str) -> list[Requirement]:
        contract = self.run.contract
        return [
            row for row in contract.requirements.values() if row.check == check and self.run.acts_for(row, self.rules)
        ]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # A check that no row of this provider cites leaves an item without parameters; it is no test.
        items[:] = [item for item in items if not _is_scenario(item) or isinstance(_row(item), _requirement_type())]
        if self.run.budget:  # the most telling first
            places = {name: place for place, name in enumerate(self.run.budget.acts)}
            items.sort(key=lambda item: places[_row(item).id] if _is_scenario(item) else -1)
        acted = {_row(item).id for item in items if _is_scenario(item)}
        wanted = {row.id for row in self.run.rows.values() if row.check not in (*self.rules, "")}
        left_out = {name for name in wanted if self.run.acts_for(self.run.rows[name], self.rules)} - acted
        if left_out and not self.finish:
            raise pytest.UsageError(f"these scenarios were not collected: {', '.join(sorted(left_out))}")
        if left_out:
            # The user chose tests: what they leave out is not selected, and rules lack the evidence to pass on.
            self.run.rows = {row.id: row for row in self.run.rows.values() if row.id in acted}

    # -- what a scenario is given --------------------------------------------------------------------------------

    @pytest.fixture
    def row(self, request: pytest.FixtureRequest) -> Any:
        """The requirement that this test judges."""
        return request.param

    @pytest.fixture
    def args(self, row: Any, act: Actor) -> Any:
        """The arguments that the requirement gives its check, with the target's instruments put in."""
        return act.instruments.fill(row.args)

    @pytest.fixture
    def act(self, row: Any, request: pytest.FixtureRequest) -> Iterator[Actor]:
        """What the scenario acts with."""
        from conformance.scenarios.acting import Actor
        from conformance.scenarios.outcomes import Inapplicable

        reason = self.run.lacking(row)
        if reason:
            raise Inapplicable(reason)
        self.run.client.scenario = f"{request.path.name}::{request.node.name}"
        with self.run.network():
            yield Actor(self.run.contract, self.run.client, self.run.instruments, self.run.memory)

    # -- what comes of it ----------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        if not _is_scenario(item):
            report = yield
            self.others_failed |= report.failed
            return report
        # Pytest would quote arguments and local variables, cut in the middle: half a secret is known to nobody.
        item.repr_failure = lambda excinfo, style=None: _failure(excinfo.value)  # type: ignore[method-assign]
        report = yield
        if call.when != "call" and call.excinfo is None:
            return report
        outcome = self._outcome(item, _row(item), call.excinfo.value if call.excinfo else None)
        self.run.outcomes.append(outcome)
        if report.failed:
            report.longrepr = self.run.redactor.prose(report.longreprtext)
        report.sections = [(name, self.run.redactor.prose(text)) for name, text in report.sections]
        if outcome.verdict in ("inconclusive", "inapplicable"):
            report.outcome = "skipped"
            reason = self.run.redactor.prose(f"{outcome.verdict}: {outcome.reason}")
            report.longrepr = (str(item.path), 0, reason)
        return report

    def _outcome(self, item: pytest.Item, row: Requirement, raised: BaseException | None) -> Outcome:
        from conformance.evidence.finding import Outcome
        from conformance.scenarios.outcomes import Inapplicable, Inconclusive, NonConformance, Unanswered
        from conformance.target.client import BudgetSpent, TargetSilent
        from conformance.target.values import MissingInstrument

        scenario = f"{item.path.name}::{item.name}"
        own = self.run.history.numbers(scenario)
        act = getattr(item, "funcargs", {}).get("act")
        numbers = tuple(sorted({*own, *(act.borrowed if act else ())}))
        remarks = "; ".join(act.remarks) if act else ""
        if self.run.replay and (trouble := self.run.replay.trouble(scenario)):
            return Outcome(row.id, "inconclusive", trouble, exchanges=numbers)
        if raised is None:
            return Outcome(row.id, "pass", remarks, exchanges=numbers, judged=len(numbers))
        if isinstance(raised, NonConformance):
            return Outcome(row.id, "fail", remarks, raised.findings, numbers, len(numbers))
        if isinstance(raised, BudgetSpent):
            return Outcome(row.id, "not_run", str(raised), exchanges=numbers)
        if isinstance(raised, Inconclusive):
            return Outcome(row.id, "inconclusive", str(raised), exchanges=numbers)
        if isinstance(raised, Inapplicable | MissingInstrument):
            return Outcome(row.id, "inapplicable", str(raised), exchanges=numbers)
        if isinstance(raised, Unanswered | TargetSilent):
            return Outcome(row.id, "error", str(raised), exchanges=numbers)
        return Outcome(row.id, "error", f"the suite failed: {type(raised).__name__}: {raised}", exchanges=numbers)

    # -- under plain pytest --------------------------------------------------------------------------------------

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # Pytest's own ways to stop, as for a file that cannot be collected, are kinds of it.
        self.run.interrupted = excinfo.type is KeyboardInterrupt

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        whole = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if not self.finish or not (whole or self.run.interrupted):
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


def _failure(raised: BaseException) -> str:
    """What pytest shows of a scenario that failed: what it found, or where it fell over."""
    from traceback import format_exception

    from conformance.scenarios.outcomes import NonConformance

    return str(raised) if isinstance(raised, NonConformance) else "".join(format_exception(raised))


def _is_scenario(item: pytest.Item) -> bool:
    return item.path.parent == SCENARIOS


def _row(item: pytest.Item) -> Any:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("row") if callspec else None


def _requirement_type() -> type:
    from conformance.contract import Requirement

    return Requirement
