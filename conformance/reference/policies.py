"""A provider's behaviour as replaceable pieces: ``dataclasses.replace`` of one makes a server with one fault."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Request

from .errors import Errors
from .idempotency import Execute
from .identifiers import Identifiers
from .instruments import Instruments
from .lifecycle import Lifecycle
from .listing import Listing, bare
from .model import Answer, Call, Caller, Intent, Page, Params
from .rendering import View, nothing_expanded
from .routing import Route
from .store import Store
from .wire import Lie


def anyone(call: Call, intent: Intent | None) -> None:
    """Access for every caller that is known."""


def as_sent(operation: str, params: Params) -> Params:
    """Parameters that already have the names and values the operations read."""
    return params


def one_at_a_time(store: Store, operation: str) -> AbstractContextManager[object]:
    """What an operation holds while it takes place: the lock on everything."""
    return store.lock


@dataclass(frozen=True)
class Policies:
    """Everything that makes the server one provider's.

    ``access`` refuses callers who may not do this; ``reading`` gives checked parameters the names and defaults that the
    operations read; ``expansion`` tells which members the caller wants whole; ``headers`` are the protocol's, added to
    every answer; ``success`` is the status of an operation that went through, 200 unless it says otherwise;
    ``listing`` chooses the intents of a page, ``paging`` renders the page around its rendered items; ``operations`` are
    those that only this provider has, or carries out in its own way; ``isolation`` is what one holds while it takes
    place. ``lie`` makes what stands between this server and its clients; an honest one has none. ``workers`` is the
    number of processes that share the address, each with keys of its own: more than one needs a socket.
    """

    base_path: str
    routes: tuple[Route, ...]
    wrong_method: str
    authentication: Callable[[Request], Caller]
    decoding: Callable[[Request], Params]
    validation: Callable[[str, Params], Params]
    instruments: Instruments
    identifiers: Identifiers
    lifecycle: Lifecycle
    idempotency: Callable[[Store, Call, float, Execute], Answer]
    errors: Errors
    rendering: Callable[[Intent, View], Mapping[str, Any]]
    headers: Callable[[Request, Answer], Mapping[str, str]]
    access: Callable[[Call, Intent | None], None] = anyone
    reading: Callable[[str, Params], Params] = as_sent
    expansion: Callable[[Request, Params], frozenset[str]] = nothing_expanded
    success: Mapping[str, int] = field(default_factory=dict)
    listing: Listing = field(default_factory=Listing)
    paging: Callable[[list[Mapping[str, Any]], Page, View], Any] = bare
    operations: Mapping[str, Callable[[Task], Intent | Page]] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    isolation: Callable[[Store, str], AbstractContextManager[object]] = one_at_a_time
    lie: Callable[[], Lie] | None = None
    workers: int = 1


@dataclass(frozen=True)
class Task:
    """One operation to carry out for an account, at a moment in seconds; ``intent`` is None where it is about none."""

    policies: Policies
    store: Store
    params: Params
    intent: Intent | None
    now: float
    account: str = ""

    @property
    def subject(self) -> Intent:
        """The intent the operation is about."""
        assert self.intent is not None
        return self.intent
