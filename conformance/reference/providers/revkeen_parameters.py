"""What RevKeen's operations accept, and which intents a list shows."""

from __future__ import annotations

import re
from typing import Any

from conformance.reference import encoding
from conformance.reference.listing import Matcher
from conformance.reference.model import Intent, Params, Path
from conformance.reference.validation import (
    Check,
    Members,
    Validation,
    email,
    integer,
    invalid,
    mapping,
    one_of,
    text,
    uri,
    uuid,
)

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def seconds(value: Any, path: Path) -> float:
    """A number of seconds, as a query writes it."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise invalid(path, "must be a number")
    return float(value)


_CHANGEABLE: dict[str, Check] = {
    "amount": integer(1),
    "currency": text(3, 3),
    "payment_method": uuid,
    "description": text(500),
    "statement_descriptor": text(22),
    "statement_descriptor_suffix": text(22),
    "receipt_email": email,
    "metadata": mapping,
}

VALIDATION = Validation(
    {
        "create": Members(
            {
                **_CHANGEABLE,
                "customer": uuid,
                "capture_method": one_of("automatic", "manual"),
                "gateway_merchant_id": text(),
            },
            required=("amount", "customer"),
        ),
        "list": Members(
            {
                "customer": uuid,
                "status": one_of(
                    "requires_payment_method",
                    "requires_confirmation",
                    "requires_action",
                    "processing",
                    "succeeded",
                    "canceled",
                ),
                "created_gte": seconds,
                "created_lte": seconds,
                "limit": encoding.integer(1, 100),
                "starting_after": text(),
                "ending_before": text(),
            },
            closed=False,
        ),
        "retrieve": Members({}, closed=False),
        "update": Members(_CHANGEABLE),
        "confirm": Members({"payment_method": uuid, "return_url": uri}),
        "capture": Members({"amount_to_capture": integer(1)}),
        "cancel": Members(
            {
                "cancellation_reason": one_of(
                    "duplicate", "fraudulent", "requested_by_customer", "abandoned", "failed_invoice"
                )
            }
        ),
    }
)


def reading(operation: str, params: Params) -> Params:
    """The documented defaults of a create; ids in small letters, as UUIDs are compared."""
    ids: Params = {name: params[name].lower() for name in ("customer", "payment_method") if name in params}
    defaults: Params = {"currency": "USD", "capture_method": "automatic"} if operation == "create" else {}
    return {**defaults, **params, **ids}


def matching(params: Params) -> Matcher:
    """The filters of a list: customer, status, and bounds of ``created``, which belong to what they bound."""

    def matches(intent: Intent) -> bool:
        created = int(intent.created)
        return (
            params.get("customer") in (None, intent.customer)
            and params.get("status") in (None, intent.status)
            and params.get("created_gte", created) <= created <= params.get("created_lte", created)
        )

    return matches
