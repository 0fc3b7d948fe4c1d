"""The first table of the page: which certificates these are, and their totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from conformance.report.phrases import RESULTS
from conformance.report.side_by_side.columns import Column
from conformance.report.side_by_side.page import Cell, Entry, Group, Row, Section, Table, Tone, words
from conformance.report.side_by_side.verdicts import COUNTED, counted
from conformance.verdict.judgement import Result

_TONES: dict[Result, Tone] = {"conformant": "good", "non_conformant": "bad", "inconclusive": "open"}


def targets(columns: Sequence[Column]) -> Section:
    """A row for each certificate."""
    head = ("target", "result", *COUNTED, "waived", "acted")
    rows = [Row(column.head, _cells(column)) for column in columns]
    return Section("Targets", (), (Table([words(text) for text in head], [Group("", rows)]),))


def _cells(column: Column) -> list[Cell]:
    certificate = column.certificate
    counts = Counter(map(counted, certificate.requirements))
    waived = sum(row.waived for row in certificate.requirements)
    acted = (
        Entry(certificate.mode, "quiet"),
        Entry(certificate.started_at, "quiet"),
        Entry(certificate.target.base_url, "quiet"),
        Entry(f"contract {certificate.contract_version}, suite {certificate.suite_version}", "quiet"),
    )
    return [
        words(RESULTS[certificate.result], _TONES[certificate.result], "\n".join(certificate.reasons)),
        *(words(str(counts[name] or "·"), "bad" if name == "fail" and counts[name] else "") for name in COUNTED),
        words(str(waived or "·")),
        tuple(entry for entry in acted if entry.text),
    ]
