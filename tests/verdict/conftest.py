"""A small contract with every level, one untested row, and nothing of any provider."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.contract.model import Contract, Level, Requirement, Source

SOURCE = Source("S", "Create an intent", "https://docs.example/create")


@pytest.fixture
def contract() -> Contract:
    levels: dict[str, Level] = {"EX-1": "MUST", "EX-2": "MUST", "EX-3": "SHOULD", "EX-4": "MAY"}
    rows = [
        Requirement(id, level, "create", f"Statement of {id}.", (SOURCE,), "a_check") for id, level in levels.items()
    ]
    rows.append(Requirement("EX-5", "MUST", "errors", "Nobody can see it.", (SOURCE,), not_tested="happens in private"))
    return make_contract(rows)


@pytest.fixture
def selected(contract: Contract) -> set[str]:
    return set(contract.requirements)


@pytest.fixture
def contract_of() -> Callable[[list[Requirement]], Contract]:
    return make_contract


def make_contract(rows: list[Requirement]) -> Contract:
    return Contract(
        name="example",
        title="Example",
        folder=Path("schemas/example"),
        digest="sha256:0",
        settings={"version": "2026-01"},
        operations={},
        security={},
        statuses=(),
        terminal=frozenset(),
        passing=(),
        transitions={},
        error_kinds={},
        requirements={row.id: row for row in rows},
        schemas={},
    )
