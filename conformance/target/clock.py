"""The time of a run, in seconds: that of the world, or one that runs ahead where nobody but us would have to wait."""

from __future__ import annotations

import time


class Clock:
    """The world's time. ``skips``: whether ``sleep`` lets time pass without anybody waiting."""

    skips = False

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment, which no change of the world's clocks touches."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Lets so much time pass."""
        time.sleep(seconds)


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
