"""Rules on the shape of intents and errors: which row answers for which member, and what is judged at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.evidence.finding import Outcome

Judge = Callable[..., Outcome]

INTENT = {"schema": "payment_intent"}
REST: dict[str, Any] = {**INTENT, "rest": True}
VERSION = "Stripe-Version"


def at(outcome: Outcome) -> list[str]:
    return [found.at for found in outcome.findings]


def test_an_intent_that_agrees(judge: Judge) -> None:
    told = [{"shown": {}}, {"operation": "retrieve", "shown": {}}, {"operation": "confirm", "shown": {}}]
    for args in (REST, {**INTENT, "members": ["id", "livemode"]}):
        outcome = judge("schema", args, told)
        assert (outcome.verdict, outcome.judged) == ("pass", 3)


def test_findings_say_what_and_where(judge: Judge) -> None:
    told = [{"shown": {"id": ..., "amount": "2000", "status": "paid", "metadata": {"a": 1}}}]
    found = {one.at: one for one in judge("schema", REST, told).findings}
    assert set(found) == {"/id", "/amount", "/status", "/metadata/a"}
    assert (found["/id"].expected, found["/id"].actual) == ("present", "absent")
    assert "integer" in found["/amount"].expected
    assert found["/amount"].actual == "2000"
    assert "succeeded" in found["/status"].expected
    assert found["/status"].actual == "paid"


def test_each_member_has_one_answering_row(judge: Judge) -> None:
    told = [{"shown": {"amount": "2000", "currency": "USD"}}]
    amount: dict[str, Any] = {**INTENT, "members": ["amount"]}
    assert at(judge("schema", amount, told, rows=[("schema", REST)])) == ["/amount"]
    assert at(judge("schema", REST, told, rows=[("schema", amount)])) == ["/currency"]
    other_schema = {"schema": "error", "members": ["currency"]}
    assert at(judge("schema", REST, told, rows=[("schema", amount), ("schema", other_schema)])) == ["/currency"]
    assert judge("schema", {**INTENT, "members": ["status"]}, told).verdict == "pass"


def test_a_member_counts_as_named_by_its_whole_name(judge: Judge) -> None:
    told = [{"shown": {"amount_received": "0"}}]
    amount = {**INTENT, "members": ["amount"]}
    assert judge("schema", amount, told).verdict == "pass"
    assert at(judge("schema", REST, told, rows=[("schema", amount)])) == ["/amount_received"]


@pytest.mark.parametrize("member", ["metadata.a", "metadata/a"])
def test_the_longest_claim_answers(judge: Judge, member: str) -> None:
    told = [{"shown": {"metadata": {"a": 1, "b": 2}}}]
    whole: dict[str, Any] = {**INTENT, "members": ["metadata"]}
    part = {**INTENT, "members": [member]}
    assert at(judge("schema", whole, told, rows=[("schema", REST), ("schema", part)])) == ["/metadata/b"]
    assert at(judge("schema", part, told, rows=[("schema", REST), ("schema", whole)])) == ["/metadata/a"]
    assert judge("schema", REST, told, rows=[("schema", whole), ("schema", part)]).verdict == "pass"
    assert at(judge("schema", whole, told)) == ["/metadata/a", "/metadata/b"]


def test_a_member_named_by_two_rows_fails_both(judge: Judge) -> None:
    told = [{"shown": {"amount": "2000"}}]
    one, two = {**INTENT, "members": ["amount"]}, {**INTENT, "members": ["amount", "created"]}
    assert at(judge("schema", one, told, rows=[("schema", two)])) == ["/amount"]
    assert at(judge("schema", two, told, rows=[("schema", one)])) == ["/amount"]


@pytest.mark.parametrize(
    ("versions", "verdict"),
    [
        ({}, "not_run"),
        ({"answered": {VERSION: "2024-04-09"}}, "not_run"),
        ({"answered": {VERSION: "2024-04-10"}}, "fail"),
        ({"sent": {VERSION: "2025-08-27.basil"}}, "fail"),
    ],
)
def test_since_a_version(judge: Judge, versions: dict[str, Any], verdict: str) -> None:
    args = {**INTENT, "members": ["amount"], "since": "2024-04-10"}
    assert judge("schema", args, [{"shown": {"amount": None}, **versions}]).verdict == verdict


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ([], "not_run"),
        ([{"refused": {"type": "card_error"}}], "not_run"),
        ([{"operation": "", "path": "/v1/charges", "body": {"id": "ch_1", "amount": "5"}}], "not_run"),
        ([{"operation": "", "path": "/v1/payment_intents/pi_1/capture", "body": {"id": "pi_1", "amount": 5}}], "fail"),
        ([{"operation": "", "path": "/v1/payment_intents/pi_1/sources", "body": {"data": []}}], "not_run"),
        ([{"operation": "", "path": "/v1/payment_intents", "body": b"<html>"}], "not_run"),
        ([{"body": b"<html>"}], "fail"),
        ([{"body": []}], "fail"),
        ([{"body": {"object": "list", "data": []}}], "fail"),
        ([{"body": {}}], "fail"),
    ],
)
def test_what_the_rest_row_judges(judge: Judge, told: list[dict[str, Any]], verdict: str) -> None:
    assert judge("schema", REST, told).verdict == verdict


@pytest.mark.parametrize(
    ("members", "shown", "verdict"),
    [
        (["processing"], {"processing": ...}, "not_run"),
        (["processing"], {"processing": None}, "pass"),
        (["next_action.redirect_to_url"], {"next_action": None}, "not_run"),
        (["next_action.redirect_to_url"], {"next_action": {"type": "x", "redirect_to_url": {}}}, "pass"),
        (["processing", "amount"], {"processing": ...}, "pass"),
        (["amount"], {"amount": ...}, "fail"),
    ],
)
def test_a_member_that_no_intent_has_is_not_judged(
    judge: Judge, members: list[str], shown: dict[str, Any], verdict: str
) -> None:
    assert judge("schema", {**INTENT, "members": members}, [{"shown": shown}]).verdict == verdict


def test_a_body_that_is_no_intent_is_told_as_such(judge: Judge) -> None:
    (found,) = judge("schema", REST, [{"body": b"<html>"}]).findings
    assert (found.expected, found.actual) == ("a JSON object", "no JSON")
    assert judge("schema", {**INTENT, "members": ["id"]}, [{"body": b"<html>"}]).verdict == "not_run"


def test_items_of_a_list_are_judged(judge: Judge, exchange: Callable[..., Any]) -> None:
    good = exchange("stripe", shown={}).response.json
    listed = {"object": "list", "data": [good, {**good, "amount": "5"}, {"object": "charge", "id": "c", "amount": "6"}]}
    outcome = judge("schema", REST, [{"operation": "", "path": "/v1/payment_intents/pi_1/sources", "body": listed}])
    assert [(found.at, found.actual) for found in outcome.findings] == [("/amount", "5")]
    listed = {**listed, "data": listed["data"][:2]}
    outcome = judge("schema", {**REST, "operation": "list"}, [{"operation": "list", "body": listed}])
    assert [(found.at, found.actual) for found in outcome.findings] == [("/amount", "5")]


def test_a_read_with_a_publishable_key_is_judged(judge: Judge) -> None:
    told = {"operation": "retrieve", "shown": {"metadata": ..., "livemode": "no"}, "credential": "publishable"}
    assert at(judge("schema", REST, [told])) == ["/livemode"]


@pytest.mark.parametrize(
    ("args", "told", "verdict"),
    [
        ({"rest": True}, {"refused": {"type": "card_error"}, "status": 402}, "pass"),
        ({"rest": True}, {"refused": {"type": "oops"}}, "fail"),
        ({"rest": True}, {"refused": {}}, "fail"),
        ({"rest": True}, {"body": {"message": "flat"}, "status": 400}, "fail"),
        ({"rest": True}, {"body": b"<html>", "status": 404}, "fail"),
        ({"rest": True}, {"body": b"<html>", "status": 500}, "not_run"),
        ({"rest": True}, {"shown": {}}, "not_run"),
        ({"members": ["type"]}, {"refused": {"type": "oops"}}, "fail"),
        ({"members": ["type"]}, {"refused": {"type": "card_error", "code": 5}}, "pass"),
        ({"members": ["type"]}, {"body": b"<html>", "status": 404}, "not_run"),
    ],
)
def test_errors(judge: Judge, args: dict[str, Any], told: dict[str, Any], verdict: str) -> None:
    assert judge("error_schema", args, [told]).verdict == verdict


def test_members_of_an_error_lie_inside_its_envelope(judge: Judge) -> None:
    told = [{"refused": {"type": "oops", "code": 5}}]
    rows = [("error_schema", {"members": ["type"]})]
    assert at(judge("error_schema", {"members": ["type"]}, told)) == ["/error/type"]
    assert at(judge("error_schema", {"rest": True}, told, rows=rows)) == ["/error/code"]


@pytest.mark.parametrize("body", [b"<html>", [], "no"])
def test_an_error_that_is_no_object(judge: Judge, body: Any) -> None:
    (found,) = judge("error_schema", {"rest": True}, [{"body": body, "status": 400}]).findings
    assert found.expected == "an error object in JSON"
    assert found.actual == ("no JSON" if body == b"<html>" else str(body))


@pytest.mark.parametrize("provider", ["stripe", "dots"])
@pytest.mark.parametrize("args", [REST, {**INTENT, "members": ["currency"]}])
def test_every_provider(judge: Judge, provider: str, args: dict[str, Any]) -> None:
    outcome = judge("schema", args, [{"shown": {}}, {"shown": {"currency": "eu"}}], provider=provider)
    assert [(found.at, found.actual, found.exchanges) for found in outcome.findings] == [("/currency", "eu", (2,))]


def test_a_row_may_speak_of_single_operations(judge: Judge) -> None:
    told = [{"shown": {"amount": "2"}}, {"operation": "retrieve", "shown": {"amount": "3"}}]
    created: dict[str, Any] = {**INTENT, "members": ["amount"], "operation": "create"}
    both: dict[str, Any] = {**INTENT, "members": ["amount"], "operation": ["create", "retrieve"]}
    assert [found.actual for found in judge("schema", created, told).findings] == ["2"]
    assert [found.actual for found in judge("schema", both, told).findings] == ["2", "3"]
    assert judge("schema", {**created, "operation": "confirm"}, told).verdict == "not_run"


def test_the_rest_row_answers_where_no_other_row_speaks(judge: Judge) -> None:
    told = [{"shown": {"amount": "2"}}, {"operation": "retrieve", "shown": {"amount": "3"}}]
    created: dict[str, Any] = {**INTENT, "members": ["amount"], "operation": "create"}
    assert [found.actual for found in judge("schema", REST, told, rows=[("schema", created)]).findings] == ["3"]


@pytest.mark.parametrize(
    ("args", "body", "wrong"),
    [
        ({"rest": True}, {"object": "list", "data": [], "has_more": False, "url": "/"}, []),
        ({"rest": True}, {"object": "list", "data": [], "has_more": "no", "url": "/"}, []),
        ({"rest": True}, {"object": "list", "data": {}, "has_more": False}, ["/data", "/url"]),
        ({"rest": True}, b"<html>", [""]),
        ({"members": ["has_more"]}, {"object": "list", "data": [], "has_more": "no"}, ["/has_more"]),
        ({"members": ["has_more"]}, {"object": "list", "data": []}, ["/has_more"]),
    ],
)
def test_lists(judge: Judge, args: dict[str, Any], body: Any, wrong: list[str]) -> None:
    rows = [("list_schema", {"members": ["has_more"]}), ("list_schema", {"operation": "search", "members": ["url"]})]
    told = [{"operation": "list", "body": body}, {"body": {}}, {"operation": "list", "body": {}, "status": 400}]
    outcome = judge("list_schema", args, told, provider="revkeen", rows=rows)
    assert sorted(at(outcome)) == wrong
    assert outcome.judged == 1
