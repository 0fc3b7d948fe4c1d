"""How Stripe shows an intent: whole to a secret key, in part to a publishable one, references expanded on demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.model import Failure, Intent, Method, Page
from conformance.reference.rendering import View

from .stripe_values import words

DOC_URL = "https://stripe.com/docs/error-codes"

_PUBLIC = words(
    "id object amount automatic_payment_methods canceled_at cancellation_reason capture_method client_secret "
    "confirmation_method created currency description last_payment_error livemode next_action payment_method "
    "payment_method_types receipt_email setup_future_usage shipping source status"
)

# Members that come back as they were sent.
_ECHOED = words(
    "application_fee_amount automatic_payment_methods description excluded_payment_method_types on_behalf_of "
    "receipt_email setup_future_usage statement_descriptor statement_descriptor_suffix transfer_data transfer_group"
)
# Members that a server without these features has nothing to put in.
_ALWAYS_NULL = ("application", "processing", "review", "source")
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def render(intent: Intent, view: View) -> Mapping[str, Any]:
    """The PaymentIntent as the caller may see it."""
    details = intent.details
    whole: dict[str, Any] = {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": intent.amount_capturable,
        "amount_details": {"tip": {}},
        "amount_received": intent.amount_received,
        "canceled_at": None if intent.canceled_at is None else int(intent.canceled_at),
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": intent.capture_method,
        "client_secret": intent.client_secret,
        "confirmation_method": intent.confirmation_method,
        "created": int(intent.created),
        "currency": intent.currency,
        "customer": _customer(intent.customer, view),
        "last_payment_error": None if intent.failure is None else failure_members(intent.failure),
        "latest_charge": _charge(intent, view),
        "livemode": False,
        "metadata": dict(intent.metadata),
        "next_action": _next_action(intent, view),
        "payment_method": _method(intent.method, view),
        "payment_method_configuration_details": _configuration(intent),
        "payment_method_options": _options(intent),
        "payment_method_types": details.get("payment_method_types", ["card"]),
        "shipping": _shipping(details.get("shipping")),
        "status": intent.status,
    }
    whole.update((name, details.get(name)) for name in _ECHOED)
    whole.update(dict.fromkeys(_ALWAYS_NULL))
    if view.call.caller.role == "publishable":
        return {name: whole[name] for name in _PUBLIC}
    return whole


def paging(items: list[Mapping[str, Any]], page: Page, view: View) -> Mapping[str, Any]:
    """A list object, or the result of a search, which says how to go on and, if asked, how many there are."""
    if view.call.operation != "search":
        return {"object": "list", "data": items, "has_more": page.more, "url": "/v1/payment_intents"}
    result = {
        "object": "search_result",
        "data": items,
        "has_more": page.more,
        "next_page": page.items[-1].id if page.more else None,
        "url": "/v1/payment_intents/search",
    }
    return {**result, "total_count": page.total} if "total_count" in view.expand else result


def failure_members(failure: Failure) -> dict[str, Any]:
    """A failed attempt as ``last_payment_error`` and the error of the refusal have it in common."""
    card = failure.kind != "authentication_failed"
    members: dict[str, Any] = {
        "code": failure.code,
        "doc_url": f"{DOC_URL}/{failure.code.replace('_', '-')}",
        "message": failure.message,
        "type": "card_error" if card else "invalid_request_error",
    }
    if failure.decline_code is not None:
        members["decline_code"] = failure.decline_code
    if failure.payment is not None:
        members["charge"] = failure.payment
    if failure.method is not None:
        members["payment_method"] = method_members(failure.method)
    return members


def method_members(method: Method) -> dict[str, Any]:
    """A PaymentMethod."""
    address = dict.fromkeys(_ADDRESS) | (method.billing_details.get("address") or {})
    billing = {name: method.billing_details.get(name) for name in ("email", "name", "phone", "tax_id")}
    return {
        "id": method.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {**billing, "address": address},
        "created": int(method.created),
        "customer": method.customer,
        "livemode": False,
        "metadata": dict(method.metadata),
        "type": method.type,
        method.type: _card(method) if method.type == "card" else {},
    }


def _card(method: Method) -> dict[str, Any]:
    return {
        "brand": method.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": method.brand,
        "exp_month": 12,
        "exp_year": 2040,
        "fingerprint": f"reference{method.last4}",
        "funding": method.funding,
        "generated_from": None,
        "last4": method.last4,
        "networks": {"available": [method.brand], "preferred": None},
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _method(method: Method | None, view: View) -> Any:
    if method is None:
        return None
    return method_members(method) if "payment_method" in view.expand else method.id


def _customer(customer: str | None, view: View) -> Any:
    if customer is None or "customer" not in view.expand:
        return customer
    return {
        "id": customer,
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": 0,
        "currency": None,
        "description": None,
        "email": None,
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None},
        "livemode": False,
        "metadata": {},
        "name": None,
        "phone": None,
        "shipping": None,
    }


def _charge(intent: Intent, view: View) -> Any:
    if intent.payment is None or "latest_charge" not in view.expand:
        return intent.payment
    paid = intent.status in ("succeeded", "requires_capture")
    failure = intent.failure
    return {
        "id": intent.payment,
        "object": "charge",
        "amount": intent.amount,
        "amount_captured": intent.amount_received,
        "amount_refunded": 0,
        "captured": intent.status == "succeeded",
        "created": int(intent.created),
        "currency": intent.currency,
        "customer": intent.customer,
        "failure_code": None if failure is None else failure.code,
        "failure_message": None if failure is None else failure.message,
        "livemode": False,
        "metadata": dict(intent.metadata),
        "paid": paid,
        "payment_intent": intent.id,
        "payment_method": None if intent.method is None else intent.method.id,
        "refunded": False,
        "status": "succeeded" if paid else "pending" if intent.status == "processing" else "failed",
    }


def _next_action(intent: Intent, view: View) -> Any:
    action = intent.action
    if action is None:
        return None
    if action.kind == "microdeposits":
        verify = {"arrival_date": int(intent.created), "hosted_verification_url": view.page(action)}
        microdeposits = {**verify, "microdeposit_type": "amounts"}
        return {"type": "verify_with_microdeposits", "verify_with_microdeposits": microdeposits}
    if action.kind == "sdk":
        sdk = {"type": "three_d_secure_redirect", "stripe_js": view.page(action), "source": action.token}
        return {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}
    where = {"return_url": action.return_url, "url": view.page(action)}
    return {"type": "redirect_to_url", "redirect_to_url": where}


def _configuration(intent: Intent) -> Any:
    configuration = intent.details.get("payment_method_configuration")
    return None if configuration is None else {"id": configuration, "parent": None}


def _options(intent: Intent) -> Any:
    options = {name: value for name, value in (intent.details.get("payment_method_options") or {}).items() if value}
    if "card" in intent.details.get("payment_method_types", ()):
        plain = {"installments": None, "mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        options["card"] = {**plain, **options.get("card", {})}
    return options


def _shipping(shipping: Mapping[str, Any] | None) -> Any:
    if shipping is None:
        return None
    plain = dict.fromkeys(("carrier", "phone", "tracking_number"))
    return {**plain, **shipping, "address": {**dict.fromkeys(_ADDRESS), **shipping["address"]}}
