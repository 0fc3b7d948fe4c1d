"""Bursts that no order explains: what is found is the fewest answers, and a reader is told why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from conformance.linearizability import Contradiction, Explanation, TooHard
from tests.linearizability.bursts import BROKEN, HELD, LOST, PAID, Told, burst, call, refused, shown

READY = shown("requires_confirmation", amount_received=0, amount_capturable=0, capture_method="automatic")
ON_HOLD = shown("requires_capture", **HELD, capture_method="manual")
PAYS = {"payment_method": "pm_card_visa"}
BY_STATE = refused()


def paid(payment: str = "ch_1", **members: Any) -> Told:
    return shown("succeeded", latest_charge=payment, **{**PAID, **members})


def canceled(**members: Any) -> Told:
    return shown("canceled", amount_received=0, amount_capturable=0, **members)


def confirm(answer: Told, **more: Any) -> Told:
    return call("confirm", answer, PAYS, **more)


def cancel(answer: Told, **more: Any) -> Told:
    return call("cancel", answer, **more)


def update(amount: int, answer: Told, **more: Any) -> Told:
    return call("update", answer, {"amount": amount}, **more)


def capture(answer: Told, amount: int = 0, **more: Any) -> Told:
    return call("capture", answer, {"amount_to_capture": amount} if amount else {}, **more)


def found(provider: str, before: Told | None, calls: Sequence[Told], after: Told | None = None) -> Contradiction:
    result = burst(provider, before, calls, after)
    assert isinstance(result, Contradiction), result
    assert len(result.expected) < 300
    assert len(result.actual) < 300
    return result


@pytest.mark.parametrize(
    ("calls", "after", "exchanges", "told"),
    [
        ([confirm(paid()), confirm(paid("ch_2"))], paid(), (1, 2), "ch_1 (exchange 1), ch_2 (exchange 2)"),
        ([confirm(paid()), confirm(paid())], paid(), (1, 2), "from succeeded, confirm is refused"),
        ([confirm(paid()), cancel(canceled())], canceled(), (1, 2), "from succeeded, cancel is refused"),
        ([confirm(paid()), cancel(canceled())], paid(), (1, 2), "from canceled, confirm is refused"),
        ([cancel(canceled()), cancel(canceled())], canceled(), (1, 2), "from canceled, cancel is refused"),
        ([confirm(BY_STATE), cancel(BY_STATE)], READY, (1, 2), "from requires_confirmation, cancel leads to canceled"),
        ([confirm(BY_STATE), confirm(BY_STATE)], READY, (1, 2), "confirm leads to"),
        # Charged the amount of before the update that it shows.
        (
            [
                update(2500, shown("requires_confirmation", amount=2500, amount_received=0)),
                confirm(paid(amount=2500, amount_received=2000)),
            ],
            paid(amount=2500, amount_received=2000),
            (2,),
            "the amount to pay is 2500",
        ),
        # The update succeeded, and is gone.
        (
            [update(2500, shown("requires_confirmation", amount=2500, amount_received=0)), confirm(paid())],
            paid(amount=2500),
            (1, 2),
            "the amount is 2500",
        ),
        ([update(2500, paid(amount=2500)), confirm(paid())], paid(), (1, 2), "from succeeded, update is refused"),
        ([confirm(paid()), cancel(BY_STATE)], canceled(), (1,), "in the end its status is succeeded"),
        ([confirm(paid()), cancel(BY_STATE)], READY, (1,), "in the end its status is succeeded"),
        ([update(2500, LOST), update(2600, LOST)], shown("requires_confirmation", amount=999), (), "its amount is"),
        ([confirm(BROKEN), call("retrieve", READY)], canceled(), (), "in the end its status is"),
        ([confirm(paid(id="pi_2")), cancel(BY_STATE)], None, (1,), "the intent is pi_1"),
        ([confirm(LOST), cancel(canceled())], paid(), (2,), "in the end its status is canceled"),
    ],
)
def test_no_order_of_calls_on_an_intent_explains(
    calls: Sequence[Told], after: Told | None, exchanges: tuple[int, ...], told: str
) -> None:
    result = found("stripe", READY, calls, after)
    assert result.exchanges == exchanges
    assert told in result.actual


@pytest.mark.parametrize(
    ("calls", "after", "exchanges", "told"),
    [
        ([capture(paid()), capture(paid(amount_received=4000))], None, (2,), "the amount to pay is 2000"),
        ([capture(paid(amount_received=500), 500), capture(paid(amount_received=1000), 500)], None, None, "refused"),
        ([capture(paid()), cancel(canceled())], paid(), (1, 2), "from succeeded, cancel is refused"),
        ([capture(paid(amount_received=500), 500)], paid(), (1,), "its received is 500"),
        ([capture(paid(amount_received=700), 500)], None, (1,), "500 is taken"),
        ([capture(BY_STATE), cancel(BY_STATE)], ON_HOLD, (1, 2), "from requires_capture, capture leads to"),
        ([cancel(shown("canceled", amount_received=2000))], None, (1,), "0 was received"),
        ([capture(shown("succeeded"), 2500)], None, (1,), "no more than 2000 is capturable"),
    ],
)
def test_no_order_of_calls_on_a_hold_explains(
    calls: Sequence[Told], after: Told | None, exchanges: tuple[int, ...] | None, told: str
) -> None:
    result = found("stripe", ON_HOLD, calls, after)
    assert exchanges is None or result.exchanges == exchanges
    assert told in result.actual


def test_real_time_is_respected() -> None:
    """The cancel that was over before the confirm began cannot have come after it."""
    calls = [cancel(BY_STATE, at=(0, 1)), confirm(paid(), at=(2, 3))]
    result = found("stripe", READY, calls, paid())
    assert result.exchanges == (1,)
    assert isinstance(burst("stripe", READY, [{**one, "at": (0, 3)} for one in calls], paid()), Explanation)
    later = [
        update(2500, shown("requires_confirmation", amount=2500), at=(2, 3)),
        confirm(paid(amount=2500), at=(0, 1)),
    ]
    result = found("stripe", READY, later)
    assert result.exchanges == (2,)
    both = [cancel(canceled(), at=(0, 1)), confirm(paid(), at=(2, 3))]
    assert "exchange 1 had ended before exchange 2 started" in found("stripe", READY, both).actual


@pytest.mark.parametrize(
    ("provider", "answer"),
    [
        ("stripe", refused(409, type="invalid_request_error", code="idempotency_key_in_use")),
        ("stripe", refused(429, code="lock_timeout")),
        ("revkeen", refused(409, code="idempotency_in_progress")),
        ("dots", refused(400, code="resource-busy")),
        ("dots", refused(409)),
        ("paypercut", refused(423)),
    ],
)
def test_a_conflict_with_nobody(provider: str, answer: Told) -> None:
    ready = shown("created" if provider == "dots" else "requires_confirmation")
    alone = [call("confirm", LOST, at=(5, 6)), call("confirm", answer, at=(0, 1))]
    result = found(provider, ready, alone, None)
    assert result.exchanges == (2,)
    assert "no other call" in result.actual
    beside = [call("confirm", LOST, at=(0, 6)), call("confirm", answer, at=(0, 1))]
    assert isinstance(burst(provider, ready, beside, None), Explanation)


NEW = "requires_payment_method"


@pytest.mark.parametrize("provider", ["stripe", "revkeen", "paypercut"])
@pytest.mark.parametrize("size", [2, 10, 100])
def test_one_key_gives_one_intent(provider: str, size: int) -> None:
    same = [call("create", shown(NEW), {"amount": 2000}, key="k") for _ in range(size - 1)]
    result = found(provider, None, [*same, call("create", shown(NEW, id="pi_2"), {"amount": 2000}, key="k")])
    assert len(result.exchanges) == 2
    assert result.exchanges[1] == size
    assert (result.expected, result.at) == ("one intent for one key", "/id")
    assert "pi_1 (exchange 1)" in result.actual
    assert f"pi_2 (exchange {size})" in result.actual


@pytest.mark.parametrize("keys", [("a", "b"), ("", "")])
def test_two_creates_give_two_intents(keys: tuple[str, str]) -> None:
    result = found("stripe", None, [call("create", shown(NEW), key=key) for key in keys])
    assert result.exchanges == (1, 2)
    assert "pi_1" in result.actual


@pytest.mark.parametrize(
    ("provider", "calls"),
    [
        # The repeat shows another status or payment, is refused, or is carried out though it asks for something else.
        ("stripe", [confirm(paid(), key="k"), confirm(shown("requires_capture"), key="k")]),
        ("stripe", [confirm(paid(), key="k"), confirm(paid("ch_2"), key="k")]),
        ("stripe", [confirm(paid(), key="k"), confirm(BY_STATE, key="k")]),
        ("stripe", [confirm(paid(), key="k"), confirm(refused(402, type="card_error"), key="k", at=(20, 30))]),
        ("revkeen", [cancel(canceled(), key="k"), cancel(BY_STATE, key="k")]),
        ("paypercut", [cancel(canceled(), key="k"), cancel(refused(422, type="invalid_request_error"), key="k")]),
        (
            "stripe",
            [
                update(2500, shown("requires_confirmation", amount=2500), key="k"),
                update(2600, shown("requires_confirmation", amount=2600), key="k"),
            ],
        ),
        # Of the same update twice, the second took effect again over what came between.
        (
            "stripe",
            [
                update(2500, shown("requires_confirmation", amount=2500), key="k", at=(0, 1)),
                update(2600, shown("requires_confirmation", amount=2600), key="l", at=(2, 3)),
                update(2500, shown("requires_confirmation", amount=2500), key="k", at=(4, 5)),
            ],
        ),
    ],
)
def test_one_key_has_one_answer(provider: str, calls: Sequence[Told]) -> None:
    before = shown("requires_confirmation", amount_received=0, amount_capturable=0)
    last = shown("requires_confirmation", amount=2500) if len(calls) == 3 else None
    assert found(provider, before, calls, last)
    apart = [{**one, "key": f"k{number}"} for number, one in enumerate(calls)]
    if calls[1]["operation"] == "update":
        assert isinstance(burst(provider, before, apart, last), Explanation)


@pytest.mark.parametrize(
    ("provider", "before", "calls"),
    [
        (
            "revkeen",
            shown("processing", **HELD, capture_method="manual"),
            [call("capture", shown("succeeded", **PAID)), call("cancel", shown("canceled"))],
        ),
        (
            "revkeen",
            shown("processing", **HELD, capture_method="manual"),
            [call("capture", shown("succeeded", **PAID)), call("capture", shown("succeeded", amount_received=4000))],
        ),
        (
            "revkeen",
            shown("processing", **HELD, capture_method="manual"),
            [
                call(
                    "capture", shown("succeeded", amount_received=500, amount_capturable=0), {"amount_to_capture": 500}
                ),
                call(
                    "capture", shown("succeeded", amount_received=1000, amount_capturable=0), {"amount_to_capture": 500}
                ),
            ],
        ),
        (
            "revkeen",
            shown("requires_confirmation", capture_method="automatic"),
            [call("confirm", shown("succeeded", **PAID)), call("confirm", shown("succeeded", **PAID))],
        ),
        (
            "paypercut",
            shown("requires_capture", **HELD),
            [call("capture", shown("succeeded", **PAID)), call("cancel", shown("canceled"))],
        ),
        (
            "paypercut",
            shown("requires_confirmation"),
            [call("confirm", shown("succeeded", latest_payment="p1")), call("cancel", shown("canceled"))],
        ),
        (
            "dots",
            shown("created"),
            [call("confirm", shown("succeeded", transfer_id=one)) for one in ("t1", "t2")],
        ),
        ("dots", shown("succeeded"), [call("confirm", LOST, at=(0, 1)), call("retrieve", shown("failed"), at=(2, 3))]),
        (
            "paypercut",
            shown("requires_capture", **HELD),
            [
                capture(shown("requires_capture", amount_received=500, amount_capturable=1900), 500),
            ],
        ),
        (
            "paypercut",
            shown("requires_capture", amount_received=1000),
            [capture(shown("succeeded", amount_received=500))],
        ),
        ("stripe", shown("requires_payment_method"), [confirm(BY_STATE), confirm(BY_STATE)]),
    ],
)
def test_each_provider_has_what_no_order_explains(provider: str, before: Told, calls: Sequence[Told]) -> None:
    result = found(provider, before, calls)
    assert set(result.exchanges) <= {1, 2}


def test_a_repeat_shows_what_was_or_what_is_as_documented() -> None:
    told = [("k", 2500, 2500), ("l", 2600, 2600), ("k", 2500, 2600)]
    calls = [
        update(asked, shown("requires_confirmation", amount=seen), key=key, at=(2 * place, 2 * place + 1))
        for place, (key, asked, seen) in enumerate(told)
    ]
    result = found("stripe", READY, calls)
    assert result.exchanges == (3,)
    later = {**calls[2], "answer": shown("requires_confirmation", amount=2500)}
    assert isinstance(burst("stripe", READY, [*calls[:2], later]), Explanation)


def test_the_fewest_are_named() -> None:
    """Of a hundred calls, the two that contradict each other, wherever they stand."""
    calls = [confirm(BY_STATE) for _ in range(98)]
    for first, second in [(0, 99), (17, 18), (40, 80)]:
        told = list(calls)
        told.insert(first, confirm(paid()))
        told.insert(second, cancel(canceled()))
        assert found("stripe", READY, told).exchanges == (first + 1, second + 1)


def test_what_is_cut_off_says_so() -> None:
    ends = shown("requires_confirmation", amount=2003)
    calls = [update(2000 + one, shown("requires_confirmation", amount=2000 + one)) for one in range(1, 8)]
    assert isinstance(burst("stripe", READY, calls, ends), Explanation)
    with pytest.raises(TooHard, match="20 steps"):
        burst("stripe", READY, calls, ends, most_steps=20)
