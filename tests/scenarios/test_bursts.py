"""Bursts in a run: what they say, what they leave out, and what they make of a server that has too much to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.contract import load_contract, provider_names
from conformance.embedded import embedded_server, embedded_target
from conformance.reference import Policies, policies_of
from conformance.reference.faults.deeds import answers_with
from conformance.reference.faults.key_policies import looks_up_keys_early
from conformance.reference.faults.keys import KEY
from conformance.reference.wire import Asked, Lie, Said, Serve
from conformance.run import Run, Selection
from conformance.session import act
from conformance.verdict import Certificate
from conformance.verdict.judgement import RequirementVerdict

ONE_KEY = {"stripe": "STR-175", "revkeen": "RVK-126", "paypercut": "PPC-126"}
BURSTS = {
    provider: [row.id for row in load_contract(provider).requirements.values() if row.check == "burst"]
    for provider in provider_names()
}
Certified = Callable[..., Certificate]


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    """The certificate of a run that judges one requirement on a reference server in memory."""

    def run_of(provider: str, requirement: str, burst: int = 10, policies: Policies | None = None) -> Certificate:
        contract = load_contract(provider)
        run = Run(
            contract=contract,
            target=replace(embedded_target(contract), burst=burst),
            folder=tmp_path,
            selection=Selection(frozenset({requirement})),
            **embedded_server(provider, policies),
        )
        run.preflight()
        act(run)
        return run.finish()

    return run_of


def row_of(certificate: Certificate, requirement: str) -> RequirementVerdict:
    return next(row for row in certificate.requirements if row.id == requirement)


@pytest.mark.parametrize(("provider", "requirement"), [(name, id) for name, ids in BURSTS.items() for id in ids])
def test_the_correct_server_is_explained(provider: str, requirement: str, certified: Certified) -> None:
    row = row_of(certified(provider, requirement, burst=100), requirement)
    assert row.verdict == "pass", (row.reason, row.findings)
    for size in (2, 10, 100):
        assert f"{size} at once: explained by " in row.reason
    assert "a race window would have been seen with a probability of: 100 µs" in row.reason
    assert "not tried" not in row.reason


def test_sizes_that_are_not_allowed_are_left_out_and_named(certified: Certified) -> None:
    certificate = certified("stripe", "STR-251", burst=5)
    row = row_of(certificate, "STR-251")
    assert row.verdict == "pass"
    assert "10 at once" not in row.reason
    assert "100 at once were not tried: the target allows 5 ([target] burst, or --burst, says how many)" in row.reason


def test_where_no_burst_is_allowed_none_is_sent(certified: Certified) -> None:
    certificate = certified("stripe", "STR-251", burst=0)
    row = row_of(certificate, "STR-251")
    assert row.verdict == "inapplicable"
    assert row.reason.startswith("2 requests at once are not allowed: the target allows 0")
    assert certificate.requests == 2  # the preflight


@pytest.mark.parametrize("provider", ONE_KEY)
def test_two_intents_for_one_key_are_both_shown(provider: str, certified: Certified) -> None:
    policies = looks_up_keys_early(0.2)(policies_of(provider))
    row = row_of(certified(provider, ONE_KEY[provider], policies=policies), ONE_KEY[provider])
    assert row.verdict == "fail"
    (finding,) = row.findings
    assert finding.sequence
    assert len(finding.exchanges) == 2
    assert finding.actual.count("exchange") == 2


def too_much_at_once(status: int) -> Callable[[], Lie]:
    """Answers so what comes with a key while another such request is there."""

    def make() -> Lie:
        inside: list[int] = []
        met = threading.Event()

        def lie(asked: Asked, serve: Serve) -> Said:
            if KEY not in asked.headers or threading.current_thread() is threading.main_thread():
                return serve(asked)
            inside.append(1)
            if len(inside) > 1:
                met.set()
            met.wait(5)
            return Said(status, {"content-type": "application/json"}, b'{"error": {"message": "slow down"}}')

        return lie

    return make


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_has_too_much_to_do_is_not_judged(status: int, certified: Certified) -> None:
    policies = replace(policies_of("stripe"), lie=too_much_at_once(status))
    row = row_of(certified("stripe", "STR-251", policies=policies), "STR-251")
    assert row.verdict == "inconclusive"
    assert row.reason == f"the target answered {status}; lower [target] burst"


def test_an_operation_that_only_fails_has_raced_with_nothing(certified: Certified) -> None:
    policies = replace(policies_of("stripe"), lie=answers_with(500, {}, lambda asked: asked.operation == "confirm"))
    row = row_of(certified("stripe", "STR-252", policies=policies), "STR-252")
    assert row.verdict == "inconclusive"
    assert row.reason.startswith("confirm was answered HTTP 500")


@pytest.mark.parametrize("fault", ["confirms_succeeded_intents", "retrieves_another_intent"])
def test_what_is_wrong_even_one_after_the_other_is_for_other_rows(fault: str, certified: Certified) -> None:
    row = row_of(certified("stripe", "STR-251", policies=policies_of("stripe", fault)), "STR-251")
    assert row.verdict == "inconclusive"
    assert row.reason.startswith("the same calls contradict each other even one after the other: ")


def test_what_is_wrong_only_at_the_same_time_is_not(certified: Certified) -> None:
    row = row_of(certified("stripe", "STR-251", policies=policies_of("stripe", "confirms_twice_at_once")), "STR-251")
    assert row.verdict == "fail"
