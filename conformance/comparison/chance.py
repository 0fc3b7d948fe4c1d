"""Requests that were sent at once: which of them came first is chance, and so is what became of their intents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import inf

from conformance.contract import Contract
from conformance.evidence.exchange import Exchange
from conformance.sighting import sighted

# Reasons for which exchanges are not compared.
AT_ONCE = "requests that were sent at once, and what followed on their intents"
UNANSWERED = "requests that were not answered, and what followed on their intents"


def bursts(exchanges: Sequence[Exchange]) -> Iterator[list[Exchange]]:
    """The exchanges of one scenario, given in order of number: those that were sent at once together, others alone.

    Sent at once is what began before one of a lower number had ended, with all whose numbers lie between: who sends one
    after the other sends in order of number. One that ended the moment the next began came before it. Exchanges whose
    times are not known came in their order.
    """
    next_began = list(accumulate((one.started or inf for one in reversed(exchanges)), min))[::-1]
    group: list[Exchange] = []
    ended = 0.0
    for exchange, began in zip(exchanges, [*next_began, inf][1:], strict=True):
        group.append(exchange)
        ended = max(ended, exchange.ended)
        if began >= ended:
            yield group
            group = []


def at_once(exchanges: Sequence[Exchange]) -> frozenset[int]:
    """The numbers of those exchanges of one scenario that were sent at once with others."""
    return frozenset(one.number for group in bursts(exchanges) if len(group) > 1 for one in group)


class Chance:
    """The intents and idempotency keys, of the first run (0) and of the second (1), whose state is chance."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._id = str(contract.settings["members"]["id"])
        self._key = contract.settings.get("idempotency", {}).get("header", "")
        self._reasons: tuple[dict[str, str], dict[str, str]] = ({}, {})

    def add(self, run: int, exchange: Exchange, reason: str) -> None:
        """Keeps what an exchange acted on."""
        for name in self._names(exchange):
            self._reasons[run].setdefault(name, reason)

    def holds(self, run: int, intent: str) -> bool:
        """Whether the state of an intent is chance."""
        return intent in self._reasons[run]

    def reason(self, run: int, exchange: Exchange) -> str:
        """Why an exchange that follows cannot be compared; empty where it can. Lists can, without such intents."""
        return next((self._reasons[run][name] for name in self._names(exchange) if name in self._reasons[run]), "")

    def key(self, exchange: Exchange) -> str:
        """The idempotency key of a request; empty where it has none, or the provider has no header for it."""
        return (exchange.request.header(self._key) or "") if self._key else ""

    def shown(self, exchange: Exchange) -> list[str]:
        """The ids of the intents that an answer shows, in success or with an error; none where it is a list."""
        seen = sighted(self._contract, exchange) if exchange.response else None
        if seen is None or (seen.operation and not self._contract.operations[seen.operation].shows_one):
            return []
        found = (*seen.intents, seen.embedded or {})
        return [str(intent[self._id]) for intent in found if intent.get(self._id)]

    def _names(self, exchange: Exchange) -> list[str]:
        seen = sighted(self._contract, exchange)
        return [name for name in (seen.intent if seen else "", self.key(exchange), *self.shown(exchange)) if name]
