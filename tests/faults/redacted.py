"""A redacted history is judged like the real one: what hides secrets hides no contradiction, and makes none up."""

from __future__ import annotations

from functools import cache

from conformance.contract import Requirement
from conformance.reference.faults import Fault
from conformance.rules.judge import judge_history
from conformance.run import Run

from .certification import contract_of


@cache
def _speaking_of_secrets(provider: str) -> frozenset[str]:
    def speaks(row: Requirement) -> bool:
        return row.check == "secrets_absent" or "client_secret" in str(row.args)

    return frozenset(row.id for row in contract_of(provider).requirements.values() if speaks(row))


def touches_secrets(provider: str, fault: Fault) -> bool:
    """Whether a fault breaks a row that speaks of secrets."""
    return not fault.breaks.isdisjoint(_speaking_of_secrets(provider))


def expect_judged_alike(run: Run) -> None:
    """Fails where the rules say something else of a run's redacted history than of the real one."""
    secrets = run.target.secrets()
    real, redacted = run.history.exchanges, tuple(run.history.redacted().values())
    assert [one.request for one in real] != [one.request for one in redacted]
    rows = [row for row in run.contract.requirements.values() if not run.lacking(row)]
    placeholders = {name: run.redactor.text(secret) for name, secret in secrets.items()}
    told = []
    for history, known in ((real, secrets), (redacted, placeholders)):
        outcomes = judge_history(run.contract, history, rows, secrets=known)
        told.append([(one.requirement, one.verdict, one.judged, len(one.findings)) for one in outcomes])
    assert told[0] == told[1]
