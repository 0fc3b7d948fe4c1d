"""Reports: renderings of a certificate and its history. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from conformance.evidence.exchange import Exchange
from conformance.evidence.files import write_whole
from conformance.verdict.certificate import Certificate

__all__ = ["write_all"]

CERTIFICATE, PAGE = "certificate.json", "certificate.html"


def write_all(certificate: Certificate, exchanges: Mapping[int, Exchange], folder: Path) -> None:
    """Writes every rendering and, last, ``certificate.json`` into ``folder``.

    ``exchanges`` are redacted, by number. The certificate of an earlier run goes first, so that a run that is cut short
    leaves none. Each file is there whole or not at all.
    """
    from conformance.report.allure import write_allure  # loading Allure takes a while, and only writers need it
    from conformance.report.badge import write_badge
    from conformance.report.junit import write_junit
    from conformance.report.page import page
    from conformance.report.sarif import write_sarif
    from conformance.report.summary import summary

    folder.mkdir(parents=True, exist_ok=True)
    for earlier in (CERTIFICATE, PAGE):
        (folder / earlier).unlink(missing_ok=True)
    write_allure(certificate, exchanges, folder / "allure-results")
    write_junit(certificate, exchanges, folder / "junit.xml")
    write_sarif(certificate, folder / "results.sarif")
    write_badge(certificate, folder / "badge.json")
    write_whole(folder / "summary.md", summary(certificate, exchanges))
    write_whole(folder / PAGE, page(certificate))
    certificate.write(folder / CERTIFICATE)
