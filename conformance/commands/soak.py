"""``conformance soak``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from conformance.commands import completion
from conformance.commands.common import NOT_JUDGED, WRONG_INVOCATION, fail, show_results

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.contract import Contract
    from conformance.order import Order
    from conformance.soak.judging import Soak
    from conformance.soak.leading import Load

MOST_USERS, MOST_WORKERS, LONGEST = 5_000, 64, 7 * 86_400.0


@click.command()
@click.option(
    "--provider", default="", shell_complete=completion.providers, help="The contract, where --target is a URL."
)
@click.option("--target", default="", help="URL or target file.")
@click.option("--api-key", default="", help="A test key: KEY or env:NAME.")
@click.option("--i-own-this-server", "own_server", is_flag=True, help="The host is yours; no real money moves there.")
@click.option("--users", default=10, show_default=True, help="So many act at once, over all workers.")
@click.option("--duration", default=60.0, show_default=True, metavar="SECONDS", help="For so long.")
@click.option("--stories", default=0, metavar="N", help="Each user ends after N stories. Default: none does.")
@click.option("--workers", default=1, show_default=True, help="Processes on this machine.")
@click.option("--remote", default=0, metavar="N", help="Wait for N workers of other machines, too.")
@click.option("--listen", default="", metavar="HOST:PORT", help="Where they find this master.")
@click.option("--join", default="", metavar="HOST:PORT", help="Be a worker of the master there.")
@click.option("--judge", multiple=True, metavar="DIR", help="Judge what was acted: the master's folder, then workers'.")
@click.option("--seed", type=int, help="What keys and stories derive from. Default: new.")
@click.option("--no-cleanup", "no_cleanup", is_flag=True, help="Leave what the soak has created as it is.")
@click.option("--strict", is_flag=True, help="SHOULD decides conformance too.")
@click.option("--contracts", default="", metavar="DIR", help="Folder of further providers' contracts.")
@click.option("--output", default="", metavar="DIR", help="Default: reports/<provider>-<target>-soak/.")
def soak(**given: Any) -> None:
    """Let many users act at once, and judge what they have seen."""
    from conformance.contract import CatalogueError
    from conformance.run import PreflightError, SuiteError
    from conformance.soak.judging import SoakError
    from conformance.target.settings import SettingsError

    try:
        if given["judge"]:
            _judge_again(given)
        if not given["target"]:
            fail(
                "--target is missing: a URL or a target file; `conformance serve --write-target FILE` makes one",
                WRONG_INVOCATION,
            )
        if given["join"]:
            _join(given)
        _soak(given)
    except (SettingsError, CatalogueError, SoakError) as error:
        fail(error, WRONG_INVOCATION)
    except (PreflightError, SuiteError) as error:
        fail(f"not judged: {error}", NOT_JUDGED)


def _soak(given: dict[str, Any]) -> NoReturn:
    """Acts, judges and cleans up; ends with the exit code."""
    from conformance.soak.acting import act, clean_up, prepared
    from conformance.soak.judging import folders_of

    load, order = _load(given), _order(given)
    run = prepared(order, _folder(order))
    try:
        with _shown(load) as show:
            acted = act(
                run,
                load,
                order,
                show,
                lambda host, port: click.echo(f"waiting for {load.remote} workers: --join {host}:{port}", err=True),
            )
        if load.remote:
            click.echo(
                f"not judged yet: bring the folders of the {load.remote} other workers here, and "
                f"conformance soak --judge {run.folder} --judge DIR …"
            )
            code = NOT_JUDGED
        else:
            code = _judged(acted, run.contract, folders_of(acted, run.folder), run.folder)
    finally:
        for line in clean_up(run, load.workers):
            click.echo(line)
    raise SystemExit(code)


def _judged(acted: Soak, contract: Contract, workers: list[Path], folder: Path) -> int:
    """Judges and tells; the exit code."""
    from conformance.evidence.exposure import presentable
    from conformance.soak.judging import judge_soak
    from conformance.verdict import exit_code

    done = judge_soak(acted, contract, workers, folder)
    show_results([(done.certificate, done.exchanges, folder)])
    led = acted.led
    click.echo(
        f"soak: {acted.users} users in {acted.common.of} workers for {led.seconds:.0f} s: {done.requests} requests, "
        f"{acted.requests_per_second:.0f} a second"
    )
    for name, one in led.operations.items():
        lost = f", {one.unanswered} without an answer" if one.unanswered else ""
        click.echo(f"  {name:<24} {one.requests:>8}  median {one.median:.0f} ms, 99 % {one.slowest:.0f} ms{lost}")
    for slower in done.slower:
        click.echo(f"slower: {slower.line}")
    trouble = [
        *led.trouble,
        *done.missing,
        *(["interrupted; what was seen by then is judged"] if led.interrupted else []),
    ]
    for line in trouble:
        click.echo(f"conformance: {presentable(line)}", err=True)
    return exit_code(done.certificate) or (NOT_JUDGED if trouble else 0)


def _judge_again(given: dict[str, Any]) -> NoReturn:
    """Judges what was acted before: ``soak --judge``."""
    from conformance.order import known_contracts
    from conformance.soak.judging import SoakError, folders_of, read_soak

    for option in ("target", "join", "listen", "remote", "stories"):
        if given[option]:
            fail(f"--judge sends nothing; it goes without --{option}", WRONG_INVOCATION)
    folder, *others = (Path(one) for one in given["judge"])
    acted, contracts = read_soak(folder), known_contracts(given["contracts"])
    if acted.common.provider not in contracts:
        raise SoakError(f"{folder}: there is no contract {acted.common.provider} (--contracts DIR names a folder)")
    contract = contracts[acted.common.provider]
    output = Path(given["output"] or folder)
    raise SystemExit(_judged(acted, contract, folders_of(acted, folder, others), output))


def _join(given: dict[str, Any]) -> NoReturn:
    """Is a worker of a master elsewhere, until that says that it is over: ``soak --join``."""
    from conformance.soak.leading import joined

    order = _order(given)
    folder = _folder(order)
    host, port = _address(given["join"], "--join")
    trouble = joined(order, folder, host, port)
    if trouble:
        fail(f"not judged: {trouble}", NOT_JUDGED)
    click.echo(f"acted; bring {folder} to the master, whose conformance soak --judge takes it")
    raise SystemExit(0)


def _load(given: dict[str, Any]) -> Load:
    """How much is asked for. Ends with 2 where that is no sound number."""
    from conformance.soak.leading import LOOPBACK, Load

    for option, least, most in (
        ("users", 1, MOST_USERS),
        ("workers", 0, MOST_WORKERS),
        ("remote", 0, 1_000),
        ("stories", 0, 1_000_000_000),
        ("duration", 0.1, LONGEST),
    ):
        if not least <= given[option] <= most:
            fail(f"--{option} {given[option]:g}: {least:g} to {most:g}", WRONG_INVOCATION)
    if not given["workers"] + given["remote"]:
        fail("--workers 0 needs --remote N", WRONG_INVOCATION)
    if given["listen"] and not given["remote"]:
        fail("--listen is for workers of other machines; it goes with --remote N", WRONG_INVOCATION)
    listen = _address(given["listen"], "--listen") if given["listen"] else (LOOPBACK, 0)
    return Load(
        users=given["users"],
        duration=given["duration"],
        workers=given["workers"],
        remote=given["remote"],
        stories=given["stories"],
        listen=listen,
    )


def _address(text: str, option: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65_535:
        fail(f"{option} {text}: HOST:PORT is wanted", WRONG_INVOCATION)
    return host.strip("[]"), int(port)


def _order(given: dict[str, Any]) -> Order:
    from conformance.order import Order

    return Order(
        providers=(given["provider"],) if given["provider"] else (),
        target=given["target"],
        api_key=given["api_key"],
        own_server=given["own_server"],
        seed=given["seed"],
        strict=given["strict"],
        no_cleanup=given["no_cleanup"],
        contracts=given["contracts"],
        output=given["output"],
    )


def _folder(order: Order) -> Path:
    """Where the soak leaves what it has. Raises ``SettingsError`` where the settings are wrong."""
    from conformance.order import folder_name, target_of

    _, target = target_of(order)
    return Path(order.output or f"reports/{folder_name(target)}-soak")


@contextmanager
def _shown(load: Load) -> Iterator[Callable[[int, float], None]]:
    """A progress display, told of the requests so far and the seconds."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"{load.users} users", total=load.duration)

        def show(requests: int, seconds: float) -> None:
            progress.update(task, completed=min(seconds, load.duration), description=f"{requests} requests")

        yield show
