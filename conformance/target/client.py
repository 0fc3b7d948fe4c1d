"""The one HTTP client: sends operations to a target and writes every exchange to the history."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from conformance.contract import Contract, Operation
from conformance.evidence.exchange import TOO_MANY, Exchange, Request, Response
from conformance.evidence.forms import encode_form
from conformance.evidence.history import History
from conformance.target.clock import Clock
from conformance.target.connections import ENCODINGS, Connections, Room, proxy_for, read_whole
from conformance.target.credentials import present
from conformance.target.pace import (
    GIVEN_UP,
    LONGEST,
    SENT_AGAIN,
    Allowance,
    Pace,
    Patience,
    SharedSlots,
    asked_to_wait,
)
from conformance.target.settings import Target
from conformance.target.tls import Tls

if TYPE_CHECKING:
    from conformance.target.bursts import Place
    from conformance.target.journal import Journal

FORM = "application/x-www-form-urlencoded"
PATIENCE = 60.0  # seconds without any answer, over requests in a row, before no more are sent
MOST_REFUSED = 3  # requests in a row that are answered 429 however often they are sent, before no more are sent
MOST_FAILURES = 20  # requests in a row without an answer, before the target has to show that it is still there
KNOCKS = (0.0, 1.0, 2.0, 4.0)  # seconds before each time that it is asked for that
_NEVER_SENT = ("InvalidURL", "LocalProtocolError", "UnsupportedProtocol")  # failures that are none of the target's
_TOLD = ("id", "status", "amount_received", "amount_capturable", "payment")  # of an answer that is lost


class TargetSilent(Exception):
    """The target has given no answer for so long, or so often, that nothing more is sent to it."""


class TargetBusy(TargetSilent):
    """The target answers 429 to whatever is asked, so that nothing more is sent to it."""


class LiveMoney(TargetSilent):
    """The target says that it moves real money, so that nothing more is sent to it, and nothing judged."""


class BudgetSpent(TargetSilent):
    """As many requests have been sent as the run may send."""


class Client:
    """Speaks a contract's operations to one target.

    ``transport`` replaces the network (the reference server in memory), ``clock`` the world's time. ``replaying``: the
    transport gives what was recorded, mishaps and all, so that none is made. ``journal`` is told of each create before
    it is sent. ``pace`` is one that it shares with other clients, instead of the target's own. Once the clock's
    ``stop`` is asked for, no further exchange begins. Nothing random: idempotency keys derive from ``seed``, the
    scenario's name and a count. Redirects are never followed. A network failure is an exchange with ``failure``; only
    when the target has been silent for ``PATIENCE`` seconds, or has failed ``MOST_FAILURES`` times in a row and does
    not come back, is ``TargetSilent`` raised, and ``stopped`` then says why.
    ``proxy`` is the environment's one for the target, empty where there is none; no burst goes through one. Raises
    ``SettingsError`` where that proxy cannot be spoken to.
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
        journal: Journal | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.journal = journal
        self.replaying = replaying
        self.contract, self.target, self.history, self.seed = contract, target, history, seed
        self.scenario = ""
        self._counts: dict[str, int] = {}
        self._silence = 0.0
        self._failures = 0  # requests in a row
        self._knocking = False
        self._room = Room()
        self.stopped = ""
        self.live = ""  # why nothing may be sent to it, nor judged
        self._lock = threading.Lock()
        self.allowance = Allowance()  # of which the client takes a part with each request
        shared = target.requests_per_second and not (transport or replaying or self.clock.skips)
        slots = SharedSlots(target.base_url) if shared and not pace else None
        self._pace = pace or Pace(target.requests_per_second, self.clock, slots)
        self._refused = 0  # requests in a row that were answered 429 for good
        self._transport = transport
        self.proxy = "" if transport else proxy_for(target.base_url)
        if self.proxy:
            self.target = replace(target, burst=0)
        self._tls = Tls(target.ca, target.client_certificate, target.client_key)
        self._network = transport or Connections(self._tls)
        # It builds requests, and sends those of the lost-reply proxy; its transport is asked directly for all others,
        # because no cookie is kept and no redirect looked at.
        self._http = httpx.Client(
            transport=self._network,
            headers={"Accept-Encoding": ENCODINGS},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(self.target.timeout, connect=min(self.target.timeout, 10.0)),
            follow_redirects=False,
            trust_env=False,
        )
        self._bursting: httpx.BaseTransport | None = None
        self._proxied: httpx.BaseTransport | None = None

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
        self._allow(len(keyed))
        self._expect_there()
        gate = Gate(len(keyed), self.clock, self.target.timeout)
        self._pace.wait(len(keyed))

        def sent(request: Mapping[str, Any], place: Place) -> Exchange:
            try:
                return self.call(place=place, **request)
            finally:
                place.leave()

        if self.replaying:
            places = [Place(gate, 0) for _ in keyed]  # exchanges have the numbers that they had
            exchanges = list(map(sent, keyed, places))
        else:
            places = [Place(gate, self.history.next_number()) for _ in keyed]
            with ThreadPoolExecutor(len(keyed)) as threads:
                exchanges = list(threads.map(sent, keyed, places))
        # In their order, and not in that in which they ended: what stops a run must stop its replay, and there alone.
        for exchange, place in zip(exchanges, places, strict=True):
            self._note(exchange, sent=place.made)
        return exchanges

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
        known_as = "none" if elsewhere else credential
        # What is sent again later is no longer sent at once, and no retry may get between a mishap and its scenario.
        patience = None if place or mishap else Patience()
        while True:
            exchange = self._exchange(method, url, sent, content, known_as, case, mishap, place, patience)
            if exchange.failure != SENT_AGAIN:
                return exchange

    def fresh(self, purpose: str) -> str:
        """A new 32-digit hexadecimal name, the same in each run of the same scenario with the same seed."""
        with self._lock:
            count = self._counts[self.scenario] = self._counts.get(self.scenario, 0) + 1
        return hashlib.sha256(f"{self.seed}|{self.scenario}|{purpose}|{count}".encode()).hexdigest()[:32]

    def _allow(self, count: int) -> None:
        if not self.replaying and not self.allowance.take(count):
            raise BudgetSpent(f"left out: budget of {self.allowance.requests} requests")

    def _heeded(self, response: Response, patience: Patience | None) -> str:
        """Holds back what follows a 429; gives the failure of an exchange that was put off, else an empty text.

        Such an exchange keeps its answer, for the rows that speak of 429; no other row judges it. A replay goes by
        what was recorded, and waits for nothing.
        """
        if response.status != TOO_MANY:
            return ""
        if patience is None:  # of several at once, it may be a conflict among them
            said = asked_to_wait(response, self.clock.time())
            if said is not None and said <= LONGEST:
                self._pace.hold_back(said)
            return ""
        pause = patience.pause(response, self.clock.time())
        if pause is None:
            return GIVEN_UP
        self._pace.hold_back(pause)
        return SENT_AGAIN

    def _expect_there(self) -> None:
        """Raises ``TargetSilent`` where the target has given no answer for too long, or too often and still does not.

        It is asked again, a retrieve of nothing as the preflight's, because a target may drop one kind of request and
        answer all others, and because servers are restarted.
        """
        if self.live:
            raise LiveMoney(self.live)
        if self._silence > PATIENCE and not self.stopped:
            self.stopped = f"no answer for {self._silence:.0f} s of waiting; no more requests are sent"
        if self.stopped:
            raise TargetSilent(self.stopped)
        if self._failures < MOST_FAILURES or self._knocking:
            return
        self._knocking, failure = True, ""
        try:
            for pause in KNOCKS:
                self.clock.sleep(pause)
                answer = self.call("retrieve", "nothing")
                if answer.response is not None:
                    return
                failure = answer.failure
        finally:
            self._knocking = False
        self.stopped = f"no answer to {self._failures} requests in a row ({failure}); no more requests are sent"
        raise TargetSilent(self.stopped)

    def _note(self, exchange: Exchange, sent: bool) -> None:
        """Counts what the target did not answer. What the lost-reply proxy took away was an answer."""
        if exchange.response is None and exchange.failure:
            if not sent or exchange.failure.startswith(_NEVER_SENT):
                return
            from conformance.target.proxy import told

            if told(exchange) is None:
                with self._lock:
                    self._failures += 1
                    self._silence += exchange.ended - exchange.started
                return
        with self._lock:
            self._failures, self._silence = 0, 0.0

    def _sender(self, mishap: str, place: Place | None) -> httpx.BaseTransport:
        """What sends a request: a burst and a mishap need connections of their own."""
        if self.replaying or not (mishap or place):
            return self._network
        with self._lock:
            if place:
                from conformance.target.bursts import GatedTransport, HeldTransport

                inner = self._transport
                self._bursting = self._bursting or (
                    GatedTransport(inner, self.clock) if inner else HeldTransport(self._tls)
                )
                return self._bursting
            from conformance.target.proxy import ProxiedTransport

            members = self.contract.settings["members"]
            telling = [members[name] for name in _TOLD if name in members]
            self._proxied = self._proxied or ProxiedTransport(self._http, (*telling, "amount"))
            return self._proxied

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
        patience: Patience | None = None,
    ) -> Exchange:
        if self._refused >= MOST_REFUSED:
            told = f"{MOST_REFUSED} requests in a row were answered 429; lower [target] requests_per_second"
            self.stopped = self.stopped or told
            raise TargetBusy(told)
        if not place:
            self._expect_there()
        sender = self._sender(mishap, place)
        if not place:
            count = 2 if mishap == "sent_twice" else 1
            self._allow(count)
            self._pace.wait(count)
        self.clock.stop.check()
        started, response, failure, wire = self.clock.time(), None, "", tuple(headers.items())
        request: httpx.Request | None = None
        create = 0  # its number in the journal
        played: Exchange | None = None  # what a replay has for it, with the number and the times that it had then
        try:
            request = self._http.build_request(method, url, headers=headers, content=content or None)
            wire = tuple((name, value) for name, value in request.headers.items() if name != "user-agent")
            request.extensions |= {"scenario": self.scenario, "asked": Request(method, url, wire, content)}
            request.extensions |= {"mishap": mishap, "place": place, "released": started}
            if self.journal:
                asked = request.extensions["asked"]
                create = self.journal.before(asked, at=started, scenario=self.scenario, credential=credential)
                request.extensions["released"] = self.clock.time()  # writing takes a while
            with_body = sender.handle_request(request)
            played = with_body.extensions.get("played")
            response = read_whole(with_body, self.target.timeout, self._room.limit)
            self._room.take(response)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            played, response = getattr(error, "played", None), None
            failure = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        ended = self.clock.time()
        if request:
            started = request.extensions["released"]
        if played:
            started, ended, failure = played.started, played.ended, played.failure
        if response and not self.replaying:
            failure = self._heeded(response, patience)
        if failure == GIVEN_UP:
            self._refused += 1
        elif response and response.status != TOO_MANY:
            self._refused = 0
        exchange = Exchange(
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
        if self.journal:
            self.journal.after(create, exchange)
        exchange = self.history.add(exchange)
        if place:
            place.made = request is not None
        else:
            self._note(exchange, sent=request is not None)
        if response and not self.replaying and (member := live_member(response, self.contract.live_members)):
            self.live = f"the target answers {member}: true, so that real money may move; nothing more was sent"
            raise LiveMoney(self.live)
        return exchange


def live_member(response: Response, members: Collection[str]) -> str:
    """The first of these members that is true anywhere in an answer; empty where none is."""
    if not any(member.encode() in response.body for member in members):
        return ""
    left = [response.json]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            for member in members:
                if value.get(member) is True:
                    return member
            left += value.values()
        elif isinstance(value, list):
            left += value
    return ""


def _encode(media_type: str, body: Any, raw: bytes | None) -> tuple[bytes, str]:
    if raw is not None:
        return raw, media_type if raw else ""  # no body has no type
    if body is None:
        return b"", media_type
    if media_type == FORM:
        return encode_form(body), FORM
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"), media_type
