"""``repeats_agree``: what one key was answered is answered again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.evidence.finding import Outcome

Judge = Callable[..., Outcome]

ARGS = {"stored": [200, 402], "unless": [401, 409, 429], "apart": ["Stripe-Account"]}
KEY = {"Idempotency-Key": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}
NOW, DAY = 1_756_300_000.0, 24 * 3600.0


def create(identifier: str = "pi_1", **told: Any) -> dict[str, Any]:
    """A create under the key that shows this intent."""
    untimed = {"started": 0.0, "ended": 0.0}
    return {"shown": {"id": identifier}, "asked": {"amount": "5"}, "sent": KEY, **untimed, **told}


def declined(decline: str = "insufficient_funds", **told: Any) -> dict[str, Any]:
    refused = {"type": "card_error", "decline_code": decline}
    return create(shown=None, refused=refused, status=402, **told)


def test_the_same_answer_agrees(judge: Judge) -> None:
    outcome = judge("repeats_agree", ARGS, [create(), create(), create()])
    assert (outcome.verdict, outcome.judged) == ("pass", 2)


def test_another_intent_is_found(judge: Judge) -> None:
    outcome = judge("repeats_agree", ARGS, [create(), create(), create("pi_2")])
    (found,) = outcome.findings
    assert (found.expected, found.actual) == ("id = 'pi_1', as in exchange 1, the same request with its key", "'pi_2'")
    assert (found.at, found.exchanges) == ("/id", (3,))


@pytest.mark.parametrize(
    ("first", "repeat", "actual"),
    [
        (create(), create(status=201), "HTTP 201"),
        (create(), create(shown=None, refused={"type": "card_error"}, status=402), "HTTP 402"),
        (declined(), create(), "HTTP 200"),
        (declined(), declined("lost_card"), "{'type': 'card_error', 'decline_code': 'lost_card'}"),
        (create(), create(shown=None, body=b"not JSON"), "another"),
        (create(shown=None, body=b"[1]"), create(shown=None, body=b"[2]"), "another"),
        (create(description="a"), create(shown={"id": "pi_1", "description": "b"}), "'b'"),
    ],
)
def test_another_answer_is_found(judge: Judge, first: dict, repeat: dict, actual: str) -> None:
    first.pop("description", None)
    outcome = judge("repeats_agree", ARGS, [first, repeat])
    assert [found.actual for found in outcome.findings] == [actual]


@pytest.mark.parametrize(
    "other",
    [
        {"sent": {"Idempotency-Key": "another"}},
        {"sent": {}},
        {"sent": {**KEY, "Stripe-Account": "acct_2"}},
        {"asked": {"amount": "6"}},
        {"path": "/v1/payment_intents/pi_1/confirm", "operation": "confirm"},
        {"path": "/v1/charges", "operation": ""},
        {"credential": "other_api_key"},
        {"started": NOW + DAY + 1, "ended": NOW + DAY + 2},
        {"started": NOW - 0.5, "ended": NOW + 1},  # sent before the first was answered
        {"origin": {"file": "another.yaml"}},
        {"status": 409},
        {"status": 429},
        {"status": 500},
    ],
)
def test_other_requests_are_not_repeats(judge: Judge, other: dict) -> None:
    soon = {"started": NOW + 1, "ended": NOW + 2}
    told = [create(started=NOW - 1, ended=NOW), create("pi_2", **soon)]
    assert judge("repeats_agree", ARGS, told).verdict == "fail"
    told[1] = create("pi_2", **{**soon, **other})
    outcome = judge("repeats_agree", ARGS, told)
    assert (outcome.verdict, outcome.judged) == ("not_run", 0)


def test_a_day_later_the_key_is_new(judge: Judge) -> None:
    later = [{"started": moment, "ended": moment} for moment in (2 * DAY, 3 * DAY + 1, 3 * DAY + 2)]
    told = [create("pi_1", **later[0]), create("pi_2", **later[1]), create("pi_2", **later[2])]
    assert judge("repeats_agree", ARGS, told).judged == 1
    told[2] = create("pi_1", **later[2])
    assert judge("repeats_agree", ARGS, told).verdict == "fail"


def test_what_is_not_stored_binds_nobody(judge: Judge) -> None:
    refused = create(shown=None, refused={"type": "invalid_request_error"})
    outcome = judge("repeats_agree", ARGS, [refused, create(), create()])
    assert (outcome.verdict, outcome.judged) == ("pass", 1)


def test_reads_know_no_key(judge: Judge) -> None:
    read = {"operation": "retrieve", "sent": KEY}
    told = [{**read, "shown": {"id": "pi_1", "status": status}} for status in ("processing", "succeeded")]
    assert judge("repeats_agree", ARGS, told).verdict == "not_run"


def test_only_some_members_are_compared(judge: Judge) -> None:
    changed = create(shown={"id": "pi_1", "status": "canceled"})
    assert judge("repeats_agree", {**ARGS, "compare": ["id"]}, [create(), changed]).verdict == "pass"
    assert judge("repeats_agree", {**ARGS, "compare": ["status"]}, [create(), changed]).verdict == "fail"


def test_spelling_is_no_difference(judge: Judge) -> None:
    told = [create(shown=None, body=body) for body in (b'{"id": "pi_1", "amount": 5}', b'{"amount":5,"id":"pi_1"}')]
    assert judge("repeats_agree", ARGS, told).verdict == "pass"


@pytest.mark.parametrize("key", ["[redacted]", "<IDEMPOTENCY_KEY>", "REDACTED", "****", "[FILTERED]", "xxxxxxxx"])
def test_a_masked_key_tells_nothing(judge: Judge, key: str) -> None:
    told = [create(name, sent={"Idempotency-Key": key}, credential="") for name in ("pi_1", "pi_2")]
    assert judge("repeats_agree", ARGS, told).verdict == "not_run"
    told = [create(name, sent={"Idempotency-Key": "[redacted:0a1b2c3d]"}, credential="") for name in ("pi_1", "pi_2")]
    assert judge("repeats_agree", ARGS, told).verdict == "fail"


def test_a_key_in_the_body(judge: Judge) -> None:
    args = {"stored": [200], "member": "idempotency_key", "compare": ["id"]}
    told = [create(name, sent={}, asked={"amount": 5, "idempotency_key": "k"}) for name in ("pi_1", "pi_2")]
    assert judge("repeats_agree", args, told, provider="dots").verdict == "fail"
    told[1]["asked"] = {"amount": 5, "idempotency_key": "other"}
    assert judge("repeats_agree", args, told, provider="dots").verdict == "not_run"
