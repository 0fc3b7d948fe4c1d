"""Looks for an order of calls that respects real time and in which each answer can have come about.

After Wing and Gong, and Lowe: of the calls that are left, one may come next that began before any of them had ended.
What was looked at is remembered by the calls that are done and the state. Three things keep it small without losing an
order: of calls of one shape the one that ended first goes first; a call that changes nothing in any state goes as soon
as it can; and where a value is still to be seen that is gone and that nobody writes any more, the way is left.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from conformance.linearizability.calls import Shown
from conformance.linearizability.model import Model, Shape, State


class TooHard(Exception):
    """The search was cut off before it knew."""


@dataclass(frozen=True)
class Timed:
    """A call in the search: its exchange, its times in seconds, its shape."""

    number: int
    started: float
    ended: float
    shape: Shape


class Steps:
    """How many steps a search may take, and has taken."""

    def __init__(self, most: int) -> None:
        self.most, self.taken = most, 0

    def take(self) -> None:
        """Counts one step. Raises ``TooHard`` where it is one too many."""
        self.taken += 1
        if self.taken > self.most:
            raise TooHard(f"no order was found in {self.most} steps, and not all were tried")


def find_order(
    model: Model,
    answered: Sequence[Timed],
    lost: Sequence[Timed],
    forgotten: Sequence[Timed],
    after: Shown | None,
    steps: Steps,
) -> tuple[int, ...] | None:
    """The exchanges in an order that explains all, or None where there is none. Raises ``TooHard``.

    ``answered`` calls have to be in it. ``lost`` ones may take effect once at any time after their start, or never.
    ``forgotten`` ones likewise but any number of times, which is quicker to look through and excuses more; they are not
    in the order. ``after``: the intent when all was over, None where nobody looked.
    """
    search = _Search(model, answered, lost, forgotten, after, steps)
    return search.run()


Node = tuple[int, State]  # the done calls as bits, and the state they left
_NOBODY = -1


class _Search:
    def __init__(
        self,
        model: Model,
        answered: Sequence[Timed],
        lost: Sequence[Timed],
        forgotten: Sequence[Timed],
        after: Shown | None,
        steps: Steps,
    ) -> None:
        self.model, self.after, self.steps = model, after, steps
        ordered = sorted(answered, key=lambda call: call.ended)
        self.calls = [*ordered, *sorted(lost, key=lambda call: call.started)]
        self.needed = (1 << len(ordered)) - 1
        self.ends = [call.ended for call in ordered]
        by_start = sorted(range(len(self.calls)), key=lambda index: self.calls[index].started)
        self.starts = [self.calls[index].started for index in by_start]
        self.begun = list(accumulate((1 << index for index in by_start), lambda one, other: one | other, initial=0))
        self.classes = _classes(self.calls[: len(ordered)], 0)
        self.lost_classes = _classes(self.calls[len(ordered) :], len(ordered))
        first: dict[Shape, float] = {}
        for call in forgotten:
            first[call.shape] = min(call.started, first.get(call.shape, call.started))
        self.forgotten = sorted(first.items(), key=lambda item: item[1])
        self.demands = self._demands(len(ordered))

    def _demands(self, answered: int) -> list[tuple[int, int, int]]:
        """(amount, the calls that have to see it, those that write it), but for amounts that may always be written."""
        seen: dict[int, int] = {}
        written: dict[int, int] = {}
        for index, call in enumerate(self.calls):
            amount = self.model.reads_amount(call.shape)
            if amount is not None:
                seen[amount] = seen.get(amount, 0) | 1 << index
            if call.shape.writes is not None:
                written[call.shape.writes] = written.get(call.shape.writes, 0) | 1 << index
        last = 1 << len(self.calls)  # the look when all is over, which is never done
        if self.after and self.after.amount is not None:
            seen[self.after.amount] = seen.get(self.after.amount, 0) | last
        always = {shape.writes for shape, _ in self.forgotten}
        return [(amount, who, written.get(amount, 0)) for amount, who in seen.items() if amount not in always]

    def run(self) -> tuple[int, ...] | None:
        start: Node = (0, self.model.start)
        if self._over(start):
            return ()
        known = {start}
        path: list[int] = []
        ways: list[Iterator[tuple[int, Node]]] = [self._next(start)]
        while ways:
            for index, node in ways[-1]:
                self.steps.take()
                if node in known:
                    continue
                known.add(node)
                if self._hopeless(node):
                    continue
                path.append(index)
                if self._over(node):
                    return tuple(self.calls[one].number for one in path if one != _NOBODY)
                ways.append(self._next(node))
                break
            else:
                ways.pop()
                if path:
                    path.pop()
        return None

    def _over(self, node: Node) -> bool:
        done, state = node
        if done & self.needed != self.needed:
            return False
        return self.after is None or not self.model.objections_to_end(state, self.after)

    def _hopeless(self, node: Node) -> bool:
        done, state = node
        if state.amount is None:
            return False
        return any(
            amount != state.amount and who & ~done and not written & ~done for amount, who, written in self.demands
        )

    def _next(self, node: Node) -> Iterator[tuple[int, Node]]:
        done, state = node
        left = self.needed & ~done
        # Only what began before the first of those that are left had ended can come next.
        horizon = self.ends[(left & -left).bit_length() - 1] if left else float("inf")
        begun = self.begun[bisect_right(self.starts, horizon)] & ~done
        ways = []
        for shape, members in self.classes:
            if candidates := members & begun:
                bit = candidates & -candidates
                results = self.model.steps(state, shape)
                if shape.harmless and results == (state,):
                    yield bit.bit_length() - 1, (done | bit, state)
                    return
                ways += [(bit, result) for result in results]
            self.steps.take()
        for bit, result in ways:
            yield bit.bit_length() - 1, (done | bit, result)
        for shape, members in self.lost_classes:
            if candidates := members & begun:
                bit = candidates & -candidates
                for result in self.model.steps(state, shape):
                    if result != state:
                        yield bit.bit_length() - 1, (done | bit, result)
        for shape, started in self.forgotten:
            if started <= horizon:
                for result in self.model.steps(state, shape):
                    if result != state:
                        yield _NOBODY, (done, result)


def _classes(calls: Sequence[Timed], first: int) -> list[tuple[Shape, int]]:
    """The calls by shape, as bits that begin with ``first``."""
    found: dict[Shape, int] = {}
    for index, call in enumerate(calls, first):
        found[call.shape] = found.get(call.shape, 0) | 1 << index
    return list(found.items())
