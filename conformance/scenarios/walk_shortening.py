"""Makes a walk that contradicts short: what is told of it are the steps without which it contradicts no more.

Steps are taken away in a fixed order, and each attempt is played on a new intent. What is sent follows from the walk
and from the target's answers alone, so that a recording of it can be replayed by any version of any library.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from conformance.evidence.finding import Finding
from conformance.scenarios.acting import Actor
from conformance.scenarios.outcomes import Inapplicable, Inconclusive, NonConformance, Unanswered
from conformance.scenarios.walk import Step, Walker
from conformance.target.client import TargetSilent


class _Enough(Exception):
    """The requests or the time for the search are spent."""


def shortest(
    act: Actor, found: Finding, steps: Sequence[Step], decisive: frozenset[str], requests: int, seconds: float
) -> Finding:
    """What tells the contradiction ``found`` by as few of the walk's steps as can be; ``found`` where none can go.

    ``steps`` are those that were played, the create first and the one that contradicted last; ``decisive`` as for the
    ``Walker``. Sends at most so many requests, for at most so many seconds of the run's time.
    """
    search = _Search(act, found, decisive, requests, seconds)
    # A target that gives no more answers is told by what was found before.
    with suppress(_Enough, Unanswered, TargetSilent):
        search.shorten(steps)
    return search.found


class _Search:
    """Delta debugging: takes ever smaller pieces out of the walk, wherever it can do without them.

    ``found`` is what the shortest attempt that contradicted has found so far.
    """

    def __init__(self, act: Actor, found: Finding, decisive: frozenset[str], requests: int, seconds: float) -> None:
        self.found = found
        self._act, self._decisive = act, decisive
        self._requests, self._until = requests, act.clock.monotonic() + seconds

    def shorten(self, steps: Sequence[Step]) -> None:
        """Plays the steps without some of them until each of them is needed. Raises ``_Enough``."""
        # The first makes the intent; without the last the rest is the beginning of a walk that did not contradict.
        size = len(steps) - 2
        while size > 0:
            shorter = self._without_a_piece(steps, size)
            steps, size = (shorter, min(size, len(shorter) - 2)) if shorter else (steps, size - 1)

    def _without_a_piece(self, steps: Sequence[Step], size: int) -> Sequence[Step]:
        """The steps of an attempt that still contradicts without so many of them in a row; empty where none does."""
        for begin in range(1, len(steps) - size):
            if played := self._contradicting([*steps[:begin], *steps[begin + size :]]):
                return played
        return ()

    def _contradicting(self, steps: Sequence[Step]) -> Sequence[Step]:
        """The steps up to the one that contradicts, played on a new intent; empty where none does."""
        walker = Walker(self._act, self._decisive)
        try:
            for step in steps:
                if not self._requests or self._act.clock.monotonic() > self._until:
                    raise _Enough
                self._requests -= 1
                walker.play(step)
        except NonConformance as wrong:
            self.found = wrong.findings[0]
            return walker.steps
        except (Inapplicable, Inconclusive):
            pass  # what cannot be judged shows nothing
        return ()
