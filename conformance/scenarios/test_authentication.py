"""Authentication: which credentials are taken, and which are refused how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from conformance.scenarios.acting import Actor, Table, for_each, told
from conformance.scenarios.arguments import REFUSAL, takes
from conformance.scenarios.expecting import expect_refusal, objects
from conformance.scenarios.listing import ask, need_served
from conformance.scenarios.outcomes import Inconclusive
from conformance.scenarios.performing import lent, need_another_key, once, prepared, submit
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


# -- a key that may do less, or another account's --------------------------------------------------------------------


@dataclass(frozen=True)
class Trespass:
    """An operation on ``intent`` tried with another credential, between two looks with the own key.

    ``answers`` are several where it was tried in several ways; ``watched`` are the members that no refusal may change.
    """

    intent: Table
    watched: tuple[str, ...]
    before: Table
    answers: tuple[Sighting, ...]
    after: Sighting


@takes("credential", "operation", "after", "create", "send", "client_secret", "hides", *REFUSAL)
def test_credential_cannot(act: Actor, args: Table) -> None:
    """An operation that the own key may perform on an intent is refused to another ``credential``, and changes nothing.

    The intent stands right after the transition ``after``, or is a fresh one, for a confirm with a method that
    succeeds; ``create`` are members of its create, ``send`` members of the request. With ``client_secret`` it is tried
    with the intent's as well. With ``hides`` the refusal shows nothing of the intent. What is refused to the own key
    too shows nothing.
    """
    about = f"{args['operation']} with {lent(act, args['credential'])}"
    asked = {name: value for name, value in args.items() if name != "hides"}
    tried = once(act, "cannot", asked, lambda: _trespass(act, args))

    def judge(answer: Sighting) -> None:
        expect_refusal(act, answer, {"judge": "not_success", **args}, "unauthenticated", about)
        for shown in objects(answer.body) if args.get("hides") else ():
            if shown.get(act.id) == tried.intent[act.id] and "amount" in shown:
                act.contradict(answer, f"a refusal of {about} that shows no intent", f"the intent {shown[act.id]}")

    for_each(tried.answers, judge)
    _expect_left(act, tried.watched, tried.before, tried.after, about)


def _trespass(act: Actor, args: Table) -> Trespass:
    """Tries it, and where it was refused performs it with the own key. Raises ``Inconclusive`` where that fails too."""
    operation, credential = args["operation"], args["credential"]
    need_another_key(act, credential)
    names = operation == "confirm" and act.needs_method_in_confirm()
    attached = {"method": "success"} if operation == "confirm" and not names else {}
    intent = prepared(act, {**attached, **{name: args[name] for name in ("after", "create") if name in args}})
    identifier = str(intent[act.id])
    reads = act.contract.operations[operation].reads
    body = {} if reads else act.body(operation, args.get("send", {}), method="success" if names else "")
    bodies = [body, {**body, "client_secret": _secret(intent)}] if args.get("client_secret") else [body]
    watched = (*act.watched, *body)
    before = _as_made(act, intent)
    answers = tuple(
        act.seen(act.client.call(operation, identifier, None if reads else one, credential=credential))
        for one in bodies
    )
    after = _left(act, identifier, watched, before)
    tried = Trespass(intent, watched, before, answers, after)
    refused = not any(answer.succeeded for answer in answers)
    if refused and not reads and not _differing(watched, before, act.looked(after)):
        act.made(submit(act, operation, identifier, body), f"{operation} with the own key")
    return tried


def _secret(intent: Table) -> str:
    """The intent's client secret. Raises ``Inconclusive`` where it shows none."""
    if not intent.get("client_secret"):
        raise Inconclusive("the intent shows no client secret")
    return str(intent["client_secret"])


def _as_made(act: Actor, intent: Table) -> Table:
    """The intent as a look with the own key shows it. Raises ``Inconclusive`` where that is not how it was made.

    A look may lag behind what was answered: what it shows later would be taken for somebody's doing.
    """
    for _ in range(2):
        shown = act.looked(act.retrieve(str(intent[act.id])))
        if not _differing([name for name in act.watched if name in intent and name in shown], intent, shown):
            return shown
    raise Inconclusive("a look does not show the intent as it was answered before")


def _left(act: Actor, identifier: str, watched: Sequence[str], before: Table) -> Sighting:
    """A look at an intent with the own key. Raises ``Inconclusive`` where each look shows it otherwise."""
    after = act.retrieve(identifier)
    shown = act.looked(after)
    if _differing(watched, before, shown) and _differing(watched, shown, act.looked(act.retrieve(identifier))):
        raise Inconclusive("the intent is another at each look, whatever is asked")
    return after


def _differing(watched: Iterable[str], before: Table, after: Table) -> list[str]:
    return [name for name in watched if before.get(name) != after.get(name)]


def _expect_left(act: Actor, watched: Iterable[str], before: Table, after: Sighting, what: str) -> None:
    """The intent is as it was ``before``, now that ``what`` was refused."""
    shown = act.looked(after)
    for name in _differing(watched, before, shown):
        expected = f"{name} = {before.get(name)!r}, as before the refusal of {what}"
        act.contradict(after, expected, shown.get(name), f"/{name}")


@takes("credential")
def test_credential_reads(act: Actor, args: Table) -> None:
    """An intent that is shown to the own key is shown to another ``credential``, which may read it, too."""
    identifier = str(act.fresh()[act.id])
    own = act.looked(act.retrieve(identifier))
    answer = act.retrieve(identifier, credential=args["credential"])
    shown = act.intent(answer, f"the intent, with {lent(act, args['credential'])}")
    if shown[act.id] != own[act.id]:
        act.contradict(answer, f"the intent {own[act.id]}, as for the own key", shown[act.id], f"/{act.id}")


@takes("client_secret", "expect", "absent")
def test_publishable_key_reads(act: Actor, args: Table) -> None:
    """A retrieve with a publishable key: ``client_secret`` is right, wrong, none, or other (another intent's)."""
    intent = act.fresh({"metadata": {"order": "1"}})
    wrong = (
        f"{intent[act.id]}_secret_{act.client.fresh('client_secret')}"  # not made of the right one, which is redacted
    )
    secrets: dict[str, Callable[[], str]] = {
        "right": lambda: str(intent.get("client_secret", "")),
        "wrong": lambda: wrong,
        "other": lambda: _secret(act.fresh()),
        "none": str,
    }
    shown = secrets[args["client_secret"]]()
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


@takes("create", "send", "client_secret")
def test_publishable_key_confirm_refused(act: Actor, args: Table) -> None:
    """A confirm with a publishable key is refused and changes nothing, where a plain one of its kind is not.

    It is refused for how the intent was made (``create``), for what is sent (``send``), or because the
    ``client_secret`` is ``other``: that of another intent.
    """
    usual = act.fresh(method="success")
    plain = act.confirm(str(usual[act.id]), {"client_secret": usual.get("client_secret", "")}, credential="publishable")
    if not plain.succeeded:
        raise Inconclusive(f"a publishable key cannot confirm even where it may: {told(plain)}")
    intent = act.fresh(args.get("create", {}), method="success")
    owner = act.fresh(method="success") if args.get("client_secret") == "other" else intent
    before = _as_made(act, intent)
    send = {"client_secret": owner.get("client_secret", ""), **args.get("send", {})}
    answer = act.confirm(str(intent[act.id]), send, credential="publishable")
    if not 400 <= answer.response.status < 500:
        act.contradict(answer, "a refusal for a publishable key", told(answer))
    after = _left(act, str(intent[act.id]), act.watched, before)
    _expect_left(act, act.watched, before, after, "confirm with a publishable key")
