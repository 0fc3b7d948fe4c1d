"""``conformance completion``, and what the shell offers for the options of the other commands.

Callbacks load what they offer when they are asked, and offer nothing where that fails: a shell has no use for an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

if TYPE_CHECKING:
    from conformance.contract import Contract, Requirement

PROGRAM, VARIABLE = "conformance", "_CONFORMANCE_COMPLETE"

Offer = Iterable[tuple[str, str]]  # values, and what to say of each
Callback = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands, options and values in a shell.

    \b
    ~/.bashrc                     eval "$(conformance completion bash)"
    ~/.zshrc, after compinit      eval "$(conformance completion zsh)"
    ~/.config/fish/config.fish    conformance completion fish | source
    """
    from conformance.cli import main

    kind = get_completion_class(shell)
    assert kind  # click knows all three
    click.echo(kind(main, {}, PROGRAM, VARIABLE).source())


def _offering(offer: Callable[[click.Context], Offer]) -> Callback:
    """A callback that offers those values that begin with what is typed, whatever the letter case."""

    @wraps(offer)
    def callback(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return [
                CompletionItem(value, help=told or None)
                for value, told in offer(ctx)
                if value.lower().startswith(incomplete.lower())
            ]
        except Exception:
            return []

    return callback


@_offering
def providers(ctx: click.Context) -> Offer:
    """The contracts at hand."""
    from conformance.contract import provider_names

    yield from ((name, "") for name in provider_names())
    if further := ctx.params.get("contracts"):
        yield from ((name, "") for name in provider_names(Path(further)))


@_offering
def requirement_ids(ctx: click.Context) -> Offer:
    """The ids of the chosen providers' requirements, each with its statement."""
    return ((row.id, row.statement) for row in _rows(ctx))


@_offering
def areas(ctx: click.Context) -> Offer:
    """The areas of the chosen providers' requirements."""
    return ((area, "") for area in dict.fromkeys(row.area for row in _rows(ctx)))


@_offering
def levels(ctx: click.Context) -> Offer:
    """The levels of requirements."""
    from conformance.contract.model import LEVELS

    return ((level.lower(), "") for level in LEVELS)


@_offering
def faults(ctx: click.Context) -> Offer:
    """The faults of the chosen provider's reference server, each with the requirements that it breaks."""
    from conformance.reference.faults import faults_of, load_faults_of

    provider = ctx.params["provider"]
    known = {**faults_of(provider), **load_faults_of(provider)}
    return ((name, " ".join(sorted(fault.breaks))) for name, fault in known.items())


def _rows(ctx: click.Context) -> Iterable[Requirement]:
    return (row for contract in _contracts(ctx) for row in contract.requirements.values())


def _contracts(ctx: click.Context) -> Iterable[Contract]:
    """Those of ``--provider``, one or several, else all that are at hand."""
    from conformance.contract.loading import load_contracts

    further, one = ctx.params.get("contracts"), ctx.params.get("provider")
    known = load_contracts(Path(further) if further else None)
    chosen = ctx.params.get("providers") or ((one,) if one else known)
    return [known[name] for name in chosen]
