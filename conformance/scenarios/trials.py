"""What is done once in a run, to be judged by every row that speaks of it: each documented move from each status."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.contract import Transition
from conformance.contract.lifecycle import path_to
from conformance.contract.loading import ANY_INTENT
from conformance.evidence.finding import Cell
from conformance.scenarios.outcomes import Inapplicable, Inconclusive

if TYPE_CHECKING:
    from conformance.scenarios.acting import Actor, Table
    from conformance.sighting import Sighting

Value = TypeVar("Value")


@dataclass
class Trial:
    """An operation tried on an intent: the intent ``before`` (empty: none) and the answer."""

    before: Table
    answer: Sighting
    _after: Sighting | None = None

    def after(self, act: Actor) -> Sighting:
        """The intent as a retrieve showed it afterwards."""
        if self._after is None:
            self._after = act.retrieve(self._id(act))
        act.borrowed.append(self._after.number)
        return self._after

    def _id(self, act: Actor) -> str:
        answer = self.answer
        shown = self.before or answer.embedded or (answer.intents[0] if answer.intents else {})
        if act.id not in shown:
            raise Inconclusive(f"the answer (exchange {answer.number}) names no intent to look at")
        return str(shown[act.id])


class Trials:
    """What the scenarios of a run have done so far, and what they could not bring about; ``cells`` are for reports."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        self._done: dict[Hashable, tuple[Any, range]] = {}
        self._idle: dict[Hashable, Table] = {}

    def once(self, act: Actor, key: Hashable, make: Callable[[], Value]) -> Value:
        """What ``make`` gave when it was first asked for by this key.

        That something could not be brought about is kept too, and raised again: ``Inconclusive``, ``Inapplicable``.
        """
        if key not in self._done:
            last = act.client.history.last
            made: Value | Inconclusive | Inapplicable
            try:
                made = make()
            except (Inconclusive, Inapplicable) as reason:
                made = reason
            self._done[key] = made, range(last + 1, act.client.history.last + 1)
        made, exchanges = self._done[key]
        act.borrowed.extend(exchanges)
        if isinstance(made, Inconclusive | Inapplicable):
            raise made
        return made

    def of(self, act: Actor, move: Transition, status: str) -> Trial:
        """The move, tried on an intent in ``status`` (empty: on none). Raises as ``once`` does."""
        return self.once(act, (move.id, status), lambda: self._tried(act, move, status))

    def _tried(self, act: Actor, move: Transition, status: str) -> Trial:
        if move.operation == "create":
            return Trial({}, act.create({**move.create, **move.send}, method=move.method))
        kind = _kind(act, move, status)
        before = self._idle.pop(kind, None) or _prepared(act, move, status)
        method = act.method_to_send(move, before, move.method)
        trial = Trial(before, act.call(move.operation, str(before[act.id]), move.send, method=method))
        if status != ANY_INTENT and _left_alone(act, move, trial):
            self._idle[kind] = before
        return trial


def _kind(act: Actor, move: Transition, status: str) -> Hashable:
    """What the intent of a trial has to be; one of the same kind will do as well."""
    path = path_to(act.contract, status)
    method = move.method if path and path[0].method else ""
    return status, move.after, method, repr(sorted(move.create.items()))


def _left_alone(act: Actor, move: Transition, trial: Trial) -> bool:
    """Whether the trial was read or refused and the intent is seen to stand as before, so that it may serve again."""
    reads = act.contract.operations[move.operation].reads
    if not reads and (not 400 <= trial.answer.response.status < 500 or move.leaves):
        return False
    shown = (trial.answer if reads else trial.after(act)).intents
    return bool(shown) and all(shown[0].get(member) == trial.before.get(member) for member in act.watched)


def _prepared(act: Actor, move: Transition, status: str) -> dict[str, Any]:
    if status == ANY_INTENT:
        return {act.id: act.unknown_id()}
    if move.after:
        intent = act.after(move.after, move.create)
    elif first := _left_to_target(act, status):
        intents = (act.fresh(move.create, method=one.method) for one in first)
        intent = next((one for one in intents if one.get(act.status) == status), {})
    else:
        return act.reach(status, move.method, move.create)
    if intent.get(act.status) != status:
        raise Inconclusive(f"no intent is {status}")
    return intent


def _left_to_target(act: Actor, status: str) -> list[Transition]:
    """The creates that may leave an intent in this status or another, at the target's own choice."""
    moves = act.contract.transitions.values()
    return [move for move in moves if not move.sources and len(move.to) > 1 and status in move.to]
