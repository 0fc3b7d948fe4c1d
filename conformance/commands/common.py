"""What commands share: how they fail, write and show."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.evidence.exchange import Exchange
    from conformance.verdict import Certificate

WRONG_INVOCATION, NOT_JUDGED = 2, 3


def fail(message: object, code: int) -> NoReturn:
    from conformance.evidence.exposure import presentable

    # A key given in the wrong place must not be repeated.
    click.echo(f"conformance: {presentable(str(message))}", err=True)
    raise SystemExit(code)


def write(path: Path, text: str, option: str = "--write-target") -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{option} {path}: {error.strerror}", WRONG_INVOCATION)


def write_json(path: Path, document: Any, option: str) -> None:
    import json

    from conformance.evidence.files import write_whole

    try:
        write_whole(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        fail(f"{option} {path}: {error.strerror}", WRONG_INVOCATION)


def show_results(results: Sequence[tuple[Certificate, Mapping[int, Exchange], Path]]) -> None:
    """Prints failures with their curl lines, one table, and where the reports are; GitHub gets the summaries, too."""
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
    _tell_github(results)
    for certificate, _, folder in results:
        found = len(certificate.exploration)
        beyond = f" (exploring found {found} more, in certificate.json)" if found else ""
        console.print(f"report: {folder}{beyond}", soft_wrap=True, highlight=False)


def _tell_github(results: Sequence[tuple[Certificate, Mapping[int, Exchange], Path]]) -> None:
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if not page:
        return
    from conformance.report.step_summary import append_summaries

    try:
        append_summaries(results, Path(page))
    except OSError as error:  # the reports are written, and the verdict stands
        click.echo(f"conformance: GITHUB_STEP_SUMMARY {page}: {error.strerror}", err=True)
