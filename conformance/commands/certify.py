"""``conformance certify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from conformance.commands import completion
from conformance.commands.common import NOT_JUDGED, WRONG_INVOCATION, fail, show_results, write_json

if TYPE_CHECKING:
    from conformance.run import Run
    from conformance.verdict import Certificate


@click.command()
@click.option(
    "--provider",
    "providers",
    multiple=True,
    shell_complete=completion.providers,
    help="The contract; several may be given. Default: all.",
)
@click.option("--target", default="", help="URL or file. Default: the embedded reference server.")
@click.option("--record", is_flag=True, help="Keep the run in cassettes, without secrets.")
@click.option("--replay", is_flag=True, help="Act on a recorded run; open no connection.")
@click.option("--cassettes", default="cassettes", show_default=True, metavar="DIR", help="Folder of recorded runs.")
@click.option(
    "--oracle", type=click.Path(path_type=Path), metavar="RECORDING", help="Hold the target to a recorded run."
)
@click.option("--api-key", default="", help="A test key: KEY or env:NAME.")
@click.option(
    "--only",
    multiple=True,
    metavar="ID",
    shell_complete=completion.requirement_ids,
    help="Judge only this requirement.",
)
@click.option("--area", "areas", multiple=True, shell_complete=completion.areas, help="Judge only this area.")
@click.option(
    "--level", "levels", multiple=True, shell_complete=completion.levels, help="Judge only must, should or may."
)
@click.option("--seed", type=int, help="What idempotency keys derive from. Default: new.")
@click.option("--burst", type=int, metavar="N", help="Send at most N requests at once; 0 forbids bursts.")
@click.option("--fuzz", default=0.0, metavar="SECONDS", help="Explore beyond the fixed exam for so long.")
@click.option("--strict", is_flag=True, help="SHOULD decides conformance too.")
@click.option("--contracts", default="", metavar="DIR", help="Folder of further providers' contracts.")
@click.option("--output", default="", metavar="DIR", help="Default: reports/<provider>-<target>/.")
def certify(**given: Any) -> None:
    """Act on a target and judge it."""
    from conformance.contract import CatalogueError
    from conformance.evidence.exposure import presentable
    from conformance.order import Order, prepare_runs
    from conformance.run import PreflightError, SuiteError
    from conformance.target.settings import SettingsError
    from conformance.verdict import exit_code

    fuzz, oracle = given.pop("fuzz"), given.pop("oracle")
    if oracle and not fuzz:
        _hold_to(oracle, given)
    if oracle:
        fail("--oracle compares and judges nothing; it goes without --fuzz", WRONG_INVOCATION)
    if fuzz and (given["record"] or given["replay"]):
        fail("--fuzz draws fresh cases, which no recording can hold; it goes without --record and --replay", 2)
    done: list[tuple[Certificate, Run]] = []
    failures: list[str] = []
    try:
        for run in prepare_runs(Order(**given)):
            try:
                done.append((_certify_one(run, fuzz), run))
            except (PreflightError, SuiteError) as error:
                failures.append(f"{run.contract.title}: {error}")
    except (SettingsError, CatalogueError) as error:
        fail(error, WRONG_INVOCATION)
    show_results([(certificate, run.history.redacted(), run.folder) for certificate, run in done])
    for failure in failures:
        click.echo(f"conformance: not judged: {presentable(failure)}", err=True)
    codes = [exit_code(certificate) for certificate, _ in done] + [NOT_JUDGED] * len(failures)
    # Not conformant outranks what could not be judged, and both outrank conformant.
    raise SystemExit(1 if 1 in codes else max(codes, default=NOT_JUDGED))


def _hold_to(oracle: Path, given: dict[str, Any]) -> NoReturn:
    """Sends what was recorded of one target to another, and tells what differs: ``certify --oracle``."""
    from rich.console import Console

    from conformance.comparison.oracle import hold_to
    from conformance.comparison.show import show
    from conformance.contract import CatalogueError
    from conformance.evidence.cassettes import CassetteError
    from conformance.order import Order, prepare_runs
    from conformance.run import PreflightError
    from conformance.target.recording import RecordingMissing, load_recording
    from conformance.target.settings import SettingsError

    for option in ("record", "replay", "strict", "only", "areas", "levels"):
        if given[option]:
            fail(f"--oracle compares and judges nothing; it goes without --{option.rstrip('s')}", WRONG_INVOCATION)
    try:
        recording = load_recording(oracle)
        recorded = recording.exchanges()
        given["providers"] = given["providers"] or (recording.provider,)
        given["output"] = given["output"] or f"reports/{recording.provider}-oracle"
        (run,) = prepare_runs(Order(**given))
        if run.contract.name != recording.provider:
            fail(f"--provider {run.contract.name}: {oracle} is of {recording.provider}", WRONG_INVOCATION)
    except (RecordingMissing, CassetteError, SettingsError, CatalogueError) as error:
        fail(error, WRONG_INVOCATION)
    try:
        run.reach()  # no preflight, which would make an intent that the recorded run did not make
        comparison = hold_to(recorded, run.contract, run.client, recording.instruments, name=str(oracle))
    except PreflightError as error:
        fail(error, NOT_JUDGED)
    finally:
        run.close()
    show(comparison, Console())
    path = run.folder / "comparison.json"
    write_json(path, comparison.to_json(), "--output")
    click.echo(f"report: {path}")
    raise SystemExit(1 if comparison.differs else 0 if comparison.pairs else NOT_JUDGED)


def _certify_one(run: Run, fuzz: float) -> Certificate:
    from conformance.session import act

    try:
        run.preflight()
        act(run, fuzz)
        certificate = run.finish()
        if run.record:
            from conformance import recorder

            recorder.keep(run, certificate)
        return certificate
    finally:
        run.close()
