"""What experiments act with: requests under a key that stands where the target looks for it, counted and bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.contract.dialect import Word
from conformance.dialect.model import MOST_REQUESTS, Found
from conformance.evidence.exchange import Exchange
from conformance.scenarios.acting import Actor
from conformance.scenarios.outcomes import Inapplicable, Inconclusive
from conformance.scenarios.performing import submit
from conformance.sighting import Sighting
from conformance.target.client import Client

HEADER = "Idempotency-Key"  # where the contract names no other
MEMBER = "idempotency_key"
MORE = 100  # minor units by which another amount differs


class Spent(Exception):
    """The requests that a measurement may send are used up."""


class BoundedClient(Client):
    """Sends at most ``MOST_REQUESTS``, and raises ``Spent`` instead of another."""

    requests = 0

    def send(self, method: str, path: str, **call: Any) -> Exchange:
        with self._lock:
            if self.requests >= MOST_REQUESTS:
                raise Spent
            self.requests += 1
        return super().send(method, path, **call)

    def need(self, count: int) -> None:
        """Raises ``Spent`` where fewer requests are left."""
        if self.requests + count > MOST_REQUESTS:
            raise Spent


class Reader(Actor):
    """Acts as scenarios do; only what has a status is an intent, because a mere id is quickly made up."""

    def shows_intent(self, sighting: Sighting) -> bool:
        return super().shows_intent(sighting) and isinstance(sighting.intents[0].get(self.status), str)


class Probe:
    """Acts for one measurement. ``found`` is what is known so far; ``carrier`` is ``header`` or ``body``."""

    def __init__(self, act: Reader, client: BoundedClient) -> None:
        self.act, self.client = act, client
        self.found: dict[str, Found] = {}
        self.carrier = "header"
        self.header = str(act.contract.settings.get("idempotency", {}).get("header", HEADER))

    def value(self, axis: str) -> Word | None:
        """What was found of an axis; None where it was not measured."""
        return self.found[axis].value if axis in self.found else None

    # -- requests ------------------------------------------------------------------------------------------------

    def key(self) -> str:
        """A key that nobody has used: in a body a UUID, because there some take nothing else."""
        digits = self.client.fresh("dialect")
        if self.carrier != "body":
            return digits
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def arguments(self, body: Mapping[str, Any] | None, key: str | None) -> dict[str, Any]:
        """What ``Client.call`` takes to send ``body`` under ``key``; None is no key."""
        if key is None:
            return {"body": body, "idempotency_key": None}
        if self.carrier == "body":
            return {"body": {**(body or {}), MEMBER: key}, "idempotency_key": None}
        return {"body": body, "idempotency_key": None, "headers": {self.header: key}}

    def ask(
        self,
        operation: str,
        intent: str = "",
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
        **call: Any,
    ) -> Sighting:
        """One operation under a key, or without one."""
        arguments = self.arguments(body, key)
        return submit(self.act, operation, intent, arguments.pop("body"), **arguments, **call)

    def create(self, key: str | None, send: Mapping[str, Any] | None = None, **call: Any) -> Sighting:
        """The contract's smallest create, with ``send`` laid over it."""
        return self.ask("create", "", self.act.body("create", send or {}), key, **call)

    def offer(self, operation: str) -> None:
        """Raises ``Inapplicable`` where the contract has no such operation, or the target does not claim it."""
        contract = self.act.contract
        if operation not in contract.operations:
            raise Inapplicable(f"{contract.title} documents no {operation}")
        needs = tuple(contract.settings.get("needs", {}).get(operation, ()))
        if reason := self.client.target.missing(contract, needs):
            raise Inapplicable(reason)

    # -- reading -------------------------------------------------------------------------------------------------

    def identifier(self, sighting: Sighting) -> str:
        """The id of the intent that a success shows. Raises ``Inconclusive`` where it shows none."""
        return str(self.act.made(sighting)[self.act.id])

    def status(self, identifier: str) -> str:
        """The status of an intent, by a retrieve without a key."""
        return str(self.act.made(self.act.retrieve(identifier)).get(self.act.status))

    def accepted(self, sighting: Sighting) -> bool:
        """Whether an answer shows an intent; if not it is a refusal. Raises ``Inconclusive`` where it is neither."""
        if self.act.shows_intent(sighting):
            return True
        if not self.act.refuses(sighting):
            raise Inconclusive(f"the answer is neither success nor refusal: {self.brief(sighting)}")
        return False

    def reuse(self, first: Sighting, second: Sighting) -> str:
        """What two creates that share a key show: ``replayed``, ``executed``, or ``refused``."""
        if not self.accepted(second):
            return "refused"
        return "replayed" if self.identifier(second) == self.identifier(first) else "executed"

    def refusal(self, sighting: Sighting) -> tuple[int, str]:
        """Status and error of a refusal, to tell one from another."""
        return sighting.response.status, self.error(sighting)

    def error(self, sighting: Sighting) -> str:
        """Type and code of a refusal, as far as it names them."""
        names, error = self.act.contract.settings["errors"], sighting.error or {}
        words = [error.get(names.get(name, name)) for name in ("type", "code")]
        return " ".join(word for word in words if isinstance(word, str) and word)

    def brief(self, sighting: Sighting) -> str:
        """An answer's status and error."""
        return f"HTTP {sighting.response.status} {self.error(sighting)}".strip()

    def marked(self, sighting: Sighting) -> bool | None:
        """Whether an answer has the header that marks replays; None where the target is not known to have one."""
        marker = self.value("marker")
        if marker is None or marker == "none":
            return None
        return (sighting.response.header(str(marker)) or "false").lower() != "false"


def seen(value: Word, evidence: str, sightings: Sequence[Sighting]) -> Found:
    """A value that was found, with the answers that show it."""
    return Found(value, evidence, tuple(dict.fromkeys(one.number for one in sightings)))
