"""Confirm: each documented outcome, walked from the contract's lifecycle; what it accepts, refuses and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.contract import Transition
from conformance.contract.loading import ANY_INTENT
from conformance.rules.money import wrong_amounts
from conformance.scenarios.acting import Actor, Table, for_each, told
from conformance.scenarios.arguments import MEMBERS, REFUSAL, REQUEST, takes
from conformance.scenarios.expecting import expect_members, expect_refusal, expect_status
from conformance.scenarios.outcomes import Inconclusive, NonConformance
from conformance.scenarios.test_create import raw_call, variants, what
from conformance.sighting import Sighting

MOST_CONFIRMS = 50


@takes("transition", *REFUSAL)
def test_confirm_outcome(act: Actor, args: Table) -> None:
    """Brings each status about from which the transition starts, confirms, and compares with what is documented."""
    move = act.contract.transitions[args["transition"]]
    reached, reasons, seen = 0, [], set()
    wrong: list[NonConformance] = []
    for status in move.sources or ("",):
        try:
            intent = _prepared(act, move, status)
        except Inconclusive as reason:
            reasons.append(f"{status}: {reason}")
            continue
        if intent.get(act.status) in seen:
            continue
        seen.add(intent.get(act.status))
        reached += 1
        try:
            _judge_outcome(act, move, intent, args)
        except NonConformance as found:
            wrong.append(found)
    if wrong:
        raise NonConformance(tuple(finding for found in wrong for finding in found.findings))
    if not reached:
        raise Inconclusive("; ".join(reasons))


def _alternatives(act: Actor, move: Transition) -> bool:
    """Whether the statuses are those a create may leave an intent in at the target's own choice."""
    return any(
        len(set(other.to) & set(move.sources)) > 1 for other in act.contract.transitions.values() if not other.sources
    )


def _prepared(act: Actor, move: Transition, status: str) -> dict[str, Any]:
    if status == ANY_INTENT:
        return {act.id: act.unknown_id()}
    if not status:
        return {}
    if _alternatives(act, move):
        intent = act.fresh(move.create)
        if intent.get(act.status) not in move.sources:
            raise Inconclusive(f"a new intent is {intent.get(act.status)}")
        return intent
    return act.reach(status, move.method, move.create)


def _perform(act: Actor, move: Transition, intent: Table) -> Sighting:
    if move.operation == "create":
        return act.create({**move.create, **move.send}, method=move.method)
    body = act.body(move.operation, move.send, method=act.method_to_send(move, intent, move.method))
    return act.seen(act.client.call(move.operation, str(intent[act.id]), body))


def _judge_outcome(act: Actor, move: Transition, intent: Table, args: Table) -> None:
    judge = args.get("judge", "to" if move.to else "refusal")
    answer = _perform(act, move, intent)
    from_status = f" from {intent[act.status]}" if intent.get(act.status) else ""
    if judge == "leaves":
        after = act.retrieve(str(intent[act.id]) if intent else _made_id(act, answer))
        expect_status(act, after, act.settled(act.intent(after), move.via, move.leaves), move.leaves)
    elif judge == "to":
        if move.refused and act.refuses(answer):
            return
        result = act.intent(answer, f"{move.operation}{from_status} succeeds with status {' or '.join(move.to)}")
        expect_status(act, answer, act.settled(result, move.via, move.to), move.to)
    elif not (move.to and answer.succeeded):
        expect_refusal(act, answer, args, move.refused, f"{move.operation}{from_status}")


def _made_id(act: Actor, answer: Sighting) -> str:
    shown = answer.embedded or (answer.intents[0] if answer.intents else None)
    if not shown or act.id not in shown:
        raise Inconclusive(f"the answer names no intent to look at: {told(answer)}")
    return str(shown[act.id])


@takes(*REQUEST, *REFUSAL, "create")
def test_confirm_refuses(act: Actor, args: Table) -> None:
    def attempt(sent: Table) -> None:
        prepared = act.fresh(args.get("create", {}), method=args.get("method", ""))
        method = "success" if _needs_method(act, args, sent) else ""
        answer = act.confirm(str(prepared[act.id]), sent, args.get("omit", ()), method, **raw_call(args))
        expect_refusal(act, answer, args, what=what(sent, args))

    for_each(variants(args), attempt)


def _needs_method(act: Actor, args: Table, sent: Table) -> bool:
    """Whether a sound confirm has to name a method that this one does not speak of itself."""
    return act.needs_method_in_confirm() and act.method not in sent and act.method not in args.get("omit", ())


def _confirmed(act: Actor, args: Table) -> tuple[dict[str, Any], Sighting]:
    """A fresh intent without a method, and the answer to a confirm that names one."""
    method = args.get("method", "success")
    prepared = act.fresh(args.get("create", {}))
    return prepared, act.confirm(str(prepared[act.id]), args.get("send", {}), method=method)


@takes(
    "method", "send", "create", "from_retrieve", "via", "to", *MEMBERS, "unchanged", "equal", "positive", "when_present"
)
def test_confirm_returns(act: Actor, args: Table) -> None:
    prepared, answer = _confirmed(act, args)
    intent, asked = act.intent(answer), answer.asked
    if args.get("from_retrieve"):
        answer = act.retrieve(str(prepared[act.id]))
        intent = act.intent(answer)
    if args.get("via"):
        intent = act.settled(intent, args["via"], args.get("to", ()))
    if args.get("to"):
        expect_status(act, answer, intent, args["to"])
    expect_members(act, answer, intent, args, asked)
    for member in args.get("unchanged", ()):
        if intent.get(member) != prepared.get(member):
            act.contradict(answer, f"{member} unchanged: {prepared.get(member)!r}", intent.get(member), f"/{member}")
    amounts = wrong_amounts(intent, args.get("equal", {}), args.get("positive", ()), bool(args.get("when_present")))
    for member, expected, found in amounts:
        act.contradict(answer, f"{member} = {expected}", found, f"/{member}")


@takes("method", "send", "create", "members", "or_later")
def test_confirm_equals_retrieve(act: Actor, args: Table) -> None:
    prepared, answer = _confirmed(act, args)
    intent = act.intent(answer)
    later = act.retrieve(str(prepared[act.id]))
    for member in args["members"]:
        found = act.intent(later).get(member)
        if args.get("or_later") and member == act.status and found in _followers(act, str(intent.get(member))):
            continue
        if intent.get(member) != found:
            act.contradict(later, f"{member} as confirm answered: {intent.get(member)!r}", found, f"/{member}")


def _followers(act: Actor, status: str) -> set[str]:
    """The statuses that an intent may be in some time after it was in ``status``: a passing one goes on by itself."""
    moves = act.contract.transitions.values()
    return {to for move in moves if status in move.via for to in move.to}


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
    elif answer.response.status >= 500:
        raise Inconclusive(f"the answer shows no status: {told(answer)}")
    expect_status(
        act, answer, act.settled(act.intent(answer), args.get("via", act.contract.passing), args["to"]), args["to"]
    )


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
    before = act.made(act.retrieve(identifier))
    again = act.confirm(identifier, method="success" if act.needs_method_in_confirm() else "")
    later = act.retrieve(identifier)
    after = act.intent(later)
    for member in (act.status, *args["members"]):
        if before.get(member) != after.get(member):
            act.contradict(later, f"{member} unchanged by a second confirm: {before.get(member)!r}", after.get(member))
    if again.response.status >= 500:
        act.contradict(again, "a refusal or the same intent", told(again))


@takes("send", "omit", "create", "raw", "media_type", "method")
def test_confirm_keeps_intent(act: Actor, args: Table) -> None:
    """A refused confirm changes nothing that a retrieve shows of status and money."""
    members = act.contract.settings["members"]
    watched = [
        members[name] for name in ("status", "amount_received", "amount_capturable", "payment") if name in members
    ]
    prepared = act.fresh(args.get("create", {}), method=args.get("method", ""))
    identifier = str(prepared[act.id])
    before = act.made(act.retrieve(identifier))
    refused = act.confirm(identifier, args.get("send", {}), args.get("omit", ()), **raw_call(args))
    if not act.refuses(refused) or refused.response.status == 402:
        raise Inconclusive(f"the confirm that was to be refused was answered {told(refused)}")
    later = act.retrieve(identifier)
    after = act.intent(later)
    for member in (*watched, "amount"):
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
    expect_status(act, later, act.intent(later), args["to"])


@takes("send", "create")
def test_confirm_creates_method(act: Actor, args: Table) -> None:
    """A confirm that describes a method creates one, which the intent then shows."""
    prepared = act.fresh(args.get("create", {}))
    answer = act.confirm(str(prepared[act.id]), args["send"])
    if not act.intent(answer).get(act.method):
        act.contradict(answer, f"{act.method} is set", None, f"/{act.method}")
