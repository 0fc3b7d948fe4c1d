"""Stripe's documented test payment methods, and what becomes of a method that a request describes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from conformance.reference.identifiers import word
from conformance.reference.instruments import Instruments
from conformance.reference.model import Decline, Method, Params

CUSTOMERS = ("cus_reference0001", "cus_reference0002")
OTHER_CUSTOMERS_METHOD = "pm_reference0002"

_DEBITS = frozenset({"acss_debit", "au_becs_debit", "bacs_debit", "nz_bank_account", "sepa_debit", "us_bank_account"})
_INSUFFICIENT = Decline(decline_code="insufficient_funds")


def _cards() -> list[Method]:
    brands = {
        "visa": "visa 4242 credit",
        "visa_debit": "visa 5556 debit",
        "mastercard": "mastercard 4444 credit",
        "mastercard_debit": "mastercard 8210 debit",
        "mastercard_prepaid": "mastercard 5100 prepaid",
        "amex": "amex 0005 credit",
        "discover": "discover 1117 credit",
        "diners": "diners 0004 credit",
        "jcb": "jcb 0505 credit",
        "unionpay": "unionpay 0005 credit",
        "threeDSecureOptional": "visa 3055 credit",
        "amex_threeDSecureNotSupported": "amex 0005 credit",
        "riskLevelElevated": "visa 9235 credit",
        "riskLevelHighest": "visa 4954 credit",
    }
    cards = []
    for name, look in brands.items():
        brand, last4, funding = look.split()
        cards.append(Method(f"pm_card_{name}", brand=brand, last4=last4, funding=funding))
    return cards


def _declines() -> list[Method]:
    declines = {
        "chargeDeclined": ("0002", Decline()),
        "chargeDeclinedInsufficientFunds": ("9995", _INSUFFICIENT),
        "chargeDeclinedLostCard": ("9987", Decline(decline_code="lost_card")),
        "chargeDeclinedStolenCard": ("9979", Decline(decline_code="stolen_card")),
        "chargeDeclinedVelocityLimitExceeded": ("6975", Decline(decline_code="card_velocity_exceeded")),
        "chargeDeclinedExpiredCard": ("0069", Decline("expired_card", None)),
        "chargeDeclinedIncorrectCvc": ("0127", Decline("incorrect_cvc", None)),
        "chargeDeclinedProcessingError": ("0119", Decline("processing_error", None)),
        "chargeCustomerFail": ("0341", Decline()),
        "radarBlock": ("0019", Decline(decline_code="fraudulent")),
        "threeDSecureRequiredProcessingError": ("1280", Decline("processing_error", None)),
    }
    # Both spellings circulate, with the brand and without.
    return [
        Method(f"pm_card_{infix}{name}", decline=decline, last4=last4)
        for name, (last4, decline) in declines.items()
        for infix in ("", "visa_")
    ]


def _authenticated() -> list[Method]:
    return [
        Method("pm_card_authenticationRequired", authentication="always", last4="3184"),
        Method("pm_card_authenticationRequiredOnSetup", authentication="always", last4="3155"),
        Method("pm_card_authenticationRequiredSetupForOffSession", authentication="on_session", last4="0446"),
        Method(
            "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
            authentication="always",
            decline=_INSUFFICIENT,
            last4="3178",
        ),
        Method("pm_card_threeDSecure2Required", authentication="always", last4="3220"),
        Method("pm_card_threeDSecureRequired", authentication="always", last4="3063"),
        Method("pm_card_threeDSecureRequiredChargeDeclined", authentication="always", decline=Decline(), last4="1629"),
    ]


def _debits() -> list[Method]:
    failures = {
        "insufficientFunds": Decline("insufficient_funds", None),
        "accountClosed": Decline("account_closed", None),
        "noAccount": Decline("no_account", None),
        "debitNotAuthorized": Decline("debit_not_authorized", None),
    }
    bank = Method("", type="us_bank_account", settlement="succeeds_later", last4="6789")
    sepa = Method("", type="sepa_debit", settlement="succeeds_later", last4="3000")
    return [
        replace(bank, id="pm_usBankAccount_success"),
        replace(bank, id="pm_usBankAccount_dispute"),
        replace(bank, id="pm_usBankAccount_processing", settlement="never"),
        *(
            replace(bank, id=f"pm_usBankAccount_{name}", settlement="fails_later", decline=decline)
            for name, decline in failures.items()
        ),
        replace(sepa, id="pm_sepaDebit_success_de"),
        replace(sepa, id="pm_sepaDebit_successDelayed_de"),
        replace(sepa, id="pm_sepaDebit_failed_de", settlement="fails_later", decline=Decline("processing_error", None)),
    ]


def placed(method: Method) -> Method:
    """A method of its own for each use of an alias; an owned one is what it is."""
    return method if method.customer else replace(method, id=f"pm_{word(24)}", created=time.time())


def described(data: Params) -> Method:
    """A bank debit is under way for a while; any other type sends its payer away to authenticate."""
    kind = data["type"]
    return Method(
        f"pm_{word(24)}",
        type=kind,
        authentication="never" if kind in _DEBITS else "always",
        settlement="succeeds_later" if kind in _DEBITS else "at_once",
        billing_details=data.get("billing_details", {}),
        metadata=data.get("metadata", {}),
        created=time.time(),
    )


_KNOWN: tuple[Method, ...] = (
    *_cards(),
    *_declines(),
    *_authenticated(),
    *_debits(),
    Method(OTHER_CUSTOMERS_METHOD, customer=CUSTOMERS[1]),
)
METHODS: Mapping[str, Method] = {method.id: method for method in _KNOWN}
INSTRUMENTS = Instruments(METHODS, frozenset(CUSTOMERS), placed, described)
