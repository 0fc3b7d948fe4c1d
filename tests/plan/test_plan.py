"""Before a run its plan, within a budget the most telling part of it, and no limit of a provider is ever met."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance import report
from conformance.cli import main
from conformance.contract import provider_names
from conformance.embedded import embedded_server, embedded_target
from conformance.plan import Rehearsal, _paid, choose, plan, rehearse
from conformance.recorder import judge_recording
from conformance.reference import policies_of, serve, target_settings
from conformance.reference.policies import Policies
from conformance.reference.wire import Asked, Said, Serve
from conformance.rules.judge import rules
from conformance.run import Budget, Run, Selection
from conformance.session import act
from conformance.target.recording import save_recording
from conformance.target.settings import SettingsError
from conformance.verdict import Certificate, exit_code
from tests.faults.certification import contract_of, verdicts

from .limiting import Limited, Limiter, bucket, in_any_minute, in_any_second, limited_server


@cache
def rehearsed(provider: str, pace: float = 0.0) -> Rehearsal:
    contract = contract_of(provider)
    return rehearse(contract, replace(embedded_target(contract), requests_per_second=pace))


def documented_pace(provider: str) -> float:
    return float(contract_of(provider).settings.get("requests_per_second", 10.0))


def run_on(provider: str, folder: Path, server: dict[str, object], pace: float = 0.0, **given: object) -> Run:
    contract = contract_of(provider)
    target = replace(embedded_target(contract), requests_per_second=pace)
    return Run(contract=contract, target=target, folder=folder, **given, **server)  # type: ignore[arg-type]


def acted(run: Run) -> Run:
    try:
        run.preflight()
        act(run)
    finally:
        run.close()
    return run


def certify(*given: object) -> Result:
    return CliRunner().invoke(main, ["certify", *map(str, given)])


# -- no limit is met ---------------------------------------------------------------------------------------------------

LIMITS: dict[str, list[list[Limiter]]] = {
    "stripe": [[in_any_second(25)]],
    "revkeen": [[bucket(100, 200), in_any_minute(100)]],  # the documented one, and a stricter reading of it
    "paypercut": [[in_any_second(12)]],
    "dots": [[in_any_second(12)]],
}


@pytest.mark.parametrize("provider", LIMITS)
def test_a_whole_run_meets_no_limit_and_takes_as_long_as_planned(provider: str, tmp_path: Path) -> None:
    (limiters,) = LIMITS[provider]
    app, server = limited_server(provider, *limiters)
    pace = documented_pace(provider)
    run = run_on(provider, tmp_path, server, pace=pace)
    began = run.clock.time()
    acted(run)
    assert app.refused == 0
    assert app.asked == run.client.allowance.sent >= len(run.history)
    planned = rehearsed(provider, pace)
    assert planned.total == pytest.approx(app.asked, rel=0.1)
    assert planned.seconds == pytest.approx(run.clock.time() - began, rel=0.1)


def test_the_limiters_limit(tmp_path: Path) -> None:
    """Without a pace the same run meets them."""
    app, server = limited_server("dots", in_any_second(25))
    run = acted(run_on("dots", tmp_path, server))
    assert app.refused > 0
    assert {one.verdict for one in run.outcomes} <= {"pass", "inapplicable", "inconclusive"}
    assert [one for one in run.outcomes if one.verdict == "pass"]


# -- the plan ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["dots"])
def test_a_plan_is_true_of_a_server(provider: str, tmp_path: Path) -> None:
    arrived: list[str] = []
    with serve(provider, policies=noting(policies_of(provider), arrived)) as url:
        given = ["--provider", provider, "--target", url, "--api-key", target_settings(provider)["api_key"]]
        told = certify(*given, "--plan", "--output", tmp_path / "plan")
        assert told.exit_code == 0, told.output
        assert not arrived, "a plan sends nothing"
        assert not (tmp_path / "plan").exists(), "and leaves nothing behind"
        assert certify(*given, "--output", tmp_path / "run", "--no-cleanup").exit_code == 0
    planned = int(re.findall(r": (\d+) requests", told.output)[0])
    assert planned == pytest.approx(len(arrived), rel=0.1)
    areas = [int(count) for count in re.findall(r"^  \w+ +(\d+)$", told.output, re.MULTILINE)]
    assert sum(areas) == planned


def noting(policies: Policies, arrived: list[str]) -> Policies:
    def lie(asked: Asked, serve: Serve) -> Said:
        arrived.append(asked.operation)
        return serve(asked)

    return replace(policies, lie=lambda: lie)


def test_a_plan_says_how_long_it_takes_at_the_targets_pace(tmp_path: Path) -> None:
    run = run_on("dots", tmp_path, embedded_server("dots"), pace=2.0)
    told = plan(run)
    run.close()
    assert not len(run.history), "a plan sends nothing"
    assert told.requests / 2.0 - 1 <= told.seconds <= 1.3 * told.requests / 2.0  # what goes at once is paid for twice
    assert told.line.endswith(f"at 2 a second about {told.seconds / 60:.0f} min")
    assert sum(told.areas.values()) == told.requests
    assert told.areas.keys() <= {"preflight", *(row.area for row in contract_of("dots").requirements.values())}


def test_a_selection_costs_what_it_acts(tmp_path: Path) -> None:
    few = rehearse(contract_of("dots"), embedded_target(contract_of("dots")), Selection(frozenset({"DOT-003"})))
    assert 2 <= few.total < rehearsed("dots").total / 10


# -- a budget ----------------------------------------------------------------------------------------------------------


@cache
def chosen(provider: str, requests: int) -> Budget:
    contract = contract_of(provider)
    return choose(contract, embedded_target(contract), Selection(), requests)


@pytest.fixture
def _without_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "write_all", lambda *given: None)


def finished(run: Run) -> Certificate:
    run.preflight()
    act(run)
    return run.finish()


@pytest.mark.usefixtures("_without_reports")
def test_a_part_is_never_called_the_whole(tmp_path: Path) -> None:
    budget = chosen("dots", 40)
    run = run_on("dots", tmp_path, embedded_server("dots"), budget=budget)
    certificate = finished(run)
    assert run.client.allowance.sent <= 40
    assert certificate.result == "conformant"
    assert any(reason.startswith("Only a part was judged: ") for reason in certificate.reasons)
    rows = {row.id: row for row in certificate.requirements}
    for name in budget.left_out:
        assert (rows[name].verdict, rows[name].reason) == ("not_run", "left out: budget of 40 requests")
    assert {rows[name].verdict for name in budget.acts} <= {"pass", "inapplicable"}
    judged = [row for row in rows.values() if row.check in rules() and row.verdict == "pass"]
    assert judged, "rules judge whatever there is"


@pytest.mark.usefixtures("_without_reports")
def test_the_budget_is_kept_whatever_the_target_does(tmp_path: Path) -> None:
    """A target that needs more requests than the reference server: what is too much is left out, and no failure."""
    budget = replace(chosen("dots", 40), requests=20)
    run = run_on("dots", tmp_path, embedded_server("dots"), budget=budget)
    certificate = finished(run)
    assert run.client.allowance.sent <= 20
    assert not verdicts(certificate, "fail", "error")
    cut = [row for row in certificate.requirements if row.id in budget.acts and row.verdict == "not_run"]
    assert {row.reason for row in cut} == {"left out: budget of 20 requests"}


def paid(broken: list[set[str]], requests: int = 30) -> list[str]:
    contract, seen = contract_of("dots"), rehearsed("dots")
    return _paid(contract, list(seen.own), broken, seen, requests)


def test_what_finds_a_fault_comes_first() -> None:
    for name in paid([], 388)[::10]:
        assert paid([{name}], 388)[0] == name


def test_must_comes_before_should() -> None:
    rows = contract_of("dots").requirements
    names = paid([], 388)
    must, should = (next(name for name in names if rows[name].level == level) for level in ("MUST", "SHOULD"))
    assert paid([{should}, {must}], 388)[:2] == [must, should]


def test_what_was_found_already_tells_nothing_new() -> None:
    first, second, other = [name for name in paid([]) if contract_of("dots").requirements[name].level == "MUST"][:3]
    told = paid([{first, second}, {other}])
    assert set(told[:2]) in ({first, other}, {second, other})


def test_what_is_too_dear_is_passed_over() -> None:
    seen = rehearsed("dots")
    dear = max(seen.own, key=lambda name: seen.own[name])
    assert dear not in paid([{dear}], 2 + seen.own[dear] - 1)
    assert paid([{dear}], 388)[0] == dear


def test_what_pays_for_nothing_is_refused() -> None:
    contract = contract_of("dots")
    with pytest.raises(SettingsError, match="--budget 2 pays for no scenario"):
        choose(contract, embedded_target(contract), Selection(), 2)


@pytest.mark.parametrize(
    "given", [("--budget", 0), ("--budget", 9, "--record"), ("--budget", 9, "--fuzz", 1), ("--budget", 9, "-n", 2)]
)
def test_what_goes_without_a_budget(given: tuple[object, ...], tmp_path: Path) -> None:
    result = certify("--provider", "dots", "--output", tmp_path, *given)
    assert result.exit_code == 2
    assert "budget" in result.output


def test_the_command_says_what_it_left_out(tmp_path: Path) -> None:
    result = certify("--provider", "dots", "--budget", 30, "--output", tmp_path)
    assert result.exit_code == 0, result.output
    assert re.search(r"Dots: \d+ of at most 30 requests sent; \d+ requirements left out \(", result.output)


# -- 429 in a run ------------------------------------------------------------------------------------------------------


@pytest.fixture
def stumbling(tmp_path: Path) -> tuple[Limited, Run]:
    """A run whose target answers 429 to some of its requests, in a shape that nobody documents."""
    app, server = limited_server("dots", bucket(600, 40))
    return app, run_on("dots", tmp_path / "run", server, selection=Selection(areas=frozenset({"create", "protocol"})))


@pytest.mark.usefixtures("_without_reports")
def test_what_is_recorded_with_429_replays_as_recorded(stumbling: tuple[Limited, Run], tmp_path: Path) -> None:
    app, run = stumbling
    certificate = finished(run)
    again = [one for one in run.history if one.put_off]
    assert app.refused >= len(again) > 0
    assert not verdicts(certificate, "fail", "error")
    folder = tmp_path / "recording"
    everything = run.history.redacted().values()
    given = {"seed": run.seed, "embedded": True, "requirements": run.rows, "approve": lambda made: None}
    save_recording(folder, run.target, run.contract, run.redactor, everything, **given)  # type: ignore[arg-type]
    replayed = judge_recording(folder, run.contract, run.selection)
    assert {row.id: row.verdict for row in replayed.requirements} == {
        row.id: row.verdict for row in certificate.requirements
    }
    assert exit_code(replayed) == exit_code(certificate)


@pytest.mark.usefixtures("_without_reports")
@pytest.mark.parametrize("from_then_on", [10])
def test_a_target_that_answers_only_429_is_not_judged(from_then_on: int, tmp_path: Path) -> None:
    left = [from_then_on]

    def only_so_many(now: float) -> float:
        left[0] -= 1
        return 0.0 if left[0] >= 0 else 1.0

    app, server = limited_server("dots", only_so_many)
    run = run_on("dots", tmp_path, server, pace=5.0)
    certificate = finished(run)
    assert exit_code(certificate) == 3
    assert not verdicts(certificate, "fail")
    assert "requests_per_second" in " ".join(row.reason for row in certificate.requirements)
    assert app.asked < from_then_on + 30, "it is left alone"


def test_providers_all_have_limits() -> None:
    assert set(LIMITS) == set(provider_names())
