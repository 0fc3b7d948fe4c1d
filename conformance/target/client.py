"""The one HTTP client: sends operations to a target and writes every exchange to the history."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx

from conformance.contract import Contract, Operation
from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.forms import encode_form
from conformance.evidence.history import History
from conformance.target.clock import Clock
from conformance.target.credentials import present
from conformance.target.settings import LOOPBACK, Target

if TYPE_CHECKING:
    from conformance.target.bursts import Place

FORM = "application/x-www-form-urlencoded"
PATIENCE = 60.0  # seconds without any answer, over requests in a row, before no more are sent
BODY_LIMIT = 8 * 1024 * 1024  # bytes; no documented answer comes near
_TOLD = ("id", "status", "amount_received", "amount_capturable", "payment")  # of an answer that is lost


class TargetSilent(Exception):
    """The target has given no answer for so long that nothing more is sent to it."""


class Client:
    """Speaks a contract's operations to one target.

    ``transport`` replaces the network (the reference server in memory), ``clock`` the world's time. ``replaying``: the
    transport gives what was recorded, mishaps and all, so that none is made. Nothing random: idempotency keys derive
    from ``seed``, the scenario's name and a count. Redirects are never followed. A network failure is an exchange with
    ``failure``; only when the target has been silent for ``PATIENCE`` seconds is ``TargetSilent`` raised.
    """

    def __init__(
        self,
        contract: Contract,
        target: Target,
        history: History,
        *,
        seed: int = 0,
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
        replaying: bool = False,
    ) -> None:
        self.clock = clock or Clock()
        self.replaying = replaying
        self.contract, self.target, self.history, self.seed = contract, target, history, seed
        self.scenario = ""
        self._counts: dict[str, int] = {}
        self._silence = 0.0
        self._lock = threading.Lock()
        self._pace = Pace(target.requests_per_second, self.clock)
        self._transport = transport
        self._http = self._opened(transport)
        self._bursting: httpx.Client | None = None
        self._proxied: httpx.Client | None = None

    def _opened(self, transport: httpx.BaseTransport | None) -> httpx.Client:
        local = urlsplit(self.target.base_url).hostname in LOOPBACK
        return httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(self.target.timeout, connect=min(self.target.timeout, 10.0)),
            follow_redirects=False,
            trust_env=not local,  # a proxy for this machine's own loopback is never meant
            limits=httpx.Limits(max_keepalive_connections=20),
        )

    def close(self) -> None:
        for opened in (self._bursting, self._proxied, self._http):
            if opened:
                opened.close()

    def operation(self, name: str) -> Operation:
        return self.contract.operations[name]

    def call(
        self,
        operation: str,
        intent: str = "",
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        credential: str = "test",
        scheme: str = "",
        idempotency_key: str | None = "",
        raw: bytes | None = None,
        media_type: str = "",
        method: str = "",
        headers: Mapping[str, str] | None = None,
        case: str = "",
        mishap: str = "",
        place: Place | None = None,
    ) -> Exchange:
        """Sends one operation.

        ``body`` is the decoded request (encoded as the contract's media type says, or ``media_type``), ``raw`` bytes go
        as they are. ``idempotency_key``: ``""`` is a fresh one where the provider has such a header, None sends none.
        ``mishap`` names what becomes of the answer on its way, see ``proxy.MISHAPS``; ``place`` is for ``together``.
        """
        asked = self.operation(operation)
        path = asked.path
        if "{" in path:
            path = (
                path[: path.index("{")] + quote(intent, safe="", errors="surrogatepass") + path[path.index("}") + 1 :]
            )
        content, kind = _encode(media_type or asked.media_type, body, raw)
        return self.send(
            method or asked.method,
            path,
            query=query,
            content=content,
            media_type=kind if asked.method == "POST" else "",
            credential=credential,
            scheme=scheme,
            idempotency_key=idempotency_key,
            headers=headers,
            case=case,
            mishap=mishap,
            place=place,
        )

    def together(self, requests: Sequence[Mapping[str, Any]]) -> list[Exchange]:
        """Sends several operations at once; ``requests`` are the arguments of ``call``. The exchanges in their order.

        Each has a connection of its own, opened before, and its last byte is held back until all are ready;
        ``started`` of an exchange is when that byte went. The pace is kept on the whole: what follows waits longer.
        """
        from concurrent.futures import ThreadPoolExecutor

        from conformance.target.bursts import Gate, Place

        keyed = [{"idempotency_key": self.fresh("key"), **request} for request in requests]
        if self.replaying:
            return [self.call(**request) for request in keyed]
        gate = Gate(len(keyed), self.clock, self.target.timeout)
        self._pace.wait(len(keyed))

        def sent(request: Mapping[str, Any], place: Place) -> Exchange:
            try:
                return self.call(place=place, **request)
            finally:
                place.leave()

        places = [Place(gate, self.history.next_number()) for _ in keyed]
        with ThreadPoolExecutor(len(keyed)) as threads:
            return list(threads.map(sent, keyed, places))

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        content: bytes = b"",
        media_type: str = "",
        credential: str = "test",
        scheme: str = "",
        idempotency_key: str | None = "",
        headers: Mapping[str, str] | None = None,
        case: str = "",
        mishap: str = "",
        place: Place | None = None,
    ) -> Exchange:
        """Sends any request below the target's base URL; a full URL is taken as it is, without credentials."""
        settings = self.contract.settings
        elsewhere = path.startswith(("http://", "https://"))
        sent = {"Accept": "application/json", **(headers or {})}
        if not elsewhere:
            keys = {"api_key": self.target.api_key, **self.target.instruments}
            sent |= present(self.contract, credential, keys, scheme)
            if "versioning" in settings:
                sent[settings["versioning"]["header"]] = settings["versioning"]["value"]
            if method == "POST" and "idempotency" in settings and idempotency_key is not None:
                sent[settings["idempotency"]["header"]] = idempotency_key or self.fresh("key")
        if media_type:
            sent["Content-Type"] = media_type
        url = path if elsewhere else self.target.base_url + path
        if query:
            url += ("&" if "?" in url else "?") + encode_form(query).decode()
        return self._exchange(method, url, sent, content, "none" if elsewhere else credential, case, mishap, place)

    def fresh(self, purpose: str) -> str:
        """A new 32-digit hexadecimal name, the same in each run of the same scenario with the same seed."""
        with self._lock:
            count = self._counts[self.scenario] = self._counts.get(self.scenario, 0) + 1
        return hashlib.sha256(f"{self.seed}|{self.scenario}|{purpose}|{count}".encode()).hexdigest()[:32]

    def _sender(self, mishap: str, place: Place | None) -> httpx.Client:
        """What sends a request: a burst and a mishap need connections of their own."""
        if self.replaying or not (mishap or place):
            return self._http
        with self._lock:
            if place:
                from conformance.target.bursts import GatedTransport, HeldTransport

                inner = self._transport
                self._bursting = self._bursting or self._opened(
                    GatedTransport(inner, self.clock) if inner else HeldTransport()
                )
                return self._bursting
            from conformance.target.proxy import ProxiedTransport

            members = self.contract.settings["members"]
            telling = [members[name] for name in _TOLD if name in members]
            self._proxied = self._proxied or self._opened(ProxiedTransport(self._http, (*telling, "amount")))
            return self._proxied

    def _answer(self, sender: httpx.Client, request: httpx.Request) -> httpx.Response:
        """What comes back, its body still to be read. A server in memory is asked directly: it sets no cookies."""
        if self._transport and sender is self._http and not self.replaying:
            return self._transport.handle_request(request)
        return sender.send(request, stream=True)

    def _exchange(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        content: bytes,
        credential: str,
        case: str,
        mishap: str,
        place: Place | None,
    ) -> Exchange:
        if self._silence > PATIENCE:
            raise TargetSilent(f"no answer for {self._silence:.0f} s of waiting; no more requests are sent")
        sender = self._sender(mishap, place)
        if not place:
            self._pace.wait(2 if mishap == "sent_twice" else 1)
        started, response, failure, wire = self.clock.time(), None, "", tuple(headers.items())
        request: httpx.Request | None = None
        played: Exchange | None = None  # what a replay has for it, with the number and the times that it had then
        try:
            request = sender.build_request(method, url, headers=headers, content=content or None)
            wire = tuple((name, value) for name, value in request.headers.items() if name != "user-agent")
            request.extensions |= {"scenario": self.scenario, "asked": Request(method, url, wire, content)}
            request.extensions |= {"mishap": mishap, "place": place, "released": started}
            with_body = self._answer(sender, request)
            played = with_body.extensions.get("played")
            response = read_whole(with_body, self.target.timeout)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            played = getattr(error, "played", None)
            failure = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        ended = self.clock.time()
        if request:
            started = request.extensions["released"]
        if played:
            started, ended, failure = played.started, played.ended, played.failure
        self._silence = self._silence + ended - started if response is None else 0.0
        return self.history.add(
            Exchange(
                number=played.number if played else place.number if place else self.history.next_number(),
                request=Request(method, url, wire, content),
                response=response,
                scenario=self.scenario,
                credential=credential,
                case=case,
                failure=failure,
                started=started,
                ended=ended,
            )
        )


class Pace:
    """Lets at most so many requests a second start; 0 is no limit."""

    def __init__(self, requests_per_second: float, clock: Clock) -> None:
        self._clock = clock
        self._gap = 1.0 / requests_per_second if requests_per_second else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self, count: int = 1) -> None:
        """Returns when so many may start at once; those that follow wait for them."""
        if not self._gap:
            return
        with self._lock:
            now = self._clock.monotonic()
            start = max(now, self._next)
            self._next = start + self._gap * count
            delay = start - now
        if delay > 0:
            self._clock.sleep(delay)


def _encode(media_type: str, body: Any, raw: bytes | None) -> tuple[bytes, str]:
    if raw is not None:
        return raw, media_type if raw else ""  # no body has no type
    if body is None:
        return b"", media_type
    if media_type == FORM:
        return encode_form(body), FORM
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"), media_type


def read_whole(response: httpx.Response, seconds: float) -> Response:
    """The whole answer. Raises ``ValueError`` where it is longer, or takes longer, than any documented one could."""
    parts, size, until = [], 0, time.monotonic() + seconds
    try:
        for part in response.iter_bytes():
            size += len(part)
            if size > BODY_LIMIT:
                raise ValueError(f"the answer is longer than {BODY_LIMIT} bytes")
            if time.monotonic() > until:
                raise ValueError(f"the answer takes longer than {seconds:g} s")
            parts.append(part)
    finally:
        response.close()
    return Response(response.status_code, tuple(response.headers.multi_items()), b"".join(parts))
