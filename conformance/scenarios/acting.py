"""What scenarios act with: builders that bring intents about by the contract's own lifecycle."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from conformance.contract import Contract, Transition
from conformance.contract.lifecycle import Path, path_after, path_to
from conformance.evidence.exchange import TOO_MANY, Exchange
from conformance.evidence.finding import MOST_FINDINGS, Finding
from conformance.scenarios.memory import Memory
from conformance.scenarios.outcomes import Inapplicable, Inconclusive, NonConformance, Unanswered
from conformance.sighting import Sighting, read_history, resolve
from conformance.target.client import FORM, Client
from conformance.target.clock import Clock
from conformance.target.values import Instruments, MissingInstrument

Table = Mapping[str, Any]
Value = TypeVar("Value")
NOTHING: Table = {}
PATIENCE = 10.0  # seconds that an intent may stay in a passing status (processing) before we give up


class Actor:
    """Acts on the target for one scenario. ``client.scenario`` is set to that scenario's name.

    ``memory`` is what the scenarios of the run share; ``borrowed`` are the numbers of the exchanges
    that this one judges without having made them, ``remarks`` what the verdict is to say beside pass or fail.
    """

    def __init__(
        self, contract: Contract, client: Client, instruments: Instruments, memory: Memory | None = None
    ) -> None:
        self.contract, self.client, self.instruments = contract, client, instruments
        self.memory = memory or Memory()
        self.borrowed: list[int] = []
        self.remarks: list[str] = []
        members = contract.settings["members"]
        self.id, self.status, self.method = members["id"], members["status"], members["payment_method"]

    @property
    def clock(self) -> Clock:
        """The time of the run."""
        return self.client.clock

    @property
    def watched(self) -> tuple[str, ...]:
        """The members that tell an intent's status and money."""
        members = self.contract.settings["members"]
        names = (members[name] for name in ("amount_received", "amount_capturable") if name in members)
        return (self.status, "amount", *names)

    def leaves_intent(self, sighting: Sighting) -> bool:
        """Whether an answer leaves the intent as it was: a refusal of the request, not of the payment."""
        declined = self.contract.error_kinds.get("declined")
        failed_payments = (declined.status if declined else ()) or (402,)
        return 400 <= sighting.response.status < 500 and sighting.response.status not in failed_payments

    def once(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """What ``make`` gives, made once in a run for all who ask by this key. Raises as ``Memory.once`` does."""
        made, exchanges = self.memory.once(self.client.history, key, make)
        self.borrowed.extend(exchanges)
        return made

    # -- requests ------------------------------------------------------------------------------------------------

    def body(self, operation: str, send: Table = NOTHING, omit: Iterable[str] = (), method: str = "") -> dict[str, Any]:
        """The contract's smallest sound request with ``send`` laid over it, and the instrument ``method`` named."""
        value = {**self.contract.settings["requests"].get(operation, {}), **send}
        for member in omit:
            value.pop(member, None)
        filled: dict[str, Any] = self._lend(lambda: self.instruments.fill(value))
        if method and self.method not in filled:
            filled[self.method] = self._lend(lambda: self.instruments.take(method))
        return filled

    def _lend(self, take: Callable[[], Any]) -> Any:
        try:
            return take()
        except MissingInstrument as missing:
            raise Inapplicable(str(missing)) from missing

    def create(self, send: Table = NOTHING, omit: Iterable[str] = (), method: str = "", **call: Any) -> Sighting:
        return self.seen(self.client.call("create", body=self.body("create", send, omit, method), **call))

    def confirm(
        self, intent: str, send: Table = NOTHING, omit: Iterable[str] = (), method: str = "", **call: Any
    ) -> Sighting:
        return self.call("confirm", intent, send, omit, method, **call)

    def retrieve(self, intent: str, **call: Any) -> Sighting:
        return self.seen(self.client.call("retrieve", intent, **call))

    def list(self, query: Table = NOTHING, **call: Any) -> Sighting:
        """A page of intents; the query is ``[requests.list]`` of the contract with ``query`` laid over it."""
        self._offered("list")
        return self.seen(self.client.call("list", query=self.body("list", query), **call))

    def call(
        self,
        operation: str,
        intent: str,
        send: Table = NOTHING,
        omit: Iterable[str] = (),
        method: str = "",
        **call: Any,
    ) -> Sighting:
        """Any operation on an intent; what ``send`` says goes into the query of one that reads.

        Raises ``Inapplicable`` where the target does not claim the operation, or does not serve it at a path that no
        document names.
        """
        self._offered(operation)
        asked = self.contract.operations[operation]
        if asked.reads:
            return self.seen(self.client.call(operation, intent, query=send, **call))
        answer = self.seen(self.client.call(operation, intent, self.body(operation, send, omit, method), **call))
        if asked.inferred and answer.response.status in (404, 405):
            raise Inapplicable(f"the target does not serve {operation} at a path that no document names")
        return answer

    def _offered(self, operation: str) -> None:
        needs = self.contract.settings.get("needs", {}).get(operation, ())
        if reason := self.client.target.missing(self.contract, tuple(needs)):
            raise Inapplicable(reason)

    def seen(self, exchange: Exchange) -> Sighting:
        """The exchange as the contract reads it. Raises ``Unanswered``, or ``Inconclusive`` when told to slow down."""
        if exchange.response is None:
            raise Unanswered(f"exchange {exchange.number}: {exchange.failure}")
        if exchange.response.status == TOO_MANY:
            raise Inconclusive("the target answered 429; lower requests_per_second")
        read = read_history(self.contract, [exchange])
        return read[0] if read else Sighting(self.contract, exchange, "", "")

    def needs_method_in_confirm(self) -> bool:
        """Whether the contract's confirm always names the method, even one that is attached."""
        return self.method in self.contract.schemas["confirm.request"].get("required", ())

    def expansion(self, member: str) -> Table:
        """The request member that asks for ``member`` to be expanded, in the contract's encoding."""
        brackets = self.contract.operations["create"].media_type == FORM
        return {"expand": [member]} if brackets else {"expand": member}

    # -- bringing about ------------------------------------------------------------------------------------------

    def made(self, sighting: Sighting, purpose: str = "prepare") -> dict[str, Any]:
        """The intent that a preparing request was to give. Raises ``Inconclusive`` where it did not."""
        if not self.shows_intent(sighting):
            raise Inconclusive(f"could not {purpose}: {told(sighting)} (exchange {sighting.number})")
        return dict(sighting.intents[0])

    def looked(self, sighting: Sighting) -> dict[str, Any]:
        """The intent as a retrieve showed it. Raises ``Inconclusive``: whether it can be read is for other rows."""
        return self.made(sighting, "look at the intent")

    def fresh(self, send: Table = NOTHING, method: str = "") -> dict[str, Any]:
        """A new intent."""
        return self.made(self.create(send, method=method))

    def unknown_id(self) -> str:
        """An id of the right shape that belongs to no intent: a real one with its last twelve characters turned.

        A short one is made longer: of serial numbers the near ones belong to others.
        """
        real = str(self.fresh()[self.id])
        real = real if len(real) >= 12 else (real * 12)[:12]
        turn = {
            **_turned("0123456789"),
            **_turned("abcdef"),
            **_turned("ghijklmnopqrstuvwxyz"),
            **_turned("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        }
        return real[:-12] + "".join(turn.get(letter, letter) for letter in real[-12:])

    def reach(self, status: str, method: str = "", create: Table = NOTHING) -> dict[str, Any]:
        """An intent in ``status``, by the shortest documented path.

        ``method`` is the instrument attached where the path attaches one and does not itself demand another;
        ``create`` are further members of the create. Raises ``Inconclusive``.
        """
        path = path_to(self.contract, status)
        if not path:
            raise Inconclusive(f"no documented path leads to {status}")
        intent = self._walked(path, method, create)
        if intent.get(self.status) != status:
            raise Inconclusive(f"could not bring {status} about: the intent is {intent.get(self.status)}")
        return intent

    def after(self, transition: str, create: Table = NOTHING) -> dict[str, Any]:
        """An intent right after a documented transition has been performed on it. Raises ``Inconclusive``."""
        move = self.contract.transitions[transition]
        path = path_after(self.contract, move)
        if not path:
            raise Inconclusive(f"no documented path leads to {transition}")
        intent = self._walked(path, "", create)
        # A status that nobody publishes says nothing: rows on statuses see to that.
        others = {*self.contract.statuses} - {*move.to, *move.leaves} if move.to or move.leaves else set()
        if intent.get(self.status) in others:
            raise Inconclusive(f"{transition} left the intent {intent.get(self.status)}")
        return intent

    def _walked(self, path: Path, method: str, create: Table) -> dict[str, Any]:
        """The intent at the end of a path, all its transitions performed."""
        extras: dict[str, Any] = {}
        for move in path:
            extras |= move.create
        demanded = next((move.method for move in reversed(path[1:]) if move.method), "")
        chosen = demanded or method or path[0].method
        intent = self.fresh({**extras, **create, **path[0].send}, method=chosen if path[0].method else "")
        for move in path[1:]:
            intent = self.step(move, intent, chosen)
        return intent

    def step(self, move: Transition, intent: Table, method: str) -> dict[str, Any]:
        """Performs one transition to bring a state about."""
        identifier, send = str(intent[self.id]), self.method_to_send(move, intent, method)
        answer = self.call(move.operation, identifier, move.send, method=send)
        expected = self.contract.error_kinds[move.refused].status if move.refused else ()
        if move.refused and not answer.succeeded and self.refuses(answer, expected):
            answer = self.retrieve(identifier)
        made = self.made(answer)
        if made[self.id] != identifier:
            raise Inconclusive(f"could not prepare: {move.operation} shows another intent (exchange {answer.number})")
        return self.settled(made, move.via, (*move.to, *move.leaves))

    def method_to_send(self, move: Transition, intent: Table, method: str) -> str:
        """The instrument that a confirm has to name: none where the intent has one already."""
        if move.operation != "confirm":
            return move.method if move.operation == "update" else ""
        if self.needs_method_in_confirm():
            return method or "success"
        return method if method and not intent.get(self.method) else ""

    def settled(self, intent: Table, via: Sequence[str], to: Sequence[str]) -> dict[str, Any]:
        """The intent once it has left the passing statuses ``via``; polls by retrieve, for at most ``PATIENCE`` s."""
        until, pause = self.clock.monotonic() + PATIENCE, 0.05
        current = dict(intent)
        while current.get(self.status) in via and current.get(self.status) not in to:
            if self.clock.monotonic() > until:
                raise Inconclusive(f"the intent stayed {current.get(self.status)} for {PATIENCE:g} s")
            self.clock.sleep(pause)
            pause = min(pause * 2, 2.0)
            current = self.made(self.retrieve(str(current[self.id])))
        return current

    def success(self) -> tuple[str, ...]:
        """The statuses that an unconditional success of confirm leads to."""
        return tuple(
            to
            for move in self.contract.transitions.values()
            if move.operation == "confirm" and move.method == "success" and not move.create and not move.send
            for to in move.to
        )

    def complete_action(self, intent: Table, outcome: str) -> None:
        """Completes or fails the intent's pending action at the URL it gives. Raises ``Inapplicable``."""
        self._lend(lambda: self.instruments.take("complete_action"))
        pointer = self.contract.settings["members"].get("next_action_url", "")
        url = resolve(intent, pointer) if pointer else None
        if not isinstance(url, str):
            raise Inconclusive("the pending action gives no URL at which it could be completed")
        self.seen(self.client.send("GET", url, query={"outcome": outcome}))

    def shows_intent(self, sighting: Sighting) -> bool:
        """Whether the answer is a success that gives an intent; a 2xx with anything else is no acceptance."""
        return bool(sighting.intents) and isinstance(sighting.intents[0].get(self.id), str)

    def refuses(self, sighting: Sighting, expected: Collection[int] = ()) -> bool:
        """Whether the answer refuses what was asked with a 4xx.

        Raises ``Inconclusive`` where it speaks of the credential or the path instead, unless that status is expected.
        """
        status = sighting.response.status
        if status in expected:
            return True
        if status in (401, 403) and not {401, 403} & set(expected):
            raise Inconclusive(f"the target answered {status}, which speaks of the credential: {told(sighting)}")
        if status in (404, 405) and not isinstance(sighting.body, Mapping):
            raise Inconclusive(f"the target answered {status} without a JSON body, as if it did not know the path")
        return 400 <= status < 500

    # -- expecting -----------------------------------------------------------------------------------------------

    def intent(self, sighting: Sighting, expected: str = "a 2xx answer with the intent") -> dict[str, Any]:
        """The intent of a judged answer. Raises ``NonConformance`` where the answer is not one."""
        if not self.shows_intent(sighting):
            self.contradict(sighting, expected, told(sighting))
        return dict(sighting.intents[0])

    def contradict(self, sighting: Sighting, expected: str, actual: object, at: str = "") -> NoReturn:
        """Raises ``NonConformance`` with one finding."""
        raise NonConformance((sighting.contradiction(expected, actual, at),))


def told(sighting: Sighting) -> str:
    """An answer in few words: its status and what its error says."""
    error = sighting.error or {}
    names = sighting.contract.settings["errors"]
    members = dict.fromkeys(
        [*(names.get(name, name) for name in ("type", "code", "param", "message")), "decline_code", "error"]
    )
    words = [str(error[name]) for name in members if isinstance(error.get(name), str) and error[name]]
    if not words and not isinstance(sighting.body, dict):
        words = ["a body that is no JSON object"]
    return f"HTTP {sighting.response.status}" + (f" ({', '.join(words)})" if words else "")


def for_each(values: Iterable[Value], attempt: Callable[[Value], None]) -> None:
    """Makes the attempt with every value and raises one ``NonConformance`` with all that they found.

    Where none found anything but one was ``Inconclusive``, so is the whole.
    """
    findings: list[Finding] = []
    unsettled: Inconclusive | None = None
    for value in values:
        try:
            attempt(value)
        except NonConformance as wrong:
            findings.extend(wrong.findings)
        except Inconclusive as reason:
            unsettled = unsettled or reason
    if findings:
        raise NonConformance(tuple(findings[:MOST_FINDINGS]))
    if unsettled:
        raise unsettled


def _turned(alphabet: str) -> dict[str, str]:
    half = len(alphabet) // 2
    return dict(zip(alphabet, alphabet[half:] + alphabet[:half], strict=True))
