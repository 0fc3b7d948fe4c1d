"""The time of a run, in seconds: that of the world, or one that runs ahead where nobody but us would have to wait."""

from __future__ import annotations

import time
from functools import cached_property

from conformance.target.stopping import Stop


class Clock:
    """The world's time. ``skips``: whether ``sleep`` lets time pass without anybody waiting.

    ``stop`` tells whoever goes by this clock that the run is to stop.
    """

    skips = False

    @cached_property
    def stop(self) -> Stop:
        return Stop()

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment, which no change of the world's clocks touches."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Lets so much time pass. Raises ``Interrupted`` where the run is to stop."""
        self.stop.sleep(seconds)


class SkippingClock(Clock):
    """Time that is skipped instead of being waited for; a server in this process has to go by it, too."""

    skips = True

    def __init__(self) -> None:
        self._skipped = 0.0

    def time(self) -> float:
        return time.time() + self._skipped

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped

    def sleep(self, seconds: float) -> None:
        self._skipped += seconds
