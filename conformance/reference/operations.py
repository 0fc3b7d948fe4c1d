"""What the operations do with checked parameters: each takes a task and gives an intent or a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from .model import Attempt, Intent, Page, Params
from .policies import Policies, Task
from .store import Store

_READ = frozenset(
    {
        "amount",
        "amount_to_capture",
        "final_capture",
        "currency",
        "customer",
        "payment_method",
        "payment_method_data",
        "capture_method",
        "confirmation_method",
        "metadata",
        "confirm",
        "off_session",
        "error_on_requires_action",
        "return_url",
        "use_stripe_sdk",
        "challenge",
        "client_secret",
        "expand",
    }
)


def create(task: Task) -> Intent:
    """A new intent, confirmed at once where the request says so."""
    params, policies = task.params, task.policies
    customer = policies.instruments.customer(params)
    method = policies.instruments.method(task.store, params, customer)
    intent_id = policies.identifiers.intent()
    intent = policies.lifecycle.begin(
        Intent(
            id=intent_id,
            client_secret=policies.identifiers.client_secret(intent_id),
            amount=params["amount"],
            currency=params["currency"],
            created=task.now,
            account=task.account,
            customer=customer,
            method=method,
            capture_method=params.get("capture_method", "automatic"),
            confirmation_method=params.get("confirmation_method", "automatic"),
            metadata=params.get("metadata") or {},
            details=_details(params),
        )
    )
    if params.get("confirm"):
        return policies.lifecycle.confirm(intent, _attempt(params), task.now)
    return intent


def retrieve(task: Task) -> Intent:
    """The intent as it is."""
    return task.subject


def list_intents(task: Task) -> Page:
    """The page of intents that was asked for."""
    return task.policies.listing(newest_first(task), task.params)


def update(task: Task) -> Intent:
    """The intent with what the request changes; a changed payment method has to be confirmed anew."""
    params, policies = task.params, task.policies
    intent = policies.lifecycle.update(task.subject, [name for name in params if name != "expand"])
    customer = policies.instruments.customer(params) if "customer" in params else intent.customer
    if "payment_method" in params or "payment_method_data" in params:
        intent = policies.lifecycle.equip(intent, policies.instruments.method(task.store, params, customer))
    policies.instruments.belonging(intent.method, customer)
    return replace(
        noted(intent, params),
        amount=params.get("amount", intent.amount),
        currency=params.get("currency", intent.currency),
        customer=customer,
        capture_method=params.get("capture_method", intent.capture_method),
    )


def confirm(task: Task) -> Intent:
    """The intent after an attempt to pay; what the request changes is kept, unless the state forbids the attempt."""
    params, policies, intent = task.params, task.policies, task.subject
    attempt = _attempt(params)
    if intent.status in policies.lifecycle.confirmable:
        method = policies.instruments.method(task.store, params, intent.customer)
        attempt = replace(attempt, method=method)
        intent = replace(
            intent,
            capture_method=params.get("capture_method", intent.capture_method),
            details={**intent.details, **_details(params)},
        )
    return policies.lifecycle.confirm(intent, attempt, task.now)


def capture(task: Task) -> Intent:
    """The intent after the money that is held for it was collected, all of it or in part."""
    params = task.params
    final = params.get("final_capture", True)
    return noted(task.policies.lifecycle.capture(task.subject, params.get("amount_to_capture"), final), params)


def cancel(task: Task) -> Intent:
    """The canceled intent."""
    return task.policies.lifecycle.cancel(task.subject, task.params.get("cancellation_reason"), task.now)


OPERATIONS: Mapping[str, Callable[[Task], Intent | Page]] = {
    "create": create,
    "retrieve": retrieve,
    "list": list_intents,
    "update": update,
    "confirm": confirm,
    "capture": capture,
    "cancel": cancel,
}


def current(policies: Policies, store: Store, intent: Intent, now: float) -> Intent:
    """The intent as it stands at this moment."""
    settled = policies.lifecycle.settle(intent, now)
    return intent if settled is intent else store.save(settled)


def newest_first(task: Task) -> list[Intent]:
    """All intents of the account as they stand at this moment."""
    own = [intent for intent in task.store.intents.values() if intent.account == task.account]
    return [current(task.policies, task.store, intent, task.now) for intent in reversed(own)]


def noted(intent: Intent, params: Params) -> Intent:
    """The intent with the metadata of a request merged in, None removing an entry or all, and its other details."""
    metadata = intent.metadata
    if "metadata" in params:
        merged = {**metadata, **params["metadata"]} if params["metadata"] is not None else {}
        metadata = {name: value for name, value in merged.items() if value is not None}
    return replace(intent, metadata=metadata, details={**intent.details, **_details(params)})


def _details(params: Params) -> Params:
    return {name: value for name, value in params.items() if name not in _READ}


def _attempt(params: Params) -> Attempt:
    return Attempt(
        off_session=params.get("off_session") not in (None, False),
        refuses_action=bool(params.get("error_on_requires_action")),
        return_url=params.get("return_url"),
        in_sdk=bool(params.get("use_stripe_sdk")),
        challenge=bool(params.get("challenge")),
    )
