"""The server's memory, and the locks under which it is read and changed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from .model import Answer, Intent, Method

Place = tuple[str, ...]  # a key, after what it is unique within


@dataclass(frozen=True)
class Kept:
    """The answer kept for an idempotency key, what was asked, and when (seconds)."""

    fingerprint: str
    answer: Answer
    at: float


@dataclass(frozen=True)
class Store:
    """Everything one running server knows.

    Whoever reads intents to change them holds ``lock`` throughout, so that one operation at a time does. ``keys`` is
    for what keys stand for, ``kept`` and ``under_way``, so that a key is looked up while an operation takes place.
    ``under_way`` holds what was asked under the keys of requests that are being carried out.
    """

    intents: dict[str, Intent] = field(default_factory=dict)
    methods: dict[str, Method] = field(default_factory=dict)
    actions: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    kept: dict[Place, Kept] = field(default_factory=dict)
    under_way: dict[Place, str] = field(default_factory=dict)
    keys: threading.Condition = field(default_factory=threading.Condition)

    def save(self, intent: Intent) -> Intent:
        """Remembers the intent, its payment method and its pending action."""
        with self.lock:
            self.intents[intent.id] = intent
            if intent.method is not None:
                self.methods[intent.method.id] = intent.method
            if intent.action is not None:
                self.actions[intent.action.token] = intent.id
        return intent
