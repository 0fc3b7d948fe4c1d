"""Rules on what an id stands for: creates have different ones, and what was shown is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.evidence.finding import Outcome
from conformance.rules.judge import MOST_REMEMBERED

Judge = Callable[..., Outcome]
NOW = 1_756_300_000.0


def create(identifier: str = "pi_1", key: str = "", amount: str = "5", **told: Any) -> dict[str, Any]:
    sent = {"Idempotency-Key": key} if key else {}
    return {"shown": {"id": identifier}, "asked": {"amount": amount}, "sent": sent, **told}


def retrieve(identifier: str = "pi_1", **told: Any) -> dict[str, Any]:
    return {"operation": "retrieve", "shown": {"id": identifier}, **told}


def unknown(identifier: str = "pi_1", **told: Any) -> dict[str, Any]:
    path = f"/v1/payment_intents/{identifier}"
    return {"operation": "retrieve", "path": path, "refused": {"type": "x"}, "status": 404, **told}


@pytest.mark.parametrize(
    "history",
    [
        [create("pi_1", "a"), create("pi_2", "b")],
        [create("pi_1", "a"), create("pi_1", "a")],  # the same create again
        [create("pi_1"), create("pi_1")],  # a server may take one without a key for the same
        [create("pi_1", "a"), create("pi_1", "b", answered={"Idempotent-Replayed": "true"})],
        [create("pi_1", "a"), create("pi_1", "b", credential="")],  # a recording of others
        [create("pi_1", "a"), retrieve("pi_1"), create("pi_2", "a", refused={"type": "x"}, shown=None)],
    ],
)
def test_ids_that_differ_where_they_have_to(judge: Judge, history: list[dict[str, Any]]) -> None:
    assert (judge("ids_differ", {}, history).verdict, judge("ids_differ", {}, history).findings) == ("pass", ())


@pytest.mark.parametrize(
    "history",
    [
        [create("pi_1", "a"), create("pi_2", "b"), create("pi_1", "c")],
        [create("pi_1"), create("pi_2"), create("pi_1", amount="6")],
        [create("pi_1", "a"), create("pi_2", "b"), create("pi_1")],
    ],
)
def test_one_id_for_two_creates(judge: Judge, history: list[dict[str, Any]]) -> None:
    (found,) = judge("ids_differ", {}, history).findings
    assert found.expected == "an id of its own: exchange 1, another create, shows this one"
    assert (found.actual, found.at, found.exchanges) == ("pi_1", "/id", (3,))


def test_a_key_in_the_body_makes_it_the_same_create(judge: Judge) -> None:
    one, other = ({"amount": amount, "key": "k"} for amount in (5, 6))
    args, id_ = {"member": "key"}, "3c90c3cc-0d44-4b50-8888-8dd25736052a"
    history = [{"shown": {"id": id_}, "asked": asked} for asked in (one, other)]
    assert judge("ids_differ", args, history, provider="dots").verdict == "pass"
    assert judge("ids_differ", {}, history, provider="dots").verdict == "fail"


@pytest.mark.parametrize(
    "history",
    [
        [create(), retrieve()],
        [unknown(), create(), retrieve()],
        [create(), retrieve(), unknown("pi_2")],
        [create(), unknown(credential="other"), retrieve()],  # another's key
        [create(credential="other"), unknown(), create("pi_2"), retrieve("pi_2")],
        [create(sent={"Stripe-Account": "acct_1"}), unknown(), create("pi_2"), retrieve("pi_2")],
        [
            create(ended=NOW + 9),
            unknown(started=NOW + 8),
            retrieve(started=NOW + 10),
        ],  # asked before the create was answered
        [create(credential=""), unknown(credential=""), create("pi_2"), retrieve("pi_2")],
    ],
)
def test_intents_that_are_found(judge: Judge, history: list[dict[str, Any]]) -> None:
    outcome = judge("intents_stay", {"apart": ["Stripe-Account"]}, history)
    assert (outcome.verdict, outcome.findings) == ("pass", ())


def test_an_intent_that_is_gone(judge: Judge) -> None:
    confirmed = {"operation": "confirm", "shown": {"id": "pi_2"}}
    outcome = judge("intents_stay", {}, [create(), confirmed, unknown(), unknown("pi_2")])
    assert [(found.expected, found.actual, found.exchanges) for found in outcome.findings] == [
        ("the intent that exchange 1 has shown", "HTTP 404", (3,)),
        ("the intent that exchange 2 has shown", "HTTP 404", (4,)),
    ]


def test_what_only_a_list_mentions_need_not_be_found(judge: Judge) -> None:
    listed = {"operation": "list", "body": {"object": "list", "data": [{"id": "pi_1", "amount": 5}], "has_more": False}}
    assert judge("intents_stay", {}, [listed, unknown(), create("pi_2"), retrieve("pi_2")]).verdict == "pass"


def test_a_run_remembers_as_many_as_a_row_may(judge: Judge) -> None:
    many = [create(f"pi_{number}", str(number)) for number in range(MOST_REMEMBERED + 1)]
    assert judge("ids_differ", {}, [*many, create("pi_1", "again")]).verdict == "fail"
    assert judge("ids_differ", {}, [*many, create("pi_0", "again")]).verdict == "pass"  # forgotten
