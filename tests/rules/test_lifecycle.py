"""Rules on how an intent moves from status to status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.evidence.finding import Outcome

Judge = Callable[..., Outcome]
Step = tuple[str, str]

RPM, RC, RA, RCAP = "requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"
DECLINED = {"operation": "confirm", "refused": {"type": "card_error"}, "status": 402}
REPLAYED = {"Idempotent-Replayed": "true"}


def walked(steps: list[Step], **more: Any) -> list[dict[str, Any]]:
    return [{"operation": operation, "shown": {"status": status}, **more} for operation, status in steps]


@pytest.mark.parametrize(
    "steps",
    [
        [("create", RPM)],
        [("create", RC)],
        [("create", RPM), ("confirm", "succeeded")],
        [("create", RC), ("confirm", "processing"), ("retrieve", "succeeded")],
        [("create", RPM), ("confirm", RA), ("retrieve", RPM), ("confirm", RCAP)],
        [("create", RPM), ("cancel", "canceled")],
        [("confirm", "succeeded")],
        [("create", RPM), ("create", RPM)],
        [("create", RPM), ("confirm", "succeeded"), ("create", "succeeded")],
    ],
)
def test_documented_moves(judge: Judge, steps: list[Step]) -> None:
    outcome = judge("legal_transitions", {}, walked(steps))
    assert (outcome.verdict, outcome.findings) == ("pass", ())


@pytest.mark.parametrize(
    ("steps", "expected", "actual"),
    [
        ([("create", "succeeded")], f"create leads to {RC} or {RPM}", "succeeded"),
        ([("create", RPM), ("confirm", RC)], f"confirm from {RPM} leads to", RC),
        ([("create", RPM), ("confirm", RPM)], f"confirm from {RPM} leads to", RPM),
        ([("create", RPM), ("cancel", RPM)], f"cancel from {RPM} leads to canceled", RPM),
        ([("retrieve", RC), ("confirm", "canceled")], f"confirm from {RC} leads to", "canceled"),
        ([("confirm", RPM)], "confirm leads to", RPM),
        ([("create", RPM), ("confirm", "succeeded"), ("create", "canceled")], "create leads to", "canceled"),
    ],
)
def test_other_moves(judge: Judge, steps: list[Step], expected: str, actual: str) -> None:
    (found,) = judge("legal_transitions", {}, walked(steps)).findings
    assert found.expected.startswith(expected)
    assert (found.actual, found.exchanges) == (actual, (len(steps),))


@pytest.mark.parametrize(
    "told",
    [
        [],
        walked([("retrieve", RPM), ("retrieve", "succeeded")]),
        [DECLINED],
        walked([("retrieve", RA), ("confirm", "succeeded")]),
        walked([("create", "paid")]),
        walked([("create", ...)]),  # type: ignore[list-item]
        [{"operation": "", "path": "/v1/payment_intents/pi_1/capture", "shown": {"status": "succeeded"}}],
    ],
)
def test_never_met(judge: Judge, told: list[dict[str, Any]]) -> None:
    """Reads, refusals, statuses that are none, operations and moves of which nothing is documented."""
    assert judge("legal_transitions", {}, told).verdict == "not_run"


@pytest.mark.parametrize(
    ("confirm", "status", "verdict"),
    [
        (True, "succeeded", "pass"),
        (True, RA, "pass"),
        (True, RCAP, "pass"),
        (True, RPM, "pass"),
        (True, "canceled", "fail"),
        (False, "succeeded", "fail"),
        ("yes", "succeeded", "fail"),
    ],
)
def test_a_create_that_confirms(judge: Judge, confirm: Any, status: str, verdict: str) -> None:
    told = walked([("create", status)], asked={"amount": 2000, "confirm": confirm})
    assert judge("legal_transitions", {}, told).verdict == verdict


def test_a_create_that_confirms_in_json(judge: Judge) -> None:
    told = walked([("create", "succeeded")], asked={"confirm": True})
    assert judge("legal_transitions", {}, told, provider="dots").verdict == "pass"
    told = walked([("create", "succeeded")], asked={"confirm": False})
    assert judge("legal_transitions", {}, told, provider="dots").verdict == "fail"


def test_the_intent_inside_an_error_is_a_sighting(judge: Judge) -> None:
    told = [*walked([("create", RC)]), {**DECLINED, "embedded": {"status": RA}}, *walked([("confirm", "succeeded")])]
    outcome = judge("legal_transitions", {}, told)
    assert (outcome.verdict, outcome.judged) == ("pass", 1), "nothing is documented from requires_action"


def test_intents_are_told_apart(judge: Judge) -> None:
    told = [
        {"shown": {"id": "pi_1", "status": RPM}},
        {"operation": "confirm", "shown": {"id": "pi_1", "status": "succeeded"}},
        {"operation": "retrieve", "shown": {"id": "pi_2", "status": RPM}},
    ]
    assert judge("terminal_status_stays", {}, told).verdict == "not_run"
    told.append({"operation": "retrieve", "shown": {"id": "pi_1", "status": "succeeded"}})
    assert judge("terminal_status_stays", {}, told).verdict == "pass"


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        ([("confirm", "succeeded"), ("retrieve", "succeeded")], "pass"),
        ([("cancel", "canceled"), ("confirm", "canceled")], "pass"),
        ([("confirm", "succeeded"), ("retrieve", RPM)], "fail"),
        ([("confirm", "succeeded"), ("cancel", "canceled")], "fail"),
        ([("confirm", "succeeded")], "not_run"),
        ([("confirm", RCAP), ("retrieve", "succeeded")], "not_run"),
        ([("confirm", "succeeded"), ("retrieve", "paid")], "not_run"),
    ],
)
def test_an_end_is_an_end(judge: Judge, steps: list[Step], verdict: str) -> None:
    outcome = judge("terminal_status_stays", {}, walked(steps))
    assert outcome.verdict == verdict
    assert all(one.expected == f"still {steps[0][1]}, as in exchange 1" for one in outcome.findings)
    assert all(one.actual == steps[1][1] for one in outcome.findings)


def test_an_end_seen_inside_an_error(judge: Judge) -> None:
    told = [*walked([("confirm", "succeeded")]), {**DECLINED, "embedded": {"status": RPM}}]
    assert judge("terminal_status_stays", {}, told).verdict == "fail"


@pytest.mark.parametrize(
    ("origin", "verdict"),
    [
        ({"file": "a.yaml", "repo": "one"}, "fail"),
        ({"file": "b.yaml", "repo": "one"}, "not_run"),
        ({"file": "a.yaml", "repo": "two"}, "not_run"),
    ],
)
def test_ids_repeat_between_recordings(judge: Judge, origin: dict[str, str], verdict: str) -> None:
    first = walked([("confirm", "succeeded")], origin={"file": "a.yaml", "repo": "one"})
    told = [*first, *walked([("retrieve", RPM)], origin=origin)]
    assert judge("terminal_status_stays", {}, told).verdict == verdict


def test_an_end_that_is_not_documented(judge: Judge) -> None:
    told = walked([("confirm", "failed"), ("confirm", "succeeded"), ("retrieve", "succeeded")])
    outcome = judge("terminal_status_stays", {}, told, provider="dots")
    assert (outcome.verdict, outcome.judged) == ("pass", 1)


def test_a_repeated_answer_is_no_news(judge: Judge) -> None:
    """The answer to a used idempotency key shows the intent as it was at the first call."""
    again = walked([("create", RPM)], answered=REPLAYED)
    told = [*walked([("create", RPM), ("confirm", "succeeded")]), *again, *walked([("retrieve", "succeeded")])]
    outcome = judge("terminal_status_stays", {}, told)
    assert (outcome.verdict, outcome.judged) == ("pass", 1)
    told = [*walked([("create", RPM), ("confirm", RA)]), *again, *walked([("cancel", "canceled")])]
    assert judge("legal_transitions", {}, told).verdict == "pass"


@pytest.mark.parametrize("check", ["terminal_status_stays", "legal_transitions"])
def test_intents_without_an_id_are_not_one_intent(judge: Judge, check: str) -> None:
    nameless = [
        {"operation": "confirm", "shown": {"id": ..., "status": "succeeded"}},
        {"operation": "retrieve", "shown": {"id": ..., "status": RPM}},
        {"operation": "cancel", "shown": {"id": ..., "status": "canceled"}},
    ]
    assert judge(check, {}, nameless).verdict != "fail"


READ = {"operation": "retrieve"}
PENDING = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://host.example/3ds", "return_url": None}}


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        ({"status": RCAP, "amount_capturable": 2000}, {"status": RCAP, "amount_capturable": 2000}, "pass"),
        ({"status": RCAP, "amount_capturable": 2000}, {"status": RCAP, "amount_capturable": 1500}, "fail"),
        ({"status": RC}, {"status": "succeeded"}, "fail"),
        ({"status": "processing"}, {"status": "succeeded"}, "not_run"),
        ({"status": RA, "next_action": PENDING}, {"status": "succeeded", "next_action": None}, "not_run"),
    ],
)
def test_reading_changes_nothing(judge: Judge, first: dict[str, Any], second: dict[str, Any], verdict: str) -> None:
    told = [{**READ, "shown": first}, {**READ, "shown": second}]
    assert judge("reading_changes_nothing", {}, told).verdict == verdict


def test_reads_are_compared_where_nothing_stands_between_them(judge: Judge) -> None:
    before, after = {**READ, "shown": {"status": RC}}, {**READ, "shown": {"status": "succeeded"}}
    between = {"operation": "confirm", "shown": {"status": "succeeded"}}
    assert judge("reading_changes_nothing", {}, [before, between, after]).verdict == "not_run"
    recorded = [{**one, "credential": ""} for one in (before, after)]
    assert judge("reading_changes_nothing", {}, recorded).verdict == "not_run"
    files = [{**before, "origin": {"file": "a.yaml"}}, {**after, "origin": {"file": "b.yaml"}}]
    assert judge("reading_changes_nothing", {}, files).verdict == "not_run"


def test_an_update_may_find_an_intent_in_any_status_but_the_documented_ones(judge: Judge) -> None:
    """Of an intent that was never seen before, an update tells no move."""
    assert (
        judge("legal_transitions", {}, [{"operation": "update", "shown": {"status": "processing"}}]).verdict == "pass"
    )


def at_once(steps: list[Step]) -> list[dict[str, Any]]:
    """A create, then steps that were under way together, then the same step that is left at the end."""
    together = [{**one, "started": 5000.0, "ended": 5001.0} for one in walked(steps)]
    return [{**walked([("create", RC)])[0], "started": 4000.0, "ended": 4001.0}, *together]


def test_of_what_is_under_way_together_nobody_knows_what_came_first(judge: Judge) -> None:
    """The update came first, and is told last: no status was left for another."""
    told = at_once([("confirm", "succeeded"), ("update", RC)])
    assert judge("terminal_status_stays", {}, told).verdict != "fail"
    assert judge("legal_transitions", {}, told).verdict == "pass"
    alone = [{**one, "started": 5000.0 + number, "ended": 5000.5 + number} for number, one in enumerate(told)]
    assert judge("terminal_status_stays", {}, alone).verdict == "fail"


def test_what_comes_after_them_is_judged(judge: Judge) -> None:
    later = {**walked([("retrieve", RC)])[0], "started": 6000.0, "ended": 6001.0}
    told = [*at_once([("confirm", "succeeded"), ("update", RC)]), later]
    assert judge("terminal_status_stays", {}, told).verdict == "fail"


def test_a_move_that_nothing_leads_to_is_told_even_then(judge: Judge) -> None:
    told = at_once([("confirm", "succeeded"), ("cancel", RC)])
    (found,) = judge("legal_transitions", {}, told).findings
    assert found.exchanges == (3,)
