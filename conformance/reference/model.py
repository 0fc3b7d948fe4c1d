"""The things the reference server speaks of: intents, payment methods, callers, answers. All immutable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from werkzeug.wrappers import Request

Params = dict[str, Any]
Path = tuple[str, ...]

Authentication = Literal["never", "on_session", "always"]
Role = Literal["secret", "publishable", "read_only", "organisation"]
Settlement = Literal["at_once", "succeeds_later", "fails_later", "never"]


@dataclass(frozen=True)
class Decline:
    """Why an issuer refuses: the error code, and the finer decline code where there is one."""

    code: str = "card_declined"
    decline_code: str | None = "generic_decline"


@dataclass(frozen=True)
class Method:
    """A payment method and how it behaves when it is charged. ``customer`` is its owner, if it has one."""

    id: str
    type: str = "card"
    authentication: Authentication = "never"
    decline: Decline | None = None
    settlement: Settlement = "at_once"
    customer: str | None = None
    brand: str = "visa"
    funding: str = "credit"
    last4: str = "4242"
    created: float = 0.0
    billing_details: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """A failed attempt to pay. ``kind`` is ``declined``, ``authentication_required`` or ``authentication_failed``."""

    kind: str
    code: str
    message: str
    decline_code: str | None = None
    payment: str | None = None
    method: Method | None = None


@dataclass(frozen=True)
class Action:
    """What the payer has to do. ``kind`` is ``redirect``, ``sdk``, ``three_d_secure`` or ``microdeposits``."""

    token: str
    kind: str
    return_url: str | None


@dataclass(frozen=True)
class Intent:
    """One payment intent, of one account. Amounts in minor units, times in seconds since 1970."""

    id: str
    client_secret: str
    amount: int
    currency: str
    created: float
    account: str = ""
    status: str = ""
    amount_capturable: int = 0
    amount_received: int = 0
    customer: str | None = None
    method: Method | None = None
    capture_method: str = "automatic"
    confirmation_method: str = "automatic"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    payment: str | None = None
    payments: int = 0
    action: Action | None = None
    authenticated: bool = False
    failure: Failure | None = None
    failed_attempts: int = 0
    increments: int = 0
    settles_at: float | None = None
    canceled_at: float | None = None
    cancellation_reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Some intents of a list, in its order. ``more`` tells whether others follow, ``total`` how many match in all."""

    items: tuple[Intent, ...]
    more: bool
    total: int


@dataclass(frozen=True)
class Attempt:
    """One try to confirm: what the request says about how the payer takes part."""

    method: Method | None = None
    off_session: bool = False
    refuses_action: bool = False
    return_url: str | None = None
    in_sdk: bool = False
    challenge: bool = False


@dataclass(frozen=True)
class Caller:
    """Who asks: the key that was sent, what kind of key it is, and whose account it belongs to."""

    key: str
    role: Role = "secret"
    account: str = ""


@dataclass(frozen=True)
class Call:
    """A request that was routed, authenticated and decoded. ``base_url`` is where the caller reaches this server."""

    request: Request
    operation: str
    intent_id: str
    caller: Caller
    base_url: str
    params: Params


@dataclass(frozen=True)
class Answer:
    """A response before the protocol's headers. ``executed`` is false for a request refused before it took effect."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"
    executed: bool = True
    replayed: bool = False

    @classmethod
    def of(
        cls, status: int, payload: object, headers: tuple[tuple[str, str], ...] = (), *, executed: bool = True
    ) -> Answer:
        """An answer whose body is ``payload`` as JSON."""
        return cls(status, json.dumps(payload).encode(), headers, executed=executed)
