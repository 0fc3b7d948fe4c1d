"""Rules on the answer as HTTP: status, media type, headers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.evidence.finding import Outcome

Judge = Callable[..., Outcome]

CREATED: dict[str, Any] = {"shown": {}}
REFUSED = {"refused": {"type": "invalid_request_error"}}
UNKNOWN_CALLER = {"refused": {"type": "invalid_request_error"}, "status": 401}
VERSION = "Stripe-Version"
RETRY = {"header": "Stripe-Should-Retry", "values": ["true", "false"]}
YES = {"Stripe-Should-Retry": "true"}
UNSURE = {"refused": {"type": "invalid_request_error"}, "answered": {"Stripe-Should-Retry": "maybe"}}


@pytest.mark.parametrize(
    ("check", "args", "told"),
    [
        ("success_status", {"operation": "create"}, [CREATED]),
        ("json_content_type", {}, [CREATED, REFUSED]),
        ("json_content_type", {}, [{"shown": {}, "answered": {"Content-Type": "Application/JSON; charset=utf-8"}}]),
        ("json_content_type", {}, [{"body": b"", "status": 500, "answered": {"Content-Type": "text/html"}}]),
        ("json_errors", {}, [REFUSED, {"body": {}, "status": 500}]),
        ("no_server_errors", {}, [CREATED, REFUSED]),
        ("header_present", {"header": "Request-Id"}, [{"shown": {}, "answered": {"request-id": "req_1"}}]),
        (
            "header_present",
            {"header": "WWW-Authenticate", "when_status": [401]},
            [CREATED, {"refused": {}, "status": 401, "answered": {"WWW-Authenticate": "Basic"}}],
        ),
        ("header_echoes", {"header": VERSION}, [{"shown": {}, "sent": {VERSION: "v"}, "answered": {VERSION: "v"}}]),
        ("header_values", RETRY, [CREATED, {"shown": {}, "answered": {"stripe-should-retry": "false"}}]),
        ("header_values", {**RETRY, "when_status": [409]}, [UNSURE, {**UNSURE, "status": 409, "answered": YES}]),
    ],
)
def test_holds(judge: Judge, check: str, args: dict[str, Any], told: list[dict[str, Any]]) -> None:
    outcome = judge(check, args, told)
    assert (outcome.verdict, outcome.findings) == ("pass", ())
    assert outcome.judged


@pytest.mark.parametrize(
    ("check", "args", "told", "expected", "actual"),
    [
        ("success_status", {"operation": "create"}, {"shown": {}, "status": 201}, "HTTP 200", "HTTP 201"),
        (
            "json_content_type",
            {},
            {"shown": {}, "answered": {"Content-Type": "text/html"}},
            "Content-Type application/json",
            "text/html",
        ),
        (
            "json_content_type",
            {},
            {"refused": {}, "answered": {"Content-Type": None}},
            "Content-Type application/json",
            "no Content-Type",
        ),
        ("json_errors", {}, {"body": b"<html>", "status": 404}, "a JSON object", "no JSON"),
        ("json_errors", {}, {"body": ["no"], "status": 400}, "a JSON object", "list"),
        ("json_errors", {}, {"body": b"", "status": 503}, "a JSON object", "no JSON"),
        ("no_server_errors", {}, {"body": {}, "status": 500}, "no HTTP 5xx", "HTTP 500"),
        ("header_present", {"header": "Request-Id"}, CREATED, "a header Request-Id", "none"),
        ("header_present", {"header": "A", "except_status": [401]}, REFUSED, "a header A", "none"),
        (
            "header_present",
            {"header": "WWW-Authenticate", "when_status": [401]},
            {"refused": {}, "status": 401},
            "a header WWW-Authenticate",
            "none",
        ),
        (
            "header_echoes",
            {"header": VERSION},
            {"shown": {}, "sent": {VERSION: "v"}, "answered": {VERSION: "w"}},
            "Stripe-Version: v",
            "w",
        ),
        ("header_values", RETRY, UNSURE, "Stripe-Should-Retry: true or false", "maybe"),
        (
            "header_echoes",
            {"header": VERSION},
            {"shown": {}, "sent": {VERSION: "v"}},
            "Stripe-Version: v",
            "no such header",
        ),
    ],
)
def test_finds(
    judge: Judge, check: str, args: dict[str, Any], told: dict[str, Any], expected: str, actual: str
) -> None:
    outcome = judge(check, args, [told])
    assert outcome.verdict == "fail"
    assert [(found.expected, found.actual, found.exchanges) for found in outcome.findings] == [(expected, actual, (1,))]


@pytest.mark.parametrize(
    ("check", "args", "told"),
    [
        ("success_status", {"operation": "confirm"}, [CREATED]),
        ("success_status", {"operation": "create"}, [REFUSED]),
        ("json_content_type", {}, []),
        ("json_errors", {}, [CREATED]),
        ("no_server_errors", {}, [{"operation": "", "path": "/v1/charges/ch_1", "body": {}, "status": 500}]),
        ("header_present", {"header": "Request-Id"}, []),
        ("header_present", {"header": "WWW-Authenticate", "when_status": [401]}, [CREATED, REFUSED]),
        ("header_echoes", {"header": VERSION}, [CREATED]),
        ("header_values", RETRY, [CREATED]),
        ("header_values", {**RETRY, "when_status": [409]}, [UNSURE]),
        ("header_present", {"header": "Request-Id", "except_status": [401]}, [UNKNOWN_CALLER]),
        ("header_echoes", {"header": VERSION, "except_status": [401]}, [{**UNKNOWN_CALLER, "sent": {VERSION: "v"}}]),
    ],
)
def test_never_met(judge: Judge, check: str, args: dict[str, Any], told: list[dict[str, Any]]) -> None:
    outcome = judge(check, args, told)
    assert (outcome.verdict, outcome.judged) == ("not_run", 0)
    assert outcome.reason
