"""``conformance compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.commands.common import WRONG_INVOCATION, fail, write_json

if TYPE_CHECKING:
    from conformance.verdict import Certificate


@click.command()
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
            fail(f"{a} is of {one.provider}, {b} of {other.provider}; two providers are not compared", 2)
        if one.provider not in known:
            fail(f"{a}: no contract for provider {one.provider!r}; known: {', '.join(known)}", WRONG_INVOCATION)
        comparison = compare_sources(known[one.provider], one, other)
    except (SourceError, CatalogueError) as error:
        fail(error, WRONG_INVOCATION)
    show(comparison, Console())
    if output:
        write_json(output, comparison.to_json(), "--output")
    raise SystemExit(1 if comparison.differs else 0)
