"""Retrieve: that it shows what is there, and what it refuses."""

from __future__ import annotations

from conformance.scenarios.acting import Actor, Table, for_each
from conformance.scenarios.arguments import REFUSAL, takes
from conformance.scenarios.expecting import differences, expect_refusal
from conformance.scenarios.outcomes import Inconclusive
from conformance.scenarios.performing import once, prepared

PREPARED = ("after", "create", "method")  # how the intent comes about, as in test_operation.py


@takes("members", "send", "method", "fold_case")
def test_retrieve_equals_create(act: Actor, args: Table) -> None:
    """The members are as create answered them, in depth; ``fold_case`` names those whose letter case is no matter."""
    created = once(
        act, "created", {key: args.get(key) for key in ("send", "method")}, lambda: prepared(act, _created_as(args))
    )
    later = act.retrieve(str(created[act.id]))
    intent = act.intent(later)
    for member in args["members"]:
        for at, expected, found in differences(
            {member: created.get(member)}, {member: intent.get(member)}, args.get("fold_case", ())
        ):
            act.contradict(later, f"{at[1:]} as create answered: {expected!r}", found, at)


def _created_as(args: Table) -> Table:
    return {"create": args.get("send", {}), "method": args.get("method", "")}


@takes(*PREPARED, "query")
def test_retrieve_succeeds(act: Actor, args: Table) -> None:
    intent = prepared(act, args)
    answer = act.retrieve(str(intent[act.id]), query=args.get("query"))
    found = act.intent(answer, "retrieve shows the intent").get(act.id)
    if found != intent[act.id]:
        act.contradict(answer, f"the intent {intent[act.id]}", found, f"/{act.id}")


@takes(*PREPARED, *REFUSAL, "query", "ids")
def test_retrieve_refuses(act: Actor, args: Table) -> None:
    """A retrieve with this ``query``, or of these ``ids``, is refused as ``judge`` says."""
    made = str(prepared(act, args)[act.id])  # even where it is not asked for: it shows that the path is served

    def attempt(identifier: str) -> None:
        answer = act.retrieve(identifier, query=args.get("query"))
        expect_refusal(act, answer, args, "not_found" if "ids" in args else "invalid_request", "retrieve")

    for_each(args.get("ids", [made]), attempt)


@takes(*PREPARED, "ignore")
def test_retrieve_twice_equal(act: Actor, args: Table) -> None:
    """Two retrieves in a row show the same but for the members ``ignore``."""
    intent = prepared(act, args)
    identifier = str(intent[act.id])
    first, second = act.retrieve(identifier), act.retrieve(identifier)
    one, other = act.looked(first), act.looked(second)
    if one.get(act.status) in act.contract.passing:
        raise Inconclusive(f"the intent is {one[act.status]}, which passes by itself")
    for member in sorted({*one, *other} - set(args.get("ignore", ()))):
        if one.get(member) != other.get(member):
            act.contradict(second, f"{member} as a moment before: {one.get(member)!r}", other.get(member), f"/{member}")
