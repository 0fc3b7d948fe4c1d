"""Trials: each documented move from each status, tried once in a run and judged by every row that speaks of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from conformance.contract import Transition
from conformance.contract.lifecycle import path_to
from conformance.contract.loading import ANY_INTENT
from conformance.scenarios.acting import Actor, Table, told
from conformance.scenarios.outcomes import Inconclusive
from conformance.sighting import Sighting


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


def tried(act: Actor, move: Transition, status: str) -> Trial:
    """The move, tried on an intent in ``status`` (empty: on none), once in a run.

    Raises ``Inconclusive`` where no intent could be brought there, ``Inapplicable`` where the target lends too little.
    """
    return act.once((move.id, status), lambda: _performed(act, move, status))


def _performed(act: Actor, move: Transition, status: str) -> Trial:
    if move.operation == "create":
        return Trial({}, act.create({**move.create, **move.send}, method=move.method))
    kind, idle = _kind(act, move, status), act.memory.idle
    before = idle.pop(kind, None) or brought_about(act, move, status)
    made = Trial(before, attempted(act, move, before))
    if status != ANY_INTENT and _left_alone(act, move, made):
        idle[kind] = before
    return made


def attempted(act: Actor, move: Transition, intent: Table) -> Sighting:
    """The answer to the move's operation on an intent."""
    method = act.method_to_send(move, intent, move.method)
    return act.call(move.operation, str(intent[act.id]), move.send, method=method)


def changed_by_refusal(act: Actor, intent: Table, attempt: Callable[[], Sighting], what: str) -> None:
    """Makes an attempt on an intent between two looks at it, and compares what they show of status and money.

    The first look is taken twice: a copy that is read may be behind.

    Raises ``NonConformance`` where a refused attempt changed it, ``Inconclusive`` where it cannot be seen.
    """
    identifier = str(intent[act.id])
    act.looked(act.retrieve(identifier))
    before = act.looked(act.retrieve(identifier))
    answer = attempt()
    if not (act.refuses(answer) and act.leaves_intent(answer)):
        raise Inconclusive(f"{what} was answered {told(answer)} the second time")
    later = act.retrieve(identifier)
    after = act.looked(later)
    for member in act.watched:
        if before.get(member) != after.get(member):
            act.contradict(later, f"{member} as before {what}: {before.get(member)!r}", after.get(member), f"/{member}")


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


def brought_about(act: Actor, move: Transition, status: str) -> dict[str, Any]:
    """An intent in ``status`` (or an id that is nobody's), as the move wants it. Raises ``Inconclusive``."""
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
