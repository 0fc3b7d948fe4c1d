"""What a call asked, when it was under way, and what its answer says of the intent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from conformance.contract import Contract, ErrorKind
from conformance.evidence.exchange import TOO_MANY, Exchange
from conformance.sighting import Sighting, sighted

# shown: a success that shows the intent. refused: not carried out, or carried out and failed. conflict: not carried out
# because another was under way. limited: not carried out because there were too many. unknown: all else.
AnswerKind = Literal["shown", "refused", "conflict", "limited", "unknown"]

_CONFLICT_KINDS = ("busy", "idempotency_in_progress", "idempotency_conflict")
_CONFLICT, _LOCKED = 409, 423


class Shown(NamedTuple):
    """The watched members of an intent; None where it does not show one. Amounts in minor units."""

    id: str | None = None
    status: str | None = None
    amount: int | None = None
    received: int | None = None
    capturable: int | None = None
    payment: str | None = None

    @classmethod
    def of(cls, contract: Contract, intent: Mapping[str, Any]) -> Shown:
        """What an intent shows, read by the contract's ``[members]``."""
        names = contract.settings["members"]

        def member(name: str) -> Any:
            return intent.get(names[name]) if name in names else None

        payment = member("payment")
        if isinstance(payment, Mapping):  # expanded
            payment = payment.get(names["id"], payment.get("id"))
        return cls(
            _text(member("id")),
            _text(member("status")),
            whole(intent.get("amount")),
            whole(member("amount_received")),
            whole(member("amount_capturable")),
            _text(payment),
        )


NOTHING = Shown()


@dataclass(frozen=True)
class Answer:
    """An answer as far as it matters.

    ``kinds`` names the contract's kinds of error that a refusal fits; ``claims_state``: it says that the status of the
    intent forbids the call.
    """

    kind: AnswerKind
    shown: Shown = NOTHING
    kinds: frozenset[str] = frozenset()
    claims_state: bool = False


@dataclass(frozen=True)
class Call:
    """One call of a burst.

    ``number`` is its exchange's. ``asked`` is the decoded request. ``key`` is its idempotency key, empty where it has
    none or where keys are not honoured. ``started`` and ``ended`` are seconds; ``ended`` is infinite where no answer
    tells that the call was over.
    """

    number: int
    operation: str
    asked: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    started: float = 0.0
    ended: float = math.inf
    answer: Answer = Answer("unknown")

    @classmethod
    def of(cls, source: Sighting | Exchange, contract: Contract) -> Call:
        """The call that an exchange made. Raises ``ValueError`` where it is none of the contract's operations."""
        sighting = source if isinstance(source, Sighting) else sighted(contract, source)
        if sighting is None or not sighting.operation:
            raise ValueError(f"exchange {_exchange(source).number} is no call of {contract.title}")
        exchange = sighting.exchange
        header = contract.settings.get("idempotency", {}).get("header", "")
        keyed = header and not contract.operations[sighting.operation].reads
        answer = _answer(sighting)
        return cls(
            exchange.number,
            sighting.operation,
            sighting.asked,
            (exchange.request.header(header) or "") if keyed else "",
            exchange.started,
            math.inf if answer.kind == "unknown" else exchange.ended,
            answer,
        )


def whole(value: Any) -> int | None:
    """A whole number as JSON or a form has it; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return None


def state_kinds(contract: Contract) -> frozenset[str]:
    """The kinds of error that speak of a status: those with which a terminal status refuses."""
    moves = contract.transitions.values()
    return frozenset(move.refused for move in moves if move.refused and contract.terminal & {*move.sources})


def _exchange(source: Sighting | Exchange) -> Exchange:
    return source.exchange if isinstance(source, Sighting) else source


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _answer(sighting: Sighting) -> Answer:
    contract, response = sighting.contract, sighting.exchange.response
    if response is None or response.status >= 500 or response.status < 200 or 300 <= response.status < 400:
        return Answer("unknown")
    if sighting.succeeded:
        one = contract.operations[sighting.operation].shows_one
        shown = Shown.of(contract, sighting.intents[0]) if one and sighting.intents else NOTHING
        return Answer("shown", shown) if shown.status else Answer("unknown")
    error = sighting.error or {}
    names = contract.settings["errors"]
    code, kind_of = (error.get(names.get(name, name)) for name in ("code", "type"))
    fitting = [kind for kind in contract.error_kinds.values() if _fits(kind, response.status, kind_of, code)]
    kinds = frozenset(kind.name for kind in fitting)
    claims = _claims_state(contract, fitting, error.get(names.get("param", "param")) is not None)
    told = any(kind.name in _CONFLICT_KINDS and (kind.type or kind.code) for kind in fitting)
    if told or response.status in (_CONFLICT, _LOCKED):
        return Answer("conflict", kinds=kinds, claims_state=claims and not told)
    if response.status == TOO_MANY:
        return Answer("limited", kinds=kinds)
    return Answer("refused", kinds=kinds, claims_state=claims)


def _fits(kind: ErrorKind, status: int, type_: Any, code: Any) -> bool:
    pairs = ((kind.status, status), (kind.type, type_), (kind.code, code))
    return all(not documented or found in documented for documented, found in pairs)


def _claims_state(contract: Contract, fitting: list[ErrorKind], names_member: bool) -> bool:
    """Whether a refusal of these kinds speaks of the status; one that may as well speak of the request does not."""
    speaking = state_kinds(contract)
    if not any(kind.name in speaking for kind in fitting):
        return False
    if any(kind.code for kind in fitting):
        return any(kind.code and kind.name in speaking for kind in fitting)
    others = [kind for kind in fitting if kind.name not in speaking and (kind.status or kind.type)]
    return not (others and names_member)
