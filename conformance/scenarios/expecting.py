"""What scenarios expect: refusals of a documented kind, and answers that say what was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.contract import ErrorKind
from conformance.rules.money import wrong_amounts
from conformance.scenarios.acting import NOTHING, Actor, Table, told
from conformance.scenarios.outcomes import Inapplicable
from conformance.sighting import Sighting, resolve

JUDGED = ("refusal", "not_success", "status", "type", "code", "param", "embeds_intent")


def expect_refusal(act: Actor, sighting: Sighting, args: Table, kind: str = "invalid_request", what: str = "") -> None:
    """The answer refuses, in the one respect that ``args["judge"]`` names.

    ``refusal`` (any 4xx), ``not_success``, ``status``, ``type``, ``code`` (as the error kind documents it), ``param``,
    ``embeds_intent``. Raises ``ValueError`` for another word, or where the kind documents nothing to compare with.
    """
    judge = args.get("judge", "refusal")
    documented = _kind(act, args, kind)
    if judge not in JUDGED or (judge in ("type", "code") and not getattr(documented, judge)):
        raise ValueError(f"nothing documented to judge by: {judge!r} of error kind {documented.name!r}")
    about = f" of {what}" if what else ""
    if judge == "not_success":
        if sighting.succeeded:
            act.contradict(sighting, f"a refusal{about}", told(sighting))
        return
    if not act.refuses(sighting, documented.status):
        act.contradict(sighting, f"a refusal{about} with a 4xx status", told(sighting))
    if judge == "status":
        wanted = documented.status or tuple(range(400, 500))
        if sighting.response.status not in wanted:
            shown = " or ".join(str(one) for one in wanted)
            act.contradict(sighting, f"HTTP {shown}{' on refusal' + about if about else ''}", told(sighting))
    elif judge in ("type", "code"):
        wanted_words: Sequence[str] = getattr(documented, judge)
        found = _member(act, sighting, judge)
        if found not in wanted_words:
            act.contradict(sighting, f"error {judge} {' or '.join(wanted_words)}{about}", _found(found, sighting))
    elif judge == "param":
        found = _member(act, sighting, "param")
        if found != args["param"]:
            act.contradict(sighting, f"error param {args['param']}{about}", _found(found, sighting))
    elif judge == "embeds_intent" and sighting.embedded is None:
        act.contradict(sighting, "the intent inside the error", "none")


def error_is(act: Actor, sighting: Sighting, kind: str) -> bool:
    """Whether a 4xx is of this error kind: by its type and code where they are documented, or else by its status."""
    documented = act.contract.error_kinds.get(kind, ErrorKind(kind))
    words = [(name, getattr(documented, name)) for name in ("type", "code") if getattr(documented, name)]
    if not words:
        return sighting.response.status in documented.status
    return not sighting.succeeded and all(_member(act, sighting, name) in allowed for name, allowed in words)


def _kind(act: Actor, args: Table, kind: str) -> ErrorKind:
    name = args.get("kind", kind)
    base = act.contract.error_kinds.get(name, ErrorKind(name))
    return ErrorKind(
        name,
        tuple(args.get("status", base.status)),
        tuple(args.get("type", base.type)),
        tuple(args.get("code", base.code)),
    )


def _member(act: Actor, sighting: Sighting, neutral: str) -> Any:
    return (sighting.error or {}).get(act.contract.settings["errors"].get(neutral, neutral))


def _found(value: Any, sighting: Sighting) -> str:
    return f"{value!r}" if value is not None else f"absent; {told(sighting)}"


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in a JSON value, itself included."""
    if isinstance(value, Mapping):
        yield value
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from objects(inner)


def differences(expected: Any, found: Any, fold: Sequence[str] = (), at: str = "") -> list[tuple[str, Any, Any]]:
    """(pointer, expected, found) wherever ``found`` does not hold all that ``expected`` holds.

    Mappings are compared member by member and may hold more; ``fold`` names members whose letter case is no matter.
    """
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping):
            return [(at, dict(expected), found)]
        return [
            difference
            for key, value in expected.items()
            for difference in differences(value, found.get(key), fold, f"{at}/{key}")
        ]
    if any(part in fold for part in at.split("/")) and isinstance(expected, str) and isinstance(found, str):
        expected, found = expected.lower(), found.lower()
    same = expected == found and isinstance(expected, bool) == isinstance(found, bool)
    return [] if same else [(at, expected, found)]


def expect_members(act: Actor, sighting: Sighting, intent: Table, args: Table, asked: Table = NOTHING) -> None:
    """The intent is as the row says: ``expect`` and ``expect_one_of`` name values, ``present`` and ``unset`` members.

    ``echoes`` are members that come back as ``asked``; an object stands for its id. With ``when_present`` an absent
    member is no contradiction.
    """
    lenient = bool(args.get("when_present"))
    echoed = {member: asked[member] for member in args.get("echoes", ())}
    shown = {key: value[act.id] if key in echoed and _has_id(act, value) else value for key, value in intent.items()}
    for at, expected, found in differences({**args.get("expect", {}), **echoed}, shown, args.get("fold_case", ())):
        if not (lenient and at.split("/")[1] not in intent):
            act.contradict(sighting, f"{at[1:]} = {expected!r}", found, at)
    for member, allowed in args.get("expect_one_of", {}).items():
        if intent.get(member) not in allowed and not (lenient and member not in intent):
            act.contradict(sighting, f"{member} is {' or '.join(map(str, allowed))}", intent.get(member), f"/{member}")
    for member in args.get("present", ()):
        if _value(intent, member) in (None, ""):
            act.contradict(sighting, f"{member} is set", intent.get(member), f"/{member}")
    for member in args.get("unset", ()):
        if _value(intent, member) is not None:
            act.contradict(sighting, f"{member} is null or absent", _value(intent, member), f"/{member}")


def expect_amounts(act: Actor, sighting: Sighting, intent: Table, args: Table, before: Table) -> None:
    """Members ``unchanged`` are as in the intent ``before``; amounts are ``equal`` to what is said, or ``positive``."""
    for member in args.get("unchanged", ()):
        if intent.get(member) != before.get(member):
            act.contradict(sighting, f"{member} unchanged: {before.get(member)!r}", intent.get(member), f"/{member}")
    named = (*args.get("equal", {}), *args.get("positive", ()))
    if args.get("when_present") and named and not any(member in intent for member in named):
        raise Inapplicable(f"the intent shows none of {', '.join(named)}, which the provider leaves optional")
    wrong = wrong_amounts(intent, args.get("equal", {}), args.get("positive", ()), bool(args.get("when_present")))
    for member, expected, found in wrong:
        act.contradict(sighting, f"{member} = {expected}", found, f"/{member}")


def _value(intent: Table, member: str) -> Any:
    return resolve(intent, "/" + member.replace(".", "/"))


def _has_id(act: Actor, value: Any) -> bool:
    return isinstance(value, Mapping) and act.id in value


def expect_status(act: Actor, sighting: Sighting, intent: Table, wanted: Sequence[str]) -> None:
    """The intent is in one of the statuses. Raises ``Inapplicable`` where it rightly shows none."""
    if act.status not in intent and act.status not in act.contract.schemas["payment_intent"].get("required", ()):
        raise Inapplicable(f"the intent shows no {act.status}, which the provider leaves optional")
    if intent.get(act.status) not in wanted:
        act.contradict(sighting, f"status {' or '.join(wanted)}", intent.get(act.status), f"/{act.status}")
