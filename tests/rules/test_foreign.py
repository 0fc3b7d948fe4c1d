"""What recordings of others are not judged for, though a run of our own is: they need not hold all that happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from conformance.evidence.finding import Outcome

Judge = Callable[..., Outcome]
Case = tuple[str, Mapping[str, Any], Sequence[Mapping[str, Any]]]

STATUS = {"status": "requires_payment_method"}
CANCELED = {"status": "canceled"}

# Each is wrong in a run of our own, and may be right where others recorded.
UNTOLD: dict[str, Case] = {
    "somebody else confirmed": (
        "legal_transitions",
        {},
        [{"shown": STATUS}, {"operation": "update", "shown": {"status": "requires_capture"}}],
    ),
    "an id that stands for several intents": (
        "terminal_status_stays",
        {},
        [{"operation": "cancel", "shown": CANCELED}, {"shown": STATUS}],
    ),
    "a masked member": ("schema", {"schema": "payment_intent", "rest": True}, [{"shown": {"amount": "[FILTERED]"}}]),
    "a masked secret": (
        "member_matches",
        {"member": "client_secret", "pattern": "^{id}_secret_"},
        [{"shown": {"client_secret": "<CLIENT_SECRET>"}}],
    ),
    "a masked id": (
        "member_matches",
        {"member": "client_secret", "pattern": "^{id}_secret_"},
        [{"shown": {"client_secret": "pi_1_secret_2", "id": "<ID>"}}],
    ),
    "a browser, which is shown less": (
        "member_set",
        {"members": ["latest_charge"]},
        [{"operation": "retrieve", "shown": {"latest_charge": ...}, "asked": {"client_secret": "pi_1_secret_2"}}],
    ),
    "headers left out, by media type": ("json_content_type", {}, [{"shown": {}, "answered": {"Content-Type": None}}]),
    "headers left out": (
        "header_present",
        {"header": "Request-Id"},
        [{"shown": {}, "answered": {"Content-Type": None}}],
    ),
    "a masked header": (
        "header_echoes",
        {"header": "Idempotency-Key"},
        [{"shown": {}, "sent": {"Idempotency-Key": "<KEY>"}, "answered": {"Idempotency-Key": "order-1"}}],
    ),
}


@pytest.mark.parametrize("case", UNTOLD)
def test_what_others_need_not_have_told(judge: Judge, case: str) -> None:
    check, args, told = UNTOLD[case]
    credential = "pk" if "browser" in case else "test"
    if credential == "test":
        assert judge(check, args, told).verdict == "fail"
    assert judge(check, args, [{**one, "credential": ""} for one in told]).verdict != "fail"


# Wrong, whoever recorded it.
TOLD: dict[str, Case] = {
    "a status that no cancel leads to": (
        "legal_transitions",
        {},
        [{"shown": STATUS}, {"operation": "cancel", "shown": {"status": "requires_confirmation"}}],
    ),
    "a terminal status that changes": (
        "terminal_status_stays",
        {},
        [{"operation": "cancel", "shown": CANCELED}, {"operation": "retrieve", "shown": STATUS}],
    ),
    "a wrong type": ("schema", {"schema": "payment_intent", "rest": True}, [{"shown": {"amount": "5"}}]),
    "a member that is missing": ("member_set", {"members": ["latest_charge"]}, [{"shown": {"latest_charge": ...}}]),
    "another header": (
        "header_echoes",
        {"header": "Idempotency-Key"},
        [{"shown": {}, "sent": {"Idempotency-Key": "order-2"}, "answered": {"Idempotency-Key": "order-1"}}],
    ),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_is_wrong_whoever_told_it(judge: Judge, case: str) -> None:
    check, args, told = TOLD[case]
    assert judge(check, args, [{**one, "credential": ""} for one in told]).verdict == "fail"


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD"])
def test_what_browsers_ask_beside_calls_is_none(judge: Judge, method: str) -> None:
    asked = {"operation": "", "path": "/v1/payment_intents", "method": method, "body": b"", "credential": ""}
    outcome = judge("json_content_type", {}, [{**asked, "answered": {"Content-Type": "text/plain"}}])
    assert outcome.verdict == "not_run"
