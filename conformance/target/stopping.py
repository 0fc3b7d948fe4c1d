"""How a run is told to stop: the exchange under way comes to its end, and no other is begun."""

from __future__ import annotations

import threading


class Interrupted(KeyboardInterrupt):
    """The run was told to stop. As for pytest's own Ctrl-C, no scenario catches it."""


class Stop:
    """Whether somebody wants a run to stop. Thread-safe; a signal handler may ask."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def ask(self) -> None:
        """Wakes whoever sleeps, and lets no further exchange begin."""
        self._asked.set()

    def check(self) -> None:
        """Raises ``Interrupted`` where the run is to stop."""
        if self._asked.is_set():
            raise Interrupted("the run was told to stop")

    def sleep(self, seconds: float) -> None:
        """Sleeps so long. Raises ``Interrupted``, at once, where the run is to stop."""
        if self._asked.wait(seconds):
            raise Interrupted("the run was told to stop")
