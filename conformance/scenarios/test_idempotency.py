"""Idempotency: the same key with the same request, with another one, with another operation, and at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.contract.lifecycle import moves_from
from conformance.scenarios.acting import NOTHING, Actor, Table, for_each, told
from conformance.scenarios.arguments import REFUSAL, takes
from conformance.scenarios.effects import expect_marked, marked
from conformance.scenarios.expecting import error_is, expect_refusal, expect_status, objects
from conformance.scenarios.outcomes import Inconclusive, NonConformance
from conformance.scenarios.performing import (
    KEYED,
    Repeated,
    body_member,
    counted_body_key,
    fresh_uuid,
    intent_for,
    lent,
    need_another_key,
    once,
    prepared,
    request_of,
    submit,
    with_body_key,
)
from conformance.sighting import Sighting, read_history

CONFLICT = "idempotency_conflict"
MORE = 100  # minor units by which another amount differs
ABSENT = "absent"


def _twice(act: Actor, args: Table, other: Table = NOTHING) -> Repeated:
    """The row's request twice under one key, the second time with ``other`` laid over it; made once in a run."""
    operation = args.get("operation", "create")

    def make() -> Repeated:
        intent = intent_for(act, operation, args)
        identifier, key = str(intent.get(act.id, "")), act.client.fresh("one-key")
        body = request_of(act, operation, args)
        first = submit(act, operation, identifier, body, idempotency_key=key)
        second = submit(act, operation, identifier, {**body, **other}, idempotency_key=key)
        return Repeated(intent, key, first, second)

    asked = {name: args[name] for name in KEYED if name in args}
    return once(act, "twice", {**asked, "operation": operation, "other": other}, make)


def _replayed(act: Actor, args: Table) -> Repeated:
    """As ``_twice``, where the first request has to be a success. Raises ``Inconclusive`` where it is not."""
    repeated = _twice(act, args)
    act.made(repeated.first)
    return repeated


# -- the same request again ------------------------------------------------------------------------------------------


@takes()
def test_key_counts(act: Actor, args: Table) -> None:
    """The same create with the same key makes no second intent; a refusal will do. Other rows on keys rest on it."""
    repeated = _twice(act, {"operation": "create"})
    original, again = act.made(repeated.first), repeated.second
    if not act.shows_intent(again) or again.intents[0][act.id] == original[act.id]:
        return
    expected = f"the intent {original[act.id]} again, for the same create with the same key"
    finding = again.contradiction(expected, f"another intent, {again.intents[0][act.id]}", f"/{act.id}")
    both = (repeated.first.number, again.number)
    raise NonConformance((replace(finding, exchanges=both, sequence=True),))


@takes(*KEYED, "compare")
def test_same_key_same_result(act: Actor, args: Table) -> None:
    """The second answer has the status of the first, and shows the same intent and the same money.

    ``compare`` are the members to compare instead of id, status, amounts and payment.
    """
    repeated = _replayed(act, args)
    first, second, original = repeated.first, repeated.second, repeated.first.intents[0]
    again = act.intent(second, f"the first answer again, HTTP {first.response.status} with {original[act.id]}")
    if second.response.status != first.response.status:
        act.contradict(second, f"HTTP {first.response.status}, as first", f"HTTP {second.response.status}")
    payment = act.contract.settings["members"].get("payment", "")
    moving = original.get(act.status) in act.contract.passing  # it may move on, if the answer is not the stored one
    for member in args.get("compare", (act.id, *act.watched, payment)):
        if moving and member in (*act.watched, payment):
            continue
        if again.get(member) != original.get(member):
            act.contradict(second, f"{member} as first: {original.get(member)!r}", again.get(member), f"/{member}")


@takes(*KEYED)
def test_same_key_same_body(act: Actor, args: Table) -> None:
    """The second answer has the status of the first and an equal body."""
    repeated = _replayed(act, args)
    _expect_same_answer(act, repeated.first, repeated.second)


def _expect_same_answer(act: Actor, first: Sighting, second: Sighting) -> None:
    if second.response.status != first.response.status:
        act.contradict(second, f"HTTP {first.response.status}, as first", told(second))
    one, other = first.body, second.body
    if one == other:
        return
    difference: tuple[str, Any, str] = ("the body of the first answer", "another body", "")
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        member = min(name for name in {*one, *other} if one.get(name, ABSENT) != other.get(name, ABSENT))
        difference = (f"{member} as first: {one.get(member, ABSENT)!r}", other.get(member, ABSENT), f"/{member}")
    act.contradict(second, *difference)


@takes("send")
def test_same_key_one_effect(act: Actor, args: Table) -> None:
    """Of two creates with one key and one body, known by its metadata, one intent stands in the list."""
    mark = act.client.fresh("mark")
    repeated = _twice(act, {"send": {**args.get("send", {}), **marked(mark)}})
    expect_marked(act, str(act.made(repeated.first)[act.id]), mark, 1)


@takes(*KEYED, "first")
def test_replay_marked(act: Actor, args: Table) -> None:
    """The second answer is marked as a replay; with ``first`` the first one is not."""
    repeated = _replayed(act, args)
    header = act.contract.settings["idempotency"]["replayed"]
    judged = repeated.first if args.get("first") else repeated.second
    found = judged.response.header(header)
    if args.get("first") and judged.replayed:
        act.contradict(judged, f"no header {header}: true on a first answer", f"{header}: {found}")
    if not args.get("first") and not judged.replayed:
        act.contradict(judged, f"{header}: true on a replay", f"{header}: {found}" if found else "no such header")


@takes(*KEYED, "judge")
def test_failure_replayed(act: Actor, args: Table) -> None:
    """A request that fails, sent again with its key, fails in the same way.

    ``judge`` is ``body`` (status and body are equal), ``status``, or ``marker`` (it is marked as a replay). Without an
    ``operation`` it is a confirm where there is a ``method``, or else a create.
    """
    operation = args.get("operation", "confirm" if "method" in args else "create")
    repeated = _twice(act, {**args, "operation": operation})
    first, second, judge = repeated.first, repeated.second, args.get("judge", "body")
    if not 400 <= first.response.status < 500:
        raise Inconclusive(f"the request that was to fail was answered {told(first)} (exchange {first.number})")
    if judge == "body":
        _expect_same_answer(act, first, second)
    elif judge == "status":
        if second.response.status != first.response.status:
            act.contradict(second, f"HTTP {first.response.status}, as first", told(second))
    elif judge == "marker":
        header = act.contract.settings["idempotency"]["replayed"]
        if not second.replayed:
            act.contradict(second, f"{header}: true on a replay", second.response.header(header) or "no such header")
    else:
        raise ValueError(f"a failure is judged by body, status or marker, not by {judge!r}")


@takes("send", "operation", "create")
def test_refused_not_stored(act: Actor, args: Table) -> None:
    """A request refused for its members ``send``, then mended under the same key, succeeds or is a conflict."""
    operation = args.get("operation", "create")
    intent = str(intent_for(act, operation, args).get(act.id, ""))
    key, sound = act.client.fresh("mended"), act.body(operation)
    bad = submit(act, operation, intent, act.body(operation, args["send"]), idempotency_key=key)
    if not act.refuses(bad):
        raise Inconclusive(f"the request that was to be refused was answered {told(bad)}")
    answer = submit(act, operation, intent, sound, idempotency_key=key)
    if not act.shows_intent(answer) and not error_is(act, answer, CONFLICT):
        act.contradict(answer, "the mended request succeeds, or is a conflict with the key", told(answer))


@takes("operation")
def test_works_without_key(act: Actor, args: Table) -> None:
    operation = args.get("operation", "create")
    intent = str(intent_for(act, operation, args).get(act.id, ""))
    answer = submit(act, operation, intent, request_of(act, operation, args), idempotency_key=None)
    act.intent(answer, f"{operation} without a key succeeds")


@takes("between")
def test_key_remembered(act: Actor, args: Table) -> None:
    """The first create of the run that had a key, sent again after at least ``between`` others, gives its intent.

    Where the run has sent fewer so far, it sends what is missing.
    """
    header = act.contract.settings["idempotency"]["header"]
    own = [one for one in act.client.history.exchanges if one.credential == "test" and one.request.header(header)]
    made = [one for one in read_history(act.contract, own) if one.operation == "create" and act.shows_intent(one)]
    if not made:
        raise Inconclusive("the run has made no intent with a key so far")
    first = made[0]
    for _ in range(int(args["between"]) - (len(own) - 1 - own.index(first.exchange))):
        act.fresh()
    key = first.exchange.request.header(header)
    again = submit(
        act, "create", "", None, raw=first.exchange.request.body, media_type=_type_of(first), idempotency_key=key
    )
    shown = act.intent(again, f"the intent {first.intents[0][act.id]}, as in exchange {first.number}")
    if shown[act.id] != first.intents[0][act.id]:
        act.contradict(again, f"the intent {first.intents[0][act.id]}, as in exchange {first.number}", shown[act.id])


def _type_of(sighting: Sighting) -> str:
    return sighting.exchange.request.header("content-type") or ""


# -- another request under the same key ------------------------------------------------------------------------------


@takes(*KEYED, "other", *REFUSAL)
def test_key_reuse_refused(act: Actor, args: Table) -> None:
    """Another request (``other`` members, or another amount) under a used key is refused as ``judge`` says.

    With ``judge`` ``no_intent`` the refusal shows no intent.
    """
    other = args.get("other") or {"amount": int(act.contract.settings["requests"]["create"]["amount"]) + MORE}
    repeated = _twice(act, args, other)
    act.made(repeated.first)
    answer = repeated.second
    no_intent = args.get("judge") == "no_intent"
    expect_refusal(act, answer, {} if no_intent else args, CONFLICT, "another body under a used key")
    for shown in objects(answer.body) if no_intent else ():
        if act.id in shown and "amount" in shown:
            act.contradict(answer, "a refusal that shows no intent", f"the intent {shown[act.id]}")


@takes()
def test_key_reuse_creates_nothing(act: Actor, args: Table) -> None:
    """Another create under a used key, known by its metadata, leaves no intent in the list."""
    mark, key = act.client.fresh("mark"), act.client.fresh("reused")
    first = act.made(act.create(marked(mark), idempotency_key=key))
    amount = int(act.contract.settings["requests"]["create"]["amount"]) + MORE
    act.create({"amount": amount, **marked(mark)}, idempotency_key=key)
    expect_marked(act, str(first[act.id]), mark, 1)


@takes(*KEYED, "expect", *REFUSAL)
def test_key_on_other_operation(act: Actor, args: Table) -> None:
    """The key of a create, sent with another ``operation`` on its intent: ``expect`` is ``refusal`` or ``success``."""
    operation = args.get("operation", "cancel")
    asked = {key: value for key, value in args.items() if key in (*KEYED, "expect")}

    def make() -> tuple[Table, Sighting]:
        key = act.client.fresh("create-key")
        created = act.made(act.create(args.get("create", {}), idempotency_key=key))
        body = request_of(act, operation, args)
        answer = submit(act, operation, str(created[act.id]), body, idempotency_key=key)
        if args.get("expect", "refusal") == "refusal" and not answer.succeeded:
            # That it is the key which is refused shows when another one is taken.
            act.made(submit(act, operation, str(created[act.id]), body))
        return created, answer

    created, answer = once(act, "key_on_other_operation", asked, make)
    if args.get("expect", "refusal") == "refusal":
        expect_refusal(act, answer, args, CONFLICT, f"{operation} with the key of a create")
        return
    intent = act.intent(answer, f"{operation} with the key of a create succeeds")
    if answer.replayed:
        act.contradict(answer, f"{operation} is performed", "an answer that is marked as a replay")
    moves = [
        move
        for move in moves_from(act.contract, operation, str(created.get(act.status)))
        if move.to and not move.send and not move.create and move.method in ("", args.get("method"))
    ]
    if len(moves) == 1 and act.status in intent:
        expect_status(act, answer, intent, (*moves[0].via, *moves[0].to))


@takes("change", "create", "method")
def test_key_on_retrieve_ignored(act: Actor, args: Table) -> None:
    """A retrieve with a key, again after a ``change`` (an operation), shows the change."""
    change, create = args.get("change", "cancel"), {"create": args.get("create", {})}
    identifier = str(prepared(act, create)[act.id])
    header = {act.contract.settings["idempotency"]["header"]: act.client.fresh("reading")}
    before = act.made(act.retrieve(identifier, headers=header))
    body = request_of(act, change, args)
    act.made(submit(act, change, identifier, body))
    changed = act.made(act.retrieve(identifier))
    later = act.retrieve(identifier, headers=header)
    after = act.intent(later)
    differing = [name for name in {*act.watched, *body} if name in changed and changed[name] != before.get(name)]
    if not differing:
        raise Inconclusive(f"{change} changed nothing that could be seen")
    for member in sorted(differing):
        if after.get(member) == before.get(member):
            act.contradict(
                later, f"{member} = {changed[member]!r}, as {change} made it", after.get(member), f"/{member}"
            )


@takes("credential")
def test_keys_per_credential(act: Actor, args: Table) -> None:
    """The same key and body under two API keys make two intents; ``credential`` names the instrument of the other."""
    key, body = act.client.fresh("shared"), act.body("create")
    own = act.intent(submit(act, "create", "", body, idempotency_key=key))
    credential = args.get("credential", "other_api_key").removesuffix("_key")
    answer = submit(act, "create", "", body, idempotency_key=key, credential=credential)
    other = act.intent(answer, "a create under another API key succeeds")
    if other[act.id] == own[act.id]:
        act.contradict(answer, "another intent than under the first API key", other[act.id], f"/{act.id}")


@takes("credential", "counts_apart")
def test_key_of_another_account(act: Actor, args: Table) -> None:
    """A create with the key and body of an earlier one, by another account's ``credential``, is not shown its intent.

    With ``counts_apart`` the key of one account is no matter to another: the create succeeds, as it does under a key
    that nobody has used. Where that is refused too, a refusal shows nothing.
    """
    credential, key, body = args["credential"], act.client.fresh("shared"), act.body("create")
    need_another_key(act, credential)
    own = act.made(submit(act, "create", "", body, idempotency_key=key))
    answer = submit(act, "create", "", body, idempotency_key=key, credential=credential)
    for shown in objects(answer.body):
        if shown.get(act.id) == own[act.id]:
            act.contradict(answer, f"no intent {own[act.id]} with {lent(act, credential)}", "it is shown")
    if act.shows_intent(answer):
        return
    act.made(submit(act, "create", "", body, credential=credential), f"create with {lent(act, credential)}")
    if args.get("counts_apart"):
        act.contradict(answer, "a create succeeds under a key that only another account has used", told(answer))


# -- keys of a certain length ----------------------------------------------------------------------------------------


@takes("lengths")
def test_key_length_accepted(act: Actor, args: Table) -> None:
    """A create succeeds with a key of each of ``lengths`` characters."""

    def attempt(length: int) -> None:
        answer = act.create(idempotency_key=_long(act, length))
        if act.refuses(answer) and error_is(act, answer, CONFLICT):
            raise Inconclusive(f"a key of {length} characters had been used before")
        act.intent(answer, f"a create with a key of {length} characters succeeds")

    for_each(args["lengths"], attempt)


@takes("length")
def test_long_keys_apart(act: Actor, args: Table) -> None:
    """Two keys of ``length`` characters that differ in the last one make two intents."""
    key = _long(act, int(args["length"]))
    first = act.made(act.create(idempotency_key=key))
    answer = act.create(idempotency_key=key[:-1] + ("0" if key[-1] != "0" else "1"))
    if act.intent(answer)[act.id] == first[act.id]:
        act.contradict(answer, "another intent, for a key whose last character differs", first[act.id], f"/{act.id}")


@takes("length", *REFUSAL)
def test_key_length_refused(act: Actor, args: Table) -> None:
    """A create with a key of ``length`` characters is refused as ``judge`` says."""
    length = int(args.get("length", 256))
    answer = once(act, "key_length", {"length": length}, lambda: act.create(idempotency_key=_long(act, length)))
    expect_refusal(act, answer, args, what=f"a key of {length} characters")


def _long(act: Actor, length: int) -> str:
    key = act.client.fresh("long")
    return (key * (length // len(key) + 1))[:length]


# -- keys in the body ------------------------------------------------------------------------------------------------


@takes("member")
def test_body_key_accepted(act: Actor, args: Table) -> None:
    """A create that holds a UUID under ``member`` succeeds."""
    act.intent(with_body_key(act, args).first, f"a create with {body_member(args)} succeeds")


@takes("member")
def test_body_key_honoured(act: Actor, args: Table) -> None:
    """The same create with the same UUID under ``member`` gives the same intent, or is refused."""
    repeated = with_body_key(act, args)
    original, again = act.made(repeated.first), repeated.second
    if not act.refuses(again) and act.intent(again)[act.id] != original[act.id]:
        act.contradict(again, f"the intent {original[act.id]}, or a refusal", again.intents[0][act.id], f"/{act.id}")


@takes("member")
def test_body_key_other_amount(act: Actor, args: Table) -> None:
    """Where the key in the body counts, another amount under it gives the first intent, or is refused."""
    repeated = counted_body_key(act, args)
    original = act.made(repeated.first)
    amount = int(act.contract.settings["requests"]["create"]["amount"]) + MORE
    answer = act.create({body_member(args): repeated.key, "amount": amount}, idempotency_key=None)
    if not act.refuses(answer) and act.intent(answer)[act.id] != original[act.id]:
        act.contradict(answer, f"the intent {original[act.id]}, or a refusal", answer.intents[0][act.id], f"/{act.id}")


@takes("member")
def test_body_keys_apart(act: Actor, args: Table) -> None:
    """The same create with another UUID under ``member`` gives another intent."""
    original = act.made(with_body_key(act, args).first)
    answer = submit(act, "create", "", act.body("create", {body_member(args): fresh_uuid(act)}), idempotency_key=None)
    if act.intent(answer)[act.id] == original[act.id]:
        act.contradict(answer, f"another intent under another {body_member(args)}", original[act.id], f"/{act.id}")
