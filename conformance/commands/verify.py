"""``conformance verify``."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.commands.common import NOT_JUDGED, WRONG_INVOCATION, fail

_DIFFERS = 1


@click.command()
@click.argument("certificate", type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), metavar="PUBLIC.pem", help="Who must have signed it.")
@click.option(
    "--recording",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Default: cassettes/<provider>/<target>.",
)
@click.option(
    "--history", type=click.Path(path_type=Path), metavar="FILE", help="Default: history/exchanges.jsonl beside it."
)
@click.option("--contracts", default="", metavar="DIR", help="Folder of further providers' contracts.")
def verify(certificate: Path, key: Path | None, recording: Path | None, history: Path | None, contracts: str) -> None:
    """Hold a certificate to the files that it names, and judge its recording again, offline.

    Exit codes: 0 verified, 1 something differs, 2 a file is wrong, 3 the verdicts could not be judged again.
    """
    from conformance.attestation.statement import KeyFileError, load_public_key
    from conformance.attestation.verifying import verify as verified
    from conformance.contract import CatalogueError
    from conformance.order import known_contracts
    from conformance.report.phrases import RESULTS, printable
    from conformance.verdict import Certificate, CertificateError, ContradictionError

    try:
        told = Certificate.read(certificate)
        known = known_contracts(contracts)
        if told.provider not in known:
            fail(f"{certificate}: no contract for provider {told.provider!r}; known: {', '.join(known)}", 2)
        for option, path, there in (
            ("--recording", recording, recording and recording.is_dir()),
            ("--history", history, history and history.is_file()),
        ):
            if path and not there:
                fail(f"{option} {path}: there is no such {'folder' if path is recording else 'file'}", WRONG_INVOCATION)
        if key:
            load_public_key(key)
        done = verified(
            certificate,
            told,
            known[told.provider],
            history=history,
            recording=recording,
            key=key,
        )
    except ContradictionError as error:
        fail(f"differs: {error}", _DIFFERS)
    except (CertificateError, CatalogueError, KeyFileError, OSError) as error:
        fail(error, WRONG_INVOCATION)

    def say(line: str) -> None:
        click.echo(printable(" ".join(line.split())))  # on one line, for a text could pretend to be ours

    say(f"{told.provider_title}, {told.target.name}: {RESULTS[told.result]}, {told.started_at}")
    for label, lines in (("confirmed", done.confirmed), ("remark", done.remarks), ("differs", done.differences)):
        for line in lines:
            say(f"{label}: {line}")
    if done.unjudged:
        say(f"not judged again: {done.unjudged}")
    if done.differences:
        click.echo("not verified: it differs")
        raise SystemExit(_DIFFERS)
    if done.unjudged:
        click.echo("not verified: its verdicts could not be judged again")
        raise SystemExit(NOT_JUDGED)
    click.echo("verified")
