"""Bursts that some order explains, whatever a correct server may have answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from conformance.contract import Contract
from conformance.linearizability import Call, Explanation, Shown
from tests.linearizability.bursts import BROKEN, HELD, LOST, PAID, Told, burst, call, exchange, load, refused, shown

READY = shown("requires_confirmation", amount_received=0, amount_capturable=0)
ON_HOLD = shown("requires_capture", **HELD)
DONE = shown("succeeded", latest_charge="ch_1", **PAID)
GONE = shown("canceled", amount_received=0, amount_capturable=0)
BY_STATE = refused()
DECLINED = refused(402, type="card_error", code="card_declined")
OPEN = shown("requires_payment_method", amount_received=0)
BUSY = refused(409, type="invalid_request_error", code="idempotency_key_in_use")


def order(provider: str, before: Told | None, calls: Sequence[Told], after: Told | None = None) -> tuple[int, ...]:
    result = burst(provider, before, calls, after)
    assert isinstance(result, Explanation), result
    assert len(set(result.order)) == len(result.order)
    return result.order


@pytest.mark.parametrize(
    ("before", "calls", "after", "expected"),
    [
        (READY, [call("confirm", BY_STATE), call("confirm", DONE)], DONE, (2, 1)),
        (READY, [call("cancel", BY_STATE), call("confirm", DONE)], DONE, (2, 1)),
        (READY, [call("confirm", BY_STATE), call("cancel", GONE)], GONE, (2, 1)),
        (ON_HOLD, [call("cancel", BY_STATE), call("capture", DONE)], DONE, (2, 1)),
        (ON_HOLD, [call("capture", BY_STATE), call("cancel", GONE)], GONE, (2, 1)),
        (READY, [call("update", BY_STATE, {"amount": 9}), call("confirm", DONE)], DONE, (2, 1)),
        (READY, [call("confirm", DECLINED), call("cancel", GONE)], GONE, (1, 2)),
        (READY, [call("confirm", DECLINED), call("confirm", DECLINED)], OPEN, (1, 2)),
        # A decline and then an intent without a method; and so many that it is canceled.
        (READY, [call("confirm", DECLINED), call("confirm", BY_STATE)], OPEN, (1, 2)),
        (READY, [call("confirm", DECLINED)] * 3 + [call("confirm", BY_STATE)], GONE, (1, 2, 3, 4)),
        # Refused while another was half done, though it came to nothing.
        (READY, [call("confirm", DECLINED), call("cancel", BY_STATE)], OPEN, (1,)),
        (READY, [call("retrieve", shown("processing")), call("confirm", DONE)], DONE, (2,)),
        (READY, [call("retrieve", DONE), call("confirm", DONE), call("retrieve", READY)], DONE, (3, 2, 1)),
        # It goes on by itself.
        (READY, [call("confirm", shown("processing")), call("cancel", BY_STATE)], DONE, None),
        (READY, [call("confirm", BUSY), call("confirm", DONE)], DONE, (2,)),
        (READY, [call("confirm", refused(429)), call("confirm", DONE, at=(50, 60))], DONE, (2,)),
    ],
)
def test_an_order_is_found(before: Told, calls: Sequence[Told], after: Told, expected: tuple[int, ...] | None) -> None:
    given = order("stripe", before, calls, after)
    assert expected is None or given == expected


def test_an_update_comes_before_the_payment_that_shows_it() -> None:
    updates = [
        call("update", shown("requires_confirmation", amount=one), {"amount": one}) for one in (2500, 2600, 2700)
    ]
    pays = shown("succeeded", amount=2600, amount_received=2600, amount_capturable=0)
    given = order("stripe", READY, [*updates, call("confirm", pays)], pays)
    assert given[-2:] == (2, 4)


def test_one_that_changes_nothing_now_may_do_so_later() -> None:
    """The second update to the same amount comes after another one, so it must not be done with beside the first."""
    sets = [(2300, (0, 9)), (2300, (0, 20)), (2100, (8, 8))]
    calls = [call("update", shown("requires_confirmation", amount=one), {"amount": one}, at=at) for one, at in sets]
    read = call("retrieve", shown("requires_confirmation", amount=2300), at=(5, 5))
    assert order("stripe", READY, [*calls, read], shown("requires_confirmation", amount=2300)) in [
        (1, 4, 3, 2),
        (2, 4, 3, 1),
    ]


@pytest.mark.parametrize("answer", [LOST, BROKEN, shown(""), {"status": 302}])
@pytest.mark.parametrize(("after", "effects"), [(DONE, (1,)), (READY, ())])
def test_an_answer_that_is_lost_may_have_taken_effect(answer: Told, after: Told, effects: tuple[int, ...]) -> None:
    calls = [call("confirm", answer), call("retrieve", READY, at=(0, 1))]
    assert [number for number in order("stripe", READY, calls, after) if number == 1] == [*effects]


def test_lost_answers_in_all_positions() -> None:
    """Whichever answers of a burst are lost, the rest is explained, and lost calls only come after their start."""
    told = [
        call("update", shown("requires_confirmation", amount=2500), {"amount": 2500}, at=(0, 3)),
        call("confirm", shown("succeeded", amount=2500, amount_received=2500, amount_capturable=0), at=(1, 5)),
        call("cancel", BY_STATE, at=(4, 6)),
        call("confirm", BY_STATE, at=(2, 7)),
    ]
    after = shown("succeeded", amount=2500, amount_received=2500, amount_capturable=0)
    for lost in range(16):
        calls = [{**one, "answer": LOST} if lost >> place & 1 else one for place, one in enumerate(told)]
        order("stripe", READY, calls, after)
    late = [{**told[1], "answer": LOST, "at": (8, 9)}, call("cancel", BY_STATE, at=(0, 1))]
    assert not isinstance(burst("stripe", READY, late, None), Explanation)


@pytest.mark.parametrize("provider", ["stripe", "revkeen", "paypercut", "dots"])
@pytest.mark.parametrize("size", [2, 10, 100])
def test_creates(provider: str, size: int) -> None:
    status = "created" if provider == "dots" else "requires_payment_method"
    own = [call("create", shown(status, id=f"pi_{number}"), key=f"k{number}") for number in range(size)]
    assert sorted(order(provider, None, own)) == [*range(1, size + 1)]
    if provider != "dots":
        one = [call("create", shown(status), key="k") for _ in range(size)]
        assert len(order(provider, None, one)) == size
        some = [*one[:-1], call("create", refused(409, code="idempotency_in_progress"), key="k")]
        assert len(order(provider, None, some)) == size - 1


def test_creates_are_told_in_an_order_that_respects_time() -> None:
    told = [("a", (0, 1)), ("b", (2, 3)), ("a", (4, 5)), ("b", (6, 7))]
    calls = [call("create", shown("requires_payment_method", id=f"pi_{key}"), key=key, at=at) for key, at in told]
    assert order("stripe", None, calls) == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("provider", "before", "calls", "after"),
    [
        # Nothing is documented of a confirm of what is paid; of one payment there is one.
        ("dots", shown("created"), [call("confirm", shown("succeeded", transfer_id="t1"))] * 2, None),
        ("dots", shown("created"), [call("confirm", refused()), call("confirm", refused())], None),
        # Which status a hold has is not documented, nor the one after its capture.
        (
            "revkeen",
            shown("requires_confirmation", **HELD, capture_method="manual"),
            [call("capture", shown("succeeded", **PAID)), call("capture", refused())],
            shown("succeeded", **PAID),
        ),
        (
            "revkeen",
            shown("processing", amount_received=0, amount_capturable=0, capture_method="manual"),
            [call("capture", shown("succeeded", **PAID)), call("cancel", refused())],
            shown("succeeded", **PAID),
        ),
        # 409 speaks of a status, or of another call.
        (
            "revkeen",
            shown("requires_confirmation"),
            [call("confirm", shown("succeeded", **PAID)), call("confirm", refused(409, code="x"))],
            shown("succeeded", **PAID),
        ),
        (
            "paypercut",
            shown("canceled"),
            [
                call("confirm", refused(409, type="invalid_request_error"), at=(0, 1)),
                call("cancel", refused(), at=(2, 3)),
            ],
            shown("canceled"),
        ),
        # What is left of a hold may stay capturable.
        (
            "paypercut",
            shown("requires_capture", **HELD),
            [
                call(
                    "capture",
                    shown("requires_capture", amount_received=got, amount_capturable=2000 - got),
                    {"amount_to_capture": 500},
                )
                for got in (1000, 500)
            ],
            shown("requires_capture", amount_received=1000, amount_capturable=1000),
        ),
        # A repeat shows what the first answer showed, or what is now: which one is not documented.
        (
            "paypercut",
            shown("requires_confirmation"),
            [
                call("confirm", shown("requires_action"), key="k", at=(0, 1)),
                call("cancel", shown("canceled"), at=(2, 3)),
                call("confirm", shown("canceled"), key="k", at=(4, 5)),
                call("confirm", shown("requires_action"), key="k", at=(4, 5)),
            ],
            shown("canceled"),
        ),
        # The same answer again, though the intent has changed since.
        (
            "stripe",
            READY,
            [
                call("update", shown("requires_confirmation", amount=2500), {"amount": 2500}, key="k", at=(0, 1)),
                call("update", shown("requires_confirmation", amount=2600), {"amount": 2600}, key="l", at=(2, 3)),
                call("update", shown("requires_confirmation", amount=2500), {"amount": 2500}, key="k", at=(4, 5)),
            ],
            shown("requires_confirmation", amount=2600),
        ),
        # A key with another request is refused, before or after; its first use was lost.
        (
            "stripe",
            READY,
            [
                call("update", LOST, {"amount": 2500}, key="k", at=(0, 1)),
                call("update", refused(400, type="idempotency_error"), {"amount": 2600}, key="k", at=(2, 3)),
                call("update", shown("requires_confirmation", amount=2500), {"amount": 2500}, key="k", at=(4, 5)),
            ],
            shown("requires_confirmation", amount=2500),
        ),
        (
            "stripe",
            READY,
            [
                call("update", shown("requires_confirmation", amount=2500), {"amount": 2500}, key="k", at=(0, 1)),
                call("update", refused(400, type="idempotency_error"), {"amount": 2600}, key="k", at=(2, 3)),
            ],
            shown("requires_confirmation", amount=2500),
        ),
        # What is under way has not been received yet.
        (
            "stripe",
            ON_HOLD,
            [call("capture", shown("processing", amount_received=0)), call("cancel", refused())],
            DONE,
        ),
        # An update while a confirm is half done: what it set is what is paid.
        (
            "stripe",
            READY,
            [
                call("update", shown("processing", amount=2500), {"amount": 2500}),
                call("confirm", shown("succeeded", amount=2500, amount_received=2500, amount_capturable=0)),
            ],
            shown("succeeded", amount=2500, amount_received=2500, amount_capturable=0),
        ),
        # Whether it was created to be captured later is not shown; nor whether a payment in flight is a hold.
        (
            "revkeen",
            shown("requires_confirmation"),
            [call("capture", shown("succeeded", **PAID)), call("cancel", refused())],
            shown("succeeded", **PAID),
        ),
        (
            "revkeen",
            shown("processing", capture_method="manual"),
            [call("capture", refused(), at=(0, 1)), call("retrieve", shown("processing"), at=(2, 3))],
            None,
        ),
        # After a refusal its key may be used anew.
        (
            "stripe",
            READY,
            [
                call("confirm", DECLINED, key="k", at=(0, 1)),
                call("confirm", DONE, key="k", at=(2, 3)),
                call("confirm", DONE, key="k", at=(4, 5)),
            ],
            DONE,
        ),
    ],
)
def test_what_is_not_documented_is_no_contradiction(
    provider: str, before: Told, calls: Sequence[Told], after: Told | None
) -> None:
    order(provider, before, calls, after)


def test_a_call_is_read_from_its_exchange() -> None:
    contract = load("stripe")
    told = call("confirm", shown("succeeded", latest_charge={"id": "ch_1"}, **PAID), {"off_session": True}, key="k")
    read = Call.of(exchange("stripe", 7, told), contract)
    assert (read.number, read.operation, read.key) == (7, "confirm", "k")
    assert (read.started, read.ended) == (1000.0, 1010.0)
    assert read.asked == {"off_session": "true"}
    assert read.answer.shown == Shown("pi_1", "succeeded", 2000, 2000, 0, "ch_1")
    assert Call.of(exchange("stripe", 1, call("retrieve", DONE, key="k")), contract).key == ""
    assert Call.of(exchange("dots", 1, call("confirm", DONE, key="k")), load("dots")).key == ""
    assert Call.of(exchange("stripe", 1, call("confirm", LOST)), contract).ended == float("inf")
    with pytest.raises(ValueError, match="exchange 3 is no call of Stripe"):
        Call.of(exchange("paypercut", 3, call("confirm", DONE)), _without_confirm())


def _without_confirm() -> Contract:
    contract = load("stripe")
    kept = {name: one for name, one in contract.operations.items() if name in ("create", "list")}
    return replace(contract, operations=kept)


@pytest.mark.parametrize(
    ("provider", "answer", "kind", "claims"),
    [
        ("stripe", refused(), "refused", True),
        ("stripe", DECLINED, "refused", False),
        ("stripe", refused(400, type="invalid_request_error", param="amount"), "refused", False),
        ("stripe", refused(400, type="invalid_request_error", code="amount_too_large"), "refused", False),
        ("stripe", refused(400, type="idempotency_error"), "conflict", False),
        ("stripe", refused(409), "conflict", False),
        ("stripe", refused(429), "limited", False),
        ("stripe", refused(429, code="lock_timeout"), "conflict", False),
        ("stripe", LOST, "unknown", False),
        ("stripe", {"status": 503}, "unknown", False),
        ("revkeen", refused(), "refused", True),
        ("revkeen", refused(422, code="x"), "refused", True),
        ("revkeen", refused(409, code="x"), "conflict", True),
        ("revkeen", refused(409, code="idempotency_conflict"), "conflict", False),
        ("revkeen", refused(400, type="invalid_request_error", code="validation_error"), "refused", False),
        ("paypercut", refused(422, type="invalid_request_error"), "refused", True),
        ("paypercut", refused(400, type="invalid_request_error", param="amount"), "refused", False),
        ("paypercut", refused(400, type="idempotency_error"), "conflict", False),
        ("dots", refused(400, code="resource-busy"), "conflict", False),
        ("dots", refused(), "refused", False),
    ],
)
def test_what_an_answer_says(provider: str, answer: Told, kind: str, claims: bool) -> None:
    read = Call.of(exchange(provider, 1, call("confirm", answer)), load(provider)).answer
    assert (read.kind, read.claims_state) == (kind, claims)
