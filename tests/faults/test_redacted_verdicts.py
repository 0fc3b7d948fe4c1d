"""A redacted history is judged like the real one: what hides secrets hides no contradiction, and makes none up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from conformance import report
from conformance.contract import Requirement, load_contract
from conformance.reference import policies_of, provider_names
from conformance.reference.faults import Fault
from conformance.rules.judge import judge_history
from conformance.session import act

from .certification import in_memory, prepared


def _speaks_of_secrets(row: Requirement) -> bool:
    return row.check == "secrets_absent" or "client_secret" in str(row.args)


def _sample() -> list[tuple[str, str]]:
    """The known-good servers, every 40th fault, and each that touches secrets."""
    chosen = [(provider, "") for provider in provider_names()]
    for provider in provider_names():
        known = load_contract(provider).requirements
        for number, fault in enumerate(in_memory(provider).values()):
            if number % 40 == 0 or _touches(fault, known):
                chosen.append((provider, fault.name))
    return chosen


def _touches(fault: Fault, known: Mapping[str, Requirement]) -> bool:
    return any(_speaks_of_secrets(known[name]) for name in fault.breaks)


@pytest.mark.parametrize(("provider", "fault"), _sample())
def test_rules_say_the_same_of_a_redacted_history(
    provider: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "write_all", lambda *given: None)
    run = prepared(provider, policies_of(provider, fault), tmp_path)
    run.preflight()
    act(run)
    secrets = run.target.secrets()
    real, redacted = run.history.exchanges, tuple(run.history.redacted().values())
    run.close()
    assert [one.request for one in real] != [one.request for one in redacted]
    rows = [row for row in run.contract.requirements.values() if not run.lacking(row)]
    placeholders = {name: run.redactor.text(secret) for name, secret in secrets.items()}
    told = {}
    for history, known in ((real, secrets), (redacted, placeholders)):
        outcomes = judge_history(run.contract, history, rows, secrets=known)
        told[known is secrets] = [(one.requirement, one.verdict, one.judged, len(one.findings)) for one in outcomes]
    assert told[True] == told[False]
