"""Any operation on an intent that has come about in some way: what it accepts, refuses, answers and leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.scenarios.acting import NOTHING, Actor, Table, for_each, told
from conformance.scenarios.arguments import MEMBERS, REFUSAL, takes
from conformance.scenarios.expecting import expect_amounts, expect_members, expect_refusal, expect_status
from conformance.scenarios.outcomes import Inconclusive
from conformance.scenarios.performing import once, perform, prepared, variants, what
from conformance.scenarios.trials import Trial, changed_by_refusal
from conformance.sighting import Sighting

# The operation; the transition that brings the intent about, or the members of the create, the instrument attached and
# whether it is confirmed; the members of the request, alone or several requests in turn; its query; what it leaves out;
# a literal body and its media type.
OPERATION = (
    *("operation", "after", "create", "method", "confirmed"),
    *("send", "send_each", "query", "omit", "raw", "media_type"),
)


@takes(*OPERATION)
def test_operation_succeeds(act: Actor, args: Table) -> None:
    """Each request is answered with the intent; one that leaves status and amounts alone leaves it to the next."""
    if "send_each" not in args:
        act.intent(_performed(act, args).answer, f"{_named(args, args.get('send', NOTHING))} succeeds")
        return
    intent: dict[str, Any] = {}

    def attempt(sent: Table) -> None:
        nonlocal intent
        before, intent = intent or prepared(act, args), {}
        answer = perform(act, args["operation"], before, args, sent)
        result = act.intent(answer, f"{_named(args, sent)} succeeds")
        if all(result.get(member) == before.get(member) for member in act.watched):
            intent = result

    for_each(args["send_each"], attempt)


@takes(*OPERATION, *MEMBERS, "sends", "from_retrieve", "via", "to", "unchanged", "equal", "positive")
def test_operation_returns(act: Actor, args: Table) -> None:
    """Performs the requests ``sends`` in turn, or ``send``, and judges the last answer, or a retrieve after it.

    ``unchanged`` are members that stay as they were before the requests, ``equal`` and ``positive`` are amounts. With
    ``to`` (or a status that is expected) a status that passes by itself is waited for.
    """

    def attempt(sent: Table) -> None:
        sends = args.get("sends", [sent])
        performed = _performed(act, {**args, "sends": sends})
        answer = performed.answer
        intent, asked = act.intent(answer, f"{_named(args, sends[-1])} succeeds"), {**answer.asked, **sends[-1]}
        if args.get("from_retrieve"):
            answer = performed.after(act)
            intent = act.intent(answer)
        if wanted := _wanted(act, args):
            intent = act.settled(intent, args.get("via", act.contract.passing), wanted)
        if args.get("to"):
            expect_status(act, answer, intent, args["to"])
        expect_members(act, answer, intent, args, asked)
        expect_amounts(act, answer, intent, args, performed.before)

    for_each(variants(args), attempt)


def _performed(act: Actor, args: Table) -> Trial:
    """The requests of a row on one intent, in turn, the last one to be judged; made once in a run."""
    sends = args.get("sends", [args.get("send", {})])
    asked = {key: args[key] for key in OPERATION if key in args and not key.startswith("send")}

    def make() -> Trial:
        before = prepared(act, args)
        for send in sends[:-1]:
            act.made(perform(act, args["operation"], before, args, send))
        answer = perform(act, args["operation"], before, args, sends[-1])
        return Trial(before, answer)

    return once(act, "performed", {**asked, "sends": sends}, make)


def _wanted(act: Actor, args: Table) -> tuple[str, ...]:
    """The statuses that a row expects; empty where it expects none in particular."""
    named = args.get("expect", {}).get(act.status)
    return tuple(args.get("to") or args.get("expect_one_of", {}).get(act.status) or ([named] if named else ()))


@dataclass(frozen=True)
class Attempt:
    """A request that is to be refused: the intent ``before`` it, what it ``sent``, in a few words too, the answer."""

    before: Table
    sent: Table
    what: str
    answer: Sighting


@takes(*OPERATION, *REFUSAL)
def test_operation_refuses(act: Actor, args: Table) -> None:
    """Every request is refused, as ``judge`` says."""

    def judge(attempt: Attempt) -> None:
        expect_refusal(act, attempt.answer, args, what=attempt.what)

    for_each(_attempts(act, args), judge)


@takes(*OPERATION)
def test_operation_refused_keeps(act: Actor, args: Table) -> None:
    """What is refused changes nothing of status and amounts.

    A difference from the intent as it came about has to show again between two retrieves: the operation that brought
    the intent about may have told another story than a retrieve.
    """
    attempts = _attempts(act, args)
    refused = [one for one in attempts if act.refuses(one.answer) and act.leaves_intent(one.answer)]
    if not refused:
        raise Inconclusive(f"the request that was to be refused was answered {told(attempts[0].answer)}")
    last = {str(one.before[act.id]): one for one in refused}

    def compare(attempt: Attempt) -> None:
        after = act.looked(act.retrieve(str(attempt.before[act.id])))
        if all(attempt.before.get(member) == after.get(member) for member in act.watched):
            return
        if attempt.before.get(act.status) in act.contract.passing:
            raise Inconclusive(f"the intent was {attempt.before[act.status]}, which passes by itself")
        made = prepared(act, args)
        changed_by_refusal(act, made, lambda: perform(act, args["operation"], made, args, attempt.sent), attempt.what)

    for_each(last.values(), compare)


def _attempts(act: Actor, args: Table) -> list[Attempt]:
    """The requests of a row, made once; refusals leave their intent to the next, a success takes a new one."""

    def make() -> list[Attempt]:
        done: list[Attempt] = []
        intent: dict[str, Any] = {}
        for sent in variants(args):
            intent = intent or prepared(act, args)
            answer = perform(act, args["operation"], intent, args, sent)
            done.append(Attempt(intent, sent, _named(args, sent), answer))
            intent = intent if act.leaves_intent(answer) else {}
        return done

    return once(act, "operation", args, make)


def _named(args: Table, sent: Table = NOTHING) -> str:
    words = what(sent, args)
    return f"{args['operation']} with {words}" if words else str(args["operation"])
