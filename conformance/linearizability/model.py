"""One intent as the calls of a burst may find and leave it: which states a call leads to, given its answer.

Where the provider documents nothing, anything goes, but for what holds of every intent: a terminal status stays, nobody
but who asks for an amount changes it, and what was paid stays paid, once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from conformance.contract import Contract, Transition
from conformance.linearizability.calls import Answer, Call, Shown, whole
from conformance.linearizability.documented import Cell, cell, deciding, told

_TAKEN = "amount_to_capture"
_MOVES_MONEY = ("confirm", "capture", "verify_microdeposits", "apply_customer_balance")
_ACTS = (*_MOVES_MONEY, "cancel")  # others change the status only by what they send


class Stored(NamedTuple):
    """The success under an idempotency key: its operation and key, its request, and what it showed."""

    key: str
    request: str
    shown: Shown


class State(NamedTuple):
    """What is known of the intent; an empty status or None is not known. Amounts in minor units."""

    status: str = ""
    amount: int | None = None
    received: int | None = None
    capturable: int | None = None
    payment: str | None = None
    stored: tuple[Stored, ...] = ()


class Objection(NamedTuple):
    """Why an answer cannot have come about in a state; ``member`` is the neutral name of what contradicts, if one."""

    text: str
    member: str = ""


@dataclass(frozen=True, eq=False)
class Shape:
    """What calls have in common that may stand for each other; equal ones are one object (``Model.shape``).

    ``key`` is empty unless another call of the burst has the same. ``beside``: another call was under way.
    ``writes`` is the amount that it sets. ``harmless``: in no state does it change the intent.
    """

    operation: str
    asked: Mapping[str, Any]
    key: str
    request: str
    answer: Answer
    beside: bool
    writes: int | None
    harmless: bool
    kept: dict[State, tuple[State, ...]] = field(default_factory=dict)  # the steps that were asked for before


class Model:
    """The intent of one burst, by a contract.

    ``before`` is the intent as it was seen; None where nobody saw it, or where creates bring it about.
    """

    def __init__(self, contract: Contract, before: Mapping[str, Any] | None, calls: Sequence[Call]) -> None:
        self.contract = contract
        seen = Shown.of(contract, before or {})
        self.id = seen.id
        self.start = State(seen.status or "", seen.amount, seen.received, seen.capturable, seen.payment)
        asked = {name for call in calls for name in call.asked}
        self._creation = {name: value for name, value in (before or {}).items() if name not in asked}
        moves = contract.transitions.values()
        self._canceled = {status for move in moves if move.operation == "cancel" for status in move.to}
        collected = {to for move in moves if move.operation in ("confirm", "capture") for to in move.to}
        self._paid = (collected & contract.terminal) - self._canceled
        self._onward = {status: _onward(contract, status) for status in contract.passing}
        self._one_body = "idempotency_conflict" in contract.error_kinds
        repeated = contract.settings.get("idempotency", {}).get("dialect", {}).get("success", ())
        self._stored_as_shown = repeated in ("stored", ["stored"])
        self._deciding = {name: deciding(contract, name) for name in {call.operation for call in calls}}
        self._lasting = {name for move in moves for name in move.create}
        self._cells: dict[tuple[Shape, str], Cell] = {}
        self._shapes: dict[tuple[object, ...], Shape] = {}

    def shape(self, call: Call, answer: Answer, *, shared: bool, beside: bool) -> Shape:
        """The shape of a call with this answer; ``shared``: another call of the burst has its key."""
        names = self._deciding[call.operation] | self._lasting | {"amount", _TAKEN, "final_capture"}
        asked = {name: told(value) for name, value in call.asked.items() if name in names}
        request = json.dumps(told(call.asked), sort_keys=True) if shared else ""
        key = f"{call.operation} {call.key}" if shared else ""
        identity = (call.operation, json.dumps(asked, sort_keys=True), key, request, answer, beside)
        if identity not in self._shapes:
            kept = {name: value for name, value in call.asked.items() if name in names}
            creates = call.operation == "create"
            writes = None if creates else whole(call.asked.get("amount"))
            harmless = self._harmless(call.operation, answer)
            self._shapes[identity] = Shape(call.operation, kept, key, request, answer, beside, writes, harmless)
        return self._shapes[identity]

    def _harmless(self, operation: str, answer: Answer) -> bool:
        if self.contract.operations[operation].reads:
            return True
        if answer.kind != "refused" or (operation in _MOVES_MONEY and not answer.claims_state):
            return False
        refusals = (move for move in self.contract.transitions.values() if move.operation == operation and move.leaves)
        return not any(move.refused in answer.kinds or not answer.claims_state for move in refusals)

    def reads_amount(self, shape: Shape) -> int | None:
        """The amount that the intent has to have when this call comes, where its answer tells."""
        known = shape.answer.kind == "shown" and not shape.key and shape.writes is None and shape.operation != "create"
        return shape.answer.shown.amount if known else None

    def steps(self, state: State, shape: Shape) -> tuple[State, ...]:
        """The states in which a call with this answer may leave the intent; none: it cannot have come about here."""
        if state not in shape.kept:
            found = dict.fromkeys(one for one in self._results(state, shape) if isinstance(one, State))
            shape.kept[state] = tuple(found)
        return shape.kept[state]

    def objections(self, state: State, shape: Shape) -> list[Objection]:
        """Why the answer cannot have come about in this state; empty where it can."""
        return _all_object(self._results(state, shape))

    def objections_to_end(self, state: State, after: Shown) -> list[Objection]:
        """Why the intent cannot be seen like this when all is over; empty where it can."""
        return _all_object(self._seen(one, after) for one in self._settled(state))

    def paid(self, state: State) -> bool:
        """Whether money was collected."""
        return bool(state.received) or state.status in self._paid

    def _results(self, state: State, shape: Shape) -> Iterator[State | Objection]:
        stored = next((one for one in state.stored if one.key == shape.key), None) if shape.key else None
        if stored and (self._one_body or stored.request == shape.request):
            yield self._repeated(state, stored, shape)
        elif shape.operation == "create":
            yield self._keep(state, shape) if shape.answer.kind != "refused" else state
        else:
            for base in self._settled(state):
                if shape.answer.kind == "shown":
                    yield self._shown(base, shape)
                elif shape.answer.kind == "refused":
                    yield from self._refused(base, shape)
                else:
                    yield from self._unknown(base, shape)

    def _settled(self, state: State) -> Iterator[State]:
        """The state, and those into which it may have come by itself."""
        yield state
        for status in self._onward.get(state.status, ()):
            yield self._left(state, status)

    def _left(self, state: State, status: str) -> State:
        """The intent in another status into which nobody saw it come: money that is not received yet may have moved."""
        if status == state.status or self.paid(state):
            return state._replace(status=status)
        return State(status, state.amount, stored=state.stored)

    # -- repeats under an idempotency key -------------------------------------------------------------------------

    def _keep(self, state: State, shape: Shape, shown: Shown | None = None) -> State:
        """The state with the success stored under its key, as it was answered or would have been."""
        if not shape.key:
            return state
        new = Stored(shape.key, shape.request, shown or shape.answer.shown)
        others = [one for one in state.stored if one.key != shape.key]
        return state._replace(stored=tuple(sorted((*others, new), key=lambda one: one.key)))

    def _repeated(self, state: State, stored: Stored, shape: Shape) -> State | Objection:
        """A call whose key was used by a success already: it has no effect and shows the same."""
        answer = shape.answer
        if answer.kind not in ("shown", "refused"):
            return state
        if stored.request != shape.request:
            if answer.kind == "refused":
                return state
            return Objection(f"another {shape.operation} has used its key", "key")
        if answer.kind == "refused":
            excused = shape.beside and not answer.claims_state
            return state if excused else Objection(f"a {shape.operation} with its key has succeeded", "key")
        now = Shown(stored.shown.id, state.status, state.amount, state.received, state.capturable, state.payment)
        accepted = [stored.shown] if self._stored_as_shown else [stored.shown, now]
        differences = [self._difference(one, answer.shown) for one in accepted]
        if all(differences):
            return Objection(f"the first answer to its key showed another {differences[0]}", differences[0])
        gaps = {name: getattr(answer.shown, name) for name, value in stored.shown._asdict().items() if value is None}
        refined = stored.shown._replace(**gaps)
        return self._keep(state, shape, refined)

    def _difference(self, first: Shown, again: Shown) -> str:
        """The member in which two answers to one request differ; of what is under way, only id and payment stay."""
        unsettled = first.status is None or first.status in self.contract.passing
        names = ("id", "payment") if unsettled else Shown._fields
        return next((name for name in names if _differ(getattr(first, name), getattr(again, name))), "")

    # -- answers ---------------------------------------------------------------------------------------------------

    def _cell(self, shape: Shape, status: str) -> Cell:
        if (shape, status) not in self._cells:
            found = cell(self.contract, shape.operation, shape.asked, self._creation, status)
            self._cells[shape, status] = found
        return self._cells[shape, status]

    def _shown(self, base: State, shape: Shape) -> State | Objection:
        shown = shape.answer.shown
        if self.contract.operations[shape.operation].reads:
            return self._seen(base, shown)
        if objection := self._led_elsewhere(base, shape):
            return objection
        if _differ(self.id, shown.id):
            return Objection(f"the intent is {self.id}", "id")
        amount = base.amount if shape.writes is None else shape.writes
        if _differ(amount, shown.amount):
            return Objection(f"the amount is {amount}", "amount")
        if self.paid(base) and _differ(base.payment, shown.payment):
            return Objection(f"{base.payment} has paid for it already", "payment")
        amount = shown.amount if amount is None else amount
        money = self._money(base, shape, amount)
        if isinstance(money, Objection):
            return money
        kept = base.payment if self.paid(base) or shape.operation not in _MOVES_MONEY else None
        new = State(shown.status or "", amount, *money, shown.payment or kept, base.stored)
        return self._keep(new, shape)

    def _led_elsewhere(self, base: State, shape: Shape) -> Objection | None:
        """Why the call cannot have shown its status from here."""
        status, documented = shape.answer.shown.status, self._cell(shape, base.status)
        if not documented.known:
            # Nothing is said of this call here, but what is final stays.
            final = base.status in self.contract.terminal and status != base.status
            return Objection(f"{base.status} is final", "status") if final else None
        if status in documented.leads:
            return None
        leads = " or ".join(sorted(documented.leads))
        text = f"{shape.operation} leads to {leads}" if leads else f"{shape.operation} is refused"
        return Objection(f"from {base.status}, {text}", "status")

    def _money(self, base: State, shape: Shape, amount: int | None) -> tuple[int | None, int | None] | Objection:
        """What is received and capturable after a success that shows them, or why it cannot show that."""
        _, status, _, received, capturable, _ = shape.answer.shown
        if shape.operation == "capture":
            return self._captured(base, shape, amount)
        if self.paid(base) or shape.operation not in _MOVES_MONEY:
            if _differ(base.received, received):
                return Objection(f"{base.received} was received", "received")
            kept = None if shape.operation == "cancel" else base.capturable
            return _first(base.received, received), _first(capturable, kept)
        if received is not None and amount is not None:
            all_of_it = status in self._paid and capturable == 0
            if received > amount or (all_of_it and received != amount):
                return Objection(f"the amount to pay is {amount}", "received")
        return received, capturable

    def _captured(self, base: State, shape: Shape, amount: int | None) -> tuple[int | None, int | None] | Objection:
        _, status, _, received, capturable, _ = shape.answer.shown
        taken, held = self._taken(base, shape), self._held(base)
        if taken is not None and held is not None and taken > held:
            return Objection(f"no more than {held} is capturable", "received")
        if received is None:
            return _sum(base.received, taken), capturable
        if amount is not None and received > amount:
            return Objection(f"the amount to pay is {amount}", "received")
        if base.received is not None and taken is not None:
            # What is under way may not have been received yet.
            waits = status in self.contract.passing and received == base.received
            if received != base.received + taken and not waits:
                return Objection(f"{base.received} was received before and {taken} is taken", "received")
        if base.received is not None and received < base.received:
            return Objection(f"{base.received} was received before", "received")
        left = (None, 0, held, held - taken) if held is not None and taken is not None else (capturable,)
        if capturable not in left:
            return Objection(f"{held} was capturable before and {taken} is taken", "capturable")
        return received, capturable

    def _held(self, base: State) -> int | None:
        """What is capturable; None where that is not known. Before any payment, 0 only says that nothing is told."""
        return base.capturable if base.capturable or base.received else None

    def _taken(self, base: State, shape: Shape) -> int | None:
        """What a capture takes; None where that is not known. Where nothing is left it takes nothing."""
        held, asked = self._held(base), whole(shape.asked.get(_TAKEN))
        return held if asked is None or held == 0 else asked

    def _seen(self, base: State, shown: Shown) -> State | Objection:
        """The state as a look at it completes it, or why it cannot look like this."""
        if _differ(self.id, shown.id):
            return Objection(f"the intent is {self.id}", "id")
        known = Shown(self.id, base.status or None, base.amount, base.received, base.capturable, base.payment)
        for name in ("status", "amount", "received", "capturable", "payment"):
            mine, theirs = getattr(known, name), getattr(shown, name)
            if _differ(mine, theirs) and (name != "payment" or self.paid(base)):
                return Objection(f"its {name} is {mine}", name)
        merged = Shown(*(_first(mine, theirs) for mine, theirs in zip(known, shown, strict=True)))
        return State(merged.status or "", *merged[2:], base.stored)

    def _refused(self, base: State, shape: Shape) -> Iterator[State | Objection]:
        documented, answer = self._cell(shape, base.status), shape.answer
        if not documented.known or not answer.claims_state:
            yield base
        if not documented.known and not answer.claims_state and shape.operation in _MOVES_MONEY:
            yield from self._final_or([self._left(base, "")], base)
        fitting = [move for move in documented.refusals if not answer.claims_state or move.refused in answer.kinds]
        for move in fitting:
            yield from self._after_refusal(base, move)
        if documented.known and answer.claims_state and not fitting:
            leads = " or ".join(sorted(documented.leads)) or "something else"
            yield Objection(f"from {base.status}, {shape.operation} leads to {leads}", "status")

    def _after_refusal(self, base: State, move: Transition) -> Iterator[State]:
        for status in move.leaves or (base.status,):
            yield self._left(base, status)
        if move.operation in _MOVES_MONEY and move.leaves:
            # Too many failures cancel it.
            yield from self._final_or([self._left(base, status) for status in self._canceled], base)

    def _unknown(self, base: State, shape: Shape) -> Iterator[State]:
        """The states in which a call may leave the intent of whose answer nothing is known."""
        documented = self._cell(shape, base.status)
        if self.contract.operations[shape.operation].reads:
            return
        statuses = dict.fromkeys([*sorted(documented.leads), *([] if documented.known else [base.status])])
        if not documented.known and (shape.asked or shape.operation in _ACTS):
            statuses[""] = None
        for status in statuses:
            amount = base.amount if shape.writes is None else shape.writes
            new = State(status, amount, *self._money_unseen(base, shape, status), base.payment, base.stored)
            if shape.operation in _MOVES_MONEY and not self.paid(base):
                new = new._replace(payment=None)
            seen = Shown(self.id, status or None, amount, new.received, new.capturable, new.payment)
            yield from self._final_or([self._keep(new, shape, seen)], base)
        for move in documented.refusals:
            yield from self._after_refusal(base, move)

    def _money_unseen(self, base: State, shape: Shape, status: str) -> tuple[int | None, int | None]:
        if shape.operation == "capture":
            taken, held = self._taken(base, shape), self._held(base)
            known = status not in self.contract.passing and taken is not None and held is not None and taken <= held
            return (_sum(base.received, taken), 0 if status in self._paid else None) if known else (None, None)
        if shape.operation in _MOVES_MONEY and not self.paid(base):
            return None, None
        return base.received, None if shape.operation == "cancel" else base.capturable

    def _final_or(self, states: Iterable[State], base: State) -> Iterator[State]:
        """The states, without those that would take an intent out of a final status."""
        for one in states:
            if base.status not in self.contract.terminal or one.status == base.status:
                yield one


def _all_object(results: Iterable[State | Objection]) -> list[Objection]:
    """The objections, where there is nothing else."""
    found = list(results)
    objections = [one for one in found if isinstance(one, Objection)]
    return objections if len(objections) == len(found) else []


def _onward(contract: Contract, status: str) -> tuple[str, ...]:
    """Where an intent may come by itself from a status that it leaves by itself; permissive."""
    moves = contract.transitions.values()
    reads = [
        to
        for move in moves
        if contract.operations[move.operation].reads and status in move.sources
        for to in move.targets(status)
    ]
    others = [to for move in moves if status in (*move.via, *move.to) for to in (*move.to, *move.leaves)]
    found = dict.fromkeys((*reads, *others))
    return tuple(one for one in found if one != status)


def _differ(known: Any, shown: Any) -> bool:
    return known is not None and shown is not None and known != shown


def _first(known: Any, otherwise: Any) -> Any:
    return otherwise if known is None else known


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
