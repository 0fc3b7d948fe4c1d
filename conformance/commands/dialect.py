"""``conformance dialect``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from conformance.commands import completion
from conformance.commands.common import NOT_JUDGED, WRONG_INVOCATION, fail, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.contract import Contract
    from conformance.run import Run


@click.command()
@click.option(
    "--provider",
    "providers",
    multiple=True,
    shell_complete=completion.providers,
    help="Several may be given. Default: all with a dialect.",
)
@click.option("--target", default="", help="URL or file. Default: the embedded reference server.")
@click.option("--api-key", default="", help="A test key: KEY or env:NAME.")
@click.option("--i-own-this-server", "own_server", is_flag=True, help="The host is yours; no real money moves there.")
@click.option("--seed", type=int, help="What idempotency keys derive from. Default: new.")
@click.option("--contracts", default="", metavar="DIR", help="Folder of further providers' contracts.")
@click.option("--output", default="", metavar="DIR", help="Where dialect.json goes. Default: reports/dialect/.")
def dialect(**given: Any) -> None:
    """Measure how a target treats idempotency keys, beside what is documented.

    Exit codes: 0 nothing documented differs, 1 something does, 2 wrong invocation,
    3 not measured.
    """
    from conformance.cleanup import clean_after
    from conformance.contract import CatalogueError
    from conformance.contract.dialect import documented
    from conformance.evidence.exposure import presentable
    from conformance.order import Order, known_contracts, prepare_runs
    from conformance.run import PreflightError
    from conformance.target.settings import SettingsError

    codes = []
    try:
        known = known_contracts(given["contracts"])
        if not given["target"] and not given["providers"]:
            from conformance.reference import provider_names

            spoken = [name for name in provider_names() if documented(known[name].settings)]
            given["providers"] = tuple(spoken)
        given["output"] = given["output"] or "reports/dialect"
        for run in prepare_runs(Order(**given)):
            try:
                codes.append(_measure(run, known))
            except PreflightError as error:
                click.echo(f"conformance: not measured: {presentable(f'{run.contract.title}: {error}')}", err=True)
                codes.append(NOT_JUDGED)
            finally:
                run.close()
                for line in clean_after(run):
                    click.echo(line)
    except (SettingsError, CatalogueError) as error:
        fail(error, WRONG_INVOCATION)
    raise SystemExit(1 if 1 in codes else max(codes, default=NOT_JUDGED))


def _measure(run: Run, known: Mapping[str, Contract]) -> int:
    """Measures one target's dialect, prints it and writes it; the exit code."""
    from rich.console import Console

    from conformance.contract.dialect import documented
    from conformance.dialect import compare, measure, named, to_json
    from conformance.dialect.show import show

    console = Console()
    if not console.is_terminal:
        console = Console(width=160)  # a file or a pager has room for the evidence
    run.preflight()
    measured = measure(run)
    rows, name = compare(documented(run.contract.settings), measured), named(measured, known.values())
    target = run.redactor.prose(run.target.name)
    show(f"{run.contract.title}, {target}", rows, name, measured.requests, console)
    about = {"provider": run.contract.name, "target": target, "seed": run.seed}
    path = run.folder / "dialect.json"
    write_json(path, about | to_json(rows, name, measured.requests), "--output")
    click.echo(f"report: {path}")
    if not measured.measured:
        return NOT_JUDGED
    return 1 if any(row.result == "differs" for row in rows) else 0
