"""The reference server as Dots."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

PATH = "/v2/payment-intents"
CREATE = {"amount": 123, "currency": "usd"}
NOBODYS = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def dots(connect: Any) -> httpx.Client:
    client: httpx.Client = connect("dots")
    return client


@pytest.fixture
def methods(lent: Any) -> dict[str, str]:
    instruments: dict[str, str] = lent("dots")
    return instruments


def create(client: httpx.Client, **more: Any) -> dict[str, Any]:
    answer = client.post(PATH, json={**CREATE, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def confirm(client: httpx.Client, intent: dict[str, Any], **body: Any) -> httpx.Response:
    return client.post(f"{PATH}/{intent['id']}/confirm", json=body)


def read(client: httpx.Client, intent: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"{PATH}/{intent['id']}").json()
    return body


def test_create_shows_the_client_secret_once(dots: httpx.Client) -> None:
    intent = create(dots, description="x", zzz_undocumented=1)
    assert set(intent) == {"id", "amount", "currency", "status", "client_secret"}
    assert UUID(intent["id"])
    secret = intent.pop("client_secret")
    assert secret
    assert read(dots, intent) == intent


def test_metadata_is_a_boolean_or_an_object(dots: httpx.Client) -> None:
    assert create(dots, metadata={"k": "v"})["metadata"] == {"k": "v"}
    assert "metadata" not in create(dots, metadata=True)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0},
        {"amount": "123"},
        {"amount": 1.5},
        {"currency": "eur"},
        {"confirm": "yes"},
        {"user_id": "x"},
        {"customer_id": "x"},
        {"payment_method_id": "x"},
        {"payment_method_id": NOBODYS},
        {"payment_method_types": ["ach"]},
        {"payment_method_types": "card"},
        {"setup_future_usage": "off_session"},
        {"application_fee_amount": -1},
        {"application_fee_amount": 124},
        {"transfer_data": {"destination_user_id": "x"}},
        {"transfer_data": "x"},
        {"description": 5},
        {"description": None},
        {"confirm": True},
    ],
)
def test_create_refuses(dots: httpx.Client, change: dict[str, Any]) -> None:
    answer = dots.post(PATH, json={**CREATE, **change})
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert isinstance(answer.json()["error"], str)


@pytest.mark.parametrize("name", ["amount", "currency"])
def test_required_members(dots: httpx.Client, name: str) -> None:
    assert dots.post(PATH, json={key: CREATE[key] for key in CREATE if key != name}).status_code == 400


def test_confirm_pays_once(dots: httpx.Client, methods: dict[str, str]) -> None:
    intent = create(dots)
    paid = confirm(dots, intent, payment_method_id=methods["success"]).json()
    assert (paid["status"], paid["payment_method_id"]) == ("succeeded", methods["success"])
    assert UUID(paid["transfer_id"])
    assert "client_secret" not in paid
    assert confirm(dots, intent, payment_method_id=methods["success"]).status_code == 400
    assert read(dots, intent) == paid
    assert create(dots, confirm=True, payment_method_id=methods["success"])["status"] == "succeeded"


@pytest.mark.parametrize(
    "body", [{}, {"payment_method_id": 5}, {"payment_method_id": None}, {"payment_method_id": NOBODYS}]
)
def test_confirm_refuses(dots: httpx.Client, body: dict[str, Any]) -> None:
    intent = create(dots)
    assert confirm(dots, intent, **body).status_code == 400
    assert read(dots, intent)["status"] == "requires_payment_method"


def test_decline_fails_the_intent(dots: httpx.Client, methods: dict[str, str]) -> None:
    intent = create(dots)
    assert confirm(dots, intent, payment_method_id=methods["declined"]).status_code == 402
    assert read(dots, intent)["status"] == "failed"
    pending = confirm(dots, create(dots), payment_method_id=methods["authentication"])
    assert (pending.status_code, pending.json()["status"]) == (200, "requires_action")


def test_idempotency_key_header_is_harmless(dots: httpx.Client) -> None:
    key = {"Idempotency-Key": "k"}
    first, again = (dots.post(PATH, json=CREATE, headers=key) for _ in range(2))
    assert (again.status_code, again.json()["id"] != first.json()["id"]) == (200, True)


def test_list_is_an_array_of_all_newest_first(dots: httpx.Client, methods: dict[str, str]) -> None:
    assert dots.get(PATH).json() == []
    older, newer = create(dots), create(dots, payment_method_id=methods["success"])
    paid = confirm(dots, older, payment_method_id=methods["success"]).json()
    for query in ("", "?limit=1&starting_after=x"):
        answer = dots.get(PATH + query)
        assert (answer.status_code, answer.json()) == (200, [read(dots, newer), paid])
    assert "client_secret" not in answer.text


def test_key_in_the_body_gives_the_first_answer_again(dots: httpx.Client) -> None:
    key = "5C0D0000-0000-4000-8000-000000000001"
    first = create(dots, idempotency_key=key)
    assert create(dots, idempotency_key=key.lower(), amount=999) == first
    assert create(dots, idempotency_key=NOBODYS)["id"] != first["id"]


def test_key_of_a_refused_create_is_still_new(dots: httpx.Client) -> None:
    assert dots.post(PATH, json={**CREATE, "amount": 0, "idempotency_key": NOBODYS}).status_code == 400
    assert create(dots, idempotency_key=NOBODYS)["status"] == "requires_payment_method"


@pytest.mark.parametrize("key", ["k", 5, None])
def test_key_in_the_body_is_a_uuid(dots: httpx.Client, key: Any) -> None:
    assert dots.post(PATH, json={**CREATE, "idempotency_key": key}).status_code == 400


@pytest.mark.parametrize("identifier", [NOBODYS, "abc"])
def test_unknown_intent_is_the_documented_404(dots: httpx.Client, identifier: str, methods: dict[str, str]) -> None:
    read_it = dots.get(f"{PATH}/{identifier}")
    confirm_it = dots.post(f"{PATH}/{identifier}/confirm", json={"payment_method_id": methods["success"]})
    for answer in (read_it, confirm_it):
        assert (answer.status_code, answer.json()["error"]) == (404, "PaymentIntent not found")


def test_only_documented_operations_are_served(dots: httpx.Client) -> None:
    assert dots.get(f"{PATH}/x/confirm").status_code == 405
    assert dots.post(f"{PATH}/x").status_code == 405
    for operation in ("cancel", "capture"):
        assert dots.post(f"{PATH}/x/{operation}").status_code == 404
    assert dots.post(PATH, content=b'{"amount":').status_code == 400


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer reference-key", "Basic %%%", "Basic cmVmZXJlbmNlLWNsaWVudDo=", "Basic cmVmZXJlbmNlLWNsaWVudDp4"],
)
def test_authentication(dots: httpx.Client, authorization: str) -> None:
    answer = dots.post(PATH, json=CREATE, headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.json()["message"]


def test_organisation_names_its_app(dots: httpx.Client) -> None:
    auth = ("reference-organisation", "reference-key")
    del dots.headers["Authorization"]
    assert dots.post(PATH, json=CREATE, auth=auth, headers={"Api-App-Id": "reference-app"}).status_code == 200
    assert dots.post(PATH, json=CREATE, auth=auth).status_code == 403
