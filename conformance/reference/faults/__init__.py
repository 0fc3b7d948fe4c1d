"""The known-bad servers: each has one policy of the reference server replaced, and names the rows that this breaks."""

from __future__ import annotations

from . import accounts, at_once, dots, load, paypercut, revkeen, stripe, stripe_operations
from .fault import Fault

__all__ = ["Fault", "faults_of", "load_faults_of"]

_FAULTS = {
    "stripe": [*stripe.FAULTS, *stripe_operations.FAULTS, *at_once.STRIPE, *accounts.STRIPE],
    "revkeen": [*revkeen.FAULTS, *at_once.REVKEEN, *accounts.REVKEEN],
    "paypercut": [*paypercut.FAULTS, *at_once.PAYPERCUT, *accounts.PAYPERCUT],
    "dots": [*dots.FAULTS, *at_once.DOTS, *accounts.DOTS],
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


def load_faults_of(provider: str) -> dict[str, Fault]:
    """A provider's faults that only load shows, by their names: a soak finds what they break, and a run need not."""
    return {fault.name: fault for fault in load.LOADED.get(provider, ())}
