"""How Paypercut shows an intent, and the customer, payment method and payment it can show along with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.model import Intent, Method
from conformance.reference.rendering import View, rfc3339

_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
_SCALE = 2
_EPOCH = rfc3339(0)


def render(intent: Intent, view: View) -> Mapping[str, Any]:
    """The PaymentIntent; ``next_action`` stands in it only while there is something to do."""
    shown: dict[str, Any] = {
        "id": intent.id,
        "amount": intent.amount,
        "currency": _currency(intent),
        "status": intent.status,
        "created": rfc3339(intent.created),
        "livemode": False,
        "payment_method": _method(intent, view),
        "customer": _customer(intent, view),
        "capture_method": intent.capture_method,
        "setup_future_usage": intent.details.get("setup_future_usage"),
        "amount_capturable": intent.amount_capturable,
        "amount_received": intent.amount_received,
        "statement_descriptor": None,
        "latest_payment": _payment(intent, view),
        "cancellation_reason": intent.cancellation_reason,
        "canceled_at": None if intent.canceled_at is None else rfc3339(intent.canceled_at),
    }
    if intent.action is not None:
        shown["next_action"] = _next_action(intent, view)
    return shown


def _currency(intent: Intent) -> dict[str, Any]:
    return {"iso": intent.currency, "scale": _SCALE}


def _next_action(intent: Intent, view: View) -> dict[str, Any]:
    action = intent.action
    assert action is not None
    page = view.page(action)
    if action.kind == "redirect":
        return {"type": "redirect_to_url", "redirect_to_url": {"return_url": action.return_url, "url": page}}
    challenge = {
        "flow": "challenge",
        "idempotency_key": action.token,
        "status_url": page,
        "return_url": action.return_url,
        "message": {"allowed_origins": [view.call.base_url]},
        "challenge": {"url": page, "method": "GET"},
    }
    return {"type": "three_d_secure", "three_d_secure": challenge}


def _method(intent: Intent, view: View) -> Any:
    if intent.method is None:
        return None
    return _card(intent.method, intent.customer) if "payment_method" in view.expand else intent.method.id


def _card(method: Method, customer: str | None) -> dict[str, Any]:
    card = {
        "brand": method.brand,
        "exp_month": 12,
        "exp_year": 2040,
        "funding": method.funding,
        "last4": method.last4,
        "cardholder_name": None,
        "country": None,
        "issuer": None,
        "three_d_secure_usage": {"supported": True},
    }
    billing = {name: method.billing_details.get(name) for name in ("email", "name", "phone")}
    address = {**dict.fromkeys(_ADDRESS), **(method.billing_details.get("address") or {})}
    return {
        "id": method.id,
        "type": "card",
        "card": card,
        "billing_details": {**billing, "address": address},
        "metadata": dict(method.metadata),
        "customer": method.customer or customer,
        "livemode": False,
        "created": rfc3339(method.created),
    }


def _customer(intent: Intent, view: View) -> Any:
    if intent.customer is None or "customer" not in view.expand:
        return intent.customer
    return {
        "id": intent.customer,
        "email": "payer@example.com",
        "name": "Reference Payer",
        "phone": None,
        "preferred_locales": ["en"],
        "address": dict.fromkeys(_ADDRESS),
        "invoice_settings": {"default_payment_method": None},
        "payment_methods": [],
        "created": _EPOCH,
        "livemode": False,
    }


def _payment(intent: Intent, view: View) -> Any:
    if intent.payment is None or "latest_payment" not in view.expand:
        return intent.payment
    status = "failed" if intent.failure is not None else "succeeded"
    return {
        "id": intent.payment,
        "amount": intent.amount,
        "currency": _currency(intent),
        "status": status,
        "latest_status": status,
        "payment_intent": intent.id,
        "created": rfc3339(intent.created),
        "livemode": False,
    }
