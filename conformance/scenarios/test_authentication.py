"""Authentication: which credentials are taken, and which are refused how."""

from __future__ import annotations

from conformance.scenarios.acting import Actor, Table, for_each, told
from conformance.scenarios.arguments import REFUSAL, takes
from conformance.scenarios.expecting import expect_refusal
from conformance.scenarios.listing import ask, need_served
from conformance.scenarios.outcomes import Inconclusive
from conformance.scenarios.performing import once
from conformance.sighting import Sighting


@takes("scheme", "credential", "headers")
def test_authenticates(act: Actor, args: Table) -> None:
    scheme = args.get("scheme", "")
    call = {"scheme": scheme, "credential": args.get("credential", "test"), "headers": args.get("headers", {})}
    answer = act.create(**call)
    intent = act.intent(answer, f"create succeeds under {scheme or 'the documented scheme'}")
    later = act.retrieve(str(intent[act.id]), **call)
    if later.response.status in (401, 403):
        act.contradict(later, f"retrieve succeeds under {scheme or 'the documented scheme'}", told(later))
    act.looked(later)


@takes("credential", "operations", *REFUSAL)
def test_refuses_credential(act: Actor, args: Table) -> None:
    """The operations are refused with that credential; what is refused with the right one as well shows nothing."""
    credential = args["credential"]
    operations = args.get("operations", ("create",))

    def make() -> list[tuple[str, Sighting]]:
        for operation in operations:
            if act.contract.operations[operation].reads and not act.contract.operations[operation].on_intent:
                need_served(act, operation)
        intent = str(act.fresh()[act.id])
        return [(operation, _call(act, operation, intent, credential)) for operation in operations]

    def judge(answer: tuple[str, Sighting]) -> None:
        operation, sighting = answer
        expect_refusal(act, sighting, args, "unauthenticated", f"{operation} with credential: {credential}")

    for_each(once(act, "credential", args, make), judge)


def _call(act: Actor, operation: str, intent: str, credential: str) -> Sighting:
    if operation == "create":
        return act.create(credential=credential)
    if operation == "confirm":
        method = "success" if act.needs_method_in_confirm() and not _lacks(act, "success") else ""
        return act.confirm(intent, method=method, credential=credential)
    if act.contract.operations[operation].on_intent:
        return act.call(operation, intent, credential=credential)
    return ask(act, operation=operation, credential=credential)


def _lacks(act: Actor, name: str) -> bool:
    return not act.client.target.instruments.get(name)


@takes("client_secret", "expect", "absent")
def test_publishable_key_reads(act: Actor, args: Table) -> None:
    intent = act.fresh({"metadata": {"order": "1"}})
    wrong = (
        f"{intent[act.id]}_secret_{act.client.fresh('client_secret')}"  # not made of the right one, which is redacted
    )
    shown = {"right": str(intent.get("client_secret", "")), "wrong": wrong, "none": ""}[args["client_secret"]]
    query = {"client_secret": shown} if shown else None
    answer = act.retrieve(str(intent[act.id]), query=query, credential="publishable")
    if args["expect"] == "refusal":
        if not 400 <= answer.response.status < 500:
            act.contradict(answer, "a refusal without the right client secret", told(answer))
        return
    if args.get("absent") and not answer.succeeded:
        raise Inconclusive(f"nothing could be read: {told(answer)}")
    read = act.intent(answer, "the intent, with its client secret")
    for member in args.get("absent", ()):
        if read.get(member):
            act.contradict(answer, f"no {member} for a publishable key", "present", f"/{member}")


@takes("create", "send")
def test_publishable_key_confirm_refused(act: Actor, args: Table) -> None:
    usual = act.fresh(method="success")
    plain = act.confirm(str(usual[act.id]), {"client_secret": usual.get("client_secret", "")}, credential="publishable")
    if not plain.succeeded:
        raise Inconclusive(f"a publishable key cannot confirm even where it may: {told(plain)}")
    intent = act.fresh(args.get("create", {}), method="success")
    send = {"client_secret": intent.get("client_secret", ""), **args.get("send", {})}
    answer = act.confirm(str(intent[act.id]), send, credential="publishable")
    if not 400 <= answer.response.status < 500:
        act.contradict(answer, "a refusal for a publishable key", told(answer))
