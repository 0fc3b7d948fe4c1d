"""What a check says of one requirement: findings, each one contradiction, and the outcome they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VerdictName = Literal["pass", "fail", "inapplicable", "inconclusive", "error", "not_run"]

# From the one that hides all others to the one that any other hides.
RANKING: tuple[VerdictName, ...] = ("fail", "error", "inconclusive", "pass", "inapplicable", "not_run")


MOST_FINDINGS = 20  # of one requirement; more of the same tells a reader nothing


@dataclass(frozen=True)
class Finding:
    """One contradiction between evidence and a requirement.

    ``expected`` and ``actual`` are short sentences or values for a reader; ``at`` is a JSON pointer into the body
    (``""``: the answer as a whole); ``exchanges`` are the numbers of the exchanges that show it: where it is a
    ``sequence``, all of them in order, and only together.
    """

    expected: str
    actual: str
    at: str = ""
    exchanges: tuple[int, ...] = ()
    scenario: str = ""
    sequence: bool = False


@dataclass(frozen=True)
class Outcome:
    """What one check says of one requirement; ``judged`` counts the exchanges it looked at."""

    requirement: str
    verdict: VerdictName
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    exchanges: tuple[int, ...] = ()
    judged: int = 0


@dataclass(frozen=True)
class Cell:
    """What an operation did from one status: ``documented`` and ``observed`` in few words.

    ``documented`` is empty where the provider documents nothing; then nothing is judged. ``request`` tells what was
    sent beside the smallest request.
    """

    operation: str
    status: str
    request: str
    documented: str
    observed: str
    exchanges: tuple[int, ...] = ()
