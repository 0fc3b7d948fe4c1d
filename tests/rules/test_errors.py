"""Rules on refusals: the members of the error object and how they go together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.evidence.finding import Outcome

Judge = Callable[..., Outcome]

CARD: dict[str, Any] = {"type": "card_error", "code": "card_declined", "message": "Declined."}
INVALID: dict[str, Any] = {"type": "invalid_request_error", "code": "parameter_missing", "message": "Missing."}
HIS = {"id": "pi_3PiConf0001example"}
ON_HIS = "/v1/payment_intents/pi_3PiConf0001example/confirm"


def refusal(status: int = 400, **members: Any) -> dict[str, Any]:
    return {"refused": members, "status": status}


@pytest.mark.parametrize(
    ("check", "args", "told"),
    [
        ("error_member", {"member": "message", "non_empty_string": True}, [refusal(**CARD)]),
        ("error_member", {"member": "code", "values_from": "errors.codes"}, [refusal(**CARD)]),
        ("error_member", {"member": "code", "values": ["x"], "when_present": True}, [refusal(), refusal(code="x")]),
        ("error_member", {"any_of": ["text", "message"], "non_empty_string": True}, [refusal(message="x")]),
        (
            "error_member",
            {"member": "code", "values": ["x"], "when_status": [404]},
            [refusal(), refusal(404, code="x")],
        ),
        ("error_lacks_object", {"member": "error"}, [{"body": {"error": "text"}, "status": 400}]),
        ("error_lacks_object", {"member": "error"}, [{"body": {"message": "flat"}, "status": 400}]),
        ("error_type", {"statuses": [402], "types": ["card_error"]}, [refusal(402, **CARD), refusal(400, **INVALID)]),
        ("error_status", {"types": ["card_error"], "statuses": [402]}, [refusal(402, **CARD)]),
        ("error_implies", {"if_present": "code", "then_present": "doc_url"}, [refusal(code="x", doc_url="y")]),
        (
            "error_only_on_type",
            {"member": "decline_code", "types": ["card_error"]},
            [refusal(decline_code="x", **CARD)],
        ),
        ("error_only_on_type", {"member": "decline_code", "types": "card_error"}, [refusal(decline_code="x", **CARD)]),
        ("errors_alike", {}, [refusal(), {"body": {"error": "other"}, "status": 404}]),
        ("embedded_intent", {}, [{**refusal(402, **CARD), "operation": "confirm", "path": ON_HIS, "embedded": HIS}]),
        ("embedded_intent", {}, [{**refusal(402, **CARD), "embedded": {"id": "pi_new"}}]),
    ],
)
def test_holds(judge: Judge, check: str, args: dict[str, Any], told: list[dict[str, Any]]) -> None:
    outcome = judge(check, args, told)
    assert (outcome.verdict, outcome.findings) == ("pass", ())
    assert outcome.judged


@pytest.mark.parametrize(
    ("check", "args", "told", "expected", "actual", "at"),
    [
        (
            "error_member",
            {"member": "message", "non_empty_string": True},
            [refusal(type="x")],
            "message is non-empty text",
            "absent",
            "/error/message",
        ),
        (
            "error_member",
            {"member": "message", "non_empty_string": True},
            [refusal(message=" ")],
            "message is non-empty text",
            " ",
            "/error/message",
        ),
        ("error_member", {"member": "code", "values": ["x"]}, [refusal(code="y")], "code is x", "y", "/error/code"),
        (
            "error_member",
            {"member": "code", "values_from": "errors.codes"},
            [refusal(code="no_such_code")],
            "published values",
            "no_such_code",
            "/error/code",
        ),
        (
            "error_member",
            {"any_of": ["text", "message"], "non_empty_string": True},
            [refusal()],
            "text or message is non-empty text",
            "absent",
            "/error/text",
        ),
        (
            "error_type",
            {"statuses": [402], "types": ["card_error"]},
            [refusal(402, **INVALID)],
            "type card_error",
            "invalid_request_error",
            "",
        ),
        ("error_type", {"statuses": [402], "types": ["card_error"]}, [refusal(402)], "type card_error", "absent", ""),
        ("error_lacks_object", {"member": "error"}, [refusal()], "no object under error", "an object", "/error"),
        (
            "error_status",
            {"types": ["card_error"], "statuses": [402]},
            [refusal(400, **CARD)],
            "HTTP 402 with type card_error",
            "HTTP 400",
            "",
        ),
        (
            "error_implies",
            {"if_present": "code", "then_present": "doc_url"},
            [refusal(**CARD)],
            "doc_url beside code",
            "absent",
            "",
        ),
        (
            "error_only_on_type",
            {"member": "decline_code", "types": ["card_error"]},
            [refusal(decline_code="x", **INVALID)],
            "decline_code only with type card_error",
            "type invalid_request_error",
            "",
        ),
        (
            "errors_alike",
            {},
            [refusal(), {"body": {"message": "x"}, "status": 404}],
            "the members error, as in exchange 1",
            "message",
            "",
        ),
        (
            "embedded_intent",
            {},
            [{**refusal(402, **CARD), "operation": "confirm", "path": ON_HIS, "embedded": {"id": "pi_else"}}],
            "id pi_3PiConf0001example",
            "pi_else",
            "",
        ),
        (
            "embedded_intent",
            {},
            [{**refusal(402, **CARD), "embedded": {"currency": "USD"}}],
            "pattern: ^[a-z]{3}$",
            "USD",
            "/currency",
        ),
    ],
)
def test_finds(
    judge: Judge, check: str, args: dict[str, Any], told: list[dict[str, Any]], expected: str, actual: str, at: str
) -> None:
    outcome = judge(check, args, told)
    assert outcome.verdict == "fail"
    (found,) = outcome.findings
    assert expected in found.expected
    assert (found.actual, found.at, found.exchanges) == (actual, at, (len(told),))


@pytest.mark.parametrize(
    ("check", "args", "told"),
    [
        ("error_member", {"member": "code", "values": ["x"], "when_present": True}, [refusal()]),
        ("error_member", {"member": "code", "values": ["x"], "when_status": [404]}, [refusal(400)]),
        ("error_member", {"member": "code", "values": ["x"], "operation": "retrieve"}, [refusal()]),
        ("error_member", {"member": "code", "values": ["x"]}, [{"shown": {}}, {"body": {"code": 1}, "status": 400}]),
        ("error_member", {"member": "code", "values": ["x"]}, [refusal(500, code="y")]),
        ("error_type", {"statuses": [402], "types": ["card_error"]}, [refusal(400)]),
        ("error_lacks_object", {"member": "error"}, [refusal(500), {"body": ["x"], "status": 400}]),
        ("error_status", {"types": ["card_error"], "statuses": [402]}, [{"shown": {}}]),
        ("error_implies", {"if_present": "code", "then_present": "doc_url"}, [refusal()]),
        ("error_only_on_type", {"member": "decline_code", "types": ["card_error"]}, [refusal(**CARD)]),
        ("errors_alike", {}, [refusal(), {"body": b"<html>", "status": 404}, {"body": {"oops": 1}, "status": 500}]),
        ("embedded_intent", {}, [refusal(402, **CARD), {"shown": {}}]),
    ],
)
def test_never_met(judge: Judge, check: str, args: dict[str, Any], told: list[dict[str, Any]]) -> None:
    outcome = judge(check, args, told)
    assert (outcome.verdict, outcome.judged) == ("not_run", 0)


@pytest.mark.parametrize(("text", "verdict"), [("PaymentIntent not found", "pass"), ("Not found", "fail")])
def test_a_body_that_is_the_error_itself(judge: Judge, text: str, verdict: str) -> None:
    args = {"member": "error", "values": ["PaymentIntent not found"], "when_status": [404], "operation": ["retrieve"]}
    outcome = judge("error_member", args, [{**refusal(404, error=text), "operation": "retrieve"}], provider="dots")
    assert outcome.verdict == verdict
    assert all(found.at == "/error" for found in outcome.findings)
