"""The reference server as Paypercut."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

PATH = "/v1/payment_intents"
CREATE = {"amount": 2000, "currency": "EUR"}


@pytest.fixture
def paypercut(connect: Any) -> httpx.Client:
    client: httpx.Client = connect("paypercut")
    return client


@pytest.fixture
def methods(lent: Any) -> dict[str, str]:
    instruments: dict[str, str] = lent("paypercut")
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


def test_create(paypercut: httpx.Client) -> None:
    intent = create(paypercut)
    assert intent["currency"] == {"iso": "eur", "scale": 2}
    assert (intent["status"], intent["payment_method"], intent["latest_payment"]) == (
        "requires_payment_method",
        None,
        None,
    )
    assert intent["created"].endswith("Z")
    assert "next_action" not in intent
    assert read(paypercut, intent) == intent


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"amount": "2000"}, "parameter_invalid", "amount"),
        ({"amount": 49}, "parameter_invalid", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"currency": "ZZZ"}, "parameter_invalid", "currency"),
        ({"currency": {"iso": "eur"}}, "parameter_invalid", "currency"),
        ({"capture_method": "later"}, "parameter_invalid", "capture_method"),
        ({"setup_future_usage": "always"}, "parameter_invalid", "setup_future_usage"),
        ({"confirm": "yes"}, "parameter_invalid", "confirm"),
        ({"customer": "c" * 101}, "parameter_invalid", "customer"),
        ({"off_session": True}, "parameter_invalid", "off_session"),
        ({"off_session": "sometimes", "confirm": True}, "parameter_invalid", "off_session"),
        ({"payment_method_data": {"type": "bank"}}, "parameter_invalid", "payment_method_data.type"),
        (
            {"payment_method_options": {"card": {"request_three_d_secure": "never"}}},
            "parameter_invalid",
            "payment_method_options.card.request_three_d_secure",
        ),
        (
            {"payment_method_options": {"card": {"three_d_secure": {"cryptogram": "x", "version": "2.2.0"}}}},
            "missing_required_param",
            "payment_method_options.card.three_d_secure.transaction_id",
        ),
    ],
)
def test_create_refuses(paypercut: httpx.Client, change: dict[str, Any], code: str, param: str) -> None:
    answer = paypercut.post(PATH, json={**CREATE, **change})
    error = answer.json()
    assert (answer.status_code, error["type"], error["code"], error["param"]) == (
        400,
        "invalid_request_error",
        code,
        param,
    )
    assert error["trace_id"]


def test_missing_amount_is_named(paypercut: httpx.Client) -> None:
    error = paypercut.post(PATH, json={"currency": "EUR"}).json()
    assert (error["code"], error["param"]) == ("missing_required_param", "amount")


def test_confirm_pays_holds_and_replaces_the_setup(paypercut: httpx.Client, methods: dict[str, str]) -> None:
    intent = create(paypercut, payment_method=methods["success"], setup_future_usage="on_session")
    assert (intent["status"], intent["payment_method"]) == ("requires_confirmation", methods["success"])
    paid = confirm(paypercut, intent, setup_future_usage="off_session").json()
    assert (paid["status"], paid["amount_received"], paid["setup_future_usage"]) == ("succeeded", 2000, "off_session")
    assert paid["latest_payment"]
    held = create(paypercut, payment_method=methods["success"], capture_method="manual", confirm=True)
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 2000)


def test_decline(paypercut: httpx.Client, methods: dict[str, str]) -> None:
    intent = create(paypercut)
    answer = confirm(paypercut, intent, payment_method=methods["declined"])
    error = answer.json()
    assert (answer.status_code, error["type"], error["code"]) == (422, "card_error", "card_declined")
    assert error["decline_code"]
    assert error["advice_code"]
    after = read(paypercut, intent)
    assert (after["status"], bool(after["latest_payment"])) == ("requires_payment_method", True)
    assert confirm(paypercut, intent, payment_method=methods["success"]).json()["status"] == "succeeded"


@pytest.mark.parametrize(("outcome", "status"), [("success", "succeeded"), ("failure", "requires_payment_method")])
def test_action(paypercut: httpx.Client, methods: dict[str, str], outcome: str, status: str) -> None:
    intent = create(paypercut)
    pending = confirm(paypercut, intent, payment_method=methods["authentication"]).json()
    assert (pending["status"], pending["next_action"]["type"]) == ("requires_action", "redirect_to_url")
    paypercut.get(pending["next_action"]["redirect_to_url"]["url"], params={"outcome": outcome})
    after = read(paypercut, intent)
    assert after["status"] == status
    assert "next_action" not in after


def test_demanded_challenge_is_a_three_d_secure_action(paypercut: httpx.Client, methods: dict[str, str]) -> None:
    options = {"payment_method_options": {"card": {"request_three_d_secure": "challenge"}}}
    pending = confirm(paypercut, create(paypercut), payment_method=methods["success"], **options).json()
    action = pending["next_action"]["three_d_secure"]
    assert (pending["status"], action["flow"]) == ("requires_action", "challenge")
    assert paypercut.get(action["status_url"], params={"outcome": "success"}).status_code == 200


@pytest.fixture
def held(paypercut: httpx.Client, methods: dict[str, str]) -> dict[str, Any]:
    return create(paypercut, payment_method=methods["success"], capture_method="manual", confirm=True)


def capture(client: httpx.Client, intent: dict[str, Any], **body: Any) -> httpx.Response:
    return client.post(f"{PATH}/{intent['id']}/capture", json=body)


def money(intent: dict[str, Any]) -> tuple[str, int, int]:
    return intent["status"], intent["amount_received"], intent["amount_capturable"]


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ({}, ("succeeded", 2000, 0)),
        ({"amount_to_capture": 2000}, ("succeeded", 2000, 0)),
        ({"amount_to_capture": 1}, ("requires_capture", 1, 1999)),
        ({"amount_to_capture": 1999, "final_capture": False}, ("requires_capture", 1999, 1)),
        ({"amount_to_capture": 1999, "final_capture": True}, ("succeeded", 1999, 0)),
        ({"final_capture": True, "zzz_undocumented": 1}, ("succeeded", 2000, 0)),
    ],
)
def test_capture(
    paypercut: httpx.Client, held: dict[str, Any], body: dict[str, Any], after: tuple[str, int, int]
) -> None:
    answer = capture(paypercut, held, **body)
    assert (answer.status_code, money(answer.json())) == (200, after)
    assert read(paypercut, held) == answer.json()


def test_captures_in_parts_use_up_what_is_held(paypercut: httpx.Client, held: dict[str, Any]) -> None:
    capture(paypercut, held, amount_to_capture=1500)
    assert capture(paypercut, held, amount_to_capture=501).status_code == 400
    assert money(capture(paypercut, held).json()) == ("succeeded", 2000, 0)
    assert capture(paypercut, held).status_code == 409


def test_rest_of_a_capture_is_released_by_cancel(paypercut: httpx.Client, held: dict[str, Any]) -> None:
    capture(paypercut, held, amount_to_capture=1500)
    assert money(paypercut.post(f"{PATH}/{held['id']}/cancel", json={}).json()) == ("canceled", 1500, 0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"amount_to_capture": 2001}, "amount_too_large"),
        ({"amount_to_capture": 0}, "parameter_invalid"),
        ({"amount_to_capture": -1}, "parameter_invalid"),
        ({"amount_to_capture": "5"}, "parameter_invalid"),
        ({"amount_to_capture": 1.5}, "parameter_invalid"),
        ({"final_capture": "yes"}, "parameter_invalid"),
    ],
)
def test_capture_refuses(paypercut: httpx.Client, held: dict[str, Any], body: dict[str, Any], code: str) -> None:
    answer = capture(paypercut, held, **body)
    error = answer.json()
    assert (answer.status_code, error["type"], error["code"]) == (400, "invalid_request_error", code)
    assert error["param"] == next(iter(body))
    assert read(paypercut, held) == held


def test_capture_needs_held_money(paypercut: httpx.Client, methods: dict[str, str]) -> None:
    ready = create(paypercut, payment_method=methods["success"])
    paid = create(paypercut, payment_method=methods["success"], confirm=True)
    pending = create(paypercut, payment_method=methods["authentication"], capture_method="manual", confirm=True)
    ended = paypercut.post(f"{PATH}/{create(paypercut)['id']}/cancel", json={}).json()
    for intent in (create(paypercut), ready, paid, pending, ended):
        answer = capture(paypercut, intent)
        assert (answer.status_code, answer.json()["type"]) == (409, "invalid_request_error")
        assert read(paypercut, intent) == intent
    assert capture(paypercut, {"id": "nobodys"}).status_code == 404


def test_capture_is_done_once_per_key(paypercut: httpx.Client, held: dict[str, Any]) -> None:
    path, key = f"{PATH}/{held['id']}/capture", {"Idempotency-Key": "k"}
    first, again = (paypercut.post(path, json={"amount_to_capture": 5}, headers=key) for _ in range(2))
    assert again.content == first.content
    assert read(paypercut, held)["amount_received"] == 5


def test_ended_intents_conflict(paypercut: httpx.Client, methods: dict[str, str]) -> None:
    canceled = paypercut.post(f"{PATH}/{create(paypercut)['id']}/cancel", json={"cancellation_reason": None}).json()
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", None)
    for answer in (
        confirm(paypercut, canceled, payment_method=methods["success"]),
        paypercut.post(f"{PATH}/{canceled['id']}/cancel", json={}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (409, "invalid_request_error")


@pytest.mark.parametrize(("method", "status"), [("success", "succeeded"), ("declined", "failed")])
def test_expanded_payment(paypercut: httpx.Client, methods: dict[str, str], method: str, status: str) -> None:
    intent = create(paypercut)
    confirm(paypercut, intent, payment_method=methods[method])
    payment = paypercut.get(f"{PATH}/{intent['id']}?expand=latest_payment").json()["latest_payment"]
    assert (payment["status"], payment["latest_status"], payment["amount"]) == (status, status, 2000)


@pytest.mark.parametrize(
    "query", ["expand=customer&expand=payment_method", "expand[]=customer&expand[]=payment_method"]
)
def test_expansion(paypercut: httpx.Client, methods: dict[str, str], query: str) -> None:
    intent = create(paypercut, customer=methods["customer"], payment_method=methods["success"])
    whole = paypercut.get(f"{PATH}/{intent['id']}?{query}").json()
    assert (whole["customer"]["id"], whole["payment_method"]["id"]) == (methods["customer"], methods["success"])
    assert whole["payment_method"]["card"]["last4"]
    for harmless in ("expand=", "expand=zzz"):
        assert paypercut.get(f"{PATH}/{intent['id']}?{harmless}").json() == intent


def test_method_of_another_customer_is_refused(paypercut: httpx.Client, methods: dict[str, str]) -> None:
    foreign = {"customer": methods["customer"], "payment_method": methods["other_customers_method"]}
    assert paypercut.post(PATH, json={**CREATE, **foreign}).status_code == 400


def test_idempotency(paypercut: httpx.Client) -> None:
    key = {"Idempotency-Key": "k" * 255}
    first, again = (paypercut.post(PATH, json=CREATE, headers=key) for _ in range(2))
    assert again.content == first.content
    changed = paypercut.post(PATH, json={**CREATE, "amount": 3000}, headers=key)
    assert (changed.status_code, changed.json()["type"]) == (409, "idempotency_error")
    assert "id" not in changed.json()
    assert paypercut.post(PATH, json=CREATE, headers={"Idempotency-Key": "k" * 256}).status_code == 400


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 401, "authentication_required"),
        ({"Authorization": "Basic c2s6"}, 401, "authentication_invalid"),
        ({"Authorization": "Bearer sk_test_nobody"}, 401, "token_invalid"),
        ({"Paypercut-Account": "acct_nobody"}, 403, "account_invalid"),
        ({"X-Paypercut-Account": "acct_nobody"}, 403, "account_invalid"),
    ],
)
def test_authentication(paypercut: httpx.Client, headers: dict[str, str], status: int, code: str) -> None:
    answer = paypercut.post(PATH, json=CREATE, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "sk_test_nobody" not in answer.text


def test_unknown_ids_and_paths(paypercut: httpx.Client) -> None:
    for path in (f"{PATH}/nobodys", "/v1/zzz", f"{PATH}/{'x' * 201}"):
        answer = paypercut.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "invalid_request_error")


def test_intents_are_neither_listed_nor_updated(paypercut: httpx.Client) -> None:
    assert paypercut.get(PATH).status_code == 405
    assert paypercut.post(f"{PATH}/{create(paypercut)['id']}", json={}).status_code == 405
