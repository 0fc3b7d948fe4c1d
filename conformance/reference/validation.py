"""Checks of request members: small functions that take a value and its path, and return it or refuse it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import Refusal
from .model import Params, Path

Check = Callable[[Any, Path], Any]
Rule = Callable[[Params], None]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
# RFC 3986: a scheme, then only characters a URI may hold, percent signs escaped, at most one fragment.
_URI_CHARACTER = r"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9\-._~!$&'()*+,;=:@/?\[\]])"
_URI = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*:{_URI_CHARACTER}*(?:#{_URI_CHARACTER}*)?")


def invalid(path: Path, message: str) -> Refusal:
    """The plain refusal of one member's value."""
    return Refusal("invalid", message, param=path)


def text(longest: int | None = None, shortest: int = 0) -> Check:
    """A string of so many characters."""

    def check(value: Any, path: Path) -> str:
        if not isinstance(value, str):
            raise invalid(path, "must be a string")
        if len(value) < shortest or (longest is not None and len(value) > longest):
            raise invalid(path, f"must have {shortest} to {longest} characters" if longest else "must not be empty")
        return value

    return check


def _matching(pattern: re.Pattern[str], what: str) -> Check:
    def check(value: Any, path: Path) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise invalid(path, f"must be {what}")
        return value

    return check


uuid: Check = _matching(_UUID, "a UUID")
email: Check = _matching(_EMAIL, "an e-mail address")
uri: Check = _matching(_URI, "a URI")


def integer(least: int | None = None, most: int | None = None) -> Check:
    """A whole number, as JSON has it: 5.0 is one, true and "5" are not."""

    def check(value: Any, path: Path) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Refusal("not_an_integer", "must be an integer", param=path)
        return bounded(value, path, least, most)

    return check


def bounded(value: int, path: Path, least: int | None, most: int | None) -> int:
    """The number, refused where it leaves its bounds."""
    if least is not None and value < least:
        raise Refusal("too_small", f"must be at least {least}", param=path)
    if most is not None and value > most:
        raise Refusal("too_large", f"must be at most {most}", param=path)
    return value


def boolean(value: Any, path: Path) -> bool:
    """A JSON boolean."""
    if not isinstance(value, bool):
        raise invalid(path, "must be true or false")
    return value


def one_of(*values: str) -> Check:
    """One of the listed strings."""

    def check(value: Any, path: Path) -> str:
        if not isinstance(value, str) or value not in values:
            raise invalid(path, f"must be one of {', '.join(values)}")
        return value

    return check


def either(*checks: Check) -> Check:
    """Whatever one of the checks accepts; the refusal of the last one otherwise."""

    def check(value: Any, path: Path) -> Any:
        for attempt in checks[:-1]:
            try:
                return attempt(value, path)
            except Refusal:
                continue
        return checks[-1](value, path)

    return check


def nullable(check: Check) -> Check:
    """Null, or what the check accepts."""
    return lambda value, path: None if value is None else check(value, path)


def array(item: Check) -> Check:
    """A JSON array of such items."""

    def check(value: Any, path: Path) -> list[Any]:
        if not isinstance(value, list):
            raise invalid(path, "must be an array")
        return [item(member, (*path, str(index))) for index, member in enumerate(value)]

    return check


def anything(value: Any, path: Path) -> Any:
    """Any value at all."""
    return value


def mapping(value: Any, path: Path) -> Any:
    """An object with any members."""
    if not isinstance(value, dict):
        raise invalid(path, "must be an object")
    return value


@dataclass(frozen=True)
class Members:
    """An object with known members. ``closed`` refuses others; an open one passes them by unread."""

    fields: Mapping[str, Check]
    required: tuple[str, ...] = ()
    closed: bool = True

    def __call__(self, value: Any, path: Path = ()) -> Params:
        """The object with each known member checked."""
        if not isinstance(value, dict):
            raise invalid(path, "must be an object")
        if self.closed:
            for name in value:
                if name not in self.fields:
                    raise Refusal("unknown_parameter", f"unknown parameter: {name}", param=(*path, str(name)))
        for name in self.required:
            if name not in value:
                raise Refusal("missing", f"missing required parameter: {name}", param=(*path, name))
        return {name: self.fields[name](member, (*path, name)) for name, member in value.items() if name in self.fields}


@dataclass(frozen=True)
class Validation:
    """What each operation accepts: its members, then the rules that concern several of them."""

    members: Mapping[str, Members]
    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)

    def __call__(self, operation: str, params: Params) -> Params:
        """The checked parameters of one request.

        Raises:
            Refusal: the first member or rule that does not hold.
        """
        checked = self.members[operation](params)
        for rule in self.rules.get(operation, ()):
            rule(checked)
        return checked
