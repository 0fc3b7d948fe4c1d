"""A real server that none of us wrote: localstripe. What it is said to break was tried by hand, row by row."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.verdict import Certificate
from tests.peers.localstripe_peer import serving, write_target

DIFFERENCES = set(
    """
    STR-004 STR-009 STR-009a STR-019 STR-022 STR-024 STR-025 STR-029 STR-046 STR-053 STR-065 STR-067 STR-068a
    STR-070 STR-072 STR-077 STR-079 STR-080 STR-085 STR-087 STR-088 STR-089 STR-091 STR-091a STR-095a STR-098
    STR-099 STR-101a STR-101b STR-101c STR-102a STR-108 STR-111 STR-117 STR-129 STR-136 STR-136c STR-140 STR-142
    STR-156 STR-183 STR-185 STR-187 STR-189 STR-193 STR-213 STR-216 STR-228 STR-237 STR-239
    """.split()
)


@pytest.fixture(scope="module")
def target_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with serving() as url:
        yield write_target(url, tmp_path_factory.mktemp("localstripe") / "conformance.toml")


def certify(target_file: Path, how: str) -> tuple[int, Certificate, str]:
    output = target_file.parent / how
    command = [sys.executable, "-m", "conformance", "certify", "--target", str(target_file), "--output", str(output)]
    command += [how, "--cassettes", str(target_file.parent / "cassettes")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    return done.returncode, Certificate.read(output / "certificate.json"), done.stdout + done.stderr


@pytest.fixture(scope="module")
def certified(target_file: Path) -> tuple[int, Certificate, str]:
    return certify(target_file, "--record")


def test_it_is_not_conformant_and_the_run_finishes(certified: tuple[int, Certificate, str]) -> None:
    code, certificate, printed = certified
    assert code == 1, printed
    assert certificate.result == "non_conformant"
    assert "Traceback" not in printed


def test_nothing_ends_in_an_error(certified: tuple[int, Certificate, str]) -> None:
    _, certificate, _ = certified
    assert [row.id for row in certificate.requirements if row.verdict == "error"] == []


def test_exactly_the_known_differences_are_found(certified: tuple[int, Certificate, str]) -> None:
    _, certificate, _ = certified
    failed = {row.id for row in certificate.requirements if row.level == "MUST" and row.verdict == "fail"}
    assert failed == DIFFERENCES


def test_that_it_ignores_keys_is_told_by_one_requirement(certified: tuple[int, Certificate, str]) -> None:
    _, certificate, printed = certified
    rows = {row.id: row for row in certificate.requirements}
    failing = [row for row in rows.values() if row.verdict == "fail" and row.level != "MAY"]
    about_keys = {row.id for row in failing if row.area == "idempotency"}
    assert about_keys == {"STR-239"}
    (finding,) = rows["STR-239"].findings
    ids = re.findall(r"pi_\w+", f"{finding.expected} {finding.actual}")
    assert len({*ids}) == len(finding.exchanges) == 2
    assert all(identifier in printed for identifier in ids)
    resting = [row for row in rows.values() if row.reason == "it rests on STR-239, which fails"]
    assert {"STR-164", "STR-165", "STR-175", "STR-238", "STR-260"} <= {row.id for row in resting}


def test_each_failure_shows_its_evidence(certified: tuple[int, Certificate, str]) -> None:
    _, certificate, _ = certified
    for row in certificate.requirements:
        if row.verdict == "fail":
            assert all(finding.exchanges for finding in row.findings), row.id


def test_a_replay_says_the_same(certified: tuple[int, Certificate, str], target_file: Path) -> None:
    code, live, _ = certified
    again, replayed, printed = certify(target_file, "--replay")
    assert again == code, printed
    assert [row.verdict for row in replayed.requirements] == [row.verdict for row in live.requirements]
    assert [row.findings for row in replayed.requirements] == [row.findings for row in live.requirements]
