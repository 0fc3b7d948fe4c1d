"""What an audit says of what it did not judge, and that no batch's end is seen in what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from conformance.audit import ACTED, Audit
from conformance.contract import load_contract
from conformance.evidence.exchange import Exchange
from conformance.evidence.recordings import read_recordings
from conformance.rules.judge import MOST_REMEMBERED, Judge, Memory, judge_history
from conformance.sighting import read_history
from tests.audit.conftest import HOST, Told, failing


@pytest.mark.parametrize("provider", ["stripe", "revkeen", "paypercut", "dots"])
def test_batches_do_not_show(provider: str, told: Callable, recording: Callable) -> None:
    contract = load_contract(provider)
    exchanges = list(read_recordings([recording("history.jsonl", _troubled(told(provider)[:120]))]))
    whole = judge_history(contract, exchanges, contract.requirements.values())
    assert {outcome.verdict for outcome in whole} == {"pass", "fail", "not_run"}
    for size in (1, 7, 500):
        judge = Judge(contract, contract.requirements.values())
        for start in range(0, len(exchanges), size):
            judge.add(read_history(contract, exchanges[start : start + size]))
        assert judge.outcomes() == whole


def _troubled(told: Sequence[Told]) -> list[Told]:
    """The same with a wrong answer here and there, right ones said once more, and an error of another shape."""
    found = []
    for index, one in enumerate(told):
        found.append(one)
        if index % 5 == 0:
            answer = one["answer"].replace('"canceled"', '"processing"').replace('"amount"', '"Amount"')
            found.append({**one, "answer": answer})
        if index == len(told) // 2:
            found.append({**one, "status": 404, "answer": json.dumps({"message": "none"})})
    return found


def test_named_exchanges_are_kept_from_any_batch(told: Callable, recording: Callable, audited: Callable) -> None:
    file = recording("history.jsonl", _troubled(told("dots")[:60]))
    small, large = (audited("dots", file, batch=size) for size in (3, 10_000))
    assert small.exchanges == large.exchanges
    named = {number for row in small.certificate.requirements for number in row.exchanges}
    assert small.exchanges.keys() == named
    assert small.certificate.requirements == large.certificate.requirements


def test_what_was_not_judged(told: Callable, recording: Callable, audited: Callable) -> None:
    exchanges = [one for one in told("stripe") if "/payment_intents" in one["url"]][:30]
    older = {"Stripe-Version": "2019-08-14"}
    elsewhere = [{**exchanges[0], "url": f"{HOST}/v1/charges"}, {**exchanges[0], "method": "OPTIONS"}]
    unversioned = {name: value for name, value in exchanges[0]["headers"].items() if name.lower() != "stripe-version"}
    old = {**exchanges[0], "headers": {**unversioned, **older}, "answered": {"Content-Type": "application/json"}}
    lost = {
        "history": 1,
        "number": 1,
        "request": {"method": "POST", "url": f"{HOST}/v1/payment_intents", "headers": []},
    }
    file: Path = recording("history.jsonl", [*elsewhere, old, *exchanges])
    file.write_text(file.read_text() + json.dumps(lost) + "\n" + '{"history": 1}\n')
    audit: Audit = audited("stripe", file)
    coverage = audit.coverage
    assert (coverage.read, coverage.judged, coverage.elsewhere, coverage.unanswered) == (34, 31, 2, 1)
    assert audit.certificate.requests == 34
    assert coverage.left_out == {"unreadable exchange": 1}
    assert coverage.versions == {"2019-08-14": 1, "2025-08-27.basil": 30}
    rows = load_contract("stripe").requirements.values()
    assert coverage.newer == {row.id: 1 for row in rows if "since" in row.args}
    assert coverage.newer
    told_lines = "\n".join(coverage.lines())
    assert "judged: 31 exchanges of 34" in told_lines
    assert "2 exchanges that are no payment-intent calls" in told_lines
    assert "1 exchange without an answer" in told_lines
    assert "2019-08-14 × 1" in told_lines
    reasons = {row.reason for row in audit.certificate.requirements if row.verdict == "not_run"}
    assert ACTED in reasons
    assert "" not in reasons


def test_a_provider_without_versions_counts_none(told: Callable, recording: Callable, audited: Callable) -> None:
    audit: Audit = audited("dots", recording("history.jsonl", told("dots")[:5]))
    assert audit.coverage.versions == {}


MASKED: dict[str, dict[str, Any]] = {
    "a client secret": {"client_secret": "[FILTERED]"},
    "an amount": {"amount": "<AMOUNT>"},
    "an id": {"id": "<INTENT>"},
}


@pytest.mark.parametrize("masked", MASKED)
def test_what_is_masked_is_not_judged(masked: str, told: Callable, recording: Callable, audited: Callable) -> None:
    exchanges = told("stripe")
    one = next(one for one in exchanges if one["method"] == "POST" and one["status"] == 200)
    one["answer"] = json.dumps({**json.loads(one["answer"]), **MASKED[masked]})
    assert failing(audited("stripe", recording("collected.jsonl.gz", exchanges))) == []


def test_others_may_act_unseen(told: Callable, recording: Callable, audited: Callable) -> None:
    """A shop's recording holds neither what its customers confirm nor what other services of the shop do."""
    exchanges = [one for one in told("stripe") if not one["url"].endswith("/confirm")]
    assert len(exchanges) < len(told("stripe"))
    assert failing(audited("stripe", recording("vcrpy.yaml", exchanges))) == []


def test_a_memory_forgets_the_oldest() -> None:
    memory = Memory()
    for number in range(MOST_REMEMBERED + 10):
        memory[number] = number
        memory[0] = "kept fresh"
    assert len(memory) == MOST_REMEMBERED
    assert memory[0] == "kept fresh"
    assert 1 not in memory
    assert MOST_REMEMBERED + 9 in memory


def test_unanswered_exchanges_are_no_evidence(told: Callable, recording: Callable) -> None:
    exchanges = list(read_recordings([recording("history.jsonl", told("dots")[:5])]))
    lost = [Exchange(one.number, one.request, None) for one in exchanges]
    contract = load_contract("dots")
    outcomes = judge_history(contract, lost, contract.requirements.values())
    assert {outcome.verdict for outcome in outcomes} == {"not_run"}
