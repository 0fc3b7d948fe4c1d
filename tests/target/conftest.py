"""A client on a transport that keeps what it is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.contract import load_contract
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.target.client import Client
from conformance.target.clock import Clock
from conformance.target.settings import make_target

Answer = Callable[[httpx.Request], httpx.Response]


class Wire:
    """A transport that keeps what it was sent and answers as told."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.sent: list[httpx.Request] = []
        self._answer = answer or (lambda request: httpx.Response(200, json={"id": "pi_1"}))

    def client(
        self,
        provider: str = "stripe",
        *,
        seed: int = 0,
        url: str = "http://127.0.0.1:1",
        clock: Clock | None = None,
        **given: Any,
    ) -> Client:
        def answer(request: httpx.Request) -> httpx.Response:
            self.sent.append(request)
            return self._answer(request)

        contract = load_contract(provider)
        target = make_target(contract, base_url=url, api_key="key_1", **given)
        transport = httpx.MockTransport(answer)
        return Client(contract, target, History(Redactor({})), seed=seed, transport=transport, clock=clock)

    @property
    def last(self) -> httpx.Request:
        return self.sent[-1]


@pytest.fixture
def wire() -> Wire:
    """Every request is answered with an intent."""
    return Wire()


@pytest.fixture
def answering() -> Callable[[Answer], Wire]:
    """Every request is answered by a function."""
    return Wire
