"""Dots: JSON under /api, Basic with a client id, a small object, errors of which one is documented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request

from conformance.reference.authentication import BasicPair
from conformance.reference.encoding import json_body
from conformance.reference.errors import Embed, Errors, Kind, Refusal
from conformance.reference.idempotency import Idempotency, once_executed, per_account, whatever_is_asked
from conformance.reference.identifiers import Identifiers, secret_after_id, uuid4
from conformance.reference.instruments import Instruments
from conformance.reference.lifecycle import Lifecycle
from conformance.reference.model import Answer, Call, Caller, Decline, Intent, Method, Params
from conformance.reference.policies import Policies
from conformance.reference.rendering import View
from conformance.reference.routing import Route
from conformance.reference.validation import (
    Members,
    Validation,
    array,
    boolean,
    either,
    integer,
    invalid,
    mapping,
    one_of,
    text,
    uuid,
)

API_KEY = "reference-client:reference-key"
ORGANISATION_KEY = "reference-organisation:reference-key"
STRANGER_KEY = "stranger-client:stranger-key"
ORGANISATION_APP = "reference-app"


def _known(number: int) -> str:
    return f"d0750000-0000-4000-8000-{number:012d}"


_METHODS = (
    Method(_known(11)),
    Method(_known(12), decline=Decline("invalid-transaction", None)),
    Method(_known(13), decline=Decline("transaction-insufficient-funds", None)),
    Method(_known(15), authentication="always"),
)

_ROUTES = (
    Route("create", "POST", "/v2/payment-intents"),
    Route("list", "GET", "/v2/payment-intents"),
    Route("retrieve", "GET", "/v2/payment-intents/{id}"),
    Route("confirm", "POST", "/v2/payment-intents/{id}/confirm"),
)


def fee_within_amount(params: Params) -> None:
    """The application's fee does not exceed what is paid."""
    if params.get("application_fee_amount", 0) > params["amount"]:
        raise invalid(("application_fee_amount",), "must not exceed the amount")


VALIDATION = Validation(
    {
        "create": Members(
            {
                "amount": integer(1),
                "currency": one_of("usd"),
                "confirm": boolean,
                "user_id": uuid,
                "customer_id": uuid,
                "description": text(),
                "payment_method_id": uuid,
                "payment_method_types": array(one_of("card")),
                "setup_future_usage": one_of("on_session"),
                "metadata": either(mapping, boolean),
                "transfer_data": Members({"destination_user_id": uuid}, closed=False),
                "application_fee_amount": integer(0),
                "idempotency_key": uuid,
            },
            required=("amount", "currency"),
            closed=False,
        ),
        "list": Members({}, closed=False),
        "retrieve": Members({}, closed=False),
        "confirm": Members({"payment_method_id": text()}, required=("payment_method_id",), closed=False),
    },
    {"create": (fee_within_amount,)},
)


def reading(operation: str, params: Params) -> Params:
    """The names the operations read; metadata that is only a boolean holds nothing."""
    result = {name: value for name, value in params.items() if name != "payment_method_id"}
    if "payment_method_id" in params:
        result["payment_method"] = params["payment_method_id"].lower()
    if isinstance(params.get("metadata"), bool):
        del result["metadata"]
    return result


_REALM = (("WWW-Authenticate", 'Basic realm="dots"'),)
_KINDS = {
    "invalid": Kind(400, code="invalid-input"),
    "unexpected_state": Kind(400, code="invalid-transaction"),
    "no_method": Kind(400, code="user-info-missing-card"),
    "declined": Kind(402),
    "unauthenticated": Kind(401, code="unauthorized", headers=_REALM),
    "bad_scheme": Kind(401, code="unauthorized", headers=_REALM),
    "unknown_key": Kind(401, code="unauthorized", headers=_REALM),
    "app_missing": Kind(403, code="app-info-missing"),
    "key_in_use": Kind(409, code="resource-busy"),
    "not_found": Kind(404, code="PaymentIntent not found"),
    "no_route": Kind(404, code="not-found"),
    "wrong_method": Kind(405, code="method-not-allowed"),
}


def error_body(refusal: Refusal, kind: Kind, embed: Embed) -> Mapping[str, Any]:
    """An error word, of which only that of the 404 is documented, and a message."""
    word = refusal.failure.code if refusal.failure else kind.code
    where = f"{'.'.join(refusal.param)}: " if refusal.param else ""
    return {"error": word, "message": where + refusal.message}


def access(call: Call, intent: Intent | None) -> None:
    """An organisation's key acts for the app that the request names."""
    if call.caller.role == "organisation" and call.request.headers.get("Api-App-Id") != ORGANISATION_APP:
        raise Refusal("app_missing", "Api-App-Id has to name an app of the organisation")


def key_in_body(call: Call) -> str | None:
    """The ``idempotency_key`` of a create, in small letters, as it is a UUID."""
    key = call.params.get("idempotency_key")
    return key.lower() if call.operation == "create" and isinstance(key, str) else None


def render(intent: Intent, view: View) -> Mapping[str, Any]:
    """The payment-intent; what is unset is left out, the client secret is shown to whoever creates it."""
    members = {
        "id": intent.id,
        "amount": intent.amount,
        "currency": intent.currency,
        "status": intent.status,
        "user_id": intent.details.get("user_id"),
        "transfer_id": intent.payment,
        "payment_method_id": intent.method.id if intent.method else None,
        "metadata": dict(intent.metadata) or None,
        "client_secret": intent.client_secret if view.call.operation == "create" else None,
    }
    return {name: value for name, value in members.items() if value is not None}


def headers(request: Request, answer: Answer) -> Mapping[str, str]:
    """None are documented."""
    return {}


POLICIES = Policies(
    base_path="/api",
    routes=_ROUTES,
    wrong_method="wrong_method",
    authentication=BasicPair(
        {
            API_KEY: Caller(API_KEY),
            ORGANISATION_KEY: Caller(ORGANISATION_KEY, "organisation"),
            STRANGER_KEY: Caller(STRANGER_KEY, account="another account"),
        }
    ),
    decoding=json_body,
    validation=VALIDATION,
    instruments=Instruments({method.id: method for method in _METHODS}, None, lambda method: method),
    identifiers=Identifiers(uuid4, secret_after_id),
    lifecycle=Lifecycle(cancelable=frozenset(), declined="failed", new_payment=uuid4),
    idempotency=Idempotency(per_account, once_executed, key_in_body, whatever_is_asked),
    errors=Errors(_KINDS, error_body),
    rendering=render,
    headers=headers,
    access=access,
    reading=reading,
)

SETTINGS: Mapping[str, Any] = {
    "api_key": API_KEY,
    "instruments": {
        "success": _known(11),
        "declined": _known(12),
        "authentication": _known(15),
        "user": _known(1),
        "customer": _known(2),
        "destination_user": _known(3),
        "stranger_key": STRANGER_KEY,
        "organisation_key": ORGANISATION_KEY,
        "organisation_app": ORGANISATION_APP,
    },
}
