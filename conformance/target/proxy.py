"""A proxy of the suite's own between client and target, which lets something happen to the answer on its way."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, RemoteDisconnected
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx

from conformance.evidence.exchange import Exchange, Response
from conformance.target.connections import read_whole

MISHAPS = ("answer_lost", "answer_cut", "answer_late", "sent_twice", "bad_gateway")
REQUEST_LIMIT = 8 * 1024 * 1024  # bytes; no scenario sends as many
LATE = 0.02  # seconds that the client waits for an answer that comes late
TOLD_BY = "Conformance-Proxy"  # the header by which an answer tells of an earlier delivery
_LOOPBACK = "127.0.0.1"
_LONGEST = 200  # characters of a value that is told
_HOP = ("connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding", TOLD_BY.lower())
_BY_US = "made by the suite's proxy"
_TOLD = re.compile(rf"(?P<mishap>\w+), {_BY_US}: .*; the target had answered HTTP (?P<status>\d+) (?P<members>{{.*}})")

# Of an answer that does not come: what the socket shows, and what becomes of it.
_LOSSES: dict[str, tuple[type[Exception], type[httpx.TransportError], str]] = {
    "answer_lost": (RemoteDisconnected, httpx.RemoteProtocolError, "the connection was closed without an answer"),
    "answer_cut": (ConnectionResetError, httpx.ReadError, "the connection was reset in the middle of the answer"),
    "answer_late": (TimeoutError, httpx.ReadTimeout, f"no answer came within {LATE:g} s"),
}


@dataclass(frozen=True)
class Told:
    """What the target had answered to a request that met with a mishap: the status, and some members of the body."""

    status: int
    members: dict[str, Any]


def told(exchange: Exchange) -> Told | None:
    """What the target had answered first; None where the exchange met with no mishap of this proxy."""
    text = exchange.failure if exchange.response is None else exchange.response.header(TOLD_BY)
    match = _TOLD.search(text or "")
    if match is None or match["mishap"] not in MISHAPS:
        return None
    try:
        return Told(int(match["status"]), json.loads(match["members"]))
    except ValueError:  # redaction may have left no JSON
        return None


@dataclass
class _Delivery:
    """One request on its way through the proxy, between the thread that sends it and the one at the proxy's end."""

    mishap: str
    seconds: float  # that anybody waits for anybody
    asked: tuple[str, str, list[tuple[str, str]], bytes] | None = field(default=None, repr=False)
    answer: Response | None = None
    earlier: str = ""
    received: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)
    noticed: threading.Event = field(default_factory=threading.Event)  # the client has the headers, or has given up


class ProxiedTransport(httpx.BaseTransport):
    """Sends each request through the proxy, on a new connection of this machine; ``inner`` reaches the target.

    ``mishap`` among a request's extensions is one of ``MISHAPS``:

    - ``answer_lost``: the target has answered; the connection is closed without a byte;
    - ``answer_cut``: the headers come and half of the body, then the connection is reset;
    - ``answer_late``: the answer is in the proxy, but comes after the client's patience;
    - ``sent_twice``: the target gets the request twice, one after the other, and the client the second answer, whose
      header ``TOLD_BY`` tells of the first; where the first was no success, that is told and the second not sent;
    - ``bad_gateway``: the target has answered, and the client is told 502.

    But for ``sent_twice`` that ends in an ``httpx.TransportError`` which tells the target's status and, of the body,
    ``members``, so that evidence holds what the target did. A target that gives no answer fails as it would without
    the proxy. The target is asked from the thread that sends, so nobody else is under way. Every wait is bounded by the
    request's read timeout. Thread-safe; nothing stays open between requests.
    """

    def __init__(self, inner: httpx.Client, members: Sequence[str] = ()) -> None:
        self._inner, self._members = inner, tuple(members)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The second answer of ``sent_twice``; raises ``httpx.TransportError`` otherwise. The request is a POST.

        Raises ``ValueError`` for an unknown mishap.
        """
        mishap = request.extensions["mishap"]
        if mishap not in MISHAPS:
            raise ValueError(f"{mishap!r} is no mishap; there are {', '.join(MISHAPS)}")
        delivery = _Delivery(mishap, float(request.extensions["timeout"]["read"]))
        near, far = _connected(delivery.seconds)
        connection = HTTPConnection(_LOOPBACK)
        connection.sock = near
        thread = threading.Thread(target=_attend, args=(far, delivery), name="conformance-proxy", daemon=True)
        thread.start()
        try:
            _submit(connection, request)
            first = self._pass_on(delivery)
            return self._outcome(connection, delivery, first)
        except (HTTPException, OSError, ValueError) as error:  # which may quote a header
            raise httpx.TransportError(f"the suite's proxy failed: {type(error).__name__}") from None
        finally:
            delivery.answered.set()
            delivery.noticed.set()
            connection.close()
            thread.join(delivery.seconds)

    def _pass_on(self, delivery: _Delivery) -> str:
        """Asks the target, and leaves the answer with the proxy; what is told of the first one."""
        if not delivery.received.wait(delivery.seconds) or delivery.asked is None:
            raise httpx.TransportError("the suite's proxy failed: the request did not reach it")
        answer = self._asked(delivery)
        first = f"the target had answered HTTP {answer.status} {self._shown(answer)}"
        if delivery.mishap == "sent_twice":
            if not 200 <= answer.status < 300:
                raise httpx.ProxyError(_text(delivery.mishap, "the first of two deliveries was no success", first))
            answer = self._asked(delivery)
            delivery.earlier = _text(delivery.mishap, "this is the second answer", first)
        delivery.answer = answer
        delivery.answered.set()
        return first

    def _asked(self, delivery: _Delivery) -> Response:
        assert delivery.asked is not None  # the caller has seen to it
        method, url, headers, body = delivery.asked
        request = self._inner.build_request(method, url, headers=_as_sent(headers), content=body or None)
        try:
            return read_whole(self._inner.send(request, stream=True), delivery.seconds)
        except ValueError as error:
            raise httpx.ReadError(str(error)) from error

    def _shown(self, answer: Response) -> str:
        """The members that are told, as JSON on one line."""
        body = answer.json if isinstance(answer.json, dict) else {}
        short = {name: body[name] for name in self._members if name in body and len(repr(body[name])) <= _LONGEST}
        plain = {name: value for name, value in short.items() if value is None or isinstance(value, str | int)}
        return json.dumps(plain)

    def _outcome(self, connection: HTTPConnection, delivery: _Delivery, first: str) -> httpx.Response:
        """What the client gets to see. Raises what stands for the mishap."""
        mishap = delivery.mishap
        shown, raised, text = _LOSSES.get(mishap, (None, httpx.TransportError, ""))
        connection.sock.settimeout(LATE if mishap == "answer_late" else delivery.seconds)
        try:
            answer = connection.getresponse()
            delivery.noticed.set()
            body = answer.read()
        except (HTTPException, OSError) as error:
            if type(error) is not shown or delivery.noticed.is_set() != (mishap == "answer_cut"):  # headers had come
                raise
            raise raised(_text(mishap, text, first)) from error
        if mishap == "bad_gateway" and answer.status == 502:
            raise httpx.ProxyError(_text(mishap, "502 Bad Gateway", first))
        if mishap != "sent_twice":
            raise httpx.TransportError(f"the suite's proxy failed: {mishap} was not noticed")
        return httpx.Response(answer.status, headers=_as_sent(answer.getheaders()), stream=httpx.ByteStream(body))


def _text(mishap: str, what: str, first: str) -> str:
    return f"{mishap}, {_BY_US}: {what}; {first}"


def _as_sent(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers as the bytes that they were, which the standard library shows as ISO 8859-1."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _connected(seconds: float) -> tuple[socket.socket, socket.socket]:
    """Both ends of a new connection to a port that listens for this one alone."""
    with socket.create_server((_LOOPBACK, 0)) as listening:
        listening.settimeout(seconds)
        near = socket.create_connection(listening.getsockname(), seconds)
        try:
            while True:
                far, peer = listening.accept()
                if peer == near.getsockname():
                    far.settimeout(seconds)
                    return near, far
                far.close()  # somebody else's
        except OSError:
            near.close()
            raise


def _submit(connection: HTTPConnection, request: httpx.Request) -> None:
    """Sends the request to the proxy, as one sends to a proxy: with the whole URL."""
    url = request.url
    whole = b"%s://%s%s" % (url.scheme.encode(), url.netloc, url.raw_path)
    connection.putrequest(request.method, whole.decode(), skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.raw:
        connection.putheader(name, value)
    connection.endheaders(request.read() or None)


def _attend(far: socket.socket, delivery: _Delivery) -> None:
    """The proxy's end of one connection."""
    with far:
        try:
            _ProxyEnd(far, delivery)
        except (OSError, ValueError):
            pass  # the client's end says what there is to say
        finally:
            delivery.received.set()


class _ProxyEnd(BaseHTTPRequestHandler):
    """Takes one request from the client, and lets its mishap happen when the target's answer is there."""

    def __init__(self, far: socket.socket, delivery: _Delivery) -> None:
        self.delivery = delivery
        super().__init__(far, far.getpeername(), None)  # type: ignore[arg-type]  # no server is asked for anything

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""

    def do_POST(self) -> None:
        delivery = self.delivery
        length = int(self.headers.get("Content-Length") or 0)
        if length > REQUEST_LIMIT:
            raise ValueError(f"the request is longer than {REQUEST_LIMIT} bytes")
        delivery.asked = (self.command, self.path, self.headers.items(), self.rfile.read(length))
        delivery.received.set()
        delivery.answered.wait(8 * delivery.seconds)  # two requests: each connects, sends, and waits for head and body
        if delivery.answer is not None:
            getattr(self, f"_{delivery.mishap}")(delivery.answer)

    def _answer_lost(self, answer: Response) -> None:
        """Nothing is written."""

    def _answer_cut(self, answer: Response) -> None:
        body = answer.body or b" "
        self._write(answer, len(body), body[: len(body) // 2])
        self.delivery.noticed.wait(self.delivery.seconds)  # a reset would take the headers away
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _answer_late(self, answer: Response) -> None:
        self.delivery.noticed.wait(self.delivery.seconds)
        with suppress(OSError):
            self._write(answer, len(answer.body), answer.body)

    def _sent_twice(self, answer: Response) -> None:
        self._write(answer, len(answer.body), answer.body, ((TOLD_BY, self.delivery.earlier),))

    def _bad_gateway(self, answer: Response) -> None:
        self._write(Response(502), 0, b"")

    def _write(self, answer: Response, length: int, body: bytes, more: tuple[tuple[str, str], ...] = ()) -> None:
        kept = [pair for pair in answer.headers if pair[0].lower() not in _HOP]
        lines = [f"{name}: {value}" for name, value in (*kept, *more, ("Content-Length", str(length)))]
        head = "\r\n".join([f"HTTP/1.1 {answer.status} Relayed", *lines, "", ""])
        self.wfile.write(head.encode("utf-8", "surrogateescape") + body)
