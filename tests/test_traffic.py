"""Recorded real traffic: a contract that contradicts it is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conformance.audit import audit_recordings
from conformance.contract import load_contract
from conformance.verdict import Certificate


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    named = os.environ.get("CONFORMANCE_TRAFFIC", "")
    if not named and not os.environ.get("CI"):
        pytest.skip("CONFORMANCE_TRAFFIC does not say where the recorded traffic is")
    files = sorted(Path(named).glob("*.jsonl.xz"))
    assert files, f"no recorded traffic in CONFORMANCE_TRAFFIC = {named!r}"
    audit = audit_recordings(load_contract("stripe"), files, tmp_path_factory.mktemp("audit"))
    certificate, left_out = audit.certificate, audit.coverage.left_out
    assert certificate.requests + sum(left_out.values()) == 4206
    assert set(left_out) == {"edited by hand"}
    return certificate


def test_no_must_is_contradicted(audited: Certificate) -> None:
    assert [row.id for row in audited.requirements if row.level == "MUST" and row.verdict == "fail"] == []


def test_the_traffic_was_judged(audited: Certificate) -> None:
    passed = [row for row in audited.requirements if row.level == "MUST" and row.verdict == "pass"]
    assert len(passed) >= 20
    # The rows on every intent must have seen thousands of them.
    assert max(row.judged for row in passed) > 4000
