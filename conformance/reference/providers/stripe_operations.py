"""What Stripe's operations do beyond what all providers' do, and those that only Stripe has."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

from conformance.reference import operations
from conformance.reference.errors import Refusal
from conformance.reference.listing import Matcher
from conformance.reference.model import Intent, Page, Params
from conformance.reference.policies import Task
from conformance.reference.validation import invalid

from .stripe_parameters import MOST_METADATA, least_amount
from .stripe_search import SEARCH

MOST_INCREMENTS = 10

_BOUNDS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}

# The documented test values. What they come to is the end of the error's code.
_FAILING_AMOUNTS = {(10, 11): "attempts_exceeded", (40, 41): "timeout"}
_FAILING_CODES = {"SM33CC": "attempts_exceeded", "SM44DD": "timeout"}


def matching(params: Params) -> Matcher:
    """The filters of a list: the customer, and the second of creation or bounds around it."""
    customer, created = params.get("customer"), params.get("created", {})
    bounds = created if isinstance(created, dict) else {"gte": created, "lte": created}

    def matches(intent: Intent) -> bool:
        if customer not in (None, intent.customer):
            return False
        return all(_BOUNDS[name](int(intent.created), bound) for name, bound in bounds.items())

    return matches


def search(task: Task) -> Page:
    """The page of intents that the query finds; an intent is found at once."""
    return SEARCH(operations.newest_first(task), task.params)


def update(task: Task) -> Intent:
    """The changed intent, whose amount has to reach the least of its currency; a transfer group is given only once."""
    intent = operations.update(_with_destination(task))
    if "transfer_group" in task.params and task.subject.details.get("transfer_group"):
        raise Refusal("invalid", "can be set only once", param=("transfer_group",), intent=task.subject)
    if "amount" in task.params or "currency" in task.params:
        least_amount({"amount": intent.amount, "currency": intent.currency})
    return _bounded(intent)


def capture(task: Task) -> Intent:
    """The captured intent; to capture once more later is for those that asked for it when they authorised."""
    intent = operations.capture(_with_destination(task))
    if task.params.get("final_capture") is False and not _card_option(task.subject, "request_multicapture"):
        message = "this payment can be captured only once"
        raise Refusal("invalid", message, param=("final_capture",), intent=task.subject)
    return _bounded(intent)


def increment_authorization(task: Task) -> Intent:
    """The intent with a larger amount on hold."""
    intent, amount = task.subject, task.params["amount"]
    if intent.status != "requires_capture" or intent.amount_received:
        message = f"the authorization of an intent that is {intent.status} cannot be incremented"
        raise Refusal("unexpected_state", message, intent=intent)
    if not _card_option(intent, "request_incremental_authorization") or intent.increments == MOST_INCREMENTS:
        raise Refusal("invalid", "this authorization cannot be incremented", intent=intent)
    if amount <= intent.amount:
        message = "must be greater than the amount that is authorized"
        raise Refusal("invalid", message, param=("amount",), intent=intent)
    noted = operations.noted(intent, _with_destination(task).params)
    return _bounded(replace(noted, amount=amount, amount_capturable=amount, increments=intent.increments + 1))


def apply_customer_balance(task: Task) -> Intent:
    """The intent as it is, because no customer has a balance here."""
    intent, params = task.subject, task.params
    if intent.status in ("succeeded", "canceled"):
        message = f"an intent that is {intent.status} cannot be paid from a balance"
        raise Refusal("unexpected_state", message, intent=intent)
    if "customer_balance" not in intent.details["payment_method_types"]:
        raise Refusal("not_together", "the intent cannot be paid from a customer balance", intent=intent)
    if params.get("amount", 0) > intent.amount:
        raise Refusal("too_large", "must be at most the amount of the intent", param=("amount",), intent=intent)
    if params.get("currency") not in (None, intent.currency):
        raise Refusal("invalid", "must be the currency of the intent", param=("currency",), intent=intent)
    return intent


def verify_microdeposits(task: Task) -> Intent:
    """The intent whose bank account is now known to be the payer's: its payment is under way."""
    intent, amounts, code = task.subject, task.params.get("amounts"), task.params.get("descriptor_code")
    if intent.action is None or intent.action.kind != "microdeposits":
        raise Refusal("unexpected_state", "the intent does not wait for microdeposits to be verified", intent=intent)
    if amounts is None and code is None:
        raise Refusal("missing", "amounts or descriptor_code is needed", param=("amounts",), intent=intent)
    if amounts is not None and code is not None:
        raise Refusal("exclusive", "send amounts or descriptor_code, not both", param=("amounts",), intent=intent)
    if amounts is not None and sorted(amounts) != [32, 45]:
        outcome = _FAILING_AMOUNTS.get((min(amounts), max(amounts)), "amounts_mismatch")
        raise Refusal(f"microdeposit_{outcome}", "the amounts are not those sent", param=("amounts",), intent=intent)
    if code is not None and code != "SM11AA":
        outcome = _FAILING_CODES.get(code, "descriptor_code_mismatch")
        raise Refusal(f"microdeposit_{outcome}", "the code is wrong", param=("descriptor_code",), intent=intent)
    return task.policies.lifecycle.act(intent, "success", task.now)


def _with_destination(task: Task) -> Task:
    """The task with the destination kept where only the amount for it is changed."""
    if "transfer_data" not in task.params:
        return task
    stored: dict[str, Any] | None = task.subject.details.get("transfer_data")
    transfer = None if stored is None else {**stored, **task.params["transfer_data"]}
    return replace(task, params={**task.params, "transfer_data": transfer})


def _card_option(intent: Intent, name: str) -> bool:
    """Whether a feature of cards was asked for."""
    card = (intent.details.get("payment_method_options") or {}).get("card") or {}
    return bool(card.get(name) == "if_available")


def _bounded(intent: Intent) -> Intent:
    if len(intent.metadata) > MOST_METADATA:
        raise invalid(("metadata",), f"must have at most {MOST_METADATA} keys")
    return intent
