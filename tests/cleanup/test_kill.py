"""kill -9 at any point of a run: after `conformance cleanup` nothing capturable remains, and every file is readable.

``make kill`` does the same at a hundred points.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.contract.loading import load_contracts
from tests.benchmarks.kill import SELECTIONS, Shot, shoot, shots, unreadable
from tests.cleanup.server import served

HERE = {key: count for key, count in SELECTIONS.items() if key in [("stripe", "concurrency"), ("stripe", "retries")]}


def test_after_the_cleanup_of_killed_runs_nothing_capturable_remains(tmp_path: Path) -> None:
    contract = load_contracts(None)["stripe"]
    with served("stripe") as server:
        found = [shoot(shot, server, contract, tmp_path) for shot in shots(6, 5, HERE)]
    assert [one for one in found if not one.sound] == []
    assert sum(one.killed for one in found) >= 4
    assert sum(one.journalled for one in found) >= 4


def test_the_same_seed_gives_the_same_points() -> None:
    assert shots(20, 3) == shots(20, 3)
    assert shots(20, 3) != shots(20, 4)
    assert all(isinstance(shot, Shot) for shot in shots(20, 3))


@pytest.mark.parametrize("name", ["certificate.json", "history/exchanges.jsonl", "history/intents.jsonl", "junit.xml"])
def test_half_a_file_would_be_noticed(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"half": \n', encoding="utf-8")
    (problem,) = unreadable(tmp_path)
    assert name in problem
