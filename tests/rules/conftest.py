"""Histories told answer by answer against the real contracts, and what one row says of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest

from conformance.contract import Contract, Requirement, load_contract
from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.finding import Outcome
from conformance.evidence.forms import encode_form
from conformance.rules.judge import judge_history

NOW = 1_756_300_000.0
SAMPLES = {"stripe": "payment_intent.requires_payment_method.json", "dots": "payment_intent.created.json"}

load = lru_cache(load_contract)


def intent_of(contract: Contract, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The contract's sample with other members; one that is given as ``...`` is left out."""
    sample = json.loads((contract.folder / "examples" / SAMPLES[contract.name]).read_text())
    return {name: value for name, value in {**sample, **changes}.items() if value is not ...}


def exchange_of(
    contract: Contract,
    number: int,
    operation: str = "create",
    *,
    shown: Mapping[str, Any] | None = None,
    refused: Mapping[str, Any] | None = None,
    embedded: Mapping[str, Any] | None = None,
    body: Any = None,
    status: int = 0,
    path: str = "",
    method: str = "",
    asked: Mapping[str, Any] | None = None,
    sent: Mapping[str, str] | None = None,
    answered: Mapping[str, str | None] | None = None,
    **more: Any,
) -> Exchange:
    """One exchange: ``shown`` are members of the intent it answers, ``refused`` those of the error, else ``body``.

    ``embedded`` are members of an intent inside the error, ``asked`` those of the request; ``path`` and ``method``
    replace those of the operation; ``sent`` and ``answered`` are headers.
    """
    if shown is not None:
        body = intent_of(contract, shown)
    elif refused is not None:
        inside = {} if embedded is None else {"payment_intent": intent_of(contract, embedded)}
        envelope = contract.settings["errors"]["object"].strip("/")
        body = {envelope: {**refused, **inside}} if envelope else dict(refused)
    held = contract.operations[operation] if operation else None
    about = intent_of(contract, embedded) if embedded is not None else body
    identifier = about.get("id", "pi_1") if isinstance(about, dict) else "pi_1"
    path = path or re.sub(r"\{\w+\}", str(identifier), held.path if held else "")
    form = held is None or "form" in held.media_type
    content = b"" if asked is None else encode_form(asked) if form else json.dumps(asked).encode()
    told = {"Content-Type": "application/json", **(answered or {})}
    headers = {"Content-Type": "application/x-www-form-urlencoded" if form else "application/json", **(sent or {})}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange(
        **{"credential": "test", "scenario": "told", "started": NOW + number, "ended": NOW + number + 0.5, **more},
        number=number,
        request=Request(
            method or (held.method if held else "GET"),
            "https://host.example/base" + path,
            tuple(headers.items()),
            content,
        ),
        response=Response(
            status or (200 if refused is None else 400),
            tuple((name, value) for name, value in told.items() if value is not None),
            raw,
        ),
    )


@pytest.fixture
def exchange() -> Callable[..., Exchange]:
    """``exchange_of`` for a provider's name."""
    return lambda provider, number=1, **told: exchange_of(load(provider), number, **told)


@pytest.fixture
def judge() -> Callable[..., Outcome]:
    """``judge(check, args, told)``: the outcome of one row; ``rows`` are others (check, args) of the catalogue."""

    def judged(
        check: str,
        args: Mapping[str, Any],
        told: Sequence[Mapping[str, Any]],
        provider: str = "stripe",
        rows: Sequence[tuple[str, Mapping[str, Any]]] = (),
        secrets: Mapping[str, str] | None = None,
    ) -> Outcome:
        made = [
            Requirement(f"X-{index}", "MUST", "shape", "A fact.", (), check=name, args=given)
            for index, (name, given) in enumerate([(check, args), *rows], 1)
        ]
        contract = replace(load(provider), requirements={row.id: row for row in made})
        history = [exchange_of(contract, number, **one) for number, one in enumerate(told, 1)]
        (outcome,) = judge_history(contract, history, made[:1], secrets=secrets)
        return outcome

    return judged
