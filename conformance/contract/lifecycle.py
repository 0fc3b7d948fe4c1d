"""``lifecycle.toml`` asked by status: which moves are documented from there, and which way leads there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from conformance.contract.model import Contract, Transition

Path = tuple[Transition, ...]


def moves_from(contract: Contract, operation: str, status: str) -> list[Transition]:
    """The documented moves of an operation on an intent in this status; none where nothing is documented."""
    return contract.moves.get((operation, status), [])


def path_to(contract: Contract, status: str) -> Path:
    """The shortest way from nothing to ``status``, of equally short ones the one that asks for least; empty: none."""
    return next((path for reached, path in _paths(contract) if reached == status), ())


def path_after(contract: Contract, move: Transition) -> Path:
    """The shortest way that ends with ``move``; empty where its status cannot be reached."""
    if not move.sources:
        return (move,)
    if move.after:
        before = path_after(contract, contract.transitions[move.after])
    else:
        before = next((path for reached, path in _paths(contract) if reached in move.sources), ())
    return (*before, move) if before else ()


def reachable(contract: Contract) -> tuple[str, ...]:
    """The statuses to which a documented way leads, in the order of ``[statuses]``."""
    found = {status for status, _ in _paths(contract)}
    return tuple(status for status in contract.statuses if status in found)


def _paths(contract: Contract) -> Iterator[tuple[str, Path]]:
    """Each status that can be reached, once, with its shortest way."""
    moves = sorted(
        (move for move in contract.transitions.values() if move.to and not move.refused),
        key=lambda move: len(move.send) + len(move.create),
    )
    queue: deque[tuple[str, Path]] = deque(
        (to, (move,)) for move in moves if not move.sources and move.operation == "create" for to in move.to
    )
    visited = set()
    while queue:
        current, path = queue.popleft()
        if current in visited:
            continue
        visited.add(current)
        yield current, path
        queue.extend(
            (to, (*path, move))
            for move in moves
            if current in move.sources and move.after in ("", path[-1].id)
            for to in move.to
        )
