"""``conformance merge``."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.commands.common import NOT_JUDGED, WRONG_INVOCATION, fail, show_results


@click.command()
@click.argument("parts", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--contracts", default="", metavar="DIR", help="Folder of further providers' contracts.")
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Default: reports/<provider>-<target>/.")
def merge(parts: tuple[Path, ...], contracts: str, output: Path | None) -> None:
    """Judge the parts of a run, which `certify --shard` has left, as one.

    PARTS are their folders, each with a part.json. Nothing is sent, and no key is needed.
    """
    from conformance.contract import CatalogueError
    from conformance.order import known_contracts
    from conformance.parts.merging import merge as judge
    from conformance.parts.part import PartError, read
    from conformance.verdict import exit_code

    try:
        read_parts = [read(path) for path in parts]
        folder = output or Path("reports") / _name(read_parts[0].common.provider, read_parts[0].common.target["name"])
        certificate, run = judge(read_parts, folder, known_contracts(contracts))
    except (PartError, CatalogueError) as error:
        fail(error, WRONG_INVOCATION)
    show_results([(certificate, run.history.redacted(), run.folder)])
    if run.client.stopped:
        click.echo(f"conformance: not judged: {run.contract.title}: {run.client.stopped}", err=True)
    code = exit_code(certificate)
    raise SystemExit(code if code == 1 or not run.client.stopped else NOT_JUDGED)


def _name(provider: str, target: str) -> str:
    """The name of the folder, which a part must not lead elsewhere."""
    return Path(f"{provider}-{target}").name
