"""Doing a request once: the first answer to a key is kept and given again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from .choices import KEY_RETENTION, LONGEST_KEY
from .errors import Refusal
from .model import Answer, Call
from .store import Kept, Store

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


@dataclass(frozen=True)
class Idempotency:
    """Idempotency by the header ``Idempotency-Key``: what a key is unique within, and which answers are kept."""

    scope: Callable[[Call], tuple[str, ...]]
    keeps: Callable[[Answer], bool]
    header: str = "Idempotency-Key"
    longest: int = LONGEST_KEY
    retention: float = KEY_RETENTION

    def __call__(self, store: Store, call: Call, now: float, execute: Execute) -> Answer:
        """The answer to the call, kept or new. Hold the store's lock.

        Raises:
            Refusal: the key is not usable, or was used with other parameters.
        """
        key = call.request.headers.get(self.header)
        if key is None or call.request.method != "POST":
            return execute()
        if not 1 <= len(key) <= self.longest:
            raise Refusal("bad_key", f"an idempotency key has 1 to {self.longest} characters")
        place = (*self.scope(call), key)
        fingerprint = json.dumps([call.request.path, call.params], sort_keys=True)
        kept = store.kept.get(place)
        if kept is not None and now - kept.at < self.retention:
            if kept.fingerprint != fingerprint:
                raise Refusal("key_conflict", "this idempotency key was used with other parameters")
            return replace(kept.answer, replayed=True)
        answer = execute()
        if self.keeps(answer):
            store.kept[place] = Kept(fingerprint, answer, now)
        return answer
