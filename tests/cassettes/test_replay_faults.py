"""Faulty servers, recorded and replayed: what a cassette keeps is enough for every verdict, the failing ones too."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import report
from conformance.recorder import judge_recording, keep
from conformance.reference import policies_of, provider_names
from conformance.run import PreflightError
from conformance.session import act
from conformance.verdict import Certificate
from tests.faults.certification import in_memory, prepared

# Every so manieth, and those whose lie lies in what redaction touches or in answers that do not come.
_EVERY = 120
_TELLING = ("secret", "card", "key", "credential", "token", "breaks_off", "hangs", "stack")


def _sample() -> list[tuple[str, str]]:
    found = []
    for provider in provider_names():
        names = list(in_memory(provider))
        telling = [name for name in names if any(word in name for word in _TELLING)]
        found += [(provider, name) for name in dict.fromkeys([*names[::_EVERY], *telling[::8]])]
    return found


def _shown(certificate: Certificate) -> dict[str, tuple[str, list[tuple[str, tuple[int, ...]]]]]:
    """Verdicts, and where their findings stand; what an answer said there may be a secret, told by a placeholder."""
    return {
        row.id: (row.verdict, [(found.at, found.exchanges) for found in row.findings])
        for row in certificate.requirements
    }


@pytest.mark.parametrize(("provider", "fault"), _sample())
def test_a_faulty_server_is_judged_alike_when_replayed(
    provider: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "write_all", lambda *given: None)  # reports have tests of their own, and take long
    run = prepared(provider, policies_of(provider, fault), tmp_path)
    run.record = tmp_path / "recording"
    try:
        run.preflight()
    except PreflightError:
        pytest.fail("a fault that the preflight refuses shows nothing here: it belongs into no sample")
    act(run)
    live = run.finish()
    keep(run)
    replayed = judge_recording(tmp_path / "recording", run.contract)
    assert _shown(replayed) == _shown(live)
    assert live.result == replayed.result
