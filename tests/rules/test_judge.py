"""How judgements become an outcome: merged, bounded, never a pass without evidence, and never a crash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.contract import Requirement, load_contract
from conformance.evidence.exchange import Exchange, Request
from conformance.evidence.finding import MOST_FINDINGS, Outcome
from conformance.rules import __file__ as package
from conformance.rules.judge import MOST_EXCHANGES, each, judge_history, rules

Judge = Callable[..., Outcome]

BROKEN = {"body": {}, "status": 500}
NESTED = [b"[" * depth + b"]" * depth for depth in (300, 900, 3000, 30_000)]
HOSTILE = [
    *NESTED,
    b"",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"a":' * 5000,
    b'{"id": NaN}',
    b'"text"',
    b"null",
    b"0",
    b"[[1]]",
]
HOSTILE_VALUES = [*NESTED, b'"\\ud800"', b"1" + b"0" * 400, b"1e999", b"-1", b"[null]", b"{}", b"true"]
ARGS: dict[str, dict[str, Any]] = {
    "amounts": {"status": "succeeded", "equal": {"amount": 1}, "positive": ["amount"]},
    "created_is_now": {},
    "embedded_intent": {},
    "header_values": {"header": "Content-Type", "values": ["x"]},
    "list_schema": {"operation": "list", "rest": True},
    "error_implies": {"if_present": "type", "then_present": "code"},
    "error_lacks_object": {"member": "error"},
    "error_member": {"member": "type", "values": ["x"]},
    "error_only_on_type": {"member": "type", "types": ["x"]},
    "error_schema": {"rest": True},
    "error_status": {"types": ["x"], "statuses": [400]},
    "error_type": {"statuses": [400], "types": ["x"]},
    "header_echoes": {"header": "A"},
    "header_present": {"header": "A"},
    "livemode_is_test": {},
    "member_absent_after": {"member": "id", "operations": ["create"]},
    "member_matches": {"member": "id", "pattern": "^{id}$"},
    "member_set": {"members": ["id.x"]},
    "member_unset": {"members": ["id"]},
    "members_not_null_when_present": {"members": ["id"]},
    "members_present": {"members": ["id"]},
    "nothing_received_before_capture": {"statuses": "requires_capture"},
    "object_named_by": {"member": "next_action", "by": "type"},
    "references_unexpanded": {"members": ["id"]},
    "repeats_agree": {"stored": [200]},
    "schema": {"schema": "payment_intent", "rest": True},
    "secrets_absent": {"kinds": ["card_number", "api_key", "stack_trace"]},
    "success_status": {"operation": "create"},
}


def test_findings_that_say_the_same_are_one(judge: Judge) -> None:
    told = [BROKEN, {"shown": {}}, BROKEN, {"body": {}, "status": 503}]
    outcome = judge("no_server_errors", {}, told)
    assert [(found.actual, found.exchanges) for found in outcome.findings] == [("HTTP 500", (1, 3)), ("HTTP 503", (4,))]
    assert outcome.judged == 4
    assert set(outcome.exchanges) == {1, 3, 4}


def test_one_exchange_is_named_once(judge: Judge, exchange: Callable[..., Any]) -> None:
    wrong = exchange("stripe", shown={"amount": "5"}).response.json
    listed = {"operation": "", "path": "/v1/payment_intents", "body": {"data": [wrong, wrong, wrong]}}
    outcome = judge("schema", {"schema": "payment_intent", "rest": True}, [listed])
    assert [found.exchanges for found in outcome.findings] == [(1,)]
    assert outcome.judged == 1


def test_the_same_at_another_place_is_another_finding(judge: Judge) -> None:
    told = [{"shown": {"amount": "5", "amount_received": "5"}}]
    findings = judge("schema", {"schema": "payment_intent", "rest": True}, told).findings
    assert {found.at for found in findings} == {"/amount", "/amount_received"}


def test_findings_are_bounded(judge: Judge) -> None:
    told = [{"shown": {"id": f"pi_{number}"}} for number in range(MOST_FINDINGS + 5)]
    outcome = judge("member_unset", {"members": "id"}, told)
    assert len(outcome.findings) == MOST_FINDINGS
    assert outcome.judged == len(told)
    outcome = judge("no_server_errors", {}, [BROKEN] * (MOST_EXCHANGES + 5))
    assert [len(found.exchanges) for found in outcome.findings] == [MOST_EXCHANGES]


def test_long_values_are_cut(judge: Judge) -> None:
    (found,) = judge("member_unset", {"members": "id"}, [{"shown": {"id": "x" * 10_000}}]).findings
    assert len(found.actual) <= 300


def test_a_finding_names_who_asked(judge: Judge) -> None:
    (found,) = judge("no_server_errors", {}, [{**BROKEN, "scenario": "test_create[X-1]"}]).findings
    assert found.scenario == "test_create[X-1]"


def test_one_outcome_for_each_row_that_cites_a_rule(exchange: Callable[..., Exchange]) -> None:
    rows = [
        Requirement("X-1", "MUST", "shape", "A fact.", (), check="no_server_errors"),
        Requirement("X-2", "MUST", "create", "A fact.", (), check="create_succeeds"),
        Requirement("X-3", "MUST", "shape", "A fact.", (), not_tested="happens in private"),
        Requirement("X-4", "MAY", "shape", "A fact.", (), check="json_errors"),
    ]
    outcomes = judge_history(load_contract("stripe"), iter([exchange("stripe", 7, shown={})]), rows)
    assert [(one.requirement, one.verdict, one.exchanges) for one in outcomes] == [
        ("X-1", "pass", (7,)),
        ("X-4", "not_run", ()),
    ]


def test_an_exchange_without_an_answer_is_no_evidence() -> None:
    lost = Exchange(1, Request("POST", "https://host.example/v1/payment_intents"), None, failure="refused")
    row = Requirement("X-1", "MUST", "shape", "A fact.", (), check="no_server_errors")
    (outcome,) = judge_history(load_contract("stripe"), [lost], [row])
    assert outcome.verdict == "not_run"


def test_a_429_is_for_the_rows_that_speak_of_it(judge: Judge) -> None:
    """A gateway's, which has neither the API's headers nor its envelope; of requests at once it is not put off."""
    bare = {"status": 429, "body": b"slow down", "answered": {"Content-Type": "text/plain"}}
    judged = judge("json_errors", {}, [bare, {"refused": {"type": "x"}}])
    assert (judged.verdict, judged.judged) == ("pass", 1)
    assert judge("header_present", {"header": "Retry-After", "when_status": [429]}, [bare]).verdict == "fail"


@pytest.mark.parametrize("check", sorted(rules()))
def test_nothing_judged_is_never_a_pass(judge: Judge, check: str) -> None:
    elsewhere = {"operation": "", "path": "/v1/charges", "body": {"id": "ch_1", "amount": 5}}
    for told in ([], [elsewhere]):
        outcome = judge(check, ARGS.get(check, {}), told)
        assert (outcome.verdict, outcome.judged, outcome.findings) == ("not_run", 0, ())
        assert outcome.reason


@pytest.mark.parametrize("check", sorted(rules()))
@pytest.mark.parametrize("provider", ["stripe", "dots"])
def test_no_body_stops_a_rule(judge: Judge, check: str, provider: str) -> None:
    members = ("id", "status", "amount", "created", "metadata", "next_action")
    bodies = [*HOSTILE, *(b'{"%s": %s}' % (name.encode(), value) for name in members for value in HOSTILE_VALUES)]
    bodies += [b'{"error": %s}' % value for value in HOSTILE_VALUES]
    bodies += [b'{"error": {"type": %s, "payment_intent": {"id": %s}}}' % (value, value) for value in HOSTILE_VALUES]
    told = [
        {"operation": operation, "path": path, "body": body, "status": status}
        for body in bodies
        for operation, path, status in (("create", "", 200), ("", "/v1/payment_intents", 200), ("create", "", 400))
    ]
    judge(check, ARGS.get(check, {}), told, provider=provider)


@pytest.mark.parametrize(
    "body",
    [b"", b"[" * 100_000, b"\xff", b"[1]", b"confirm[[]=x"],
    ids=["empty", "deep", "not text", "a list", "a broken form"],
)
def test_no_request_stops_a_rule(exchange: Callable[..., Exchange], body: bytes) -> None:
    made = exchange("dots", shown={})
    asked = Request(made.request.method, made.request.url, made.request.headers, body)
    row = Requirement("X-1", "MUST", "create", "A fact.", (), check="legal_transitions")
    (outcome,) = judge_history(load_contract("dots"), [Exchange(1, asked, made.response)], [row])
    assert outcome.verdict == "pass"


def test_every_module_of_rules_is_registered() -> None:
    found = {function.__module__.rpartition(".")[2] for function in rules().values()}
    there = {path.stem for path in Path(package).parent.glob("*.py")} - {"__init__", "judge"}
    assert found == there


@pytest.mark.parametrize(("names", "told"), [(None, ()), ("a", ("a",)), (["a", "b"], ("a", "b")), ((), ())])
def test_one_name_or_several(names: Any, told: tuple[str, ...]) -> None:
    assert each(names) == told
