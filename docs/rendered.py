"""A Sphinx extension that writes the pages which are data: a catalogue and a table of faults for each provider.

They are rendered from ``schemas/`` and from the reference server's faults into ``docs/rendered/`` each time the site is
built, so that a further provider's folder has its pages without a line written here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance import matrix
from conformance.catalogue import COUNTED, counts, how
from conformance.contract import Contract, Requirement, load_contract, provider_names
from conformance.reference.faults import Fault, faults_of
from conformance.report.phrases import (
    markdown,
    markdown_code,
    markdown_link,
    markdown_statement,
    markdown_table,
)

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = Path(__file__).parent / "rendered"


def setup(app: Sphinx) -> dict[str, Any]:
    """Writes the pages before Sphinx looks for sources."""
    app.connect("config-inited", lambda *given: write_pages(FOLDER))
    return {"parallel_read_safe": True}


def write_pages(folder: Path) -> None:
    """Writes all pages into ``folder``; a page that would stay the same is not touched."""
    folder.mkdir(exist_ok=True)
    contracts = [load_contract(name) for name in provider_names()]
    pages = {"catalogue.md": _overview(contracts)}
    for contract in contracts:
        faults = list(faults_of(contract.name).values())
        pages[f"{contract.name}.md"] = _catalogue(contract, faults)
        pages[f"{contract.name}-faults.md"] = _faults(contract, faults)
    for stale in {page.name for page in folder.glob("*.md")} - pages.keys():
        (folder / stale).unlink()
    for name, text in pages.items():
        page = folder / name
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def _overview(contracts: list[Contract]) -> str:
    return _page(
        "# The catalogue",
        "A requirement is one statement that a provider documents, with its level, its source, and the check that "
        "judges it. A **scenario** acts on the target to see it; a **rule** judges any exchange, whoever made it. A "
        "row that no black box can judge says why.",
        markdown_table(COUNTED, counts(contracts)),
        "Each provider has a page with its requirements and its documented lifecycle, and one with the known faults "
        "that break them.",
        "\n".join(
            [
                "```{toctree}",
                ":maxdepth: 1",
                "",
                *(page for one in contracts for page in (one.name, f"{one.name}-faults")),
                "```",
            ]
        ),
    )


def _catalogue(contract: Contract, faults: Iterable[Fault]) -> str:
    breaking = defaultdict(list)
    for fault in faults:
        for name in fault.breaks:
            breaking[name].append(fault.name)
    areas: dict[str, list[Requirement]] = defaultdict(list)
    for row in contract.requirements.values():
        areas[row.area].append(row)
    return _page(
        f"# {markdown(contract.title)}",
        f"What {markdown(contract.title)} documents, as rows. `conformance requirements ID` explains one; "
        f"`conformance certify --provider {contract.name} --only ID` judges one alone.",
        *(block for area in areas for block in (f"## {area}", _table(areas[area], breaking))),
        "## Lifecycle, as documented",
        "What stands in no cell is not documented: it is observed and reported, never judged.",
        *matrix.markdown_tables(contract),
    )


def _table(rows: Iterable[Requirement], breaking: dict[str, list[str]]) -> str:
    cells = (
        (
            f"[{row.id}]{{#{row.id}}}",
            row.level,
            "<br>".join(
                [markdown_statement(row.statement), *(markdown_link(one.title, one.url) for one in row.sources)]
            ),
            how(row),
            _some(breaking[row.id]),
        )
        for row in rows
    )
    head = ("id", "level", "statement and source", "judged by", "broken by")
    return f"```{{container}} catalogue\n{markdown_table(head, cells)}\n```"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{markdown_code(names[0])}{more}" if names else ""


def _faults(contract: Contract, faults: list[Fault]) -> str:
    return _page(
        f"# {markdown(contract.title)}: faults and what they break",
        f"{len(faults)} ways to be wrong, each served by `conformance serve --provider {contract.name} --fault NAME`. "
        "A self-test holds that each fails exactly the rows named, and no other; in parentheses those that fail only "
        "where a race is met.",
        markdown_table(("fault", "breaks"), _fault_cells(faults)),
    )


def _fault_cells(faults: Iterable[Fault]) -> Iterator[tuple[str, str]]:
    for fault in faults:
        always = [f"[{name}](#{name})" for name in sorted(fault.breaks)]
        at_times = [f"({name})" for name in sorted(fault.at_times)]
        yield markdown_code(fault.name), " ".join([*always, *at_times])


def _page(*blocks: str) -> str:
    return "\n\n".join(blocks) + "\n"
