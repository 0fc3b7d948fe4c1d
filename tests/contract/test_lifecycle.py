"""The ways that ``lifecycle.toml`` documents."""

from __future__ import annotations

from conformance.contract import Contract
from conformance.contract.lifecycle import moves_from, path_after, path_to, reachable


def test_every_status_that_can_be_reached_has_a_way_that_holds_together(contract: Contract) -> None:
    for status in reachable(contract):
        first, *further = path_to(contract, status)
        assert first.operation == "create"
        assert not first.sources
        before = first.to
        for move in further:
            assert set(before) & set(move.sources)
            before = move.to
        assert status in before


def test_a_way_after_a_transition_ends_with_it(contract: Contract) -> None:
    for move in contract.transitions.values():
        path = path_after(contract, move)
        assert not path or path[-1] == move
        if move.after:
            assert path[-2].id == move.after


def test_moves_are_told_by_operation_and_status(contract: Contract) -> None:
    for move in contract.transitions.values():
        for status in move.sources:
            assert move in moves_from(contract, move.operation, status)
        assert move not in moves_from(contract, move.operation, "no such status")
