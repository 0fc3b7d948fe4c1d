"""What a faulty server does wrong: makers of lies, most of which change what the known-good server hears or says."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .faulty import Asked, Lie, Object, Said, Serve

Maker = Callable[[], Lie]

# -- lies: what is said --------------------------------------------------------------------------------------------

When = Callable[[Asked, Said], bool]
Change = Callable[[Object], object]
OPERATIONS = ("create", "retrieve", "confirm", "cancel")


def says(change: Callable[[Asked, Said], object], *operations: str) -> Maker:
    """Alters the answers to these operations (or to all)."""

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation in (operations or OPERATIONS):
            change(asked, said)
        return said

    return lambda: lie


def shown(said: Said, body: Any) -> Iterator[Object]:
    """The intents in an answer: the body of a success, or the intent inside an error."""
    if isinstance(body, dict):
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
        if asked.operation in operations and members:
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


# -- lies: what is done ----------------------------------------------------------------------------------------------


def acts(lie: Lie) -> Maker:
    """A lie without memory."""
    return lambda: lie


def instead_of_refusal(otherwise: Lie, *operations: str, kept: tuple[int, ...] = (401, 403)) -> Maker:
    """Does something else where the known-good server refuses these operations (but for the statuses ``kept``)."""

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation in operations and said.status >= 400 and said.status not in kept:
            return otherwise(asked, serve)
        return said

    return lambda: lie


def accepting(**members: Any) -> Lie:
    """Carries out a request with these members instead."""
    return lambda asked, serve: serve(asked.saying(members))


def showing(change: Change = drops()) -> Lie:
    """Answers with the intent as it stands, changed."""

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked.retrieving())
        body = said.json
        change(body)
        said.json = body
        return said

    return lie


def trusts(right: Mapping[str, str], *operations: str, when: Callable[[Asked], object] = bool) -> Maker:
    """Puts the right key in place of whatever these operations carry."""

    def lie(asked: Asked, serve: Serve) -> Said:
        return serve(asked.sending(**right) if asked.operation in operations and when(asked) else asked)

    return lambda: lie


def confirms_again(change: Change, status: str = "succeeded") -> Maker:
    """Answers a confirm of an intent in ``status`` with success; from then on the intent looks changed."""

    def make() -> Lie:
        again: set[str] = set()

        def lie(asked: Asked, serve: Serve) -> Said:
            if asked.operation == "confirm" and asked.intent not in again:
                seen = serve(asked.retrieving())
                if seen.succeeded and seen.json["status"] == status:
                    again.add(asked.intent)
            if asked.intent in again and asked.operation in ("confirm", "retrieve"):
                return showing(change)(asked, serve)
            return serve(asked)

        return lie

    return make


def forgets(operation: str, change: Change, after: str = "confirm") -> Maker:
    """Shows intents changed to ``operation`` once ``after`` was asked of them."""

    def make() -> Lie:
        seen: set[str] = set()

        def lie(asked: Asked, serve: Serve) -> Said:
            said = serve(asked)
            if asked.operation == after:
                seen.add(asked.intent)
            if asked.operation == operation and asked.intent in seen and said.succeeded:
                body = said.json
                change(body)
                said.json = body
            return said

        return lie

    return make
