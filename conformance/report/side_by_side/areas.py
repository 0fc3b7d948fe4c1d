"""Targets × areas: how many requirements of each area have which verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from conformance.report.side_by_side.columns import Column
from conformance.report.side_by_side.page import Cell, Entry, Group, Row, Section, Table, Tone, words
from conformance.report.side_by_side.verdicts import COUNTED, counted
from conformance.verdict.judgement import RequirementVerdict

_TONES: Mapping[str, Tone] = {"pass": "good", "fail": "bad", "inapplicable": "quiet", "not judged": "open"}


def by_area(columns: Sequence[Column]) -> list[Section]:
    """One section with one table, of an area a row, and a last row of them all."""
    areas = dict.fromkeys(row.area for column in columns for row in column.certificate.requirements)
    rows = [Row(words(area, "strong"), [_cell(column, area) for column in columns]) for area in areas]
    rows.append(Row(words("all", "strong"), [_cell(column) for column in columns]))
    table = Table([words("area"), *(column.head for column in columns)], [Group("", rows)])
    told = "How many requirements of each area pass, fail, are inapplicable, or were not judged."
    return [Section("Verdicts by area", (told,), (table,))]


def _cell(column: Column, area: str = "") -> Cell:
    rows = [row for row in column.certificate.requirements if area in ("", row.area)]
    return _counts(rows) or words("no requirement", "quiet")


def _counts(rows: Sequence[RequirementVerdict]) -> Cell:
    counts = Counter(map(counted, rows))
    failing = " ".join(row.id for row in rows if row.verdict == "fail")
    found = [
        Entry(f"{counts[name]} {name}", _TONES[name], failing if name == "fail" else "")
        for name in COUNTED
        if counts[name]
    ]
    waived = sum(row.waived for row in rows)
    return (*found, *([Entry(f"{waived} of them waived", "waived")] if waived else []))
