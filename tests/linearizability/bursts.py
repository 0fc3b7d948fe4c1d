"""Bursts told call by call, against the real contracts, as exchanges on the wire."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from conformance.contract import load_contract
from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.forms import encode_form
from conformance.linearizability import Call, Contradiction, Explanation, explain

load = lru_cache(load_contract)

Told = Mapping[str, Any]
# What each provider says when the status forbids a call.
BY_STATE = {
    "stripe": (400, {"type": "invalid_request_error", "code": "payment_intent_unexpected_state"}),
    "revkeen": (400, {"type": "invalid_request_error", "code": "invalid_state"}),
    "paypercut": (409, {"type": "invalid_request_error"}),
    "dots": (400, {"code": "invalid-transaction"}),
}


def shown(status: str, **members: Any) -> Told:
    """A success that shows the intent pi_1 of 2000, but for other ``members``."""
    return {"shown": {"id": "pi_1", "amount": 2000, "status": status, **members}}


def refused(status: int = 0, **error: Any) -> Told:
    """A refusal; by default the one that speaks of the intent's status."""
    return {"refused": (status, error)}


LOST: Told = {"lost": True}
BROKEN: Told = {"status": 500}
PAID = {"amount_received": 2000, "amount_capturable": 0}
HELD = {"amount_received": 0, "amount_capturable": 2000}


def call(operation: str, answer: Told, *asked: Told, key: str = "", at: tuple[float, float] = (0, 10)) -> Told:
    """A call with its answer; ``at`` are the seconds of its start and its end."""
    return {"operation": operation, "answer": answer, "asked": asked[0] if asked else {}, "key": key, "at": at}


def exchange(provider: str, number: int, told: Told) -> Exchange:
    """The exchange of a told call."""
    contract, answer = load(provider), told["answer"]
    operation = contract.operations[told["operation"]]
    form = "form" in operation.media_type
    media = "application/x-www-form-urlencoded" if form else "application/json"
    headers = [("Content-Type", media)] + ([("Idempotency-Key", told["key"])] if told["key"] else [])
    body = encode_form(told["asked"]) if form else json.dumps(told["asked"]).encode()
    path = re.sub(r"\{\w+\}", "pi_1", operation.path)
    request = Request(operation.method, "https://host.example" + path, tuple(headers), body)
    status = answer.get("status", 200)
    content: Any = answer.get("shown", {})
    if "refused" in answer:
        usual, error = BY_STATE[provider]
        status, error = (answer["refused"][0] or usual), (answer["refused"][1] or error)
        envelope = contract.settings["errors"]["object"].strip("/")
        content = {envelope: error} if envelope else error
    response = None if answer.get("lost") else Response(status, (), json.dumps(content).encode())
    started, ended = told["at"]
    return Exchange(number, request, response, credential="test", started=1000.0 + started, ended=1000.0 + ended)


def burst(
    provider: str, before: Told | None, calls: Sequence[Told], after: Told | None = None, most_steps: int = 200_000
) -> Explanation | Contradiction:
    """What is said of the calls; their exchanges are numbered from 1. ``shown`` makes ``before`` and ``after``."""
    contract = load(provider)
    told = [Call.of(exchange(provider, number, one), contract) for number, one in enumerate(calls, 1)]
    first, last = (None if one is None else one["shown"] for one in (before, after))
    return explain(contract, first, told, last, most_steps=most_steps)
