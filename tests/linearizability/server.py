"""A tiny correct server: one intent, one call after another. It shares no code with what it tests."""

from __future__ import annotations

import random
from typing import Any

from tests.linearizability.bursts import Told, call, refused, shown

PROVIDERS = ("stripe", "revkeen", "paypercut", "dots")
_PAYMENT = {"stripe": "latest_charge", "paypercut": "latest_payment", "dots": "transfer_id"}
_OPERATIONS = {
    "stripe": ("confirm", "cancel", "capture", "update", "retrieve"),
    "revkeen": ("confirm", "cancel", "capture", "update", "retrieve"),
    "paypercut": ("confirm", "cancel", "capture", "retrieve"),
    "dots": ("confirm", "retrieve"),
}
_DECLINE = {
    "stripe": refused(402, type="card_error", code="card_declined"),
    "revkeen": refused(400, type="card_error", code="card_declined"),
    "paypercut": refused(402, type="card_error", code="card_declined"),
    "dots": refused(402),
}
_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "created")


class Server:
    """One intent of one provider, held or not when it is confirmed; some of its payments are declined."""

    def __init__(self, provider: str, draw: random.Random) -> None:
        self.provider = provider
        self.manual = provider != "dots" and draw.random() < 0.5
        self.status = "created" if provider == "dots" else "requires_confirmation"
        self.amount, self.received, self.capturable, self.payment = 2000, 0, 0, None
        self.stored: dict[tuple[str, str], tuple[dict[str, Any], Told]] = {}

    def look(self) -> Told:
        """The intent as a success shows it."""
        members: dict[str, Any] = {"amount": self.amount}
        if self.provider != "dots":
            mode = "manual" if self.manual else "automatic"
            members |= {"capture_method": mode, "amount_received": self.received, "amount_capturable": self.capturable}
        if self.provider in _PAYMENT:
            members[_PAYMENT[self.provider]] = self.payment
        return shown(self.status, **members)

    def answer(self, draw: random.Random) -> Told:
        """Carries out any call, and tells it with its answer."""
        operation = draw.choice(_OPERATIONS[self.provider])
        asked: dict[str, Any] = {}
        if operation == "update":
            asked = {"amount": draw.choice([2100, 2200, 2300])}
        elif operation == "capture" and draw.random() < 0.3:
            asked = {"amount_to_capture": draw.choice([500, 700])}
        keyed = operation not in ("retrieve",) and self.provider != "dots"
        key = draw.choice(["", "", "k1", "k2"]) if keyed else ""
        if key and (operation, key) in self.stored:
            first, stored = self.stored[operation, key]
            if first != asked:
                other = refused(
                    409 if self.provider == "revkeen" else 400, type="idempotency_error", code="idempotency_conflict"
                )
                return call(operation, other, asked, key=key)
            return call(operation, stored, asked, key=key)
        done = getattr(self, f"_{operation}")(asked, draw)
        if key and "shown" in done:
            self.stored[operation, key] = (asked, done)
        return call(operation, done, asked, key=key)

    def _retrieve(self, asked: dict[str, Any], draw: random.Random) -> Told:
        return self.look()

    def _confirm(self, asked: dict[str, Any], draw: random.Random) -> Told:
        if self.status not in _CONFIRMABLE:
            return refused()
        if draw.random() < 0.2:
            self.status = {"dots": "failed"}.get(self.provider, "requires_payment_method")
            return _DECLINE[self.provider]
        self.payment = f"p{draw.randrange(10**6)}" if self.provider in _PAYMENT else None
        if self.manual:
            self.status = "processing" if self.provider == "revkeen" else "requires_capture"
            self.capturable = self.amount
        else:
            self.status, self.received = "succeeded", self.amount
        return self.look()

    def _capture(self, asked: dict[str, Any], draw: random.Random) -> Told:
        if not self.capturable:
            return refused()
        self.received, self.capturable = asked.get("amount_to_capture", self.capturable), 0
        self.status = "succeeded"
        return self.look()

    def _cancel(self, asked: dict[str, Any], draw: random.Random) -> Told:
        if self.status in ("succeeded", "canceled"):
            return refused()
        self.status, self.capturable = "canceled", 0
        return self.look()

    def _update(self, asked: dict[str, Any], draw: random.Random) -> Told:
        if self.status not in _CONFIRMABLE:
            return refused()
        self.amount = asked["amount"]
        return self.look()
