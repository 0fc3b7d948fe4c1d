"""What a provider promises, as immutable values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

Level = Literal["MUST", "SHOULD", "MAY"]
LEVELS: tuple[Level, ...] = ("MUST", "SHOULD", "MAY")


@dataclass(frozen=True)
class Source:
    """Where a statement is published."""

    key: str
    title: str
    url: str


@dataclass(frozen=True)
class Requirement:
    """One documented, testable statement: a row of ``requirements.toml``.

    ``check`` names the function that judges it and ``args`` are that function's arguments; a row without a check says
    in ``not_tested`` why no black-box run can judge it. ``needs`` are the capabilities and instruments without which
    the row is inapplicable; so it is where one of the rows that it ``rests_on`` fails, which has then said it all.
    """

    id: str
    level: Level
    area: str
    statement: str
    sources: tuple[Source, ...]
    check: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    not_tested: str = ""
    rests_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One operation of ``openapi.json``, under its neutral name (create, retrieve, confirm, …).

    ``response_schema`` is that of its documented success: ``payment_intent``, or that of a list. ``inferred``: other
    documents name the operation, none its path, so that a target may serve it elsewhere or not at all.
    """

    name: str
    method: str
    path: str
    media_type: str
    request_schema: str
    response_schema: str
    success_statuses: tuple[int, ...]
    pattern: re.Pattern[str]
    inferred: bool = False

    @property
    def on_intent(self) -> bool:
        return "{" in self.path

    @property
    def reads(self) -> bool:
        """Whether it only shows what is there."""
        return self.method == "GET"

    @property
    def shows_one(self) -> bool:
        """Whether a success shows one intent, not a list of them."""
        return self.response_schema == "payment_intent"


@dataclass(frozen=True)
class ErrorKind:
    """How a provider documents one kind of refusal; an empty tuple means that the provider does not say."""

    name: str
    status: tuple[int, ...] = ()
    type: tuple[str, ...] = ()
    code: tuple[str, ...] = ()


@dataclass(frozen=True)
class Transition:
    """One documented move of an intent.

    ``operation`` on an intent in one of ``sources`` (empty: no intent yet), with the instrument ``method`` and the
    further request members ``send`` (``create`` are further members of the create that brings the intent about),
    leads to one of ``to`` (``via`` may be seen on the way; ``stays``: to the status it was in), or is refused with the
    error kind ``refused`` and leaves the intent in one of ``leaves``. Where both ``to`` and ``refused`` stand, the
    provider documents neither alone and both are accepted. ``after`` names the transition that has to bring the intent
    about, where its status alone does not tell enough.
    """

    id: str
    operation: str
    sources: tuple[str, ...] = ()
    method: str = ""
    send: Mapping[str, Any] = field(default_factory=dict)
    create: Mapping[str, Any] = field(default_factory=dict)
    to: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    stays: bool = False
    after: str = ""
    refused: str = ""
    leaves: tuple[str, ...] = ()
    source: str = ""

    def targets(self, status: str) -> tuple[str, ...]:
        """The statuses that a success from ``status`` leads to."""
        return (status,) if self.stays else self.to


@dataclass(frozen=True)
class Contract:
    """All that one provider promises.

    ``settings`` is ``provider.toml`` as read and checked; ``passing`` are the statuses that an intent leaves by itself.
    """

    name: str
    title: str
    folder: Path
    digest: str
    settings: Mapping[str, Any]
    operations: Mapping[str, Operation]
    security: Mapping[str, Mapping[str, Any]]
    statuses: tuple[str, ...]
    terminal: frozenset[str]
    passing: tuple[str, ...]
    transitions: Mapping[str, Transition]
    error_kinds: Mapping[str, ErrorKind]
    requirements: Mapping[str, Requirement]
    schemas: Mapping[str, Mapping[str, Any]]

    def described(self, capability: str) -> str:
        """A capability and, in brackets, what it means."""
        return f"{capability} ({self.settings['capabilities'][capability]})"

    @cached_property
    def live_members(self) -> frozenset[str]:
        """The members of an answer that are true where real money moves: those of which a row says otherwise."""
        return frozenset(row.args["member"] for row in self.requirements.values() if row.check == "livemode_is_test")

    @cached_property
    def moves(self) -> Mapping[tuple[str, str], list[Transition]]:
        """The transitions by operation and the status they start from."""
        found: dict[tuple[str, str], list[Transition]] = {}
        for move in self.transitions.values():
            for status in move.sources:
                found.setdefault((move.operation, status), []).append(move)
        return found
