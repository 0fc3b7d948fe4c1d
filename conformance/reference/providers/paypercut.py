"""Paypercut: JSON, a Bearer key, flat errors with a trace, currency as an object, times as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request

from conformance.reference.authentication import BearerKey
from conformance.reference.choices import CONFIRMATION_LIMIT, PAYPERCUT_ACCOUNT
from conformance.reference.encoding import json_body
from conformance.reference.errors import Embed, Errors, Kind, Refusal
from conformance.reference.idempotency import Idempotency, once_executed, per_account
from conformance.reference.identifiers import Identifiers, ulid, word
from conformance.reference.instruments import Instruments
from conformance.reference.lifecycle import Lifecycle
from conformance.reference.model import Answer, Attempt, Call, Caller, Decline, Intent, Method, Params
from conformance.reference.policies import Policies
from conformance.reference.routing import Route

from .paypercut_object import render
from .paypercut_parameters import VALIDATION, reading

API_KEY = "sk_test_reference"
STRANGER_KEY = "sk_test_stranger"

CUSTOMERS = ("01K60000000000000000000CA1", "01K60000000000000000000CA2")


def _known(number: int) -> str:
    return f"01K600000000000000000000{number:02d}"


_METHODS = (
    Method(_known(11)),
    Method(_known(12), decline=Decline(), last4="0002"),
    Method(_known(13), decline=Decline(decline_code="insufficient_funds"), last4="9995"),
    Method(_known(14), decline=Decline(decline_code="expired_card"), last4="0069"),
    Method(_known(15), authentication="always", last4="3184"),
    Method(_known(16), customer=CUSTOMERS[1]),
    Method(_known(17), customer=CUSTOMERS[0]),
)

_ROUTES = (
    Route("create", "POST", "/v1/payment_intents"),
    Route("retrieve", "GET", "/v1/payment_intents/{id}"),
    Route("confirm", "POST", "/v1/payment_intents/{id}/confirm"),
    Route("capture", "POST", "/v1/payment_intents/{id}/capture"),
    Route("cancel", "POST", "/v1/payment_intents/{id}/cancel"),
)

_INVALID, _UNAUTHENTICATED = "invalid_request_error", "authentication_error"
_KINDS = {
    "invalid": Kind(400, _INVALID, "parameter_invalid"),
    "missing": Kind(400, _INVALID, "missing_required_param"),
    "no_method": Kind(400, _INVALID, "missing_required_param"),
    "too_large": Kind(400, _INVALID, "amount_too_large"),
    "capture_too_large": Kind(400, _INVALID, "amount_too_large"),
    "unexpected_state": Kind(409, _INVALID),
    "declined": Kind(422, "card_error", "card_declined"),
    "authentication_required": Kind(422, "card_error", "card_declined"),
    "unauthenticated": Kind(401, _UNAUTHENTICATED, "authentication_required"),
    "bad_scheme": Kind(401, _UNAUTHENTICATED, "authentication_invalid"),
    "unknown_key": Kind(401, _UNAUTHENTICATED, "token_invalid"),
    "account_denied": Kind(403, _INVALID, "account_invalid"),
    "not_found": Kind(404, _INVALID),
    "no_route": Kind(404, _INVALID),
    "wrong_method": Kind(405, _INVALID),
    "bad_key": Kind(400, _INVALID, "parameter_invalid"),
    "key_conflict": Kind(409, "idempotency_error"),
    "key_in_use": Kind(409, "idempotency_error"),
}
_ADVICE = {"insufficient_funds": "try_again_later", "expired_card": "confirm_card_data"}
_NETWORK = {"insufficient_funds": "51", "expired_card": "54"}


def error_body(refusal: Refusal, kind: Kind, embed: Embed) -> Mapping[str, Any]:
    """The flat error; a decline adds what the issuer said."""
    error: dict[str, Any] = {
        "type": kind.type,
        "message": refusal.message,
        "code": kind.code,
        "trace_id": word(32, "0123456789abcdef"),
    }
    if refusal.param and refusal.kind != "not_found":
        error["param"] = ".".join(refusal.param)
    if refusal.failure is not None:
        decline = refusal.failure.decline_code or refusal.failure.code
        error["decline_code"] = decline
        error["advice_code"] = _ADVICE.get(decline, "do_not_try_again")
        error["network_decline_code"] = _NETWORK.get(decline, "05")
    return error


def access(call: Call, intent: Intent | None) -> None:
    """The key acts for its own account, or for the connected one."""
    headers = call.request.headers
    account = headers.get("Paypercut-Account") or headers.get("X-Paypercut-Account")
    if account and account != PAYPERCUT_ACCOUNT:
        raise Refusal("account_denied", "this account is not yours to act for")


def action_kind(attempt: Attempt) -> str:
    """A 3DS challenge where the request demands one, a redirect otherwise."""
    return "three_d_secure" if attempt.challenge else "redirect"


def expansion(request: Request, params: Params) -> frozenset[str]:
    """The names in ``expand=…`` or ``expand[]=…``; what cannot be expanded is ignored."""
    return frozenset([*request.args.getlist("expand"), *request.args.getlist("expand[]")])


def headers(request: Request, answer: Answer) -> Mapping[str, str]:
    """None are documented."""
    return {}


def described(data: Params) -> Method:
    """A card made of the data of a request: it can be charged."""
    card = data.get("card", {})
    return Method(
        ulid(),
        brand=card.get("brand", "unknown"),
        funding=card.get("funding", "unknown"),
        last4=card.get("last4", ""),
        billing_details=data.get("billing_details") or {},
    )


POLICIES = Policies(
    base_path="",
    routes=_ROUTES,
    wrong_method="wrong_method",
    authentication=BearerKey({API_KEY: Caller(API_KEY), STRANGER_KEY: Caller(STRANGER_KEY, account="another account")}),
    decoding=json_body,
    validation=VALIDATION,
    instruments=Instruments(
        {method.id: method for method in _METHODS}, frozenset(CUSTOMERS), lambda method: method, described
    ),
    identifiers=Identifiers(lambda: word(27, "0123456789abcdef"), lambda intent_id: ""),
    lifecycle=Lifecycle(limit=CONFIRMATION_LIMIT, new_payment=ulid, failed_payment=ulid, action_kind=action_kind),
    idempotency=Idempotency(per_account, once_executed),
    errors=Errors(_KINDS, error_body),
    rendering=render,
    headers=headers,
    access=access,
    reading=reading,
    expansion=expansion,
)

SETTINGS: Mapping[str, Any] = {
    "api_key": API_KEY,
    "instruments": {
        "success": _known(11),
        "declined": _known(12),
        "authentication": _known(15),
        "reusable": _known(17),
        "customer": CUSTOMERS[0],
        "other_customers_method": _known(16),
        "stranger_key": STRANGER_KEY,
        "complete_action": "visit",
        "confirmation_limit": CONFIRMATION_LIMIT,
    },
}
