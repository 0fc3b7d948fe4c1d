"""A verdict in a cell: a mark and a word, and what stands behind it for who asks."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.evidence.finding import VerdictName
from conformance.report.phrases import verdict_words, why
from conformance.report.side_by_side.page import Entry, Tone
from conformance.verdict.judgement import RequirementVerdict

# The order in which counts are told: what is neither pass, fail nor inapplicable is not judged.
COUNTED = ("pass", "fail", "inapplicable", "not judged")
_WIDTH = 240  # characters of a line in a cell
_MARKS: Mapping[VerdictName, str] = {"pass": "✓", "fail": "✗", "inapplicable": "–"}
_TONES: Mapping[VerdictName, Tone] = {"pass": "good", "fail": "bad", "inapplicable": "quiet"}


def shown(row: RequirementVerdict, before: str = "") -> Entry:
    """The verdict in a word, with the words ``before`` it; what was found, or why nothing was judged, as its title."""
    waived = ", waived" if row.waived else ", stale waiver" if row.stale else ""
    text = f"{_MARKS.get(row.verdict, '?')} {verdict_words(row.verdict)}{waived}"
    tone: Tone = "waived" if row.waived else _TONES.get(row.verdict, "open")
    return Entry(f"{before} {text}" if before else text, tone, f"{row.statement}\n{why(row) or row.reason}".strip())


def shortened(line: str) -> str:
    """A line that fits a cell; the certificate holds it all."""
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"


def counted(row: RequirementVerdict) -> str:
    """Under which of ``COUNTED`` the row counts."""
    return row.verdict if row.verdict in COUNTED else "not judged"
