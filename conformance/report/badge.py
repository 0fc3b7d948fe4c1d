"""A certificate as the JSON that shields.io's endpoint badge reads."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from conformance.evidence.files import write_whole
from conformance.report.phrases import RESULTS, fails, tone
from conformance.verdict.certificate import Certificate


def write_badge(certificate: Certificate, path: Path) -> None:
    """Writes the badge of the certificate to ``path``."""
    write_whole(path, json.dumps(badge(certificate), indent=2) + "\n")


def badge(certificate: Certificate) -> dict[str, Any]:
    """The result, and how many requirements passed, failed, only warn, are waived, or have a stale waiver.

    Green of two kinds for what conforms, the duller where a failure warns or is waived; red for what does not; grey for
    what could not be judged.
    """
    tones = Counter(tone(certificate, row) for row in fails(certificate))
    counts = {
        "failed": tones["decides"],
        "stale": sum(bool(row.stale) for row in certificate.requirements),
        "passed": certificate.totals["pass"],
        "waived": tones["waived"],
        "warned": tones["warning"],
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    colors = {
        "conformant": "green" if counts["waived"] or counts["warned"] else "brightgreen",
        "non_conformant": "red",
        "inconclusive": "lightgrey",
    }
    return {
        "schemaVersion": 1,
        "label": f"{certificate.provider_title} conformance",
        "message": ": ".join(part for part in (RESULTS[certificate.result], told) if part),
        "color": colors[certificate.result],
        "isError": certificate.result != "conformant",
    }
