"""``conformance init``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.commands import completion
from conformance.commands.common import WRONG_INVOCATION, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.contract import Contract


@click.command()
@click.option("--provider", default="", shell_complete=completion.providers, help="The contract that a target claims.")
@click.option("--base-url", default="", metavar="URL", help="Default: the documented sandbox, or one on loopback.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Default: conformance.toml.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@click.option("--contracts", default="", metavar="DIR", help="Folder of further providers' contracts.")
@click.option("--schema", is_flag=True, help="Write the JSON Schema of such files instead, for editors.")
def init(provider: str, base_url: str, output: Path | None, force: bool, contracts: str, schema: bool) -> None:
    """Write a commented target file to start from: conformance.toml."""
    from conformance.contract import CatalogueError
    from conformance.contract.loading import load_contracts
    from conformance.starting import SCHEMA
    from conformance.target.settings import SettingsError

    try:
        known = load_contracts(Path(contracts) if contracts else None)
        if schema:
            if provider or base_url:
                fail("--schema is of every provider's files; it goes without --provider and --base-url", 2)
            _write_schema(output or Path(SCHEMA), known, force)
        else:
            _write_target_file(output or Path("conformance.toml"), known, provider, base_url, contracts, force)
    except (CatalogueError, SettingsError) as error:
        fail(error, WRONG_INVOCATION)


def _write_target_file(
    path: Path, known: Mapping[str, Contract], provider: str, base_url: str, contracts: str, force: bool
) -> None:
    from shlex import quote

    from conformance.starting import key_variable, missing_for_create, target_file

    if provider not in known:
        listed = "".join(f"\n  --provider {name:<12} {contract.title}" for name, contract in known.items())
        what = f"--provider {provider}: no such contract" if provider else "--provider is missing"
        fail(f"{what}; a target may claim one of{listed}", WRONG_INVOCATION)
    contract = known[provider]
    text, target = target_file(contract, known, base_url)
    _write(path, text, force)
    click.echo(f"{path}: a target at {target.base_url} that claims {contract.title}'s contract")
    click.echo("Next:")
    if missing := missing_for_create(contract, target):
        click.echo(f"  # every create needs it: {missing}; fill it in")
    click.echo(
        f"  export {key_variable(contract)}=…  # a test key of the target; the file holds no more than this name"
    )
    further = f" --contracts {quote(contracts)}" if contracts else ""
    click.echo(f"  conformance certify --target {quote(str(path))}{further}")


def _write_schema(path: Path, known: Mapping[str, Contract], force: bool) -> None:
    import json

    from conformance.starting import settings_schema

    _write(path, json.dumps(settings_schema(known.values()), indent=2, ensure_ascii=False) + "\n", force)
    click.echo(f"{path}: the JSON Schema of target files; one begins with")
    click.echo(f"#:schema ./{path.name}")


def _write(path: Path, text: str, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        fail(f"{path} exists; --force replaces it, --output FILE writes elsewhere", WRONG_INVOCATION)
    except OSError as error:
        fail(f"--output {path}: {error.strerror}", WRONG_INVOCATION)
