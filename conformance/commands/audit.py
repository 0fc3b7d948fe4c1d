"""``conformance audit``."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.commands import completion
from conformance.commands.common import WRONG_INVOCATION, fail, show_results


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--provider",
    required=True,
    shell_complete=completion.providers,
    help="The contract that the recordings are held to.",
)
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
            fail(f"--provider {provider}: no such contract; known: {', '.join(known)}", WRONG_INVOCATION)
        redactor = Redactor({}, names=names, texts=[look_up(text, "--redact-text") for text in texts])
        done = audit_recordings(known[provider], files, folder, strict=strict, redactor=redactor)
    except (CatalogueError, RecordingError, SettingsError) as error:
        fail(error, WRONG_INVOCATION)
    show_results([(done.certificate, done.exchanges, folder)])
    for line in done.coverage.lines():
        click.echo(line)
    code = exit_code(done.certificate)
    if strict and done.coverage.secrets:
        # They say nothing of the server; whoever asks for strictness is not to publish them, though.
        click.echo("conformance: secrets are left in the recording, which --strict does not let pass", err=True)
        code = code or 1
    raise SystemExit(code)
