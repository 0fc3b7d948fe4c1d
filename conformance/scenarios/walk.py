"""Walks: operations in legal and illegal order on one intent, each step compared with the lifecycle.

A walk is a list of steps, each one request; ``walks.json`` of a provider's folder holds those that every certification
plays. Where a step is to lead is no part of it: that follows from ``lifecycle.toml`` and the status the intent is in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from conformance.contract import Contract, Transition
from conformance.contract.lifecycle import moves_from
from conformance.contract.loading import ANY_INTENT
from conformance.scenarios.acting import Actor, told
from conformance.scenarios.outcomes import Inapplicable, NonConformance
from conformance.sighting import Sighting

FILE_NAME = "walks.json"
_DECISIVE = ("", "to", "refusal")  # what a row judges that says whether a transition succeeds or is refused


class WalksError(Exception):
    """The file of a provider's walks is missing or unreadable; the message names it."""


@dataclass(frozen=True)
class Step:
    """One request: the operation, the instrument it names and the members it sends beside the smallest request."""

    operation: str
    method: str = ""
    send: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        sent = [f"{name} = {value!r}" for name, value in self.send.items()]
        return " ".join(filter(None, [self.operation, self.method, *sent]))


Walk = tuple[Step, ...]


def read_walks(folder: Path) -> tuple[Walk, ...]:
    """The frozen walks of a provider. Raises ``WalksError``."""
    path = folder / FILE_NAME
    try:
        return tuple(tuple(Step(**step) for step in walk) for walk in json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise WalksError(f"{path}: {error.strerror}; `conformance freeze` generates it") from error
    except (ValueError, TypeError) as error:
        raise WalksError(f"{path}: not a list of walks: {error}") from error


def write_walks(walks: Iterable[Walk]) -> str:
    """The text of ``walks.json``: a line for each step, so that a review sees what changed."""
    shown = [",\n".join(f"  {json.dumps(_shown(step))}" for step in walk) for walk in walks]
    return "[\n" + ",\n".join(f" [\n{steps}\n ]" for steps in shown) + "\n]\n"


def _shown(step: Step) -> dict[str, Any]:
    return {name: value for name, value in asdict(step).items() if value}


def creations(contract: Contract) -> tuple[Step, ...]:
    """The creates that a walk may begin with: every way in which ``lifecycle.toml`` brings an intent about."""
    moves = contract.transitions.values()
    first = [move for move in moves if not move.sources]
    extras = [move.create for move in moves if move.create]
    return _once(Step("create", move.method, {**extra, **move.send}) for extra in [{}, *extras] for move in first)


def further_steps(contract: Contract) -> tuple[Step, ...]:
    """The requests that a walk may go on with: each that ``lifecycle.toml`` speaks of."""
    moves = contract.transitions.values()
    return _once(
        Step(move.operation, move.method if move.operation in ("confirm", "update") else "", move.send)
        for move in moves
        if move.sources and ANY_INTENT not in move.sources
    )


Value = TypeVar("Value")


def _once(values: Iterable[Value]) -> tuple[Value, ...]:
    kept: list[Value] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return tuple(kept)


@dataclass(frozen=True)
class State:
    """What is known of the intent of a walk: ``method`` is the instrument it has, None where that is not known.

    ``moved`` is the transition that brought its status about. Amounts in minor units, None where not shown.
    """

    created: Mapping[str, Any] = field(default_factory=dict)
    status: str = ""
    method: str | None = ""
    moved: str = ""
    amount: int | None = None

    def documented(self, contract: Contract, step: Step) -> list[Transition]:
        """The transitions that tell where this step leads from here; none where nothing is documented.

        An intent that was created otherwise than a transition says may take another payment method or none at all, so
        a step that pays is documented only for intents created just so. A status that is left by itself tells nothing.
        """
        pays = step.operation == "confirm" or bool(step.method)
        candidates = [
            move
            for move in moves_from(contract, step.operation, self.status)
            if move.send == step.send
            and (move.after == self.moved if move.after else self.status not in contract.passing)
            and (self.created == move.create if pays else move.create.items() <= self.created.items())
            and (not pays or move.method == (step.method or self.method))
        ]
        closest = max((len(move.create) for move in candidates), default=0)
        return [move for move in candidates if len(move.create) == closest]

    def followed(self, contract: Contract, step: Step, refused: bool) -> State:
        """The state after the step, but for what only the intent itself can show."""
        moves = self.documented(contract, step)
        method, created = self.method, self.created
        if step.operation in ("confirm", "update"):
            named = contract.settings["members"]["payment_method"]
            # What becomes of a method that failed is nowhere documented, nor what a refused request has left behind.
            method = None if named in step.send or (refused and step.operation == "confirm") else step.method or method
            lasting = {name for move in contract.transitions.values() for name in move.create}
            sent = {name: None if refused else value for name, value in step.send.items() if name in lasting}
            created = {**created, **sent}
        moved = self.moved if refused or contract.operations[step.operation].reads else moves[0].id if moves else ""
        return replace(self, method=method, created=created, moved=moved)

    def rehearsed(self, contract: Contract, step: Step) -> State:
        """The state after the step, by what is documented alone; the first where several are open."""
        if step.operation == "create":
            move = next(one for one in contract.transitions.values() if not one.sources and one.method == step.method)
            return State(step.send, move.to[0], step.method, move.id)
        moves = self.documented(contract, step)
        if not moves:
            return self
        (status, *_) = moves[0].targets(self.status) or moves[0].leaves or (self.status,)
        return replace(self.followed(contract, step, bool(moves[0].refused)), status=status)


class Walker:
    """Plays one walk on a target and compares what it sees with what is documented.

    ``decisive`` are the transitions that decide: what others document is followed, not judged. Of every step it holds
    that a terminal status stays, that nothing is received before it is captured, that what is received and capturable
    never exceeds the amount, and that no step changes the amount unless it says so.
    """

    def __init__(self, act: Actor, decisive: frozenset[str]) -> None:
        self.act, self.decisive = act, decisive
        self.steps: list[Step] = []
        self.exchanges: list[int] = []
        self.state = State()
        self._intent: Mapping[str, Any] = {}
        self._captured = False

    def play(self, step: Step) -> None:
        """Takes one step.

        Raises ``NonConformance`` with the whole sequence, ``Inapplicable`` where the target lends too little for it.
        """
        act, identifier = self.act, str(self._intent.get(self.act.id, ""))
        if step.operation == "create":
            answer = act.create(step.send, method=step.method)
            if not act.shows_intent(answer):
                raise Inapplicable(f"the target does not create such an intent: {told(answer)}")
        else:
            if step.operation == "confirm" and not step.method and act.needs_method_in_confirm():
                step = replace(step, method=self.state.method or "success")
            answer = act.call(step.operation, identifier, step.send, method=step.method)
        self.steps.append(step)
        self.exchanges.append(answer.number)
        if step.operation != "create":
            self._judge(step, answer)
        self._follow(step, answer)

    def _judge(self, step: Step, answer: Sighting) -> None:
        moves = [move for move in self.state.documented(self.act.contract, step) if move.id in self.decisive]
        if not moves or answer.response.status >= 500:
            return
        before = self.state.status
        allowed = [status for move in moves for status in (*move.targets(before), *move.via)]
        refused = any(move.refused for move in moves)
        if not answer.succeeded:
            if not refused and self.act.refuses(answer):
                self._contradict(answer, f"{step} from {before} leads to {' or '.join(allowed)}", told(answer))
            return
        shown = answer.intents[0].get(self.act.status) if answer.intents else None
        if shown not in allowed:
            outcome = f"leads to {' or '.join(allowed)}" if allowed else "is refused"
            actual = f"status {shown}" if shown else told(answer)
            self._contradict(answer, f"{step} from {before} {outcome}", actual, f"/{self.act.status}")

    def _follow(self, step: Step, answer: Sighting) -> None:
        """Takes what the answer shows for the state of the intent, once it has held it against what must hold."""
        shown = answer.intents[0] if answer.intents else answer.embedded
        act = self.act
        # A server error may have come after the capture.
        self._captured |= step.operation == "capture" and not 400 <= answer.response.status < 500
        if step.operation == "create":
            state = State(step.send, method=step.method)
        else:
            state = self.state.followed(act.contract, step, not answer.succeeded)
        if shown is None or shown.get(act.id) != self._intent.get(act.id, shown.get(act.id)):
            self.state = state if self._stays(step) else replace(state, status="")
            return
        self._hold(step, answer, shown)
        self._intent = {**self._intent, **shown}
        self.state = replace(state, status=str(shown.get(act.status, "")), amount=_whole(shown.get("amount")))

    def _stays(self, step: Step) -> bool:
        """Whether an answer that shows no intent has left it in its status for sure."""
        contract, moves = self.act.contract, self.state.documented(self.act.contract, step)
        if contract.operations[step.operation].reads or self.state.status in contract.terminal:
            return True
        return bool(moves) and all(move.refused and not (move.to or move.leaves) for move in moves)

    def _hold(self, step: Step, answer: Sighting, shown: Mapping[str, Any]) -> None:
        """What holds of every intent after every step."""
        act, names = self.act, self.act.contract.settings["members"]
        before, status = self.state.status, shown.get(act.status)
        if before in act.contract.terminal and status not in (None, before):
            self._contradict(answer, f"still {before}", status, f"/{act.status}")
        amount = _whole(shown.get("amount"))
        received, capturable = (
            _whole(shown.get(names.get(name, ""))) for name in ("amount_received", "amount_capturable")
        )
        if amount is not None and (received or 0) + (capturable or 0) > amount:
            told_money = f"received {received or 0}, capturable {capturable or 0}"
            self._contradict(answer, f"received and capturable are at most the amount {amount}", told_money)
        if received and status not in act.contract.terminal and not self._captured:
            expected = f"nothing received before a capture, while {status}"
            self._contradict(answer, expected, received, f"/{names['amount_received']}")
        if None not in (amount, self.state.amount) and amount != self.state.amount and "amount" not in step.send:
            self._contradict(answer, f"amount {self.state.amount}, which {step} leaves alone", amount, "/amount")

    def _contradict(self, answer: Sighting, expected: str, actual: object, at: str = "") -> NoReturn:
        found = answer.contradiction(expected, actual, at)
        raise NonConformance((replace(found, exchanges=tuple(self.exchanges), sequence=True),))


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def decisive(contract: Contract, level: str) -> frozenset[str]:
    """The transitions of which rows of this level judge whether they succeed or are refused."""
    return frozenset(
        row.args["transition"]
        for row in contract.requirements.values()
        if row.check == "transition" and row.level == level and row.args.get("judge", "") in _DECISIVE
    )
