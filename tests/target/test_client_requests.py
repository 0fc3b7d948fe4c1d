"""The client: what of a contract's operations goes over the wire."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.contract import load_contract, provider_names

CONTRACTS = {name: load_contract(name) for name in provider_names()}
BODY = {"amount": 2000, "metadata": {"note": "a=b&c é"}, "payment_method_types": ["card"], "confirm": True}


def test_a_form_in_brackets(wire: Any) -> None:
    wire.client("stripe").call("create", body=BODY)
    assert wire.last.headers["content-type"] == "application/x-www-form-urlencoded"
    pairs = wire.last.content.decode().split("&")
    assert "amount=2000" in pairs
    assert "confirm=true" in pairs
    assert any(pair.startswith(("payment_method_types[", "payment_method_types%5B")) for pair in pairs)
    decoded = httpx.QueryParams(wire.last.content.decode())
    assert decoded["metadata[note]"] == "a=b&c é"


@pytest.mark.parametrize("provider", ["dots", "revkeen", "paypercut"])
def test_json(provider: str, wire: Any) -> None:
    wire.client(provider).call("create", body=BODY)
    assert wire.last.headers["content-type"] == "application/json"
    assert json.loads(wire.last.content) == BODY
    assert "é".encode() in wire.last.content


@pytest.mark.parametrize("provider", CONTRACTS)
def test_where_operations_go(provider: str, wire: Any) -> None:
    client = wire.client(provider, url="http://127.0.0.1:1/base/")
    for name, operation in CONTRACTS[provider].operations.items():
        client.call(name, "pi 1/../x", body={} if operation.method == "POST" else None)
        path = operation.path.replace(operation.path[operation.path.find("{") : operation.path.find("}") + 1], "@")
        expected = path.replace("@", "pi%201%2F..%2Fx") if "{" in operation.path else operation.path
        assert (wire.last.method, wire.last.url.raw_path.decode()) == (operation.method, "/base" + expected)


def test_a_retrieve_has_neither_body_nor_key(wire: Any) -> None:
    wire.client("stripe").call("retrieve", "pi_1", query={"expand": ["customer"]})
    assert wire.last.content == b""
    assert "content-type" not in wire.last.headers
    assert "idempotency-key" not in wire.last.headers
    assert dict(wire.last.url.params.multi_items()) in ({"expand[]": "customer"}, {"expand[0]": "customer"})


def test_a_literal_body_and_another_media_type(wire: Any) -> None:
    client = wire.client("dots")
    client.call("create", raw=b'{"amount":', media_type="text/plain")
    assert (wire.last.content, wire.last.headers["content-type"]) == (b'{"amount":', "text/plain")
    client.call("create", body={"amount": 1}, media_type="application/x-www-form-urlencoded")
    assert wire.last.content == b"amount=1"


@pytest.mark.parametrize("provider", CONTRACTS)
def test_the_version_header(provider: str, wire: Any) -> None:
    wire.client(provider).call("create", body={})
    versioning = CONTRACTS[provider].settings.get("versioning")
    if versioning:
        assert wire.last.headers[versioning["header"]] == versioning["value"]
    else:
        assert not [name for name in wire.last.headers if "version" in name]


@pytest.fixture
def keys(answering: Callable) -> Callable[..., list[str]]:
    """The idempotency keys of so many creates of one scenario."""

    def sent(*, scenario: str = "one", seed: int = 0, times: int = 3) -> list[str]:
        wire = answering(None)
        client = wire.client("stripe", seed=seed)
        client.scenario = scenario
        for _ in range(times):
            client.call("create", body={})
        return [request.headers["idempotency-key"] for request in wire.sent]

    return sent


def test_idempotency_keys_are_fresh_and_the_same_in_each_run(keys: Callable) -> None:
    assert keys() == keys()
    assert len(set(keys()) | set(keys(scenario="two")) | set(keys(seed=1))) == 9


def test_idempotency_keys_of_a_scenario_do_not_depend_on_the_others(keys: Callable, wire: Any) -> None:
    client = wire.client("stripe")
    for scenario in ("two", "one"):
        client.scenario = scenario
        client.call("create", body={})
    assert wire.last.headers["idempotency-key"] == keys(times=1)[0]


@pytest.mark.parametrize(("given", "sent"), [(None, None), ("mine", "mine")])
def test_idempotency_key_none_or_given(given: str | None, sent: str | None, wire: Any) -> None:
    wire.client("stripe").call("create", body={}, idempotency_key=given)
    assert wire.last.headers.get("idempotency-key") == sent


def test_no_key_where_the_provider_has_none(wire: Any) -> None:
    wire.client("dots").call("create", body={})
    assert "idempotency-key" not in wire.last.headers


def test_a_full_url_gets_no_credentials(wire: Any) -> None:
    exchange = wire.client("stripe").send("POST", "https://acs.example/pay?a=1", query={"outcome": "success"})
    assert str(wire.last.url).startswith("https://acs.example/pay?a=1")
    assert not {"authorization", "idempotency-key", "stripe-version"} & set(wire.last.headers)
    assert b"key_1" not in b"".join(value for _, value in wire.last.headers.raw)
    assert exchange.credential == "none"


def test_a_query_is_added_to_one_that_is_there(wire: Any) -> None:
    wire.client("stripe").send("GET", "https://acs.example/pay?a=1", query={"outcome": "success"})
    assert dict(wire.last.url.params) == {"a": "1", "outcome": "success"}


@pytest.mark.parametrize("credential", ["test", "none", "unknown"])
def test_the_class_of_credential_is_kept(credential: str, wire: Any) -> None:
    exchange = wire.client("stripe").call("create", body={}, credential=credential)
    assert exchange.credential == credential
    assert ("authorization" in wire.last.headers) is (credential != "none")
