"""What master and workers of a soak say to each other, and how they name what they leave."""

from __future__ import annotations

from dataclasses import dataclass

# Kinds of message: to a worker, and two from one.
STARTS, STOPPED, ENDED = "conformance starts", "conformance stopped", "conformance ended"
WORKER = "worker.json"  # in the folder of a worker that has come to its end
SOAK = "soak.json"  # in the folder of the master
ROOM = 1_000_000  # numbers that the exchanges of one user may take
USERS = 10_000  # that one worker may have had, those that went included


@dataclass(frozen=True)
class Start:
    """What the master says before the users start.

    ``soak`` names the run. ``requests_per_second`` is the worker's part of the target's pace, 0 for no limit;
    ``stories`` is after how many a user ends by itself, 0 for none.
    """

    soak: str = ""
    seed: int = 0
    requests_per_second: float = 0.0
    stories: int = 0


def scenario_of(worker: int, user: int) -> str:
    """How a user is named in the history."""
    return f"soak, worker {worker}, user {user}"


def user_of(number: int) -> int:
    """Which user made the exchange with that number; users are numbered over all workers."""
    return number // ROOM
