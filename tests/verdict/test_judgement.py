"""Outcomes become one verdict per requirement, and verdicts one result."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import permutations
from typing import Any

import pytest

from conformance.contract.model import Contract
from conformance.evidence.finding import RANKING, Finding, Outcome, VerdictName
from conformance.verdict import Judgement, Waiver, WaiverError, judge

TODAY = date(2026, 11, 20)
FINDING = Finding("402", "400", exchanges=(3,))


def outcome(requirement: str, verdict: VerdictName, **more: Any) -> Outcome:
    more.setdefault("findings", (FINDING,) if verdict == "fail" else ())
    more.setdefault("reason", "" if verdict in ("pass", "fail") else f"because of {verdict}")
    return Outcome(requirement, verdict, **more)


def waiver(requirement: str, until: date = TODAY) -> Waiver:
    return Waiver(requirement, "fixed in phase 2", "", until)


def judged(contract: Contract, verdicts: dict[str, VerdictName], **more: Any) -> Judgement:
    """A judgement of one outcome each; the rows that are not named are left without."""
    more.setdefault("selected", set(contract.requirements))
    return judge(contract, [outcome(id, verdict) for id, verdict in verdicts.items()], today=TODAY, **more)


def verdict_of(judgement: Judgement, requirement: str) -> tuple[str, str]:
    row = next(row for row in judgement.requirements if row.id == requirement)
    return row.verdict, row.reason


def test_every_requirement_gets_a_verdict_in_the_contracts_order(contract: Contract) -> None:
    judgement = judged(contract, {"EX-2": "pass"})
    assert [row.id for row in judgement.requirements] == list(contract.requirements)


@pytest.mark.parametrize("pair", list(permutations(RANKING, 2)))
def test_the_worst_outcome_is_the_verdict(contract: Contract, pair: tuple[VerdictName, VerdictName]) -> None:
    judgement = judge(
        contract, [outcome("EX-1", verdict) for verdict in pair], today=TODAY, selected=set(contract.requirements)
    )
    worst = min(pair, key=RANKING.index)
    reason = "" if worst in ("pass", "fail") else f"because of {worst}"
    assert verdict_of(judgement, "EX-1") == (worst, reason)


def test_findings_and_exchanges_are_gathered_once_each(contract: Contract, selected: set[str]) -> None:
    other = Finding("one", "two", exchanges=(9,))
    told = [
        outcome("EX-1", "fail", exchanges=(3, 1), judged=2),
        outcome("EX-1", "fail", findings=(FINDING, other), exchanges=(9, 3)),
        outcome("EX-1", "pass", exchanges=(2,), judged=40),
    ]
    row = judge(contract, told, today=TODAY, selected=selected).requirements[0]
    assert (row.findings, row.exchanges, row.judged) == ((FINDING, other), (1, 2, 3, 9), 42)


def test_what_did_not_run_says_why(contract: Contract) -> None:
    judgement = judged(contract, {"EX-1": "pass", "EX-2": "fail", "EX-5": "pass"}, selected={"EX-1", "EX-3", "EX-5"})
    assert verdict_of(judgement, "EX-2") == ("not_run", "not selected")
    assert verdict_of(judgement, "EX-3") == ("not_run", "the run never met a situation in which it applies")
    assert verdict_of(judgement, "EX-5") == ("inapplicable", "no black-box run can judge it: happens in private")
    assert judgement.result == "conformant"


def test_only_a_finding_makes_a_fail_and_nothing_with_a_finding_passes(contract: Contract, selected: set[str]) -> None:
    told = [outcome("EX-1", "fail", findings=()), outcome("EX-2", "pass", findings=(FINDING,))]
    judgement = judge(contract, told, today=TODAY, selected=selected)
    assert verdict_of(judgement, "EX-1")[0] == "error"
    assert verdict_of(judgement, "EX-2")[0] == "error"
    assert judgement.result == "inconclusive"


def test_an_outcome_of_an_unknown_requirement_is_an_error_of_ours(contract: Contract) -> None:
    with pytest.raises(ValueError, match="EX-9"):
        judged(contract, {"EX-9": "pass"})


@pytest.mark.parametrize(
    ("verdicts", "result", "strict_result"),
    [
        ({"EX-1": "pass"}, "conformant", "conformant"),
        ({"EX-1": "pass", "EX-2": "inapplicable"}, "conformant", "conformant"),
        ({"EX-1": "pass", "EX-2": "fail"}, "non_conformant", "non_conformant"),
        ({"EX-1": "pass", "EX-2": "error"}, "inconclusive", "inconclusive"),
        ({"EX-1": "pass", "EX-2": "inconclusive"}, "inconclusive", "inconclusive"),
        ({"EX-1": "fail", "EX-2": "error"}, "non_conformant", "non_conformant"),
        ({"EX-1": "pass", "EX-3": "fail"}, "conformant", "non_conformant"),
        ({"EX-1": "pass", "EX-3": "error"}, "conformant", "inconclusive"),
        ({"EX-1": "pass", "EX-4": "fail"}, "conformant", "conformant"),
        ({"EX-3": "pass"}, "inconclusive", "conformant"),
        ({"EX-1": "inapplicable", "EX-4": "pass"}, "inconclusive", "inconclusive"),
        ({}, "inconclusive", "inconclusive"),
    ],
)
def test_the_result(contract: Contract, verdicts: dict[str, VerdictName], result: str, strict_result: str) -> None:
    assert judged(contract, verdicts).result == result
    assert judged(contract, verdicts, strict=True).result == strict_result


def test_a_run_that_selected_nothing_is_inconclusive(contract: Contract) -> None:
    assert judged(contract, {"EX-1": "pass"}, selected=set()).result == "inconclusive"


@pytest.mark.parametrize("verdict", RANKING)
@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("level", ["EX-2", "EX-3", "EX-4"])
def test_a_waiver_annotates_and_never_renames(
    contract: Contract, verdict: VerdictName, ended: bool, level: str
) -> None:
    held = waiver(level, date(2026, 11, 19) if ended else TODAY)
    judgement = judged(contract, {"EX-1": "pass", level: verdict}, waivers=[held])
    row = next(row for row in judgement.requirements if row.id == level)
    assert (row.verdict, row.waiver) == (verdict, held)
    assert row.waived == (verdict == "fail" and not ended)
    assert bool(row.stale) == (ended or verdict == "pass")
    if row.stale:
        assert judgement.result == "non_conformant"
        assert any(level in reason and "remove it" in reason for reason in judgement.reasons)
    elif level == "EX-2" and verdict in ("error", "inconclusive"):
        assert judgement.result == "inconclusive"
    else:
        assert judgement.result == "conformant"


def test_a_waiver_of_what_was_not_selected_waits(contract: Contract) -> None:
    held = waiver("EX-2", date(2020, 1, 1))
    assert judged(contract, {"EX-1": "pass"}, waivers=[held], selected={"EX-1"}).result == "conformant"


def test_a_run_with_only_a_waived_fail_shows_nothing(contract: Contract) -> None:
    assert judged(contract, {"EX-1": "fail"}, waivers=[waiver("EX-1")]).result == "inconclusive"


def test_a_waiver_of_an_unknown_requirement_is_refused(contract: Contract) -> None:
    with pytest.raises(WaiverError, match="EX-9"):
        judged(contract, {"EX-1": "pass"}, waivers=[waiver("EX-9")])


def test_the_reasons_name_what_decided(contract: Contract) -> None:
    assert judged(contract, {"EX-1": "fail", "EX-2": "fail"}).reasons == ("2 MUST requirements fail: EX-1, EX-2.",)
    assert judged(contract, {"EX-1": "pass", "EX-2": "error"}).reasons == (
        "1 MUST requirement ended in an error: EX-2.",
    )
    verdicts: dict[str, VerdictName] = {"EX-1": "pass", "EX-2": "fail", "EX-3": "fail", "EX-4": "fail"}
    assert judged(contract, verdicts, waivers=[waiver("EX-2")]).reasons == (
        "1 MUST requirement judged, and none contradicted.",
        "1 requirement fails, but waived: EX-2.",
        "1 SHOULD requirement fails, which warns: EX-3.",
        "1 MAY requirement fails, which informs: EX-4.",
    )


def resting(contract: Contract) -> Contract:
    """The contract with EX-2 and EX-3 resting on EX-1."""
    rows = contract.requirements
    changed = {name: replace(rows[name], rests_on=("EX-1",)) for name in ("EX-2", "EX-3")}
    return replace(contract, requirements={**rows, **changed})


def test_what_rests_on_a_failing_requirement_is_not_told_as_a_failure_of_its_own(contract: Contract) -> None:
    judgement = judged(resting(contract), {"EX-1": "fail", "EX-2": "fail", "EX-3": "pass", "EX-4": "fail"})
    assert [row.verdict for row in judgement.requirements[:4]] == ["fail", "inapplicable", "pass", "fail"]
    assert verdict_of(judgement, "EX-2") == ("inapplicable", "it rests on EX-1, which fails")
    assert judgement.requirements[1].findings == ()


def test_what_rests_on_a_failing_requirement_and_cannot_be_brought_about_decides_nothing(contract: Contract) -> None:
    judgement = judged(resting(contract), {"EX-1": "fail", "EX-2": "inconclusive"})
    assert verdict_of(judgement, "EX-2") == ("inapplicable", "it rests on EX-1, which fails")


def test_it_fails_where_what_it_rests_on_does_not(contract: Contract) -> None:
    for verdict in ("pass", "inconclusive", "inapplicable", "error", "not_run"):
        judgement = judged(resting(contract), {"EX-1": verdict, "EX-2": "fail"})
        assert verdict_of(judgement, "EX-2") == ("fail", ""), verdict


def test_a_remark_stands_with_a_pass_and_a_fail(contract: Contract) -> None:
    told = [outcome("EX-1", "pass", reason="ten at once"), outcome("EX-2", "fail", reason="two at once")]
    judgement = judge(contract, told, today=TODAY, selected=set(contract.requirements))
    assert verdict_of(judgement, "EX-1") == ("pass", "ten at once")
    assert verdict_of(judgement, "EX-2") == ("fail", "two at once")
