"""The rule on amounts, all in minor units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.evidence.finding import Outcome

Judge = Callable[..., Outcome]

PAID = {"status": ["succeeded"], "equal": {"amount_received": "amount", "amount_capturable": 0}}
HELD = {"status": "requires_capture", "equal": {"amount_received": 0}, "positive": ["amount_capturable"]}


def intent(status: str, operation: str = "confirm", **amounts: Any) -> dict[str, Any]:
    return {"operation": operation, "shown": {"status": status, "amount": 2000, **amounts}}


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (PAID, [intent("succeeded", amount_received=2000), intent("processing", amount_received=5)]),
        (HELD, [intent("requires_capture", amount_received=0, amount_capturable=1)]),
        ({**PAID, "when_present": True}, [intent("succeeded", amount_received=2000, amount_capturable=...)]),
        ({**HELD, "when_present": True}, [intent("requires_capture", amount_received=0, amount_capturable=...)]),
        ({**PAID, "operation": "create"}, [intent("succeeded", "create", amount_received=2000), intent("succeeded")]),
    ],
)
def test_holds(judge: Judge, args: dict[str, Any], told: list[dict[str, Any]]) -> None:
    outcome = judge("amounts", args, told)
    assert (outcome.verdict, outcome.judged) == ("pass", 1)


@pytest.mark.parametrize(
    ("args", "told", "expected", "actual", "at"),
    [
        (PAID, intent("succeeded", amount_received=1999), "amount_received = amount (2000)", "1999", "received"),
        (PAID, intent("succeeded", amount_received=2000, amount_capturable=1), "capturable = 0", "1", "capturable"),
        (HELD, intent("requires_capture", amount_capturable=0), "more than 0", "0", "capturable"),
        (HELD, intent("requires_capture", amount_capturable="9"), "more than 0", "9", "capturable"),
        (HELD, intent("requires_capture", amount_capturable=...), "more than 0", "", "capturable"),
        ({**HELD, "when_present": True}, intent("requires_capture", amount_capturable=0), "than 0", "0", "capturable"),
        (
            {**PAID, "when_present": True},
            intent("succeeded", amount_received=0, amount_capturable=...),
            "amount_received = amount (2000)",
            "0",
            "received",
        ),
    ],
)
def test_finds(judge: Judge, args: dict[str, Any], told: dict[str, Any], expected: str, actual: str, at: str) -> None:
    outcome = judge("amounts", args, [told])
    (found,) = outcome.findings
    assert expected in found.expected
    assert actual in found.actual
    assert found.at == f"/amount_{at}"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (PAID, [intent("processing")]),
        (PAID, [{"refused": {}}]),
        ({**PAID, "operation": ["create"]}, [intent("succeeded")]),
        ({**PAID, "when_present": True}, [intent("succeeded", amount_received=..., amount_capturable=...)]),
    ],
)
def test_never_met(judge: Judge, args: dict[str, Any], told: list[dict[str, Any]]) -> None:
    """An answer that shows none of the amounts says nothing of them."""
    assert judge("amounts", args, told).verdict == "not_run"


@pytest.mark.parametrize(
    ("received", "capturable", "verdict"),
    [
        (0, 0, "pass"),
        (2000, 0, "pass"),
        (500, 1500, "pass"),
        (500, 2000, "fail"),
        (2001, 0, "fail"),
        (..., 2001, "not_run"),
    ],
)
def test_money_is_conserved(judge: Judge, received: Any, capturable: int, verdict: str) -> None:
    shown = {"amount": 2000, "amount_received": received, "amount_capturable": capturable}
    assert judge("money_conserved", {}, [{"shown": shown}]).verdict == verdict


@pytest.mark.parametrize(
    ("status", "received", "verdict"),
    [("requires_confirmation", 0, "pass"), ("requires_confirmation", 1, "fail"), ("succeeded", 2000, "not_run")],
)
def test_nothing_is_received_before_it_is_captured(judge: Judge, status: str, received: int, verdict: str) -> None:
    shown = {"status": status, "amount_received": received}
    args = {"statuses": ["requires_payment_method", "requires_confirmation"]}
    assert judge("nothing_received_before_capture", args, [{"shown": shown}]).verdict == verdict


def settled(operation: str = "retrieve", status: str = "succeeded", **told: Any) -> dict[str, Any]:
    shown = {"id": "pi_1", "status": status, "amount_received": told.pop("received", 5)}
    return {"operation": operation, "shown": {**shown, "latest_charge": told.pop("charge", "ch_1")}, **told}


@pytest.mark.parametrize(
    "history",
    [
        [settled("confirm"), settled()],
        [settled(status="requires_capture", received=0), settled("capture"), settled()],
        [settled(charge=None), settled(charge="ch_1"), settled(charge="ch_1")],  # it is named later
        [settled(), settled(charge={"id": "ch_2", "object": "charge"})],  # expanded: other rows see to that
        [settled(), settled(status="canceled", received=0), settled()],  # so they do to a status that does not stay
        [settled(), settled(path="/v1/payment_intents/pi_2", charge="ch_2"), settled()],  # to another intent
        [settled(), settled(status=["succeeded"], charge="ch_2"), settled(status={}, charge="ch_2"), settled()],
        [settled(), settled(charge="ch_2", answered={"Idempotent-Replayed": "true"}), settled()],
        [
            settled(ended=1_756_300_000.0 + 9),
            settled(charge="ch_2", started=1_756_300_000.0 + 8),
            settled(started=1_756_300_010.0),
        ],
        [settled(credential=""), settled(credential="", charge="ch_2"), settled(), settled()],
        [settled(), settled(credential="publishable", charge="ch_2"), settled()],
    ],
)
def test_money_that_stays_once_it_is_settled(judge: Judge, history: list[dict[str, Any]]) -> None:
    outcome = judge("settled_money_stays", {}, history)
    assert (outcome.verdict, outcome.findings) == ("pass", ())


@pytest.mark.parametrize(
    ("changed", "member", "actual"),
    [
        ({"charge": "ch_2"}, "latest_charge", "ch_2"),
        ({"received": 10}, "amount_received", "10"),
    ],
)
def test_money_that_moves_once_more(judge: Judge, changed: dict[str, Any], member: str, actual: str) -> None:
    outcome = judge("settled_money_stays", {}, [settled("confirm"), settled(**changed), settled()])
    (found,) = outcome.findings
    assert (found.at, found.actual, found.exchanges) == (f"/{member}", actual, (2,))
    assert found.expected.endswith(", as in exchange 1, when it was succeeded")
