"""The four providers the reference server can be: their policies, and what a target file says to reach them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.reference.policies import Policies

from . import dots, paypercut, revkeen, stripe


@dataclass(frozen=True)
class Provider:
    """One provider's known-good behaviour, and the settings of a target that has it."""

    policies: Policies
    settings: Mapping[str, Any]


PROVIDERS: Mapping[str, Provider] = {
    "stripe": Provider(stripe.POLICIES, stripe.SETTINGS),
    "revkeen": Provider(revkeen.POLICIES, revkeen.SETTINGS),
    "paypercut": Provider(paypercut.POLICIES, paypercut.SETTINGS),
    "dots": Provider(dots.POLICIES, dots.SETTINGS),
}
