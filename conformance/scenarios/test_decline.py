"""Declined payments: what the refusal says and what it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.scenarios.acting import Actor, Table, told
from conformance.scenarios.arguments import takes
from conformance.scenarios.expecting import expect_status
from conformance.scenarios.outcomes import Inconclusive
from conformance.sighting import Sighting, resolve


def declined(act: Actor, args: Table) -> tuple[dict[str, Any], Sighting]:
    """A fresh intent, and the answer to a confirm with a method that is to be declined."""
    prepared = act.fresh(args.get("create", {}))
    return prepared, act.confirm(str(prepared[act.id]), args.get("send", {}), method=args.get("method", "declined"))


@takes("method", "send", "create", "unless_success", "equals", "present", "embeds_status")
def test_decline_answers(act: Actor, args: Table) -> None:
    _, answer = declined(act, args)
    if answer.succeeded and args.get("unless_success"):
        raise Inconclusive(f"the target tells a decline in a successful answer: {told(answer)}")
    error: Mapping[str, Any] = answer.error or {}
    base = act.contract.settings["errors"].get("object", "")
    for member, expected in args.get("equals", {}).items():
        wanted = expected if isinstance(expected, list) else [expected]
        if error.get(member) not in wanted:
            shown = " or ".join(map(str, wanted))
            act.contradict(answer, f"error {member} {shown}", error.get(member) or told(answer), f"{base}/{member}")
    for member in args.get("present", ()):
        if error.get(member) in (None, ""):
            act.contradict(answer, f"error {member} is set", told(answer), f"{base}/{member}")
    if "embeds_status" in args:
        status = (answer.embedded or {}).get(act.status)
        if status not in args["embeds_status"]:
            expected = f"the intent in the error is {' or '.join(args['embeds_status'])}"
            act.contradict(answer, expected, status or told(answer))


@takes("method", "send", "create", "compare")
def test_decline_is_recorded(act: Actor, args: Table) -> None:
    prepared, answer = declined(act, args)
    if answer.response.status >= 500:
        raise Inconclusive(f"the decline was answered {told(answer)}")
    later = act.retrieve(str(prepared[act.id]))
    member = act.contract.settings["members"]["last_error"]
    recorded = act.looked(later).get(member)
    if not isinstance(recorded, Mapping):
        act.contradict(later, f"{member} is set after a decline", recorded, f"/{member}")
    for name in args.get("compare", ()):
        said, kept = (answer.error or {}).get(name), resolve(recorded, f"/{name}")
        if said != kept:
            act.contradict(later, f"{member}.{name} as in the refusal: {said!r}", kept, f"/{member}/{name}")


@takes("method", "send", "create")
def test_decline_then_success(act: Actor, args: Table) -> None:
    prepared, first = declined(act, args)
    if first.intents and first.intents[0].get(act.status) in act.success():
        raise Inconclusive(f"the payment that was to be declined was answered {told(first)}")
    answer = act.confirm(str(prepared[act.id]), method="success")
    intent = act.settled(act.intent(answer), act.contract.passing, act.success())
    expect_status(act, answer, intent, act.success())
