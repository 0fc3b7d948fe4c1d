"""Stripe: forms with brackets, a Bearer or Basic key, card errors that embed the intent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request

from conformance.reference.authentication import BearerOrBasicKey
from conformance.reference.choices import CONFIRMATION_LIMIT, SETTLEMENT_DELAY, STRIPE_VERSION
from conformance.reference.encoding import form_body
from conformance.reference.errors import Embed, Errors, Kind, Refusal
from conformance.reference.idempotency import Idempotency, once_executed, per_account
from conformance.reference.identifiers import Identifiers, secret_after_id, word
from conformance.reference.lifecycle import Lifecycle
from conformance.reference.listing import Listing
from conformance.reference.model import Answer, Attempt, Call, Caller, Intent, Params
from conformance.reference.policies import Policies
from conformance.reference.routing import Route

from .stripe_instruments import CUSTOMERS, INSTRUMENTS, OTHER_CUSTOMERS_METHOD
from .stripe_object import DOC_URL, failure_members, paging, render
from .stripe_operations import (
    apply_customer_balance,
    capture,
    increment_authorization,
    matching,
    search,
    update,
    verify_microdeposits,
)
from .stripe_parameters import VALIDATION, bracketed, reading

API_KEY = "sk_test_reference"
PUBLISHABLE_KEY = "pk_test_reference"
RESTRICTED_KEY = "rk_test_reference"
STRANGER_KEY = "sk_test_stranger"

_ROUTES = (
    Route("create", "POST", "/v1/payment_intents"),
    Route("list", "GET", "/v1/payment_intents"),
    Route("search", "GET", "/v1/payment_intents/search"),
    Route("retrieve", "GET", "/v1/payment_intents/{id}"),
    Route("update", "POST", "/v1/payment_intents/{id}"),
    Route("confirm", "POST", "/v1/payment_intents/{id}/confirm"),
    Route("capture", "POST", "/v1/payment_intents/{id}/capture"),
    Route("cancel", "POST", "/v1/payment_intents/{id}/cancel"),
    Route("increment_authorization", "POST", "/v1/payment_intents/{id}/increment_authorization"),
    Route("apply_customer_balance", "POST", "/v1/payment_intents/{id}/apply_customer_balance"),
    Route("verify_microdeposits", "POST", "/v1/payment_intents/{id}/verify_microdeposits"),
)

_INVALID = "invalid_request_error"
_REALM = (("WWW-Authenticate", 'Bearer realm="Stripe"'),)
_MICRODEPOSITS = "payment_method_microdeposit_verification"
_KINDS = {
    "invalid": Kind(400, _INVALID),
    "malformed": Kind(400, _INVALID),
    "media_type": Kind(400, _INVALID),
    "missing": Kind(400, _INVALID, "parameter_missing"),
    "unknown_parameter": Kind(400, _INVALID, "parameter_unknown"),
    "not_an_integer": Kind(400, _INVALID, "parameter_invalid_integer"),
    "too_small": Kind(400, _INVALID, "parameter_invalid_integer"),
    "too_large": Kind(400, _INVALID, "amount_too_large"),
    "capture_too_large": Kind(400, _INVALID, "amount_too_large"),
    "amount_too_small": Kind(400, _INVALID, "amount_too_small"),
    "unknown_method_type": Kind(400, _INVALID, "payment_method_invalid_parameter"),
    "unknown_reference": Kind(400, _INVALID, "resource_missing"),
    "foreign_method": Kind(400, _INVALID, "payment_method_unexpected_state"),
    "not_together": Kind(400, _INVALID, "payment_intent_invalid_parameter"),
    "no_method": Kind(400, _INVALID, "payment_intent_unexpected_state"),
    "unexpected_state": Kind(400, _INVALID, "payment_intent_unexpected_state"),
    "wrong_client_secret": Kind(400, _INVALID, "payment_intent_invalid_parameter"),
    "unauthenticated": Kind(401, _INVALID, headers=_REALM),
    "bad_scheme": Kind(401, _INVALID, headers=_REALM),
    "unknown_key": Kind(401, _INVALID, headers=_REALM),
    "permission_missing": Kind(403, _INVALID),
    "secret_key_required": Kind(403, _INVALID, "secret_key_required"),
    "not_found": Kind(404, _INVALID, "resource_missing"),
    "no_route": Kind(404, _INVALID),
    "declined": Kind(402, "card_error"),
    "authentication_required": Kind(402, "card_error"),
    "exclusive": Kind(400, _INVALID, "parameters_exclusive"),
    "microdeposit_amounts_invalid": Kind(400, _INVALID, f"{_MICRODEPOSITS}_amounts_invalid"),
    "microdeposit_amounts_mismatch": Kind(400, _INVALID, f"{_MICRODEPOSITS}_amounts_mismatch"),
    "microdeposit_attempts_exceeded": Kind(400, _INVALID, f"{_MICRODEPOSITS}_attempts_exceeded"),
    "microdeposit_descriptor_code_mismatch": Kind(400, _INVALID, f"{_MICRODEPOSITS}_descriptor_code_mismatch"),
    "microdeposit_timeout": Kind(400, _INVALID, f"{_MICRODEPOSITS}_timeout"),
    "bad_key": Kind(400, _INVALID),
    "key_conflict": Kind(400, "idempotency_error"),
    "key_in_use": Kind(409, _INVALID, "idempotency_key_in_use"),
}


def error_body(refusal: Refusal, kind: Kind, embed: Embed) -> Mapping[str, Any]:
    """``{"error": {…}}``, with the failed charge of a decline and the intent concerned inside."""
    error: dict[str, Any] = {"type": kind.type, "message": refusal.message}
    if kind.code is not None:
        error["code"] = kind.code
        error["doc_url"] = f"{DOC_URL}/{kind.code.replace('_', '-')}"
    if refusal.param:
        error["param"] = bracketed(refusal.param)
    if refusal.failure is not None:
        error.update(failure_members(refusal.failure))
    if refusal.intent is not None:
        error["payment_intent"] = embed(refusal.intent)
    return {"error": error}


# Parameters of a confirmation that only a secret key may send.
_SECRET_ONLY = (
    "capture_method",
    "mandate",
    "off_session",
    "payment_method_options",
    "payment_method_types",
    "radar_options",
)


def access(call: Call, intent: Intent | None) -> None:
    """A restricted key only reads; a publishable one only reads, confirms and verifies the intent of its secret."""
    if call.caller.role == "read_only" and call.operation not in ("retrieve", "list", "search"):
        raise Refusal("permission_missing", "the key lacks the permission to write PaymentIntents")
    if call.caller.role != "publishable":
        return
    if intent is None or call.operation not in ("retrieve", "confirm", "verify_microdeposits"):
        raise Refusal("secret_key_required", "this needs a secret key")
    secret = call.params.get("client_secret")
    if secret is None:
        raise Refusal("missing", "a publishable key needs the client secret", param=("client_secret",))
    if secret != intent.client_secret:
        raise Refusal("wrong_client_secret", "the client secret is not that of this intent", param=("client_secret",))
    if call.operation == "confirm" and intent.confirmation_method == "manual":
        raise Refusal("secret_key_required", "an intent with manual confirmation is confirmed with a secret key")
    for name in _SECRET_ONLY:
        if call.operation == "confirm" and name in call.params:
            raise Refusal("secret_key_required", f"{name} needs a secret key", param=(name,))


def return_url_for_redirects(intent: Intent, attempt: Attempt) -> None:
    """Dynamic payment methods may redirect, and then there has to be somewhere to return to."""
    if _dynamic(intent).get("allow_redirects") == "always" and not attempt.off_session and not attempt.return_url:
        message = "payment methods that may redirect need a return_url"
        raise Refusal("invalid", message, param=("return_url",), intent=intent)


def no_refusal_of_actions_when_dynamic(intent: Intent, attempt: Attempt) -> None:
    """``error_on_requires_action`` does not go together with dynamic payment methods."""
    if _dynamic(intent) and attempt.refuses_action:
        message = "error_on_requires_action cannot be used with automatic_payment_methods"
        raise Refusal("not_together", message, param=("error_on_requires_action",), intent=intent)


def no_descriptor_on_cards(intent: Intent, attempt: Attempt) -> None:
    """``statement_descriptor`` is for methods other than cards."""
    method = attempt.method or intent.method
    if method is not None and method.type == "card" and intent.details.get("statement_descriptor"):
        message = "a card takes statement_descriptor_suffix only"
        raise Refusal("invalid", message, param=("statement_descriptor",), intent=intent)


def _dynamic(intent: Intent) -> Mapping[str, Any]:
    automatic: Mapping[str, Any] = intent.details.get("automatic_payment_methods") or {}
    return automatic if automatic.get("enabled") else {}


def captures_later(intent: Intent) -> bool:
    """Manual capture, of the intent or of cards alone."""
    card = (intent.details.get("payment_method_options") or {}).get("card") or {}
    return "manual" in (intent.capture_method, card.get("capture_method"))


def verification(intent: Intent) -> str | None:
    """Microdeposits to a bank account, where the intent's options ask for them."""
    options = (intent.details.get("payment_method_options") or {}).get("us_bank_account") or {}
    debited = intent.method is not None and intent.method.type == "us_bank_account"
    return "microdeposits" if debited and options.get("verification_method") == "microdeposits" else None


def action_kind(attempt: Attempt) -> str:
    """A redirect where there is somewhere to return to and no SDK takes care of it."""
    return "redirect" if attempt.return_url and not attempt.in_sdk else "sdk"


def _charge_id() -> str:
    return f"ch_{word(24)}"


LIFECYCLE = Lifecycle(
    annotations=frozenset({"description", "metadata", "receipt_email", "shipping"}),
    cancelable=frozenset(
        {"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture", "processing"}
    ),
    limit=CONFIRMATION_LIMIT,
    limit_reason="automatic",
    delay=SETTLEMENT_DELAY,
    new_payment=_charge_id,
    failed_payment=_charge_id,
    captures_later=captures_later,
    action_kind=action_kind,
    verification=verification,
    preconditions=(return_url_for_redirects, no_refusal_of_actions_when_dynamic, no_descriptor_on_cards),
)


def headers(request: Request, answer: Answer) -> Mapping[str, str]:
    """A new request id, the version in force, the idempotency key and whether its answer is a repeated one."""
    result = {
        "Request-Id": f"req_{word(14)}",
        "Stripe-Version": request.headers.get("Stripe-Version", STRIPE_VERSION),
    }
    key = request.headers.get("Idempotency-Key")
    if key:
        result["Idempotency-Key"] = key
    if answer.replayed:
        result["Idempotent-Replayed"] = "true"
    return result


def expansion(request: Request, params: Params) -> frozenset[str]:
    """The first steps of the paths to expand."""
    return frozenset(path.split(".")[0] for path in params.get("expand", ()))


POLICIES = Policies(
    base_path="",
    routes=_ROUTES,
    wrong_method="no_route",
    authentication=BearerOrBasicKey(
        {
            API_KEY: Caller(API_KEY),
            PUBLISHABLE_KEY: Caller(PUBLISHABLE_KEY, "publishable"),
            RESTRICTED_KEY: Caller(RESTRICTED_KEY, "read_only"),
            STRANGER_KEY: Caller(STRANGER_KEY, account="another account"),
        }
    ),
    decoding=form_body,
    validation=VALIDATION,
    instruments=INSTRUMENTS,
    identifiers=Identifiers(lambda: f"pi_{word(24)}", secret_after_id),
    lifecycle=LIFECYCLE,
    idempotency=Idempotency(per_account, once_executed, in_flight="refuse"),
    errors=Errors(_KINDS, error_body),
    rendering=render,
    headers=headers,
    access=access,
    reading=reading,
    expansion=expansion,
    listing=Listing(10, matching),
    paging=paging,
    operations={
        "search": search,
        "update": update,
        "capture": capture,
        "increment_authorization": increment_authorization,
        "apply_customer_balance": apply_customer_balance,
        "verify_microdeposits": verify_microdeposits,
    },
)

SETTINGS: Mapping[str, Any] = {
    "api_key": API_KEY,
    "instruments": {
        "success": "pm_card_visa",
        "declined": "pm_card_visa_chargeDeclined",
        "declined_insufficient_funds": "pm_card_visa_chargeDeclinedInsufficientFunds",
        "declined_lost_card": "pm_card_visa_chargeDeclinedLostCard",
        "declined_stolen_card": "pm_card_visa_chargeDeclinedStolenCard",
        "declined_expired_card": "pm_card_chargeDeclinedExpiredCard",
        "declined_incorrect_cvc": "pm_card_chargeDeclinedIncorrectCvc",
        "declined_processing_error": "pm_card_chargeDeclinedProcessingError",
        "declined_velocity": "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
        "authentication": "pm_card_authenticationRequired",
        "prepared_off_session": "pm_card_authenticationRequiredSetupForOffSession",
        "bank_debit": "pm_usBankAccount_processing",
        "customer": CUSTOMERS[0],
        "other_customer": CUSTOMERS[1],
        "other_customers_method": OTHER_CUSTOMERS_METHOD,
        "bank_debits": True,
        "dynamic_payment_methods": True,
        "search": True,
        "increment_authorization": True,
        "customer_balance": True,
        "microdeposits": True,
        "publishable_key": PUBLISHABLE_KEY,
        "restricted_key": RESTRICTED_KEY,
        "stranger_key": STRANGER_KEY,
        "complete_action": "visit",
        "confirmation_limit": CONFIRMATION_LIMIT,
    },
}
