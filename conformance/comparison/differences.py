"""What two answers to the same request show otherwise, place by place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.comparison.chance import Chance
from conformance.comparison.courses import Courses
from conformance.comparison.pairing import Asked
from conformance.comparison.unify import Likeness, Unifier, times_in
from conformance.contract import Contract
from conformance.evidence.exchange import UNREADABLE, Exchange, Headers, Response, header
from conformance.evidence.forms import decode_form
from conformance.evidence.redaction import Redactor
from conformance.sighting import Sighting, read_history, resolve, sighted
from conformance.target import proxy

_PRESENT, ABSENT, ANOTHER = "present", "absent", " (elsewhere this role is played by another one)"
_SOME, _UNKNOWN = "one or more", "that were made meanwhile and that no other answer gave"
# Of the transport, or of the moment; what is left is compared.
VOLATILE = frozenset({
    "age", "alt-svc", "cf-cache-status", "cf-ray", "connection", "content-encoding", "content-length", "date", "etag",
    "keep-alive", "last-modified", "server", "server-timing", "set-cookie", "transfer-encoding", "vary", "via",
    "x-runtime", "x-response-time", "x-ratelimit-remaining", "x-ratelimit-reset",
})  # fmt: skip
# Of HTTP itself, and meant for the one who asked.
_MEANT = frozenset({"allow", "content-type", "location", "retry-after", "www-authenticate"})
_HIDING = Redactor({})  # what is compared should hold no secret; a file from elsewhere may
_DEEPEST = 60  # levels of a body that are looked into
_MOST = 40  # differences of one pair; more of the same answer tell a reader nothing
_LONGEST = 160  # characters of a value that is told
_PROSE = 3  # spaces that make a text prose


@dataclass(frozen=True)
class Difference:
    """One place in which two exchanges differ: ``status``, ``header …``, ``request …`` or a JSON pointer.

    ``a`` and ``b`` are the values as a reader is shown them, ``kind`` the same without ids and times. ``numbers`` are
    those of the exchanges in their runs, 0 where a run has none. ``role``: both values are well, but they are ids that
    play two roles elsewhere.
    """

    scenario: str
    operation: str
    place: str
    a: str
    b: str
    kind: tuple[str, str]
    numbers: tuple[int, int]
    role: bool = False


class Differ:
    """Compares exchanges by a contract, and learns in ``unifier`` who plays which role.

    ``behaviour``: two implementations are compared, so that only headers count that contract or HTTP give a meaning,
    and how a message is worded does not.
    """

    def __init__(self, contract: Contract, unifier: Unifier, *, behaviour: bool = False) -> None:
        self.contract, self.unifier, self.behaviour = contract, unifier, behaviour
        self.courses, self.asked, self.chance = Courses(contract), Asked(contract, unifier), Chance(contract)
        members = contract.settings["members"]
        # Where an id stands, however short it is.
        self._ids = {name for key, name in members.items() if key in ("id", "payment", "payment_method")}
        settings = contract.settings
        keys = settings.get("idempotency", {})
        named = [settings.get("versioning", {}).get("header", ""), keys.get("header", ""), keys.get("replayed", "")]
        named += [str(row.args["header"]) for row in contract.requirements.values() if "header" in row.args]
        self._meant = {name.lower() for name in named if name} | _MEANT

    # -- requests ----------------------------------------------------------------------------------------------------

    def requests(self, a: Exchange, b: Exchange) -> list[Difference]:
        """What was asked otherwise; both requests' roles are learned."""
        told = _Told(self, a, b, "request ")
        one, other = a.request, b.request
        told.path(self.asked.path(a), self.asked.path(b), self._intent(a), self._intent(b))
        told.walk("query", decode_form(one.query.encode()), decode_form(other.query.encode()))
        name = self.contract.settings.get("idempotency", {}).get("header", "")
        if name:
            key, another = one.header(name), other.header(name)
            if key and another:
                self.unifier.keys(key, another)
            else:
                told.value(f"header {name.lower()}", key, another)
        told.walk("", body_of(a), body_of(b))
        return told.found

    def _intent(self, exchange: Exchange) -> str:
        """The id in the path."""
        seen = sighted(self.contract, exchange)
        return seen.intent if seen else ""

    # -- answers -----------------------------------------------------------------------------------------------------

    def answers(self, a: Exchange, b: Exchange) -> list[Difference]:
        """What was answered otherwise."""
        told = _Told(self, a, b)
        if a.response is None or b.response is None:
            self._lost(told, a, b)
            return told.found
        if (a.response.status < 400) != (b.response.status < 400):
            told.add("status", self.words(a), self.words(b))  # all else follows from it
            return told.found
        told.value("status", a.response.status, b.response.status)
        self._headers(told, a.response.headers, b.response.headers)
        one, other = a.response.json, b.response.json
        if one is UNREADABLE and other is UNREADABLE:
            told.value("body", _text(a.response), _text(b.response))
        elif one is UNREADABLE or other is UNREADABLE:
            told.add("body", _readable(one), _readable(other))
        elif not self.courses.apart((a, b), (one, other)):
            told.walk("", one, other, items=self._items(a, one, other))
        return told.found

    def _lost(self, told: _Told, a: Exchange, b: Exchange) -> None:
        """Of an answer that got lost the suite's proxy tells the status and some members."""
        one, other = delivered(a), delivered(b)
        if one is None and other is None:
            return
        if one is None or other is None or (one.status < 400) != (other.status < 400):
            told.add("answer", self.words(a), self.words(b))
            return
        told.value("status", one.status, other.status)
        names = {name for each, side in ((a, one), (b, other)) if each.response is None for name in side.members}
        shown = [{name: side.members[name] for name in sorted(names & side.members.keys())} for side in (one, other)]
        told.walk("", *shown)

    def same_intent(self, a: Exchange, b: Exchange, one: str, other: str) -> list[Difference]:
        """Whether two intents play one role: the difference where they do not. Answers to one key show them."""
        told = _Told(self, a, b)
        told.value(f"/{self.contract.settings['members']['id']}", one, other)
        return [difference for difference in told.found if difference.role]

    def lists_otherwise(self, a: Exchange, b: Exchange) -> bool:
        """Whether two lists show another number of intents whose state is chance, so that they may begin elsewhere."""
        if a.response is None or b.response is None:
            return False
        bodies = (a.response.json, b.response.json)
        pointer = self._items(a, *bodies)
        if pointer is None:
            return False
        name = self.contract.settings["members"]["id"]
        counts = [
            sum(self.chance.holds(run, _id_of(item, name)) for item in resolve(body, pointer))
            for run, body in enumerate(bodies)
        ]
        return counts[0] != counts[1]

    def _headers(self, told: _Told, a: Headers, b: Headers) -> None:
        for name in sorted({name.lower() for name, _ in (*a, *b)}):
            if name in self._meant if self.behaviour else name not in VOLATILE:
                told.value(f"header {name}", header(a, name), header(b, name))

    def _items(self, exchange: Exchange, a: Any, b: Any) -> str | None:
        """The pointer of the items, where both answers are lists of intents."""
        asked = self.sighting(exchange)
        if asked is None or not asked.operation or self.contract.operations[asked.operation].shows_one:
            return None
        pointer = str(self.contract.settings["lists"]["items"])
        both = (resolve(a, pointer), resolve(b, pointer))
        return pointer if all(isinstance(items, list) for items in both) else None

    def sighting(self, exchange: Exchange) -> Sighting | None:
        """The exchange as the contract reads it."""
        return next(iter(read_history(self.contract, [exchange])), None)

    def words(self, exchange: Exchange) -> str:
        """The answer in few words, without ids: what a reader needs to tell it from another one."""
        if exchange.response is None:
            lost = proxy.told(exchange)
            return f"HTTP {lost.status}, which got lost" if lost else "no answer"
        seen = self.sighting(exchange)
        error = (seen.error if seen else None) or {}
        said = [text for text in map(error.get, ("type", "code", "decline_code", "error")) if isinstance(text, str)]
        inside = f" ({', '.join(self.unifier.plain(text)[:60] for text in said)})" if said else ""
        return f"HTTP {exchange.response.status}{inside}"

    def outcome(self, exchange: Exchange) -> object:
        """The answer without ids and times."""
        answer = exchange.response
        marks = tuple(answer.header(name) for name in sorted(self._meant)) if answer else ()
        body = self.unifier.plain(answer.body.decode("utf-8", "replace")) if answer else exchange.failure
        return (answer.status if answer else 0, *(self.unifier.plain(mark or "") for mark in marks), body)

    def is_id(self, name: str) -> bool:
        """Whether a member of this name holds an id."""
        return name in self._ids or name == "id" or name.endswith("_id")

    def is_prose(self, name: str, a: Any, b: Any) -> bool:
        """Whether two texts are for people, so that their wording is nobody's behaviour."""
        prose = self.contract.settings["errors"].get("message", "message")
        texts = isinstance(a, str) and isinstance(b, str)
        return texts and (name == prose or min(a.count(" "), b.count(" ")) >= _PROSE)


def delivered(exchange: Exchange) -> proxy.Told | None:
    """What the target answered, though the answer got lost on its way; None where nobody knows."""
    if exchange.response is None:
        return proxy.told(exchange)
    body = exchange.response.json
    return proxy.Told(exchange.response.status, body if isinstance(body, dict) else {})


def body_of(exchange: Exchange) -> Any:
    """The decoded body of a request; as text where it cannot be read, None where there is none."""
    body = exchange.request.body
    if not body:
        return None
    kind = exchange.request.header("content-type") or ""
    if kind.startswith("application/x-www-form-urlencoded"):
        return decode_form(body)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


class _Told:
    """Collects the differences of one pair; ``before`` stands before each place."""

    def __init__(self, differ: Differ, a: Exchange, b: Exchange, before: str = "") -> None:
        self._differ, self._before, self._exchanges = differ, before, (a, b)
        self._scenario, self._operation, self._numbers = a.scenario, differ.asked.operation(a), (a.number, b.number)
        self.found: list[Difference] = []

    def add(self, place: str, a: str, b: str, *, role: bool = False, kind: tuple[str, str] | None = None) -> None:
        """Tells one difference; ``kind`` is what it has in common with others of its place."""
        if len(self.found) < _MOST:
            plain = self._differ.unifier.plain
            shown = (self._before + (place or "body"), _short(a), _short(b) + ANOTHER * role)
            kind = kind or (plain(a), plain(b))
            self.found.append(Difference(self._scenario, self._operation, *shown, kind, self._numbers, role))

    def path(self, a: str, b: str, one: str, other: str) -> None:
        """Two paths that may name the intents ``one`` and ``other``."""
        if one and other:
            if self._differ.unifier.texts(one, other, is_id=True) is Likeness.OTHER:
                self._differ.unifier.alias(one, other)  # whatever an id looks like here and there
            a, b = a.replace(one, "{intent}"), b.replace(other, "{intent}")
            if self._differ.unifier.partner(one) not in (None, other):
                self.add("path", one, other, role=True)
        self.value("path", a, b)

    def value(self, place: str, a: Any, b: Any) -> None:
        """Two values that are no object or array; None is absent, but in a body."""
        name = place.rpartition("/")[2]
        if self._differ.behaviour and self._differ.is_prose(name, a, b):
            return
        is_id = self._differ.is_id(name)
        likeness = self._differ.unifier.values(a, b, is_id=is_id)
        if likeness is Likeness.SAME:
            return
        if likeness is Likeness.OTHER and is_id and a and b and isinstance(a, str) and isinstance(b, str):
            # Ids of another kind are told once, or where only behaviour counts not at all; they play their roles.
            kept = self._differ.unifier.alias(a, b)
            if kept and self._differ.behaviour:
                return
        absent = not place.startswith("/")
        self.add(place, _shown(a, absent), _shown(b, absent), role=likeness is Likeness.ROLE)

    def walk(self, place: str, a: Any, b: Any, *, items: str | None = None, depth: int = 0) -> None:
        """Two JSON values; ``items`` is the pointer of a list whose items are told by their ids."""
        if isinstance(a, Mapping) and isinstance(b, Mapping) and depth < _DEEPEST:
            for name in [*a, *(name for name in b if name not in a)]:
                inner = f"{place}/{_escaped(name)}"
                if name not in b:
                    self.add(inner, _shown(a[name]), ABSENT, kind=(_PRESENT, ABSENT))
                elif name not in a:
                    self.add(inner, ABSENT, _shown(b[name]), kind=(ABSENT, _PRESENT))
                else:
                    self.walk(inner, a[name], b[name], items=items, depth=depth + 1)
        elif isinstance(a, list) and isinstance(b, list) and depth < _DEEPEST:
            if place == items:
                self._items(place, a, b, depth)
                return
            for one, other in zip(a, b, strict=False):
                self.walk(f"{place}/*", one, other, depth=depth + 1)
            if len(a) != len(b):
                self.add(place, _shape(a), _shape(b))
        elif isinstance(a, Mapping | list) or isinstance(b, Mapping | list):
            if a != b:
                self.add(place, _shape(a), _shape(b))
        else:
            self.value(place, a, b)

    def _items(self, place: str, a: list[Any], b: list[Any], depth: int) -> None:
        """Items of a list, told by the id: an account may have others, of which a comparison knows nothing."""
        unifier, name = self._differ.unifier, self._differ.contract.settings["members"]["id"]
        chance = self._differ.chance
        own = [(key, item) for item in a if not chance.holds(0, key := _id_of(item, name))]
        other = [(key, item) for item in b if not chance.holds(1, key := _id_of(item, name))]
        if not all(key for key, _ in (*own, *other)):  # of what has no id, only the place can tell
            for (_, one), (_, another) in zip(own, other, strict=False):
                self.walk(f"{place}/*", one, another, depth=depth + 1)
            if len(own) != len(other):
                self.add(place, _shape(a), _shape(b))
            return
        known = [(partner, item) for key, item in own if (partner := unifier.partner(key))]
        theirs = [(key, item) for key, item in other if unifier.known_back(key)]
        if len(known) == len(own) and len(theirs) == len(other):
            keys, also = [key for key, _ in known], [key for key, _ in theirs]
            if len(keys) != len(also):
                self.add(place, _shape(a), _shape(b))
            elif keys != also:
                same = sorted(keys) == sorted(also)
                self.add(place, "these intents", "the same in another order" if same else "other intents")
        strangers = [self._strangers(run, items) for run, items in enumerate((own, other))]
        if any(strangers) and not all(strangers):
            self.add(place, *(f"{_SOME if count else 'no'} intents {_UNKNOWN}" for count in strangers))
        found = dict(theirs)
        for key, item in known:
            if key in found and not self._differ.courses.apart(self._exchanges, (item, found[key])):
                self.walk(f"{place}/*", item, found[key], depth=depth + 1)

    def _strangers(self, run: int, items: list[tuple[str, Any]]) -> int:
        """How many intents were made in the time of a run, and shown to it by lists alone."""
        differ = self._differ
        unknown = [item for key, item in items if not differ.courses.given(run, key)]
        times = [[time for value in item.values() for time in times_in(value)] for item in unknown]
        return sum(any(differ.unifier.within_run(run, time) for time in each) for each in times)


def _id_of(item: Any, name: str) -> str:
    found = item.get(name) if isinstance(item, Mapping) else None
    return str(found) if isinstance(found, str | int) else ""


def _text(answer: Response) -> str:
    return answer.body.decode("utf-8", "replace")


def _readable(body: Any) -> str:
    return "not JSON" if body is UNREADABLE else _shape(body)


def _shape(value: Any) -> str:
    if isinstance(value, list):
        return f"an array of {len(value)}"
    return "an object" if isinstance(value, Mapping) else _shown(value)


def _shown(value: Any, absent: bool = False) -> str:
    if value is None and absent:
        return ABSENT
    return json.dumps(value, ensure_ascii=False)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"


def _escaped(name: str) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


@dataclass(frozen=True)
class Group:
    """Differences that say the same: one cause is told once. ``first`` are the first of ``count``."""

    operation: str
    place: str
    a: str
    b: str
    count: int
    first: tuple[Difference, ...]

    @property
    def scenarios(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.scenario for one in self.first))


def _consequence(difference: Difference) -> int:
    """Who plays which role, and what is asked at all, mostly follows from what was answered before."""
    return 2 if difference.place.startswith("request") else int(difference.role)


class Groups:
    """Gathers differences by operation, place and values, in the order in which they were found. Bounded."""

    def __init__(self, most: int = 2_000, named: int = 3) -> None:
        self._most, self._named = most, named
        self._first: dict[tuple[str, ...], list[Difference]] = {}
        self._counts: dict[tuple[str, ...], int] = {}
        self.left_out = 0

    def __contains__(self, difference: Difference) -> bool:
        return self._key(difference) in self._first

    @staticmethod
    def _key(difference: Difference) -> tuple[str, ...]:
        return (difference.operation, difference.place, *difference.kind)

    def extend(self, differences: Iterable[Difference]) -> None:
        for one in differences:
            key = self._key(one)
            if key not in self._first and len(self._first) >= self._most:
                self.left_out += 1
                continue
            first = self._first.setdefault(key, [])
            self._counts[key] = self._counts.get(key, 0) + 1
            if len(first) < self._named:
                first.append(replace(one, a=_HIDING.text(one.a), b=_HIDING.text(one.b)))

    def __iter__(self) -> Iterator[Group]:
        """What answers show first, what follows from earlier answers last."""
        for key, first in sorted(self._first.items(), key=lambda entry: _consequence(entry[1][0])):
            told = first[0]
            yield Group(told.operation, told.place, told.a, told.b, self._counts[key], tuple(first))
