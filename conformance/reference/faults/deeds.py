"""Lies that carry out, refuse or remember something else than the known-good server would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference.wire import Asked, Lie, Object, Said, Serve

from .lies import Change, Maker, error_of


def acts(lie: Lie) -> Maker:
    """A lie without memory."""
    return lambda: lie


def unchanged(target: Object) -> None:
    """No change."""


def instead_of_refusal(otherwise: Lie, *operations: str, kept: tuple[int, ...] = (401, 403)) -> Maker:
    """Does something else where the known-good server refuses these operations (but for the statuses ``kept``)."""

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation in operations and said.status >= 400 and said.status not in kept:
            return otherwise(asked.sending(idempotency_key=None), serve)
        return said

    return lambda: lie


def if_refused(why: Callable[[Said], object], otherwise: Lie, *operations: str) -> Maker:
    """Does something else where the known-good server refuses these operations with such an answer."""

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation in operations and said.status >= 400 and why(said):
            return otherwise(asked.sending(idempotency_key=None), serve)
        return said

    return acts(lie)


def with_status(status: int) -> Callable[[Said], bool]:
    """For ``if_refused``: the refusal has this status."""
    return lambda said: said.status == status


def coded(code: str) -> Callable[[Said], bool]:
    """For ``if_refused``: the refusal is a 400 with this code."""
    return lambda said: said.status == 400 and error_of(said.json).get("code") == code


def accepting(**members: Any) -> Lie:
    """Carries out a request with these members instead."""
    return lambda asked, serve: serve(asked.saying(members))


def showing(change: Change) -> Lie:
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


def confirms_again(change: Change, status: str = "succeeded", method: str = "") -> Maker:
    """Answers a confirm of an intent in ``status`` with success; from then on the intent looks changed.

    ``method`` names the member of which request or intent must have one.
    """

    def make() -> Lie:
        again: set[str] = set()

        def lie(asked: Asked, serve: Serve) -> Said:
            if asked.operation == "confirm" and asked.intent not in again:
                seen = serve(asked.retrieving())
                known = {**seen.json, **(asked.members or {})}
                if seen.succeeded and seen.json["status"] == status and (not method or known.get(method)):
                    again.add(asked.intent)
            if asked.intent in again and asked.operation in ("confirm", "retrieve"):
                return showing(change)(asked, serve)
            return serve(asked)

        return lie

    return make


def remembers(change: Change, seen: Callable[[Asked, Said], object]) -> Maker:
    """Shows an intent changed once an exchange about it was ``seen``."""

    def make() -> Lie:
        noted: set[str] = set()

        def lie(asked: Asked, serve: Serve) -> Said:
            said = serve(asked)
            if asked.intent in noted and said.succeeded:
                body = said.json
                change(body)
                said.json = body
            elif asked.intent and seen(asked, said):
                noted.add(asked.intent)
            return said

        return lie

    return make


def loses(seen: Callable[[Asked, Said], object]) -> Maker:
    """Does not find an intent any more once an exchange about it was ``seen``."""

    def make() -> Lie:
        lost: set[str] = set()

        def lie(asked: Asked, serve: Serve) -> Said:
            if asked.intent in lost:
                return serve(replace(asked, path=asked.path.replace(asked.intent, asked.intent + "0")))
            said = serve(asked)
            if asked.intent and seen(asked, said):
                lost.add(asked.intent)
            return said

        return lie

    return make


def keeps_to_stored(member: str) -> Maker:
    """Does not hear the method of a confirm where the intent has one."""

    def lie(asked: Asked, serve: Serve) -> Said:
        members = asked.members
        if asked.operation == "confirm" and members and member in members:
            found = serve(asked.retrieving())
            if found.succeeded and found.json.get(member):
                return serve(asked.saying({**members, member: found.json[member]}))
        return serve(asked)

    return lambda: lie


def answers_with(status: int, body: Any, when: Callable[[Asked], object]) -> Maker:
    """Answers some requests without looking at them."""

    def lie(asked: Asked, serve: Serve) -> Said:
        if when(asked):
            return Said(status, {"Content-Type": "application/json"}, json.dumps(body).encode())
        return serve(asked)

    return lambda: lie


def flattens(asked: Asked, said: Said) -> None:
    """Takes the error object out of its envelope."""
    if said.status >= 400:
        said.json = error_of(said.json)


def nests(asked: Asked, said: Said) -> None:
    """Puts an error that is the body into an envelope."""
    if said.status >= 400:
        said.json = {"error": said.json}


def in_html(asked: Asked, said: Said) -> None:
    """Has a page for an error."""
    if said.status >= 400:
        said.headers["Content-Type"] = "text/html"
        said.body = b"<h1>Bad request</h1>"


def declared_as_text(asked: Asked, said: Said) -> None:
    """Does not say that it is JSON."""
    said.headers["Content-Type"] = "text/plain"


def too_early(asked: Asked, serve: Serve) -> Said:
    """Answers a confirm before it is done: with the intent as it was."""
    before = serve(asked.retrieving()) if asked.operation == "confirm" else None
    said = serve(asked)
    return before if before and said.succeeded else said


def takes_repeats_for_one() -> Lie:
    """Answers a create without idempotency key with the intent of the request just before it, if that said the same."""
    last: list[tuple[Any, Said]] = []

    def lie(asked: Asked, serve: Serve) -> Said:
        told = (asked.path, asked.body, dict(asked.headers))
        if last and last[0][0] == told and asked.operation == "create" and "idempotency-key" not in asked.headers:
            return last[0][1]
        said = serve(asked)
        last[:] = [(told, said)]
        return said

    return lie


def confirms_unknown(sound: Object) -> Lie:
    """Makes an intent of its own where it is to confirm one that is none."""

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation != "confirm" or said.status != 404:
            return said
        path = asked.path.removesuffix("/confirm").rpartition("/")[0]
        made = serve(replace(asked, path=path).sending(idempotency_key=None).saying(sound))
        made.json = {name: value for name, value in made.json.items() if name != "client_secret"}
        return made

    return lie


def charging_all_the_same(member: str, method: str) -> Lie:
    """Refuses a confirm, and carries it out."""

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation == "confirm" and said.status == 400:
            serve(asked.sending(idempotency_key=None).saying({member: method}))
        return said

    return lie


def refuses(when: Callable[[Object], object], *operations: str) -> Maker:
    """Refuses sound requests, by reading an amount or method into them that is none."""
    spoiled = {"amount": "none", "payment_method": [], "payment_method_id": []}

    def lie(asked: Asked, serve: Serve) -> Said:
        members = asked.members
        if asked.operation in operations and members and when(members):
            return serve(asked.saying({**members, **({"unheard_of": "1"} if asked.is_form else spoiled)}))
        return serve(asked)

    return lambda: lie


def in_status(status: str, otherwise: Lie, *operations: str) -> Maker:
    """Does something else where these operations come upon an intent in a status."""

    def lie(asked: Asked, serve: Serve) -> Said:
        if asked.operation in operations:
            found = serve(asked.retrieving())
            if found.succeeded and found.json["status"] == status:
                return otherwise(asked.sending(idempotency_key=None), serve)
        return serve(asked)

    return acts(lie)


def counting(change: Callable[[Object, int], object]) -> Maker:
    """Shows an intent changed whenever it is retrieved again; the change is told how often it was already."""

    def make() -> Lie:
        times: dict[str, int] = {}

        def lie(asked: Asked, serve: Serve) -> Said:
            said = serve(asked)
            if asked.operation == "retrieve" and said.succeeded:
                seen = times[asked.intent] = times.get(asked.intent, -1) + 1
                if seen:
                    body = said.json
                    change(body, seen)
                    said.json = body
            return said

        return lie

    return make


def captured(asked: Asked, serve: Serve) -> Said:
    """Takes a cancel for a capture."""
    return serve(replace(asked, path=asked.path.replace("/cancel", "/capture")).saying({}))


def failing(asked: Asked, serve: Serve) -> Said:
    """Does what it is asked, and says that it has failed."""
    return replace(serve(asked), status=500)


def refusing(asked: Asked, serve: Serve) -> Said:
    """Refuses, by reading JSON that is none."""
    return serve(replace(asked, body=b"["))
