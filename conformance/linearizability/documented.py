"""What ``lifecycle.toml`` says of one call from one status. Where that is in doubt, it says more, never less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract import Contract, Transition

_PAYING = "confirm"  # whose payment method decides what becomes of it, and may have been named before
_NAMING = ("confirm", "update")  # whose transitions name the method that is sent; others name the intent's own


@dataclass(frozen=True)
class Cell:
    """What is documented of a call from a status.

    ``known``: whether anything is, for certain. ``leads`` are the statuses that a success may show, ``refusals`` the
    transitions that refuse it.
    """

    known: bool
    leads: frozenset[str]
    refusals: tuple[Transition, ...]


def cell(
    contract: Contract, operation: str, asked: Mapping[str, Any], creation: Mapping[str, Any], status: str
) -> Cell:
    """What is documented of ``operation`` with the decoded request ``asked`` on an intent in ``status``.

    ``creation`` are the members of the intent that are as it was created.
    """
    moves = [
        (move, doubt)
        for move in contract.moves.get((operation, status), [])
        if (doubt := _doubt(contract, move, asked, creation, status)) is not None
    ]
    fitting = [(move, doubt) for move, doubt in moves if not any(_closer(contract, one, move, asked) for one in moves)]
    return Cell(
        any(not doubt for _, doubt in fitting),
        frozenset(lead for move, _ in fitting for lead in (*move.targets(status), *move.via)),
        tuple(move for move, _ in fitting if move.refused),
    )


def told(value: Any) -> Any:
    """A value as every encoding tells it: JSON's 2000 and a form's "2000" are one."""
    if isinstance(value, Mapping):
        return {str(name): told(child) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [told(child) for child in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def deciding(contract: Contract, operation: str) -> frozenset[str]:
    """The members of a request that make a difference to what is documented of its operation."""
    moves = [move for move in contract.transitions.values() if move.operation == operation]
    names = {name for move in moves for name in move.send}
    if operation in _NAMING and any(move.method for move in moves):
        names.add(contract.settings["members"]["payment_method"])
    return frozenset(names)


def _members(contract: Contract, move: Transition) -> frozenset[str]:
    """The members that a request sends to be spoken of by this transition."""
    names = {*move.send}
    if move.method and move.operation in _NAMING and move.operation != _PAYING:
        names.add(contract.settings["members"]["payment_method"])
    return frozenset(names)


def _doubt(
    contract: Contract, move: Transition, asked: Mapping[str, Any], creation: Mapping[str, Any], status: str
) -> bool | None:
    """Whether it is in doubt that the transition speaks of the call; None where it certainly does not."""
    if not _members(contract, move) <= {*asked}:
        return None
    named = _instruments(contract, asked)
    if move.operation in _NAMING and move.method and named and move.method not in named:
        return None
    sends_method = contract.settings["members"]["payment_method"] in asked
    if move.operation == _PAYING and not move.method and not move.send and sends_method and _others_pay(contract, move):
        return None
    created = [_created(contract, name, value, creation) for name, value in move.create.items()]
    if any(one is False for one in created):
        return None
    return any(one is None for one in created) or bool(move.after and not _only_way(contract, move, status))


def _instruments(contract: Contract, asked: Mapping[str, Any]) -> frozenset[str]:
    """The documented instruments that the request names; empty where it names none or another one."""
    value = asked.get(contract.settings["members"]["payment_method"])
    return frozenset(name for name, one in contract.settings.get("instruments", {}).items() if one == value)


def _others_pay(contract: Contract, move: Transition) -> bool:
    """Whether transitions beside this one name a method, so that this one speaks of a call without any."""
    return any(one.method for one in contract.transitions.values() if one.operation == move.operation)


def _created(contract: Contract, name: str, value: Any, creation: Mapping[str, Any]) -> bool | None:
    """Whether the intent was created so; None where it does not show that in words that we know."""
    if name not in creation:
        return None
    if told(creation[name]) == told(value):
        return True
    known = [told(move.create[name]) for move in contract.transitions.values() if name in move.create]
    return False if told(creation[name]) in known else None


def _only_way(contract: Contract, move: Transition, status: str) -> bool:
    """Whether an intent in ``status`` comes from where the transition says; left by itself, a status tells nothing."""
    after = contract.transitions[move.after]
    ways = {(one.operation, one.method) for one in contract.transitions.values() if status in one.to}
    return status not in contract.passing and ways == {(after.operation, after.method)}


def _closer(contract: Contract, other: tuple[Transition, bool], move: Transition, asked: Mapping[str, Any]) -> bool:
    """Whether another transition certainly speaks of the call and describes its request more closely."""
    one, doubt = other
    if doubt or one is move:
        return False
    if one.operation == _PAYING and one.method and not _instruments(contract, asked):
        return False  # only perhaps with that method
    mine, theirs = _members(contract, move), _members(contract, one)
    exact = all(told(asked[name]) == told(value) for name, value in one.send.items())
    if mine == theirs:
        return bool(mine) and exact and any(told(asked[name]) != told(value) for name, value in move.send.items())
    return mine < theirs
