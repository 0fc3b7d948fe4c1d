"""Makers of lies, most of which change what the known-good server hears or says."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from conformance.reference.wire import Asked, Lie, Object, Said, Serve

Maker = Callable[[], Lie]

# -- lies: what is said --------------------------------------------------------------------------------------------

When = Callable[[Asked, Said], bool]
Change = Callable[[Object], object]
OPERATIONS = ("create", "retrieve", "confirm", "cancel")  # what a lie is about unless it names others


def says(change: Callable[[Asked, Said], object], *operations: str) -> Maker:
    """Alters the answers to these operations (or to all)."""

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation in (operations or OPERATIONS):
            change(asked, said)
        return said

    return lambda: lie


def shown(said: Said, body: Any) -> Iterator[Object]:
    """The intents in an answer: the body of a success, the items of a list, or the intent inside an error."""
    items = body.get("data") if isinstance(body, dict) else body
    if said.succeeded and isinstance(items, list):
        yield from items
    elif isinstance(body, dict):
        if said.succeeded:
            yield body
        elif isinstance(body.get("error"), dict) and isinstance(body["error"].get("payment_intent"), dict):
            yield body["error"]["payment_intent"]


def shows(change: Change, *operations: str, status: str = "", inside_errors: bool = True) -> Maker:
    """Alters each intent that is shown (in this status)."""

    def altered(asked: Asked, said: Said) -> None:
        body = said.json
        for intent in shown(said, body):
            if (said.succeeded or inside_errors) and (not status or intent.get("status") == status):
                change(intent)
                said.json = body

    return says(altered, *operations)


def error_of(body: Any) -> Object:
    """The error object, in either envelope."""
    inside = body.get("error")
    return inside if isinstance(inside, dict) else body


def tells(change: Change, *operations: str, status: int = 0) -> Maker:
    """Alters the error object of each refusal (with this HTTP status)."""

    def altered(asked: Asked, said: Said) -> None:
        if said.status >= 400 and status in (0, said.status):
            body = said.json
            change(error_of(body))
            said.json = body

    return says(altered, *operations)


def answers(status: int, *operations: str, when: int = 0) -> Maker:
    """Gives another HTTP status to successes, or to refusals with the status ``when``."""

    def altered(asked: Asked, said: Said) -> None:
        if said.status == when or (not when and said.succeeded):
            said.status = status

    return says(altered, *operations)


def sets(**members: Any) -> Change:
    """Gives members these values."""
    return lambda target: target.update(copy.deepcopy(members))


def drops(*members: str) -> Change:
    """Leaves members out."""
    return lambda target: [target.pop(member, None) for member in members]


def where(condition: Callable[[Object], object], change: Change) -> Change:
    """Makes the change only to some."""
    return lambda target: change(target) if condition(target) else None


def inside(member: str, change: Change) -> Change:
    """Makes the change to an object that is a member, where it is there."""
    return lambda target: change(target[member]) if isinstance(target.get(member), dict) else None


# -- lies: what is heard -------------------------------------------------------------------------------------------


def hears(change: Callable[[Object], object], *operations: str) -> Maker:
    """Alters the members of requests before the server reads them; an unreadable body stays as it is."""

    def lie(asked: Asked, serve: Serve) -> Said:
        members = asked.members
        if asked.operation in operations and members is not None:
            change(members)
            return serve(asked.saying(members))
        return serve(asked)

    return lambda: lie


def reads(member: str, wrong: Callable[[Any], object], instead: Any = None) -> Callable[[Object], None]:
    """Takes a wrong value of a member for another one (None: does not see the member)."""

    def change(members: Object) -> None:
        if member in members and wrong(members[member]):
            del members[member]
            if instead is not None:
                members[member] = instead

    return change


def takes_method(wrong: str, instead: str, member: str = "payment_method") -> Maker:
    """Takes one payment method for another one."""
    return hears(reads(member, lambda value: value == wrong, instead), "create", "confirm")


def both(*changes: Callable[[Object], object]) -> Callable[[Object], None]:
    """One change after the other."""

    def change(members: Object) -> None:
        for one in changes:
            one(members)

    return change


def together(*makers: Maker) -> Maker:
    """Several lies at once; the first stands closest to the client."""

    def nested(lies: list[Lie], asked: Asked, serve: Serve) -> Said:
        if not lies:
            return serve(asked)
        return lies[0](asked, lambda inner: nested(lies[1:], inner, serve))

    def make() -> Lie:
        lies = [maker() for maker in makers]
        return lambda asked, serve: nested(lies, asked, serve)

    return make


# -- who asks ---------------------------------------------------------------------------------------------------------


def credential(asked: Asked) -> str:
    """Whatever the request presents, empty where it is nothing."""
    return asked.headers.get("authorization", "") + asked.headers.get("x-api-key", "")


def anonymous(asked: Asked) -> bool:
    """The request presents no credential."""
    return not credential(asked)


def presents(word: str) -> Callable[[Asked], bool]:
    """The request's credential has this word in it."""
    return lambda asked: word in credential(asked)
