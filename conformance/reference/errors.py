"""Refusals, and how a provider words them: a table from kind to status, type and code, and the shape of the body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .model import Answer, Failure, Intent, Path

Embed = Callable[[Intent], Mapping[str, Any]]


class Refusal(Exception):
    """A request that is not granted.

    ``kind`` names why in neutral words and is looked up in the provider's table; ``param`` is the path of the member at
    fault; ``intent`` is the intent concerned as it stands after the refusal.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        param: Path = (),
        intent: Intent | None = None,
        failure: Failure | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.param = param
        self.intent = intent
        self.failure = failure


@dataclass(frozen=True)
class Kind:
    """What one kind of refusal is on the wire."""

    status: int
    type: str = ""
    code: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Errors:
    """A provider's errors. A kind the table does not hold is answered as ``otherwise``."""

    kinds: Mapping[str, Kind]
    shape: Callable[[Refusal, Kind, Embed], Mapping[str, Any]]
    otherwise: str = "invalid"

    def answer(self, refusal: Refusal, embed: Embed, *, executed: bool) -> Answer:
        """The refusal as a response; ``embed`` renders the intent concerned where the provider shows it."""
        kind = self.kinds.get(refusal.kind) or self.kinds[self.otherwise]
        return Answer.of(kind.status, self.shape(refusal, kind, embed), kind.headers, executed=executed)
