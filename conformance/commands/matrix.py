"""``conformance matrix``."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.commands.common import WRONG_INVOCATION, fail


@click.command()
@click.argument("certificates", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CERT…")
@click.option("--output", default="reports/matrix", type=click.Path(path_type=Path), metavar="DIR", show_default=True)
@click.option("--by", type=click.Choice(["requirement", "area"]), help="Rows; by area where providers are several.")
@click.option("--contracts", default="", metavar="DIR", help="Folder of further providers' contracts.")
def matrix(certificates: tuple[Path, ...], output: Path, by: str | None, contracts: str) -> None:
    """Show certificates side by side: where targets differ, and what is portable between providers.

    CERT is a certificate.json, the output folder of a run, or a folder of such folders. Writes matrix.html and
    matrix.md, and decides nothing.

    Exit codes: 0 written, 2 a file is wrong.
    """
    from conformance.contract import CatalogueError
    from conformance.contract.loading import load_contracts
    from conformance.report.phrases import printable
    from conformance.report.side_by_side import page_of, write_page
    from conformance.report.side_by_side.columns import columns_of, find_certificates
    from conformance.verdict import CertificateError

    try:
        known = load_contracts(Path(contracts) if contracts else None)
        columns = columns_of(find_certificates(certificates), known)
    except (CertificateError, CatalogueError) as error:
        fail(error, WRONG_INVOCATION)
    for column in columns:
        for mark in column.marks:
            click.echo(printable(f"{column.provider}, {column.name}: {mark}"), err=True)
    try:
        written = write_page(page_of(columns, by), output)  # type: ignore[arg-type]
    except OSError as error:
        fail(f"--output {output}: {error.strerror}", WRONG_INVOCATION)
    for path in written:
        click.echo(f"matrix: {path}")
