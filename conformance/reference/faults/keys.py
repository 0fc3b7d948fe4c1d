"""Lies about idempotency keys. A maker without operations speaks of all that carry a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock, current_thread, main_thread
from time import sleep

from conformance.reference.wire import Asked, Lie, Said, Serve

from .lies import Maker, credential

KEY = "idempotency-key"
PAUSE = 0.3  # seconds in which whatever was sent together has begun


def comes_alone() -> bool:
    """The request is one of the main thread, which sends one at a time."""
    return current_thread() is main_thread()


def linger(seconds: float) -> None:
    """Takes so long over a request that may have company, and no time over one that comes alone."""
    if not comes_alone():
        sleep(seconds)


def rekeys(change: Callable[[str], str | None], *operations: str) -> Maker:
    """Reads another key than was sent: a shorter one, or none (None). An empty one is refused."""

    def lie(asked: Asked, serve: Serve) -> Said:
        if KEY in asked.headers and (not operations or asked.operation in operations):
            return serve(asked.sending(idempotency_key=change(asked.headers[KEY])))
        return serve(asked)

    return lambda: lie


def ignores_keys(*operations: str) -> Maker:
    """Carries out every request, whatever its key."""
    return rekeys(lambda key: None, *operations)


def demands_keys(*operations: str) -> Maker:
    """Refuses requests without a key."""

    def lie(asked: Asked, serve: Serve) -> Said:
        if asked.operation in operations and KEY not in asked.headers:
            return serve(asked.sending(idempotency_key=""))
        return serve(asked)

    return lambda: lie


def leaves_unmarked(header: str, when: Callable[[Said], bool] = lambda said: True) -> Maker:
    """Does not mark replays (of such answers) as such."""

    def altered(asked: Asked, said: Said) -> None:
        if when(said):
            said.headers = {name: text for name, text in said.headers.items() if name.lower() != header.lower()}

    return _with_keys(altered)


def marks_all(header: str) -> Maker:
    """Marks first answers, too, as replays."""
    return _with_keys(lambda asked, said: said.headers.update({header: "true"}))


def alters_replays(header: str, change: Callable[[Said], object]) -> Maker:
    """Alters answers that are marked as replays."""

    def altered(asked: Asked, said: Said) -> None:
        if any(name.lower() == header.lower() for name in said.headers):
            change(said)

    return _with_keys(altered)


def _with_keys(change: Callable[[Asked, Said], None]) -> Maker:
    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if KEY in asked.headers:
            change(asked, said)
        return said

    return lambda: lie


def keeps(
    place: Callable[[Asked], object],
    *operations: str,
    when: Callable[[Said], bool] = lambda said: True,
    mark: str = "",
) -> Maker:
    """Gives the first answer to a key and ``place`` again, whatever else the request says.

    Only answers such as ``when`` are kept; ``mark`` names the header that marks a replay.
    """

    def make() -> Lie:
        kept: dict[object, Said] = {}
        lock = Lock()

        def lie(asked: Asked, serve: Serve) -> Said:
            if KEY not in asked.headers or (operations and asked.operation not in operations):
                return serve(asked)
            here = (asked.headers[KEY], place(asked))
            with lock:  # one request after the other: it is no race that is to be seen
                if here not in kept:
                    said = serve(asked)
                    if when(said):
                        kept[here] = replace(said, headers=dict(said.headers))
                    return said
            marks = {mark: "true"} if mark else {}
            return replace(kept[here], headers={**kept[here].headers, **marks})

        return lie

    return make


def whole_request(asked: Asked) -> object:
    """A place for ``keeps``: all that a request says, but not who says it."""
    return asked.method, asked.path, asked.body


def any_body(asked: Asked) -> object:
    """A place for ``keeps``: operation and intent of the caller's request, but not what it says."""
    return asked.method, asked.path, credential(asked)


def any_operation(asked: Asked) -> object:
    """A place for ``keeps``: only whose request it is."""
    return credential(asked)


def forgets(when: Callable[[Said], bool], *operations: str) -> Maker:
    """Carries out anew, under its key, what it has answered in such a way."""

    def make() -> Lie:
        forgotten: set[object] = set()
        lock = Lock()

        def lie(asked: Asked, serve: Serve) -> Said:
            if KEY not in asked.headers or (operations and asked.operation not in operations):
                return serve(asked)
            here = (asked.headers[KEY], any_body(asked))
            with lock:  # one request after the other: it is no race that is to be seen
                said = serve(asked.sending(idempotency_key=None) if here in forgotten else asked)
                if when(said):
                    forgotten.add(here)
            return said

        return lie

    return make


Conflict = Callable[[Asked, Serve, Said, Said], Said]


def in_conflict(otherwise: Conflict, *operations: str) -> Maker:
    """Does something else where a used key comes with another body and is refused.

    ``otherwise`` gets the request, the server, the first answer to the key and the refusal.
    """

    def make() -> Lie:
        first: dict[object, tuple[bytes, Said]] = {}

        def lie(asked: Asked, serve: Serve) -> Said:
            said = serve(asked)
            if KEY not in asked.headers or (operations and asked.operation not in operations):
                return said
            here = (asked.headers[KEY], any_body(asked))
            body, original = first.setdefault(here, (asked.body, replace(said, headers=dict(said.headers))))
            if body == asked.body or said.succeeded:
                return said
            return otherwise(asked, serve, original, said)

        return lie

    return make


def carried_out(asked: Asked, serve: Serve, first: Said, refusal: Said) -> Said:
    """For ``in_conflict``: as if the key were new."""
    return serve(asked.sending(idempotency_key=None))


def carried_out_and_refused(asked: Asked, serve: Serve, first: Said, refusal: Said) -> Said:
    """For ``in_conflict``: refused, and carried out all the same."""
    serve(asked.sending(idempotency_key=None))
    return refusal


def refused_with_intent(asked: Asked, serve: Serve, first: Said, refusal: Said) -> Said:
    """For ``in_conflict``: refused with the first intent around the error."""
    refusal.json = {**first.json, **refusal.json}
    return refusal


def knows_keys_late(pause: float = PAUSE) -> Maker:
    """Does not know a key while the first request with it is under way.

    That takes ``pause`` seconds, as does any other, so that none is sent after another's answer; but for a request of
    the main thread, which comes alone.
    """

    def make() -> Lie:
        under_way: set[object] = set()
        lock = Lock()

        def lie(asked: Asked, serve: Serve) -> Said:
            if KEY not in asked.headers or asked.operation != "create":
                return serve(asked)
            here = (asked.headers[KEY], any_body(asked))
            with lock:
                known = here in under_way
                under_way.add(here)
            linger(pause)
            if known:
                return serve(asked.sending(idempotency_key=None))
            said = serve(asked)
            with lock:
                under_way.discard(here)
            return said

        return lie

    return make


def in_an_array(said: Said) -> None:
    """For ``alters_replays``: puts the replay of a success into an array."""
    if said.succeeded:
        said.json = [said.json]


def at_once(otherwise: Lie, *, but_the_first: bool = False) -> Maker:
    """Does something else with creates that come at once: not from the main thread, whose requests come alone.

    ``but_the_first``: not with the first of a key.
    """

    def make() -> Lie:
        first: dict[str, object] = {}

        def lie(asked: Asked, serve: Serve) -> Said:
            if asked.operation != "create" or comes_alone():
                return serve(asked)
            mine = object()
            is_first = first.setdefault(asked.headers.get(KEY, ""), mine) is mine
            return serve(asked) if but_the_first and is_first else otherwise(asked, serve)

        return lie

    return make


def collides(*operations: str) -> Maker:
    """Refuses the replay of a key, as if another request had come with it."""

    def make() -> Lie:
        used: set[object] = set()

        def lie(asked: Asked, serve: Serve) -> Said:
            members = asked.members
            if KEY not in asked.headers or asked.operation not in operations or members is None:
                return serve(asked)
            here = (asked.headers[KEY], any_body(asked))
            if here in used:
                return serve(asked.saying({**members, "metadata[again]" if asked.is_form else "description": "again"}))
            used.add(here)
            return serve(asked)

        return lie

    return make
