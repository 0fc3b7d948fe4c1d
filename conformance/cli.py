"""The commands. Each imports what it needs when it runs, so that ``--help`` costs nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from conformance import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.contract import Contract
    from conformance.evidence.exchange import Exchange
    from conformance.run import Run
    from conformance.verdict import Certificate

WRONG_INVOCATION, NOT_JUDGED = 2, 3
TRACEBACK = "CONFORMANCE_TRACEBACK"


class _Guarded(click.Group):
    """Commands whose unexpected failures show no secret: a traceback quotes whatever was at hand."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            from conformance.evidence.exposure import presentable

            if os.environ.get(TRACEBACK):
                import traceback

                click.echo(presentable(traceback.format_exc()), err=True)
            _fail(f"the suite failed: {type(error).__name__}: {error} ({TRACEBACK}=1 shows where)", NOT_JUDGED)


@click.group(cls=_Guarded, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="conformance")
def main() -> None:
    """Judge payment-intent APIs by what Stripe, RevKeen, Paypercut and Dots document.

    Exit codes: 0 conformant, 1 not conformant, 2 wrong invocation or settings (nothing was sent), 3 not judged.
    """


def _fail(message: object, code: int) -> NoReturn:
    from conformance.evidence.exposure import presentable

    # A key given in the wrong place must not be repeated.
    click.echo(f"conformance: {presentable(str(message))}", err=True)
    raise SystemExit(code)


@main.command()
@click.option("--provider", "providers", multiple=True, help="The contract; several may be given. Default: all.")
@click.option("--target", default="", help="URL or file. Default: the embedded reference server.")
@click.option("--record", is_flag=True, help="Keep the run in cassettes, without secrets.")
@click.option("--replay", is_flag=True, help="Act on a recorded run; open no connection.")
@click.option("--cassettes", default="cassettes", show_default=True, metavar="DIR", help="Folder of recorded runs.")
@click.option(
    "--oracle", type=click.Path(path_type=Path), metavar="RECORDING", help="Hold the target to a recorded run."
)
@click.option("--api-key", default="", help="A test key: KEY or env:NAME.")
@click.option("--only", multiple=True, metavar="ID", help="Judge only this requirement.")
@click.option("--area", "areas", multiple=True, help="Judge only this area.")
@click.option("--level", "levels", multiple=True, help="Judge only must, should or may.")
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
        _fail("--oracle compares and judges nothing; it goes without --fuzz", WRONG_INVOCATION)
    if fuzz and (given["record"] or given["replay"]):
        _fail("--fuzz draws fresh cases, which no recording can hold; it goes without --record and --replay", 2)
    done: list[tuple[Certificate, Run]] = []
    failures: list[str] = []
    try:
        for run in prepare_runs(Order(**given)):
            try:
                done.append((_certify_one(run, fuzz), run))
            except (PreflightError, SuiteError) as error:
                failures.append(f"{run.contract.title}: {error}")
    except (SettingsError, CatalogueError) as error:
        _fail(error, WRONG_INVOCATION)
    _show([(certificate, run.history.redacted(), run.folder) for certificate, run in done])
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
            _fail(f"--oracle compares and judges nothing; it goes without --{option.rstrip('s')}", WRONG_INVOCATION)
    try:
        recording = load_recording(oracle)
        recorded = recording.exchanges()
        given["providers"] = given["providers"] or (recording.provider,)
        given["output"] = given["output"] or f"reports/{recording.provider}-oracle"
        (run,) = prepare_runs(Order(**given))
        if run.contract.name != recording.provider:
            _fail(f"--provider {run.contract.name}: {oracle} is of {recording.provider}", WRONG_INVOCATION)
    except (RecordingMissing, CassetteError, SettingsError, CatalogueError) as error:
        _fail(error, WRONG_INVOCATION)
    try:
        run.reach()  # no preflight, which would make an intent that the recorded run did not make
        comparison = hold_to(recorded, run.contract, run.client, recording.instruments, name=str(oracle))
    except PreflightError as error:
        _fail(error, NOT_JUDGED)
    finally:
        run.close()
    show(comparison, Console())
    path = run.folder / "comparison.json"
    _write_json(path, comparison.to_json(), "--output")
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


def _show(results: Sequence[tuple[Certificate, Mapping[int, Exchange], Path]]) -> None:
    """Prints failures with their curl lines, one table, and where the reports are."""
    if not results:
        return
    from rich.console import Console

    from conformance.report.table import failures, render

    console = Console()
    for certificate, exchanges, _ in results:
        failures(certificate, console, exchanges)
    console.print(render([certificate for certificate, _, _ in results]))
    for certificate, _, _ in results:
        if certificate.result != "conformant":
            for reason in certificate.reasons:
                console.print(f"{certificate.provider_title}: {reason}", soft_wrap=True, highlight=False, markup=False)
    for certificate, _, folder in results:
        found = len(certificate.exploration)
        beyond = f" (exploring found {found} more, in certificate.json)" if found else ""
        console.print(f"report: {folder}{beyond}", soft_wrap=True, highlight=False)


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--provider", required=True, help="The contract that the recordings are held to.")
@click.option("--strict", is_flag=True, help="SHOULD decides conformance too.")
@click.option("--contracts", default="", metavar="DIR", help="Folder of further providers' contracts.")
@click.option("--redact-name", "names", multiple=True, metavar="NAME", help="Member or header never to be written.")
@click.option("--redact-text", "texts", multiple=True, metavar="TEXT", help="Never to be written: TEXT or env:NAME.")
@click.option("--output", default="", metavar="DIR", help="Where reports go. Default: reports/<provider>-audit/.")
def audit(
    files: tuple[Path, ...],
    provider: str,
    strict: bool,
    contracts: str,
    output: str,
    names: tuple[str, ...],
    texts: tuple[str, ...],
) -> None:
    """Judge recordings that exist: VCR cassettes, HAR, JSON lines, histories; files or folders, gzip too."""
    from conformance.audit import audit_recordings
    from conformance.contract import CatalogueError
    from conformance.evidence.recordings import RecordingError
    from conformance.evidence.redaction import Redactor
    from conformance.order import known_contracts
    from conformance.target.settings import SettingsError, look_up
    from conformance.verdict import exit_code

    folder = Path(output or f"reports/{provider}-audit")
    try:
        known = known_contracts(contracts)
        if provider not in known:
            _fail(f"--provider {provider}: no such contract; known: {', '.join(known)}", WRONG_INVOCATION)
        redactor = Redactor({}, names=names, texts=[look_up(text, "--redact-text") for text in texts])
        done = audit_recordings(known[provider], files, folder, strict=strict, redactor=redactor)
    except (CatalogueError, RecordingError, SettingsError) as error:
        _fail(error, WRONG_INVOCATION)
    _show([(done.certificate, done.exchanges, folder)])
    for line in done.coverage.lines():
        click.echo(line)
    code = exit_code(done.certificate)
    if strict and done.coverage.secrets:
        # They say nothing of the server; whoever asks for strictness is not to publish them, though.
        click.echo("conformance: secrets are left in the recording, which --strict does not let pass", err=True)
        code = code or 1
    raise SystemExit(code)


@main.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--contracts", default="", metavar="DIR", help="Folder of further providers' contracts.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write all that differs as JSON.")
def compare(a: Path, b: Path, contracts: str, output: Path | None) -> None:
    """Say what differs between two runs: certificates, output folders of runs, or folders of recordings.

    Exit codes: 0 nothing differs, 1 something does, 2 a file is wrong.
    """
    from rich.console import Console

    from conformance.comparison.compare import compare_sources
    from conformance.comparison.show import show
    from conformance.comparison.sources import SourceError, read_source
    from conformance.contract import CatalogueError
    from conformance.order import known_contracts
    from conformance.recorder import judge_recording
    from conformance.run import PreflightError, SuiteError

    def judged(folder: Path, provider: str) -> Certificate:
        if provider not in known:
            raise SourceError(f"{folder}: no contract for provider {provider!r}; known: {', '.join(known)}")
        try:
            return judge_recording(folder, known[provider])
        except (PreflightError, SuiteError) as error:
            raise SourceError(f"{folder} cannot be replayed: {error}") from error

    try:
        known = known_contracts(contracts)
        one, other = (read_source(path, judged) for path in (a, b))
        if one.provider != other.provider:
            _fail(f"{a} is of {one.provider}, {b} of {other.provider}; two providers are not compared", 2)
        if one.provider not in known:
            _fail(f"{a}: no contract for provider {one.provider!r}; known: {', '.join(known)}", WRONG_INVOCATION)
        comparison = compare_sources(known[one.provider], one, other)
    except (SourceError, CatalogueError) as error:
        _fail(error, WRONG_INVOCATION)
    show(comparison, Console())
    if output:
        _write_json(output, comparison.to_json(), "--output")
    raise SystemExit(1 if comparison.differs else 0)


@main.command()
@click.option("--provider", "providers", multiple=True, help="Several may be given. Default: all with a dialect.")
@click.option("--target", default="", help="URL or file. Default: the embedded reference server.")
@click.option("--api-key", default="", help="A test key: KEY or env:NAME.")
@click.option("--seed", type=int, help="What idempotency keys derive from. Default: new.")
@click.option("--contracts", default="", metavar="DIR", help="Folder of further providers' contracts.")
@click.option("--output", default="", metavar="DIR", help="Where dialect.json goes. Default: reports/dialect/.")
def dialect(**given: Any) -> None:
    """Measure how a target treats idempotency keys, beside what is documented.

    Exit codes: 0 nothing documented differs, 1 something does, 2 wrong invocation,
    3 not measured.
    """
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
    except (SettingsError, CatalogueError) as error:
        _fail(error, WRONG_INVOCATION)
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
    _write_json(path, about | to_json(rows, name, measured.requests), "--output")
    click.echo(f"report: {path}")
    if not measured.measured:
        return NOT_JUDGED
    return 1 if any(row.result == "differs" for row in rows) else 0


@main.command()
@click.option("--provider", default="", help="Which contract to speak.")
@click.option("--port", default=0, show_default=True, help="On 127.0.0.1; 0 is a free one.")
@click.option("--write-target", type=click.Path(path_type=Path), help="Write a target file that reaches the server.")
@click.option("--fault", default="", metavar="NAME", help="Be wrong in one way; --list-faults names them.")
@click.option("--list-faults", is_flag=True, help="List the faults and the requirements that each breaks, and exit.")
def serve(provider: str, port: int, write_target: Path | None, fault: str, list_faults: bool) -> None:
    """Run the reference server on loopback until interrupted."""
    from conformance.reference import policies_of, provider_names, serve, target_settings

    if not provider and not list_faults:
        raise click.UsageError("Missing option '--provider'.")
    if provider and provider not in provider_names():
        _fail(f"--provider {provider}: the reference server speaks {', '.join(provider_names())}", WRONG_INVOCATION)
    if list_faults:
        _list_faults([provider] if provider else provider_names())
        return
    try:
        policies = policies_of(provider, fault)
    except ValueError as error:
        _fail(f"--fault {fault}: {error}; --list-faults names them all", WRONG_INVOCATION)
    try:
        with serve(provider, port=port, policies=policies) as url:
            if write_target:
                _write(write_target, _target_file(provider, url, target_settings(provider)))
            but = f", which {fault.replace('_', ' ')}" if fault else ""
            click.echo(f"{provider} reference server{but}: {url}")
            sys.stdout.flush()
            import threading

            threading.Event().wait()
    except OSError as error:
        _fail(f"--port {port}: {error}", WRONG_INVOCATION)
    except KeyboardInterrupt:
        click.echo("stopped")


def _list_faults(providers: Sequence[str]) -> None:
    from conformance.reference.faults import faults_of

    for provider in providers:
        for name, fault in faults_of(provider).items():
            click.echo(f"{provider:<10} {name:<52} {' '.join(sorted(fault.breaks))}")


def _write(path: Path, text: str, option: str = "--write-target") -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        _fail(f"{option} {path}: {error.strerror}", WRONG_INVOCATION)


def _write_json(path: Path, document: Any, option: str) -> None:
    import json

    _write(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n", option)


def _target_file(provider: str, url: str, settings: dict[str, Any]) -> str:
    import json

    lines = ["[target]", f'name = "{provider}-reference"', f'provider = "{provider}"', f'base_url = "{url}"']
    lines += [f"api_key = {json.dumps(settings['api_key'])}", "", "[instruments]"]
    lines += [f"{name} = {json.dumps(value)}" for name, value in settings["instruments"].items()]
    return "\n".join(lines) + "\n"


@main.command()
@click.argument("identifier", metavar="[ID]", default="")
@click.option("--provider", default="", help="Only this provider's rows.")
@click.option("--level", type=click.Choice(["must", "should", "may"], case_sensitive=False), help="Only this level's.")
@click.option("--area", default="", help="Only this area's rows.")
@click.option("--format", "form", default="table", show_default=True, type=click.Choice(["table", "json", "markdown"]))
@click.option("--lock", is_flag=True, help="Write schemas/requirements.lock anew, to be reviewed as a diff.")
@click.option("--matrix", is_flag=True, help="Show what is documented of every operation from every status.")
def requirements(
    identifier: str, provider: str, level: str | None, area: str, form: str, lock: bool, matrix: bool
) -> None:
    """Count the catalogue, list it (json, markdown), explain one row, or show the documented transition matrix."""
    from conformance.catalogue import as_json, as_markdown, explain, overview, select
    from conformance.contract import CatalogueError, load_contract, provider_names

    try:
        contracts = [load_contract(name) for name in ([provider] if provider else provider_names())]
        if lock:
            if identifier or provider or level or area or matrix or form != "table":
                _fail("--lock holds the whole catalogue and goes alone", WRONG_INVOCATION)
            _write_lock(contracts)
            return
        if matrix:
            if identifier or level or area:
                _fail("--matrix shows transitions, not rows; only --provider and --format go with it", WRONG_INVOCATION)
            _show_matrix(contracts, form)
            return
        contracts = select(contracts, identifier, level or "", area)
    except CatalogueError as error:
        _fail(error, WRONG_INVOCATION)
    if form != "table":
        click.echo(as_json(contracts) if form == "json" else as_markdown(contracts), nl=False)
        return
    from rich.console import Console

    shown = explain(contracts[0], contracts[0].requirements[identifier]) if identifier else overview(contracts)
    Console().print(shown)


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


@main.command()
@click.option("--provider", "providers", multiple=True, help="Default: all.")
@click.option("--contracts", type=click.Path(path_type=Path), help="A folder of further providers' contracts.")
def freeze(providers: tuple[str, ...], contracts: Path | None) -> None:
    """Generate exam and walks of a contract anew (exam.jsonl, walks.json), to be reviewed as a diff."""
    from conformance.contract import CatalogueError
    from conformance.contract.loading import load_contracts
    from conformance.scenarios import exam, generation, walk, walk_machine

    try:
        known = load_contracts(contracts)
    except CatalogueError as error:
        _fail(error, WRONG_INVOCATION)
    for name in providers or known:
        if name not in known:
            _fail(f"no contract for provider {name!r}; known providers: {', '.join(known)}", WRONG_INVOCATION)
        contract = known[name]
        walks = walk_machine.freeze_walks(contract)
        (contract.folder / walk.FILE_NAME).write_text(walk.write_walks(walks), encoding="utf-8")
        text = generation.freeze(contract.folder)
        (contract.folder / exam.FILE_NAME).write_text(text, encoding="utf-8")
        click.echo(f"{contract.folder}: {len(text.splitlines()) - 1} cases, {len(walks)} walks")
