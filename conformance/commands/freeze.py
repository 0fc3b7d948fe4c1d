"""``conformance freeze``."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.commands import completion
from conformance.commands.common import WRONG_INVOCATION, fail


@click.command()
@click.option("--provider", "providers", multiple=True, shell_complete=completion.providers, help="Default: all.")
@click.option("--contracts", type=click.Path(path_type=Path), help="A folder of further providers' contracts.")
def freeze(providers: tuple[str, ...], contracts: Path | None) -> None:
    """Generate exam and walks of a contract anew (exam.jsonl, walks.json), to be reviewed as a diff."""
    from conformance.contract import CatalogueError
    from conformance.contract.loading import load_contracts
    from conformance.scenarios import exam, generation, walk, walk_machine

    try:
        known = load_contracts(contracts)
    except CatalogueError as error:
        fail(error, WRONG_INVOCATION)
    for name in providers or known:
        if name not in known:
            fail(f"no contract for provider {name!r}; known providers: {', '.join(known)}", WRONG_INVOCATION)
        contract = known[name]
        walks = walk_machine.freeze_walks(contract)
        (contract.folder / walk.FILE_NAME).write_text(walk.write_walks(walks), encoding="utf-8")
        text = generation.freeze(contract.folder)
        (contract.folder / exam.FILE_NAME).write_text(text, encoding="utf-8")
        click.echo(f"{contract.folder}: {len(text.splitlines()) - 1} cases, {len(walks)} walks")
