"""What is canceled after a run, what is not, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from conformance.cleanup import KEPT, Cleaned, clean
from conformance.contract import Contract
from conformance.contract.loading import load_contracts
from conformance.embedded import embedded_target
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.reference import policies_of
from conformance.reference.app import Application
from conformance.target.client import Client
from conformance.target.clock import SkippingClock
from conformance.target.journal import Journal, begun, resumed
from conformance.target.settings import Target

CONTRACTS = load_contracts(None)
PLAIN = {"amount": 2000, "currency": "usd", "payment_method_types": ["card"]}
HELD = {**PLAIN, "capture_method": "manual", "confirm": True, "payment_method": "pm_card_visa"}
PAID = {**HELD, "capture_method": "automatic"}


@dataclass
class Bench:
    """A reference server in memory, a client that keeps a journal, and one that cleans up."""

    folder: Path
    provider: str = "stripe"
    sent: list[str] = field(default_factory=list)  # by whoever cleans up
    spoil: Callable[[httpx.Request], httpx.Response | None] = lambda request: None

    def __post_init__(self) -> None:
        self.contract: Contract = CONTRACTS[self.provider]
        self.target: Target = embedded_target(self.contract)
        self.redactor = Redactor(self.target.secrets())
        self.server = Application(policies_of(self.provider))
        self.journal: Journal = begun(
            self.contract, self.redactor, self.folder, target="t", base_url=self.target.base_url, started=0.0
        )
        self.clock = SkippingClock()
        self.acting = self._client(httpx.WSGITransport(app=self.server), self.journal)

    def _client(self, transport: httpx.BaseTransport, journal: Journal | None, seed: int = 1) -> Client:
        history = History(self.redactor)
        return Client(
            self.contract, self.target, history, seed=seed, transport=transport, clock=self.clock, journal=journal
        )

    def create(self, body: dict[str, Any], lost: str = "", **call: Any) -> None:
        """A create; ``lost``: the server ``heard`` it or not, and nobody sees the answer."""
        if not lost:
            assert self.acting.call("create", body=body, **call).response
            return
        real = httpx.WSGITransport(app=self.server)

        def lose(request: httpx.Request) -> httpx.Response:
            if lost == "heard":
                real.handle_request(request)
            raise httpx.ReadError("lost")

        client = self._client(httpx.MockTransport(lose), self.journal, seed=2)
        assert client.call("create", body=body, **call).response is None

    def clean(self, **how: Any) -> Cleaned:
        """Cleans up by what the file says, as after a crash."""
        real = httpx.WSGITransport(app=self.server)

        def answer(request: httpx.Request) -> httpx.Response:
            self.sent.append(f"{request.method} {request.url.path}")
            return self.spoil(request) or real.handle_request(request)

        self.journal.close()
        journal = resumed(self.contract, self.redactor, self.journal.path)
        try:
            return clean(journal, self._client(httpx.MockTransport(answer), None, seed=3), **how)
        finally:
            journal.close()

    def open(self) -> list[str]:
        return [one.status for one in self.server.store.intents.values() if one.status not in self.contract.terminal]


def test_what_is_not_final_is_canceled_at_one_request_each(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for body in (PLAIN, HELD, PAID, {**PLAIN, "payment_method": "pm_card_visa"}):
        bench.create(body)
    cleaned = bench.clean()
    assert bench.open() == []
    assert cleaned.counts == {"intents": 4, "final": 1, "canceled": 3, "passing": 0, "left": 0}
    assert len(bench.sent) == 3
    assert not cleaned.remains
    assert cleaned.lines(bench.redactor) == ["clean-up: 4 intents, 1 were final, 3 canceled, 0 left"]


def test_doing_it_again_sends_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create(HELD)
    bench.clean()
    bench.sent.clear()
    assert bench.clean().counts["final"] == 1
    assert bench.sent == []


def test_each_intent_has_a_final_line(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create(HELD)
    bench.create(PAID)
    bench.clean()
    text = bench.journal.path.read_text(encoding="utf-8")
    for intent in bench.server.store.intents.values():
        assert f'{{"end":"{intent.id}","status":"{intent.status}"}}' in text
    assert text.rstrip().endswith('{"cleaned":{"intents":2,"final":1,"canceled":1,"passing":0,"left":0}}')


@pytest.mark.parametrize("lost", ["heard", "unheard"])
def test_a_create_that_was_never_answered_is_found_by_its_key(lost: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create(HELD, lost)
    cleaned = bench.clean()
    assert len(bench.server.store.intents) == 1
    assert bench.open() == []
    assert not cleaned.remains


@pytest.mark.parametrize("lost", ["heard", "unheard"])
def test_one_that_pays_at_once_is_not_sent_again(lost: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create(PAID, lost)
    cleaned = bench.clean()
    assert bench.sent == []  # or a payment would be made that was not there, and cannot be canceled
    assert len(bench.server.store.intents) == (lost == "heard")
    assert not cleaned.remains
    assert not bench.clean().remains
    assert bench.sent == []


@pytest.mark.parametrize(
    "body",
    [
        {**PAID, "payment_method": "pm_card_visa_chargeDeclined"},
        {**PAID, "payment_method": "pm_card_authenticationRequired"},
        {**PAID, "confirm": False},
    ],
)
def test_one_whose_payment_is_not_made_at_once_is_found_and_canceled(body: dict[str, Any], tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create(body, "heard")
    assert bench.open()
    assert not bench.clean().remains
    assert bench.open() == []


def test_one_whose_retry_was_answered_is_not_sent_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create(HELD, "heard", idempotency_key="k-1")
    bench.create(HELD, idempotency_key="k-1")
    assert bench.clean().counts == {"intents": 1, "final": 0, "canceled": 1, "passing": 0, "left": 0}
    assert len(bench.sent) == 1


def test_a_key_that_may_be_forgotten_is_not_used(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create(HELD, "heard")
    bench.clock.sleep(KEPT + 1)
    cleaned = bench.clean()
    assert bench.sent == []
    assert cleaned.remains
    (why,) = cleaned.left.values()
    assert "its key is too old" in why


def test_without_a_key_it_is_found_by_its_mark(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create({**HELD, "metadata": {"conformance_mark": "m-1"}}, "heard", idempotency_key=None)
    bench.acting.journal = None
    bench.create(HELD)  # somebody else's
    assert not bench.clean().remains
    assert bench.open() == ["requires_capture"]


def test_without_key_and_mark_nothing_of_others_is_touched_unless_there_are_none(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create(HELD, "heard", idempotency_key=None)
    cleaned = bench.clean()
    assert cleaned.remains
    assert bench.open() == ["requires_capture"]
    assert "create 1: " in cleaned.lines(bench.redactor)[1]
    assert "it was sent without a key" in cleaned.lines(bench.redactor)[1]
    assert not bench.clean(alone=True).remains
    assert bench.open() == []


def test_an_intent_that_moved_on_unseen_counts_as_final(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create(HELD)
    bench.acting.journal = None
    (intent,) = bench.server.store.intents
    bench.acting.call("capture", intent)
    assert bench.clean().counts == {"intents": 1, "final": 1, "canceled": 0, "passing": 0, "left": 0}


def test_what_is_gone_is_not_left(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create(HELD)
    bench.server.store.intents.clear()
    assert not bench.clean().remains
    bench.sent.clear()
    assert not bench.clean().remains
    assert bench.sent == []


def test_what_cannot_be_canceled_is_named_with_the_reason(tmp_path: Path) -> None:
    def spoil(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(503) if request.url.path.endswith("/cancel") else None

    bench = Bench(tmp_path, spoil=spoil)
    bench.create(HELD)
    cleaned = bench.clean()
    (intent,) = bench.server.store.intents
    assert cleaned.remains
    assert cleaned.lines(bench.redactor) == [
        "clean-up: 1 intents, 0 were final, 0 canceled, 1 left",
        f"clean-up: {intent}: requires_capture: cancel is answered with HTTP 503",
    ]


def test_a_cancel_that_is_claimed_and_not_done_is_not_believed(tmp_path: Path) -> None:
    def spoil(request: httpx.Request) -> httpx.Response | None:
        shown = {"id": request.url.path.split("/")[-2], "amount": 2000, "status": "requires_capture"}
        return httpx.Response(200, json=shown) if request.url.path.endswith("/cancel") else None

    bench = Bench(tmp_path, spoil=spoil)
    bench.create(HELD)
    assert bench.clean().remains


def test_a_target_that_is_gone_is_asked_a_few_times_only(tmp_path: Path) -> None:
    def spoil(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    bench = Bench(tmp_path, spoil=spoil)
    for _ in range(20):
        bench.create(HELD)
    cleaned = bench.clean()
    assert cleaned.unreachable
    assert len(cleaned.left) == 20
    assert len(bench.sent) < 10


def test_a_provider_without_cancel_is_not_asked_and_it_is_said_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "dots")
    for _ in range(3):
        bench.create({"amount": 123, "currency": "usd"})
    cleaned = bench.clean()
    assert bench.sent == []
    assert cleaned.lines(bench.redactor) == ["clean-up: 3 intents cannot be canceled: Dots documents no cancel"]
    assert not cleaned.remains  # nor does it document a capture


# -- what another account has, and what a key has made that may not cancel it ----------------------------------------


def test_an_intent_of_another_account_is_canceled_with_that_ones_key(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create(HELD, credential="stranger")
    assert bench.clean().counts == {"intents": 1, "final": 0, "canceled": 1, "passing": 0, "left": 0}
    assert bench.open() == []


@pytest.mark.parametrize("lost", ["heard", "unheard"])
def test_the_same_key_of_another_account_is_another_key(lost: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.create(HELD, idempotency_key="k-1")
    bench.create(HELD, lost, idempotency_key="k-1", credential="stranger")
    assert bench.clean().counts == {"intents": 2, "final": 0, "canceled": 2, "passing": 0, "left": 0}
    assert {intent.account for intent in bench.server.store.intents.values()} == {"", "another account"}
    assert bench.open() == []


def test_an_intent_of_another_account_is_sought_in_that_ones_list(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    marked = {**HELD, "metadata": {"conformance_mark": "m-1"}}
    bench.create(marked, "heard", idempotency_key=None, credential="stranger")
    assert not bench.clean().remains
    assert bench.open() == []


def test_what_a_key_that_should_only_read_has_made_is_canceled_with_the_own_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    strict = bench.server.policies
    bench.server.policies = replace(strict, access=lambda call, intent: None)
    bench.create(HELD, credential="restricted")
    bench.server.policies = strict
    assert not bench.clean().remains
    assert bench.open() == []
