"""What `conformance requirements --matrix` shows: what is documented of every operation from every status."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from conformance.contract import Contract, Transition
from conformance.contract.lifecycle import moves_from, reachable
from conformance.contract.loading import ANY_INTENT
from conformance.report.phrases import markdown, markdown_table

if TYPE_CHECKING:
    from rich.console import RenderableType

_LISTED = ("transition", "what it says", "source", "rows")


def shown(contract: Contract) -> Iterator[RenderableType]:
    """The grid of operation by status, then every transition in words, with its source and the rows that cite it."""
    from rich.table import Table
    from rich.text import Text

    grid = Table(title=contract.title, title_justify="left", show_lines=True, padding=0)
    for heading in ("", *contract.statuses):
        grid.add_column(_narrow(heading), overflow="fold")
    for name, *cells in _grid(contract):
        grid.add_row(_narrow(name), *(_narrow("\n".join(cell)) for cell in cells))
    yield grid
    for name, says, source, rows in _listed(contract):
        yield Text.assemble((name, "bold"), f": {says}", (f"\n    {source}: {rows}", "dim"))


def as_markdown(contracts: Iterable[Contract]) -> str:
    """The same two tables for each contract."""
    blocks = ["# Transition matrix", "What is documented, as told by `conformance requirements --matrix`."]
    for contract in contracts:
        blocks += [f"## {markdown(contract.title)}", *markdown_tables(contract)]
    return "\n\n".join(blocks) + "\n"


def markdown_tables(contract: Contract) -> list[str]:
    """The two tables of one contract: operation by status, and every transition in words."""
    cells = ((name, *("<br>".join(map(markdown, cell)) for cell in row)) for name, *row in _grid(contract))
    return [
        markdown_table(("", *map(markdown, contract.statuses)), ((markdown(name), *row) for name, *row in cells)),
        markdown_table(_LISTED, (tuple(map(markdown, row)) for row in _listed(contract))),
    ]


def as_json(contracts: Iterable[Contract]) -> str:
    """Every cell as an element of a JSON list; one without transitions is not documented.

    The status of a create is empty, that of an operation on an unknown id is ``(unknown)``.
    """
    cells = [cell for contract in contracts for cell in _cells(contract)]
    return json.dumps(cells, indent=2, ensure_ascii=False) + "\n"


def sentence(move: Transition) -> str:
    """A transition in words: the operation, where it starts, what is sent, and where it leads."""
    start = move.operation
    if move.sources:
        unknown = ANY_INTENT in move.sources
        start += " of an unknown id" if unknown else f" of an intent that is {' or '.join(move.sources)}"
    told = [
        f"brought about by {move.after}" if move.after else "",
        f"created with {_members(move.create)}" if move.create else "",
        f"with the payment method {move.method}" if move.method else "",
        f"with {_members(move.send)}" if move.send else "",
    ]
    details = "".join(f", {one}" for one in told if one)
    return f"{start}{details}{',' if details else ''} {_outcome(move)}"


def _outcome(move: Transition) -> str:
    via = f" by way of {' or '.join(move.via)}" if move.via else ""
    allowed = "keeps the status" if move.stays else f"leads to {' or '.join(move.to)}{via}" if move.to else ""
    leaves = f" and leaves it {' or '.join(move.leaves)}" if move.leaves else ""
    refused = f"is refused ({move.refused}){leaves}" if move.refused else ""
    return ", or ".join(filter(None, [allowed, refused]))


def _members(sent: Any) -> str:
    return ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in sent.items())


def _operations(contract: Contract) -> list[str]:
    return [name for name, operation in contract.operations.items() if operation.on_intent]


def _grid(contract: Contract) -> Iterator[tuple[Any, ...]]:
    """By operation: its name, and for each status the lines of the cell."""
    found = reachable(contract)
    for name in _operations(contract):
        yield name, *(_lines(contract, name, status, status in found) for status in contract.statuses)


def _lines(contract: Contract, operation: str, status: str, reached: bool) -> list[str]:
    moves = moves_from(contract, operation, status)
    targets = dict.fromkeys(target for move in moves for target in move.targets(status))
    lines = [f"→ {target}" for target in targets]
    if any(move.refused for move in moves):
        lines.append("or refused" if targets else "refused")
    if not reached:
        return [*lines, "(cannot be reached)"]
    return lines or ["not documented"]


def _listed(contract: Contract) -> Iterator[tuple[str, str, str, str]]:
    """By transition: its id, what it says, its source and the rows that cite it."""
    order = list(contract.operations)
    for move in sorted(contract.transitions.values(), key=lambda move: order.index(move.operation)):
        source = _titles(contract).get(move.source, {}).get("title", "no source")
        yield move.id, sentence(move), source, ", ".join(citing(contract, move)) or "no row"


def _cells(contract: Contract) -> Iterator[dict[str, Any]]:
    creates = [move for move in contract.transitions.values() if not move.sources]
    for name in dict.fromkeys(move.operation for move in creates):
        yield _cell(contract, name, "", [move for move in creates if move.operation == name])
    for name in _operations(contract):
        for status in (*contract.statuses, ANY_INTENT):
            yield _cell(contract, name, status, moves_from(contract, name, status))


def _cell(contract: Contract, operation: str, status: str, moves: Sequence[Transition]) -> dict[str, Any]:
    return {
        "provider": contract.name,
        "operation": operation,
        "status": status,
        "reachable": status not in contract.statuses or status in reachable(contract),
        "to": list(dict.fromkeys(target for move in moves for target in move.targets(status))),
        "refused": list(dict.fromkeys(move.refused for move in moves if move.refused)),
        "transitions": [_transition(contract, move, status) for move in moves],
    }


def _transition(contract: Contract, move: Transition, status: str) -> dict[str, Any]:
    kind = contract.error_kinds.get(move.refused)
    return {
        "id": move.id,
        "after": move.after,
        "method": move.method,
        "send": move.send,
        "create": move.create,
        "to": move.targets(status),
        "via": move.via,
        "refused": kind and {"kind": kind.name, "status": kind.status, "type": kind.type, "code": kind.code},
        "leaves": (move.leaves or ((status,) if status in contract.statuses else ())) if kind else (),
        "source": _titles(contract).get(move.source),
        "requirements": citing(contract, move),
    }


def _titles(contract: Contract) -> dict[str, dict[str, str]]:
    """Title and address of every source that a row names, by key."""
    named = (source for row in contract.requirements.values() for source in row.sources)
    return {source.key: {"title": source.title, "url": source.url} for source in named}


def citing(contract: Contract, move: Transition) -> list[str]:
    """The ids of the rows that judge a transition."""
    rows = contract.requirements.values()
    return [row.id for row in rows if row.check == "transition" and row.args.get("transition") == move.id]


def _narrow(text: str) -> RenderableType:
    """Text that may be broken after an underscore, so that a grid of long names fits a terminal."""
    from rich.text import Text

    return Text(text.replace("_", "_\n"))
