"""What Paypercut's operations accept. Members that are not documented are not looked at."""

from __future__ import annotations

from conformance.reference.choices import PAYPERCUT_LEAST, PAYPERCUT_MOST
from conformance.reference.model import Params
from conformance.reference.validation import (
    Check,
    Members,
    Validation,
    boolean,
    either,
    integer,
    invalid,
    nullable,
    one_of,
    text,
)

CURRENCIES = frozenset(("DKK", "SEK", "NOK", "GBP", "EUR", "USD", "CHF", "CZK", "HUF", "PLN", "RON"))

_word = text(100)
_any_text = nullable(text())

_CARD = Members(
    {
        "brand": _word,
        "exp_month": integer(),
        "exp_year": integer(),
        "funding": _word,
        "last4": _word,
        "cardholder_name": _any_text,
        "country": _any_text,
        "issuer": _any_text,
        "display_brand": _any_text,
        "fingerprint": _any_text,
        "segment": text(),
        "iin": text(),
        "wallet": Members({"dynamic_last4": _any_text, "type": text()}, closed=False),
        "three_d_secure_usage": Members({"supported": boolean}, closed=False),
        "token_id": text(),
        "token_intent_id": text(),
    },
    required=("brand", "exp_month", "exp_year", "funding", "last4"),
    closed=False,
)
_ADDRESS = Members(
    dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), _any_text), closed=False
)
_METHOD_DATA = Members(
    {
        "type": one_of("card"),
        "card": _CARD,
        "billing_details": Members(
            {"email": _any_text, "name": _any_text, "phone": _any_text, "address": nullable(_ADDRESS)}, closed=False
        ),
    },
    closed=False,
)
_THREE_D_SECURE = Members(
    {
        "cryptogram": text(1000),
        "transaction_id": text(5000),
        "version": one_of("1.0.2", "2.1.0", "2.2.0"),
        "ares_trans_status": one_of(*"ACINRUY"),
        "electronic_commerce_indicator": one_of("01", "02", "05", "06", "07"),
        "exemption_indicator": one_of("low_risk", "none"),
        "requestor_challenge_indicator": one_of(*(f"{number:02}" for number in range(1, 100))),
        "session_id": text(),
    },
    required=("cryptogram", "transaction_id", "version"),
    closed=False,
)
_OPTIONS = Members(
    {
        "type": text(),
        "card": Members(
            {
                "request_three_d_secure": one_of("any", "automatic", "challenge"),
                "three_d_secure": _THREE_D_SECURE,
            },
            closed=False,
        ),
    },
    closed=False,
)
_SETUP = nullable(one_of("off_session", "on_session"))
_METHOD: dict[str, Check] = {
    "payment_method": text(),
    "payment_method_data": _METHOD_DATA,
    "payment_method_options": _OPTIONS,
}


def known_currency(params: Params) -> None:
    """The currency is one of the eleven, in whatever case."""
    if params["currency"].upper() not in CURRENCIES:
        raise invalid(("currency",), "this currency is not supported")


def off_session_with_confirm(params: Params) -> None:
    """``off_session`` is sent only together with ``confirm``."""
    if "off_session" in params and not params.get("confirm"):
        raise invalid(("off_session",), "can only be sent with confirm")


VALIDATION = Validation(
    {
        "create": Members(
            {
                **_METHOD,
                "amount": integer(PAYPERCUT_LEAST, PAYPERCUT_MOST),
                "currency": text(),
                "customer": text(100),
                "capture_method": one_of("automatic", "manual"),
                "confirm": boolean,
                "off_session": either(one_of("one_off", "recurring"), boolean),
                "setup_future_usage": _SETUP,
            },
            required=("amount", "currency"),
            closed=False,
        ),
        "retrieve": Members({}, closed=False),
        "confirm": Members({**_METHOD, "setup_future_usage": _SETUP}, closed=False),
        "capture": Members({"amount_to_capture": integer(1), "final_capture": boolean}, closed=False),
        "cancel": Members(
            {"cancellation_reason": nullable(one_of("abandoned", "duplicate", "fraudulent", "requested_by_customer"))},
            closed=False,
        ),
    },
    {"create": (known_currency, off_session_with_confirm)},
)


def reading(operation: str, params: Params) -> Params:
    """The currency in small letters, as the object shows it; a 3DS challenge if demanded; the default of a capture."""
    card = params.get("payment_method_options", {}).get("card", {})
    result = {**params, "challenge": card.get("request_three_d_secure") == "challenge"}
    if operation == "create":
        result["currency"] = params["currency"].lower()
    if operation == "capture":
        result.setdefault("final_capture", False)
    return result
