"""RevKeen: JSON under /v2, a key in a header of its own, nested errors that name the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request

from conformance.reference.authentication import HeaderKey
from conformance.reference.choices import REVKEEN_AUTHORISED, REVKEEN_VERSION
from conformance.reference.encoding import json_body
from conformance.reference.errors import Embed, Errors, Kind, Refusal
from conformance.reference.idempotency import Idempotency, always, per_path
from conformance.reference.identifiers import Identifiers, secret_after_id, word
from conformance.reference.instruments import Instruments
from conformance.reference.lifecycle import Lifecycle
from conformance.reference.listing import Listing
from conformance.reference.model import Answer, Call, Caller, Decline, Intent, Method, Page
from conformance.reference.policies import Policies
from conformance.reference.rendering import ACTIONS, View, rfc3339
from conformance.reference.routing import Route

from .revkeen_parameters import VALIDATION, matching, reading

API_KEY = "rk_sandbox_reference"
READ_ONLY_KEY = "rk_sandbox_read_only"
OTHER_API_KEY = "rk_sandbox_other"
STRANGER_KEY = "rk_sandbox_stranger"
_BASE_PATH = "/v2"
_PATH = "/payment-intents"


def _known(number: int) -> str:
    return f"5e7f0000-0000-4000-8000-{number:012d}"


CUSTOMERS = (_known(1), _known(2))
_METHODS = (
    Method(_known(11)),
    Method(_known(12), decline=Decline()),
    Method(_known(13), decline=Decline(decline_code="insufficient_funds"), last4="9995"),
    Method(_known(14), decline=Decline("expired_card", None), last4="0069"),
    Method(_known(15), authentication="always", last4="3184"),
    Method(_known(16), customer=CUSTOMERS[1]),
)

_ROUTES = (
    Route("create", "POST", _PATH),
    Route("list", "GET", _PATH),
    Route("retrieve", "GET", f"{_PATH}/{{id}}"),
    Route("update", "POST", f"{_PATH}/{{id}}"),
    Route("confirm", "POST", f"{_PATH}/{{id}}/confirm"),
    Route("capture", "POST", f"{_PATH}/{{id}}/capture"),
    Route("cancel", "POST", f"{_PATH}/{{id}}/cancel"),
)

_INVALID, _UNAUTHENTICATED = "invalid_request_error", "authentication_error"
_REALM = (("WWW-Authenticate", 'Bearer realm="revkeen-api"'),)
_KINDS = {
    "invalid": Kind(400, _INVALID, "validation_error"),
    "unknown_reference": Kind(400, _INVALID, "validation_error"),
    "unexpected_state": Kind(400, _INVALID, "invalid_state"),
    "capture_too_large": Kind(400, _INVALID, "amount_too_large"),
    "declined": Kind(400, _INVALID, "card_declined"),
    "unauthenticated": Kind(401, _UNAUTHENTICATED, "unauthenticated", _REALM),
    "unknown_key": Kind(401, _UNAUTHENTICATED, "invalid_api_key", _REALM),
    "scope_missing": Kind(403, "permission_error", "insufficient_permissions"),
    "not_found": Kind(404, _INVALID, "resource_missing"),
    "no_route": Kind(404, _INVALID, "resource_missing"),
    "wrong_method": Kind(405, _INVALID, "method_not_allowed"),
    "key_conflict": Kind(409, "idempotency_error", "idempotency_conflict"),
    "key_in_use": Kind(409, "idempotency_error", "idempotency_in_progress"),
}


def error_body(refusal: Refusal, kind: Kind, embed: Embed) -> Mapping[str, Any]:
    """``{"error": {…}}``; a fault of one field names its dotted path, with the reason under ``details.fields``."""
    error: dict[str, Any] = {
        "type": kind.type,
        "code": refusal.failure.code if refusal.failure else kind.code,
        "message": refusal.message,
        "request_id": f"req_{word(20)}",
    }
    if refusal.param and refusal.kind != "not_found":
        path = ".".join(refusal.param)
        error["param"] = path
        error["details"] = {"fields": {path: [refusal.message]}}
    return {"error": error}


def access(call: Call, intent: Intent | None) -> None:
    """A key without the scope to write only reads."""
    if call.caller.role == "read_only" and call.operation not in ("retrieve", "list"):
        raise Refusal("scope_missing", "the key lacks the scope payment_intents:write")


_ECHOED = ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix")


def render(intent: Intent, view: View) -> Mapping[str, Any]:
    """The PaymentIntent: created in seconds, canceled_at as text, and nothing of what other providers add."""
    return {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": intent.amount_capturable,
        "amount_received": intent.amount_received,
        "currency": intent.currency,
        "customer": intent.customer,
        "status": intent.status,
        "capture_method": intent.capture_method,
        "client_secret": intent.client_secret,
        "created": int(intent.created),
        "livemode": False,
        "last_payment_error": _last_error(intent),
        "metadata": dict(intent.metadata),
        "next_action": _next_action(intent, view),
        "payment_method": None if intent.method is None else intent.method.id,
        "canceled_at": None if intent.canceled_at is None else rfc3339(intent.canceled_at),
        "cancellation_reason": intent.cancellation_reason,
        **{name: intent.details.get(name) for name in _ECHOED},
    }


def _last_error(intent: Intent) -> Any:
    failure = intent.failure
    if failure is None:
        return None
    error: dict[str, Any] = {"code": failure.code, "message": failure.message}
    if failure.decline_code is not None:
        error["decline_code"] = failure.decline_code
    if failure.method is not None:
        error["payment_method"] = {"id": failure.method.id, "type": failure.method.type}
    return error


def _next_action(intent: Intent, view: View) -> Any:
    if intent.action is None:
        return None
    back = intent.action.return_url or f"{view.call.base_url}{ACTIONS}returned"
    return {"type": "redirect_to_url", "redirect_to_url": {"url": view.page(intent.action), "return_url": back}}


def paging(items: list[Mapping[str, Any]], page: Page, view: View) -> Mapping[str, Any]:
    """The list object around a page."""
    return {"object": "list", "data": items, "has_more": page.more, "url": _BASE_PATH + _PATH}


def headers(request: Request, answer: Answer) -> Mapping[str, str]:
    """The version in force, and whether the answer is a repeated one."""
    result = {"RevKeen-Version": request.headers.get("RevKeen-Version", REVKEEN_VERSION)}
    if answer.replayed:
        result["Idempotency-Replayed"] = "true"
    return result


_UNCONFIRMED = frozenset({"requires_payment_method", "requires_confirmation"})

LIFECYCLE = Lifecycle(
    cancelable=frozenset({"requires_payment_method", "requires_confirmation", "requires_action", "processing"}),
    updatable=_UNCONFIRMED,
    annotatable=_UNCONFIRMED,
    authorised=REVKEEN_AUTHORISED,
)

POLICIES = Policies(
    base_path=_BASE_PATH,
    routes=_ROUTES,
    wrong_method="wrong_method",
    authentication=HeaderKey(
        {
            API_KEY: Caller(API_KEY),
            OTHER_API_KEY: Caller(OTHER_API_KEY),
            READ_ONLY_KEY: Caller(READ_ONLY_KEY, "read_only"),
            STRANGER_KEY: Caller(STRANGER_KEY, account="another merchant"),
        },
        "x-api-key",
    ),
    decoding=json_body,
    validation=VALIDATION,
    instruments=Instruments({method.id: method for method in _METHODS}, frozenset(CUSTOMERS), lambda method: method),
    identifiers=Identifiers(lambda: f"pi_{word(20)}", secret_after_id),
    lifecycle=LIFECYCLE,
    idempotency=Idempotency(per_path, always, in_flight="refuse"),
    errors=Errors(_KINDS, error_body),
    rendering=render,
    headers=headers,
    access=access,
    reading=reading,
    listing=Listing(20, matching),
    paging=paging,
)

SETTINGS: Mapping[str, Any] = {
    "api_key": API_KEY,
    "instruments": {
        "success": _known(11),
        "declined": _known(12),
        "authentication": _known(15),
        "customer": CUSTOMERS[0],
        "other_customer": CUSTOMERS[1],
        "read_only_key": READ_ONLY_KEY,
        "other_api_key": OTHER_API_KEY,
        "stranger_key": STRANGER_KEY,
    },
}
