"""Each fault breaks exactly the requirements that it contradicts, and no requirement is beyond breaking."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from conformance import report
from conformance.reference import provider_names
from conformance.reference.faults import Fault, faults_of

from .certification import certified, verdicts

FAULTS = {provider: faults_of(provider) for provider in provider_names()}
# What the preflight asks already: a server that breaks one of these is told so instead of being judged.
PREFLIGHT = {
    "stripe": {"STR-001", "STR-007"},
    "revkeen": {"RVK-142"},
    "paypercut": {"PPC-001"},
    "dots": {"DOT-001a", "DOT-003", "DOT-120"},
}


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, str]]:
    """The verdict of each requirement on the known-good server of a provider."""

    @cache
    def judged(provider: str) -> dict[str, str]:
        certificate = certified(provider, "", tmp_path_factory.mktemp(provider))
        return {row.id: row.verdict for row in certificate.requirements}

    return judged


@pytest.mark.parametrize(
    ("provider", "fault"),
    [
        pytest.param(provider, fault, id=f"{provider}-{fault.name}")
        for provider in FAULTS
        for fault in FAULTS[provider].values()
    ],
)
def test_a_fault_breaks_what_it_contradicts_and_nothing_else(
    provider: str,
    fault: Fault,
    clean: Callable[[str], dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(report, "write_all", lambda *given: None)  # the reports have tests of their own, and take long
    certificate = certified(provider, fault.name, tmp_path)
    already = {name for name, verdict in clean(provider).items() if verdict == "fail"}
    assert verdicts(certificate, "fail") - already == fault.breaks
    assert not verdicts(certificate, "error"), "a bad server is no reason for the suite to fail"


@pytest.mark.parametrize("provider", FAULTS)
def test_the_known_good_server_breaks_nothing(provider: str, clean: Callable[[str], dict[str, str]]) -> None:
    assert {"pass", "inapplicable", "not_run"} >= set(clean(provider).values())


@pytest.mark.parametrize("provider", FAULTS)
def test_every_requirement_that_is_judged_can_fail(provider: str, clean: Callable[[str], dict[str, str]]) -> None:
    judged = {name for name, verdict in clean(provider).items() if verdict == "pass"}
    broken = frozenset[str]().union(*(fault.breaks for fault in FAULTS[provider].values()))
    assert judged - broken == PREFLIGHT[provider]
