"""What a burst would have seen: how likely it is that two of its requests met within a race window of a given width.

A server that looks first and acts later is open to a race for some time, its window. It shows only when a second
request is looked at while the first one's window is open. When requests were let go is known to the microsecond; when
they came to be looked at is not, and is drawn: each is late by as much as some round trip of this run was longer than
the shortest, and the server turns from one to the next no faster than the answers of the burst came in.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence

from conformance.evidence.exchange import Exchange

WIDTHS = (1e-4, 1e-3, 1e-2, 1e-1)  # seconds: 100 µs to 100 ms
DRAWS = 400
SAMPLES = 200  # round trips that are looked at
LOOK = 0.35  # the part of its turn that a server takes until it looks; as calibrated by tests/benchmarks/windows.py


def gaps(burst: Sequence[Exchange], alone: Sequence[Exchange]) -> list[float]:
    """Draws of the seconds between the first two looks that the server took at the requests of a burst, sorted.

    ``alone`` are exchanges of the same run that had the server to themselves. Empty where fewer than two were answered.
    """
    answered = [one for one in burst if one.response is not None and one.started]
    if len(answered) < 2:
        return []
    released = [one.started - answered[0].started for one in answered]
    trips = [one.ended - one.started for one in alone[-SAMPLES:] if one.response is not None] or [0.0]
    late = [trip - min(trips) for trip in trips]
    ends = sorted(one.ended for one in answered)
    turn = LOOK * (ends[-1] - ends[0]) / (len(ends) - 1)
    drawn, dice = [], random.Random(0)  # noqa: S311 - the same draws in a replay
    for _ in range(DRAWS):
        first, second, *_ = sorted(moment + dice.choice(late) for moment in released)
        drawn.append(max(second - first, turn))
    return sorted(drawn)


def chance(bursts: Sequence[Sequence[float]], width: float) -> float:
    """The probability that at least one of these bursts (draws of ``gaps``) met in a window of so many seconds."""
    missed = 1.0
    for drawn in bursts:
        missed *= 1 - bisect_right(drawn, width) / len(drawn) if drawn else 1.0
    return 1 - missed


def told(bursts: Sequence[Sequence[float]]) -> str:
    """The probabilities of ``WIDTHS`` in words."""
    shown = [f"{_width(width)} {_percent(chance(bursts, width))}" for width in WIDTHS]
    return f"a race window would have been seen with a probability of: {', '.join(shown)}"


def _width(seconds: float) -> str:
    return f"{seconds * 1e6:g} µs" if seconds < 1e-3 else f"{seconds * 1e3:g} ms"


def _percent(probability: float) -> str:
    return "> 99 %" if probability > 0.99 else "< 1 %" if probability < 0.01 else f"{probability * 100:.0f} %"
