"""Classes of credentials, under each scheme that a provider documents."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from conformance.contract import Contract, load_contract, provider_names
from conformance.target.credentials import authorization, present, scheme_name

CONTRACTS = {name: load_contract(name) for name in provider_names()}
STRIPE = CONTRACTS["stripe"]
BASIC = next(name for name, definition in STRIPE.security.items() if scheme_name(definition) == "basic")


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    ("definition", "name"),
    [
        ({"type": "http", "scheme": "bearer"}, "bearer"),
        ({"type": "http", "scheme": "Basic"}, "basic"),
        ({"type": "apiKey", "in": "header", "name": "X-Api-Key"}, "header:X-Api-Key"),
        ({"type": "oauth2", "flows": {}}, "bearer"),
        ({"type": "openIdConnect"}, "bearer"),
    ],
)
def test_scheme_names(definition: Mapping[str, Any], name: str) -> None:
    assert scheme_name(definition) == name


@pytest.mark.parametrize(
    ("scheme", "key", "headers"),
    [
        ("bearer", "k", bearer("k")),
        ("basic", "k", basic("k:")),
        ("basic", "client:k", basic("client:k")),
        ("basic", "clé:k", basic("clé:k")),
        ("header:X-Api-Key", "k", {"X-Api-Key": "k"}),
    ],
)
def test_authorization(scheme: str, key: str, headers: dict[str, str]) -> None:
    assert authorization(scheme, key) == headers


OWN = {
    "stripe": ("sk_test_1", bearer("sk_test_1")),
    "paypercut": ("sk_test_1", bearer("sk_test_1")),
    "dots": ("client:key", basic("client:key")),
    "revkeen": ("rk_sandbox_1", {"x-api-key": "rk_sandbox_1"}),
}


@pytest.mark.parametrize("provider", OWN)
def test_the_own_key_under_the_default_scheme(provider: str) -> None:
    key, headers = OWN[provider]
    shown = present(CONTRACTS[provider], "test", {"api_key": key})
    assert {name.lower(): value for name, value in shown.items()} == {
        name.lower(): value for name, value in headers.items()
    }


@pytest.mark.parametrize("provider", CONTRACTS)
def test_an_unknown_key_goes_the_same_way_as_the_own(provider: str) -> None:
    contract = CONTRACTS[provider]
    key = contract.settings["authentication"]["unknown_key"]
    assert present(contract, "unknown", {"api_key": "own"}) == present(contract, "test", {"api_key": key})
    assert present(contract, "unknown", {"api_key": "own"}) != present(contract, "test", {"api_key": "own"})


@pytest.mark.parametrize("provider", CONTRACTS)
def test_no_credential_sends_nothing(provider: str) -> None:
    assert present(CONTRACTS[provider], "none", {"api_key": "own"}) == {}


@pytest.mark.parametrize(
    ("credential", "headers"),
    [
        ("bearer", bearer("client:key")),
        ("basic", basic("client:key")),
        ("empty_password", basic("client:")),
        ("publishable", basic("pk_test_1:")),
        ("organisation", basic("org:key")),
    ],
)
def test_classes(credential: str, headers: dict[str, str]) -> None:
    keys = {"api_key": "client:key", "publishable_key": "pk_test_1", "organisation_key": "org:key"}
    assert present(CONTRACTS["dots"], credential, keys) == headers


def test_no_base64_at_all() -> None:
    (value,) = present(CONTRACTS["dots"], "not_base64", {"api_key": "client:key"}).values()
    scheme, _, token = value.partition(" ")
    assert scheme == "Basic"
    with pytest.raises(ValueError):
        base64.b64decode(token, validate=True)


def test_another_documented_scheme() -> None:
    assert present(STRIPE, "test", {"api_key": "sk_test_1"}, BASIC) == basic("sk_test_1:")


def test_a_scheme_of_the_contract_decides_not_the_provider() -> None:
    def under(definition: dict[str, str]) -> Contract:
        settings = {**STRIPE.settings, "authentication": {"scheme": "any", "unknown_key": "nobody"}}
        return replace(STRIPE, settings=settings, security={"any": definition})

    keys = {"api_key": "k"}
    assert present(under({"type": "http", "scheme": "basic"}), "test", keys) == basic("k:")
    assert present(under({"type": "apiKey", "name": "X-Key"}), "unknown", keys) == {"X-Key": "nobody"}


@pytest.mark.parametrize("credential", ["publishable", "read_only"])
def test_a_key_that_is_not_lent(credential: str) -> None:
    with pytest.raises(KeyError, match=f"{credential}_key"):
        present(STRIPE, credential, {"api_key": "sk_test_1"})
