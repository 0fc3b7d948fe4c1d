"""The reference server as Stripe."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from conformance.reference import policies_of

PATH = "/v1/payment_intents"
CREATE = {"amount": "2000", "currency": "usd", "payment_method_types[]": "card"}
RETURN_URL = "https://example.com/return"


@pytest.fixture
def stripe(connect: Any) -> httpx.Client:
    client: httpx.Client = connect("stripe")
    return client


def create(client: httpx.Client, **more: str) -> dict[str, Any]:
    answer = client.post(PATH, data={**CREATE, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def confirm(client: httpx.Client, intent: dict[str, Any], **more: str) -> httpx.Response:
    return client.post(f"{PATH}/{intent['id']}/confirm", data=more)


def read(client: httpx.Client, intent: dict[str, Any], **query: str) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"{PATH}/{intent['id']}", params=query).json()
    return body


def refusal(answer: httpx.Response) -> tuple[int, str | None, str | None]:
    error = answer.json()["error"]
    assert error["message"]
    return answer.status_code, error.get("code"), error.get("param")


def test_create_shows_all_members_and_starts_without_method(stripe: httpx.Client) -> None:
    intent = create(stripe)
    assert len(intent) == 40
    assert (intent["status"], intent["latest_charge"], intent["amount_received"]) == (
        "requires_payment_method",
        None,
        0,
    )
    assert intent["client_secret"].startswith(f"{intent['id']}_secret_")
    assert read(stripe, intent) == intent


def test_create_keeps_nested_members(stripe: httpx.Client) -> None:
    sent = {
        "metadata[a b]": "1",
        "shipping[name]": "Pat",
        "shipping[address][line1]": "1 Street",
        "description": "é & =",
    }
    intent = create(stripe, **sent)
    assert intent["metadata"] == {"a b": "1"}
    assert intent["shipping"]["address"]["line1"] == "1 Street"
    assert intent["description"] == "é & ="


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"amount": None}, "parameter_missing", "amount"),
        ({"currency": None}, "parameter_missing", "currency"),
        ({"amount": "12.5"}, "parameter_invalid_integer", "amount"),
        ({"amount": "-1"}, "parameter_invalid_integer", "amount"),
        ({"amount": "1"}, "amount_too_small", "amount"),
        ({"amount": "9" * 13}, "amount_too_large", "amount"),
        ({"currency": "zzz"}, None, "currency"),
        ({"foo": "bar"}, "parameter_unknown", "foo"),
        ({"capture_method": "later"}, None, "capture_method"),
        ({"description": "x" * 1001}, None, "description"),
        ({"statement_descriptor": "x" * 23}, None, "statement_descriptor"),
        ({"shipping[phone]": "1"}, "parameter_missing", "shipping[address]"),
        (
            {"automatic_payment_methods[allow_redirects]": "never"},
            "parameter_missing",
            "automatic_payment_methods[enabled]",
        ),
        ({"off_session": "true"}, None, "off_session"),
        ({"return_url": RETURN_URL}, None, "return_url"),
        ({"confirm": "yes"}, None, "confirm"),
        ({f"metadata[k{n}]": "v" for n in range(51)}, None, "metadata"),
        ({"metadata[" + "k" * 41 + "]": "v"}, None, "metadata[" + "k" * 41 + "]"),
        ({"metadata[k]": "v" * 501}, None, "metadata[k]"),
        ({"metadata[a[b]]": "v"}, None, "metadata[a[b]]"),
        ({"expand[]": "customer.a.b.c.d"}, None, "expand"),
        ({"payment_method_options[affirm][]": "x"}, None, "payment_method_options[affirm]"),
        ({"payment_method_options[affirm]": "x"}, None, "payment_method_options[affirm]"),
        ({"payment_method_options[zzz][a]": "x"}, "parameter_unknown", "payment_method_options[zzz]"),
        ({"payment_method": "pm_nobodys"}, "resource_missing", "payment_method"),
        ({"customer": "cus_nobody"}, "resource_missing", "customer"),
        ({"payment_method_data[billing_details][name]": "x"}, "parameter_missing", "payment_method_data[type]"),
        ({"payment_method_data[type]": "notreal"}, "payment_method_invalid_parameter", "payment_method_data[type]"),
        (
            {"payment_method_data[type]": "sepa_debit"},
            "parameter_missing",
            "payment_method_data[sepa_debit][iban]",
        ),
        (
            {"payment_method_data[type]": "klarna", "payment_method_data[klarna][dob][day]": "1"},
            "parameter_missing",
            "payment_method_data[klarna][dob][month]",
        ),
    ],
)
def test_create_refuses(stripe: httpx.Client, change: dict[str, str | None], code: str | None, param: str) -> None:
    data = {name: value for name, value in {**CREATE, **change}.items() if value is not None}
    assert refusal(stripe.post(PATH, data=data)) == (400, code, param)


def test_body_that_is_no_form_is_refused(stripe: httpx.Client) -> None:
    assert refusal(stripe.post(PATH, json={"amount": 2000, "currency": "usd"}))[0] == 400


@pytest.mark.parametrize(
    "body",
    [b"\xff=1", b"amount[=1", b"amount[a]=1&amount=2", b"a" + b"[b]" * 5000 + b"=1", b"expand[99999999999]=x", b"&=&"],
)
def test_garbled_form_is_a_client_error(stripe: httpx.Client, body: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert stripe.post(PATH, content=body, headers=headers).status_code == 400


def test_confirm_pays_or_holds(stripe: httpx.Client) -> None:
    paid = confirm(stripe, create(stripe), payment_method="pm_card_visa").json()
    assert (paid["status"], paid["amount_received"], paid["next_action"]) == ("succeeded", 2000, None)
    held = confirm(stripe, create(stripe, payment_method="pm_card_visa"), capture_method="manual").json()
    assert (held["status"], held["amount_capturable"], held["amount_received"]) == ("requires_capture", 2000, 0)


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
        ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ],
)
def test_decline_is_told_and_recorded(stripe: httpx.Client, method: str, code: str, decline_code: str | None) -> None:
    intent = create(stripe)
    answer = confirm(stripe, intent, payment_method=method)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (402, "card_error", code)
    assert error.get("decline_code") == decline_code
    assert error["charge"].startswith("ch_")
    assert error["doc_url"]
    recorded = read(stripe, intent)
    assert error["payment_intent"] == recorded
    assert recorded["status"] == "requires_payment_method"
    assert recorded["last_payment_error"]["code"] == code
    again = confirm(stripe, intent, payment_method="pm_card_visa").json()
    assert (again["status"], again["last_payment_error"]) == ("succeeded", None)


def test_confirm_of_an_ended_intent_is_refused_with_the_intent(stripe: httpx.Client) -> None:
    paid = confirm(stripe, create(stripe), payment_method="pm_card_visa").json()
    canceled = stripe.post(f"{PATH}/{create(stripe)['id']}/cancel", data={"cancellation_reason": "duplicate"}).json()
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "duplicate")
    assert canceled["canceled_at"] >= canceled["created"]
    for ended in (paid, canceled):
        answer = confirm(stripe, ended, payment_method="pm_card_visa")
        assert refusal(answer) == (400, "payment_intent_unexpected_state", None)
        assert answer.json()["error"]["payment_intent"] == ended == read(stripe, ended)
    assert refusal(stripe.post(f"{PATH}/{paid['id']}/cancel"))[:2] == (400, "payment_intent_unexpected_state")


def test_confirm_without_method_changes_nothing(stripe: httpx.Client) -> None:
    intent = create(stripe)
    assert refusal(confirm(stripe, intent))[:2] == (400, "payment_intent_unexpected_state")
    assert read(stripe, intent) == intent


@pytest.mark.parametrize(
    ("outcome", "method", "status"),
    [
        ("success", "pm_card_authenticationRequired", "succeeded"),
        ("failure", "pm_card_authenticationRequired", "requires_payment_method"),
        ("success", "pm_card_threeDSecureRequiredChargeDeclined", "requires_payment_method"),
    ],
)
def test_action_leads_on_without_another_confirm(stripe: httpx.Client, outcome: str, method: str, status: str) -> None:
    intent = create(stripe)
    pending = confirm(stripe, intent, payment_method=method, return_url=RETURN_URL).json()
    redirect = pending["next_action"]["redirect_to_url"]
    assert (pending["status"], redirect["return_url"]) == ("requires_action", RETURN_URL)
    assert stripe.get(redirect["url"], params={"outcome": "perhaps"}).status_code == 400
    assert stripe.get(redirect["url"], params={"outcome": outcome}).status_code == 200
    after = read(stripe, intent)
    assert (after["status"], after["next_action"]) == (status, None)
    if outcome == "failure":
        assert after["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert stripe.get(redirect["url"], params={"outcome": "success"}).status_code == 409


def test_manual_confirmation_needs_another_confirm_after_the_action(stripe: httpx.Client) -> None:
    intent = create(stripe, confirmation_method="manual")
    asked = {"payment_method": "pm_card_authenticationRequired", "return_url": RETURN_URL}
    url = confirm(stripe, intent, **asked).json()["next_action"]["redirect_to_url"]["url"]
    stripe.get(url, params={"outcome": "success"})
    assert read(stripe, intent)["status"] == "requires_confirmation"
    assert confirm(stripe, intent).json()["status"] == "succeeded"


@pytest.mark.parametrize("refusing", ["off_session", "error_on_requires_action"])
def test_payment_that_cannot_ask_the_payer_fails(stripe: httpx.Client, refusing: str) -> None:
    intent = create(stripe)
    answer = confirm(stripe, intent, payment_method="pm_card_authenticationRequired", **{refusing: "true"})
    assert refusal(answer) == (402, "authentication_required", None)
    assert read(stripe, intent)["status"] == "requires_payment_method"
    prepared = "pm_card_authenticationRequiredSetupForOffSession"
    assert confirm(stripe, intent, payment_method=prepared, off_session="true").json()["status"] == "succeeded"


def test_dynamic_methods_need_a_return_url(stripe: httpx.Client) -> None:
    dynamic = create(stripe, **{"automatic_payment_methods[enabled]": "true"})
    assert refusal(confirm(stripe, dynamic, payment_method="pm_card_visa")) == (400, None, "return_url")
    never = {"automatic_payment_methods[enabled]": "true", "automatic_payment_methods[allow_redirects]": "never"}
    assert confirm(stripe, create(stripe, **never), payment_method="pm_card_visa").json()["status"] == "succeeded"


def test_too_many_failed_confirms_cancel(stripe: httpx.Client) -> None:
    intent = create(stripe)
    for _ in range(9):
        confirm(stripe, intent, payment_method="pm_card_chargeDeclined")
    assert read(stripe, intent)["status"] == "requires_payment_method"
    confirm(stripe, intent, payment_method="pm_card_chargeDeclined")
    last = read(stripe, intent)
    assert (last["status"], last["cancellation_reason"]) == ("canceled", "automatic")
    assert last["canceled_at"]


def test_bank_debit_is_processing_until_it_settles(connect: Any) -> None:
    now = [1_800_000_000.0]
    from dataclasses import replace

    client = connect("stripe", replace(policies_of("stripe"), clock=lambda: now[0]))
    states = {}
    for name in ("success", "insufficientFunds", "processing"):
        intent = create(client)
        pending = confirm(client, intent, payment_method=f"pm_usBankAccount_{name}").json()
        assert (pending["status"], pending["amount_received"]) == ("processing", 0)
        states[name] = intent
    now[0] += 1
    assert {name: read(client, intent)["status"] for name, intent in states.items()} == {
        "success": "succeeded",
        "insufficientFunds": "requires_payment_method",
        "processing": "processing",
    }


def test_method_of_another_customer_is_refused(stripe: httpx.Client, lent: Any) -> None:
    known = lent("stripe")
    intent = create(stripe, customer=known["customer"])
    answer = confirm(stripe, intent, payment_method=known["other_customers_method"])
    assert refusal(answer)[::2] == (400, "payment_method")
    assert read(stripe, intent) == intent


def test_references_expand(stripe: httpx.Client, lent: Any) -> None:
    intent = create(stripe, customer=lent("stripe")["customer"])
    expanded = {"expand[]": "payment_method", "expand[1]": "latest_charge", "expand[2]": "customer"}
    paid = confirm(stripe, intent, payment_method="pm_card_visa", **expanded).json()
    assert [paid[name]["object"] for name in ("payment_method", "latest_charge", "customer")] == [
        "payment_method",
        "charge",
        "customer",
    ]
    plain = read(stripe, intent)
    assert plain["latest_charge"] == paid["latest_charge"]["id"]
    assert plain["payment_method"] == paid["payment_method"]["id"]


def test_publishable_key_sees_little_and_does_less(stripe: httpx.Client) -> None:
    intent = create(stripe, **{"metadata[a]": "b"})
    stripe.headers["Authorization"] = "Bearer pk_test_reference"
    secret = intent["client_secret"]
    seen = read(stripe, intent, client_secret=secret)
    assert seen["id"] == intent["id"]
    assert "metadata" not in seen
    assert refusal(stripe.get(f"{PATH}/{intent['id']}", params={"client_secret": "wrong"}))[0] == 400
    assert refusal(stripe.get(f"{PATH}/{intent['id']}"))[0] == 400
    assert refusal(stripe.post(PATH, data=CREATE))[:2] == (403, "secret_key_required")
    private = {"client_secret": secret, "payment_method": "pm_card_visa", "off_session": "true"}
    assert refusal(confirm(stripe, intent, **private))[:2] == (403, "secret_key_required")
    del private["off_session"]
    assert confirm(stripe, intent, **private).json()["status"] == "succeeded"


def test_a_restricted_key_reads_and_does_nothing_else(stripe: httpx.Client) -> None:
    intent = create(stripe)
    stripe.headers["Authorization"] = "Bearer rk_test_reference"
    assert read(stripe, intent)["id"] == intent["id"]
    assert [item["id"] for item in stripe.get(PATH).json()["data"]] == [intent["id"]]
    assert stripe.get(f"{PATH}/search", params={"query": "amount>1"}).status_code == 200
    for path in ("", f"/{intent['id']}", *(f"/{intent['id']}/{verb}" for verb in ("confirm", "capture", "cancel"))):
        assert refusal(stripe.post(PATH + path, data=CREATE if not path else {}))[0] == 403


@pytest.mark.parametrize("authorization", ["", "Bearer sk_test_nobody", "Basic %%%", "Digest x", "Bearer"])
def test_without_a_valid_key_nothing_is_done(stripe: httpx.Client, authorization: str) -> None:
    stripe.headers["Authorization"] = authorization
    answer = stripe.post(PATH, data=CREATE)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


def test_basic_authenticates_with_an_empty_password_only(connect: Any) -> None:
    stripe = connect("stripe")
    del stripe.headers["Authorization"]
    assert stripe.post(PATH, data=CREATE, auth=("sk_test_reference", "")).status_code == 200
    assert stripe.post(PATH, data=CREATE, auth=("sk_test_reference", "x")).status_code == 401


def test_idempotency_key_gives_the_first_answer_again(stripe: httpx.Client) -> None:
    key = {"Idempotency-Key": "k" * 255}
    first, again = (stripe.post(PATH, data=CREATE, headers=key) for _ in range(2))
    assert again.content == first.content
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert again.headers["Idempotency-Key"] == key["Idempotency-Key"]
    assert again.headers["Request-Id"] != first.headers["Request-Id"]
    changed = stripe.post(PATH, data={**CREATE, "amount": "3000"}, headers=key)
    assert (changed.status_code, changed.json()["error"]["type"]) == (400, "idempotency_error")
    elsewhere = stripe.post(f"{PATH}/{first.json()['id']}/cancel", headers=key)
    assert elsewhere.json()["error"]["type"] == "idempotency_error"
    assert stripe.post(PATH, data=CREATE, headers={"Idempotency-Key": "k" * 256}).status_code == 400


def test_decline_is_kept_and_a_bad_request_is_not(stripe: httpx.Client) -> None:
    intent, key = create(stripe), {"Idempotency-Key": "decline"}
    declined = {"payment_method": "pm_card_chargeDeclined"}
    path = f"{PATH}/{intent['id']}/confirm"
    first, again = (stripe.post(path, data=declined, headers=key) for _ in range(2))
    assert (first.status_code, again.content) == (402, first.content)
    bad = {"Idempotency-Key": "bad"}
    assert stripe.post(PATH, data={}, headers=bad).status_code == 400
    assert stripe.post(PATH, data=CREATE, headers=bad).status_code == 200


def test_unknown_paths_methods_and_ids_are_404(stripe: httpx.Client) -> None:
    assert refusal(stripe.get("/v1/payment_intentz"))[0] == 404
    assert refusal(stripe.get(f"{PATH}/{create(stripe)['id']}/confirm"))[0] == 404
    assert refusal(stripe.get(f"{PATH}/pi_nobodys")) == (404, "resource_missing", "intent")


def test_version_is_echoed(stripe: httpx.Client) -> None:
    assert stripe.get(f"{PATH}/x").headers["Stripe-Version"] == "2025-08-27.basil"
    assert stripe.get(f"{PATH}/x", headers={"Stripe-Version": "2024-06-20"}).headers["Stripe-Version"] == "2024-06-20"
