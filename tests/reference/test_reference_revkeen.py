"""The reference server as RevKeen."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

PATH = "/payment-intents"


@pytest.fixture
def revkeen(connect: Any) -> httpx.Client:
    client: httpx.Client = connect("revkeen")
    return client


@pytest.fixture
def methods(lent: Any) -> dict[str, str]:
    instruments: dict[str, str] = lent("revkeen")
    return instruments


@pytest.fixture
def minimal(methods: dict[str, str]) -> dict[str, Any]:
    return {"amount": 5000, "customer": methods["customer"]}


def confirm(client: httpx.Client, intent: dict[str, Any], **body: Any) -> httpx.Response:
    return client.post(f"{PATH}/{intent['id']}/confirm", json=body)


def read(client: httpx.Client, intent: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"{PATH}/{intent['id']}").json()
    return body


def test_create_has_the_documented_defaults(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    answer = revkeen.post(PATH, json={**minimal, "metadata": {"a": [1, None]}})
    intent = answer.json()
    assert (answer.status_code, answer.headers["RevKeen-Version"]) == (200, "2026-05-01")
    assert (intent["status"], intent["currency"], intent["capture_method"]) == (
        "requires_payment_method",
        "USD",
        "automatic",
    )
    assert intent["metadata"] == {"a": [1, None]}
    assert read(revkeen, intent) == intent


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"amount": None}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": "5000"}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": True}, "amount"),
        ({"customer": "not-a-uuid"}, "customer"),
        ({"customer": "00000000-0000-4000-8000-000000000000"}, "customer"),
        ({"currency": "US"}, "currency"),
        ({"capture_method": "later"}, "capture_method"),
        ({"description": "x" * 501}, "description"),
        ({"statement_descriptor": "x" * 23}, "statement_descriptor"),
        ({"receipt_email": "nobody"}, "receipt_email"),
        ({"metadata": []}, "metadata"),
        ({"zzz_unknown": 1}, "zzz_unknown"),
    ],
)
def test_create_refuses(revkeen: httpx.Client, minimal: dict[str, Any], change: dict[str, Any], param: str) -> None:
    answer = revkeen.post(PATH, json={**minimal, **change})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"], error["param"]) == (
        400,
        "invalid_request_error",
        "validation_error",
        param,
    )
    assert error["details"]["fields"][param]


def test_missing_members_are_refused(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    for name in minimal:
        rest = {key: value for key, value in minimal.items() if key != name}
        assert revkeen.post(PATH, json=rest).json()["error"]["param"] == name


@pytest.mark.parametrize(
    "body",
    [b'{"amount":', b"[]", b"\xff", b"NaN", b'{"amount": 1e999}', b"[" * 100_000, b'{"a":' * 90 + b"1" + b"}" * 90],
)
def test_garbled_json_is_a_client_error(revkeen: httpx.Client, body: bytes) -> None:
    answer = revkeen.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_confirm_pays_and_holds_and_takes_no_body(
    revkeen: httpx.Client, minimal: dict[str, Any], methods: dict[str, str]
) -> None:
    ready = revkeen.post(PATH, json={**minimal, "payment_method": methods["success"]}).json()
    assert (ready["status"], ready["payment_method"]) == ("requires_confirmation", methods["success"])
    paid = revkeen.post(f"{PATH}/{ready['id']}/confirm").json()
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 5000)
    manual = revkeen.post(PATH, json={**minimal, "capture_method": "manual"}).json()
    held = confirm(revkeen, manual, payment_method=methods["success"]).json()
    assert (held["status"], held["amount_capturable"], held["amount_received"]) == ("processing", 5000, 0)
    assert confirm(revkeen, paid).status_code == 400
    assert read(revkeen, paid) == paid


def test_decline_is_refused_and_recorded(
    revkeen: httpx.Client, minimal: dict[str, Any], methods: dict[str, str]
) -> None:
    intent = revkeen.post(PATH, json=minimal).json()
    answer = confirm(revkeen, intent, payment_method=methods["declined"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "card_declined")
    recorded = read(revkeen, intent)
    assert recorded["status"] == "requires_payment_method"
    assert recorded["last_payment_error"]["payment_method"]["id"] == methods["declined"]


@pytest.mark.parametrize(("outcome", "status"), [("success", "succeeded"), ("failure", "requires_payment_method")])
def test_action(
    revkeen: httpx.Client, minimal: dict[str, Any], methods: dict[str, str], outcome: str, status: str
) -> None:
    intent = revkeen.post(PATH, json=minimal).json()
    back = "https://example.com/return"
    pending = confirm(revkeen, intent, payment_method=methods["authentication"], return_url=back).json()
    redirect = pending["next_action"]["redirect_to_url"]
    assert (pending["status"], redirect["return_url"]) == ("requires_action", back)
    assert "/v2/" in redirect["url"]
    assert revkeen.get(redirect["url"], params={"outcome": outcome}).status_code == 200
    assert read(revkeen, intent)["status"] == status


def test_confirm_refuses_bad_values(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    intent = revkeen.post(PATH, json=minimal).json()
    for body, param in (
        ({"return_url": "::"}, "return_url"),
        ({"payment_method": "nope"}, "payment_method"),
        ({}, None),
    ):
        answer = confirm(revkeen, intent, **body)
        assert (answer.status_code, answer.json()["error"].get("param")) == (400, param)
    assert read(revkeen, intent) == intent


def test_cancel(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    intent = revkeen.post(PATH, json=minimal).json()
    assert revkeen.post(f"{PATH}/{intent['id']}/cancel", json={"cancellation_reason": "bored"}).status_code == 400
    canceled = revkeen.post(f"{PATH}/{intent['id']}/cancel", json={"cancellation_reason": "failed_invoice"}).json()
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "failed_invoice")
    assert canceled["canceled_at"].endswith("Z")
    assert revkeen.post(f"{PATH}/{intent['id']}/cancel").status_code == 400


def test_idempotency_keeps_refusals_and_counts_per_path(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "k"}
    first, again = (revkeen.post(PATH, json=minimal, headers=key) for _ in range(2))
    assert again.content == first.content
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    changed = revkeen.post(PATH, json={**minimal, "amount": 1}, headers=key)
    assert (changed.status_code, changed.json()["error"]["code"]) == (409, "idempotency_conflict")
    assert revkeen.post(f"{PATH}/{first.json()['id']}/cancel", headers=key).json()["status"] == "canceled"
    bad = {"Idempotency-Key": "bad"}
    refused, repeated = (revkeen.post(PATH, json={}, headers=bad) for _ in range(2))
    assert (refused.status_code, repeated.content) == (400, refused.content)
    assert repeated.headers["Idempotency-Replayed"] == "true"


def test_authentication(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    intent = revkeen.post(PATH, json=minimal).json()
    for key, status in (("rk_sandbox_read_only", 403), ("rk_sandbox_invalid", 401), ("", 401)):
        answer = revkeen.post(PATH, json=minimal, headers={"x-api-key": key})
        assert answer.status_code == status
    assert answer.headers["WWW-Authenticate"]
    assert revkeen.get(f"{PATH}/{intent['id']}", headers={"x-api-key": "rk_sandbox_read_only"}).status_code == 200


def test_unknown_ids_and_paths(revkeen: httpx.Client) -> None:
    for path in (f"{PATH}/pi_nobodys", "/payment-intentz"):
        answer = revkeen.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")
    assert revkeen.get(f"{PATH}/x/confirm").status_code == 405
    assert revkeen.get("http://reference.invalid/payment-intents/x").status_code == 404
