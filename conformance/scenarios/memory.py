"""What the scenarios of a run share: what is done once, to be judged by every row that speaks of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

from conformance.evidence.finding import Cell
from conformance.evidence.history import History
from conformance.scenarios.outcomes import Inapplicable, Inconclusive

Value = TypeVar("Value")


class Memory:
    """What a run has done so far, and what it could not bring about.

    ``idle`` are intents that a trial has left as they were, by their kind; ``cells`` are for the report.
    """

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        self.idle: dict[Hashable, Mapping[str, Any]] = {}
        self._done: dict[Hashable, tuple[Any, range]] = {}

    def once(self, history: History, key: Hashable, make: Callable[[], Value]) -> tuple[Value, range]:
        """What ``make`` gave when it was first asked for by this key, and the numbers of the exchanges it took.

        That something could not be brought about is kept too, and raised again: ``Inconclusive``, ``Inapplicable``.
        """
        if key not in self._done:
            last = history.last
            made: Value | Inconclusive | Inapplicable
            try:
                made = make()
            except (Inconclusive, Inapplicable) as reason:
                made = reason
            self._done[key] = made, range(last + 1, history.last + 1)
        made, exchanges = self._done[key]
        if isinstance(made, Inconclusive | Inapplicable):
            raise made
        return made, exchanges
