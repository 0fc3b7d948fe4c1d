"""Makers of races: servers on which requests get into each other's way, or whose keys tell repeats apart too late.

What is to be certain lasts ``PAUSE`` seconds, in which whatever was sent together has begun. Only requests that may
have company take so long: those of the main thread come alone and are served at once. Each pause is slept through,
because a busy wait would keep the others from running.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from threading import Lock, RLock
from typing import Any, TypeVar

from conformance.reference.errors import Refusal
from conformance.reference.idempotency import Execute, Idempotency
from conformance.reference.model import Answer, Call, Intent, Page
from conformance.reference.operations import OPERATIONS
from conformance.reference.policies import Policies, Task
from conformance.reference.store import Place, Store
from conformance.reference.wire import Asked, Lie, Said, Serve

from .fault import Change
from .keys import linger
from .lies import Maker, says
from .listing import shows_page

PAUSE = 0.3

_T = TypeVar("_T")
Operation = Callable[[Task], Intent | Page]
Wrong = Callable[[Idempotency, Place, Store, Call, float, Execute], Answer]


def tells(lie: Maker) -> Change:
    """The change that makes a server tell this lie."""
    return lambda policies: replace(policies, lie=lie)


def both(*changes: Change) -> Change:
    """One change after the other."""

    def change(policies: Policies) -> Policies:
        for one in changes:
            policies = one(policies)
        return policies

    return change


# -- keys --------------------------------------------------------------------------------------------------------------


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


def _late(execute: Callable[[], _T], pause: float) -> Callable[[], _T]:
    def late() -> _T:
        linger(pause)
        return execute()

    return late


def _json(answer: Answer) -> Any:
    return json.loads(answer.body)


def _with(answer: Answer, payload: object) -> Answer:
    return replace(answer, body=Answer.of(200, payload).body)


# -- operations on one intent at once ----------------------------------------------------------------------------------

Writes = Callable[[Intent, Intent, Intent], Intent]


def all_of_it(found: Intent, outcome: Intent, present: Intent) -> Intent:
    """For ``overlooks``: the intent as the operation leaves what it found."""
    return outcome


def what_it_changes(found: Intent, outcome: Intent, present: Intent) -> Intent:
    """For ``overlooks``: the intent as it stands, with those members that the operation changes."""
    return replace(present, **{name: value for name, value in vars(outcome).items() if value != vars(found)[name]})


def added_up(found: Intent, outcome: Intent, present: Intent) -> Intent:
    """For ``overlooks``: what the operation receives comes on top of what was received."""
    received = present.amount_received + outcome.amount_received - found.amount_received
    return replace(outcome, amount_received=received)


def overlooks(operation: str, *others: str, writes: Writes = all_of_it, pause: float = PAUSE) -> Change:
    """Carries ``operation`` out on an intent as it was ``pause`` seconds ago; what ``others`` did since goes unseen.

    Where anything else was done to the intent in between, the operation takes place on the intent as it stands. Each of
    ``others`` looks at the intent after half of the pause, so that it does not matter which of them begins.
    """

    def change(policies: Policies) -> Policies:
        done: dict[str, list[str]] = {}

        def noting(name: str, act: Operation) -> Operation:
            def acting(task: Task) -> Intent | Page:
                outcome = act(task)
                done.setdefault(task.subject.id, []).append(name)
                return outcome

            return acting

        def late(act: Operation) -> Operation:
            def acting(task: Task) -> Intent | Page:
                found = task.subject
                before = len(done.get(found.id, ()))
                outcome = act(task)
                assert isinstance(outcome, Intent)
                linger(pause)
                with task.store.lock:
                    since = done.setdefault(found.id, [])[before:]
                    present = task.store.intents[found.id]
                    if set(since) <= set(others):
                        outcome = writes(found, outcome, present)
                    else:
                        outcome = act(replace(task, intent=present))
                        assert isinstance(outcome, Intent)
                    done[found.id].append(operation)
                    return task.store.save(outcome)

            return acting

        acts = _operations(policies)
        noted = {name: noting(name, acts[name]) for name in (*_CHANGES, *others) if name in acts and name != operation}
        changed = replace(policies, operations={**acts, **noted, operation: late(acts[operation])})
        return _beside(_after(changed, pause / 2, *others), operation)

    return change


def locks_kinds_apart(*operations: str) -> Change:
    """One operation of a kind at a time; those of different kinds take place side by side, ``PAUSE`` seconds long."""

    def change(policies: Policies) -> Policies:
        locks = {name: RLock() for name in operations}

        def isolation(store: Store, operation: str) -> AbstractContextManager[object]:
            return locks.get(operation, store.lock)

        acts = _operations(policies)
        late = {name: _then_late(acts[name]) for name in operations}
        return replace(policies, isolation=isolation, operations={**acts, **late})

    return change


def refuses_crowds(*operations: str) -> Change:
    """Refuses an operation for the intent's status where another of its kind is under way, and that other one, too."""

    def change(policies: Policies) -> Policies:
        acts, crowds = _operations(policies), Crowds()

        def alone(name: str) -> Operation:
            def acting(task: Task) -> Intent | Page:
                with crowds.joined((name, task.subject.id)) as company:
                    linger(PAUSE)
                    with task.store.lock:
                        present = task.store.intents[task.subject.id]
                        if company():
                            message = f"an intent that is {present.status} is being changed"
                            raise Refusal("unexpected_state", message, intent=present)
                        outcome = acts[name](replace(task, intent=present))
                        assert isinstance(outcome, Intent)
                        return task.store.save(outcome)

            return acting

        lonely = {name: alone(name) for name in operations}
        return _beside(replace(policies, operations={**policies.operations, **lonely}), *operations)

    return change


def mixes_up_creates(policies: Policies) -> Policies:
    """Makes one intent of creates under way at once, whoever sends them and under whatever keys."""
    act, making, lock = _operations(policies)["create"], list[Intent](), Lock()

    def create(task: Task) -> Intent | Page:
        with lock:
            if making:
                return making[0]
            intent = act(task)
            assert isinstance(intent, Intent)
            making.append(intent)
        linger(PAUSE)
        with lock:
            making.clear()
        return intent

    return _beside(replace(policies, operations={**policies.operations, "create": create}), "create")


_CHANGES = ("update", "confirm", "capture", "cancel")


def _operations(policies: Policies) -> dict[str, Operation]:
    """All operations, as the provider carries them out."""
    return {**OPERATIONS, **policies.operations}


def _beside(policies: Policies, *operations: str) -> Policies:
    """The policies with these operations carried out beside all others."""
    held = policies.isolation

    def isolation(store: Store, operation: str) -> AbstractContextManager[object]:
        return nullcontext() if operation in operations else held(store, operation)

    return replace(policies, isolation=isolation)


def _after(policies: Policies, pause: float, *operations: str) -> Policies:
    """The policies with these operations begun so many seconds late."""
    held = policies.isolation

    def isolation(store: Store, operation: str) -> AbstractContextManager[object]:
        if operation in operations:
            linger(pause)
        return held(store, operation)

    return replace(policies, isolation=isolation)


def _then_late(act: Operation) -> Operation:
    def acting(task: Task) -> Intent | Page:
        outcome = act(task)
        linger(PAUSE)
        return outcome

    return acting


class Crowds:
    """Who is at the same place at the same time."""

    def __init__(self) -> None:
        self._present: dict[Hashable, int] = {}
        self._crowded: set[Hashable] = set()
        self._lock = Lock()

    @contextmanager
    def joined(self, place: Hashable) -> Iterator[Callable[[], bool]]:
        """Is there while the block lasts; yields what tells whether anybody else was, since the place was empty."""
        with self._lock:
            here = self._present[place] = self._present.get(place, 0) + 1
            if here > 1:
                self._crowded.add(place)
        try:
            yield lambda: place in self._crowded
        finally:
            with self._lock:
                self._present[place] -= 1
                if not self._present[place]:
                    del self._present[place]
                    self._crowded.discard(place)


# -- what is said while others are served ------------------------------------------------------------------------------


def loses_creates() -> Maker:
    """Does not find an intent that was created while another was."""

    def make() -> Lie:
        crowds, lost = Crowds(), set[str]()

        def lie(asked: Asked, serve: Serve) -> Said:
            if asked.intent in lost:
                return serve(replace(asked, path=asked.path.replace(asked.intent, asked.intent + "0")))
            if asked.operation != "create":
                return serve(asked)
            with crowds.joined("create") as company:
                linger(PAUSE)
                said = serve(asked)
                if company() and said.succeeded:
                    lost.add(said.json["id"])
                return said

        return lie

    return make


def in_company(otherwise: Lie, *operations: str) -> Maker:
    """Does something else with all but the first of these operations that are under way on one intent at once."""

    def make() -> Lie:
        under_way: dict[str, int] = {}
        lock = Lock()

        def lie(asked: Asked, serve: Serve) -> Said:
            if asked.operation not in operations:
                return serve(asked)
            with lock:
                before = under_way.get(asked.intent, 0)
                under_way[asked.intent] = before + 1
            try:
                linger(PAUSE)
                return otherwise(asked, serve) if before else serve(asked)
            finally:
                with lock:
                    under_way[asked.intent] -= 1

        return lie

    return make


def lists_no_repeats() -> Maker:
    """Lists an intent no more once its create was repeated."""

    def make() -> Lie:
        made: set[str] = set()
        repeated: set[str] = set()

        def noted(asked: Asked, said: Said) -> None:
            body = said.json
            if said.succeeded and isinstance(body, dict) and "id" in body:
                (repeated if body["id"] in made else made).add(body["id"])

        notes = says(noted, "create")()
        lists = shows_page(lambda asked, items: [item for item in items if item["id"] not in repeated])()
        return lambda asked, serve: lists(asked, lambda inner: notes(inner, serve))

    return make
