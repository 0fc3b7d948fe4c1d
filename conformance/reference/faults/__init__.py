"""The known-bad servers: each has one policy of the reference server replaced, and names the rows that this breaks."""

from __future__ import annotations

from . import at_once, dots, paypercut, revkeen, stripe, stripe_operations
from .fault import Fault

__all__ = ["Fault", "faults_of"]

_FAULTS = {
    "stripe": [*stripe.FAULTS, *stripe_operations.FAULTS, *at_once.STRIPE],
    "revkeen": [*revkeen.FAULTS, *at_once.REVKEEN],
    "paypercut": [*paypercut.FAULTS, *at_once.PAYPERCUT],
    "dots": [*dots.FAULTS, *at_once.DOTS],
}


def faults_of(provider: str) -> dict[str, Fault]:
    """A provider's faults by their names.

    Raises:
        KeyError: no provider has that name.
        ValueError: two faults share one name.
    """
    found = {fault.name: fault for fault in _FAULTS[provider]}
    if len(found) < len(_FAULTS[provider]):
        raise ValueError(f"two faults of {provider} share one name")
    return found
