"""Small servers that speak Stripe's payment intents, and each an idempotency dialect of its own."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

import httpx

from conformance.target.clock import SkippingClock

KEY, OTHER_KEY = "sk_test_small", "sk_test_small_too"
FAILING = {"before": {"description": "fails before"}, "after": {"description": "fails after"}}
ALL = frozenset({"create", "update", "confirm", "capture", "cancel"})
Intent = dict[str, Any]


@dataclass(frozen=True)
class Speech:
    """How a server treats keys. What it is given is what is to be found."""

    header: str = "Idempotency-Key"
    member: str = ""  # in the body, instead of the header
    operations: frozenset[str] = ALL
    scope: str = "account"  # or operation, path
    per_credential: bool = False
    success: str = "stored"  # or current, refused
    keeps: frozenset[str] = frozenset({"decline", "after"})  # beside successes; also refusal, before
    marker: str = "Idempotent-Replayed"
    first_marked_false: bool = False
    other_body: str = "refused"  # or replayed, executed
    conflict: tuple[int, str, str] = (400, "idempotency_error", "")
    in_flight: str = "refused"  # or waits, executed
    busy: tuple[int, str, str] = (409, "invalid_request_error", "idempotency_key_in_use")
    shortest: int = 1
    longest: int = 255
    beyond: str = "refused"  # or cut, ignored
    empty: str = "refused"  # or ignored, counts
    odd: str = "counts"  # or refused, cut, ignored
    folds_case: bool = False
    retention: float = 86400


@dataclass
class Said:
    """An answer; ``kind`` is success, refusal, decline, before or after (failures)."""

    status: int
    body: Any
    kind: str
    intent: Intent | None = None


@dataclass
class Kept:
    """What stands under a key."""

    fingerprint: str
    at: float
    said: Said | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Refused(Exception):
    def __init__(self, status: int, type_: str, code: str = "", kind: str = "refusal") -> None:
        error = {"type": type_, "message": "no", **({"code": code} if code else {})}
        self.said = Said(status, {"error": error}, kind)


class Server:
    """A WSGI application; ``bursting`` makes a create wait until another request has come under its key."""

    def __init__(self, speech: Speech, now: Callable[[], float]) -> None:
        self.speech, self.now, self.bursting = speech, now, False
        self.intents: dict[str, Intent] = {}
        self.kept: dict[tuple[str, ...], Kept] = {}
        self.asked = 0
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._arrival = threading.Condition()
        self._arrived: dict[str, int] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked += 1
        length = int(environ.get("CONTENT_LENGTH") or 0)
        params = dict(parse_qsl(environ["wsgi.input"].read(length).decode(), keep_blank_values=True))
        replayed = False
        try:
            said, replayed = self._answer(environ, params)
        except Refused as refused:
            said = refused.said
        headers = [("Content-Type", "application/json"), ("Request-Id", f"req_{self.asked}")]
        if self.speech.marker and (replayed or self.speech.first_marked_false):
            headers.append((self.speech.marker, "true" if replayed else "false"))
        start_response(f"{said.status} Said", headers)
        return [json.dumps(said.body).encode()]

    # -- keys ----------------------------------------------------------------------------------------------------

    def _answer(self, environ: dict[str, Any], params: dict[str, str]) -> tuple[Said, bool]:
        speech, path, method = self.speech, environ["PATH_INFO"], environ["REQUEST_METHOD"]
        credential = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        if credential not in (KEY, OTHER_KEY):
            raise Refused(401, "invalid_request_error")
        match = re.search(r"/payment_intents(?:/(\w+))?(?:/(\w+))?$", path)
        if not match:
            raise Refused(404, "invalid_request_error")
        plain = {("POST", False): "create", ("GET", False): "list", ("POST", True): "update", ("GET", True): "retrieve"}
        operation = match[2] or plain[method, bool(match[1])]
        key = environ.get(f"HTTP_{speech.header.upper().replace('-', '_')}")
        if speech.member:
            key = params.pop(speech.member, None)
        key = self._read(key) if operation in speech.operations else None
        if key is None:
            return self._said(operation, match[1], params, ""), False
        fingerprint = json.dumps([path if speech.scope != "operation" else "", params], sort_keys=True)
        place = (
            credential if speech.per_credential else "",
            {"account": "", "operation": operation, "path": method + path}[speech.scope],
            fingerprint if speech.other_body == "executed" else "",
            key,
        )
        with self._arrival:
            self._arrived[key] = self._arrived.get(key, 0) + 1
            self._arrival.notify_all()
        with self._lock:
            kept = self.kept.get(place)
            if kept and kept.said and self.now() - kept.at >= speech.retention:
                kept = None
            if kept is None:
                self.kept[place] = mine = Kept(fingerprint, self.now())
        if kept is not None:
            return self._repeated(kept, fingerprint, operation, match[1], params)
        mine.said = self._said(operation, match[1], params, key)
        if mine.said.kind not in {"success", *speech.keeps}:
            with self._lock:
                self.kept.pop(place, None)
        mine.done.set()
        return mine.said, False

    def _read(self, key: str | None) -> str | None:
        """The key as this server understands it; None where it takes no notice."""
        speech = self.speech
        if key is None or (key == "" and speech.empty == "ignored"):
            return None
        if key == "" and speech.empty == "refused":
            raise Refused(400, "invalid_request_error")
        if key and len(key) < speech.shortest:
            raise Refused(400, "invalid_request_error")
        if len(key) > speech.longest and speech.beyond != "cut":
            if speech.beyond == "refused":
                raise Refused(400, "invalid_request_error")
            return None
        key = key[: speech.longest]
        odd = re.search(r"[^\w-]", key)
        if odd and speech.odd == "refused":
            raise Refused(400, "invalid_request_error")
        if odd and speech.odd == "ignored":
            return None
        if odd and speech.odd == "cut":
            key = key[: odd.start()]
        return key.lower() if speech.folds_case else key

    def _repeated(
        self, kept: Kept, fingerprint: str, operation: str, name: str | None, params: dict[str, str]
    ) -> tuple[Said, bool]:
        speech = self.speech
        if not kept.done.is_set() and speech.in_flight == "executed":
            return self._said(operation, name, params, ""), False
        if not kept.done.is_set() and speech.in_flight == "refused":
            raise Refused(*speech.busy)
        if not kept.done.wait(5) or kept.said is None:
            raise Refused(503, "api_error")
        if speech.success == "refused" or (kept.fingerprint != fingerprint and speech.other_body == "refused"):
            raise Refused(*speech.conflict)
        if speech.success == "current" and kept.said.intent:
            return Said(kept.said.status, kept.said.intent, "success"), True
        return kept.said, True

    # -- intents -------------------------------------------------------------------------------------------------

    def _said(self, operation: str, name: str | None, params: dict[str, str], key: str) -> Said:
        if self.bursting and operation == "create" and key:
            with self._arrival:
                self._arrival.wait_for(lambda: self._arrived[key] > 1, timeout=2)
        try:
            if operation == "list":
                return Said(200, {"object": "list", "data": list(self.intents.values()), "has_more": False}, "success")
            if operation != "create" and name not in self.intents:
                raise Refused(404, "invalid_request_error", "resource_missing")
            intent = self._create(params) if operation == "create" else self.intents[name or ""]
            if operation not in ("create", "retrieve"):
                getattr(self, f"_{operation}")(intent, params)
        except Refused as refused:
            return refused.said
        return Said(200, dict(intent), "success", intent)

    def _create(self, params: dict[str, str]) -> Intent:
        amount = params.get("amount", "")
        if not amount.isdigit() or not int(amount):
            raise Refused(400, "invalid_request_error", "parameter_invalid_integer")
        if params.get("description") == "fails before":
            raise Refused(500, "api_error", kind="before")
        name = f"pi_{next(self._numbers):024}"
        method = params.get("payment_method")
        self.intents[name] = {
            "id": name,
            "object": "payment_intent",
            "amount": int(amount),
            "amount_received": 0,
            "capture_method": params.get("capture_method", "automatic"),
            "currency": params.get("currency"),
            "payment_method": method,
            "status": "requires_confirmation" if method else "requires_payment_method",
        }
        if params.get("description") == "fails after":
            raise Refused(500, "api_error", kind="after")
        return self.intents[name]

    def _update(self, intent: Intent, params: dict[str, str]) -> None:
        self._need(intent, "requires_payment_method", "requires_confirmation")
        intent["amount"] = int(params.get("amount", intent["amount"]))

    def _confirm(self, intent: Intent, params: dict[str, str]) -> None:
        self._need(intent, "requires_payment_method", "requires_confirmation")
        method = params.get("payment_method") or intent["payment_method"]
        if not method:
            raise Refused(400, "invalid_request_error", "parameter_missing")
        if "Declined" in method:
            raise Refused(402, "card_error", "card_declined", "decline")
        manual = intent["capture_method"] == "manual"
        intent |= {"payment_method": method, "status": "requires_capture" if manual else "succeeded"}
        intent["amount_received"] = 0 if manual else intent["amount"]

    def _capture(self, intent: Intent, params: dict[str, str]) -> None:
        self._need(intent, "requires_capture")
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}

    def _cancel(self, intent: Intent, params: dict[str, str]) -> None:
        self._need(intent, "requires_payment_method", "requires_confirmation", "requires_capture")
        intent["status"] = "canceled"

    def _need(self, intent: Intent, *statuses: str) -> None:
        if intent["status"] not in statuses:
            raise Refused(400, "invalid_request_error", "payment_intent_unexpected_state")


class Direct(httpx.BaseTransport):
    """Hands requests to a server in this process, and tells it which of them are a burst.

    ``instead`` maps the numbers of requests to bytes that answer them, without any server.
    """

    def __init__(self, server: Server, instead: dict[int, bytes] | None = None) -> None:
        self.server, self.instead, self.count = server, instead or {}, 0
        self._app = httpx.WSGITransport(app=server)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.count += 1
        if self.count in self.instead:
            return httpx.Response(200, headers={"Content-Type": "application/json"}, content=self.instead[self.count])
        self.server.bursting = request.extensions.get("scenario") == "dialect: in_flight"
        return self._app.handle_request(request)


def small(speech: Speech) -> tuple[Server, SkippingClock]:
    """A server, and the clock that it goes by."""
    clock = SkippingClock()
    return Server(speech, clock.time), clock
