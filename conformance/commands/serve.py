"""``conformance serve``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.commands import completion
from conformance.commands.common import WRONG_INVOCATION, fail, write

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command()
@click.option("--provider", default="", shell_complete=completion.providers, help="Which contract to speak.")
@click.option("--port", default=0, show_default=True, help="On 127.0.0.1; 0 is a free one.")
@click.option("--write-target", type=click.Path(path_type=Path), help="Write a target file that reaches the server.")
@click.option(
    "--fault",
    default="",
    metavar="NAME",
    shell_complete=completion.faults,
    help="Be wrong in one way; --list-faults names them.",
)
@click.option("--list-faults", is_flag=True, help="List the faults and the requirements that each breaks, and exit.")
def serve(provider: str, port: int, write_target: Path | None, fault: str, list_faults: bool) -> None:
    """Run the reference server on loopback until interrupted."""
    from conformance.reference import policies_of, provider_names, serve, target_settings

    if not provider and not list_faults:
        raise click.UsageError("Missing option '--provider'.")
    if provider and provider not in provider_names():
        fail(f"--provider {provider}: the reference server speaks {', '.join(provider_names())}", WRONG_INVOCATION)
    if list_faults:
        _list_faults([provider] if provider else provider_names())
        return
    try:
        policies = policies_of(provider, fault)
    except ValueError as error:
        fail(f"--fault {fault}: {error}; --list-faults names them all", WRONG_INVOCATION)
    try:
        with serve(provider, port=port, policies=policies) as url:
            if write_target:
                write(write_target, _target_file(provider, url, target_settings(provider)))
            but = f", which {fault.replace('_', ' ')}" if fault else ""
            click.echo(f"{provider} reference server{but}: {url}")
            sys.stdout.flush()
            import threading

            threading.Event().wait()
    except OSError as error:
        fail(f"--port {port}: {error}", WRONG_INVOCATION)
    except KeyboardInterrupt:
        click.echo("stopped")


def _list_faults(providers: Sequence[str]) -> None:
    from conformance.reference.faults import faults_of, load_faults_of

    for provider in providers:
        for name, fault in faults_of(provider).items():
            click.echo(f"{provider:<10} {name:<52} {' '.join(sorted(fault.breaks))}")
        for name, fault in load_faults_of(provider).items():
            click.echo(f"{provider:<10} {name:<52} {' '.join([*sorted(fault.breaks), 'under load'])}")


def _target_file(provider: str, url: str, settings: dict[str, Any]) -> str:
    import json

    lines = ["[target]", f'name = "{provider}-reference"', f'provider = "{provider}"', f'base_url = "{url}"']
    lines += [f"api_key = {json.dumps(settings['api_key'])}", "", "[instruments]"]
    lines += [f"{name} = {json.dumps(value)}" for name, value in settings["instruments"].items()]
    return "\n".join(lines) + "\n"
