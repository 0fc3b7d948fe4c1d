"""Rules on single members of an intent: when they are set, what they say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from conformance.evidence.finding import Outcome

Judge = Callable[..., Outcome]

NOW = 1_756_300_000
CHARGED = {"members": ["latest_charge"], "status": ["succeeded"]}
UNCONFIRMED = {"members": ["latest_charge"], "unconfirmed": True}
SECRET = {"member": "client_secret", "pattern": "^{id}_secret_.+"}
NAMED = {"member": "next_action", "by": "type"}
VERSION = "Stripe-Version"


def text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def shown(operation: str = "create", /, **members: Any) -> dict[str, Any]:
    return {"operation": operation, "shown": members}


@pytest.mark.parametrize(
    ("check", "args", "told"),
    [
        ("member_set", CHARGED, [shown(status="succeeded", latest_charge="ch_1"), shown(latest_charge=None)]),
        ("member_set", {"members": "next_action.type"}, [shown(next_action={"type": "x"})]),
        ("member_set", {"members": ["amount_received"]}, [shown(amount_received=0)]),
        ("member_unset", CHARGED, [shown(status="succeeded", latest_charge=...)]),
        ("member_unset", UNCONFIRMED, [shown(latest_charge=None), shown("retrieve", latest_charge="ch_1")]),
        ("member_unset", UNCONFIRMED, [shown(), {**shown(latest_charge="ch_1"), "asked": {"confirm": True}}]),
        ("members_present", {"members": ["review", "id"]}, [shown(review=None)]),
        ("members_not_null_when_present", {"members": ["review"]}, [shown(review=...), shown(review="prv_1")]),
        ("livemode_is_test", {"member": "livemode"}, [shown(livemode=False)]),
        ("member_matches", SECRET, [shown(id="pi_1.", client_secret="pi_1._secret_x")]),
        ("object_named_by", NAMED, [shown(next_action={"type": "redirect_to_url", "redirect_to_url": {}})]),
        ("created_is_now", {"member": "created", "within": 300}, [shown(created=NOW - 299)]),
        ("created_is_now", {}, [shown(created=text(NOW - 299))]),
        ("references_unexpanded", {"members": ["review", "customer"]}, [shown(review="prv_1", customer=None)]),
        ("member_absent_after", {"member": "review", "operations": ["retrieve"]}, [shown("retrieve", review=None)]),
    ],
)
def test_holds(judge: Judge, check: str, args: dict[str, Any], told: list[dict[str, Any]]) -> None:
    outcome = judge(check, args, told)
    assert (outcome.verdict, outcome.findings) == ("pass", ())
    assert outcome.judged


@pytest.mark.parametrize(
    ("check", "args", "told", "expected", "actual", "at"),
    [
        ("member_set", CHARGED, shown(status="succeeded", latest_charge=None), "is set", "null", "/latest_charge"),
        ("member_set", CHARGED, shown(status="succeeded", latest_charge=...), "is set", "absent", "/latest_charge"),
        ("member_set", {"members": "next_action.type"}, shown(), "is set", "absent", "/next_action/type"),
        ("member_unset", UNCONFIRMED, shown(latest_charge="ch_1"), "latest_charge is null", "ch_1", "/latest_charge"),
        (
            "member_unset",
            UNCONFIRMED,
            {**shown(latest_charge="ch_1"), "asked": {"confirm": False}},
            "latest_charge is null",
            "ch_1",
            "/latest_charge",
        ),
        ("members_present", {"members": ["review", "id"]}, shown(review=...), "review is present", "absent", "/review"),
        (
            "members_not_null_when_present",
            {"members": "review"},
            shown(review=None),
            "absent or set",
            "null",
            "/review",
        ),
        ("livemode_is_test", {"member": "livemode"}, shown(livemode=True), "false", "True", "/livemode"),
        (
            "member_matches",
            SECRET,
            shown(id="pi_1.", client_secret="pi_12_secret_x"),
            "{id}",
            "pi_1…",
            "/client_secret",
        ),
        ("member_matches", SECRET, shown(client_secret=""), "{id}", "0 characters", "/client_secret"),
        (
            "object_named_by",
            NAMED,
            shown(next_action={"type": "redirect_to_url"}),
            "an object redirect_to_url",
            "none",
            "/next_action/redirect_to_url",
        ),
        ("references_unexpanded", {"members": "review"}, shown(review={"id": "x"}), "an id or null", "dict", "/review"),
        ("created_is_now", {"member": "created"}, shown(created=NOW - 400), "300 s", str(NOW - 400), "/created"),
        ("created_is_now", {"member": "created"}, shown(created=NOW * 1000), "seconds", str(NOW * 1000), "/created"),
        ("created_is_now", {}, shown(created=text(NOW - 400)), "300 s", text(NOW - 400), "/created"),
        (
            "member_absent_after",
            {"member": "client_secret", "operations": ["retrieve"]},
            shown("retrieve"),
            "no client_secret",
            "present",
            "/client_secret",
        ),
    ],
)
def test_finds(
    judge: Judge, check: str, args: dict[str, Any], told: dict[str, Any], expected: str, actual: str, at: str
) -> None:
    outcome = judge(check, args, [told])
    assert outcome.verdict == "fail"
    (found,) = outcome.findings
    assert expected in found.expected
    assert actual in found.actual
    assert (found.at, found.exchanges) == (at, (1,))


@pytest.mark.parametrize(
    ("check", "args", "told"),
    [
        ("member_set", CHARGED, [shown(status="processing")]),
        ("member_set", {**CHARGED, "operation": "confirm"}, [shown(status="succeeded")]),
        ("member_unset", UNCONFIRMED, [shown("retrieve"), {**shown(), "asked": {"confirm": True}}]),
        ("members_present", {"members": ["id"]}, [{"refused": {}}]),
        ("members_not_null_when_present", {"members": ["id"]}, [{"refused": {}}]),
        ("livemode_is_test", {"member": "livemode"}, [shown(livemode=...)]),
        ("livemode_is_test", {"member": "livemode"}, [{**shown(livemode=True), "credential": ""}]),
        ("member_matches", SECRET, [shown(client_secret=None)]),
        ("member_matches", SECRET, [{**shown(client_secret="***"), "origin": {"redacted": "client_secret"}}]),
        ("object_named_by", NAMED, [shown(next_action=None), shown(next_action={})]),
        ("created_is_now", {"member": "created"}, [shown("retrieve", created=1), shown(created=True)]),
        ("created_is_now", {}, [shown(created="lately"), shown(created="2020-01-01T00:00:00")]),
        ("references_unexpanded", {"members": "review"}, [shown(review=...)]),
        ("references_unexpanded", {"members": "review"}, [{**shown(review={}), "asked": {"expand": ["review"]}}]),
        ("created_is_now", {"member": "created"}, [{**shown(created=1), "credential": ""}]),
        ("created_is_now", {"member": "created"}, [{**shown(created=1), "answered": {"Idempotent-Replayed": "true"}}]),
        ("member_absent_after", {"member": "client_secret", "operations": "retrieve"}, [shown()]),
    ],
)
def test_never_met(judge: Judge, check: str, args: dict[str, Any], told: list[dict[str, Any]]) -> None:
    outcome = judge(check, args, told)
    assert (outcome.verdict, outcome.judged) == ("not_run", 0)


@pytest.mark.parametrize(
    ("check", "args"),
    [
        ("member_set", {"members": ["metadata"]}),
        ("members_present", {"members": ["metadata"]}),
        ("amounts", {"status": "requires_payment_method", "equal": {"amount_received": 0}}),
    ],
)
@pytest.mark.parametrize(("credential", "verdict"), [("publishable", "not_run"), ("test", "fail"), ("", "fail")])
def test_a_publishable_key_is_shown_less(
    judge: Judge, check: str, args: dict[str, Any], credential: str, verdict: str
) -> None:
    told = {**shown("retrieve", metadata=..., amount_received=...), "credential": credential}
    assert judge(check, args, [told]).verdict == verdict


@pytest.mark.parametrize(
    ("versions", "verdict"),
    [
        ({}, "not_run"),
        ({"answered": {VERSION: "2022-08-01"}}, "not_run"),
        ({"answered": {VERSION: "2022-11-15"}}, "fail"),
        ({"answered": {VERSION: "2025-08-27.basil"}}, "fail"),
        ({"sent": {VERSION: "2025-08-27.basil"}}, "fail"),
        ({"sent": {VERSION: "2025-08-27.basil"}, "answered": {VERSION: "2020-08-27"}}, "not_run"),
        ({"origin": {"api_version": "2025-08-27.basil"}}, "fail"),
    ],
)
@pytest.mark.parametrize(("check", "value"), [("member_set", None), ("member_unset", "ch_1"), ("members_present", ...)])
def test_since_a_version(judge: Judge, check: str, value: Any, versions: dict[str, Any], verdict: str) -> None:
    told = {**shown(latest_charge=value), **versions}
    assert judge(check, {"members": ["latest_charge"], "since": "2022-11-15"}, [told]).verdict == verdict


def test_empty_text_is_not_called_absent(judge: Judge) -> None:
    (found,) = judge("member_set", {"members": ["client_secret"]}, [shown(client_secret="")]).findings
    assert found.actual not in ("absent", "null")
