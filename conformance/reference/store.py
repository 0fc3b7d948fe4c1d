"""The server's memory, and the lock that makes one request at a time change it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from .model import Answer, Intent, Method


@dataclass(frozen=True)
class Kept:
    """The answer kept for an idempotency key, what was asked, and when (seconds)."""

    fingerprint: str
    answer: Answer
    at: float


@dataclass(frozen=True)
class Store:
    """Everything one running server knows. Hold ``lock`` while reading or writing."""

    intents: dict[str, Intent] = field(default_factory=dict)
    methods: dict[str, Method] = field(default_factory=dict)
    actions: dict[str, str] = field(default_factory=dict)
    kept: dict[tuple[str, ...], Kept] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def save(self, intent: Intent) -> Intent:
        """Remembers the intent, its payment method and its pending action."""
        self.intents[intent.id] = intent
        if intent.method is not None:
            self.methods[intent.method.id] = intent.method
        if intent.action is not None:
            self.actions[intent.action.token] = intent.id
        return intent
