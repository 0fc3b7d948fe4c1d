"""Which arguments a row may give to a scenario; one that is not declared is an error, not silently passed over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Scenario = TypeVar("Scenario", bound=Callable[..., Any])

# Members of the request, alone or several requests in turn; a literal body; the instrument to attach.
REQUEST = ("send", "send_each", "omit", "raw", "media_type", "method")
# What is expected of a refusal, and which one thing of it is judged.
REFUSAL = ("judge", "kind", "status", "type", "code", "param")
# What is expected of an intent.
MEMBERS = ("expect", "expect_one_of", "fold_case", "present", "unset", "echoes", "when_present")


def takes(*names: str) -> Callable[[Scenario], Scenario]:
    """Declares the arguments of a scenario."""

    def declared(scenario: Scenario) -> Scenario:
        scenario.takes = frozenset(names)  # type: ignore[attr-defined]
        return scenario

    return declared
