"""Explains a burst by an order of its calls, or names the fewest answers that no order explains."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, combinations
from typing import Any, TypeVar

from conformance.contract import Contract
from conformance.linearizability.calls import Answer, Call, Shown
from conformance.linearizability.model import Model
from conformance.linearizability.search import Steps, Timed, TooHard, find_order
from conformance.linearizability.telling import tell

_UNKNOWN = Answer("unknown")

Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True)
class Explanation:
    """The exchanges in an order that explains all answers. Those without effect may be missing."""

    order: tuple[int, ...]


@dataclass(frozen=True)
class Contradiction:
    """The fewest answers that no order explains, whatever the other calls did.

    ``exchanges`` are their numbers: none where the final look alone cannot be explained. ``at`` is a JSON pointer to
    the member in which they contradict each other, empty where it is more than one.
    """

    exchanges: tuple[int, ...]
    expected: str
    actual: str
    at: str = ""


def explain(
    contract: Contract,
    before: Mapping[str, Any] | None,
    calls: Sequence[Call],
    after: Mapping[str, Any] | None,
    *,
    most_steps: int = 200_000,
) -> Explanation | Contradiction:
    """Whether some order of the calls of a burst explains their answers and what was left.

    ``before`` is the intent as it was seen before them (None: they create intents of their own), ``after`` as it was
    seen when all were over (None: nobody looked). A call that ended before another started comes before it.

    Raises ``TooHard`` where no order was found in ``most_steps`` steps, and no contradiction either.
    """
    if calls and all(call.operation == "create" for call in calls):
        return _creates(contract, calls, most_steps)
    return _Burst(contract, before, calls, after, most_steps).explain()


def _creates(contract: Contract, calls: Sequence[Call], most_steps: int) -> Explanation | Contradiction:
    """Creates have nothing to do with each other, unless they share a key, but for their ids."""
    groups: dict[str, list[Call]] = {}
    for call in calls:
        groups.setdefault(call.key or f" {call.number}", []).append(call)
    points: dict[int, float] = {}  # a moment for each call, within its time
    for group in groups.values():
        found = _Burst(contract, None, group, None, most_steps, calls).explain()
        if isinstance(found, Contradiction):
            return found
        started = {call.number: call.started for call in group}
        moments = accumulate((started[number] for number in found.order), max)
        points.update(zip(found.order, moments, strict=True))
    seen: dict[str, Call] = {}
    for call in calls:
        identifier = call.answer.shown.id
        if identifier is None:
            continue
        first = seen.setdefault(identifier, call)
        if first is not call and (first.key != call.key or not call.key):
            numbers = tuple(sorted((first.number, call.number)))
            return Contradiction(
                numbers,
                "an intent of its own for each create" + (" with a key of its own" if call.key else " without a key"),
                f"{identifier} (exchanges {numbers[0]} and {numbers[1]})",
                f"/{contract.settings['members']['id']}",
            )
    return Explanation(tuple(sorted(points, key=lambda number: points[number])))


@dataclass(frozen=True)
class _Evidence:
    """What is searched: see ``find_order``."""

    answered: tuple[Timed, ...]
    lost: tuple[Timed, ...]
    forgotten: tuple[Timed, ...] = ()

    @classmethod
    def of(cls, calls: Sequence[Timed]) -> _Evidence:
        unknown = [timed.shape.answer.kind == "unknown" for timed in calls]
        answered, lost = (
            tuple(timed for timed, one in zip(calls, unknown, strict=True) if one is wanted) for wanted in (False, True)
        )
        return cls(answered, lost)


class _Burst:
    """One burst on one intent, or of creates with one key. ``beside`` are all calls that were under way with them."""

    def __init__(
        self,
        contract: Contract,
        before: Mapping[str, Any] | None,
        calls: Sequence[Call],
        after: Mapping[str, Any] | None,
        most_steps: int,
        beside: Sequence[Call] = (),
    ) -> None:
        self.contract, self.calls, self.most_steps = contract, calls, most_steps
        self.beside = beside or calls
        self.left = 2 * most_steps  # for the search of the fewest answers
        self.forgotten: dict[int, Timed] = {}  # the calls without their answers, by number
        self.after = Shown.of(contract, after) if after is not None else None
        self.model = Model(contract, before, calls)
        self.keys = Counter((call.operation, call.key) for call in calls if call.key)
        moves = [move for move in contract.transitions.values() if not contract.operations[move.operation].reads]
        self.passing_through = {move.operation for move in moves if move.via}
        self.bringing_about = self.passing_through | {
            move.operation for move in moves if {*move.to} & {*contract.passing}
        }

    def explain(self) -> Explanation | Contradiction:
        calls = []
        for call in self.calls:
            overlapping = any(other is not call and _overlap(call, other) for other in self.beside)
            if call.answer.kind == "limited":
                continue
            if call.answer.kind == "conflict":
                if overlapping or self._has_used_its_key(call):
                    continue
                if not call.answer.claims_state:
                    return self._conflict_with_nobody(call)
            calls.append(self._timed(call, _taken_as(call.answer), beside=overlapping))
        try:
            if order := self._order(_Evidence.of(calls)):
                return order
        except TooHard:
            pass  # with fewer answers it may be easier
        evidence = self._excused(calls)
        try:
            if order := self._order(evidence):
                return order
        except TooHard:
            lenient = _Evidence(evidence.answered, (), (*evidence.forgotten, *evidence.lost))
            if (few := self._few(lenient)) is None:
                raise
            return self._contradiction(few, lenient)
        return self._contradiction((*evidence.answered, self.after), evidence)

    def _order(self, evidence: _Evidence) -> Explanation | None:
        steps = Steps(self.most_steps)
        order = find_order(self.model, evidence.answered, evidence.lost, evidence.forgotten, self.after, steps)
        return None if order is None else Explanation(order)

    def _excused(self, calls: Sequence[Timed]) -> _Evidence:
        """The evidence without what another call may have made a call see while it was half done.

        Then a call is refused, or shows a passing status, although no moment before or after the other one explains it.
        """
        by_number = {call.number: call for call in self.calls}
        counted, forgotten = [], []
        for timed in calls:
            call = by_number[timed.number]
            others = (other for other in self.beside if other is not call and _overlap(call, other))
            excused = (call.answer.claims_state or self._shows_half_done(call)) and any(
                self._passes_through(other, call) for other in others
            )
            if not excused:
                counted.append(timed)
            elif call.answer.kind == "shown":
                forgotten.append(self._forget(timed))
        return replace(_Evidence.of(counted), forgotten=tuple(forgotten))

    def _timed(self, call: Call, answer: Answer, *, beside: bool) -> Timed:
        shared = bool(call.key) and self.keys[call.operation, call.key] > 1
        ended = math.inf if answer.kind == "unknown" else call.ended
        return Timed(call.number, call.started, ended, self.model.shape(call, answer, shared=shared, beside=beside))

    def _has_used_its_key(self, call: Call) -> bool:
        """Whether another call with the same key was begun before this one was over."""
        others = (other for other in self.beside if other is not call and other.key == call.key)
        return bool(call.key) and any(other.started <= call.ended for other in others)

    def _passes_through(self, other: Call, call: Call) -> bool:
        """Whether ``other`` was carried out and may have shown a passing status to ``call`` on its way."""
        carried_out = other.answer.kind in ("shown", "unknown") or (
            other.answer.kind == "refused" and not other.answer.claims_state
        )
        same = bool(call.key) and (call.operation, call.key) == (other.operation, other.key)
        return carried_out and not same and other.operation in self.passing_through

    def _shows_half_done(self, call: Call) -> bool:
        return call.answer.shown.status in self.contract.passing and call.operation not in self.bringing_about

    def _conflict_with_nobody(self, call: Call) -> Contradiction:
        expected = f"{call.operation} (exchange {call.number}) conflicts with a call that was under way beside it"
        return Contradiction((call.number,), expected, "no other call of the burst was under way")

    # -- the fewest answers ----------------------------------------------------------------------------------------

    def _unexplained(self, kept: Sequence[Timed | Shown | None], evidence: _Evidence) -> bool:
        """Whether it is certain that no order explains these answers, the others being forgotten."""
        chosen = {one.number: one for one in kept if isinstance(one, Timed)}
        after = next((one for one in kept if isinstance(one, Shown)), None)
        others = [*evidence.forgotten, *(self._forget(one) for one in evidence.answered if one.number not in chosen)]
        steps = Steps(min(self.most_steps // 10, self.left))
        try:
            return find_order(self.model, [*chosen.values()], evidence.lost, others, after, steps) is None
        except TooHard:
            return False
        finally:
            self.left -= steps.taken + len(self.calls)

    def _forget(self, timed: Timed) -> Timed:
        if timed.number not in self.forgotten:
            call = next(one for one in self.calls if one.number == timed.number)
            self.forgotten[timed.number] = self._timed(call, _UNKNOWN, beside=True)
        return self.forgotten[timed.number]

    def _few(self, evidence: _Evidence) -> tuple[Timed | Shown | None, ...] | None:
        """Answers that nothing explains, where all together are too many; None where none were found."""
        for kept in self._parts(evidence.answered):
            if self.left <= 0:
                return None
            if self._unexplained(kept, evidence):
                return kept
        return None

    def _parts(self, answered: Sequence[Timed]) -> Iterator[tuple[Timed | Shown | None, ...]]:
        """All answers, those of each operation, and of all shapes single ones and pairs."""
        yield (*answered, self.after)
        for operation in dict.fromkeys(one.shape.operation for one in answered):
            yield (*(one for one in answered if one.shape.operation == operation), self.after)
        shapes: dict[object, list[Timed]] = {}
        for one in answered:
            shapes.setdefault(one.shape, []).append(one)
        items: list[Timed | Shown | None] = [self.after, *(one for alike in shapes.values() for one in alike[:2])]
        yield from combinations(items, 1)
        yield from combinations(items, 2)

    def _contradiction(self, kept: Sequence[Timed | Shown | None], evidence: _Evidence) -> Contradiction:
        order = {"shown": 0, "refused": 1}
        timed = sorted((one for one in kept if isinstance(one, Timed)), key=lambda one: order[one.shape.answer.kind])
        items: list[Timed | Shown] = [*timed, *(one for one in kept if isinstance(one, Shown))]
        fewest = _fewest(items, lambda some: self._unexplained(some, evidence))
        answers = sorted((one for one in fewest if isinstance(one, Timed)), key=lambda one: one.number)
        after = next((one for one in fewest if isinstance(one, Shown)), None)
        let_go = [self._forget(one) for one in evidence.answered if one not in answers]
        others = [*evidence.forgotten, *evidence.lost, *let_go]
        expected, actual, at = tell(self.contract, self.model, answers, after, others)
        return Contradiction(tuple(one.number for one in answers), expected, actual, at)


def _taken_as(answer: Answer) -> Answer:
    """A conflict that nothing was beside, and that may as well speak of the status, is a refusal that does."""
    return replace(answer, kind="refused") if answer.kind == "conflict" else answer


def _overlap(one: Call, other: Call) -> bool:
    ended, other_ended = (math.inf if call.answer.kind == "unknown" else call.ended for call in (one, other))
    return one.started <= other_ended and other.started <= ended


def _fewest(items: Sequence[Item], wrong: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """A part of ``items`` that is wrong together, and of which none can go; earlier ones are kept rather than later.

    All of them are wrong together. In few tries, because what is wrong with some stays wrong with more: Junker's
    QuickXplain, 2004.
    """

    def within(ground: list[Item], grown: bool, rest: Sequence[Item]) -> list[Item]:
        if grown and wrong(ground):
            return []
        if len(rest) == 1:
            return list(rest)
        middle = len(rest) // 2
        second = within([*ground, *rest[:middle]], True, rest[middle:])
        first = within([*ground, *second], bool(second), rest[:middle])
        return [*first, *second]

    if not items or wrong([]):
        return []
    found = within([], False, items)
    return found if wrong(found) else list(items)
