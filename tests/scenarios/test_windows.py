"""What a burst says that it would have seen."""

from __future__ import annotations

import pytest

from conformance.evidence.exchange import Exchange, Request, Response
from conformance.scenarios.windows import LOOK, chance, gaps, told


def exchange(started: float, ended: float, *, answered: bool = True) -> Exchange:
    response = Response(200) if answered else None
    return Exchange(1, Request("POST", "http://127.0.0.1/"), response, started=100 + started, ended=100 + ended)


STEADY = [exchange(0, 0.005), exchange(0, 0.005)]  # round trips that are all as long
UNSTEADY = [exchange(0, 0.005), exchange(0, 0.105)]  # one of two is late by 100 ms


def test_what_is_let_go_at_once_meets_in_any_window() -> None:
    drawn = gaps([exchange(0, 0.005), exchange(0, 0.005)], STEADY)
    assert chance([drawn], 1e-6) == 1


def test_what_is_let_go_apart_does_not() -> None:
    drawn = gaps([exchange(0, 0.010), exchange(0.010, 0.010)], STEADY)
    assert chance([drawn], 0.001) == 0
    assert chance([drawn], 0.011) == 1


def test_a_way_that_is_now_and_then_late_makes_it_a_matter_of_chance() -> None:
    drawn = gaps([exchange(0, 0.005), exchange(0, 0.005)], UNSTEADY)
    assert 0.4 < chance([drawn], 0.001) < 0.6  # both in time, or both late
    assert 0.7 < chance([drawn, drawn], 0.001) < 0.8
    many = gaps([exchange(0, 0.005) for _ in range(10)], UNSTEADY)
    assert chance([many], 0.001) > 0.95


def test_a_server_that_turns_slowly_from_one_to_the_next_looks_as_slowly() -> None:
    drawn = gaps([exchange(0, 0.02), exchange(0, 0.04)], STEADY)
    assert chance([drawn], 0.02 * LOOK * 0.99) == 0
    assert chance([drawn], 0.02 * LOOK * 1.01) == 1


def test_what_was_not_answered_has_seen_nothing() -> None:
    drawn = gaps([exchange(0, 0.005), exchange(0, 0.005, answered=False)], STEADY)
    assert drawn == []
    assert chance([drawn], 10) == 0


def test_a_replay_says_the_same() -> None:
    burst = [exchange(0, 0.005), exchange(0.0001, 0.006)]
    assert gaps(burst, UNSTEADY) == gaps(burst, UNSTEADY)


@pytest.mark.parametrize(
    ("apart", "words"),
    [(0.0, "100 µs > 99 %, 1 ms > 99 %"), (0.005, "100 µs < 1 %, 1 ms < 1 %, 10 ms > 99 %, 100 ms > 99 %")],
)
def test_in_words(apart: float, words: str) -> None:
    drawn = gaps([exchange(0, 0.1), exchange(apart, 0.1)], STEADY)
    assert words in told([drawn])
