"""The reference server as a whole: a socket, concurrency, the official Stripe client, a replaced policy."""

from __future__ import annotations

import ast
import importlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

import conformance.reference
from conformance.reference import Policies, create_app, policies_of, provider_names, serve, target_settings

from .conftest import credentials

PATHS = {"stripe": "/v1/payment_intents", "paypercut": "/v1/payment_intents", "revkeen": "/payment-intents"}
BODIES: dict[str, dict[str, Any]] = {
    "stripe": {"data": {"amount": "2000", "currency": "usd", "payment_method_types[]": "card"}},
    "paypercut": {"json": {"amount": 2000, "currency": "EUR"}},
    "revkeen": {"json": {"amount": 2000, "customer": target_settings("revkeen")["instruments"]["customer"]}},
}


@pytest.mark.parametrize("provider", PATHS)
def test_concurrent_requests_with_one_key_make_one_intent(connect: Any, provider: str) -> None:
    """Twelve threads, one key: one of them carries it out, the others get its answer."""
    authorization = dict(connect(provider).headers)
    start = threading.Barrier(12)
    with serve(provider) as url, httpx.Client(headers=authorization) as client:

        def create(_: int) -> httpx.Response:
            start.wait()
            headers = {"Idempotency-Key": "one"}
            return client.post(url + PATHS[provider], headers=headers, **BODIES[provider])

        with ThreadPoolExecutor(12) as threads:
            answers = list(threads.map(create, range(12)))
    statuses = {answer.status_code for answer in answers}
    assert 200 in statuses
    assert statuses <= ({200} if provider == "paypercut" else {200, 409})
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 1


@pytest.mark.parametrize("provider", PATHS)
def test_two_threads_with_one_key_confirm_once(connect: Any, lent: Any, provider: str) -> None:
    client = connect(provider)
    intent = client.post(PATHS[provider], **BODIES[provider]).json()["id"]
    body = {"payment_method": lent(provider)["success"]}
    sent = {"data": body} if provider == "stripe" else {"json": body}
    start = threading.Barrier(2)

    def confirm(_: int) -> httpx.Response:
        start.wait()
        path = f"{PATHS[provider]}/{intent}/confirm"
        answer: httpx.Response = client.post(path, headers={"Idempotency-Key": "one"}, **sent)
        return answer

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(confirm, range(2))
    statuses = {first.status_code, second.status_code}
    assert 200 in statuses
    assert statuses <= ({200} if provider == "paypercut" else {200, 409})
    if statuses == {200}:
        assert first.content == second.content


def test_server_keeps_connections_and_stops() -> None:
    with serve("stripe") as url:
        with httpx.Client() as client:
            answers = [client.get(f"{url}/v1/payment_intents/x") for _ in range(3)]
        assert {answer.status_code for answer in answers} == {401}
        streams = {id(answer.extensions["network_stream"]) for answer in answers}
        assert len(streams) == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    assert not [thread for thread in threading.enumerate() if thread.name == "reference-server"]


@pytest.mark.parametrize("provider", provider_names())
def test_base_url_holds_the_base_path(provider: str) -> None:
    with serve(provider) as url:
        assert url.startswith("http://127.0.0.1:")
        assert url.endswith(target_settings(provider)["base_path"])


# -- the official client

BODY: Any = {"amount": 2000, "currency": "usd", "payment_method_types": ["card"]}


def client_at(url: str) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_reference", base_addresses={"api": url}, max_network_retries=0)


def test_official_client_creates_confirms_and_repeats() -> None:
    with serve("stripe") as url:
        intents = client_at(url).v1.payment_intents
        body: Any = {
            **BODY,
            "metadata": {"order": "1001"},
            "shipping": {"name": "Pat", "address": {"line1": "1 Street"}},
        }
        intent = intents.create(body, {"idempotency_key": "one"})
        assert intents.create(body, {"idempotency_key": "one"}).id == intent.id
        assert intents.create(body, {"idempotency_key": "two"}).id != intent.id
        assert intent.metadata["order"] == "1001"
        paid = intents.confirm(intent.id, {"payment_method": "pm_card_visa", "expand": ["latest_charge"]})
        assert paid.status == "succeeded"
        assert isinstance(paid.latest_charge, stripe.Charge)
        assert intents.retrieve(intent.id).amount_received == 2000
        with pytest.raises(stripe.IdempotencyError):
            intents.create(body | {"amount": 3000}, {"idempotency_key": "one"})


def test_official_client_sees_a_decline_as_a_card_error() -> None:
    with serve("stripe") as url:
        intents = client_at(url).v1.payment_intents
        intent = intents.create(BODY)
        with pytest.raises(stripe.CardError) as caught:
            intents.confirm(intent.id, {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"})
        error = caught.value.error
        assert error is not None
        assert (caught.value.http_status, caught.value.code) == (402, "card_declined")
        assert error.decline_code == "insufficient_funds"
        assert error.payment_intent is not None
        assert error.payment_intent.status == "requires_payment_method"
        assert caught.value.request_id


def test_official_client_sees_its_own_mistakes() -> None:
    with serve("stripe") as url:
        intents = client_at(url).v1.payment_intents
        with pytest.raises(stripe.InvalidRequestError) as caught:
            intents.retrieve("pi_nobodys")
        assert (caught.value.code, caught.value.param) == ("resource_missing", "intent")
        wrong = stripe.StripeClient("sk_test_nobody", base_addresses={"api": url}, max_network_retries=0)
        with pytest.raises(stripe.AuthenticationError):
            wrong.v1.payment_intents.retrieve("pi_nobodys")


# -- composition


def test_one_replaced_policy_makes_a_faulty_server(connect: Any) -> None:
    good = policies_of("stripe")
    upper = replace(good, rendering=lambda intent, view: {**good.rendering(intent, view), "currency": "USD"})
    faulty, sound = connect("stripe", upper), connect("stripe")
    answers = [client.post(PATHS["stripe"], **BODIES["stripe"]).json() for client in (faulty, sound)]
    assert [answer["currency"] for answer in answers] == ["USD", "usd"]


def test_servers_share_no_memory(connect: Any) -> None:
    one, other = connect("stripe"), connect("stripe")
    intent = one.post(PATHS["stripe"], **BODIES["stripe"]).json()["id"]
    assert one.get(f"{PATHS['stripe']}/{intent}").status_code == 200
    assert other.get(f"{PATHS['stripe']}/{intent}").status_code == 404


def test_settings_are_a_copy() -> None:
    target_settings("stripe")["instruments"].clear()
    assert target_settings("stripe")["instruments"]


def test_unknown_provider_is_named() -> None:
    with pytest.raises(ValueError, match="acme"):
        create_app("acme")


def test_policies_cannot_be_changed_in_place() -> None:
    policies: Policies = policies_of("dots")
    with pytest.raises(AttributeError):
        policies.base_path = "/elsewhere"  # type: ignore[misc]


def test_nothing_else_of_the_project_is_imported() -> None:
    """The server keeps its own idea of everything, or it could not find a slip of the suite."""
    folder = Path(conformance.reference.__file__).parent
    foreign = []
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            foreign += [
                name
                for name in names
                if name.startswith("conformance") and not name.startswith("conformance.reference")
            ]
    assert foreign == []
    assert importlib.import_module("conformance.reference.choices").__doc__


@pytest.mark.parametrize("provider", provider_names())
def test_another_account_is_shown_nothing_of_ours(connect: Any, lent: Any, provider: str) -> None:
    client, methods = connect(provider), lent(provider)
    path = PATHS.get(provider, "/v2/payment-intents")
    body = BODIES.get(provider, {"json": {"amount": 123, "currency": "usd"}})
    stranger = credentials(provider, methods["stranger_key"])
    own = client.post(path, headers={"Idempotency-Key": "one"}, **body).json()["id"]
    theirs = client.post(path, headers={"Idempotency-Key": "one", **stranger}, **body).json()["id"]
    assert own != theirs
    assert (
        client.get(f"{path}/{theirs}").status_code == client.get(f"{path}/{own}", headers=stranger).status_code == 404
    )
    named = {"json": {"payment_method_id": methods["success"]}} if provider == "dots" else {}
    for operation in ("confirm",) if provider == "dots" else ("confirm", "capture", "cancel"):
        assert client.post(f"{path}/{own}/{operation}", headers=stranger, **named).status_code == 404
