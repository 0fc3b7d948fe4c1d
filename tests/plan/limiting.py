"""The reference server behind limits such as providers have, in memory and by the clock of the run."""

from __future__ import annotations

import json
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import httpx

from conformance.plan import StageClock
from conformance.reference import create_app, policies_of
from conformance.target.clock import SkippingClock

Limiter = Callable[[float], float]  # the moment of a request: the seconds until it would be let in, 0 where it is


def in_any_second(most: int) -> Limiter:
    """So many requests in any second, wherever it begins."""
    return _window(1.0, most)


def in_any_minute(most: int) -> Limiter:
    """So many requests in any minute, wherever it begins."""
    return _window(60.0, most)


def _window(seconds: float, most: int) -> Limiter:
    taken: deque[float] = deque()

    def limiter(now: float) -> float:
        while taken and taken[0] <= now - seconds:
            taken.popleft()
        if len(taken) >= most:
            return taken[0] + seconds - now
        taken.append(now)
        return 0.0

    return limiter


def bucket(per_minute: float, burst: int) -> Limiter:
    """So many requests at once, which come back at so many a minute."""
    state = [float(burst), -math.inf]

    def limiter(now: float) -> float:
        state[0] = min(burst, state[0] + max(0.0, now - state[1]) * per_minute / 60.0)
        state[1] = now
        if state[0] < 1.0:
            return (1.0 - state[0]) * 60.0 / per_minute
        state[0] -= 1.0
        return 0.0

    return limiter


class Limited:
    """A WSGI application behind limiters, which answers 429 to what they do not let in and counts that.

    ``tell`` has it say in ``Retry-After`` how long to wait, in whole seconds. Thread-safe.
    """

    def __init__(self, inner: Any, clock: SkippingClock, limiters: Iterable[Limiter], *, tell: bool = True) -> None:
        self._inner, self._clock, self._limiters, self._tell = inner, clock, list(limiters), tell
        self._lock = threading.Lock()
        self.asked, self.refused = 0, 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._lock:
            now = self._clock.time()
            self.asked += 1
            wait = max(limiter(now) for limiter in self._limiters)
            self.refused += wait > 0
        if not wait:
            answered: Iterable[bytes] = self._inner(environ, start_response)
            return answered
        body = json.dumps({"message": "slow down"}).encode()
        after = [("Retry-After", str(math.ceil(wait)))] if self._tell else []
        start_response("429 Too Many Requests", [("Content-Type", "text/plain"), *after])
        return [body]


def limited_server(provider: str, *limiters: Limiter, tell: bool = True) -> tuple[Limited, dict[str, Any]]:
    """The application, and what a run takes to act on it: ``transport`` and ``clock``."""
    clock = StageClock()
    app = Limited(create_app(provider, replace(policies_of(provider), clock=clock.time)), clock, limiters, tell=tell)
    return app, {"transport": httpx.WSGITransport(app=app), "clock": clock}
