"""What `conformance requirements` shows: the catalogue filtered, counted, listed and locked, and one row explained."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.contract import CatalogueError, Contract, Requirement
from conformance.contract.model import LEVELS
from conformance.matrix import sentence
from conformance.report.phrases import markdown, markdown_code, markdown_table
from conformance.rules.judge import each, rules

if TYPE_CHECKING:
    from rich.console import RenderableType

LOCK_NAME = "requirements.lock"
RETIRED = "RETIRED"  # stands in the lock where the level of a row stood that is no more

COUNTED = ("provider", "level", "rows", "scenario", "rule", "not tested")
_LISTED = ("id", "level", "area", "statement", "check, or why there is none")


def select(contracts: Sequence[Contract], identifier: str = "", level: str = "", area: str = "") -> list[Contract]:
    """The contracts with none but the rows asked for; an empty argument asks for all.

    Raises ``CatalogueError``, which says what is known, where there is no such row.
    """
    chosen = []
    for contract in contracts:
        rows = {
            row.id: row
            for row in contract.requirements.values()
            if identifier in ("", row.id) and level.upper() in ("", row.level) and area in ("", row.area)
        }
        if rows:
            chosen.append(replace(contract, requirements=rows))
    if chosen:
        return chosen
    asked = [identifier, level and f"--level {level}", area and f"--area {area}"]
    areas = sorted({row.area for contract in contracts for row in contract.requirements.values()})
    ids = (f"{next(iter(contract.requirements))} … of {contract.name}" for contract in contracts)
    raise CatalogueError(
        f"{' '.join(filter(None, asked))}: no such requirement; "
        f"known ids: {', '.join(ids)}; areas: {', '.join(areas)}; levels: {', '.join(LEVELS)}"
    )


def judged_by(row: Requirement) -> str:
    """``rule``, ``scenario`` or ``not tested``."""
    if not row.check:
        return "not tested"
    return "rule" if row.check in rules() else "scenario"


def overview(contracts: Iterable[Contract]) -> RenderableType:
    """A table: provider × level, and how many rows each way of judging has."""
    from rich.table import Table

    table = Table(*COUNTED)
    for cells in counts(contracts):
        table.add_row(*cells)
    return table


def as_json(contracts: Iterable[Contract]) -> str:
    """All rows as a JSON list."""
    listed = [
        {
            "id": row.id,
            "provider": contract.name,
            "level": row.level,
            "area": row.area,
            "statement": row.statement,
            "sources": [{"title": source.title, "url": source.url} for source in row.sources],
            "check": row.check,
            "args": row.args,
            "judged_by": judged_by(row),
            "needs": row.needs,
            "rests_on": row.rests_on,
            "not_tested": row.not_tested,
        }
        for contract in contracts
        for row in contract.requirements.values()
    ]
    return json.dumps(listed, indent=2, ensure_ascii=False) + "\n"


def as_markdown(contracts: Sequence[Contract]) -> str:
    """The counts of the overview, then a table of all rows."""
    rows = [
        (row.id, row.level, row.area, markdown(row.statement), how(row))
        for contract in contracts
        for row in contract.requirements.values()
    ]
    blocks = [
        "# Coverage",
        "What the catalogue holds and how each row is judged, as told by `conformance requirements --format markdown`.",
        markdown_table(COUNTED, counts(contracts)),
        "## Requirements",
        markdown_table(_LISTED, rows),
    ]
    return "\n\n".join(blocks) + "\n"


def counts(contracts: Iterable[Contract]) -> Iterator[tuple[str, ...]]:
    """The cells of the overview: a row for each provider and level, under ``COUNTED``."""
    for contract in contracts:
        title = contract.title
        for level in LEVELS:
            ways = Counter(judged_by(row) for row in contract.requirements.values() if row.level == level)
            if ways:
                yield title, level, *map(str, (ways.total(), ways["scenario"], ways["rule"], ways["not tested"]))
                title = ""


def how(row: Requirement) -> str:
    """How a row is judged, or why no check judges it, as Markdown."""
    return f"{judged_by(row)} {markdown_code(row.check)}" if row.check else f"not tested: {markdown(row.not_tested)}"


def explain(contract: Contract, row: Requirement) -> RenderableType:
    """One row in full: statement, source, check and its arguments, schema, and how to run it alone."""
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    table.add_row("[bold]" + row.id, f"{contract.title}, {row.level}, {row.area}")
    table.add_row("statement", escape(row.statement))
    for source in row.sources:
        table.add_row("source", escape(f"{source.title}\n{source.url}"))
    if row.check:
        arguments = escape(json.dumps(dict(row.args))) if row.args else ""
        table.add_row("judged by", f"{judged_by(row)} {row.check} {arguments}")
        if row.check == "transition":
            table.add_row("transition", escape(sentence(contract.transitions[row.args["transition"]])))
        for name in _schemas(contract, row):
            table.add_row("schema", escape(f"{contract.folder.parent.name}/{contract.name}/{name}.schema.json"))
        for name in row.needs:
            table.add_row("needs", escape(f"{name}: {contract.settings['capabilities'][name]}"))
        for name in row.rests_on:
            table.add_row("rests on", name)
        table.add_row("run alone", f"conformance certify --provider {contract.name} --only {row.id}")
    else:
        table.add_row("not tested", escape(row.not_tested))
    return table


def _schemas(contract: Contract, row: Requirement) -> list[str]:
    """The schema files that a row speaks of: the one it names, those of what it sends and is answered, or none."""
    if "schema" in row.args:
        return [row.args["schema"]]
    if row.check.startswith("error"):
        return ["error"]
    move = contract.transitions.get(row.args.get("transition", ""))
    named = row.args.get("operation") or (move.operation if move else row.check.partition("_")[0])
    operations = [contract.operations[name] for name in each(named) if name in contract.operations]
    found = [name for one in operations for name in (one.request_schema, one.response_schema)]
    if not operations and row.args.keys() & {"member", "members"}:
        return ["payment_intent"]
    return [name for name in dict.fromkeys(found) if name in contract.schemas]


def read_lock(text: str) -> dict[str, tuple[str, str]]:
    """Level and statement by id, of a lock's text; the level of a retired row is ``RETIRED``."""
    locked = {}
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split("\t")
        if len(parts) != 3 or parts[0] in locked:
            raise CatalogueError(f"{LOCK_NAME}: line {number} repeats an id or is not ID, level and statement: {line}")
        locked[parts[0]] = (parts[1], parts[2])
    return locked


def lock_rows(contracts: Iterable[Contract]) -> dict[str, tuple[str, str]]:
    """Level and statement by id, of the catalogue as it is."""
    rows = (row for contract in contracts for row in contract.requirements.values())
    return {row.id: (row.level, " ".join(row.statement.split())) for row in rows}


def write_lock(contracts: Iterable[Contract], before: str) -> str:
    """The text of the lock anew. Ids that only ``before`` holds stay, as retired.

    Raises ``CatalogueError`` where a row takes the id of a retired one.
    """
    locked, rows = read_lock(before), lock_rows(contracts)
    reused = sorted(name for name in rows if name in locked and locked[name][0] == RETIRED)
    if reused:
        raise CatalogueError(f"{', '.join(reused)}: retired in {LOCK_NAME}; an id is used once, give the row a new one")
    kept = {name: (RETIRED, statement) for name, (_, statement) in locked.items()} | rows
    return "".join(f"{name}\t{level}\t{statement}\n" for name, (level, statement) in sorted(kept.items()))
