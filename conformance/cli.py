"""The command line: which commands there are, and what becomes of their unexpected failures."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import click

from conformance import __version__
from conformance.commands.common import NOT_JUDGED, fail

# In the order of their use; each is a module under ``commands``, imported when it is asked for.
COMMANDS = (
    "init",
    "certify",
    "cleanup",
    "merge",
    "soak",
    "audit",
    "report",
    "compare",
    "verify",
    "sign",
    "matrix",
    "dialect",
    "serve",
    "requirements",
    "freeze",
    "completion",
)
TRACEBACK = "CONFORMANCE_TRACEBACK"


class _Commands(click.Group):
    """The commands, whose unexpected failures show no secret: a traceback quotes whatever was at hand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"conformance.commands.{name}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            from conformance.evidence.exposure import presentable

            if os.environ.get(TRACEBACK):
                import traceback

                click.echo(presentable(traceback.format_exc()), err=True)
            fail(f"the suite failed: {type(error).__name__}: {error} ({TRACEBACK}=1 shows where)", NOT_JUDGED)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="conformance")
def main() -> None:
    """Judge payment-intent APIs by what Stripe, RevKeen, Paypercut and Dots document.

    Exit codes: 0 conformant, 1 not conformant, 2 wrong invocation or settings (nothing was sent), 3 not judged.
    """
