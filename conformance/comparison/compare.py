"""Two runs side by side: which verdicts changed, and which answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.comparison.chance import AT_ONCE, UNANSWERED, at_once
from conformance.comparison.differences import Differ, Difference, Group, Groups, delivered
from conformance.comparison.pairing import Pair, by_scenario, pair
from conformance.comparison.sources import Source
from conformance.comparison.unify import Moment, Unifier, times_in, words_of
from conformance.contract import Contract
from conformance.evidence.exchange import Exchange
from conformance.evidence.forms import decode_form
from conformance.verdict import Certificate

FRESH = frozenset({"exploration"})  # scenarios that ask something new in each run
_NEAR = 3600.0  # seconds from the time of an intent
ASKED, NOT_ASKED = "asked", "not asked"
# What a scenario asks follows from the answers: where they differ in nothing, from their ids and times.
BY_CHANCE = "a request that only one run made, after answers that differ in nothing but ids and times"


@dataclass(frozen=True)
class ChangedRow:
    """A requirement that was judged otherwise; a verdict is empty where a certificate does not hold the row."""

    id: str
    level: str
    statement: str
    a: str
    b: str
    why: str


@dataclass(frozen=True)
class Comparison:
    """What differs between ``a`` and ``b``; ``not_compared`` counts by reason what could not be held side by side."""

    provider: str
    a: str
    b: str
    changed: tuple[ChangedRow, ...] = ()
    groups: tuple[Group, ...] = ()
    pairs: int = 0
    not_compared: Mapping[str, int] = field(default_factory=dict)
    left_out: int = 0

    @property
    def differs(self) -> bool:
        return bool(self.changed or self.groups)

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain data."""
        return {
            "provider": self.provider,
            "a": self.a,
            "b": self.b,
            "differs": self.differs,
            "requirements": [vars(row) for row in self.changed],
            "pairs": self.pairs,
            "differences": [_group_json(group) for group in self.groups],
            "differences_left_out": self.left_out,
            "not_compared": dict(self.not_compared),
        }


def _group_json(group: Group) -> dict[str, Any]:
    return {
        "operation": group.operation,
        "place": group.place,
        "a": group.a,
        "b": group.b,
        "count": group.count,
        "first": [
            {"scenario": one.scenario, "a": one.a, "b": one.b, "exchanges": list(one.numbers)} for one in group.first
        ],
    }


def changed_rows(a: Certificate, b: Certificate) -> tuple[ChangedRow, ...]:
    """The requirements whose verdict is another one, in the order of the first certificate."""
    one = {row.id: row for row in a.requirements}
    other = {row.id: row for row in b.requirements}
    found = []
    for name in [*one, *(name for name in other if name not in one)]:
        first, second = one.get(name), other.get(name)
        row = second or first
        assert row is not None  # one of the two has it
        if first and second and first.verdict == second.verdict:
            continue
        told = next((each for each in (second, first) if each and (each.findings or each.reason)), row)
        findings = told.findings[:1]
        why = f"expected {findings[0].expected}, got {findings[0].actual}" if findings else told.reason
        verdicts = (first.verdict if first else "", second.verdict if second else "")
        found.append(ChangedRow(row.id, row.level, row.statement, *verdicts, why))
    return tuple(found)


class Seen:
    """What a comparison of exchanges keeps: who plays which role, when the runs began, when intents were made."""

    def __init__(self, contract: Contract, *, behaviour: bool = False) -> None:
        self.contract = contract
        self.unifier = Unifier(words_of(contract))
        self.differ = Differ(contract, self.unifier, behaviour=behaviour)
        self.groups = Groups()
        self.pairs = 0
        self.not_compared: dict[str, int] = {}
        self._times: dict[str, list[tuple[float, float]]] = {}
        self._first: dict[tuple[str, str], list[str]] = {}  # the intents that the first answers to a key showed

    def comparison(
        self, a: str, b: str, changed: tuple[ChangedRow, ...] = (), without: Mapping[str, int] | None = None
    ) -> Comparison:
        """What has been found, between runs of these names."""
        not_compared = {**(without or {}), **self.not_compared}
        groups = tuple(self.groups)
        return Comparison(self.contract.name, a, b, changed, groups, self.pairs, not_compared, self.groups.left_out)

    def skip(self, reason: str, count: int = 1) -> None:
        """Counts what cannot be compared."""
        self.not_compared[reason] = self.not_compared.get(reason, 0) + count

    def differences(self, a: Exchange, b: Exchange) -> list[Difference]:
        """What one pair shows otherwise; ``between`` of the unifier has been set."""
        asked = self.differ.requests(a, b)
        known = [delivered(each) is not None for each in (a, b)]
        if not all(known):
            self.doubt(UNANSWERED, a, b)
        if not any(known):
            self.skip(UNANSWERED)
            return []
        if otherwise := [one for one in asked if not one.role]:
            return otherwise
        if self.differ.lists_otherwise(a, b):
            self.skip(AT_ONCE)
            return []
        if self.falls_otherwise(a, b):
            self.skip("a list that begins or ends at a moment between whose sides the runs' intents fall otherwise")
            return []
        found = self.differ.answers(a, b)
        self._note(a, b)
        # Where they ask of other intents, which follows from earlier answers, so do the answers speak of others.
        return [one for one in found if not (asked and one.role)]

    # -- chance ------------------------------------------------------------------------------------------------------

    def chance(self, a: Exchange | None, b: Exchange | None) -> str:
        """Why a pair cannot be compared, because it speaks of what is chance; empty where it does not."""
        found = [self.differ.chance.reason(run, each) for run, each in enumerate((a, b)) if each]
        return next(filter(None, found), "")

    def at_once(self, a: Exchange | None, b: Exchange | None) -> list[Difference]:
        """What a pair shows otherwise that was sent at once with others; ``between`` has been set.

        That is which intent, where both were asked under a key: however its requests race, one key has one effect.
        """
        self.doubt(AT_ONCE, a, b)
        self.leave_out(AT_ONCE, a, b)
        if not a or not b:
            return []
        chance, same = self.differ.chance, self.differ.same_intent
        shown = [next(iter(chance.shown(each)), "") for each in (a, b)]
        if not chance.key(a) or not chance.key(b):
            if all(shown):
                same(a, b, *shown)  # for the roles: what is asked of one later is asked of the other
            return []
        first = self._first.setdefault((a.scenario, chance.key(a)), ["", ""])
        first[:] = [known or new for known, new in zip(first, shown, strict=True)]
        now = [new or known for known, new in zip(first, shown, strict=True)]
        pairs = {(one, other) for one, other in (first, now) if one and other}
        return [difference for one, other in sorted(pairs) for difference in same(a, b, one, other)]

    def doubt(self, reason: str, a: Exchange | None, b: Exchange | None) -> None:
        """Leaves to chance what follows on the intents and keys that a pair acted on; a read acts on none."""
        for run, exchange in enumerate((a, b)):
            if exchange and exchange.request.method != "GET":
                self.differ.chance.add(run, exchange, reason)

    def leave_out(self, reason: str, a: Exchange | None, b: Exchange | None) -> None:
        """Counts a pair that is not compared, and learns from it who plays which role."""
        self.skip(reason)
        if a and b:
            self.differ.requests(a, b)
            self._note(a, b)

    # -- times -------------------------------------------------------------------------------------------------------

    def time_there(self, time: float) -> float | None:
        """What a time of the first run is in the second one, by the intent that was made closest to it.

        None where none was made near it, so that it is no time of the run.
        """
        known = [both for pairs in self._times.values() for both in pairs]
        mine, yours = min(known, key=lambda both: abs(both[0] - time), default=(0.0, 0.0))
        return yours + time - mine if abs(mine - time) < _NEAR else None

    def falls_otherwise(self, a: Exchange, b: Exchange) -> bool:
        """Whether a query names a moment on whose other side an intent lies in the other run.

        A list from some second on holds what was made within that second, which is chance.
        """
        pairs = zip(_times_asked(a), _times_asked(b), strict=False)
        return any(
            _side(one, asked) != _side(other, also)
            for asked, also in pairs
            for made in self._times.values()
            for one, other in made
        )

    def _note(self, a: Exchange, b: Exchange) -> None:
        """Keeps the times of intents that both runs show."""
        name = self.contract.settings["members"]["id"]
        one, other = self.differ.sighting(a), self.differ.sighting(b)
        if not one or not other or len(one.intents) != 1 or len(other.intents) != 1:
            return
        first, second = one.intents[0], other.intents[0]
        self._times[str(first.get(name))] = [
            (mine, yours)
            for member in first.keys() & second.keys()
            for mine, yours in zip(times_in(first[member]), times_in(second[member]), strict=False)
        ]


def _side(one: float, other: float) -> int:
    return (one > other) - (one < other)


def _times_asked(exchange: Exchange) -> list[float]:
    query = exchange.request.query
    return [moment for text in _leaves(decode_form(query.encode())) for moment in times_in(text)] if query else []


def _leaves(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for entry in value.values():
            yield from _leaves(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _leaves(entry)
    else:
        yield str(value)


def compare_exchanges(contract: Contract, a: Sequence[Exchange], b: Sequence[Exchange]) -> Seen:
    """Holds the exchanges of two runs side by side, scenario by scenario, in the order of ``a``."""
    seen = Seen(contract)
    for run, exchanges in enumerate((a, b)):
        for exchange in exchanges:
            seen.differ.courses.note(run, exchange)
    one, other = by_scenario(a), by_scenario(b)
    begun = (began(a), began(b))
    origins = (origin(a[0].request.url if a else ""), origin(b[0].request.url if b else ""))
    for name in one:
        if name not in other or name in FRESH:
            seen.skip(
                "exchanges of scenarios that only one run has, or that ask something new each time", len(one[name])
            )
            continue
        differs = False
        together = (at_once(one[name]), at_once(other[name]))
        for both in pair(seen.differ.asked, one[name], other[name]):
            if both.a and both.b:
                moments = (moment(both.a, begun[0]), moment(both.b, begun[1]))
                seen.unifier.between(moments, origins)
            if any(each and each.number in there for each, there in zip((both.a, both.b), together, strict=True)):
                seen.groups.extend(seen.at_once(both.a, both.b))
            elif reason := seen.chance(both.a, both.b):
                seen.leave_out(reason, both.a, both.b)
            elif both.a and both.b:
                seen.pairs += 1
                found = seen.differences(both.a, both.b)
                seen.groups.extend(found)
                differs |= bool(found)
            elif differs:
                seen.groups.extend([_alone(seen, both)])
            else:
                seen.skip(BY_CHANCE)
    alone = sum(len(exchanges) for name, exchanges in other.items() if name not in one)
    if alone:
        seen.skip("exchanges of scenarios that only one run has, or that ask something new each time", alone)
    return seen


def _alone(seen: Seen, both: Pair) -> Difference:
    """That only one run has asked something, which follows from an answer that came before."""
    exchange = both.a or both.b
    assert exchange is not None  # a pair has one of the two
    words, numbers = (
        ((ASKED, NOT_ASKED), (exchange.number, 0)) if both.a else ((NOT_ASKED, ASKED), (0, exchange.number))
    )
    return Difference(exchange.scenario, seen.differ.asked.operation(exchange), "request", *words, words, numbers)


def began(exchanges: Iterable[Exchange]) -> float:
    """When a run began; 0 where its exchanges do not tell."""
    return min((one.started for one in exchanges if one.started), default=0.0)


def moment(exchange: Exchange, run_began: float) -> Moment:
    """Where an exchange lies in its run."""
    return Moment(exchange.started, exchange.started - run_began)


def origin(url: str) -> str:
    """The scheme and host of a URL; empty where it is none."""
    parts = url.split("/", 3)[:3]
    return "/".join(parts) if len(parts) == 3 else ""


def compare_sources(contract: Contract, a: Source, b: Source) -> Comparison:
    """What differs between two sides of one contract: in verdicts and in exchanges, so far as both sides hold them."""
    changed = changed_rows(a.certificate, b.certificate) if a.certificate and b.certificate else ()
    without = {side.without: 1 for side in (a, b) if side.without}
    if a.exchanges is None or b.exchanges is None:
        return Comparison(contract.name, a.name, b.name, changed, not_compared=without)
    seen = compare_exchanges(contract, a.exchanges, b.exchanges)
    return seen.comparison(a.name, b.name, changed, without)
