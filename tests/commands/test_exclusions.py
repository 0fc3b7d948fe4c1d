"""Options that exclude each other are refused, whichever of them stands first, and nothing is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import main

from .conftest import Wire, listening

GIVEN = {
    "--record": [], "--replay": [], "--strict": [], "--only": ["DOT-049"], "--area": ["create"], "--level": ["must"],
    "--oracle": ["nowhere"], "--fuzz": ["1"], "--budget": ["9"], "--plan": [], "-n": ["2"], "--shard": ["1/2"],
}  # fmt: skip
PARTS = "divides the scenarios of a run; it goes without"
PAIRS = [
    *[("-n", other, f"-n {PARTS} {other}") for other in ("--oracle", "--fuzz", "--record", "--replay", "--budget")],
    *[
        ("--shard", other, f"--shard {PARTS} {other}")
        for other in ("--oracle", "--fuzz", "--record", "--replay", "--budget")
    ],
    ("--shard", "-n", "--shard acts one part of a run, in one process; it goes without -n"),
    *[
        ("--oracle", other, f"--oracle compares and judges nothing; it goes without {other}")
        for other in ("--record", "--replay", "--strict", "--only", "--area", "--level", "--budget", "--fuzz")
    ],
    ("--fuzz", "--record", "--fuzz draws fresh cases, which no recording can hold; it goes without --record"),
    ("--fuzz", "--replay", "--fuzz draws fresh cases, which no recording can hold; it goes without --replay"),
    ("--fuzz", "--budget", "--fuzz sends what no budget was made for; it goes without --budget"),
    ("--plan", "--replay", "--plan is of all that a run sends; it goes without --replay"),
    ("--plan", "--shard", "--plan is of all that a run sends; it goes without --shard"),
    ("--record", "--replay", "--record and --replay exclude each other"),
    ("--budget", "--record", "--budget acts a part of the scenarios; it goes without --record"),
    ("--budget", "--replay", "--budget acts a part of the scenarios; it goes without --replay"),
]


@pytest.fixture
def wire() -> Iterator[Wire]:
    with listening(lambda asked: b"") as opened:
        yield opened


@pytest.mark.parametrize(("one", "other", "message"), PAIRS)
def test_they_are_refused(one: str, other: str, message: str, wire: Wire, tmp_path: Path) -> None:
    target = ["--provider", "dots", "--target", wire.url, "--api-key", "k", "--seed", "1", "--output", str(tmp_path)]
    for first, second in ((one, other), (other, one)):
        done = CliRunner().invoke(main, ["certify", *target, first, *GIVEN[first], second, *GIVEN[second]])
        assert done.exit_code == 2, done.output
        assert message in re.sub(r"\s+", " ", done.output)
    assert not wire.connections
