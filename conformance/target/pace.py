"""How fast a target is asked: the pace, what a 429 does to it, and the number of requests that a run may send.

The pace is one number, the moment of the next free slot. It is kept in a small SQLite file where several processes may
address the same target: the standard library has it on every system, its lock goes when its process does, and a limiter
that counts what was sent could neither be told when a burst may begin nor go by the clock of the run.
"""

from __future__ import annotations

import hashlib
import math
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path

from conformance.evidence.exchange import Response
from conformance.target.clock import Clock
from conformance.target.settings import POLITE_PACE

# The failure of an exchange whose 429 was heeded: its request was sent again, or was sent often enough.
SENT_AGAIN, GIVEN_UP = "told to ask for less; sent again", "told to ask for less, however often it was sent"
LONGEST = 60.0  # seconds that one request is held back in all, because of 429
BACKOFF = (0.25, 0.5, 1.0)  # seconds, where a 429 does not say how long
MOST_TRIES = 5  # times that one request is sent again, where each 429 says how long
SLOWER = 1.5  # times the gap between two requests, after a 429
SLOWEST = 8.0  # times the gap that there was in the beginning
_APP, _FILE = "payment-intents-conformance", "pace.sqlite"
_STALE = 120.0  # seconds; a slot that is further away is of before the clock was set back

Step = Callable[[float], tuple[float, float]]


class Slots:
    """When the next request may start; of this process alone. Thread-safe."""

    def __init__(self) -> None:
        self._next = -math.inf
        self._lock = threading.Lock()

    def take(self, step: Step) -> float:
        """``step`` gets the moment of the next free slot, and gives one to return and the next free one from then on.

        Moments are seconds since the epoch, which processes share; minus infinity where nothing was sent so far.
        """
        with self._lock:
            result, self._next = step(self._next)
            return result


class SharedSlots(Slots):
    """The slots of all processes of this user on this machine that address the same base URL.

    Where the file cannot be used, they are this process's own: pace is then kept by each process for itself.
    """

    def __init__(self, base_url: str, folder: Path | None = None) -> None:
        super().__init__()
        self._key = hashlib.sha256(base_url.encode()).hexdigest()
        self._folder = folder

    def take(self, step: Step) -> float:
        try:
            return self._taken(step)
        except (OSError, sqlite3.Error):
            return super().take(step)

    def _taken(self, step: Step) -> float:
        path = (self._folder or shared_folder()) / _FILE
        # A connection for each slot: none has to be carried over a fork, or from thread to thread.
        with closing(sqlite3.connect(path, timeout=10.0, isolation_level=None)) as opened:
            opened.execute("PRAGMA synchronous = OFF")  # what a power cut takes is no pace to keep
            opened.execute("BEGIN IMMEDIATE")
            opened.execute("CREATE TABLE IF NOT EXISTS slot (target TEXT PRIMARY KEY, next REAL NOT NULL)")
            row = opened.execute("SELECT next FROM slot WHERE target = ?", (self._key,)).fetchone()
            result, following = step(float(row[0]) if row else -math.inf)
            opened.execute("INSERT OR REPLACE INTO slot VALUES (?, ?)", (self._key, following))
            opened.execute("COMMIT")
            return result


def shared_folder() -> Path:
    """Where what this user's processes share is kept. Raises OSError where there is no place."""
    from platformdirs import user_cache_path

    folder = user_cache_path(_APP, appauthor=False)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Pace:
    """Lets at most so many requests a second start, on the whole; 0 is no limit. Thread-safe.

    What goes at once is paid for before and after, by leaving as much time as it would have taken: so no second and no
    minute, wherever it begins, has more requests than the pace gives it, but for a burst that is larger by itself.
    ``slots`` are shared with other processes where given.
    """

    def __init__(self, requests_per_second: float, clock: Clock, slots: Slots | None = None) -> None:
        self._clock = clock
        self._gap = 1.0 / requests_per_second if requests_per_second else 0.0
        self._slowest = (self._gap or 1.0 / POLITE_PACE) * SLOWEST
        self._slots = slots or Slots()
        self._held_until = -math.inf
        self._lock = threading.Lock()

    def wait(self, count: int = 1) -> None:
        """Returns when so many may start at once; those that follow wait for them."""
        gap = self._gap
        if not gap:
            return
        now = self._clock.time()

        def step(free: float) -> tuple[float, float]:
            if free > now + _STALE + 100 * gap:
                free = now
            start = max(now, free + gap * (count - 1))
            return start, start + gap * count

        delay = self._slots.take(step) - now
        if delay > 0:
            self._clock.sleep(delay)

    def hold_back(self, seconds: float) -> None:
        """After a 429: nothing starts for so long, in any process, and this one is slower from then on.

        Several 429 of the same moment slow it down once. Where there was no limit, there is one now: ``POLITE_PACE``.
        """
        now = self._clock.time()
        until = now + seconds
        with self._lock:
            if now >= self._held_until:
                self._gap = min(self._gap * SLOWER or 1.0 / POLITE_PACE, self._slowest)
            self._held_until = max(self._held_until, until)
        self._slots.take(lambda free: (until, max(free, until)))


class Patience:
    """How often, and for how long in all, one request that is answered 429 is sent again."""

    def __init__(self) -> None:
        self._left, self._tries = LONGEST, 0

    def pause(self, response: Response, now: float) -> float | None:
        """Seconds to wait before the request is sent again, None where it is not. ``now``: seconds since the epoch."""
        said = asked_to_wait(response, now)
        most = MOST_TRIES if said is not None else len(BACKOFF)
        if self._tries >= most:
            return None
        seconds = BACKOFF[self._tries] if said is None else max(said, BACKOFF[0])
        if seconds > self._left:
            return None
        self._tries += 1
        self._left -= seconds
        return seconds


def asked_to_wait(response: Response, now: float) -> float | None:
    """The seconds from ``now`` (since the epoch) that ``Retry-After`` asks for, at least 0; None: for none.

    It gives seconds, or the date of HTTP; whatever else it holds asks for nothing.
    """
    text = (response.header("retry-after") or "").strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        seconds = float(text)
        return seconds if math.isfinite(seconds) else None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)


class Allowance:
    """How many requests may be sent in all; None is no limit. Thread-safe."""

    def __init__(self, requests: int | None = None) -> None:
        self.requests = requests
        self.sent = 0
        self._lock = threading.Lock()

    def take(self, count: int = 1) -> bool:
        """Whether so many more may be sent; they are counted then."""
        with self._lock:
            if self.requests is not None and self.sent + count > self.requests:
                return False
            self.sent += count
            return True
