"""A hand-made certificate that holds every verdict at every level, a waived fail, and text that tries each format."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from conformance.contract.model import LEVELS, Contract, Requirement, Source
from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.finding import RANKING, Finding, Outcome
from conformance.verdict import Certificate, Waiver, certify, judge
from tests.verdict.conftest import make_contract

SOURCE = Source("S", "Create an intent", "https://docs.example/create")
NASTY = "a|b `c` <b>d</b> [e](f) [red]g[/red] \x00\x1b h"
Make = Callable[..., Certificate]


def _contract() -> Contract:
    rows = [
        Requirement(f"EX-{level}-{verdict}", level, "create", f"Row of {level} that is {verdict}.", (SOURCE,), "check")
        for level in LEVELS
        for verdict in RANKING
    ]
    rows.append(Requirement("EX-waived", "MUST", "errors", "A row that is waived.", (SOURCE,), "check"))
    rows.append(Requirement("EX-nasty", "SHOULD", "errors", NASTY, (SOURCE,), "check"))
    rows.append(
        Requirement("EX-private", "MUST", "errors", "No one can see it.", (SOURCE,), not_tested="it is private")
    )
    return make_contract(rows)


def _outcomes() -> list[Outcome]:
    many = tuple(Finding("402", f"40{number}", "/error", (number,)) for number in range(1, 31))
    found = []
    for level in LEVELS:
        for verdict in RANKING:
            findings = (Finding("402", "400", exchanges=(1, 2)),) if verdict == "fail" else ()
            reason = "" if verdict in ("pass", "fail") else f"because of {verdict}"
            if (level, verdict) == ("MAY", "pass"):
                reason = "Ten at once: in some order."
            found.append(Outcome(f"EX-{level}-{verdict}", verdict, reason, findings, tuple(range(1, 31))))
    found.append(Outcome("EX-waived", "fail", findings=many))
    found.append(Outcome("EX-nasty", "fail", findings=(Finding(NASTY, NASTY, NASTY, (3,), NASTY),)))
    return found


@pytest.fixture
def make() -> Make:
    """A certificate of the outcomes of the rows whose id contains one of ``only``."""

    def made(*only: str, strict: bool = False, until: date = date(2027, 3, 31)) -> Certificate:
        contract = _contract()
        selected = {id for id in contract.requirements if any(part in id for part in only)} if only else None
        judgement = judge(
            contract,
            _outcomes(),
            waivers=[Waiver("EX-waived", "fixed in phase 2", "https://tracker.example/12", until, "Ann")],
            today=date(2026, 11, 20),
            strict=strict,
            selected=set(contract.requirements) if selected is None else selected,
        )
        return certify(
            contract,
            judgement,
            target="acme | staging",
            base_url="http://127.0.0.1:8080",
            mode="live",
            seed=7,
            started=1_795_132_800.0,
            duration_s=1.5,
            requests=30,
            exploration=[Finding("4xx", "500")],
        )

    return made


@pytest.fixture
def certificate(make: Make) -> Certificate:
    return make()


@pytest.fixture
def exchanges() -> dict[int, Exchange]:
    """Thirty exchanges, already redacted; the last without an answer."""
    request = Request(
        "POST",
        "http://127.0.0.1:8080/v1/intents",
        (("Authorization", "Bearer [REDACTED]"), ("Content-Type", "application/x-www-form-urlencoded")),
        b"amount=2000&metadata%5Border%5D=it%27s",
    )
    response = Response(400, (("Content-Type", "application/json"),), b'{"error":{"code":"amount_too_small"}}')
    return {
        number: Exchange(
            number=number,
            request=request,
            response=response if number < 30 else None,
            failure="" if number < 30 else "connection refused",
            scenario="test_create",
            started=1_795_132_800.0 + number,
            ended=1_795_132_800.5 + number,
        )
        for number in range(1, 31)
    }
