"""Intents that move on by themselves, and those that are stuck."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.comparison.courses import PATIENCE, Courses
from conformance.contract import load_contract
from conformance.evidence.exchange import Exchange, Request, Response

BEGAN = 1_800_000_000.0


def seen(number: int, after: float, status: str, method: str = "GET") -> tuple[Exchange, dict[str, Any]]:
    intent = {"id": "pi_1", "object": "payment_intent", "amount": 2000, "status": status}
    path = "http://a.test/v1/payment_intents/pi_1" + ("" if method == "GET" else "/confirm")
    response = Response(200, (), json.dumps(intent).encode())
    return Exchange(number, Request(method, path), response, started=BEGAN + after), intent


def apart(a: list[tuple[Exchange, dict[str, Any]]], b: list[tuple[Exchange, dict[str, Any]]], place: int = 0) -> bool:
    courses = Courses(load_contract("stripe"))
    for run, shown in enumerate((a, b)):
        for exchange, _ in shown:
            courses.note(run, exchange)
    return courses.apart((a[place][0], b[place][0]), (a[place][1], b[place][1]))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("processing", "succeeded", True),
        ("succeeded", "processing", True),
        ("processing", "requires_capture", True),
        ("processing", "canceled", False),  # it does not go there by itself
        ("requires_capture", "succeeded", False),  # it does not move by itself
        ("processing", "processing", False),
    ],
)
def test_how_far_an_intent_has_come_is_chance(one: str, other: str, expected: bool) -> None:
    assert apart([seen(1, 0, one)], [seen(1, 0, other)]) is expected


def test_one_that_gets_there_later_was_on_its_way() -> None:
    late = [seen(1, 0, "processing"), seen(2, PATIENCE - 1, "processing"), seen(3, PATIENCE + 1, "succeeded")]
    assert apart(late, [seen(1, 0, "succeeded")])


def test_one_that_never_gets_there_is_stuck() -> None:
    stuck = [seen(1, 0, "processing"), seen(2, PATIENCE + 1, "processing")]
    assert not apart(stuck, [seen(1, 0, "succeeded")])
    assert not apart([seen(1, 0, "succeeded")], stuck)


def test_what_an_operation_answers_is_no_chance() -> None:
    assert not apart([seen(1, 0, "processing", "POST")], [seen(1, 0, "succeeded", "POST")])
