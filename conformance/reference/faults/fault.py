"""A fault: one policy of the known-good server replaced by a lie, and the requirements that this breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from conformance.reference.policies import Policies

from .lies import Maker

Change = Callable[[Policies], Policies]


@dataclass(frozen=True)
class Fault:
    """One way to be wrong, named by its lie: ``change`` replaces a policy, ``breaks`` are the ids that have to fail.

    ``at_times`` are ids that fail or not, as chance has it: of what meets in a race.
    """

    name: str
    change: Change
    breaks: frozenset[str]
    at_times: frozenset[str] = frozenset()


def lying(prefix: str, name: str, lie: Maker, breaks: str) -> Fault:
    """A fault that hears or says something else; ``breaks`` are ids without their prefix: ``"001 002a"``."""
    return altered(prefix, name, tells(lie), breaks)


def altered(prefix: str, name: str, change: Change, breaks: str) -> Fault:
    """A fault of the server's own doing: ``change`` replaces one of its policies. ``"251 255?"``: 255 at times."""
    always = frozenset(f"{prefix}-{number}" for number in breaks.split() if not number.endswith("?"))
    at_times = frozenset(f"{prefix}-{number[:-1]}" for number in breaks.split() if number.endswith("?"))
    return Fault(name, change, always, at_times)


def tells(lie: Maker) -> Change:
    """The change that makes a server tell this lie."""
    return lambda policies: replace(policies, lie=lie)


def both(*changes: Change) -> Change:
    """One change after the other."""

    def change(policies: Policies) -> Policies:
        for one in changes:
            policies = one(policies)
        return policies

    return change


def living(**members: Any) -> Change:
    """Other ways between the states of an intent: members of the lifecycle policy."""
    return lambda policies: replace(policies, lifecycle=replace(policies.lifecycle, **members))
