"""A page as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.report.phrases import markdown, markdown_table, printable
from conformance.report.side_by_side.page import Cell, Entry, Page, Table


def as_markdown(page: Page) -> str:
    """The page; no text in it is taken for markup. The titles of entries are left to HTML."""
    blocks = [f"# {_text(page.title)}"]
    for section in page.sections:
        blocks += [f"## {_text(section.heading)}", *map(_text, section.sentences), *map(_table, section.tables)]
    return "\n\n".join(blocks) + "\n"


def _table(table: Table) -> str:
    return markdown_table([_cell(cell) for cell in table.head], _rows(table))


def _rows(table: Table) -> Iterator[list[str]]:
    for group in table.groups:
        if group.name:
            yield [f"**{_text(group.name)}**", *[""] * (len(table.head) - 1)]
        for row in group.rows:
            yield [_cell(row.head), *map(_cell, row.cells)]


def _cell(cell: Cell) -> str:
    return "<br>".join(map(_entry, cell))


def _entry(entry: Entry) -> str:
    text = _text(entry.text)
    return f"**{text}**" if entry.tone in ("strong", "bad") and text else text


def _text(text: str) -> str:
    return markdown(printable(text))
