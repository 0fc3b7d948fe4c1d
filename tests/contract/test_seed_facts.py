"""What the providers' published pages say, counted: a schema that loses a value fails here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.contract import Contract
from conformance.contract.validation import Validators

Named = Callable[[str], Contract]

SEVEN = {
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "canceled",
    "succeeded",
}
UUID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
ACTION = {"flow": "challenge", "idempotency_key": "k", "status_url": "https://a.example", "challenge": {}}


def valid(contract: Contract, schema: str, document: Any) -> bool:
    return not Validators(contract).errors(schema, document)


def test_fifty_payment_method_options(named: Named) -> None:
    schema = named("stripe").schemas["payment_method_options.request"]
    assert len(schema["properties"]) == 50
    assert schema["additionalProperties"] is False
    for name in schema["properties"]:
        assert valid(named("stripe"), "payment_method_options.request", {name: {}})
        assert valid(named("stripe"), "payment_method_options.request", {name: ""})
        assert not valid(named("stripe"), "payment_method_options.request", {name: "text"})


def test_payment_method_types(named: Named) -> None:
    data, options = (named("stripe").schemas[f"payment_method_{name}.request"] for name in ("data", "options"))
    types = data["properties"]["type"]["enum"]
    assert (len(types), len(set(types))) == (47, 47)
    assert set(types) <= set(data["properties"])
    assert set(options["properties"]) - set(types) == {"card", "card_present", "interac_present"}
    assert "card" not in data["properties"]


@pytest.mark.parametrize(("method", "count"), [("eps", 28), ("p24", 26), ("ideal", 17), ("fpx", 22)])
def test_banks(named: Named, method: str, count: int) -> None:
    banks = named("stripe").schemas["payment_method_data.request"]["properties"][method]["properties"]["bank"]["enum"]
    assert (len(banks), len(set(banks))) == (count, count)


@pytest.mark.parametrize(
    ("method", "complete"),
    [
        ("acss_debit", {"institution_number": "000", "transit_number": "11000", "account_number": "1"}),
        ("au_becs_debit", {"account_number": "1", "bsb_number": "000000"}),
        ("boleto", {"tax_id": "1"}),
        ("fpx", {"bank": "maybank2u"}),
        ("nz_bank_account", {"bank_code": "01", "branch_code": "0001", "account_number": "1", "suffix": "00"}),
        ("sepa_debit", {"iban": "DE00"}),
        ("sofort", {"country": "DE"}),
    ],
)
def test_required_children(named: Named, method: str, complete: dict[str, str]) -> None:
    stripe, data = named("stripe"), "payment_method_data.request"
    assert set(stripe.schemas[data]["properties"][method]["required"]) == set(complete)
    assert valid(stripe, data, {"type": method, method: complete})
    assert not valid(stripe, data, {"type": method})
    for member in complete:
        without = {name: value for name, value in complete.items() if name != member}
        assert not valid(stripe, data, {"type": method, method: without}), member
        for operation in ("create", "confirm"):
            body = {"amount": 1, "currency": "eur"} if operation == "create" else {}
            assert not valid(
                stripe, f"{operation}.request", {**body, "payment_method_data": {"type": method, method: without}}
            )


def test_a_date_of_birth_is_whole(named: Named) -> None:
    whole = {"day": 1, "month": 2, "year": 1990}
    for dob, expected in [(whole, True), *(({**whole, name: "1"}, False) for name in whole)]:
        document = {"type": "klarna", "klarna": {"dob": dob}}
        assert valid(named("stripe"), "payment_method_data.request", document) is expected
    for name in whole:
        dob = {key: value for key, value in whole.items() if key != name}
        assert not valid(named("stripe"), "payment_method_data.request", {"type": "klarna", "klarna": {"dob": dob}})
    assert valid(named("stripe"), "payment_method_data.request", {"type": "klarna"})


@pytest.mark.parametrize(
    ("schema", "member", "values"),
    [
        ("payment_method_data.request", "allow_redisplay", ["always", "limited", "unspecified"]),
        ("confirm.request", "setup_future_usage", ["", "off_session", "on_session"]),
        ("update.request", "setup_future_usage", ["", "off_session", "on_session"]),
        ("update.request", "capture_method", ["automatic", "automatic_async", "manual"]),
        (
            "cancel.request",
            "cancellation_reason",
            ["abandoned", "duplicate", "fraudulent", "requested_by_customer"],
        ),
        ("create.request", "setup_future_usage", ["off_session", "on_session"]),
        ("confirm.request", "capture_method", ["automatic", "automatic_async", "manual"]),
        ("create.request", "capture_method", ["automatic", "automatic_async", "manual"]),
        ("payment_intent", "capture_method", ["automatic", "automatic_async", "manual"]),
        ("create.request", "confirmation_method", ["automatic", "manual"]),
    ],
)
def test_stripes_closed_lists(named: Named, schema: str, member: str, values: list[str]) -> None:
    assert named("stripe").schemas[schema]["properties"][member]["enum"] == values


def test_statuses(named: Named) -> None:
    assert set(named("stripe").statuses) == SEVEN == set(named("paypercut").statuses)
    assert set(named("revkeen").statuses) == SEVEN - {"requires_capture"}
    assert set(named("dots").statuses) == SEVEN | {"initialized", "created", "failed"}
    assert len(named("dots").statuses) == 10


@pytest.mark.parametrize(
    ("provider", "changes", "expected"),
    [
        ("dots", {"metadata": {"any": [1]}}, True),
        ("dots", {"metadata": True}, False),
        ("dots", {"id": "pi_1"}, False),
        ("revkeen", {"created": 1, "canceled_at": "2026-05-01T00:00:00Z"}, True),
        ("revkeen", {"created": "2026-05-01T00:00:00Z"}, False),
        ("revkeen", {"canceled_at": 1756300000}, False),
        ("revkeen", {"canceled_at": "yesterday"}, False),
        ("revkeen", {"customer": "cus_1"}, False),
        ("revkeen", {"customer": UUID}, True),
        ("paypercut", {"currency": {"iso": "EUR", "scale": 2}}, True),
        ("paypercut", {"currency": "EUR"}, False),
        ("paypercut", {"currency": {"iso": "EUR"}}, False),
        ("paypercut", {"created": 1756300000}, False),
        ("paypercut", {"customer": "cus_1", "payment_method": "pm_1", "latest_payment": "p_1"}, True),
        ("paypercut", {"customer": None, "payment_method": None, "latest_payment": None}, True),
        ("paypercut", {"customer": 5}, False),
        ("paypercut", {"customer": {}}, False),
        ("paypercut", {"payment_method": {}}, False),
        ("paypercut", {"next_action": {"type": "three_d_secure", "three_d_secure": ACTION}}, True),
        ("paypercut", {"next_action": {"type": "x", "three_d_secure": {**ACTION, "flow": "other"}}}, False),
        ("paypercut", {"next_action": {"type": "x", "three_d_secure": {**ACTION, "flow": "method"}}}, False),
        ("paypercut", {"next_action": {"type": "x", "three_d_secure": {**ACTION, "challenge": "no"}}}, False),
        ("paypercut", {"next_action": {"type": "x", "three_d_secure": {**ACTION, "flow": "frictionless"}}}, True),
        ("paypercut", {"next_action": {"type": "x", "three_d_secure": {**ACTION, "message": {}}}}, True),
    ],
)
def test_members_of_an_intent(named: Named, sample: Any, provider: str, changes: Any, expected: bool) -> None:
    assert valid(named(provider), "payment_intent", {**sample(provider), **changes}) is expected


def test_paypercuts_sample_has_an_expanded_customer(sample: Any) -> None:
    assert isinstance(sample("paypercut")["customer"], dict)


@pytest.mark.parametrize(
    ("provider", "schema", "document", "expected"),
    [
        ("dots", "create.request", {"amount": 1, "currency": "usd", "metadata": True}, True),
        ("dots", "create.request", {"amount": 1, "currency": "usd", "metadata": {}}, False),
        ("dots", "create.request", {"amount": 0, "currency": "usd"}, False),
        ("dots", "confirm.request", {}, False),
        ("dots", "list", [], True),
        ("dots", "list", {"data": [], "has_more": False}, False),
        ("revkeen", "create.request", {"amount": 1, "customer": UUID}, True),
        ("revkeen", "create.request", {"amount": 1}, False),
        ("revkeen", "create.request", {"amount": 1, "customer": UUID, "surprise": 1}, False),
        ("revkeen", "capture.request", {}, True),
        ("revkeen", "capture.request", {"amount_to_capture": 1}, True),
        ("revkeen", "capture.request", {"amount_to_capture": 0}, False),
        ("revkeen", "cancel.request", {"cancellation_reason": "bored"}, False),
        ("revkeen", "update.request", {"description": 500 * "x"}, True),
        ("revkeen", "update.request", {"description": 501 * "x"}, False),
        ("revkeen", "list", {"object": "list", "data": [], "has_more": False, "url": "/v2/payment-intents"}, True),
        ("revkeen", "list", {"object": "list", "data": [], "has_more": False}, False),
        ("revkeen", "list", {"object": "list", "data": {}, "has_more": False, "url": ""}, False),
        ("revkeen", "error", {"error": {"type": "t", "code": "c", "message": "m"}}, True),
        ("revkeen", "error", {"type": "t", "code": "c", "message": "m"}, False),
        ("revkeen", "error", {"error": {"type": "t", "code": "c"}}, False),
        ("paypercut", "capture.request", {"amount_to_capture": 1, "final_capture": True}, True),
        ("paypercut", "capture.request", {"final_capture": "yes"}, False),
        ("paypercut", "cancel.request", {"cancellation_reason": None}, True),
        ("paypercut", "cancel.request", {"cancellation_reason": "failed_invoice"}, False),
        ("paypercut", "error", {"type": "api_error", "message": "m"}, True),
        ("paypercut", "error", {"error": {"type": "api_error", "message": "m"}}, False),
        ("stripe", "error", {"error": {"type": "card_error"}}, True),
        ("stripe", "error", {"type": "card_error"}, False),
        ("stripe", "create.request", {"amount": 1, "currency": "usd", "surprise": 1}, False),
        ("stripe", "confirm.request", {"surprise": 1}, False),
        ("stripe", "confirm.request", {}, True),
        ("stripe", "confirm.request", {"off_session": "one_off", "shipping": "", "mandate_data": ""}, True),
        ("stripe", "update.request", {}, True),
        ("stripe", "update.request", {"metadata": "", "payment_method": "", "shipping": ""}, True),
        ("stripe", "update.request", {"confirm": True}, False),
        ("stripe", "update.request", {"confirmation_method": "manual"}, False),
        ("stripe", "update.request", {"description": 1001 * "x"}, False),
        ("stripe", "capture.request", {}, True),
        ("stripe", "capture.request", {"final_capture": False, "amount_to_capture": 1}, True),
        ("stripe", "capture.request", {"statement_descriptor_suffix": 23 * "x"}, False),
        ("stripe", "increment_authorization.request", {}, False),
        ("stripe", "increment_authorization.request", {"amount": 2500}, True),
        ("stripe", "apply_customer_balance.request", {}, True),
        ("stripe", "apply_customer_balance.request", {"surprise": 1}, False),
        ("stripe", "verify_microdeposits.request", {"amounts": [32, 45]}, True),
        ("stripe", "verify_microdeposits.request", {"amounts": [32]}, False),
        ("stripe", "verify_microdeposits.request", {"amounts": [32, 45, 1]}, False),
        ("stripe", "list", {"object": "list", "data": [], "has_more": False, "url": "/v1/payment_intents"}, True),
        ("stripe", "list", {"object": "list", "data": [], "has_more": False, "url": "/v1/charges"}, False),
        ("stripe", "list", {"object": "list", "data": [], "url": "/v1/payment_intents"}, False),
        ("stripe", "search", {"object": "search_result", "data": [], "has_more": False, "url": "/u"}, True),
        ("stripe", "search", {"object": "list", "data": [], "has_more": False, "url": "/u"}, False),
    ],
)
def test_requests_and_errors(named: Named, provider: str, schema: str, document: Any, expected: bool) -> None:
    assert valid(named(provider), schema, document) is expected
