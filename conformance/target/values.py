"""Request values as the contract's data writes them, made into what is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.evidence.redaction import Redactor
    from conformance.target.settings import Target

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

    def show(self, name: str) -> Any:
        """What ``take`` would give, left for another to take: for a request that is to be refused."""
        value = self.take(name)
        if isinstance(self._lent[name], list):
            self._lent[name].insert(0, value)
        return value

    def fill(self, value: Any) -> Any:
        """``value`` with every ``"{name}"`` taken from here and every ``{repeat, times}`` made the long string.

        One name gives one value throughout. Raises ``MissingInstrument``.
        """
        return self._fill(value, self.take, {})

    def fill_for_refusal(self, value: Any) -> Any:
        """As ``fill``, but single-use instruments are only shown."""
        return self._fill(value, self.show, {})

    def _fill(self, value: Any, give: Callable[[str], Any], taken: dict[str, Any]) -> Any:
        if isinstance(value, str):
            named = _PLACEHOLDER.match(value)
            if not named:
                return value
            if named[1] not in taken:
                taken[named[1]] = give(named[1])
            return taken[named[1]]
        if isinstance(value, Mapping):
            if set(value) == {"repeat", "times"}:
                return str(value["repeat"]) * int(value["times"])
            return {key: self._fill(entry, give, taken) for key, entry in value.items()}
        if isinstance(value, list):
            return [self._fill(entry, give, taken) for entry in value]
        return value


def lent_without_secrets(target: Target, redactor: Redactor) -> dict[str, Any]:
    """The instruments that a target lends, to be written down: placeholders stand for its secrets."""

    def shown(name: str, value: Any) -> Any:
        if isinstance(value, list):
            return [shown(name, one) for one in value]
        if not isinstance(value, str):
            return value
        return f"[redacted:{name}]" if name in target.secrets() else redactor.text(value)

    return {name: shown(name, value) for name, value in target.instruments.items()}
