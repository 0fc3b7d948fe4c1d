"""Which operation a method and a path mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from .errors import Refusal


@dataclass(frozen=True)
class Route:
    """One operation's method and path; ``{id}`` stands for an intent's id."""

    operation: str
    method: str
    path: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.path).replace(r"\{id\}", "(?P<id>[^/]+)"))


def find(routes: tuple[Route, ...], wrong_method: str, method: str, path: str) -> tuple[str, str]:
    """The operation and the intent's id, which is empty where the path holds none.

    Raises:
        Refusal: of kind ``no_route`` for an unknown path, of kind ``wrong_method`` for a path served otherwise.
    """
    refused = "no_route"
    for route in routes:
        match = route.pattern.fullmatch(path)
        if match is None:
            continue
        if route.method == method:
            return route.operation, match.groupdict().get("id", "")
        refused = wrong_method
    raise Refusal(refused, f"there is no {method} {path}")
