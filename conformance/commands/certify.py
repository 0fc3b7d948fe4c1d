"""``conformance certify``."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from conformance.commands import completion
from conformance.commands.common import NOT_JUDGED, WRONG_INVOCATION, fail, show_results, write_json

if TYPE_CHECKING:
    from conformance.order import Order
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
@click.option("--i-own-this-server", "own_server", is_flag=True, help="The host is yours; no real money moves there.")
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
@click.option("-n", "processes", default="1", metavar="N|auto", help="Act in N processes; the verdicts are the same.")
@click.option("--shard", default="", metavar="I/N", help="Act the I-th of N parts, for `conformance merge`.")
@click.option("--no-cleanup", "no_cleanup", is_flag=True, help="Leave what the run has created as it is.")
@click.option("--plan", "plans", is_flag=True, help="Say how many requests and how long, and send nothing.")
@click.option("--budget", type=int, metavar="N", help="Send at most N requests, the most telling first.")
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

    processes = _processes(given)
    plans, fuzz, oracle = given.pop("plans"), given.pop("fuzz"), given.pop("oracle")
    if oracle:
        _hold_to(oracle, given)
    if plans:
        _show_plans(given)
    order = Order(**given)
    if order.shard:
        _act_part(order)
    done: list[tuple[Certificate, Run]] = []
    failures: list[str] = []
    told: list[str] = []  # of the clean-up
    try:
        for run in prepare_runs(order):
            _announce(run)
            try:
                if processes > 1:
                    from conformance.parts.processes import certify_in_processes

                    done.append(certify_in_processes(run, order, processes, told))
                else:
                    done.append((_certify_one(run, fuzz, told), run))
                if run.client.stopped:
                    failures.append(f"{run.contract.title}: {run.client.stopped}")
            except (PreflightError, SuiteError) as error:
                failures.append(f"{run.contract.title}: {error}")
            if run.interrupted:
                break
    except (SettingsError, CatalogueError) as error:
        fail(error, WRONG_INVOCATION)
    show_results([(certificate, run.history.redacted(), run.folder) for certificate, run in done])
    told += [f"{run.contract.title}: {line}" for _, run in done if (line := _left_out(run))]
    for line in told:
        click.echo(line)
    for failure in failures:
        click.echo(f"conformance: not judged: {presentable(failure)}", err=True)
    codes = [exit_code(certificate) for certificate, _ in done] + [NOT_JUDGED] * len(failures)
    # Not conformant outranks what could not be judged, and both outrank conformant.
    raise SystemExit(1 if 1 in codes else max(codes, default=NOT_JUDGED))


def _show_plans(given: dict[str, Any]) -> NoReturn:
    """What the runs would take: ``certify --plan``. Nothing is sent, and nothing left behind."""
    from tempfile import TemporaryDirectory

    from conformance.contract import CatalogueError
    from conformance.order import Order, prepare_runs
    from conformance.plan import plan
    from conformance.target.settings import SettingsError

    try:
        with TemporaryDirectory() as folder:
            for run in prepare_runs(Order(**{**given, "output": folder})):
                try:
                    click.echo("\n".join(plan(run).lines))
                finally:
                    run.close()
    except (SettingsError, CatalogueError) as error:
        fail(error, WRONG_INVOCATION)
    raise SystemExit(0)


def _announce(run: Run) -> None:
    """Says on a terminal what a run will take that somebody has to wait for, because its pace is limited."""
    import sys

    from conformance.plan import plan
    from conformance.target.settings import SettingsError

    if run.mode != "live" or not run.target.requests_per_second or not sys.stderr.isatty():
        return
    with suppress(SettingsError):  # of a contract that the reference server does not speak
        click.echo(plan(run).line, err=True)


def _left_out(run: Run) -> str:
    """What a budget has left out, by area; empty where there is none."""
    if not run.budget:
        return ""
    areas = Counter(run.contract.requirements[name].area for name in run.budget.left_out)
    counts = ", ".join(f"{area} {count}" for area, count in areas.items())
    sent = f"{run.client.allowance.sent} of at most {run.budget.requests} requests sent"
    return f"{sent}; {areas.total()} requirements left out{f' ({counts})' if counts else ''}"


def _hold_to(oracle: Path, given: dict[str, Any]) -> NoReturn:
    """Sends what was recorded of one target to another, and tells what differs: ``certify --oracle``."""
    from rich.console import Console

    from conformance.cleanup import clean_after
    from conformance.comparison.oracle import hold_to
    from conformance.comparison.show import show
    from conformance.contract import CatalogueError
    from conformance.evidence.cassettes import CassetteError
    from conformance.order import Order, prepare_runs
    from conformance.run import PreflightError
    from conformance.target.recording import RecordingMissing, load_recording
    from conformance.target.settings import SettingsError

    try:
        recording = load_recording(oracle)
        recorded = [one for one in recording.exchanges() if not one.put_off]
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
        told = clean_after(run)
    show(comparison, Console())
    path = run.folder / "comparison.json"
    write_json(path, comparison.to_json(), "--output")
    click.echo(f"report: {path}")
    for line in told:
        click.echo(line)
    raise SystemExit(1 if comparison.differs else 0 if comparison.pairs else NOT_JUDGED)


def _processes(given: dict[str, Any]) -> int:
    """How many processes are to act, once no two options exclude each other; takes ``processes`` out of ``given``."""
    from conformance.order import refuse_exclusions
    from conformance.target.settings import SettingsError

    text = given.pop("processes")
    try:
        refuse_exclusions({**given, "processes": text != "1"})
        if text == "1":
            return 1
        from conformance.parts.processes import count_of

        return count_of(text)
    except SettingsError as error:
        fail(error, WRONG_INVOCATION)


def _act_part(order: Order) -> NoReturn:
    """Acts a part of each run, and judges nothing: ``certify --shard``."""
    from conformance.contract import CatalogueError
    from conformance.evidence.exposure import presentable
    from conformance.order import prepare_runs
    from conformance.parts.part import act_part
    from conformance.run import PreflightError, SuiteError
    from conformance.target.settings import SettingsError

    failures: list[str] = []
    told: list[str] = []  # of the clean-up
    try:
        for run in prepare_runs(order):
            try:
                part = act_part(run, told)
            except (PreflightError, SuiteError) as error:
                failures.append(f"{run.contract.title}: {error}")
                continue
            click.echo(
                f"{run.contract.title}: part {part.number} of {part.common.of}: not judged yet; "
                f"conformance merge {part.folder} and those of the other parts"
            )
            if stopped := "interrupted" if part.interrupted else part.stopped:
                failures.append(f"{run.contract.title}: {stopped}")
            if part.interrupted:
                break
    except (SettingsError, CatalogueError) as error:
        fail(error, WRONG_INVOCATION)
    for line in told:
        click.echo(line)
    for failure in failures:
        click.echo(f"conformance: not all of the part was acted: {presentable(failure)}", err=True)
    raise SystemExit(NOT_JUDGED if failures else 0)


def _certify_one(run: Run, fuzz: float, told: list[str]) -> Certificate:
    """Acts, judges, and cleans up; ``told`` receives what is said of that."""
    from conformance.cleanup import clean_after
    from conformance.session import act, stoppable
    from conformance.target.stopping import Interrupted

    with stoppable(run):
        try:
            try:
                run.preflight()
                act(run, fuzz)
            except Interrupted:
                run.interrupted = True
            certificate = run.finish()
            if run.record and not run.interrupted:
                from conformance import recorder

                recorder.keep(run, certificate)
            return certificate
        finally:
            run.close()
            told += clean_after(run)
