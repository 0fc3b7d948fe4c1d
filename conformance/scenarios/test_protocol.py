"""What lies outside single operations: unknown paths, methods and ids, expansion, repeated requests."""

from __future__ import annotations

from conformance.contract.validation import Validators
from conformance.scenarios.acting import Actor, Table, for_each, told
from conformance.scenarios.arguments import REFUSAL, takes
from conformance.scenarios.expecting import expect_refusal


@takes("path", *REFUSAL)
def test_unknown_path_refused(act: Actor, args: Table) -> None:
    answer = act.seen(act.client.send("GET", args["path"]))
    expect_refusal(act, answer, {"judge": "status", **args}, "not_found", args["path"])


@takes("operation", "method")
def test_method_not_served(act: Actor, args: Table) -> None:
    intent = str(act.fresh()[act.id])
    answer = act.seen(act.client.call(args["operation"], intent, method=args["method"]))
    if answer.succeeded:
        act.contradict(answer, f"{args['method']} is not served there", told(answer))


@takes("operation", "ids", "send", *REFUSAL)
def test_unknown_id_refused(act: Actor, args: Table) -> None:
    operation = args["operation"]
    unknown = act.unknown_id()  # making it shows that the path is served at all

    def attempt(identifier: str) -> None:
        send = args.get("send", {})
        unnamed = operation == "confirm" and act.needs_method_in_confirm() and act.method not in send
        body = act.body(operation, send, method="success" if unnamed else "") if operation != "retrieve" else None
        answer = act.seen(act.client.call(operation, identifier, body))
        expect_refusal(act, answer, args, "not_found", f"{operation} of an unknown id")

    for_each(args.get("ids", [unknown]), attempt)


@takes("operation", "member", "schema", "create", "method", "confirmed")
def test_expands(act: Actor, args: Table) -> None:
    """Asked to expand a member the operation gives an object; without, a string or null."""
    operation, member = args["operation"], args["member"]
    prepared = act.fresh(args.get("create", {}), method=args.get("method", ""))
    identifier = str(prepared[act.id])
    if args.get("confirmed"):
        act.made(act.confirm(identifier, method="success" if act.needs_method_in_confirm() else ""))
    body = act.body(operation) if operation != "retrieve" else None
    in_query = operation == "retrieve" or isinstance(act.expansion(member)["expand"], str)
    answer = act.seen(
        act.client.call(
            operation,
            identifier,
            body if in_query else {**(body or {}), **act.expansion(member)},
            query=act.expansion(member) if in_query else None,
        )
    )
    found = act.made(answer).get(member)
    if not isinstance(found, dict):
        act.contradict(answer, f"{member} is an object when expanded", found, f"/{member}")
    if "schema" in args:
        for error in Validators(act.contract).errors(args["schema"], found):
            act.contradict(answer, error.expected, error.actual, f"/{member}{error.pointer}")


@takes("operation")
def test_same_key_same_result(act: Actor, args: Table) -> None:
    key = act.client.fresh("same-key")
    first = act.create(idempotency_key=key)
    original = act.intent(first)
    second = act.create(idempotency_key=key)
    if second.response.status != first.response.status:
        act.contradict(second, f"HTTP {first.response.status}, as first", f"HTTP {second.response.status}")
    if act.intent(second, "the first answer again").get(act.id) != original[act.id]:
        act.contradict(second, f"the intent of the first call, {original[act.id]}", act.intent(second).get(act.id))


@takes(*REFUSAL)
def test_key_reuse_refused(act: Actor, args: Table) -> None:
    key = act.client.fresh("reused-key")
    amount = int(act.contract.settings["requests"]["create"]["amount"])
    act.made(act.create(idempotency_key=key))
    answer = act.create({"amount": amount + 100}, idempotency_key=key)
    expect_refusal(act, answer, args, "idempotency_conflict", "another body under a used key")
