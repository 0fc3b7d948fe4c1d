"""A compared dialect for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.dialect.comparing import Compared
from conformance.report.phrases import printable

_STYLES = {"agrees": "green", "differs": "bold red", "not documented": "", "not measured": "dim"}
MOST_NUMBERS = 4  # of exchanges that are printed; dialect.json holds them all


def show(title: str, rows: Sequence[Compared], name: str, requests: int, console: Console) -> None:
    """Prints a line for each axis, those that differ in red, and then whose dialect it is."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=Text(printable(title)), title_justify="left")
    table.add_column("axis", no_wrap=True)
    for column in ("documented", "found"):
        table.add_column(column, overflow="fold")
    table.add_column("evidence", overflow="fold", ratio=1)
    for row in rows:
        found = "–" if row.found.value is None else str(row.found.value)
        cells = (row.axis, " or ".join(map(str, row.documented)) or "–", found, evidence(row))
        table.add_row(*(Text(printable(cell), style=_STYLES[row.result]) for cell in cells))
    console.print(table)
    console.print(Text(printable(f"{name} ({requests} requests)")), soft_wrap=True)


def evidence(row: Compared) -> str:
    """What was seen, and in which exchanges; or why nothing was."""
    numbers = [f"#{number}" for number in row.found.exchanges[:MOST_NUMBERS]]
    more = "…" if len(row.found.exchanges) > MOST_NUMBERS else ""
    why = "not measured: " if row.found.value is None else ""
    return f"{why}{row.found.evidence} {' '.join(numbers)}{more}".strip()
