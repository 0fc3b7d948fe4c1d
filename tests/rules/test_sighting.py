"""An exchange as a contract reads it: which operation, whose intent, which intents and errors it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.contract import load_contract
from conformance.evidence.exchange import Exchange
from conformance.sighting import read_history, resolve

Make = Callable[..., Exchange]

INTENTS = "/v1/payment_intents"
SOURCES = INTENTS + "/pi_1/sources"  # no operation of the contract


@pytest.mark.parametrize(
    ("method", "path", "operation", "intent"),
    [
        ("POST", INTENTS, "create", ""),
        ("POST", INTENTS + "/", "create", ""),
        ("GET", INTENTS + "/pi_1", "retrieve", "pi_1"),
        ("GET", INTENTS + "/pi%201", "retrieve", "pi 1"),
        ("POST", INTENTS + "/pi_1/confirm", "confirm", "pi_1"),
        ("POST", INTENTS + "/pi_1/cancel/", "cancel", "pi_1"),
        ("GET", INTENTS, "list", ""),
        ("GET", INTENTS + "/search", "search", ""),
        ("POST", INTENTS + "/pi_1", "update", "pi_1"),
        ("POST", INTENTS + "/search", "update", "search"),
        ("DELETE", INTENTS + "/pi_1", "", "pi_1"),
        ("POST", INTENTS + "/pi_1/capture", "capture", "pi_1"),
        ("POST", INTENTS + "/pi_1/sources", "", "pi_1"),
        ("GET", INTENTS + "/pi_1/confirm", "", "pi_1"),
    ],
)
def test_operations(exchange: Make, method: str, path: str, operation: str, intent: str) -> None:
    (seen,) = read_history(load_contract("stripe"), [exchange("stripe", method=method, path=path, body={})])
    assert (seen.operation, seen.intent) == (operation, intent)


@pytest.mark.parametrize(
    "path", ["/v1/charges", "/v1/payment_intents_old", "/v1/payment_intent", "/v2/payment-intents"]
)
def test_what_is_not_of_the_api(exchange: Make, path: str) -> None:
    assert read_history(load_contract("stripe"), [exchange("stripe", path=path, body={})]) == []


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"body": {"id": "pi_1"}}, ["pi_1"]),
        ({"body": {"id": "pi_1"}, "status": 201}, ["pi_1"]),
        ({"body": {"id": "pi_1"}, "status": 300}, []),
        ({"body": {"id": "pi_1"}, "status": 400}, []),
        ({"body": [{"id": "pi_1", "amount": 1}]}, ["pi_1"]),
        ({"body": b"no"}, []),
        ({"operation": "", "path": SOURCES, "body": [{"id": "pi_1", "amount": 1}]}, ["pi_1"]),
        ({"operation": "", "path": SOURCES, "body": {"data": [{"id": "pi_1", "amount": 1}, {"id": "x"}, 5]}}, ["pi_1"]),
        ({"operation": "", "path": SOURCES, "body": {"data": [{"id": "c", "amount": 1, "object": "charge"}]}}, []),
        ({"operation": "", "path": SOURCES, "body": {"id": "pi_1", "amount": 1}}, ["pi_1"]),
        ({"operation": "list", "body": {"data": [{"id": "pi_1", "amount": 1}, {"id": "x"}, 5]}}, ["pi_1", "x"]),
        ({"operation": "list", "body": [{"id": "pi_1", "amount": 1}]}, []),
        ({"operation": "list", "body": {"id": "pi_1", "amount": 1}}, []),
        ({"path": INTENTS + "/search", "method": "GET", "body": {"data": [{"id": "pi_1", "amount": 1}]}}, ["pi_1"]),
        ({"path": INTENTS + "/search", "method": "GET", "body": {"object": "search_result", "data": []}}, []),
    ],
)
def test_intents(exchange: Make, told: dict[str, Any], shown: list[str]) -> None:
    (seen,) = read_history(load_contract("stripe"), [exchange("stripe", **told)])
    assert [intent["id"] for intent in seen.intents] == shown


@pytest.mark.parametrize(
    ("provider", "told", "error", "embedded"),
    [
        ("stripe", {"refused": {"type": "x"}}, {"type": "x"}, False),
        ("stripe", {"body": {"error": {"type": "x"}}}, None, False),
        ("stripe", {"body": {"message": "flat"}, "status": 400}, None, False),
        ("stripe", {"body": {"error": "text"}, "status": 400}, None, False),
        ("stripe", {"body": b"no", "status": 400}, None, False),
        ("stripe", {"body": {"error": {"payment_intent": "pi_1"}}, "status": 400}, {"payment_intent": "pi_1"}, False),
        ("dots", {"refused": {"message": "flat"}}, {"message": "flat"}, False),
    ],
)
def test_errors(
    exchange: Make, provider: str, told: dict[str, Any], error: dict[str, Any] | None, embedded: bool
) -> None:
    (seen,) = read_history(load_contract(provider), [exchange(provider, **told)])
    assert seen.error == error
    assert (seen.embedded is not None) == embedded


def test_an_embedded_intent(exchange: Make) -> None:
    (seen,) = read_history(load_contract("stripe"), [exchange("stripe", refused={}, embedded={"id": "pi_9"})])
    assert seen.embedded is not None
    assert seen.embedded["id"] == "pi_9"
    assert seen.intents == ()


def test_what_was_asked(exchange: Make) -> None:
    asked = {"amount": 5, "payment_method_types": ["card"], "metadata": {"a": "b"}}
    (form,) = read_history(load_contract("stripe"), [exchange("stripe", shown={}, asked=asked)])
    assert form.asked == {"amount": "5", "payment_method_types": ["card"], "metadata": {"a": "b"}}
    (told,) = read_history(load_contract("dots"), [exchange("dots", shown={}, asked=asked)])
    assert told.asked == asked
    (without,) = read_history(load_contract("dots"), [exchange("dots", shown={})])
    assert without.asked == {}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("", {"a": [{"b/c": 1}]}), ("/a/0/b~1c", 1), ("/a/1", None), ("/a/x", None), ("/a/0/b~1c/d", None), ("/z", None)],
)
def test_resolves_pointers(pointer: str, value: Any) -> None:
    assert resolve({"a": [{"b/c": 1}]}, pointer) == value
