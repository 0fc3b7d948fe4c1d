"""Requirements × targets, a provider at a time: where its targets differ, what fails on all, and every row."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.contract.model import LEVELS
from conformance.report.phrases import why
from conformance.report.side_by_side.columns import Column
from conformance.report.side_by_side.page import Cell, Entry, Group, Row, Section, Table, words
from conformance.report.side_by_side.verdicts import shortened, shown
from conformance.verdict.judgement import RequirementVerdict

Verdicts = Sequence[RequirementVerdict | None]  # of one requirement, by column; None: the certificate has no such row


def by_requirement(columns: Sequence[Column]) -> list[Section]:
    """Three sections for each provider, or fewer where there is nothing to tell."""
    sections: list[Section] = []
    providers = list(dict.fromkeys(column.provider for column in columns))
    for provider in providers:
        own = [column for column in columns if column.provider == provider]
        title = f"{own[0].certificate.provider_title}: " if len(providers) > 1 else ""
        sections += _sections(title, own)
    return sections


def _sections(title: str, columns: Sequence[Column]) -> list[Section]:
    rows = _rows(columns)
    several = len(columns) > 1
    differ = [row for row in rows if len({(_verdict(one), _waived(one)) for one in row}) > 1]
    alike = [row for row in rows if all(_verdict(one) == "fail" for one in row) and row not in differ]
    found = []
    if several:
        none = () if differ else ("Nowhere: each requirement has the same verdict on all of them.",)
        found.append(Section(f"{title}Where they differ", none, _table(columns, sorted(differ, key=_weight))))
    if alike:
        heading = "What fails on all of them" if several else "What fails"
        found.append(Section(title + heading, (), _table(columns, sorted(alike, key=_weight))))
    found.append(Section(f"{title}All requirements", (), _table(columns, rows, by_area=True)))
    return found


def _rows(columns: Sequence[Column]) -> list[Verdicts]:
    ids = dict.fromkeys(id for column in columns for id in column.rows)
    tables = [column.rows for column in columns]
    return [[table.get(id) for table in tables] for id in ids]


def _weight(row: Verdicts) -> tuple[bool, bool, int]:
    """What fails comes first, the waived after others, and MUST before SHOULD."""
    fails = [one for one in row if one and one.verdict == "fail"]
    return not fails, all(one.waived for one in fails), LEVELS.index(_any(row).level)


def _table(columns: Sequence[Column], rows: Sequence[Verdicts], by_area: bool = False) -> list[Table]:
    """All rows in groups by area, or without groups, each fail then with what was found."""
    if not rows:
        return []
    head = [words("requirement"), *(column.head for column in columns)]
    if not by_area:
        return [Table(head, [Group("", [_row(row, found=True) for row in rows])])]
    areas = dict.fromkeys(_any(row).area for row in rows)
    return [Table(head, [Group(name, [_row(row) for row in rows if _any(row).area == name]) for name in areas])]


def _row(row: Verdicts, found: bool = False) -> Row:
    first = _any(row)
    head = (Entry(f"{first.id} {first.level}", "strong"), Entry(first.statement))
    return Row(head, [_cell(one, first, found) for one in row])


def _cell(row: RequirementVerdict | None, first: RequirementVerdict, found: bool) -> Cell:
    if row is None:
        return words("no such row", "quiet", "the contract that this certificate was made with does not hold it")
    entries = [shown(row)]
    if (row.level, row.statement) != (first.level, first.statement):
        entries.append(Entry(f"of another contract: {row.level} {row.statement}", "quiet"))
    if found and row.verdict != "pass":
        entries += [Entry(shortened(line), "quiet") for line in why(row, findings=1).splitlines()]
    return tuple(entries)


def _any(row: Verdicts) -> RequirementVerdict:
    return next(one for one in row if one)


def _verdict(row: RequirementVerdict | None) -> str:
    return row.verdict if row else ""


def _waived(row: RequirementVerdict | None) -> bool:
    return bool(row and row.waived)
