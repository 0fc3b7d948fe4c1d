"""The committed recordings, replayed: what CI shows without any server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.contract import contract_root, load_contract
from conformance.reference import provider_names
from conformance.target.recording import load_recording
from conformance.verdict import Certificate
from tests.test_localstripe import DIFFERENCES

CASSETTES = contract_root().parent / "cassettes"
STALE = "the contract has changed since it was recorded: `make cassettes`"


def replayed(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "conformance", "certify", "--replay", "--cassettes", str(CASSETTES)]
    # Whoever would connect after all is sent nowhere.
    environment = {**os.environ, "HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
    done = subprocess.run(
        [*command, "--output", str(tmp_path), *arguments],
        env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("provider", provider_names())
def test_a_recording_is_of_the_contract_at_hand(provider: str) -> None:
    recording = load_recording(CASSETTES / provider / "reference")
    assert recording.contract_digest == load_contract(provider).digest, STALE
    assert (recording.source, recording.requirements) == ("reference server", None)


def test_the_recording_of_localstripe_is_of_the_contract_at_hand() -> None:
    recording = load_recording(CASSETTES / "stripe" / "localstripe")
    assert recording.contract_digest == load_contract("stripe").digest, STALE
    assert (recording.source, recording.requirements) == ("named server", None)


def test_the_reference_server_was_conformant_to_all_contracts(tmp_path: Path) -> None:
    code, printed = replayed(tmp_path)
    assert code == 0, printed
    for provider in provider_names():
        made = Certificate.read(tmp_path / f"{provider}-reference" / "certificate.json")
        assert (made.mode, made.result) == ("replayed", "conformant")
        assert {row.verdict for row in made.requirements} <= {"pass", "inapplicable", "not_run"}


def test_localstripe_was_not_and_failed_as_it_does(tmp_path: Path) -> None:
    code, printed = replayed(tmp_path, "--provider", "stripe", "--target", "localstripe")
    assert code == 1, printed
    made = Certificate.read(tmp_path / "certificate.json")
    failed = {row.id for row in made.requirements if row.level == "MUST" and row.verdict == "fail"}
    assert failed == DIFFERENCES
    assert [row.id for row in made.requirements if row.verdict == "error" or "record again" in row.reason] == []
