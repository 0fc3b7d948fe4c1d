"""Each fault breaks exactly the requirements that it contradicts, and no requirement is beyond breaking."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from conformance import report

from . import dots, paypercut, revkeen, stripe
from .certification import certified, verdicts
from .faulty import Fault

FAULTS: dict[str, list[Fault]] = {
    "stripe": stripe.FAULTS,
    "revkeen": revkeen.FAULTS,
    "paypercut": paypercut.FAULTS,
    "dots": dots.FAULTS,
}
# What the preflight asks already: a server that breaks one of these is told so instead of being judged.
PREFLIGHT = {
    "stripe": {"STR-001", "STR-007"},
    "revkeen": {"RVK-142"},
    "paypercut": {"PPC-001"},
    "dots": {"DOT-001a", "DOT-003", "DOT-120"},
}

# Where the catalogue or a check is known to see too little or too much, and why; the sets say what is right.
KNOWN = {
    "stripe-ignores_unknown_capture_methods": "STR-116 confirms without a method, which is refused anyway",
    "stripe-does_not_see_payment_method_data": "STR-113 to 115 confirm without a method, which is refused anyway",
    "stripe-embeds_another_intent": "STR-191 takes the embedded intents for one whose status changes",
    "stripe-keeps_publishable_keys_from_reading": "STR-015 fails where nothing could be read",
    "revkeen-has_no_status_before_confirm": "RVK-010 does not look at a status that is no text",
    "revkeen-answers_with_another_intent": "RVK-154 takes the shown id for an intent whose status changes",
    "paypercut-confirms_canceled_intents": "PPC-082 confirms without a method, which is refused anyway",
    "dots-answers_with_lists": "DOT-132 takes a list for an answer to confirm, as long as intents are in it",
    "paypercut-breaks_on_declines": "PPC-074 fails for a server error, which shows nothing as succeeded",
}


def _case(provider: str, fault: Fault) -> object:
    name = f"{provider}-{fault.name}"
    marks = [pytest.mark.xfail(reason=KNOWN[name], raises=AssertionError)] if name in KNOWN else []
    return pytest.param(provider, fault, id=name, marks=marks)


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, str]]:
    """The verdict of each requirement on the known-good server of a provider."""

    @cache
    def judged(provider: str) -> dict[str, str]:
        certificate = certified(provider, None, tmp_path_factory.mktemp(provider))
        return {row.id: row.verdict for row in certificate.requirements}

    return judged


@pytest.mark.parametrize(
    ("provider", "fault"),
    [_case(provider, fault) for provider in FAULTS for fault in FAULTS[provider]],
)
def test_a_fault_breaks_what_it_contradicts_and_nothing_else(
    provider: str,
    fault: Fault,
    clean: Callable[[str], dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(report, "write_all", lambda *given: None)  # the reports have tests of their own, and take long
    certificate = certified(provider, fault.lie(), tmp_path)
    already = {name for name, verdict in clean(provider).items() if verdict == "fail"}
    assert verdicts(certificate, "fail") - already == fault.breaks
    assert not verdicts(certificate, "error"), "a bad server is no reason for the suite to fail"


@pytest.mark.parametrize("provider", FAULTS)
def test_the_known_good_server_breaks_nothing(provider: str, clean: Callable[[str], dict[str, str]]) -> None:
    assert {"pass", "inapplicable", "not_run"} >= set(clean(provider).values())


@pytest.mark.parametrize("provider", FAULTS)
def test_every_requirement_that_is_judged_can_fail(provider: str, clean: Callable[[str], dict[str, str]]) -> None:
    judged = {name for name, verdict in clean(provider).items() if verdict == "pass"}
    broken = frozenset[str]().union(*(fault.breaks for fault in FAULTS[provider]))
    assert judged - broken == PREFLIGHT[provider]


@pytest.mark.parametrize("provider", FAULTS)
def test_names_of_faults_are_unique(provider: str) -> None:
    names = [fault.name for fault in FAULTS[provider]]
    assert len(set(names)) == len(names)
