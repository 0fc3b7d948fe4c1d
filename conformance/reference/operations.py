"""What the operations do with checked parameters: each takes a task and gives the intent as it stands afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from .model import Attempt, Intent, Params
from .policies import Policies
from .store import Store

_READ = frozenset(
    {
        "amount",
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


@dataclass(frozen=True)
class Task:
    """One operation to carry out, at a moment in seconds. ``intent`` is None where the operation makes one."""

    policies: Policies
    store: Store
    params: Params
    intent: Intent | None
    now: float

    @property
    def subject(self) -> Intent:
        """The intent the operation is about."""
        assert self.intent is not None
        return self.intent


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


def cancel(task: Task) -> Intent:
    """The canceled intent."""
    return task.policies.lifecycle.cancel(task.subject, task.params.get("cancellation_reason"), task.now)


OPERATIONS: Mapping[str, Callable[[Task], Intent]] = {
    "create": create,
    "retrieve": retrieve,
    "confirm": confirm,
    "cancel": cancel,
}


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
