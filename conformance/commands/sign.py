"""``conformance sign``."""

from __future__ import annotations

from pathlib import Path

import click

from conformance.commands.common import WRONG_INVOCATION, fail, write


@click.command()
@click.argument("certificate", type=click.Path(path_type=Path))
@click.option(
    "--key", required=True, type=click.Path(path_type=Path), metavar="PRIVATE.pem", help="An Ed25519 private key."
)
@click.option("--url", default="", help="Where the run can be looked at, to be told in the statement.")
def sign(certificate: Path, key: Path, url: str) -> None:
    """Sign a certificate, for others to check with verify --key.

    Writes an in-toto test result in a DSSE envelope beside it: certificate.intoto.jsonl, in place of an earlier one.
    Exit codes: 0 signed, 2 a file or the key is wrong.
    """
    from conformance.attestation.statement import KeyFileError, envelope_of
    from conformance.attestation.statement import sign as signed
    from conformance.attestation.statement import statement as stated
    from conformance.verdict import Certificate, CertificateError

    if url and not url.startswith(("https://", "http://")):
        fail(f"--url {url}: an address begins with https:// or http://", WRONG_INVOCATION)
    try:
        told = Certificate.read(certificate)
        statement = stated(told, certificate.name, certificate.read_bytes(), url)
        envelope = signed(statement, key)
    except (CertificateError, KeyFileError, OSError) as error:
        fail(error, WRONG_INVOCATION)
    path = envelope_of(certificate)
    write(path, envelope.decode(), "CERTIFICATE")
    click.echo(f"{statement['predicate']['result']}, signed: {path}")
