"""Which exchange of one run answers to which of another: by scenario, in order, by what was asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile
from urllib.parse import unquote, unquote_plus

from conformance.comparison.unify import Unifier
from conformance.contract import Contract
from conformance.evidence.exchange import Exchange

_MOST_ALIGNED = 2_000  # units of one scenario; with more, which only recordings have, the n-th meets the n-th


@dataclass(frozen=True)
class Pair:
    """An exchange of the first run and its partner in the second; one of the two may be missing."""

    a: Exchange | None
    b: Exchange | None


class Asked:
    """What exchanges ask, so that it can be compared: the same for two runs that ask the same of other intents."""

    def __init__(self, contract: Contract, unifier: Unifier) -> None:
        self._operations, self._unifier = tuple(contract.operations.values()), unifier
        self._root = contract.operations["create"].path

    def path(self, exchange: Exchange) -> str:
        """The path below whatever base the run's server has."""
        path = unquote(exchange.request.path)
        return path[max(path.find(self._root), 0) :]

    def operation(self, exchange: Exchange) -> str:
        """The neutral name of the operation, or method and path where the contract does not hold it."""
        path = exchange.request.path
        for operation in self._operations:
            if operation.method == exchange.request.method and operation.pattern.search(path):
                return operation.name
        return f"{exchange.request.method} {self._unifier.plain(self.path(exchange))}"

    def signature(self, exchange: Exchange) -> tuple[str, ...]:
        """Operation, query, body, credential and case, without what is an id or a time."""
        request, plain = exchange.request, self._unifier.plain
        body = request.body.decode("utf-8", "replace")
        if not (request.header("content-type") or "").startswith("application/json"):
            body = unquote_plus(body)
        return (
            self.operation(exchange),
            plain(unquote_plus(request.query)),
            plain(body),
            exchange.credential,
            exchange.case,
        )


@dataclass(frozen=True)
class Unit:
    """Exchanges that follow one another and ask the very same: one, or a poll, or a repeated request."""

    asked: tuple[str, ...]
    exchanges: tuple[Exchange, ...]

    @property
    def operation(self) -> str:
        return self.asked[0]

    @property
    def polls(self) -> bool:
        return self.exchanges[0].request.method == "GET"


def by_scenario(exchanges: Iterable[Exchange]) -> dict[str, list[Exchange]]:
    """The exchanges of each scenario in order of number, the scenario with the lowest number first."""
    found: dict[str, list[Exchange]] = {}
    for exchange in sorted(exchanges, key=lambda one: one.number):
        found.setdefault(exchange.scenario, []).append(exchange)
    return found


def pair(asked: Asked, a: Sequence[Exchange], b: Sequence[Exchange]) -> Iterator[Pair]:
    """The pairs of one scenario, in the order of ``a``.

    Of a poll (one read, again and again) that took another number of requests only the last answers are paired.
    """
    one, other = units_of(asked, a), units_of(asked, b)
    for first, second in _aligned(one, other):
        if first and second:
            yield from _within(first, second)
        else:
            yield from (Pair(exchange, None) for exchange in (first.exchanges if first else ()))
            yield from (Pair(None, exchange) for exchange in (second.exchanges if second else ()))


def units_of(asked: Asked, exchanges: Sequence[Exchange]) -> list[Unit]:
    """The exchanges of one scenario, with equal requests that follow one another taken together."""
    units: list[Unit] = []
    for exchange in exchanges:
        signature = asked.signature(exchange)
        if units and units[-1].asked == signature and units[-1].exchanges[-1].request == exchange.request:
            units[-1] = Unit(signature, (*units[-1].exchanges, exchange))
        else:
            units.append(Unit(signature, (exchange,)))
    return units


def _aligned(a: list[Unit], b: list[Unit]) -> Iterator[tuple[Unit | None, Unit | None]]:
    if max(len(a), len(b)) > _MOST_ALIGNED:
        yield from _in_turn(a, b)
        return
    # Two runs ask alike until an answer differs.
    alike = sum(1 for _ in takewhile(lambda both: both[0].asked == both[1].asked, zip(a, b, strict=False)))
    yield from zip(a[:alike], b[:alike], strict=True)
    a, b = a[alike:], b[alike:]
    matcher = SequenceMatcher(None, [unit.asked for unit in a], [unit.asked for unit in b], autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(a[first:last], b[start:end], strict=True)
        else:
            yield from _by_operation(a[first:last], b[start:end])


def _by_operation(a: list[Unit], b: list[Unit]) -> Iterator[tuple[Unit | None, Unit | None]]:
    """Requests that differ in what they send may still be meant for each other."""
    matcher = SequenceMatcher(None, [unit.operation for unit in a], [unit.operation for unit in b], autojunk=False)
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(a[first:last], b[start:end], strict=True)
        else:
            yield from ((unit, None) for unit in a[first:last])
            yield from ((None, unit) for unit in b[start:end])


def _in_turn(a: list[Unit], b: list[Unit]) -> Iterator[tuple[Unit | None, Unit | None]]:
    waiting: dict[tuple[str, ...], list[Unit]] = {}
    for unit in reversed(b):
        waiting.setdefault(unit.asked, []).append(unit)
    for unit in a:
        found = waiting.get(unit.asked)
        yield unit, found.pop() if found else None
    yield from ((None, unit) for units in waiting.values() for unit in reversed(units))


def _within(a: Unit, b: Unit) -> Iterator[Pair]:
    if a.polls and len(a.exchanges) != len(b.exchanges):
        yield Pair(a.exchanges[-1], b.exchanges[-1])
    else:
        yield from map(Pair, a.exchanges, b.exchanges)
        common = min(len(a.exchanges), len(b.exchanges))
        yield from (Pair(exchange, None) for exchange in a.exchanges[common:])
        yield from (Pair(None, exchange) for exchange in b.exchanges[common:])
