"""Keeps, of generated bodies, what is certainly valid or certainly invalid where it arrives, each trying one thing."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jsonschema_rs

from conformance.evidence.forms import decode_form, encode_form
from conformance.scenarios.exam import Mode, canonical
from conformance.scenarios.exam_faults import PLACEHOLDER, Fault, faults, named, top_member
from conformance.scenarios.exam_schema import Schema, Travel, escape, lenient, on_the_wire, unescape

_LONGEST = 600  # characters of a case's body as written; what is longer tells a reader nothing
_SAFE_INTEGER = 2**53
_REPEATS = 2  # cases of one kind at one place: the second may hit what the first missed, a third hardly does
_UNIFORM = 60  # a string of one character, at least this long, is written {repeat, times}
_ODD_CATEGORIES = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")
_LAST_CHARACTER = 0xFFFF  # beyond, which characters exist depends on the Python that asks


@dataclass(frozen=True)
class Reading:
    """How one operation reads its requests: bodies, or queries taken as an object of their parameters.

    ``schema`` is the documented one (placeholders accepted), ``base`` the smallest sound body, ``untouched`` the
    members never made invalid, ``pinned`` those that a positive case never changes, ``values`` the ones that the
    contract chose for positive cases, ``method`` the member that names a payment method, if the operation has one.
    """

    schema: Schema
    travel: Travel
    base: Mapping[str, Any]
    untouched: frozenset[str]
    pinned: frozenset[str]
    values: Mapping[str, list[Any]]
    method: str
    unknown_allowed: bool

    @property
    def form(self) -> bool:
        """Whether every plain value arrives as text."""
        return self.travel != "json"

    @cached_property
    def documented(self) -> Any:
        return jsonschema_rs.Draft202012Validator(self.schema, validate_formats=True)

    @cached_property
    def certain(self) -> Any:
        return jsonschema_rs.Draft202012Validator(self._lenient)

    @cached_property
    def wire(self) -> Any:
        schema, formats = on_the_wire(self._lenient)
        return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, formats=formats)

    @property
    def _lenient(self) -> Schema:
        return lenient(self.schema, self.untouched, self.unknown_allowed)

    def arrives_valid(self, body: Mapping[str, Any]) -> bool:
        """Whether a lenient server could take what this body is after its encoding."""
        return bool(self.wire.is_valid(self.arrives_as(body)) if self.form else self.certain.is_valid(body))

    def arrives_as(self, body: Any) -> Any:
        """What a server reads before it knows any type."""
        return decode_form(encode_form(body)) if self.form and isinstance(body, Mapping) else body


@dataclass(frozen=True)
class Candidate:
    """A body fit for the exam.

    ``group`` is the top-level member it is about, ``kind`` what it tries there, ``rank`` is lower for what tries it
    more purely, ``identity`` the same for all bodies that look the same when they arrive.
    """

    mode: Mode
    body: Any
    location: str
    why: str
    group: str
    kind: str
    rank: int
    identity: str


def positives(reading: Reading, body: Any) -> Iterator[Candidate]:
    """Valid bodies drawn from a generated one: the base with each member alone, then with all of them."""
    if not isinstance(body, Mapping):
        return
    members = {name: value for name, value in body.items() if name not in reading.pinned}
    singles = [(f"/{escape(name)}", name, {name: value}) for name, value in members.items()]
    for location, group, chosen in [*singles, ("", "", members)]:
        merged = {**reading.base, **chosen}
        if merged.get("confirm") is True and reading.method:  # confirming at once needs a method at once
            merged[reading.method] = "{success}"
        drawn = {name: value for name, value in chosen.items() if value not in reading.values.get(name, ())}
        if not _sane(drawn) or any(_has_empty(value, reading.form) for value in drawn.values()):
            continue
        if reading.documented.is_valid(merged) and reading.arrives_valid(merged):
            why = _valued(chosen[group]) if group else f"{len(chosen)} members together" if chosen else "the least"
            yield _candidate(reading, "positive", merged, location, why, group, why if group else "together")


def negatives(reading: Reading, body: Any) -> Iterator[Candidate]:
    """Invalid bodies drawn from a generated one: the base with one violated member each."""
    if not isinstance(body, Mapping):
        if not reading.form and not _may_be_read_as_none(reading, body) and _sane(body):
            why = f"{named(body)} instead of an object"
            yield _candidate(reading, "negative", body, "", why, "", why, 1)
        return
    for member in sorted({top_member(error) for error in reading.certain.iter_errors(body)}):
        if not member:  # the body as a whole: keep it as it was generated
            spoilt = dict(body)
        elif member in body:
            spoilt = {**reading.base, member: body[member]}
        else:
            spoilt = {name: value for name, value in reading.base.items() if name != member}
        spoilt = _without_empty(spoilt) if reading.form else spoilt
        if not spoilt and reading.travel != "query":
            continue
        if not _sane({name: value for name, value in spoilt.items() if name not in reading.base}):
            continue
        if not _sane(body.get(member)):
            continue
        if reading.documented.is_valid(spoilt) or reading.arrives_valid(spoilt):
            continue
        if not _faults(reading, spoilt):
            continue
        spoilt = _isolated(reading, spoilt, member)
        found = _faults(reading, spoilt)
        location, _, why, kind = found[0]
        value, rank = _at(spoilt, location), len(found)
        if value == "" and location.removeprefix("/") not in reading.base:
            continue  # some servers read the empty value of an optional member as none
        if reading.travel == "query" and isinstance(value, list | dict):
            continue  # it would travel under another name (``limit[]``), which a server may leave unread
        if reading.form and isinstance(value, str | int | float) and (kind == "enum" or kind.startswith("wrong type")):
            kind = "plain"  # on the wire every plain value is a string, so one that is a string from the start will do
            rank += not isinstance(value, str)
        yield _candidate(reading, "negative", spoilt, location, why, member, kind, rank)


def _may_be_read_as_none(reading: Reading, body: Any) -> bool:
    """Whether a server that looks for members alone takes this for a body without any, and that for a sound one."""
    return body in (None, "", []) or ((not body or isinstance(body, list)) and bool(reading.certain.is_valid({})))


def _faults(reading: Reading, body: Any) -> list[Fault]:
    return faults(reading.certain, body, reading.form)


def _isolated(reading: Reading, spoilt: dict[str, Any], member: str) -> dict[str, Any]:
    """The body with only its violated place taken from what was generated, the rest of the member from ``values``."""
    location = _faults(reading, spoilt)[0][0]
    sound = next((value for value in reading.values.get(member, ()) if isinstance(value, Mapping)), None)
    if sound is None or location.count("/") < 2 or not isinstance(spoilt.get(member), dict):
        return spoilt
    mended = {**spoilt, member: _grafted(sound, spoilt[member], [unescape(part) for part in location.split("/")[2:]])}
    same = [fault[0] for fault in _faults(reading, mended)] == [location]
    return mended if same and not reading.arrives_valid(mended) else spoilt


def _grafted(sound: Any, spoilt: Any, path: list[str]) -> Any:
    """``sound``, but at the path as ``spoilt`` is."""
    if not path or not isinstance(sound, Mapping) or not isinstance(spoilt, Mapping):
        return spoilt
    name = path[0]
    kept = {key: value for key, value in sound.items() if key != name}
    return {**kept, name: _grafted(sound.get(name), spoilt[name], path[1:])} if name in spoilt else kept


def choose(candidates: Iterable[Candidate], limit: int) -> list[Candidate]:
    """At most ``limit`` of them, differing as much as possible: each member in turn, each kind of trial first."""
    groups: dict[str, list[tuple[tuple[int, int, int], Candidate]]] = {}
    seen: set[str] = set()
    times: Counter[tuple[str, ...]] = Counter()
    for number, candidate in enumerate(sorted(candidates, key=lambda candidate: candidate.rank)):
        place = (candidate.group, re.sub(r"/\d+(?=/|$)", "/0", candidate.location))
        trial = (*place, candidate.kind)
        if candidate.identity in seen or times[trial] == _REPEATS or len(canonical(candidate.body)) > _LONGEST:
            continue
        seen.add(candidate.identity)
        # One wrong type at a place, then what else can be wrong there, then the next wrong type.
        sort = (*place, "every", candidate.kind.partition(":")[0])
        order = (times[sort], candidate.location.count("/"), number)
        times.update([trial, sort])
        groups.setdefault(candidate.group, []).append((order, candidate))
    queues = [sorted(entries, key=lambda entry: entry[0]) for _, entries in sorted(groups.items())]
    turns = [
        queue[turn][1] for turn in range(max(map(len, queues), default=0)) for queue in queues if turn < len(queue)
    ]
    return turns[:limit]


def _candidate(
    reading: Reading, mode: Mode, body: Any, location: str, why: str, group: str, kind: str, rank: int = 0
) -> Candidate:
    identity = canonical(reading.arrives_as(body))
    return Candidate(mode, _short(body), location, why, group, kind, rank, identity)


def _short(value: Any) -> Any:
    """The value with long strings of one character written ``{repeat, times}``."""
    if isinstance(value, str) and len(value) >= _UNIFORM and len(set(value)) == 1:
        return {"repeat": value[0], "times": len(value)}
    if isinstance(value, Mapping):
        return {key: _short(child) for key, child in value.items()}
    return [_short(child) for child in value] if isinstance(value, list) else value


def _is_ordinary(char: str) -> bool:
    return char == " " or (ord(char) <= _LAST_CHARACTER and unicodedata.category(char) not in _ODD_CATEGORIES)


def _sane(value: Any) -> bool:
    """Whether every server reads this value alike: no control characters, no number beyond what doubles hold, …"""
    if isinstance(value, str):
        return all(map(_is_ordinary, value)) and not PLACEHOLDER.fullmatch(value)
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int):
        return abs(value) <= _SAFE_INTEGER
    if isinstance(value, float):
        return math.isfinite(value) and not value.is_integer()
    if isinstance(value, Mapping):
        keys = all(key and _sane(key) and not set("[]") & set(key) for key in value)
        return keys and set(value) != {"repeat", "times"} and all(map(_sane, value.values()))
    return isinstance(value, list) and all(map(_sane, value))


def _has_empty(value: Any, form: bool) -> bool:
    """Whether a string in the value is empty, which some servers read as none; in a form: whether anything is."""
    if value == "" or (form and value in (None, [], {})):
        return True
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(_has_empty(child, form) for child in children)


def _without_empty(value: Any) -> Any:
    """The value without the empty lists and objects in it, which leave no trace in a form."""
    if isinstance(value, Mapping):
        children = {key: _without_empty(child) for key, child in value.items()}
        return {key: child for key, child in children.items() if child not in ([], {})}
    if isinstance(value, list):
        return [child for child in map(_without_empty, value) if child not in ([], {})]
    return value


def _at(body: Any, pointer: str) -> Any:
    """The value at a JSON pointer; None where nothing is."""
    for name in map(unescape, pointer.split("/")[1:]):
        body = body[int(name)] if isinstance(body, list) else body.get(name) if isinstance(body, Mapping) else None
    return body


def _valued(value: Any) -> str:
    """What a value is, in a few words."""
    if isinstance(value, str):
        return f"{value!a}" if len(value) < _UNIFORM else f"string of {len(value)} characters"
    if isinstance(value, Mapping):
        return f"object with {', '.join(sorted(value)) or 'nothing'}"
    return f"array of {len(value)}" if isinstance(value, list) else canonical(value)
