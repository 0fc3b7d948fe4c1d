"""A page as one static file of HTML: no script, nothing loaded from elsewhere, light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from conformance.report.phrases import printable
from conformance.report.side_by_side.page import Cell, Entry, Group, Page, Row, Section, Table

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1e21; --quiet: #646a73; --line: #d5d9de; --head: #f2f4f6;
  --good: #176b2c; --bad: #b3161b; --bad-paper: #fdebea; --waived: #7a4b00; --open: #3d4ba8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15171a; --ink: #e4e6e9; --quiet: #9aa1ab; --line: #363b42; --head: #20242a; --good: #6fce85;
    --bad: #ff8f8a; --bad-paper: #3a1d1e; --waived: #efb45c; --open: #a9b4ff; }
}
body { margin: 2rem auto; padding: 0 1.5rem; max-width: 100rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; } p { max-width: 75ch; margin: .4rem 0; }
nav a { margin-right: 1.2rem; white-space: nowrap; } a { color: inherit; }
.table { overflow: auto; max-height: 90vh; border: 1px solid var(--line); margin: .8rem 0; width: fit-content;
  max-width: 100%; }
table { border-collapse: separate; border-spacing: 0; font-size: .87rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem; border-bottom: 1px solid var(--line);
  overflow-wrap: break-word; min-width: 4rem; max-width: 26rem; font-weight: normal; }
thead th { position: sticky; top: 0; background: var(--head); z-index: 2; }
tbody th { position: sticky; left: 0; background: var(--paper); z-index: 1; min-width: 15rem;
  border-right: 1px solid var(--line); }
thead th:first-child { left: 0; z-index: 3; border-right: 1px solid var(--line); }
tbody th.group { background: var(--head); font-weight: 600; }
td.has-bad { background: var(--bad-paper); }
.strong { font-weight: 600; } .good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
.waived { color: var(--waived); } .open { color: var(--open); } .quiet { color: var(--quiet); }
.whole { white-space: nowrap; }
.code { font-family: ui-monospace, monospace; font-size: .92em; }
[title] { cursor: help; }
@media print { .table { max-height: none; overflow: visible; } thead th, tbody th { position: static; } }
"""

# Ids, times, an arrow with its status, a mark with its verdict: a line's end within them is hard to read.
_UNBROKEN = re.compile(r"\b[A-Z]{2,}-\d+[a-z]?\b|\b\d{4}-\d\d-\d\d(?:T[\d:]+Z)?|→ \w{1,40}|[✓✗?] (?:not run|\w{1,40})")


def as_html(page: Page) -> str:
    """The page; every text in it is escaped."""
    sections = "\n".join(_section(number, section) for number, section in enumerate(page.sections, 1))
    links = "\n".join(
        f'<a href="#s{number}">{_text(section.heading)}</a>' for number, section in enumerate(page.sections, 1)
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(page.title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{_text(page.title)}</h1>
<nav>
{links}
</nav>
{sections}
</body>
</html>
"""


def _section(number: int, section: Section) -> str:
    sentences = "".join(f"<p>{_text(sentence)}</p>\n" for sentence in section.sentences)
    tables = "\n".join("".join(_table(table)) for table in section.tables)
    return f'<section id="s{number}">\n<h2>{_text(section.heading)}</h2>\n{sentences}{tables}\n</section>'


def _table(table: Table) -> Iterator[str]:
    head = "".join(f'<th scope="col">{_cell(cell)}</th>' for cell in table.head)
    # The box scrolls, so that head and first column can stay; it takes the focus for who scrolls by keys.
    yield f'<div class="table" tabindex="0">\n<table>\n<thead><tr>{head}</tr></thead>\n'
    for group in table.groups:
        yield from _group(group, len(table.head) - 1)
    yield "</table>\n</div>"


def _group(group: Group, columns: int) -> Iterator[str]:
    yield "<tbody>\n"
    if group.name:
        yield f'<tr><th class="group" scope="rowgroup">{_text(group.name)}</th>{"<td></td>" * columns}</tr>\n'
    for row in group.rows:
        yield _row(row)
    yield "</tbody>\n"


def _row(row: Row) -> str:
    cells = "".join(f"<td{_class(cell)}>{_cell(cell)}</td>" for cell in row.cells)
    return f'<tr><th scope="row">{_cell(row.head)}</th>{cells}</tr>\n'


def _class(cell: Cell) -> str:
    if any(entry.tone == "bad" for entry in cell):
        return ' class="has-bad"'
    return ""


def _cell(cell: Cell) -> str:
    return "".join(map(_entry, cell))


def _entry(entry: Entry) -> str:
    tone = f' class="{entry.tone}"' if entry.tone else ""
    title = f' title="{_text(entry.title)}"' if entry.title else ""
    text = _text(entry.text)
    if entry.tone == "code":  # paths break where a reader would break them
        text = text.replace("/", "/<wbr>")
    else:
        text = _UNBROKEN.sub(r'<span class="whole">\g<0></span>', text)
    return f"<div{tone}{title}>{text}</div>"


def _text(text: str) -> str:
    return escape(printable(text))
