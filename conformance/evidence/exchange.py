"""One request and its response, with times: the unit of all evidence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

Headers = tuple[tuple[str, str], ...]

TOO_MANY = 429  # the status that asks for fewer requests


class _Unreadable:
    """The JSON value of a body that is not JSON."""

    def __repr__(self) -> str:
        return "<not JSON>"

    def __bool__(self) -> bool:
        return False


UNREADABLE = _Unreadable()


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header, whatever the case of its name; None where it is absent."""
    wanted = name.lower()
    for key, value in headers:
        if key.lower() == wanted:
            return value
    return None


@dataclass(frozen=True)
class Request:
    """What was sent. ``body`` is the bytes on the wire, empty where there was none."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""

    @cached_property
    def path(self) -> str:
        return urlsplit(self.url).path

    @cached_property
    def query(self) -> str:
        return urlsplit(self.url).query

    def header(self, name: str) -> str | None:
        return header(self.headers, name)

    def __repr__(self) -> str:
        return f"Request({self.method} {self.path})"  # a traceback shows it, and must show no credentials


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return header(self.headers, name)

    def __repr__(self) -> str:
        return f"Response({self.status}, {len(self.body)} bytes)"

    @cached_property
    def json(self) -> Any:
        """The decoded body, or ``UNREADABLE`` where it is not JSON."""
        try:
            # Given bytes, json would take UTF-16 and UTF-32, which no client has to.
            return json.loads(self.body.decode("utf-8-sig", "surrogatepass"))
        except (ValueError, RecursionError):
            return UNREADABLE


@dataclass(frozen=True)
class Exchange:
    """One request and what came of it.

    ``response`` is None and ``failure`` says why where the network gave no answer. ``scenario`` names who asked
    (a test's id, ``preflight``, or a recording's file); ``credential`` is the class of credential sent: ``test`` (the
    target's own), ``none``, ``unknown``, … or ``""`` where a recording does not tell. ``started`` and ``ended`` are
    seconds since the epoch. ``case`` names the frozen exam case that this sends, if any. One that has a ``response``
    and a ``failure`` was told to ask for less.
    """

    number: int
    request: Request
    response: Response | None
    scenario: str = ""
    credential: str = ""
    case: str = ""
    failure: str = ""
    started: float = 0.0
    ended: float = 0.0
    origin: dict[str, str] = field(default_factory=dict)

    @property
    def put_off(self) -> bool:
        """Whether the answer asks for fewer requests, and so says nothing of what was asked."""
        return self.response is not None and bool(self.failure)
