"""``conformance requirements``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.commands import completion
from conformance.commands.common import WRONG_INVOCATION, fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.contract import Contract


@click.command()
@click.argument("identifier", metavar="[ID]", default="", shell_complete=completion.requirement_ids)
@click.option("--provider", default="", shell_complete=completion.providers, help="Only this provider's rows.")
@click.option("--level", type=click.Choice(["must", "should", "may"], case_sensitive=False), help="Only this level's.")
@click.option("--area", default="", shell_complete=completion.areas, help="Only this area's rows.")
@click.option("--format", "form", default="table", show_default=True, type=click.Choice(["table", "json", "markdown"]))
@click.option("--contracts", default="", metavar="DIR", help="Folder of further providers' contracts.")
@click.option("--lock", is_flag=True, help="Write schemas/requirements.lock anew, to be reviewed as a diff.")
@click.option("--matrix", is_flag=True, help="Show what is documented of every operation from every status.")
def requirements(
    identifier: str, provider: str, level: str | None, area: str, form: str, contracts: str, lock: bool, matrix: bool
) -> None:
    """Count the catalogue, list it (json, markdown), explain one row, or show the documented transition matrix."""
    from conformance.catalogue import as_json, as_markdown, explain, overview, select
    from conformance.contract import CatalogueError

    try:
        known = _known(provider, contracts)
        if lock:
            if identifier or provider or level or area or contracts or matrix or form != "table":
                fail("--lock holds the whole catalogue and goes alone", WRONG_INVOCATION)
            _write_lock(known)
            return
        if matrix:
            if identifier or level or area:
                fail(
                    "--matrix shows transitions, not rows; only --provider, --contracts and --format go with it",
                    WRONG_INVOCATION,
                )
            _show_matrix(known, form)
            return
        chosen = select(known, identifier, level or "", area)
    except CatalogueError as error:
        fail(error, WRONG_INVOCATION)
    if form != "table":
        click.echo(as_json(chosen) if form == "json" else as_markdown(chosen), nl=False)
        return
    from rich.console import Console

    shown = explain(chosen[0], chosen[0].requirements[identifier]) if identifier else overview(chosen)
    Console().print(shown)


def _known(provider: str, further: str) -> list[Contract]:
    """The contracts at hand, or that of one provider. Raises ``CatalogueError``."""
    from conformance.contract import CatalogueError, load_contract
    from conformance.contract.loading import load_contracts

    if provider and not further:
        return [load_contract(provider)]
    known = load_contracts(Path(further) if further else None)
    if provider and provider not in known:
        raise CatalogueError(f"no contract for provider {provider!r}; known providers: {', '.join(known)}")
    return [known[provider]] if provider else list(known.values())


def _show_matrix(contracts: Sequence[Contract], form: str) -> None:
    from conformance import matrix

    if form != "table":
        click.echo(matrix.as_json(contracts) if form == "json" else matrix.as_markdown(contracts), nl=False)
        return
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=160)  # a file or a pager has room for the grid
    for contract in contracts:
        for shown in matrix.shown(contract):
            console.print(shown)


def _write_lock(contracts: Sequence[Contract]) -> None:
    from conformance.catalogue import LOCK_NAME, write_lock
    from conformance.contract import contract_root

    path = contract_root() / LOCK_NAME
    text = write_lock(contracts, path.read_text(encoding="utf-8") if path.is_file() else "")
    path.write_text(text, encoding="utf-8")
    click.echo(f"{path}: {len(text.splitlines())} requirements")
