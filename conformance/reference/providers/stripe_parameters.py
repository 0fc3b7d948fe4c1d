"""What Stripe's operations accept: members, limits, enums, and the rules that concern several members at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.choices import STRIPE_CAPTURE_METHOD, STRIPE_MOST_DIGITS
from conformance.reference.encoding import array, blank_or, boolean, integer
from conformance.reference.errors import Refusal
from conformance.reference.model import Params, Path
from conformance.reference.validation import Check, Members, Rule, Validation, either, invalid, one_of, text

from .stripe_values import (
    BANKS,
    CURRENCIES,
    EXCLUDABLE_TYPES,
    EXPANDABLE,
    METHOD_TYPES,
    MINIMUM_AMOUNTS,
    OPTION_TYPES,
    REQUIRED_CHILDREN,
)

_string = text(5000)
_words = text()
_amount = integer(1, 10**STRIPE_MOST_DIGITS - 1)
_capture_method = one_of("automatic", "automatic_async", "manual")
_off_session = either(one_of("one_off", "recurring"), boolean)


MOST_METADATA = 50  # pairs


def metadata(value: Any, path: Path) -> dict[str, str | None]:
    """Up to fifty pairs; keys of at most forty characters, values of at most five hundred; empty ones read as None."""
    if not isinstance(value, dict):
        raise invalid(path, "must be an object")
    if len(value) > MOST_METADATA:
        raise invalid(path, f"must have at most {MOST_METADATA} keys")
    for key, text_value in value.items():
        if not isinstance(text_value, str) or len(text_value) > 500:
            raise invalid((*path, key), "must be a string of at most 500 characters")
        if len(key) > 40:
            raise invalid((*path, key), "must be a name of at most 40 characters")
    return {key: text_value or None for key, text_value in value.items()}


def filled_metadata(value: Any, path: Path) -> dict[str, str]:
    """The same for an object that is made: empty values are left out."""
    return {key: text_value for key, text_value in metadata(value, path).items() if text_value}


def expand(value: Any, path: Path) -> list[str]:
    """Paths of references to return whole, at most four levels deep."""
    return [_expandable(name, name, path) for name in array(_words)(value, path) if name]


def expand_items(*whole: str) -> Check:
    """The same for lists, where all paths but those of the list itself start with ``data.``; gives what follows it."""

    def check(value: Any, path: Path) -> list[str]:
        names = [name for name in array(_words)(value, path) if name]
        return [name if name in whole else _expandable(name, _after_data(name, path), path) for name in names]

    return check


def _after_data(name: str, path: Path) -> str:
    head, _, rest = name.partition(".")
    if head != "data" or not rest:
        raise invalid(path, f"a path in a list starts with data: {name}")
    return rest


def _expandable(name: str, member: str, path: Path) -> str:
    if name.count(".") > 3:
        raise invalid(path, "expands at most four levels")
    if member.split(".")[0] not in EXPANDABLE:
        raise invalid(path, f"this property cannot be expanded: {name}")
    return member


_ADDRESS = Members(dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"), _string))
_SHIPPING = Members(
    {"address": _ADDRESS, "name": _string, "carrier": _string, "phone": _string, "tracking_number": _string},
    required=("address", "name"),
)
_RADAR = Members({"session": _string})
_AUTOMATIC = Members({"enabled": boolean, "allow_redirects": one_of("always", "never")}, required=("enabled",))
_ONLINE = Members({"ip_address": _words, "user_agent": _string}, required=("ip_address", "user_agent"))
_ACCEPTANCE = Members(
    {
        "type": one_of("offline", "online"),
        "accepted_at": integer(),
        "offline": Members({}),
        "online": _ONLINE,
    },
    required=("type",),
)
_MANDATE_DATA = Members({"customer_acceptance": _ACCEPTANCE}, required=("customer_acceptance",))

_IF_AVAILABLE = one_of("if_available", "never")
_CARD_OPTIONS = Members(
    {
        "capture_method": blank_or(one_of("manual")),
        "cvc_token": _string,
        "moto": boolean,
        "network": _words,
        "request_three_d_secure": _words,
        "request_extended_authorization": _IF_AVAILABLE,
        "request_incremental_authorization": _IF_AVAILABLE,
        "request_multicapture": _IF_AVAILABLE,
        "request_overcapture": _IF_AVAILABLE,
        "setup_future_usage": blank_or(one_of("none", "off_session", "on_session")),
        "statement_descriptor_suffix_kana": blank_or(text(22)),
        "statement_descriptor_suffix_kanji": blank_or(text(17)),
    },
    closed=False,
)


def _options(value: Any, path: Path) -> Params:
    """Any object: what the options of each method type hold is only partly published. A list is none."""
    if not isinstance(value, dict) or any(name.isdecimal() for name in value):
        raise invalid(path, "must be an object")
    return value


def _card_options(value: Any, path: Path) -> Params:
    return {**_options(value, path), **_CARD_OPTIONS(value, path)}


_OPTIONS = Members({name: blank_or(_card_options if name == "card" else _options) for name in OPTION_TYPES})


def _strings(*names: str) -> Mapping[str, Check]:
    return dict.fromkeys(names, _string)


_DOB = Members(dict.fromkeys(("day", "month", "year"), integer()), required=("day", "month", "year"))
_METHOD_CHILDREN: Mapping[str, Mapping[str, Check]] = {
    "acss_debit": _strings("institution_number", "transit_number", "account_number"),
    "au_becs_debit": _strings("account_number", "bsb_number"),
    "bacs_debit": _strings("sort_code", "account_number"),
    "boleto": _strings("tax_id"),
    "eps": {"bank": one_of(*BANKS["eps"])},
    "fpx": {"bank": one_of(*BANKS["fpx"]), "account_holder_type": one_of("company", "individual")},
    "ideal": {"bank": one_of(*BANKS["ideal"])},
    "klarna": {"dob": _DOB},
    "naver_pay": {"funding": one_of("card", "points")},
    "nz_bank_account": _strings(
        "bank_code", "branch_code", "account_number", "suffix", "account_holder_name", "reference"
    ),
    "p24": {"bank": one_of(*BANKS["p24"])},
    "sepa_debit": _strings("iban"),
    "sofort": {"country": one_of("AT", "BE", "DE", "ES", "IT", "NL")},
    "us_bank_account": {
        **_strings("routing_number", "account_number", "financial_connections_account"),
        "account_holder_type": one_of("company", "individual"),
        "account_type": one_of("checking", "savings"),
    },
}
_METHOD_DATA = Members(
    {
        "type": _words,
        "metadata": filled_metadata,
        "allow_redisplay": one_of("always", "limited", "unspecified"),
        "billing_details": Members(
            {
                "address": blank_or(_ADDRESS),
                "email": blank_or(_words),
                "name": blank_or(_string),
                "phone": blank_or(_string),
                "tax_id": _string,
            }
        ),
        "radar_options": _RADAR,
        **{
            name: Members(_METHOD_CHILDREN.get(name, {}), required=REQUIRED_CHILDREN.get(name, ()))
            for name in (*METHOD_TYPES, "interac_present")
        },
    },
    required=("type",),
)


def method_data(value: Any, path: Path) -> Params:
    """The data of a payment method to make: its type is a listed one, and what that type demands is there."""
    data = _METHOD_DATA(value, path)
    kind = data["type"]
    if kind not in METHOD_TYPES:
        raise Refusal("unknown_method_type", "this payment method type is not available", param=(*path, "type"))
    # A form cannot carry an empty object, so that a missing one is judged like an empty one.
    for child in REQUIRED_CHILDREN.get(kind, ()):
        if child not in data.get(kind, {}):
            raise Refusal("missing", f"missing required parameter: {child}", param=(*path, kind, child))
    return data


_BOTH: Mapping[str, Check] = {
    "capture_method": _capture_method,
    "confirmation_token": _string,
    "error_on_requires_action": boolean,
    "expand": expand,
    "mandate": _string,
    "mandate_data": blank_or(_MANDATE_DATA),
    "off_session": _off_session,
    "payment_method": _string,
    "payment_method_data": method_data,
    "payment_method_options": _OPTIONS,
    "payment_method_types": array(_string),
    "radar_options": _RADAR,
    "return_url": _words,
    "use_stripe_sdk": boolean,
}
_CREATE = Members(
    {
        **_BOTH,
        "amount": _amount,
        "currency": _words,
        "application_fee_amount": integer(0),
        "automatic_payment_methods": _AUTOMATIC,
        "confirm": boolean,
        "confirmation_method": one_of("automatic", "manual"),
        "customer": _string,
        "description": text(1000),
        "excluded_payment_method_types": array(one_of(*EXCLUDABLE_TYPES)),
        "metadata": filled_metadata,
        "on_behalf_of": _words,
        "payment_method_configuration": text(100),
        "receipt_email": _words,
        "setup_future_usage": one_of("off_session", "on_session"),
        "shipping": _SHIPPING,
        "statement_descriptor": text(22),
        "statement_descriptor_suffix": text(22),
        "transfer_data": Members({"destination": _words, "amount": integer(0)}, required=("destination",)),
        "transfer_group": _words,
    },
    required=("amount", "currency"),
)
_CONFIRM = Members(
    {
        **_BOTH,
        "client_secret": _string,
        "receipt_email": blank_or(_words),
        "setup_future_usage": blank_or(one_of("off_session", "on_session")),
        "shipping": blank_or(_SHIPPING),
    }
)
_RETRIEVE = Members({"client_secret": _string, "expand": expand})
_CANCEL = Members(
    {
        "cancellation_reason": one_of("abandoned", "duplicate", "fraudulent", "requested_by_customer"),
        "expand": expand,
    }
)

_PAID_OUT = Members({"amount": integer(0)})
_UPDATE = Members(
    {
        "amount": _amount,
        "application_fee_amount": blank_or(integer(0)),
        "capture_method": _capture_method,
        "currency": _words,
        "customer": _string,
        "description": text(1000),
        "expand": expand,
        "metadata": blank_or(metadata),
        "payment_method": _string,
        "payment_method_configuration": text(100),
        "payment_method_data": method_data,
        "payment_method_options": _OPTIONS,
        "payment_method_types": array(_string),
        "receipt_email": blank_or(_words),
        "setup_future_usage": blank_or(one_of("off_session", "on_session")),
        "shipping": blank_or(_SHIPPING),
        "statement_descriptor": text(22),
        "statement_descriptor_suffix": text(22),
        "transfer_data": _PAID_OUT,
        "transfer_group": _words,
    }
)
_CAPTURE = Members(
    {
        "amount_to_capture": integer(1),
        "application_fee_amount": integer(0),
        "expand": expand,
        "final_capture": boolean,
        "metadata": blank_or(metadata),
        "statement_descriptor": text(22),
        "statement_descriptor_suffix": text(22),
        "transfer_data": _PAID_OUT,
    }
)


def limit(value: Any, path: Path) -> int:
    """The size of a page."""
    number: int = integer()(value, path)
    if not 1 <= number <= 100:
        raise invalid(path, "must be 1 to 100")
    return number


_INCREMENT = Members(
    {
        "amount": _amount,
        "application_fee_amount": integer(0),
        "description": text(1000),
        "expand": expand,
        "metadata": metadata,
        "statement_descriptor": text(22),
        "transfer_data": _PAID_OUT,
    },
    required=("amount",),
)
_APPLY_BALANCE = Members({"amount": _amount, "currency": _words, "expand": expand})


def microdeposit_amounts(value: Any, path: Path) -> list[int]:
    """Two amounts in cents."""
    try:
        amounts: list[int] = array(integer(1))(value, path)
    except Refusal:
        amounts = []
    if len(amounts) != 2:
        raise Refusal("microdeposit_amounts_invalid", "must be two positive integers", param=path)
    return amounts


_VERIFY = Members(
    {"amounts": microdeposit_amounts, "client_secret": _string, "descriptor_code": _string, "expand": expand}
)
_LIST = Members(
    {
        "created": either(Members(dict.fromkeys(("gt", "gte", "lt", "lte"), integer())), integer()),
        "customer": _string,
        "ending_before": _string,
        "expand": expand_items(),
        "limit": limit,
        "starting_after": _string,
    }
)

_SEARCH = Members(
    {"expand": expand_items("total_count"), "limit": limit, "page": _words, "query": text(None, 1)}, required=("query",)
)

CONFIRM_ONLY = ("error_on_requires_action", "mandate", "mandate_data", "off_session", "return_url")


def known_currency(params: Params) -> None:
    """A currency is a supported one, in whatever case."""
    if "currency" in params and params["currency"].lower() not in CURRENCIES:
        raise invalid(("currency",), "this currency is not supported")


def least_amount(params: Params) -> None:
    """The amount reaches the currency's minimum."""
    if params["amount"] < MINIMUM_AMOUNTS.get(params["currency"].lower(), 1):
        raise Refusal("amount_too_small", "the amount is below the minimum of its currency", param=("amount",))


def confirm_only_with_confirm(params: Params) -> None:
    """What belongs to a confirmation is sent only where there is one."""
    for name in CONFIRM_ONLY:
        if name in params and not params.get("confirm"):
            raise invalid((name,), "can only be sent with confirm=true")


def no_confirmation_token(params: Params) -> None:
    """There are no confirmation tokens here, so none can be meant."""
    if params.get("confirmation_token"):
        raise Refusal("unknown_reference", "no such confirmation token", param=("confirmation_token",))


_CREATE_RULES: tuple[Rule, ...] = (
    known_currency,
    least_amount,
    confirm_only_with_confirm,
    no_confirmation_token,
)

VALIDATION = Validation(
    {
        "create": _CREATE,
        "retrieve": _RETRIEVE,
        "list": _LIST,
        "search": _SEARCH,
        "update": _UPDATE,
        "confirm": _CONFIRM,
        "capture": _CAPTURE,
        "cancel": _CANCEL,
        "increment_authorization": _INCREMENT,
        "apply_customer_balance": _APPLY_BALANCE,
        "verify_microdeposits": _VERIFY,
    },
    {
        "create": _CREATE_RULES,
        "update": (known_currency,),
        "confirm": (no_confirmation_token,),
        "apply_customer_balance": (known_currency,),
    },
)


def reading(operation: str, params: Params) -> Params:
    """Empty words read as nothing, the currency in small letters, Stripe's defaults where a create is silent."""
    params = {name: None if value == "" else value for name, value in params.items()}
    if params.get("currency") is not None:
        params["currency"] = params["currency"].lower()
    if operation != "create":
        return params
    automatic = params.get("automatic_payment_methods")
    if automatic is None and "payment_method_types" not in params:
        automatic = {"enabled": True}
    if automatic is not None:
        automatic = {"allow_redirects": "always", **automatic}
    return {
        "capture_method": STRIPE_CAPTURE_METHOD,
        "payment_method_types": ["card"],
        **params,
        "automatic_payment_methods": automatic,
    }


def bracketed(path: Path) -> str:
    """A member's path as a form names it: ``shipping[address][line1]``."""
    head, *rest = path
    return head + "".join(f"[{name}]" for name in rest)
