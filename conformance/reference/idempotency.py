"""Doing a request once: the first answer to a key is kept and given again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from .choices import KEY_PATIENCE, KEY_RETENTION, LONGEST_KEY
from .errors import Refusal
from .model import Answer, Call
from .store import Kept, Place, Store

Execute = Callable[[], Answer]


def never_kept(store: Store, call: Call, now: float, execute: Execute) -> Answer:
    """For a provider whose operations know no idempotency key: each request is carried out."""
    return execute()


def per_account(call: Call) -> tuple[str, ...]:
    """A key counts for everything one account does."""
    return (call.caller.key,)


def per_path(call: Call) -> tuple[str, ...]:
    """A key counts for one method and path of one account."""
    return (call.caller.key, call.request.method, call.request.path)


def once_executed(answer: Answer) -> bool:
    """Keeps what took effect, declines included; not what was refused before."""
    return answer.executed


def always(answer: Answer) -> bool:
    """Keeps every answer, refusals too."""
    return True


def whole_request(call: Call) -> str:
    """The path and all parameters: another request than that conflicts with the key."""
    return json.dumps([call.request.path, call.params], sort_keys=True)


def whatever_is_asked(call: Call) -> str:
    """The key alone counts: whatever else is asked, it is the first request's."""
    return ""


def key_in_header(call: Call) -> str | None:
    """The header ``Idempotency-Key`` of a POST. Raises Refusal where it is empty or too long."""
    key = call.request.headers.get("Idempotency-Key")
    if key is None or call.request.method != "POST":
        return None
    if not 1 <= len(key) <= LONGEST_KEY:
        raise Refusal("bad_key", f"an idempotency key has 1 to {LONGEST_KEY} characters")
    return key


@dataclass(frozen=True)
class Idempotency:
    """Carries a request out once per key.

    ``scope`` is what a key is unique within, ``keeps`` tells which answers are kept, for ``retention`` seconds; ``key``
    finds a request's key, and ``asked`` what has to be the same when it comes again. ``in_flight`` is what becomes of a
    key that comes again before the first answer is there: it is refused, waits for that answer, or goes unnoticed.
    """

    scope: Callable[[Call], tuple[str, ...]]
    keeps: Callable[[Answer], bool]
    key: Callable[[Call], str | None] = key_in_header
    asked: Callable[[Call], str] = whole_request
    in_flight: Literal["refuse", "wait", "ignore"] = "wait"
    retention: float = KEY_RETENTION

    def place(self, call: Call) -> Place | None:
        """Where the call's answer is kept; None where it has no key. Raises Refusal where the key is not usable."""
        key = self.key(call)
        return None if key is None else (*self.scope(call), key)

    def __call__(self, store: Store, call: Call, now: float, execute: Execute) -> Answer:
        """The answer to the call, kept or new.

        Raises:
            Refusal: the key is not usable, was used with other parameters, or is in use.
        """
        place = self.place(call)
        if place is None:
            return execute()
        asked = self.asked(call)
        with store.keys:
            replay = self._looked_up(store, place, asked, now)
            if replay is not None:
                return replay
            store.under_way[place] = asked
        answer = None
        try:
            answer = execute()
            return answer
        finally:
            with store.keys:
                store.under_way.pop(place, None)
                if answer is not None and self.keeps(answer):
                    store.kept[place] = Kept(asked, answer, now)
                store.keys.notify_all()

    def _looked_up(self, store: Store, place: Place, asked: str, now: float) -> Answer | None:
        """The answer kept, or None once the key is free: a second use of it is refused or waits here."""
        patience = time.monotonic() + KEY_PATIENCE
        while True:
            kept = store.kept.get(place)
            if kept is not None and now - kept.at < self.retention:
                _expect_same(kept.fingerprint, asked)
                return replace(kept.answer, replayed=True)
            if place not in store.under_way or self.in_flight == "ignore":
                return None
            _expect_same(store.under_way[place], asked)
            left = patience - time.monotonic()
            if self.in_flight == "refuse" or left <= 0:
                raise Refusal("key_in_use", "a request with this idempotency key is under way")
            store.keys.wait(left)


def _expect_same(fingerprint: str, asked: str) -> None:
    if fingerprint != asked:
        raise Refusal("key_conflict", "this idempotency key was used with other parameters")
