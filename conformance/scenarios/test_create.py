"""Create: what it accepts, refuses, answers and stores."""

from __future__ import annotations

from conformance.scenarios.acting import Actor, Table, for_each, told
from conformance.scenarios.arguments import MEMBERS, REFUSAL, REQUEST, takes
from conformance.scenarios.expecting import expect_members, expect_refusal, expect_status
from conformance.scenarios.performing import once, raw_call, variants, what
from conformance.sighting import Sighting


def created(act: Actor, args: Table, sent: Table) -> Sighting:
    return act.create(sent, args.get("omit", ()), args.get("method", ""), **raw_call(args))


@takes(*REQUEST)
def test_create_succeeds(act: Actor, args: Table) -> None:
    def attempt(sent: Table) -> None:
        act.intent(created(act, args, sent))

    for_each(variants(args), attempt)


@takes(*REQUEST, *REFUSAL)
def test_create_refuses(act: Actor, args: Table) -> None:
    answers = once(act, "create", args, lambda: [(sent, created(act, args, sent)) for sent in variants(args)])
    for_each(answers, lambda answer: expect_refusal(act, answer[1], args, what=what(answer[0], args)))


@takes(*REQUEST, "to", "or_refused")
def test_create_status(act: Actor, args: Table) -> None:
    def attempt(sent: Table) -> None:
        answer = created(act, args, sent)
        if args.get("or_refused") and act.refuses(answer):
            return
        expect_status(act, answer, act.intent(answer), args["to"])

    for_each(variants(args), attempt)


@takes(*REQUEST, *MEMBERS, "from_retrieve", "or_refused")
def test_create_returns(act: Actor, args: Table) -> None:
    def attempt(sent: Table) -> None:
        answer = created(act, args, sent)
        if args.get("or_refused") and act.refuses(answer):
            return
        intent, asked = act.intent(answer), answer.asked
        if args.get("from_retrieve"):
            answer = act.retrieve(str(intent[act.id]))
            intent = act.intent(answer)
        expect_members(act, answer, intent, args, asked)

    for_each(variants(args), attempt)


@takes()
def test_create_twice_differs(act: Actor, args: Table) -> None:
    first, second = act.create(idempotency_key=None), act.create(idempotency_key=None)
    if act.intent(first)[act.id] == act.intent(second)[act.id]:
        act.contradict(second, "two creates without a key give two intents", "the same id", f"/{act.id}")


@takes("method", "compare", "send")
def test_create_with_confirm_equals_confirm(act: Actor, args: Table) -> None:
    method = args["method"]
    at_once = act.create({"confirm": True, **args.get("send", {})}, method=method)
    prepared = act.fresh(method=method)
    afterwards = act.confirm(
        str(prepared[act.id]), method=method if act.needs_method_in_confirm() else "", send=args.get("send", {})
    )
    one, other = (act.settled(act.intent(answer), act.contract.passing, ()) for answer in (at_once, afterwards))
    for member in args["compare"]:
        if one.get(member) != other.get(member):
            act.contradict(at_once, f"{member} as after create and confirm: {other.get(member)!r}", one.get(member))


@takes(*REQUEST)
def test_create_answers_one_of(act: Actor, args: Table) -> None:
    """At least one of several forms of a disputed request is taken."""
    answers = [created(act, args, sent) for sent in variants(args)]
    if not any(act.shows_intent(answer) for answer in answers):
        act.contradict(answers[0], "one of the documented forms is accepted", "; ".join(told(one) for one in answers))
