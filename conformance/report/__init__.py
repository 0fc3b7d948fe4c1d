"""Reports: renderings of a certificate and its history. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from conformance.evidence.exchange import Exchange
from conformance.verdict.certificate import Certificate

__all__ = ["write_all"]

CERTIFICATE = "certificate.json"


def write_all(certificate: Certificate, exchanges: Mapping[int, Exchange], folder: Path) -> None:
    """Writes ``allure-results/``, ``junit.xml``, ``summary.md`` and, last, ``certificate.json`` into ``folder``.

    ``exchanges`` are redacted, by number. The certificate of an earlier run goes first, so that a run that is cut short
    leaves none.
    """
    from conformance.report.allure import write_allure  # loading Allure takes a while, and only writers need it
    from conformance.report.junit import write_junit
    from conformance.report.summary import summary

    folder.mkdir(parents=True, exist_ok=True)
    (folder / CERTIFICATE).unlink(missing_ok=True)
    write_allure(certificate, exchanges, folder / "allure-results")
    write_junit(certificate, exchanges, folder / "junit.xml")
    (folder / "summary.md").write_text(summary(certificate, exchanges), encoding="utf-8")
    certificate.write(folder / CERTIFICATE)
