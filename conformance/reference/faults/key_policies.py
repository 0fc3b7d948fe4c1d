"""Policies on keys that are wrong in one way: keys that are looked up too early, kept too late, or not for long.

What is to be certain lasts ``PAUSE`` seconds, as in ``races.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.reference.errors import Refusal
from conformance.reference.idempotency import Execute, Idempotency
from conformance.reference.model import Answer, Call
from conformance.reference.policies import Policies
from conformance.reference.store import Place, Store

from .fault import Change
from .keys import PAUSE, linger

Wrong = Callable[[Idempotency, Place, Store, Call, float, Execute], Answer]


def keyed(make: Callable[[], Wrong], *operations: str) -> Change:
    """Deals with keys (of these operations) in another way; ``make`` gives one with a memory of its own."""

    def change(policies: Policies) -> Policies:
        right, wrong = policies.idempotency, make()
        assert isinstance(right, Idempotency)

        def idempotency(store: Store, call: Call, now: float, execute: Execute) -> Answer:
            place = right.place(call) if not operations or call.operation in operations else None
            if place is None:
                return right(store, call, now, execute)
            return wrong(right, place, store, call, now, execute)

        return replace(policies, idempotency=idempotency)

    return change


def looks_up_keys_early(window: float, *operations: str) -> Change:
    """Looks a key up, and acts on what it found ``window`` seconds later; whoever comes in between finds the same."""

    def wrong(right: Idempotency, place: Place, store: Store, call: Call, now: float, execute: Execute) -> Answer:
        return replace(right, in_flight="ignore")(store, call, now, _late(execute, window))

    return keyed(lambda: wrong, *operations)


def stores_keys_late(delay: float, *operations: str) -> Change:
    """Knows a key only when ``delay`` seconds have gone by since it was used first."""

    def wrong(right: Idempotency, place: Place, store: Store, call: Call, now: float, execute: Execute) -> Answer:
        with store.keys:
            kept = store.kept.get(place)
        if kept is not None and now - kept.at < delay:
            return execute()
        return right(store, call, now, execute)

    return keyed(lambda: wrong, *operations)


def spoils_duplicates(change: Callable[[Answer], Answer], *operations: str) -> Change:
    """Gives a request that comes while the first with its key is under way a changed copy of the answer to that."""

    def wrong(right: Idempotency, place: Place, store: Store, call: Call, now: float, execute: Execute) -> Answer:
        with store.keys:
            known = place in store.kept
        answer = replace(right, in_flight="wait")(store, call, now, _late(execute, PAUSE))
        return change(answer) if answer.replayed and not known else answer

    return keyed(lambda: wrong, *operations)


def keeps_conflicts(*operations: str) -> Change:
    """Refuses a key for ever once it was refused because it was in use."""

    def make() -> Wrong:
        refused: set[Place] = set()

        def wrong(right: Idempotency, place: Place, store: Store, call: Call, now: float, execute: Execute) -> Answer:
            if place in refused:
                raise Refusal("key_in_use", "a request with this idempotency key is under way")
            try:
                return replace(right, in_flight="refuse")(store, call, now, _late(execute, PAUSE))
            except Refusal as refusal:
                if refusal.kind == "key_in_use":
                    refused.add(place)
                raise

        return wrong

    return keyed(make, *operations)


def never_frees_refused_keys() -> Change:
    """Takes a key for one in use, for ever, when it came with a request that was refused before it took effect."""

    def make() -> Wrong:
        refused: set[Place] = set()

        def wrong(right: Idempotency, place: Place, store: Store, call: Call, now: float, execute: Execute) -> Answer:
            if place in refused:
                raise Refusal("key_in_use", "a request with this idempotency key is under way")
            answer = right(store, call, now, execute)
            if not answer.executed:
                refused.add(place)
            return answer

        return wrong

    return keyed(make)


def forgives_repeats() -> Change:
    """Answers the repeat of what has failed with a success that shows no intent."""
    return _afterwards(
        lambda answer, execute: (
            Answer.of(200, {"object": "payment_intent"}) if answer.replayed and answer.status >= 400 else answer
        )
    )


def acts_behind_replays(*operations: str) -> Change:
    """Gives the first answer again, and carries the request out again all the same."""

    def again(answer: Answer, execute: Execute) -> Answer:
        if answer.replayed:
            execute()
        return answer

    return _afterwards(again, *operations)


def remembers_keys(most: int) -> Change:
    """Remembers only the last ``most`` keys."""

    def wrong(right: Idempotency, place: Place, store: Store, call: Call, now: float, execute: Execute) -> Answer:
        answer = right(store, call, now, execute)
        with store.keys:
            for oldest in list(store.kept)[:-most]:
                del store.kept[oldest]
        return answer

    return keyed(lambda: wrong)


def has_room_for_keys(most: int) -> Change:
    """Remembers the first ``most`` keys, and no other one."""

    def wrong(right: Idempotency, place: Place, store: Store, call: Call, now: float, execute: Execute) -> Answer:
        with store.keys:
            full = place not in store.kept and len(store.kept) >= most
        return execute() if full else right(store, call, now, execute)

    return keyed(lambda: wrong)


def forgets_keys_after_one_replay() -> Change:
    """Carries a request out again when it comes for the third time."""

    def wrong(right: Idempotency, place: Place, store: Store, call: Call, now: float, execute: Execute) -> Answer:
        answer = right(store, call, now, execute)
        if answer.replayed:
            with store.keys:
                store.kept.pop(place, None)
        return answer

    return keyed(lambda: wrong)


def per_process(policies: Policies) -> Policies:
    """Two processes behind one address, each of which knows only the keys that came to it."""
    return replace(policies, workers=2)


def an_id_alone(answer: Answer) -> Answer:
    """For ``spoils_duplicates``: of a success only the intent's id."""
    body = _json(answer)
    return _with(answer, {"id": body["id"]}) if answer.status < 300 else answer


def nothing_at_all(answer: Answer) -> Answer:
    """For ``spoils_duplicates``: a success without a body."""
    return replace(answer, status=200, body=b"")


def out_of_order(answer: Answer) -> Answer:
    """For ``spoils_duplicates``: an error of the server."""
    return replace(_with(answer, {"message": "duplicate key"}), status=500)


def another_intent(answer: Answer) -> Answer:
    """For ``spoils_duplicates``: the intent of a success under an id that nobody has."""
    body = _json(answer)
    return _with(answer, {**body, "id": f"{body['id'][:-4]}0000"}) if answer.status < 300 else answer


def _afterwards(change: Callable[[Answer, Execute], Answer], *operations: str) -> Change:
    def wrong(right: Idempotency, place: Place, store: Store, call: Call, now: float, execute: Execute) -> Answer:
        return change(right(store, call, now, execute), execute)

    return keyed(lambda: wrong, *operations)


def _late(execute: Execute, pause: float) -> Execute:
    def late() -> Answer:
        linger(pause)
        return execute()

    return late


def _json(answer: Answer) -> Any:
    return json.loads(answer.body)


def _with(answer: Answer, payload: object) -> Answer:
    return replace(answer, body=Answer.of(200, payload).body)
