"""What is tried with another account's key: where it shows nothing, nobody is blamed for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.contract import load_contract
from conformance.embedded import embedded_server, embedded_target
from conformance.reference import Policies, policies_of, target_settings
from conformance.reference.faults.deeds import answers_with
from conformance.reference.faults.faltering import lags
from conformance.reference.faults.lies import presents
from conformance.reference.wire import Asked
from conformance.run import Run, Selection
from conformance.session import act
from conformance.verdict import RequirementVerdict

STRANGERS = {
    "stripe": {"STR-270", "STR-271", "STR-272", "STR-273", "STR-274", "STR-275", "STR-276", "STR-276a", "STR-277"},
    "revkeen": {"RVK-131a", "RVK-178", "RVK-178a", "RVK-178b", "RVK-178c", "RVK-178d"},
    "paypercut": {"PPC-190", "PPC-191", "PPC-192", "PPC-193", "PPC-194"},
    "dots": {"DOT-170", "DOT-171", "DOT-172"},
}
strange = presents("stranger")


def judged(
    folder: Path, rows: set[str], policies: Policies, provider: str = "stripe", **lent: Any
) -> list[RequirementVerdict]:
    """What is said of each row on a server; ``lent`` replaces what its settings lend."""
    contract = load_contract(provider)
    target = embedded_target(contract)
    run = Run(
        contract=contract,
        target=replace(target, instruments={**target.instruments, **lent}),
        folder=folder,
        selection=Selection(ids=frozenset(rows)),
        **embedded_server(provider, policies),
    )
    run.preflight()
    act(run)
    return [row for row in run.finish().requirements if row.id in rows]


def told(*given: Any, **lent: Any) -> Mapping[str, tuple[str, str]]:
    """Verdict and reason of each row, of what is ``judged``."""
    return {row.id: (row.verdict, row.reason) for row in judged(*given, **lent)}


@pytest.mark.parametrize("provider", STRANGERS)
def test_a_target_that_lends_its_own_key_is_not_blamed(provider: str, tmp_path: Path) -> None:
    own = target_settings(provider)["api_key"]
    found = told(tmp_path, STRANGERS[provider], policies_of(provider), provider, stranger_key=own)
    assert found == dict.fromkeys(
        STRANGERS[provider], ("inconclusive", "the stranger_key that is lent is the target's own api_key")
    )


def test_what_the_owner_is_refused_too_shows_nothing(tmp_path: Path) -> None:
    def cancels(asked: Asked) -> bool:
        return asked.operation == "cancel"

    refusing = replace(policies_of("stripe"), lie=answers_with(400, {"error": {"type": "api_error"}}, cancels))
    ((verdict, reason),) = told(tmp_path, {"STR-273"}, refusing).values()
    assert (verdict, reason.partition(":")[0]) == ("inconclusive", "could not cancel with the own key")


def test_a_look_that_lags_is_not_taken_for_a_strangers_doing(tmp_path: Path) -> None:
    lagging = replace(policies_of("stripe"), lie=lags("confirm"))
    assert {verdict for verdict, _ in told(tmp_path, {"STR-272", "STR-275"}, lagging).values()} == {"pass"}


def test_an_intent_that_each_look_changes_tells_nothing_of_strangers(tmp_path: Path) -> None:
    changing = policies_of("stripe", "charges_for_retrieves")
    ((verdict, reason),) = told(tmp_path, {"STR-273"}, changing).values()
    assert (verdict, reason) == ("inconclusive", "the intent is another at each look, whatever is asked")


def test_an_account_that_can_create_nothing_tells_nothing_of_keys(tmp_path: Path) -> None:
    def creates(asked: Asked) -> bool:
        return asked.operation == "create" and strange(asked)

    poor = replace(policies_of("stripe"), lie=answers_with(403, {"error": {"type": "api_error"}}, creates))
    ((verdict, reason),) = told(tmp_path, {"STR-277"}, poor).values()
    assert verdict == "inconclusive"
    assert reason.startswith("could not create with stranger_key (a secret key of another account): ")


def test_one_single_use_method_is_enough_for_stranger_and_owner(tmp_path: Path) -> None:
    success = [target_settings("dots")["instruments"]["success"]]
    assert told(tmp_path, {"DOT-171"}, policies_of("dots"), "dots", success=success) == {"DOT-171": ("pass", "")}


def test_an_unusable_search_tells_nothing_of_strangers(tmp_path: Path) -> None:
    broken = replace(policies_of("stripe"), lie=answers_with(500, {}, lambda asked: asked.operation == "search"))
    ((verdict, reason),) = told(tmp_path, {"STR-276a"}, broken).values()
    assert (verdict, reason.partition(":")[0]) == ("inconclusive", "our own search cannot be read")


def test_a_finding_says_which_key_was_to_be_another_accounts(tmp_path: Path) -> None:
    second = target_settings("revkeen")["instruments"]["other_api_key"]  # a key of the same merchant, lent by mistake
    (row,) = judged(tmp_path, {"RVK-178"}, policies_of("revkeen"), "revkeen", stranger_key=second)
    assert row.verdict == "fail"
    assert row.findings
    assert all("stranger_key (an API key of another merchant)" in finding.expected for finding in row.findings)
