"""How a scenario ends other than well. Only ``NonConformance`` makes a verdict of fail."""

from __future__ import annotations

from conformance.evidence.finding import Finding

# Exception
#  ├─ AssertionError
#  │   └─ NonConformance   the answer contradicts the requirement          -> fail
#  ├─ Inconclusive         the situation could not be brought about        -> inconclusive
#  ├─ Inapplicable         the target does not claim it, or lends too little -> inapplicable
#  └─ Unanswered           the network gave no answer                      -> error


class NonConformance(AssertionError):
    """The target's answers contradict the requirement."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(f"expected {found.expected}, got {found.actual}" for found in findings))
        self.findings = findings


class Inconclusive(Exception):
    """The situation that the requirement speaks of could not be brought about; the message says why."""


class Inapplicable(Exception):
    """The requirement does not concern this target; the message says why."""


class Unanswered(Exception):
    """A request got no answer; the message is the transport's."""
