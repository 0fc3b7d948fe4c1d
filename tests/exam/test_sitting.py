"""A sitting sends cases as the contract says: on the right intents, queries as text; and judges what comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from conformance.contract import Contract, load_contract
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.run import Run
from conformance.scenarios import exploration, test_exam
from conformance.scenarios.acting import Actor
from conformance.scenarios.exam import FILE_NAME, ExamCase, write_exam
from conformance.scenarios.outcomes import Inapplicable, NonConformance
from conformance.target.client import Client
from conformance.target.settings import make_target
from conformance.target.values import Instruments

HANDBOOK = Path(__file__).parents[1] / "invented" / "contracts"
CHARGE = {"ref": "chg-1", "state": "open", "amount": 500, "currency": "eur"}
REFUSED: Any = {"fault": {"reason": "bad_value", "text": "No."}}


def case(operation: str, mode: Any, body: Any) -> ExamCase:
    return ExamCase(f"{operation}-{mode[0]}-{len(str(body))}", operation, mode, body, "/x", "a trial")


class Server:
    """Answers charges in a row; refunds and lists as told, and keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []
        self.refund: tuple[int, Any] = (422, REFUSED)
        self.listing: tuple[int, Any] = (200, {"data": [CHARGE]})

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.sent.append((request.method, path, request.content))
        if request.method == "GET":
            status, body = self.listing
        elif path.endswith("/refund"):
            status, body = self.refund
        elif path.endswith("/confirm"):
            status, body = 200, {**CHARGE, "ref": path.split("/")[2], "state": "paid"}
        else:
            status, body = 201, {**CHARGE, "ref": f"chg-{len(self.sent)}"}
        return httpx.Response(status, json=body)

    def paths(self, end: str = "") -> list[str]:
        return [path for _, path, _ in self.sent if path.endswith(end)]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def contract() -> Contract:
    """Acme, with a list and with refunds of what is paid, at a path that no document names."""
    acme = load_contract("acme", HANDBOOK)
    create, confirm = acme.operations["create"], acme.operations["confirm"]
    listing = replace(create, name="list", method="GET", media_type="", response_schema="list")
    path = "/charges/{ref}/refund"
    pattern = re.compile("/charges/(?P<intent>[^/]+)/refund$")
    refund = replace(confirm, name="refund", path=path, pattern=pattern, inferred=True)
    exam = {"create": {}, "confirm": {}, "refund": {"after": "confirm_pays"}, "list": {}}
    return replace(
        acme,
        operations={**acme.operations, "list": listing, "refund": refund},
        settings={**acme.settings, "lists": {"items": "/data"}, "needs": {"list": ["vault"]}, "exam": exam},
    )


def actor(contract: Contract, server: Server, lent: Mapping[str, Any]) -> Actor:
    target = make_target(contract, base_url="http://127.0.0.1:1", api_key="key", instruments=lent)
    transport = httpx.MockTransport(server.answer)
    return Actor(contract, Client(contract, target, History(Redactor({})), transport=transport), Instruments(lent))


@pytest.fixture
def act(contract: Contract, server: Server) -> Actor:
    return actor(contract, server, {"success": "card-good", "vault": "v-1"})


def judged(act: Actor, tried: ExamCase) -> str:
    """What the case's judgement finds; empty where nothing."""
    wrong = test_exam.judge_case(act, tried, test_exam.Sitting(act).send(tried))
    return wrong.actual if wrong else ""


def test_refusals_leave_an_intent_for_the_next_case(act: Actor, server: Server) -> None:
    sitting = test_exam.Sitting(act)
    for _ in range(3):
        sitting.send(case("refund", "negative", {"amount": "x"}))
    assert server.paths() == ["/charges", "/charges/chg-1/confirm", *["/charges/chg-1/refund"] * 3]
    sitting.send(case("confirm", "negative", {"source": 5}))  # that one is paid: confirm gets an open one of its own
    assert server.paths()[-2:] == ["/charges", "/charges/chg-6/confirm"]


def test_a_success_and_a_decline_use_an_intent_up(act: Actor, server: Server) -> None:
    sitting = test_exam.Sitting(act)
    for status in (200, 403, 422):  # this provider declines with 403
        server.refund = (status, CHARGE)
        sitting.send(case("refund", "positive", {}))
    assert len(set(server.paths("/refund"))) == 3


@pytest.mark.parametrize("body", [{}, {"amount": "ł"}, {"amount": [1]}, [1], 5, None])
def test_a_body_arrives_as_it_was_generated(body: Any, act: Actor, server: Server) -> None:
    test_exam.Sitting(act).send(case("refund", "negative", body))
    assert json.loads(server.sent[-1][2]) == body


def test_a_query_arrives_as_text(act: Actor, server: Server) -> None:
    tried = {"limit": 1, "paid": True, "made": {"gte": 5}, "vault": "{vault}"}
    assert judged(act, case("list", "positive", tried)) == ""
    assert server.sent == [("GET", "/charges?limit=1&paid=true&made[gte]=5&vault=v-1", b"")]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ((200, {"data": []}), ""),
        ((200, {"data": [CHARGE, CHARGE]}), ""),
        ((200, CHARGE), "HTTP 200"),
        ((200, {"data": {}}), "HTTP 200"),
        ((200, {"data": [{"state": "open"}]}), "HTTP 200"),
        ((200, {"data": ["chg-1"]}), "HTTP 200"),
        ((422, REFUSED), "HTTP 422 (bad_value)"),
        ((500, {"data": []}), "HTTP 500"),
    ],
)
def test_a_sound_query_is_answered_with_a_list_of_intents(answer: Any, found: str, act: Actor, server: Server) -> None:
    server.listing = answer
    assert judged(act, case("list", "positive", {"limit": 1})) == found


@pytest.mark.parametrize(("status", "found"), [(200, "HTTP 200"), (422, ""), (500, "HTTP 500")])
def test_an_unsound_query_is_refused(status: int, found: str, act: Actor, server: Server) -> None:
    server.listing = (status, {"data": []})
    assert judged(act, case("list", "negative", {"limit": "x"})) == found


@pytest.mark.parametrize(("answer", "found"), [((200, CHARGE), ""), ((200, {"data": []}), "HTTP 200")])
def test_a_sound_body_is_answered_with_the_intent(answer: Any, found: str, act: Actor, server: Server) -> None:
    server.refund = answer
    assert judged(act, case("refund", "positive", {})) == found


class TestRow:
    """The check as a whole, on an exam of its own."""

    @pytest.fixture
    def contract(self, contract: Contract, tmp_path: Path) -> Contract:
        cases = [
            case("list", "positive", {"limit": 1}),
            case("list", "positive", {"customer": "{customer}"}),
            case("refund", "negative", {"amount": "x"}),
            case("refund", "negative", {"amount": "xyz"}),
        ]
        (tmp_path / FILE_NAME).write_text(write_exam({"seed": 1}, cases), encoding="utf-8")
        return replace(contract, folder=tmp_path)

    def test_what_the_target_does_not_lend_is_left_out(self, act: Actor, server: Server) -> None:
        test_exam.test_exam(act, {"operation": "list", "mode": "positive"})
        assert server.paths() == ["/charges?limit=1"]

    def test_all_that_is_wrong_is_found(self, act: Actor, server: Server) -> None:
        server.refund = (200, CHARGE)
        with pytest.raises(NonConformance) as wrong:
            test_exam.test_exam(act, {"operation": "refund", "mode": "negative"})
        assert len(wrong.value.findings) == 2

    def test_an_operation_that_is_not_served_is_inapplicable(self, act: Actor, server: Server) -> None:
        server.refund = (404, REFUSED)
        with pytest.raises(Inapplicable, match="does not serve refund"):
            test_exam.test_exam(act, {"operation": "refund", "mode": "negative"})
        assert len(server.paths("/refund")) == 1

    def test_an_operation_that_is_not_claimed_is_inapplicable(self, contract: Contract, server: Server) -> None:
        with pytest.raises(Inapplicable, match="vault"):
            test_exam.test_exam(actor(contract, server, {}), {"operation": "list", "mode": "positive"})
        assert server.sent == []

    def test_findings_outlive_the_last_single_use_instrument(self, contract: Contract, server: Server) -> None:
        server.refund = (200, CHARGE)
        act = actor(contract, server, {"success": ["card-once"]})
        with pytest.raises(NonConformance) as wrong:
            test_exam.test_exam(act, {"operation": "refund", "mode": "negative"})
        assert len(wrong.value.findings) == 1


def test_exploration_takes_every_operation_of_the_exam(
    act: Actor, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fresh_cases(folder: Path, operation: str, seed: int) -> Any:
        asked.append(operation)
        return iter([case(operation, "negative", {"amount": "x", "limit": "x"})])

    class Running:
        contract, client, instruments, seed = act.contract, act.client, act.instruments, 7

    monkeypatch.setattr(exploration, "fresh_cases", fresh_cases)
    monkeypatch.setattr(exploration, "MOST_CASES", 2)
    server.listing = (429, REFUSED)
    found = exploration.explore(cast(Run, Running()), 60)
    assert asked == ["create", "confirm", "refund", "list"]
    told = [finding.actual for finding in found]
    # Neither create nor confirm refuses anything here; refund does, and the list would rather not be asked.
    assert told[:2] == ["HTTP 201", "HTTP 200"]
    assert len(told) == 3
    assert "exploration of list stopped: the target answered 429" in told[2]
