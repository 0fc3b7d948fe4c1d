"""Runs every fault of the reference server past every tool, and publishes what is found.

``python -m tests.benchmarks.detection --help`` tells the options.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from conformance.contract import load_contract
from conformance.reference import provider_names
from conformance.reference.faults import faults_of
from tests.test_localstripe import DIFFERENCES

from .figures import document
from .jobs import Job, Journal, Plan, StaleError, run_all
from .page import page
from .registry import OURS, TOOLS
from .tools import DidNotRun


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--provider", "providers", multiple=True, type=click.Choice(provider_names()), help="Default: all.")
@click.option("--tool", "tools", multiple=True, type=click.Choice(list(TOOLS)), help="Default: all.")
@click.option("--every", default=1, type=click.IntRange(1), help="Try each so-manieth fault only.")
@click.option("--seconds", default=300.0, type=click.FloatRange(1), help="Time that a run of another tool may take.")
@click.option("--times", default=10.0, help="Requests that it may send, as a multiple of our own run's.")
@click.option("--processes", default=os.cpu_count() or 1, type=click.IntRange(1), help="Jobs at a time.")
@click.option("--resume", type=click.Path(path_type=Path), help="File that remembers jobs done: made, or gone on from.")
@click.option("--note", default="", help="A sentence for the page on the circumstances.")
@click.option("--output", default="reports", type=click.Path(path_type=Path), help="Folder of the two reports.")
def main(
    providers: tuple[str, ...],
    tools: tuple[str, ...],
    every: int,
    seconds: float,
    times: float,
    processes: int,
    resume: Path | None,
    note: str,
    output: Path,
) -> None:
    """Measure what this suite and other tools find of the faulty servers; write detection.json and detection.md."""
    plan = Plan(providers or provider_names(), tools or tuple(TOOLS), every, seconds, times)
    try:
        versions = {tool: TOOLS[tool]().version() for tool in {OURS: None, **dict.fromkeys(plan.tools)}}
    except DidNotRun as error:
        raise click.ClickException(str(error)) from error
    output.mkdir(parents=True, exist_ok=True)
    try:
        journal = Journal(resume or output / "detection.jsonl.part", {**plan.settings(), "versions": versions})
    except StaleError as error:
        raise click.ClickException(f"{error}; remove it, or name another one with --resume") from error
    work(plan, processes, journal)
    rows = list(journal.rows.values())
    written = document(
        {
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "versions": versions,
            "commands": {tool: TOOLS[tool].command for tool in plan.tools},
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "processes": processes,
            "note": note,
            "plan": plan.settings(),
            "requests": plan.requests(rows),
            "again": shlex.join(["python", "-m", "tests.benchmarks.detection", *_again(sys.argv[1:])]),
            "providers": list(plan.providers),
            "tools": list(plan.tools),
        },
        rows,
        {name: {fault.name: sorted(fault.breaks) for fault in faults_of(name).values()} for name in plan.providers},
        levels(plan.providers),
        DIFFERENCES,
    )
    (output / "detection.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (output / "detection.md").write_text(page(written), encoding="utf-8")
    if not resume:
        journal.path.unlink()
    click.echo(f"report: {output / 'detection.md'}")


def work(plan: Plan, processes: int, journal: Journal) -> None:
    """Does all jobs of a plan that the journal does not hold, with a progress display."""
    columns = TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:

        def do(what: str, jobs: list[Job]) -> None:
            todo = journal.open_jobs(jobs)
            task = progress.add_task(what, total=len(jobs), completed=len(jobs) - len(todo))
            for row in run_all(todo, processes, journal):
                progress.advance(task)
                if "did_not_run" in row:
                    progress.console.print(f"did not run: {row['key']}: {row['did_not_run']}", markup=False)

        do("ours, without a fault", plan.first_jobs())
        do("other tools, without a fault", plan.clean_jobs(journal.rows.values()))
        do("faults", plan.fault_jobs(journal.rows.values()))


def levels(providers: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Level and area of every row of these providers."""
    rows = [row for name in providers for row in load_contract(name).requirements.values()]
    return {row.id: (row.level, row.area) for row in rows}


def _again(arguments: list[str]) -> list[str]:
    """The arguments without those that only say where files are."""
    kept: list[Any] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument.partition("=")[0] in ("--resume", "--output", "--note"):
            skip = "=" not in argument
        else:
            kept.append(argument)
    return kept


if __name__ == "__main__":
    main()
