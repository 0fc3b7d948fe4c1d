"""Pending actions (3DS): what is told of them and what follows when the payer completes or fails them."""

from __future__ import annotations

from conformance.scenarios.acting import Actor, Table
from conformance.scenarios.arguments import takes
from conformance.scenarios.expecting import expect_status
from conformance.scenarios.outcomes import Inconclusive
from conformance.sighting import resolve

RETURN_URL = "https://example.com/return"


@takes()
def test_action_returns_url(act: Actor, args: Table) -> None:
    prepared = act.fresh()
    answer = act.confirm(str(prepared[act.id]), {"return_url": RETURN_URL}, method="authentication")
    intent = act.intent(answer)
    pointer = act.contract.settings["members"]["next_action_url"].rsplit("/", 1)[0]
    action = resolve(intent, pointer)
    if action is None:
        raise Inconclusive("the pending action is no redirect")
    for member, expected in (("return_url", RETURN_URL),):
        found = resolve(action, f"/{member}")
        if found != expected:
            act.contradict(answer, f"{member} = {expected}", found, f"{pointer}/{member}")
    if not resolve(action, "/url"):
        act.contradict(answer, "url is set", None, f"{pointer}/url")


@takes("create", "outcome", "to", "via", "then_confirm")
def test_after_action(act: Actor, args: Table) -> None:
    """Once the payer has completed (or failed) the action the intent is in one of ``to``, without another confirm."""
    prepared = act.fresh(args.get("create", {}))
    identifier = str(prepared[act.id])
    takes_return_url = "return_url" in act.contract.schemas["confirm.request"]["properties"]
    send = {"return_url": RETURN_URL} if takes_return_url else {}
    pending = act.made(act.confirm(identifier, send, method="authentication"))
    if pending.get(act.status) != "requires_action":
        raise Inconclusive(f"the confirm asked for no action: the intent is {pending.get(act.status)}")
    act.complete_action(pending, args["outcome"])
    later = act.retrieve(identifier)
    intent = act.settled(act.intent(later), args.get("via", (*act.contract.passing, "requires_action")), args["to"])
    expect_status(act, later, intent, args["to"])
    if "then_confirm" in args:
        again = act.confirm(identifier)
        expect_status(
            act, again, act.settled(act.intent(again), act.contract.passing, args["then_confirm"]), args["then_confirm"]
        )
