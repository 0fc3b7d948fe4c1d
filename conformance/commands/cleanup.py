"""``conformance cleanup``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from conformance.commands import completion
from conformance.commands.common import NOT_JUDGED, WRONG_INVOCATION, fail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.cleanup import Cleaned
    from conformance.contract import Contract
    from conformance.target.settings import Target


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...", type=click.Path(path_type=Path))
@click.option("--target", default="", help="URL or file. Default: the address that the journal names.")
@click.option("--provider", default="", shell_complete=completion.providers, help="Default: the journal's.")
@click.option("--api-key", default="", help="The test key of the run: KEY or env:NAME.")
@click.option("--i-own-this-server", "own_server", is_flag=True, help="The host is yours; no real money moves there.")
@click.option(
    "--alone",
    is_flag=True,
    help="Nobody else uses the account: an intent like a create that was never answered is its.",
)
@click.option("--contracts", default="", metavar="DIR", help="Folder of further providers' contracts.")
def cleanup(runs: tuple[Path, ...], alone: bool, **given: Any) -> None:
    """Cancel what runs that were cut short have left at their target.

    RUN is a run's folder, or one of several. Default: reports/.

    Exit codes: 0 nothing capturable remains, 1 something does, 2 wrong invocation,
    3 target unreachable.
    """
    from conformance.contract import CatalogueError
    from conformance.order import Order, target_of
    from conformance.target.journal import JournalError, read_head
    from conformance.target.settings import SettingsError

    try:
        heads = {path: read_head(path) for path in _journals(runs or (Path("reports"),))}
        if not heads:
            click.echo("clean-up: no run has left a journal of intents there")
            return
        named = _named(heads, given)
        order = {"api_key": given["api_key"], "own_server": given["own_server"], "contracts": given["contracts"]}
        contract, target = target_of(Order(**order | named))
        done = _clean(heads, contract, target, alone)
    except (SettingsError, CatalogueError, JournalError) as error:
        fail(error, WRONG_INVOCATION)
    if any(one.unreachable for one in done):
        fail(f"{target.base_url} gives no answer; check that it runs, and clean up again", NOT_JUDGED)
    raise SystemExit(1 if any(one.remains for one in done) else 0)


def _journals(runs: Sequence[Path]) -> list[Path]:
    from conformance.target.journal import journals
    from conformance.target.settings import SettingsError

    for run in runs:
        if not run.exists():
            raise SettingsError(f"there is no {run}")
    return list(dict.fromkeys(path for run in runs for path in journals(run)))


def _named(heads: Mapping[Path, Mapping[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """Target and provider of the order, by what was given or else by the journals. Raises ``SettingsError``."""
    from conformance.target.settings import SettingsError

    if given["target"].endswith(".toml") or (given["target"] and "://" not in given["target"]):
        return {"target": given["target"], "providers": (given["provider"],) if given["provider"] else ()}
    addresses = {(str(head.get("provider")), str(head.get("base_url"))) for head in heads.values()}
    if not given["api_key"]:
        raise SettingsError("the key is kept nowhere; give it with --api-key env:NAME, or with --target FILE")
    if len(addresses) > 1:
        told = ", ".join(sorted(address for _, address in addresses))
        raise SettingsError(f"these runs are of several targets ({told}); a key is for one: name its runs")
    ((provider, address),) = addresses
    return {"providers": (given["provider"] or provider,), "target": given["target"] or address}


def _clean(
    heads: Mapping[Path, Mapping[str, Any]], contract: Contract, target: Target, alone: bool
) -> Sequence[Cleaned]:
    """Cleans up by each journal, and tells of it. Raises ``SettingsError`` where one is of another target."""
    from conformance.cleanup import clean, client_for
    from conformance.evidence.redaction import Redactor
    from conformance.target.journal import resumed
    from conformance.target.settings import SettingsError

    redactor = Redactor(target.secrets(), names=target.redact_names, texts=target.redact_texts)
    address = redactor.url(target.base_url)
    for path, head in heads.items():
        if head.get("provider") != contract.name or _origin(str(head.get("base_url"))) != _origin(address):
            raise SettingsError(
                f"{path} is of {head.get('provider')} at {head.get('base_url')}, not of {contract.name} at {address}; "
                "nothing was sent"
            )
    done: list[Cleaned] = []
    for path in heads:
        journal, client = resumed(contract, redactor, path), client_for(contract, target, redactor)
        try:
            done.append(clean(journal, client, alone=alone))
        finally:
            client.close()
            journal.close()
        where = f" ({path.parent.parent})" if len(heads) > 1 else ""
        lines = done[-1].lines(redactor) or ["clean-up: it created nothing"]
        click.echo("\n".join([lines[0] + where, *lines[1:]]))
    return done


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
