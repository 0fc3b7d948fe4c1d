"""Intents that move on by themselves: how far one has come by the time of a read is chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.contract import Contract
from conformance.evidence.exchange import Exchange
from conformance.sighting import read_history

PATIENCE = 10.0  # seconds for which an intent may stay in a passing status


class Courses:
    """The statuses that intents were seen in, in the first run (0) and in the second (1)."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        members = contract.settings["members"]
        self._id, self._status = members["id"], members["status"]
        self._ends: dict[str, set[str]] = {status: set() for status in contract.passing}
        for move in contract.transitions.values():
            for status in move.via:
                self._ends.setdefault(status, set()).update(move.to)
        self._given: tuple[set[str], set[str]] = (set(), set())
        self._seen: tuple[dict[str, list[tuple[int, float, Any]]], ...] = ({}, {})

    def note(self, run: int, exchange: Exchange) -> None:
        """Keeps the statuses that an exchange of a run shows."""
        for sighting in read_history(self._contract, [exchange]):
            if sighting.embedded:
                self._given[run].add(str(sighting.embedded.get(self._id)))
            for intent in sighting.intents:
                seen = (exchange.number, exchange.started, intent.get(self._status))
                if len(sighting.intents) == 1:
                    self._given[run].add(str(intent.get(self._id)))
                self._seen[run].setdefault(str(intent.get(self._id)), []).append(seen)

    def given(self, run: int, intent: str) -> bool:
        """Whether a run was shown an intent alone, so that it knows of it otherwise than by lists."""
        return intent in self._given[run]

    def apart(self, exchanges: tuple[Exchange, Exchange], intents: tuple[Any, Any]) -> bool:
        """Whether two reads show one intent before and after it moved on by itself, as it did in both runs.

        That is so where the run that shows the passing status shows the other one later, or never waited for it.
        """
        if exchanges[0].request.method != "GET" or not all(isinstance(intent, Mapping) for intent in intents):
            return False
        return any(self._behind(run, exchanges[run], intents[run], intents[1 - run]) for run in (0, 1))

    def _behind(self, run: int, exchange: Exchange, intent: Any, further: Any) -> bool:
        status, end = intent.get(self._status), further.get(self._status)
        if not isinstance(status, str) or end not in self._ends.get(status, ()):
            return False
        course = self._seen[run].get(str(intent.get(self._id)), [])
        if any(number > exchange.number and shown == end for number, _, shown in course):
            return True
        passing = [exchange.started, *(started for _, started, shown in course if shown == status)]
        return max(passing) - min(passing) < PATIENCE
