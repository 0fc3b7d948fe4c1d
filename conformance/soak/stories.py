"""What a user of a soak does: it performs documented transitions, and sends again what it takes to be lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random

from conformance.contract.lifecycle import path_after
from conformance.evidence.exchange import Exchange
from conformance.scenarios.acting import Actor, Table
from conformance.scenarios.effects import marked
from conformance.scenarios.outcomes import Inapplicable, Inconclusive, NonConformance, Unanswered
from conformance.scenarios.performing import Request, repeatable
from conformance.sighting import sighted
from conformance.target.proxy import MISHAPS

AGAIN = 0.5  # of all stories: something is sent again
REALLY_LOST = 0.2  # of these: the answer does not reach the user, or the request arrives twice
MOST_SENT_AGAIN = 2  # times
EARLY = 5  # creates of its first moments that a user sends once more when it ends
_CREATE = "create"


class Stories:
    """The stories of one user, chosen by ``random``; each brings its own intents about.

    What a story asserts is left to the rules, which judge all that was seen. ``untold`` counts, by reason, what could
    not be brought about; a kind of story that does not apply to the target is not tried again.
    """

    def __init__(self, act: Actor, random: Random) -> None:
        self._act, self._random = act, random
        contract, target = act.contract, act.client.target
        self._kinds: dict[str, Callable[[], None]] = {
            f"transition {move.id}": partial(self._transition, move.id)
            for move in contract.transitions.values()
            if path_after(contract, move)
        }
        self._again: dict[str, Callable[[], None]] = {
            f"again {row.id}": partial(self._sent_again, row.args)
            for row in contract.requirements.values()
            if row.check == "lost_reply" and not target.missing(contract, row.needs)
        }
        self.early: list[Request] = []
        self.untold: Counter[str] = Counter()

    @property
    def any_left(self) -> bool:
        """Whether some kind of story applies to the target."""
        return bool(self._kinds or self._again)

    def play(self) -> None:
        """One story. Raises ``TargetSilent`` where nothing more may be sent."""
        pool = self._again if self._again and self._random.random() < AGAIN else self._kinds or self._again
        name = self._random.choice(sorted(pool))
        try:
            pool[name]()
        except Inapplicable as reason:
            del pool[name]
            self.untold[f"{name}: {reason}"] += 1
        except (Inconclusive, Unanswered, NonConformance) as reason:
            self.untold[f"{name}: {type(reason).__name__}"] += 1

    def end(self) -> None:
        """Sends the creates of the first moments once more, for a server may forget the oldest of many keys."""
        for request in self.early:
            self._look(self._send(request))

    def _transition(self, move: str) -> None:
        intent = self._act.after(move)
        self._act.retrieve(str(intent[self._act.id]))

    def _sent_again(self, args: Table) -> None:
        """The request of a row on lost replies, sent once and again with its key."""
        request = repeatable(self._act, args)
        if args.get("marked"):
            request.body.update(marked(self._act.client.fresh("mark")))
        mishap = self._random.choice(MISHAPS) if self._random.random() < REALLY_LOST else ""
        last = self._send(request, mishap)
        for _ in range(self._random.randint(1, MOST_SENT_AGAIN)):
            last = self._send(request)
        self._look(last)
        if request.operation == _CREATE and len(self.early) < EARLY:
            self.early.append(request)

    def _send(self, request: Request, mishap: str = "") -> Exchange:
        return self._act.client.call(
            request.operation, request.intent, request.body, idempotency_key=request.key, mishap=mishap
        )

    def _look(self, exchange: Exchange) -> None:
        """Retrieves the intent that an answer shows."""
        sighting = sighted(self._act.contract, exchange) if exchange.response else None
        if sighting and self._act.shows_intent(sighting):
            self._act.client.call("retrieve", str(sighting.intents[0][self._act.id]))
