"""What `conformance requirements` shows: the catalogue counted, and one row explained."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from conformance.contract import Contract, Requirement
from conformance.contract.model import LEVELS
from conformance.rules.judge import rules

if TYPE_CHECKING:
    from rich.console import RenderableType


def judged_by(row: Requirement) -> str:
    """``rule``, ``scenario`` or ``not tested``."""
    if not row.check:
        return "not tested"
    return "rule" if row.check in rules() else "scenario"


def overview(contracts: Iterable[Contract]) -> RenderableType:
    """A table: provider × level, and how many rows each way of judging has."""
    from rich.table import Table

    table = Table("provider", "level", "rows", "scenario", "rule", "not tested")
    for contract in contracts:
        for level in LEVELS:
            rows = [row for row in contract.requirements.values() if row.level == level]
            ways = Counter(judged_by(row) for row in rows)
            counts = [str(ways[way]) for way in ("scenario", "rule", "not tested")]
            table.add_row(contract.title if level == LEVELS[0] else "", level, str(len(rows)), *counts)
    return table


def explain(contract: Contract, row: Requirement) -> RenderableType:
    """One row in full: statement, source, check and its arguments, and how to run it alone."""
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_row("[bold]" + row.id, f"{contract.title}, {row.level}, {row.area}")
    table.add_row("statement", row.statement)
    for source in row.sources:
        table.add_row("source", f"{source.title}\n{source.url}")
    if row.check:
        arguments = escape(json.dumps(dict(row.args))) if row.args else ""
        table.add_row("judged by", f"{judged_by(row)} {row.check} {arguments}")
        for name in row.needs:
            table.add_row("needs", f"{name}: {contract.settings['capabilities'][name]}")
        table.add_row("run alone", f"conformance certify --provider {contract.name} --only {row.id}")
    else:
        table.add_row("not tested", row.not_tested)
    return table
