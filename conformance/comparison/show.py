"""A comparison for the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from conformance.comparison.compare import Comparison
from conformance.comparison.differences import Group
from conformance.report.phrases import printable

MOST_ROWS, MOST_GROUPS = 60, 40  # that are printed; the file of ``--output`` holds them all


def show(comparison: Comparison, console: Console) -> None:
    """Prints what changed, what differs, and what could not be compared."""
    if comparison.changed:
        console.print(_rows(comparison))
        if len(comparison.changed) > MOST_ROWS:
            console.print(f"and {len(comparison.changed) - MOST_ROWS} requirements more")
    for group in comparison.groups[:MOST_GROUPS]:
        _show_group(group, console)
    more = len(comparison.groups) - MOST_GROUPS
    if more > 0:
        console.print(f"and {more} differences more; --output FILE.json holds them all")
    for reason, count in comparison.not_compared.items():
        times = f"{count} × " if count > 1 else ""
        console.print(escape(f"not compared: {times}{reason}"), soft_wrap=True, highlight=False)
    if not comparison.differs:
        compared = f" in {comparison.pairs} pairs of exchanges" if comparison.pairs else ""
        console.print(f"nothing differs{compared}")


def _rows(comparison: Comparison) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    for name in ("requirement", "level", "A", "B", "why"):
        table.add_column(name, no_wrap=name != "why")
    for row in comparison.changed[:MOST_ROWS]:
        verdicts = (row.a.replace("_", " ") or "–", row.b.replace("_", " ") or "–")
        table.add_row(row.id, row.level, *verdicts, Text(printable(f"{row.statement} {row.why}".strip())))
    return table


def _show_group(group: Group, console: Console) -> None:
    times = f" ({group.count} times)" if group.count > 1 else ""
    lines = [
        f"{group.operation}: {group.place}{times}",
        f"  A  {group.a}",
        f"  B  {group.b}",
    ]
    for one in group.first:
        numbers = " and ".join(f"{side} #{number}" for side, number in zip("AB", one.numbers, strict=True) if number)
        lines.append(f"     {one.scenario}, {numbers}")
    for line in lines:
        console.print(Text(printable(line)), soft_wrap=True)
