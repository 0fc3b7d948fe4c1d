"""Makers of races: servers on which requests get into each other's way.

What is to be certain lasts ``PAUSE`` seconds, in which whatever was sent together has begun. Only requests that may
have company take so long: those of the main thread come alone and are served at once. Each pause is slept through,
because a busy wait would keep the others from running.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from threading import Lock, RLock

from conformance.reference.errors import Refusal
from conformance.reference.model import Intent, Page
from conformance.reference.operations import OPERATIONS
from conformance.reference.policies import Policies, Task
from conformance.reference.store import Store
from conformance.reference.wire import Asked, Lie, Said, Serve

from .fault import Change
from .keys import PAUSE, linger
from .lies import Maker, says
from .listing import shows_page

Operation = Callable[[Task], Intent | Page]


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
