"""What a measurement gives: of each axis a value with its evidence, or why it was not measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.contract.dialect import Word

MOST_REQUESTS = 150  # that a measurement sends


@dataclass(frozen=True)
class Found:
    """What was found of one axis.

    ``value`` is None where it was not measured; ``evidence`` then says why, and otherwise in few words what was seen,
    in the ``exchanges`` of these numbers.
    """

    value: Word | None
    evidence: str
    exchanges: tuple[int, ...] = ()


@dataclass(frozen=True)
class Dialect:
    """What was found of all axes, by name, and the number of requests that it took."""

    found: Mapping[str, Found]
    requests: int

    @property
    def measured(self) -> dict[str, Word]:
        """The axes that have a value."""
        return {name: one.value for name, one in self.found.items() if one.value is not None}
