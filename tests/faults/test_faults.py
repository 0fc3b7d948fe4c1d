"""Each fault breaks exactly the requirements that it contradicts, and no requirement is beyond breaking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from conformance import report
from conformance.reference import policies_of, provider_names
from conformance.reference.faults import Fault
from conformance.reference.faults.deeds import answers_with
from conformance.reference.faults.lies import Maker, sets, shows
from conformance.run import PreflightError
from conformance.session import act
from conformance.target.settings import USUAL_BURST

from .certification import certified, contract_of, in_memory, prepared, verdicts
from .redacted import expect_judged_alike, touches_secrets

FAULTS = {provider: in_memory(provider) for provider in provider_names()}
SEEDS = range(1, 11)
FEW = 4  # requests at once, where nothing is wrong about that: explaining ten takes an eighth of a run


def _answering(status: int) -> Maker:
    return answers_with(status, {}, lambda asked: True)


# What the preflight asks already: a server that breaks one of these is told so instead of being judged, because nothing
# else could be judged on it. With each, the lie that the preflight refuses.
REFUSED: dict[str, dict[str, Maker]] = {
    "stripe": {
        "STR-001": _answering(415),
        "STR-007": _answering(401),
        "STR-026": shows(sets(livemode=True)),
    },
    "revkeen": {"RVK-142": _answering(401)},
    "paypercut": {"PPC-001": _answering(200), "PPC-010a": shows(sets(livemode=True))},
    "dots": {"DOT-001a": _answering(200), "DOT-003": shows(sets(id=5)), "DOT-120": _answering(401)},
}


@cache
def _raced(provider: str) -> frozenset[str]:
    """The requirements on what is sent at once."""
    return frozenset(row.id for row in contract_of(provider).requirements.values() if row.check == "burst")


@pytest.fixture(autouse=True)
def _without_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "write_all", lambda *given: None)  # reports have tests of their own, and take long


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
def test_a_fault_breaks_what_it_contradicts_and_nothing_else(provider: str, fault: Fault, tmp_path: Path) -> None:
    burst = USUAL_BURST if (fault.breaks | fault.at_times) & _raced(provider) else FEW
    run = prepared(provider, policies_of(provider, fault.name), tmp_path, burst=burst)
    run.preflight()
    act(run)
    certificate = run.finish()
    assert verdicts(certificate, "fail") - fault.at_times == fault.breaks
    assert not verdicts(certificate, "error"), "a bad server is no reason for the suite to fail"
    if touches_secrets(provider, fault):
        expect_judged_alike(run)


@pytest.mark.parametrize("provider", FAULTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_known_good_server_breaks_nothing(provider: str, seed: int, tmp_path: Path) -> None:
    told = {row.verdict for row in certified(provider, "", tmp_path, seed).requirements}
    assert told <= {"pass", "inapplicable", "not_run"}


@pytest.mark.parametrize("provider", FAULTS)
def test_every_requirement_that_is_judged_can_fail(provider: str, clean: Callable[[str], dict[str, str]]) -> None:
    judged = {name for name, verdict in clean(provider).items() if verdict == "pass"}
    broken = frozenset[str]().union(*(fault.breaks for fault in FAULTS[provider].values()))
    assert judged - broken == REFUSED[provider].keys()


@pytest.mark.parametrize(
    ("provider", "lie"),
    [pytest.param(provider, lie, id=name) for provider in REFUSED for name, lie in REFUSED[provider].items()],
)
def test_what_no_fault_breaks_is_refused_before_anything_is_judged(provider: str, lie: Maker, tmp_path: Path) -> None:
    run = prepared(provider, replace(policies_of(provider), lie=lie), tmp_path)
    with pytest.raises(PreflightError):
        run.preflight()
    run.close()


def test_every_fault_says_what_it_breaks() -> None:
    assert all(fault.breaks for faults in FAULTS.values() for fault in faults.values())
