"""The rule on what no answer may tell: card numbers, the caller's key, the server's inside."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from conformance.evidence.finding import Outcome

Judge = Callable[..., Outcome]

KEY = "sk_test_belongsToNobody"
CARD = {"kinds": ["card_number"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("4242424242424242", "ending in 4242"),
        ("card 4000 0000 0000 0002 was declined", "ending in 0002"),
        ("5555-5555-5555-4444", "ending in 4444"),
        ("378282246310005", "ending in 0005"),
        ("4222222222222", "ending in 2222"),
        ("6304000000000000000", "ending in 0000"),
        ("2223003122003222", "ending in 3222"),
        ("3782 822463 10005", "ending in 0005"),
    ],
)
def test_card_numbers_are_found(judge: Judge, text: str, told: str) -> None:
    outcome = judge("secrets_absent", CARD, [{"shown": {"description": text}}])
    (found,) = outcome.findings
    assert (outcome.verdict, found.expected) == ("fail", "none in the answer")
    assert told in found.actual
    assert text not in found.actual


@pytest.mark.parametrize(
    "members",
    [
        {"description": "4242424242424241"},
        {"description": "424242424242"},
        {"description": "pi_4242424242424242"},
        {"description": "4242424242424242_secret"},
        {"description": "42424242-4242-4242-4242-424242424242"},
        {"description": "order-4242424242424242"},
        {"description": "1.4242424242424242"},
        {"created": 1756300000, "amount": 4242424242},
        {"created": 1756300000003},
        {"description": "+4915112345678"},
        {"shipping": {"name": "Pat", "phone": "+49 1511 2345678"}},
    ],
)
def test_no_alarm_on_other_numbers(judge: Judge, members: dict[str, Any]) -> None:
    outcome = judge("secrets_absent", CARD, [{"shown": members}])
    assert (outcome.verdict, outcome.judged) == ("pass", 1)


def test_the_callers_key_is_found(judge: Judge) -> None:
    args: dict[str, Any] = {"kinds": ["api_key"]}
    told = [{"refused": {"message": f"Invalid API key: {KEY}"}, "status": 401}]
    (found,) = judge("secrets_absent", args, told, secrets={"api_key": KEY}).findings
    assert found.actual == "the credential that was sent"
    assert KEY not in found.actual
    answered = {"WWW-Authenticate": f"Bearer key={KEY}", "X-Trace": "4242424242424242"}
    (found,) = judge("secrets_absent", args, [{"body": {}, "answered": answered}], secrets={"api_key": KEY}).findings
    assert found.actual == "the credential that was sent"
    ids = {"kinds": ["card_number"]}  # a number in a header is somebody's trace id
    assert judge("secrets_absent", ids, [{"body": {}, "answered": answered}]).verdict == "pass"
    masked = [{"refused": {"message": f"Invalid API key: {KEY[:8]}****{KEY[-4:]}"}, "status": 401}]
    assert judge("secrets_absent", args, masked, secrets={"api_key": KEY}).verdict == "pass"
    assert judge("secrets_absent", args, [{"body": {"id": "test"}}], secrets={"word": "test"}).verdict == "pass"


@pytest.mark.parametrize(
    "text",
    [
        'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in <module>',
        '  File "/srv/app.py", line 3, in create\n    raise ValueError',
        "java.lang.IllegalStateException\n\tat com.example.Intents.create(Intents.java:42)",
        "Error: no\n    at Object.create (/srv/app/intents.js:12:34)",
        "Error: no\n    at async create (file:///srv/node_modules/koa/index.js:1:2)",
    ],
)
def test_stack_traces_are_found(judge: Judge, text: str) -> None:
    (found,) = judge("secrets_absent", {"kinds": ["stack_trace"]}, [{"refused": {"message": text}}]).findings
    assert found.actual == "a stack trace"


@pytest.mark.parametrize(
    "text",
    ["Traceback of the parcel", "Look at example.com (port 80)", "Pick up at the store (10:30)", "app.py, line 3"],
)
def test_no_alarm_on_prose(judge: Judge, text: str) -> None:
    assert judge("secrets_absent", {"kinds": ["stack_trace"]}, [{"refused": {"message": text}}]).verdict == "pass"


def test_several_kinds_at_once_and_none(judge: Judge) -> None:
    kinds = {"kinds": ["card_number", "api_key", "stack_trace"]}
    told = [{"body": f"{KEY} 4242424242424242 Traceback (most recent call last)".encode(), "status": 500}]
    assert len(judge("secrets_absent", kinds, told, secrets={"k": KEY}).findings) == 3
    assert judge("secrets_absent", kinds, []).verdict == "not_run"


def test_of_a_caller_whose_key_is_not_known_nothing_is_said(judge: Judge) -> None:
    assert judge("secrets_absent", {"kinds": ["api_key"]}, [{"refused": {"message": "no"}}]).verdict == "not_run"
    kinds = {"kinds": ["api_key", "stack_trace"]}
    assert judge("secrets_absent", kinds, [{"refused": {"message": "no"}}]).verdict == "not_run"


@pytest.mark.parametrize("header", [f"Bearer {KEY}", "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()])
def test_in_a_recording_of_others_the_key_is_the_one_that_was_sent(judge: Judge, header: str) -> None:
    def said(message: str) -> dict[str, object]:
        return {"refused": {"message": message}, "sent": {"Authorization": header}, "credential": ""}

    assert judge("secrets_absent", {"kinds": ["api_key"]}, [said(f"unknown key {KEY}")]).verdict == "fail"
    assert judge("secrets_absent", {"kinds": ["api_key"]}, [said("unknown key")]).verdict == "pass"


def test_a_masked_key_is_not_looked_for(judge: Judge) -> None:
    told = {"refused": {"message": "[redacted]"}, "sent": {"Authorization": "Bearer [redacted]"}, "credential": ""}
    assert judge("secrets_absent", {"kinds": ["api_key"]}, [told]).verdict == "not_run"
