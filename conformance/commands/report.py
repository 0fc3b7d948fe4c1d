"""``conformance report``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.commands.common import NOT_JUDGED, WRONG_INVOCATION, fail

if TYPE_CHECKING:
    from collections.abc import Sequence

OUTPUT, HISTORY = "allure-report", "allure-history.jsonl"


@click.command()
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="DIR", help="Default: allure-report/ beside the run."
)
@click.option("--no-open", is_flag=True, help="Build the page, and do not open it.")
def report(runs: tuple[Path, ...], output: Path | None, no_open: bool) -> None:
    """Build the Allure report of one or more runs, and open it.

    RUNS are output folders of runs, or folders of such. Default: reports/.

    Exit codes: 0 built, 2 there is no such run, 3 it could not be built; then each run's certificate.html tells
    the same.
    """
    from platformdirs import user_cache_path

    from conformance.report import CERTIFICATE
    from conformance.report.allure import categories
    from conformance.report.generator import GeneratorError, build
    from conformance.verdict.certificate import Certificate, CertificateError

    given = runs or (Path("reports"),)
    folders = list(dict.fromkeys(folder for path in given for folder in _runs_in(path, CERTIFICATE)))
    try:
        certificates = [Certificate.read(folder / CERTIFICATE) for folder in folders]
    except CertificateError as error:
        fail(error, WRONG_INVOCATION)
    home = given[0] if len(given) == 1 else Path("reports")
    try:
        page = build(
            [folder / "allure-results" for folder in folders],
            output or home / OUTPUT,
            name=", ".join(f"{one.provider_title}: {one.target.name}" for one in certificates),
            categories=categories(),
            history=home / HISTORY,
            cache=user_cache_path("payment-intents-conformance"),
        )
    except (GeneratorError, OSError) as error:
        pages = ", ".join(str(folder / "certificate.html") for folder in folders)
        fail(f"the Allure report could not be built: {error}. Without it, read {pages}", NOT_JUDGED)
    click.echo(f"report: {page}")
    if not no_open and sys.stdout.isatty():
        click.launch(page.absolute().as_uri())


def _runs_in(path: Path, certificate: str) -> Sequence[Path]:
    """The output folders of runs at a path: itself, or those in it. Fails where there is none."""
    if (path / certificate).is_file():
        return [path]
    found = sorted(one.parent for one in path.glob(f"*/{certificate}"))
    if not found:
        fail(f"{path}: there is no output folder of a run, and none in it; conformance certify makes one", 2)
    return found
