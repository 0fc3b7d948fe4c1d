"""Which value of one run plays the role of which value of another: ids, secrets and times, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from conformance.contract import Contract

TIME_TOLERANCE = 60.0  # seconds by which a time may lie otherwise in its run
_SECONDS, _MILLISECONDS = range(10**9, 10**11), range(10**12, 10**14)  # of times since the epoch: years 2001 to 5138
_TOKEN = re.compile(
    r"\[redacted(?::[^\]]*)?\]"
    r"|(?<![0-9A-Za-z])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9A-Za-z])"
    r"|\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
    r"|[A-Za-z0-9]+"
)
_WIDE = re.compile(r"[\w-]+")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")
_CAMEL = re.compile(r"[a-z]*(?:[A-Z][a-z]{2,})*")
_SHORTEST_ID = 8  # letters and digits; shorter words are ids only where the contract says that an id stands
_SHORTEST_RANDOM = 10  # letters alone
_SHORTEST_NUMBER = 12  # digits alone, for amounts are shorter
_LONGEST = 20_000  # characters of a text that is taken apart; a longer one is compared as it is


class Likeness(Enum):
    """What two texts are to each other: the same, the same but for an id that plays another role, or different."""

    SAME = 0
    ROLE = 1
    OTHER = 2


@dataclass(frozen=True)
class Moment:
    """When an exchange began, in seconds since the epoch (0: not known), and since its run began."""

    started: float = 0.0
    since: float = 0.0


class Unifier:
    """A one-to-one map between the ids and secrets of two runs, learned by comparing them in step.

    Two tokens that look like ids are taken for one role where neither has a partner yet; from then on each has to meet
    its partner. ``words`` are never ids: what the contract itself says. ``between`` sets the moments and the addresses
    of the exchanges whose texts are compared next.
    """

    def __init__(self, words: frozenset[str] = frozenset()) -> None:
        self.words = words
        self._there: dict[str, str] = {}
        self._back: dict[str, str] = {}
        self._learned: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self._aliases: dict[str, str] = {}
        self._aliased: dict[str, str] = {}
        self._any_wide = False
        self._moments = (Moment(), Moment())
        self._origins = ("", "")

    def between(self, moments: tuple[Moment, Moment], origins: tuple[str, str] = ("", "")) -> None:
        self._moments, self._origins = moments, origins

    # -- roles -----------------------------------------------------------------------------------------------------

    def partner(self, text: str) -> str | None:
        """What plays the role of an id of the first run in the second one; None where that is not known."""
        return self._aliases.get(text) or self._known(text, self._there)

    def known_back(self, text: str) -> bool:
        """Whether an id of the second run has a role."""
        return text in self._aliased or self._known(text, self._back) is not None

    def _known(self, text: str, partners: Mapping[str, str]) -> str | None:
        if text in partners:
            return partners[text]
        parts = tokens(text)
        ids = [place for place in range(1, len(parts), 2) if parts[place] in partners or self.is_id(parts[place])]
        if not ids or not all(parts[place] in partners for place in ids):
            return None
        return "".join(partners[part] if place in ids else part for place, part in enumerate(parts))

    def bind(self, a: str, b: str) -> bool:
        """Makes two tokens partners; whether they are, which they are not where one of them has another partner."""
        return self._partners(a, b, self._there, self._back)

    def alias(self, a: str, b: str) -> bool:
        """Makes two whole texts partners, however they look; whether they are, as ``bind`` says it."""
        return self._partners(a, b, self._aliases, self._aliased)

    def keys(self, a: str, b: str) -> None:
        """Makes two idempotency keys partners, however they look; a very short one could be any word of an answer."""
        if min(len(a), len(b)) >= _SHORTEST_ID:
            self.bind(a, b)
            self.alias(a, b)

    def _partners(self, a: str, b: str, there: dict[str, str], back: dict[str, str]) -> bool:
        if a not in there and b not in back:
            there[a], back[b] = b, a
            self._learned.append((a, there, back))
        return there.get(a) == b

    def mark(self) -> int:
        """How much is learned, for ``forget``."""
        return len(self._learned)

    def forget(self, mark: int) -> None:
        """Unlearns what was learned since the mark."""
        while len(self._learned) > mark:
            a, there, back = self._learned.pop()
            del back[there.pop(a)]

    # -- values ----------------------------------------------------------------------------------------------------

    def values(self, a: Any, b: Any, *, is_id: bool = False) -> Likeness:
        """Two JSON values that are no object or array. ``is_id``: the contract says that an id stands here."""
        if isinstance(a, str) and isinstance(b, str):
            return self.texts(a, b, is_id=is_id)
        if type(a) is not type(b):
            return Likeness.OTHER
        if is_id and type(a) is int:
            return Likeness.SAME if self.bind(str(a), str(b)) else Likeness.ROLE
        one, other = _epoch(a), _epoch(b)
        in_one_unit = (one == a) == (other == b)
        return Likeness.SAME if a == b or (in_one_unit and self._same_time(one, other)) else Likeness.OTHER

    def texts(self, a: str, b: str, *, is_id: bool = False) -> Likeness:
        """Two texts, token by token: ids and secrets by role, times by the moment, all else as it is written."""
        if len(a) > _LONGEST or len(b) > _LONGEST:
            return Likeness.SAME if a == b else Likeness.OTHER
        if a in self._aliases or b in self._aliased:
            return Likeness.SAME if self._aliases.get(a) == b else Likeness.ROLE
        own, other = (_without(text, origin) for text, origin in zip((a, b), self._origins, strict=True))
        if own == other and any(self._there.get(whole, whole) != whole for whole in self._wide_in(own)):
            return Likeness.ROLE
        roles = self._roles(_in_step(tokens(own), tokens(other)), is_id)
        if roles is None:
            roles = self._wide_roles(_in_step(_taken_apart(_WIDE, own), _taken_apart(_WIDE, other)))
        if roles is None:
            return Likeness.OTHER
        kept = [self.bind(x, y) for x, y in roles]
        return Likeness.SAME if all(kept) else Likeness.ROLE

    def _roles(self, pairs: list[tuple[str, str]] | None, is_id: bool) -> list[tuple[str, str]] | None:
        """The pairs of ids among tokens; None where others differ."""
        roles = []
        for x, y in pairs or ():
            if x == y:
                if self.is_id(x, is_id):
                    roles.append((x, y))
            elif self._there.get(x) == y:
                continue
            elif _is_time(x) and _is_time(y):
                if not self._same_time(_moment_of(x), _moment_of(y)) or _form(x) != _form(y):
                    return None
            elif self._alike(x, y, is_id):
                roles.append((x, y))
            else:
                return None
        return None if pairs is None else roles

    def _wide_roles(self, pairs: list[tuple[str, str]] | None) -> list[tuple[str, str]] | None:
        """As ``_roles``, of ids that are written with _ and -, which have to be taken as a whole."""
        if pairs is None or not all(x == y or self._alike_wide(x, y) for x, y in pairs):
            return None
        self._any_wide = True
        return [(x, y) for x, y in pairs if x != y]

    def _wide_in(self, text: str) -> list[str]:
        return _WIDE.findall(text) if self._any_wide else []

    def is_id(self, token: str, expected: bool = False) -> bool:
        """Whether a token looks like an id or a secret that was taken out; ``expected``: where an id has to stand."""
        return token not in self.words and _looks_random(token, expected)

    def plain(self, text: str) -> str:
        """The text with every id and time replaced by a mark, the same for all: what it says whoever it speaks of."""
        if len(text) > _LONGEST:
            return text
        parts = tokens(_without(text, self._origins[0]))
        for place in range(1, len(parts), 2):
            if _is_time(parts[place]):
                parts[place] = "<time>"
            elif self.is_id(parts[place]):
                parts[place] = "<id>"
        return "".join(parts)

    def translated(self, text: str) -> str:
        """A text of the first run as the second one would say it: every token that has a partner is replaced."""
        if text in self._aliases:
            return self._aliases[text]
        if len(text) > _LONGEST:
            return text
        wide = _WIDE.sub(lambda match: self._there.get(match[0], match[0]), text)
        return wide if wide != text else "".join(self._there.get(token, token) for token in tokens(text))

    def within_run(self, run: int, time: float) -> bool:
        """Whether a time lies in the first run (0) or the second (1), after it began."""
        moment = self._moments[run]
        return bool(moment.started) and time >= int(moment.started - moment.since)

    def _alike(self, a: str, b: str, expected: bool) -> bool:
        """Whether two different tokens may play one role. One that has no digit is told by its partner and length."""
        one, other = self.is_id(a, expected), self.is_id(b, expected)
        if a in self.words or b in self.words or a.startswith("[") != b.startswith("["):
            return False
        return (one and other) or ((one or other) and len(a) == len(b) >= _SHORTEST_RANDOM)

    def _alike_wide(self, a: str, b: str) -> bool:
        wide = all(len(token) >= _SHORTEST_RANDOM and _is_wide(token, self.words) for token in (a, b))
        return wide and a.partition("_")[0] == b.partition("_")[0]

    # -- times -----------------------------------------------------------------------------------------------------

    def _same_time(self, a: float | None, b: float | None) -> bool:
        """Whether two times lie alike, seen from their exchanges. A run that took longer may look back further."""
        if a is None or b is None:
            return False
        one, other = self._moments
        if not one.started or not other.started:
            return True
        allowed = TIME_TOLERANCE + abs(one.since - other.since)
        return abs((a - one.started) - (b - other.started)) <= allowed


def words_of(contract: Contract) -> frozenset[str]:
    """The words that a contract itself uses, in its schemas and settings: what is among them is no id."""
    found: set[str] = set()
    for text in _strings([contract.schemas, contract.settings, contract.statuses]):
        if len(text) <= _LONGEST:
            found.update(_taken_apart(re.compile("[A-Za-z0-9]+"), text)[1::2])
    # An instrument may be named by an id, and ids have roles.
    lent = _strings(contract.settings.get("instruments", {}))
    return frozenset(found - {token for text in lent for token in tokens(text)[1::2] if any(map(str.isdigit, token))})


def times_in(value: Any) -> Iterator[float]:
    """The times that a text or number is made of."""
    if isinstance(value, str):
        if len(value) <= _LONGEST:
            yield from (moment for token in tokens(value)[1::2] if (moment := _moment_of(token)) is not None)
    elif (moment := _epoch(value)) is not None:
        yield moment


@lru_cache(maxsize=20_000)
def _split(text: str) -> tuple[str, ...]:
    return tuple(_taken_apart(_TOKEN, text))


def tokens(text: str) -> list[str]:
    """What stands between tokens, and the tokens, in turn: the first and the last are never tokens."""
    return list(_split(text))


def _taken_apart(pattern: re.Pattern[str], text: str) -> list[str]:
    parts, end = [], 0
    for match in pattern.finditer(text):
        parts += [text[end : match.start()], match[0]]
        end = match.end()
    return [*parts, text[end:]]


def _in_step(a: list[str], b: list[str]) -> list[tuple[str, str]] | None:
    """The tokens of two texts side by side; None where something else stands between them."""
    return list(zip(a[1::2], b[1::2], strict=True)) if a[::2] == b[::2] and len(a) == len(b) else None


def _without(text: str, origin: str) -> str:
    return text.replace(origin, "<origin>") if origin else text


@lru_cache(maxsize=20_000)
def _looks_random(token: str, expected: bool) -> bool:
    if token.startswith("["):  # a secret that was taken out, and whose mark tells it from others
        return re.fullmatch(r"\[redacted:(?:[0-9a-f]{8}|[0-9]+)\]", token) is not None
    if "-" in token:
        return not _ISO.match(token)  # a UUID: no other token has a dash
    digits = sum(map(str.isdigit, token))
    if digits == len(token):
        return digits >= _SHORTEST_NUMBER or expected
    if digits:
        return len(token) >= _SHORTEST_ID or expected
    mixed = token != token.lower() and token != token.upper()
    return mixed and len(token) >= _SHORTEST_RANDOM and not _CAMEL.fullmatch(token)


def _is_wide(token: str, words: frozenset[str]) -> bool:
    return any(part not in words and _looks_random(part, False) for part in re.findall("[A-Za-z0-9]+", token))


def _is_time(token: str) -> bool:
    return _moment_of(token) is not None


@lru_cache(maxsize=20_000)
def _moment_of(token: str) -> float | None:
    """The time that a token is, in seconds since the epoch."""
    if token.isascii() and token.isdigit():
        return _epoch(int(token)) if len(token) < 20 else None
    if not _ISO.match(token):
        return None
    try:
        moment = datetime.fromisoformat(token.replace(",", "."))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _epoch(number: Any) -> float | None:
    if isinstance(number, bool) or not isinstance(number, int | float) or number != number:
        return None
    if _SECONDS.start <= number < _SECONDS.stop:
        return float(number)
    return number / 1000 if _MILLISECONDS.start <= number < _MILLISECONDS.stop else None


def _form(token: str) -> str:
    """How a time is written: digits stand for digits, and a fraction is a fraction, however fine."""
    return re.sub("[0-9]", "0", re.sub(r"[.,][0-9]+", ".0", token)) if "-" in token else str(len(token))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            yield from (str(name), *_strings(entry))
    elif isinstance(value, list | tuple | set | frozenset):
        for entry in value:
            yield from _strings(entry)
