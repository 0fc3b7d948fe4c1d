"""What lies outside single operations: unknown paths, methods and ids, expansion."""

from __future__ import annotations

from conformance.contract.validation import Validators
from conformance.scenarios.acting import Actor, Table, for_each, told
from conformance.scenarios.arguments import REFUSAL, takes
from conformance.scenarios.expecting import expect_refusal
from conformance.scenarios.outcomes import Inconclusive
from conformance.scenarios.performing import prepared


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
    asked = act.contract.operations[operation]
    unknown = act.unknown_id()  # making it shows that the path is served at all
    if asked.inferred:
        act.call(operation, str(act.fresh()[act.id]))  # and so does this where no document names the path

    def attempt(identifier: str) -> None:
        send = args.get("send", {})
        unnamed = operation == "confirm" and act.needs_method_in_confirm() and act.method not in send
        body = act.body(operation, send, method="success" if unnamed else "") if not asked.reads else None
        answer = act.seen(act.client.call(operation, identifier, body))
        expect_refusal(act, answer, args, "not_found", f"{operation} of an unknown id")

    for_each(args.get("ids", [unknown]), attempt)


@takes("operation", "member", "schema", "after", "create", "method", "confirmed", "send")
def test_expands(act: Actor, args: Table) -> None:
    """Asked to expand a member the operation gives an object, which agrees with the ``schema``.

    It is the one whose id stood there before, where one did.
    """
    operation, member = args["operation"], args["member"]
    creates, reads = operation == "create", act.contract.operations[operation].reads
    before = {} if creates else prepared(act, args)
    identifier = str(before.get(act.id, ""))
    method = args.get("method", "") if creates or (operation == "confirm" and act.needs_method_in_confirm()) else ""
    body = None if reads else act.body(operation, args.get("send", {}), method=method)
    in_query = reads or isinstance(act.expansion(member)["expand"], str)
    answer = act.seen(
        act.client.call(
            operation,
            identifier,
            body if in_query else {**(body or {}), **act.expansion(member)},
            query=act.expansion(member) if in_query else None,
        )
    )
    found = act.made(answer).get(member)
    if found is None:
        raise Inconclusive(f"there is no {member} to expand")
    if not isinstance(found, dict):
        act.contradict(answer, f"{member} is an object when expanded", found, f"/{member}")
    if reads and isinstance(before.get(member), str) and found.get(act.id) != before[member]:
        act.contradict(answer, f"{member} is {before[member]} when expanded", found.get(act.id), f"/{member}/{act.id}")
    if "schema" in args:
        for error in Validators(act.contract).errors(args["schema"], found):
            act.contradict(answer, error.expected, error.actual, f"/{member}{error.pointer}")
