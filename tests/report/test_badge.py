"""The badge: shields.io's endpoint format, by result and counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from conformance.report.badge import badge, write_badge
from conformance.verdict import Certificate

Make = Callable[..., Certificate]


@pytest.mark.parametrize(
    ("only", "strict", "message", "color"),
    [
        (("MUST-pass", "MAY-fail"), False, "conformant: 1 passed", "brightgreen"),
        (("MUST-pass", "SHOULD-fail"), False, "conformant: 1 passed, 1 warned", "green"),
        (("pass", "waived"), False, "conformant: 3 passed, 1 waived", "green"),
        (("MUST-pass", "SHOULD-fail"), True, "not conformant: 1 failed, 1 passed", "red"),
        (("MUST-pass", "MUST-fail"), False, "not conformant: 1 failed, 1 passed", "red"),
        (("MUST-pass", "MUST-error"), False, "inconclusive: 1 passed", "lightgrey"),
        (("?",), False, "inconclusive", "lightgrey"),
    ],
)
def test_what_a_badge_says(make: Make, only: tuple[str, ...], strict: bool, message: str, color: str) -> None:
    assert badge(make(*only, strict=strict)) == {
        "schemaVersion": 1,
        "label": "Example conformance",
        "message": message,
        "color": color,
        "isError": not message.startswith("conformant"),
    }


def test_a_stale_waiver_is_told(make: Make) -> None:
    told = badge(make("MUST-pass", "waived", until=date(2026, 1, 1)))
    assert (told["message"], told["color"]) == ("not conformant: 1 failed, 1 stale, 1 passed", "red")


def test_the_file_is_the_badge(certificate: Certificate, tmp_path: Path) -> None:
    write_badge(certificate, tmp_path / "badge.json")
    assert json.loads((tmp_path / "badge.json").read_text(encoding="utf-8")) == badge(certificate)
