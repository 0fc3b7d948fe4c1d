"""The transition matrix as a run measured it: a grid for a page, and all of it for a table's reader."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from conformance.evidence.finding import Cell
from conformance.report.phrases import markdown, markdown_table

_WIDTH = 40  # characters of one result in the grid


def grid(cells: Sequence[Cell]) -> str:
    """A Markdown table of operation by status: what each led to, in italics where nothing is documented."""
    statuses = list(dict.fromkeys(cell.status for cell in cells))
    operations = list(dict.fromkeys(cell.operation for cell in cells))
    rows = [[markdown(name), *(_results(cells, name, status) for status in statuses)] for name in operations]
    return markdown_table(["", *map(markdown, statuses)], rows)


def _results(cells: Sequence[Cell], operation: str, status: str) -> str:
    own = [cell for cell in cells if (cell.operation, cell.status) == (operation, status)]
    return "<br>".join(dict.fromkeys(_result(cell) for cell in own)) or "·"


def _result(cell: Cell) -> str:
    """The status that a success led to, or the HTTP status of a refusal without its words, or that it was not tried."""
    short = cell.observed.partition(" (")[0].partition(":")[0]
    shown = markdown(short if len(short) <= _WIDTH else f"{short[:_WIDTH]}…")
    return shown if cell.documented or not shown else f"*{shown}*"


def as_csv(cells: Sequence[Cell]) -> str:
    """All cells in full, as comma-separated values with a head."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["operation", "status", "request", "documented", "observed", "exchanges"])
    for cell in cells:
        documented = cell.documented or "nothing: observed, not judged"
        numbers = " ".join(f"#{number}" for number in cell.exchanges)
        writer.writerow([cell.operation, cell.status, cell.request, documented, cell.observed, numbers])
    return text.getvalue()
