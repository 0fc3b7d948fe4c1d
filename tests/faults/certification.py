"""Certifies a server in memory and says which requirements failed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from conformance.contract import Contract, load_contract
from conformance.embedded import embedded_server, embedded_target
from conformance.reference import Policies, policies_of
from conformance.reference.faults import Fault, faults_of
from conformance.run import Run
from conformance.session import act
from conformance.target.settings import USUAL_BURST
from conformance.verdict import Certificate


def in_memory(provider: str) -> dict[str, Fault]:
    """The faults of a provider that a server in this process can have: two worker processes need a socket."""
    found = faults_of(provider)
    return {name: fault for name, fault in found.items() if policies_of(provider, name).workers == 1}


@cache
def contract_of(provider: str) -> Contract:
    """A provider's contract, read once."""
    return load_contract(provider)


def prepared(provider: str, policies: Policies, folder: Path, seed: int = 1, burst: int = USUAL_BURST) -> Run:
    """A run, ready to act, against the reference server with these policies; ``burst`` requests are sent at once."""
    contract = contract_of(provider)
    return Run(
        contract=contract,
        target=replace(embedded_target(contract), burst=burst),
        folder=folder,
        seed=seed,
        **embedded_server(provider, policies),
    )


def certified(provider: str, fault: str, folder: Path, seed: int = 1) -> Certificate:
    """The certificate of the reference server with that fault (empty: without any)."""
    run = prepared(provider, policies_of(provider, fault), folder, seed)
    run.preflight()
    act(run)
    return run.finish()


def verdicts(certificate: Certificate, *names: str) -> frozenset[str]:
    """The ids of the requirements with one of these verdicts."""
    return frozenset(row.id for row in certificate.requirements if row.verdict in names)
