"""A run's scenarios as items of pytest: rows become tests, and tests outcomes."""

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


class Scenarios:
    """Runs the scenarios of one ``Run``; a plugin of pytest."""

    def __init__(self, run: Run) -> None:
        from conformance.rules.judge import rules

        self.run = run
        self.rules = rules()
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
        if left_out:
            self.without(left_out, acted)

    def without(self, left_out: set[str], acted: set[str]) -> None:
        """What becomes of the run where pytest has not collected all of its scenarios; both by their rows' ids."""
        raise pytest.UsageError(f"these scenarios were not collected: {', '.join(sorted(left_out))}")

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

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # Pytest's own ways to stop, as for a file that cannot be collected, are kinds of it.
        self.run.interrupted = excinfo.type is KeyboardInterrupt


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
