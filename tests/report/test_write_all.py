"""A run's folder holds every rendering, and a certificate only when all of them are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.evidence.exchange import Exchange
from conformance.report import write_all
from conformance.verdict import Certificate


def test_everything_is_written(certificate: Certificate, exchanges: dict[int, Exchange], tmp_path: Path) -> None:
    write_all(certificate, exchanges, tmp_path / "run")
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "allure-results",
        "badge.json",
        "certificate.html",
        "certificate.json",
        "junit.xml",
        "results.sarif",
        "summary.md",
    }
    assert Certificate.read(tmp_path / "run" / "certificate.json") == certificate


def test_a_run_that_is_cut_short_leaves_no_certificate(
    certificate: Certificate, exchanges: dict[int, Exchange], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_all(certificate, exchanges, tmp_path)

    def broken(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("conformance.report.summary.summary", broken)
    with pytest.raises(KeyboardInterrupt):
        write_all(certificate, exchanges, tmp_path)
    assert not (tmp_path / "certificate.json").exists()
