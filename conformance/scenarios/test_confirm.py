"""Confirm: what it accepts, refuses, answers and leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.scenarios.acting import Actor, Table, for_each, told
from conformance.scenarios.arguments import MEMBERS, REFUSAL, REQUEST, takes
from conformance.scenarios.expecting import expect_amounts, expect_members, expect_refusal, expect_status
from conformance.scenarios.outcomes import Inconclusive
from conformance.scenarios.performing import once, raw_call, variants, what
from conformance.sighting import Sighting

MOST_CONFIRMS = 50


@takes(*REQUEST, *REFUSAL, "create")
def test_confirm_refuses(act: Actor, args: Table) -> None:
    """Every request is refused, as ``judge`` says; a refusal leaves its intent to the next request."""

    def make() -> list[tuple[Table, Sighting]]:
        answers: list[tuple[Table, Sighting]] = []
        intent: dict[str, Any] = {}
        for sent in variants(args):
            intent = intent or act.fresh(args.get("create", {}), method=args.get("method", ""))
            method = "success" if _needs_method(act, args, sent) else ""
            answer = act.confirm(str(intent[act.id]), sent, args.get("omit", ()), method, **raw_call(args))
            answers.append((sent, answer))
            intent = intent if act.leaves_intent(answer) else {}
        return answers

    answers = once(act, "confirm", args, make)
    for_each(answers, lambda answer: expect_refusal(act, answer[1], args, what=what(answer[0], args)))


def _needs_method(act: Actor, args: Table, sent: Table) -> bool:
    """Whether a sound confirm has to name a method that this one does not speak of itself."""
    return act.needs_method_in_confirm() and act.method not in sent and act.method not in args.get("omit", ())


def _confirmed(act: Actor, args: Table) -> tuple[dict[str, Any], Sighting]:
    """A fresh intent without a method, and the answer to a confirm that names one."""
    method = args.get("method", "success")
    prepared = act.fresh(args.get("create", {}))
    return prepared, act.confirm(str(prepared[act.id]), args.get("send", {}), method=method)


@takes("method", "send", "create", "from_retrieve", "via", *MEMBERS, "unchanged", "equal", "positive", "when_present")
def test_confirm_returns(act: Actor, args: Table) -> None:
    prepared, answer = _confirmed(act, args)
    intent, asked = act.intent(answer), answer.asked
    if args.get("from_retrieve"):
        answer = act.retrieve(str(prepared[act.id]))
        intent = act.intent(answer)
    if args.get("via"):
        intent = act.settled(intent, args["via"], ())
    expect_members(act, answer, intent, args, asked)
    expect_amounts(act, answer, intent, args, prepared)


@takes("method", "send", "create", "members", "or_later")
def test_confirm_equals_retrieve(act: Actor, args: Table) -> None:
    prepared, answer = _confirmed(act, args)
    intent = act.intent(answer)
    later = act.retrieve(str(prepared[act.id]))
    shown = act.looked(later)
    for member in args["members"]:
        found = shown.get(member)
        if args.get("or_later") and member == act.status and found in _followers(act, str(intent.get(member))):
            continue
        if intent.get(member) != found:
            act.contradict(later, f"{member} as confirm answered: {intent.get(member)!r}", found, f"/{member}")


def _followers(act: Actor, status: str) -> set[str]:
    """The statuses that an intent may be in some time after a confirm was answered with ``status``.

    A passing one goes on by itself; and what the confirm had not done yet when it answered may be done by now.
    """
    moves = act.contract.transitions.values()
    return {
        to
        for move in moves
        if status in move.via or (move.operation == "confirm" and status in move.sources)
        for to in move.to
    }


@takes("send", "omit", "method", "create", "to", "via", "from_retrieve", "or_refused")
def test_confirm_status(act: Actor, args: Table) -> None:
    """After a confirm, whatever it answered, the intent (by a retrieve, with ``from_retrieve``) is in one of ``to``."""
    prepared = act.fresh(args.get("create", {}))
    send = args.get("send", {})
    method = args.get("method", "") if act.method not in send else ""
    answer = act.confirm(str(prepared[act.id]), send, args.get("omit", ()), method)
    if args.get("or_refused") and act.refuses(answer):
        return
    if args.get("from_retrieve"):
        answer = act.retrieve(str(prepared[act.id]))
        intent = act.looked(answer)
    elif answer.response.status >= 500:
        raise Inconclusive(f"the answer shows no status: {told(answer)}")
    else:
        intent = act.intent(answer)
    expect_status(act, answer, act.settled(intent, args.get("via", act.contract.passing), args["to"]), args["to"])


@takes("stored")
def test_confirm_uses_given_method(act: Actor, args: Table) -> None:
    prepared = act.fresh(method=args.get("stored", "declined"))
    given = act.body("confirm", method="success")
    answer = act.seen(act.client.call("confirm", str(prepared[act.id]), given))
    intent = act.settled(act.intent(answer), act.contract.passing, act.success())
    expect_status(act, answer, intent, act.success())


@takes()
def test_confirm_attaches_given_method(act: Actor, args: Table) -> None:
    prepared = act.fresh()
    given = act.body("confirm", method="success")
    act.made(act.seen(act.client.call("confirm", str(prepared[act.id]), given)))
    answer = act.retrieve(str(prepared[act.id]))
    found = act.intent(answer).get(act.method)
    shown = found.get(act.id) if isinstance(found, Mapping) else found
    if shown != given[act.method]:
        act.contradict(answer, "the method named by confirm", found, f"/{act.method}")


@takes("raw")
def test_confirm_uses_stored_method(act: Actor, args: Table) -> None:
    prepared = act.fresh(method="success")
    answer = act.confirm(str(prepared[act.id]), **raw_call(args))
    expect_status(act, answer, act.settled(act.intent(answer), act.contract.passing, act.success()), act.success())


@takes("members")
def test_confirm_again_charges_once(act: Actor, args: Table) -> None:
    prepared, first = _confirmed(act, {"method": "success"})
    done = act.settled(act.made(first), act.contract.passing, act.success())
    if done.get(act.status) not in act.success():
        raise Inconclusive(f"the first confirm left the intent {done.get(act.status)}")
    identifier = str(prepared[act.id])
    before = act.looked(act.retrieve(identifier))
    if before.get(act.status) != done.get(act.status):
        raise Inconclusive(f"a retrieve shows {before.get(act.status)} after a confirm that came to {done[act.status]}")
    act.confirm(identifier, method="success" if act.needs_method_in_confirm() else "")
    later = act.retrieve(identifier)
    after = act.looked(later)
    for member in (act.status, *args["members"]):
        if before.get(member) != after.get(member):
            act.contradict(later, f"{member} unchanged by a second confirm: {before.get(member)!r}", after.get(member))


@takes("send", "omit", "create", "raw", "media_type", "method")
def test_confirm_keeps_intent(act: Actor, args: Table) -> None:
    """A refused confirm changes nothing that a retrieve shows of status and money."""
    payment = act.contract.settings["members"].get("payment")
    prepared = act.fresh(args.get("create", {}), method=args.get("method", ""))
    identifier = str(prepared[act.id])
    before = act.made(act.retrieve(identifier))
    refused = act.confirm(identifier, args.get("send", {}), args.get("omit", ()), **raw_call(args))
    if not act.refuses(refused) or not act.leaves_intent(refused):
        raise Inconclusive(f"the confirm that was to be refused was answered {told(refused)}")
    later = act.retrieve(identifier)
    after = act.looked(later)
    for member in (*act.watched, *([payment] if payment else [])):
        if before.get(member) != after.get(member):
            act.contradict(later, f"{member} as before the refusal: {before.get(member)!r}", after.get(member))


@takes("to")
def test_confirm_limit(act: Actor, args: Table) -> None:
    """Declined again and again, up to the limit that the target declares, the intent ends canceled."""
    limit = int(act.instruments.take("confirmation_limit"))
    intent = act.fresh()
    if limit > MOST_CONFIRMS:
        raise Inconclusive(f"{limit} confirms are more than the {MOST_CONFIRMS} that are tried")
    for _ in range(limit + 1):
        act.confirm(str(intent[act.id]), method="declined")
    later = act.retrieve(str(intent[act.id]))
    expect_status(act, later, act.looked(later), args["to"])


@takes("send", "create")
def test_confirm_creates_method(act: Actor, args: Table) -> None:
    """A confirm that describes a method creates one, which the intent then shows."""
    prepared = act.fresh(args.get("create", {}))
    answer = act.confirm(str(prepared[act.id]), args["send"])
    if not act.intent(answer).get(act.method):
        act.contradict(answer, f"{act.method} is set", None, f"/{act.method}")
