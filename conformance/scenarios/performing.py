"""Operations performed for rows: on an intent as the row wants it, and once for all rows that ask for the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from conformance.scenarios.acting import NOTHING, Actor, Table
from conformance.scenarios.arguments import REFUSAL
from conformance.scenarios.outcomes import Inapplicable, Inconclusive
from conformance.sighting import Sighting

Value = TypeVar("Value")

# The operation (create, unless it says otherwise); how its intent comes about, as in test_operation.py; the members of
# the request, and the instrument that a create attaches and a confirm names.
KEYED = ("operation", "after", "create", "method", "send")


def once(act: Actor, name: str, args: Table, make: Callable[[], Value]) -> Value:
    """What ``make`` gives, made once in a run for all rows with the same ``name`` and ``args``.

    What rows expect of a refusal does not count. Raises as ``Memory.once`` does.
    """
    asked = {key: value for key, value in args.items() if key not in REFUSAL}
    return act.once(f"{name} {json.dumps(asked, sort_keys=True)}", make)


def need_another_key(act: Actor, credential: str) -> None:
    """Raises ``Inconclusive`` where the key that is lent under this name is the target's own."""
    target = act.client.target
    if target.instruments.get(f"{credential}_key") == target.api_key:
        raise Inconclusive(f"the {credential}_key that is lent is the target's own api_key")


def lent(act: Actor, credential: str) -> str:
    """What a finding calls the key that is lent for a credential: who lent another one reads there what is amiss."""
    return act.contract.described(f"{credential}_key")


def variants(args: Table) -> Iterator[Table]:
    """The members of each request that a row asks for: ``send_each`` one by one, or ``send`` alone."""
    yield from args.get("send_each", [args.get("send", {})])


def raw_call(args: Table) -> dict[str, Any]:
    """What of the request is not its decoded body: a literal body, another media type."""
    call: dict[str, Any] = {}
    if "raw" in args:
        call["raw"] = str(args["raw"]).encode()
    if "media_type" in args:
        call["media_type"] = args["media_type"]
    return call


def what(sent: Table, args: Table) -> str:
    """A few words on a request, for findings."""
    if args.get("omit"):
        return "a request without " + ", ".join(args["omit"])
    shown = ", ".join(f"{key} = {value!r}" for key, value in sent.items())
    return shown if len(shown) <= 120 else shown[:119] + "…"


def prepared(act: Actor, args: Table) -> dict[str, Any]:
    """The intent that a row speaks of: right after the transition ``after``, or else a fresh one.

    ``create`` are further members of its create, ``method`` the instrument attached to a fresh one; ``confirmed``
    confirms that. Raises ``Inconclusive`` where it cannot be brought about.
    """
    create, method = args.get("create", NOTHING), args.get("method", "")
    if "after" in args:
        return act.after(args["after"], create)
    intent = act.fresh(create, method)
    if args.get("confirmed"):
        named = (method or "success") if act.needs_method_in_confirm() else ""
        answer = act.made(act.confirm(str(intent[act.id]), method=named))
        intent = act.settled(answer, act.contract.passing, act.success())
    return intent


def perform(act: Actor, operation: str, intent: Table, args: Table, send: Table = NOTHING, **call: Any) -> Sighting:
    """The operation on the intent, as the row words it: ``send``, and ``omit``, ``query``, ``raw`` … of its ``args``.

    A confirm that has to name a method names ``method``, or one that succeeds.
    """
    asked, omit = act.contract.operations[operation], args.get("omit", ())
    if asked.reads:
        return act.call(operation, str(intent[act.id]), {**args.get("query", {}), **send}, **call)
    needs = operation == "confirm" and act.needs_method_in_confirm() and act.method not in omit
    method = args.get("method", "success") if needs else ""
    call |= raw_call(args)
    if "query" in args:
        call["query"] = args["query"]
    return act.call(operation, str(intent[act.id]), send, omit, method, **call)


def submit(act: Actor, operation: str, intent: str, body: Mapping[str, Any] | None, **call: Any) -> Sighting:
    """A request with its body made before, so that it can be sent again as it is; ``intent`` is empty for a create.

    Raises ``Inapplicable`` where nobody documents the operation's path and the target does not serve it.
    """
    answer = act.seen(act.client.call(operation, intent, body, **call))
    if act.contract.operations[operation].inferred and answer.response.status in (404, 405):
        raise Inapplicable(f"the target does not serve {operation} at a path that no document names")
    return answer


# -- requests that are sent again ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Repeated:
    """Two requests under one key, in their order, and their answers."""

    intent: Table
    key: str
    first: Sighting
    second: Sighting


def request_of(act: Actor, operation: str, args: Table) -> dict[str, Any]:
    """The request of a row, made once so that it can be sent twice: a confirm always names an instrument."""
    method = {"create": args.get("method", ""), "confirm": args.get("method", "success")}.get(operation, "")
    return act.body(operation, args.get("send", {}), method=method)


def intent_for(act: Actor, operation: str, args: Table) -> dict[str, Any]:
    """The intent to operate on; empty for a create."""
    if operation == "create":
        return {}
    named = operation == "confirm"  # by the request itself
    return prepared(act, {key: value for key, value in args.items() if not (named and key == "method")})


@dataclass(frozen=True)
class Request:
    """A request that can be sent again as it was; ``intent`` is empty for a create, ``key`` None where it has none."""

    operation: str
    intent: str
    body: dict[str, Any]
    key: str | None


def repeatable(act: Actor, args: Table) -> Request:
    """The request of a row on what is sent again: on an intent of its own, under a key of its own.

    The key stands in the header, or in ``member`` of the body; with ``without_key`` there is none.
    """
    operation = args.get("operation", "create")
    intent = str(intent_for(act, operation, args).get(act.id, ""))
    body, key = request_of(act, operation, args), None
    if "member" in args:
        body[args["member"]] = fresh_uuid(act)
    elif not args.get("without_key"):
        key = act.client.fresh("one-key")
    return Request(operation, intent, body, key)


def body_member(args: Table) -> str:
    """The member of the body that a key stands in."""
    return str(args.get("member", "idempotency_key"))


def fresh_uuid(act: Actor) -> str:
    """A new UUID, the same in each run of the same scenario with the same seed."""
    digits = act.client.fresh("uuid")
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"


def with_body_key(act: Actor, args: Table) -> Repeated:
    """Two equal creates with one UUID in the body; made once in a run."""

    def make() -> Repeated:
        key = fresh_uuid(act)
        body = act.body("create", {body_member(args): key})
        first, second = (submit(act, "create", "", body, idempotency_key=None) for _ in range(2))
        return Repeated({}, key, first, second)

    return once(act, "body_key", {"member": body_member(args)}, make)


def counted_body_key(act: Actor, args: Table) -> Repeated:
    """As ``with_body_key``. Raises ``Inapplicable`` where the second create makes another intent: no key counts."""
    repeated = with_body_key(act, args)
    original = act.made(repeated.first)
    if repeated.second.succeeded and act.made(repeated.second)[act.id] != original[act.id]:
        raise Inapplicable(f"the target takes no notice of {body_member(args)}")
    return repeated
