"""Runs as a whole and in parts, in this process, on reference servers in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.embedded import embedded_server, embedded_target
from conformance.parts.merging import merge
from conformance.parts.part import Part, leave
from conformance.parts.shares import Share
from conformance.reference import policies_of
from conformance.run import Run, Selection
from conformance.session import act
from conformance.verdict import Certificate
from tests.faults.certification import contract_of


def acted(
    provider: str,
    folder: Path,
    *,
    share: Share | None = None,
    fault: str = "",
    only: tuple[str, ...] = (),
    target: dict[str, Any] | None = None,
    **settings: Any,
) -> Run:
    """A run that has acted all, or its share, on a server of its own with that fault; not yet judged.

    ``target`` are members of the target to be replaced.
    """
    contract = contract_of(provider)
    run = Run(
        contract=contract,
        target=replace(embedded_target(contract), **(target or {})),
        folder=folder,
        mode="in-process",
        selection=Selection(ids=frozenset(only)),
        share=share,
        **settings,
        **embedded_server(provider, policies_of(provider, fault)),
    )
    run.preflight()
    act(run)
    return run


def in_parts(provider: str, folder: Path, of: int, **asked: Any) -> list[Part]:
    """The parts of a run, each in a folder of its number."""
    shares = [Share(number, of) for number in range(1, of + 1)]
    return [leave(acted(provider, folder / str(share.number), share=share, **asked)) for share in shares]


def judged(parts: list[Part], folder: Path) -> tuple[Certificate, Run]:
    """The certificate of the whole."""
    provider = parts[0].common.provider
    return merge(parts, folder, {provider: contract_of(provider)})


def verdicts(certificate: Certificate) -> dict[str, str]:
    return {row.id: row.verdict for row in certificate.requirements}
