"""The walks: frozen, sound on the known-good server, and short once they find something."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.contract import load_contract, provider_names
from conformance.reference import policies_of
from conformance.run import Run
from conformance.scenarios.walk import State, Step, creations, decisive, read_walks, write_walks
from conformance.scenarios.walk_machine import LONGEST, MOST_STEPS, freeze_walks
from conformance.sighting import read_history
from conformance.verdict.judgement import RequirementVerdict

Walked = Callable[..., tuple[RequirementVerdict, Run]]
PAID = {"succeeded"}


@pytest.mark.parametrize("provider", provider_names())
def test_the_frozen_walks_are_those_that_the_lifecycle_gives(provider: str) -> None:
    contract = load_contract(provider)
    assert write_walks(freeze_walks(contract)) == write_walks(read_walks(contract.folder))


@pytest.mark.parametrize("provider", provider_names())
def test_walks_begin_with_a_create_and_are_few(provider: str) -> None:
    walks = read_walks(load_contract(provider).folder)
    assert sum(map(len, walks)) <= MOST_STEPS
    for walk in walks:
        assert [step.operation == "create" for step in walk] == [True] + [False] * (len(walk) - 1)
        assert len(walk) <= 1 + LONGEST


@pytest.mark.parametrize("provider", provider_names())
def test_walks_take_most_of_the_steps_that_decide(provider: str) -> None:
    """What a MUST row judges of a transition is walked at least once, as far as documents tell where a walk leads."""
    contract = load_contract(provider)
    taken = set[str]()
    for walk in read_walks(contract.folder):
        state = State()
        for step in walk:
            if step.operation != "create":
                taken |= {move.id for move in state.documented(contract, step)}
            state = state.rehearsed(contract, step)
    wanted = {name for name in decisive(contract, "MUST") if contract.transitions[name].sources}
    wanted = {name for name in wanted if "(unknown)" not in contract.transitions[name].sources}
    assert len(wanted & taken) >= 0.75 * len(wanted), wanted - taken


@pytest.mark.parametrize("provider", provider_names())
def test_the_known_good_server_passes(provider: str, walked: Walked) -> None:
    verdict, run = walked(provider)
    assert (verdict.verdict, verdict.findings) == ("pass", ())
    assert len(run.history) <= MOST_STEPS


def test_what_is_found_is_told_by_the_shortest_sequence(walked: Walked) -> None:
    verdict, run = walked("stripe", cancelable=policies_of("stripe").lifecycle.cancelable | PAID)
    (found,) = verdict.findings
    seen = {one.number: one for one in read_history(run.contract, run.history.exchanges)}
    assert [seen[number].operation for number in found.exchanges] == ["create", "confirm", "cancel"]
    assert found.sequence


@pytest.mark.parametrize(
    ("provider", "changed", "last"),
    [
        ("stripe", {"captures_later": lambda intent: False}, "confirm"),
        ("paypercut", {"cancelable": policies_of("paypercut").lifecycle.cancelable | PAID}, "cancel"),
        ("revkeen", {"cancelable": frozenset[str]()}, "cancel"),
        ("dots", {"confirmable": frozenset[str]()}, "confirm"),
    ],
)
def test_a_wrong_lifecycle_is_found(walked: Walked, provider: str, changed: dict[str, object], last: str) -> None:
    verdict, run = walked(provider, **changed)
    assert verdict.verdict == "fail"
    (found,) = verdict.findings
    seen = {one.number: one for one in read_history(run.contract, run.history.exchanges)}
    assert seen[found.exchanges[-1]].operation == last


def test_the_search_for_a_short_sequence_is_bounded(walked: Walked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.scenarios.test_walk.MOST_REQUESTS", 10)
    verdict, run = walked("stripe", cancelable=frozenset[str]())
    assert verdict.verdict == "fail"
    assert len(run.history) <= MOST_STEPS + 11


def test_a_step_is_documented_only_for_the_intent_it_speaks_of() -> None:
    contract = load_contract("stripe")
    pay, cancel = Step("confirm", "success"), Step("cancel")
    plain, held = State({}, "requires_confirmation", "success"), {"capture_method": "manual"}
    assert [move.id for move in plain.documented(contract, pay)] == ["confirm_succeeds"]
    assert [move.id for move in State(held, "requires_confirmation").documented(contract, pay)] == ["confirm_holds"]
    of_a_bank = State({"payment_method_types": ["us_bank_account"]}, "requires_confirmation")
    assert not of_a_bank.documented(contract, pay), "a card may be refused there"
    assert of_a_bank.documented(contract, cancel)
    assert not State({}, "processing").documented(contract, pay)


def test_a_walk_begins_in_every_documented_way() -> None:
    begun = [(step.method, dict(step.send)) for step in creations(load_contract("stripe"))]
    assert ("", {}) in begun
    assert ("success", {"capture_method": "manual"}) in begun
