"""The reference server as Stripe: update, capture, and the operations that only Stripe has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from conformance.reference import policies_of

PATH = "/v1/payment_intents"
CREATE = {"amount": "2000", "currency": "usd", "payment_method_types[]": "card"}
VISA = {"payment_method": "pm_card_visa"}
UNEXPECTED = "payment_intent_unexpected_state"
CARD = "payment_method_options[card]"
DEBIT = {
    "payment_method_types[]": "us_bank_account",
    "payment_method_options[us_bank_account][verification_method]": "microdeposits",
}
ACCOUNT = {
    "payment_method_data[type]": "us_bank_account",
    "payment_method_data[us_bank_account][routing_number]": "110000000",
    "payment_method_data[us_bank_account][account_number]": "000123456789",
    "payment_method_data[us_bank_account][account_holder_type]": "individual",
    "payment_method_data[billing_details][name]": "Pat",
}

Object = dict[str, Any]


@pytest.fixture
def stripe(connect: Any) -> httpx.Client:
    client: httpx.Client = connect("stripe")
    return client


def create(client: httpx.Client, **more: str) -> Object:
    answer = client.post(PATH, data={**CREATE, **more})
    assert answer.status_code == 200, answer.text
    body: Object = answer.json()
    return body


def act(client: httpx.Client, intent: Object, verb: str = "", **data: str) -> httpx.Response:
    """Performs an operation on an intent; without a verb an update."""
    return client.post(f"{PATH}/{intent['id']}{verb and '/'}{verb}", data=data)


def done(answer: httpx.Response) -> Object:
    assert answer.status_code == 200, answer.text
    body: Object = answer.json()
    return body


def held(client: httpx.Client, **more: str) -> Object:
    intent = create(client, capture_method="manual", **VISA, **more)
    return done(act(client, intent, "confirm"))


def read(client: httpx.Client, intent: Object) -> Object:
    return done(client.get(f"{PATH}/{intent['id']}"))


def refusal(answer: httpx.Response) -> tuple[int, str | None, str | None]:
    error = answer.json()["error"]
    assert error["message"]
    return answer.status_code, error.get("code"), error.get("param")


def refused_with_intent(answer: httpx.Response, intent: Object) -> tuple[int, str | None, str | None]:
    """The refusal, which shows the intent as it was."""
    assert answer.json()["error"]["payment_intent"] == intent
    return refusal(answer)


def reached(client: httpx.Client, status: str) -> Object:
    """An intent of that status."""
    if status == "requires_payment_method":
        return create(client)
    if status == "requires_confirmation":
        return create(client, **VISA)
    if status == "canceled":
        return done(act(client, create(client), "cancel"))
    if status == "requires_capture":
        return held(client)
    methods = {
        "requires_action": "pm_card_authenticationRequired",
        "processing": "pm_usBankAccount_processing",
        "succeeded": "pm_card_visa",
    }
    return done(act(client, create(client), "confirm", payment_method=methods[status]))


BEFORE = ("requires_payment_method", "requires_confirmation", "requires_action")
AFTER = ("processing", "requires_capture", "canceled", "succeeded")


# -- update


@pytest.mark.parametrize("status", BEFORE)
def test_update_changes_money_before_the_payment(stripe: httpx.Client, status: str) -> None:
    intent = reached(stripe, status)
    changed = done(act(stripe, intent, amount="3000", currency="EUR"))
    assert changed == {**intent, "amount": 3000, "currency": "eur"} == read(stripe, intent)


@pytest.mark.parametrize("status", AFTER)
def test_update_leaves_money_alone_afterwards(stripe: httpx.Client, status: str) -> None:
    intent = reached(stripe, status)
    assert refused_with_intent(act(stripe, intent, amount="3000"), intent) == (400, UNEXPECTED, "amount")
    assert refusal(act(stripe, intent, payment_method="pm_card_visa")) == (400, UNEXPECTED, "payment_method")
    assert read(stripe, intent) == intent


@pytest.mark.parametrize("status", [*BEFORE, *AFTER])
def test_update_annotates_in_every_status(stripe: httpx.Client, status: str) -> None:
    intent = reached(stripe, status)
    changed = done(act(stripe, intent, description="new", **{"metadata[a]": "b"}))
    assert changed == {**intent, "description": "new", "metadata": {"a": "b"}}


@pytest.mark.parametrize("status", BEFORE)
def test_new_method_has_to_be_confirmed(stripe: httpx.Client, status: str) -> None:
    intent = reached(stripe, status)
    ready = done(act(stripe, intent, **VISA))
    assert (ready["status"], ready["next_action"], ready["amount_received"]) == ("requires_confirmation", None, 0)
    assert ready["payment_method"] not in (None, intent["payment_method"])
    bare = done(act(stripe, intent, payment_method=""))
    assert (bare["status"], bare["payment_method"]) == ("requires_payment_method", None)
    assert done(act(stripe, intent, "confirm", **VISA))["status"] == "succeeded"


def test_dropped_action_cannot_be_completed(stripe: httpx.Client) -> None:
    intent = create(stripe)
    back = {"payment_method": "pm_card_authenticationRequired", "return_url": "https://example.com/"}
    url = done(act(stripe, intent, "confirm", **back))["next_action"]["redirect_to_url"]["url"]
    act(stripe, intent, **VISA)
    assert stripe.get(url, params={"outcome": "success"}).status_code == 409
    assert read(stripe, intent)["status"] == "requires_confirmation"


def test_update_merges_removes_and_clears_metadata(stripe: httpx.Client) -> None:
    intent = create(stripe, **{"metadata[a]": "1"})
    assert done(act(stripe, intent, **{"metadata[b]": "2"}))["metadata"] == {"a": "1", "b": "2"}
    assert done(act(stripe, intent, **{"metadata[a]": "", "metadata[b]": "3"}))["metadata"] == {"b": "3"}
    assert done(act(stripe, intent, metadata=""))["metadata"] == {}


def test_metadata_is_bounded_after_a_merge_too(stripe: httpx.Client) -> None:
    intent = create(stripe, **{f"metadata[a{n}]": "v" for n in range(50)})
    assert refusal(act(stripe, intent, **{"metadata[b]": "v"})) == (400, None, "metadata")
    swapped = act(stripe, intent, **{"metadata[b]": "v", "metadata[a0]": ""})
    assert len(done(swapped)["metadata"]) == 50


def test_update_forgets_the_last_error(stripe: httpx.Client) -> None:
    intent = create(stripe)
    act(stripe, intent, "confirm", payment_method="pm_card_chargeDeclined")
    assert read(stripe, intent)["last_payment_error"]
    assert done(act(stripe, intent, description="again"))["last_payment_error"] is None


def test_update_takes_and_clears_details(stripe: httpx.Client) -> None:
    intent = create(stripe)
    sent = {
        "setup_future_usage": "off_session",
        "receipt_email": "pat@example.com",
        "shipping[name]": "Pat",
        "shipping[address][line1]": "1 Street",
        "application_fee_amount": "5",
        "capture_method": "manual",
    }
    changed = done(act(stripe, intent, **sent))
    assert changed["shipping"]["address"]["line1"] == "1 Street"
    assert [changed[name] for name in ("setup_future_usage", "application_fee_amount", "capture_method")] == [
        "off_session",
        5,
        "manual",
    ]
    cleared = ("setup_future_usage", "receipt_email", "shipping", "application_fee_amount")
    emptied = done(act(stripe, intent, **dict.fromkeys(cleared, "")))
    assert [emptied[name] for name in cleared] == [None] * 4


def test_transfer_group_is_given_once(stripe: httpx.Client) -> None:
    intent = create(stripe)
    assert done(act(stripe, intent, transfer_group="one"))["transfer_group"] == "one"
    assert refusal(act(stripe, intent, transfer_group="two")) == (400, None, "transfer_group")
    assert read(stripe, intent)["transfer_group"] == "one"


def test_update_keeps_the_destination_of_a_transfer(stripe: httpx.Client) -> None:
    intent = create(stripe, **{"transfer_data[destination]": "acct_1"})
    changed = done(act(stripe, intent, **{"transfer_data[amount]": "7"}))
    assert changed["transfer_data"] == {"destination": "acct_1", "amount": 7}
    assert done(act(stripe, create(stripe), **{"transfer_data[amount]": "7"}))["transfer_data"] is None


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"amount": "0"}, "parameter_invalid_integer", "amount"),
        ({"amount": "1"}, "amount_too_small", "amount"),
        ({"currency": "zzz"}, None, "currency"),
        ({"currency": "huf"}, "amount_too_small", "amount"),
        ({"description": "x" * 1001}, None, "description"),
        ({"setup_future_usage": "sometimes"}, None, "setup_future_usage"),
        ({"statement_descriptor": "x" * 23}, None, "statement_descriptor"),
        ({"metadata[a[b]]": "v"}, None, "metadata[a[b]]"),
        ({"metadata[a][b]": "v"}, None, "metadata[a]"),
        ({"metadata[k]": "v" * 501}, None, "metadata[k]"),
        ({"payment_method": "pm_nobodys"}, "resource_missing", "payment_method"),
        ({"customer": "cus_nobody"}, "resource_missing", "customer"),
        ({"confirm": "true"}, "parameter_unknown", "confirm"),
        ({"confirmation_method": "manual"}, "parameter_unknown", "confirmation_method"),
        ({"transfer_data[destination]": "acct_1"}, "parameter_unknown", "transfer_data[destination]"),
        ({"expand[]": "amount"}, None, "expand"),
    ],
)
def test_update_refuses(stripe: httpx.Client, change: dict[str, str], code: str | None, param: str) -> None:
    intent = create(stripe)
    assert refusal(act(stripe, intent, **change)) == (400, code, param)
    assert read(stripe, intent) == intent


def test_customer_and_method_have_to_belong_together(stripe: httpx.Client, lent: Any) -> None:
    known = lent("stripe")
    owned = {"customer": known["other_customer"], "payment_method": known["other_customers_method"]}
    intent = create(stripe, customer=known["customer"])
    assert refusal(act(stripe, intent, payment_method=owned["payment_method"]))[::2] == (400, "payment_method")
    assert done(act(stripe, intent, **owned))["customer"] == known["other_customer"]
    assert refusal(act(stripe, intent, customer=known["customer"]))[::2] == (400, "payment_method")


def test_update_of_nobodys_intent_or_with_a_publishable_key(stripe: httpx.Client) -> None:
    intent = create(stripe)
    assert refusal(stripe.post(f"{PATH}/pi_nobodys", data={"amount": "3000"})) == (404, "resource_missing", "intent")
    stripe.headers["Authorization"] = "Bearer pk_test_reference"
    assert refusal(act(stripe, intent, client_secret=intent["client_secret"]))[:2] == (403, "secret_key_required")


# -- capture


def test_capture_takes_all_or_a_part(stripe: httpx.Client) -> None:
    whole = done(act(stripe, held(stripe), "capture"))
    assert (whole["status"], whole["amount_received"], whole["amount_capturable"]) == ("succeeded", 2000, 0)
    intent = held(stripe)
    part = done(act(stripe, intent, "capture", amount_to_capture="500"))
    assert (part["status"], part["amount_received"], part["amount_capturable"]) == ("succeeded", 500, 0)
    assert part == read(stripe, intent)
    assert refused_with_intent(act(stripe, intent, "capture"), part) == (400, UNEXPECTED, None)


def test_capture_of_more_than_is_held(stripe: httpx.Client) -> None:
    intent = held(stripe)
    answer = act(stripe, intent, "capture", amount_to_capture="2001")
    assert refused_with_intent(answer, intent) == (400, "amount_too_large", "amount_to_capture")
    assert read(stripe, intent) == intent
    assert done(act(stripe, intent, "capture", amount_to_capture="2000"))["amount_received"] == 2000


@pytest.mark.parametrize("status", [*BEFORE, "processing", "canceled", "succeeded"])
def test_capture_needs_a_hold(stripe: httpx.Client, status: str) -> None:
    intent = reached(stripe, status)
    assert refused_with_intent(act(stripe, intent, "capture"), intent) == (400, UNEXPECTED, None)
    assert read(stripe, intent) == intent


def test_several_captures_for_those_that_asked(stripe: httpx.Client) -> None:
    plain = held(stripe)
    once = act(stripe, plain, "capture", amount_to_capture="500", final_capture="false")
    assert refused_with_intent(once, plain) == (400, None, "final_capture")
    assert read(stripe, plain) == plain
    intent = held(stripe, **{f"{CARD}[request_multicapture]": "if_available"})
    some = done(act(stripe, intent, "capture", amount_to_capture="500", final_capture="false"))
    assert (some["status"], some["amount_received"], some["amount_capturable"]) == ("requires_capture", 500, 1500)
    assert refusal(act(stripe, intent, "capture", amount_to_capture="1501"))[1] == "amount_too_large"
    last = done(act(stripe, intent, "capture", final_capture="false"))
    assert (last["status"], last["amount_received"], last["amount_capturable"]) == ("succeeded", 2000, 0)


def test_capture_notes_details(stripe: httpx.Client) -> None:
    intent = held(stripe, **{"metadata[a]": "1"})
    sent = {"metadata[b]": "2", "statement_descriptor_suffix": "SHOES", "expand[]": "latest_charge"}
    captured = done(act(stripe, intent, "capture", **sent))
    assert (captured["metadata"], captured["statement_descriptor_suffix"]) == ({"a": "1", "b": "2"}, "SHOES")
    assert (captured["latest_charge"]["captured"], captured["latest_charge"]["amount_captured"]) == (True, 2000)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"amount_to_capture": "0"}, "parameter_invalid_integer"),
        ({"amount_to_capture": "1.5"}, "parameter_invalid_integer"),
        ({"final_capture": "perhaps"}, None),
        ({"statement_descriptor": "x" * 23}, None),
        ({"amount": "500"}, "parameter_unknown"),
    ],
)
def test_capture_refuses_bad_parameters(stripe: httpx.Client, data: dict[str, str], code: str | None) -> None:
    intent = held(stripe)
    assert refusal(act(stripe, intent, "capture", **data)) == (400, code, next(iter(data)))
    assert read(stripe, intent) == intent


@pytest.mark.parametrize("verb", ["", "confirm", "capture", "cancel"])
def test_keys_count_for_each_operation(stripe: httpx.Client, verb: str) -> None:
    intent = held(stripe) if verb == "capture" else create(stripe, **VISA)
    path = f"{PATH}/{intent['id']}{verb and '/'}{verb}"
    data = {"metadata[a]": "b"} if verb in ("", "capture") else {}
    first, again = (stripe.post(path, data=data, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert (first.status_code, again.content, again.headers["Idempotent-Replayed"]) == (200, first.content, "true")


# -- increment_authorization

INCREMENTAL = {f"{CARD}[request_incremental_authorization]": "if_available"}


def test_increment_raises_the_hold(stripe: httpx.Client) -> None:
    intent = held(stripe, **INCREMENTAL)
    raised = done(act(stripe, intent, "increment_authorization", amount="2500", description="more"))
    assert (raised["status"], raised["amount"], raised["amount_capturable"]) == ("requires_capture", 2500, 2500)
    assert raised["description"] == "more"
    assert done(act(stripe, intent, "capture"))["amount_received"] == 2500


@pytest.mark.parametrize("amount", ["2000", "1999"])
def test_increment_needs_more(stripe: httpx.Client, amount: str) -> None:
    intent = held(stripe, **INCREMENTAL)
    answer = act(stripe, intent, "increment_authorization", amount=amount)
    assert refused_with_intent(answer, intent) == (400, None, "amount")
    assert refusal(act(stripe, intent, "increment_authorization")) == (400, "parameter_missing", "amount")


def test_increment_needs_an_eligible_hold(stripe: httpx.Client) -> None:
    plain = held(stripe)
    assert refused_with_intent(act(stripe, plain, "increment_authorization", amount="3000"), plain)[0] == 400
    for status in (*BEFORE, "processing", "canceled", "succeeded"):
        answer = act(stripe, reached(stripe, status), "increment_authorization", amount="3000")
        assert refusal(answer) == (400, UNEXPECTED, None)
    both = held(stripe, **INCREMENTAL, **{f"{CARD}[request_multicapture]": "if_available"})
    act(stripe, both, "capture", amount_to_capture="500", final_capture="false")
    assert refusal(act(stripe, both, "increment_authorization", amount="3000"))[1] == UNEXPECTED


def test_ten_increments_are_the_most(stripe: httpx.Client) -> None:
    intent = held(stripe, **INCREMENTAL)
    answers = [act(stripe, intent, "increment_authorization", amount=str(2001 + n)) for n in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [400]
    assert read(stripe, intent)["amount"] == 2010


# -- apply_customer_balance


def test_customer_balance_is_for_its_own_intents(stripe: httpx.Client, lent: Any) -> None:
    card = create(stripe)
    answer = act(stripe, card, "apply_customer_balance")
    assert refused_with_intent(answer, card) == (400, "payment_intent_invalid_parameter", None)
    funded = {"payment_method_types[]": "customer_balance", "customer": lent("stripe")["customer"]}
    intent = create(stripe, **funded)
    assert done(act(stripe, intent, "apply_customer_balance", amount="2000", currency="usd")) == intent
    assert refusal(act(stripe, intent, "apply_customer_balance", amount="2001")) == (400, "amount_too_large", "amount")
    assert refusal(act(stripe, intent, "apply_customer_balance", currency="eur"))[::2] == (400, "currency")
    for status in ("canceled", "succeeded"):
        assert refusal(act(stripe, reached(stripe, status), "apply_customer_balance"))[1] == UNEXPECTED


# -- verify_microdeposits


def verifying(client: httpx.Client) -> Object:
    intent = create(client, **DEBIT)
    waiting = done(act(client, intent, "confirm", **ACCOUNT))
    assert waiting["status"] == "requires_action"
    assert waiting["next_action"]["type"] == "verify_with_microdeposits"
    assert set(waiting["next_action"]["verify_with_microdeposits"]) == {
        "arrival_date",
        "hosted_verification_url",
        "microdeposit_type",
    }
    return waiting


@pytest.mark.parametrize(
    "right",
    [
        {"amounts[]": "32", "amounts[1]": "45"},
        {"amounts[0]": "45", "amounts[1]": "32"},
        {"descriptor_code": "SM11AA"},
    ],
)
def test_verified_account_is_debited(connect: Any, right: dict[str, str]) -> None:
    now = [1_800_000_000.0]
    client = connect("stripe", replace(policies_of("stripe"), clock=lambda: now[0]))
    intent = verifying(client)
    assert done(act(client, intent, "verify_microdeposits", **right))["status"] == "processing"
    now[0] += 1
    assert read(client, intent)["status"] == "succeeded"


_CODE = "payment_method_microdeposit_verification_"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"amounts[0]": "10", "amounts[1]": "11"}, f"{_CODE}attempts_exceeded"),
        ({"amounts[0]": "40", "amounts[1]": "41"}, f"{_CODE}timeout"),
        ({"amounts[0]": "32", "amounts[1]": "46"}, f"{_CODE}amounts_mismatch"),
        ({"amounts[0]": "32"}, f"{_CODE}amounts_invalid"),
        ({"amounts[0]": "32", "amounts[1]": "45", "amounts[2]": "1"}, f"{_CODE}amounts_invalid"),
        ({"amounts[0]": "32", "amounts[1]": "x"}, f"{_CODE}amounts_invalid"),
        ({"amounts": "32"}, f"{_CODE}amounts_invalid"),
        ({"descriptor_code": "SM33CC"}, f"{_CODE}attempts_exceeded"),
        ({"descriptor_code": "SM44DD"}, f"{_CODE}timeout"),
        ({"descriptor_code": "SM99ZZ"}, f"{_CODE}descriptor_code_mismatch"),
        ({}, "parameter_missing"),
        ({"amounts[0]": "32", "amounts[1]": "45", "descriptor_code": "SM11AA"}, "parameters_exclusive"),
    ],
)
def test_wrong_microdeposits_change_nothing(stripe: httpx.Client, wrong: dict[str, str], code: str) -> None:
    intent = verifying(stripe)
    assert refusal(act(stripe, intent, "verify_microdeposits", **wrong))[:2] == (400, code)
    assert read(stripe, intent) == intent


@pytest.mark.parametrize("status", [*BEFORE, *AFTER])
def test_only_microdeposits_are_verified(stripe: httpx.Client, status: str) -> None:
    intent = reached(stripe, status)
    answer = act(stripe, intent, "verify_microdeposits", **{"amounts[0]": "32", "amounts[1]": "45"})
    assert refused_with_intent(answer, intent) == (400, UNEXPECTED, None)


def test_payer_verifies_with_the_client_secret(stripe: httpx.Client) -> None:
    intent = verifying(stripe)
    stripe.headers["Authorization"] = "Bearer pk_test_reference"
    code = {"descriptor_code": "SM11AA"}
    assert refusal(act(stripe, intent, "verify_microdeposits", **code))[0] == 400
    seen = done(act(stripe, intent, "verify_microdeposits", client_secret=intent["client_secret"], **code))
    assert (seen["status"], "metadata" in seen) == ("processing", False)


def test_method_without_microdeposits_is_debited_at_once(stripe: httpx.Client) -> None:
    intent = create(stripe, **{"payment_method_types[]": "us_bank_account"})
    assert done(act(stripe, intent, "confirm", **ACCOUNT))["status"] == "processing"
