"""Request values as the contract's data writes them, made into what is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"^\{(\w+)\}$")


class MissingInstrument(Exception):
    """An instrument is needed that the target does not lend, or has lent for the last time."""


class Instruments:
    """What a target lends. An instrument given as a list is single-use: each ``take`` consumes one."""

    def __init__(self, lent: Mapping[str, Any]) -> None:
        self._lent = {name: list(value) if isinstance(value, list) else value for name, value in lent.items()}

    def take(self, name: str) -> Any:
        """The instrument, or the next one of it. Raises ``MissingInstrument``."""
        value = self._lent.get(name)
        if isinstance(value, list):
            if not value:
                raise MissingInstrument(f"every {name} that the target lends has been used; [instruments] {name}")
            return value.pop(0)
        if not value:
            raise MissingInstrument(f"the target lends no {name}; [instruments] {name}")
        return value

    def fill(self, value: Any) -> Any:
        """``value`` with every ``"{name}"`` taken from here and every ``{repeat, times}`` made the long string.

        One name gives one value throughout. Raises ``MissingInstrument``.
        """
        return self._fill(value, {})

    def _fill(self, value: Any, taken: dict[str, Any]) -> Any:
        if isinstance(value, str):
            named = _PLACEHOLDER.match(value)
            if not named:
                return value
            if named[1] not in taken:
                taken[named[1]] = self.take(named[1])
            return taken[named[1]]
        if isinstance(value, Mapping):
            if set(value) == {"repeat", "times"}:
                return str(value["repeat"]) * int(value["times"])
            return {key: self._fill(entry, taken) for key, entry in value.items()}
        if isinstance(value, list):
            return [self._fill(entry, taken) for entry in value]
        return value
