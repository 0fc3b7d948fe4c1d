"""HAR 1.2 as browsers, Polly.JS and mitmproxy write it, one entry at a time."""

from __future__ import annotations

import base64
import heapq
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import quote_plus, urlsplit

import ijson

from conformance.evidence.bounded import Bounded
from conformance.evidence.compression import decompressed
from conformance.evidence.exchange import Exchange, Headers, Request, Response, header
from conformance.evidence.recorded_lines import epoch

_MAX_DEPTH = 50
# How many entries, and characters of bodies in them, are held back to bring them into order.
_WINDOW = 256
_WINDOW_CHARACTERS = 32 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_QUOTED = re.compile(r"(?:[\w.~!*'()+-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_NO_BODY = frozenset({204, 205, 304})


class NotHarError(ValueError):
    """A file that is not HAR at all: neither cut off nor damaged."""


def entries(stream: BinaryIO) -> Iterator[Any]:
    """Each entry of a log, in the order of their times as far as a bounded look ahead goes.

    Raises NotHarError for a file without ``log.entries``, ValueError for one that is damaged or of an unknown version;
    what was read before comes first.
    """
    waiting = _Waiting()
    failure: Exception | None = None
    try:
        for entry in _Reader(stream).entries():
            yield from waiting.add(entry)
    except ijson.JSONError as error:
        failure = ValueError(_reason(error))
    except Exception as error:
        failure = error
    yield from waiting.rest()
    if failure:
        raise failure


def left_out(entry: Any) -> str:
    """Why an entry shows nothing of a server's behaviour, though it is sound; empty where it does."""
    if not isinstance(entry, Mapping) or not isinstance(request := entry.get("request"), Mapping):
        return ""
    scheme = urlsplit(str(request.get("url"))).scheme.lower()
    if scheme in ("ws", "wss") or entry.get("_resourceType") == "websocket" or "_webSocketMessages" in entry:
        return "websocket"
    if scheme not in ("http", "https", ""):
        return "not HTTP"
    if entry.get("_fromCache") or entry.get("fromCache"):
        return "answered by a cache"
    response = entry.get("response")
    if _lacks_request_body(request) or (isinstance(response, Mapping) and _lacks_body(request, response)):
        return "recorded without its body"
    return ""


def from_entry(entry: Any) -> Exchange:
    """The exchange of one entry, its number still to be given. Raises ValueError, TypeError or KeyError at none."""
    started, took = epoch(entry.get("startedDateTime")), _number(entry.get("time"))
    asked, answer = entry["request"], entry.get("response") or {}
    method, url = asked["method"], asked["url"]
    if not isinstance(method, str) or not isinstance(url, str):
        raise TypeError("method and URL have to be text")
    headers, body = decompressed(_headers(asked, "Cookie"), _sent(asked.get("postData") or {}))
    response, failure = None, ""
    if (status := _status(answer)) >= 100:
        response_headers = _headers(answer, "Set-Cookie")
        recorded = _received(answer.get("content") or {}, response_headers)
        response = Response(status, *decompressed(response_headers, recorded))
    else:
        told = (answer.get("_error"), entry.get("_error"), answer.get("statusText"))
        failure = next((text for text in told if isinstance(text, str) and text), "no answer was recorded")
    return Exchange(
        number=0,
        request=Request(method.upper(), url, headers, body),
        response=response,
        failure=failure,
        started=started,
        ended=started + took / 1000 if started else started,
    )


class _Reader:
    """Walks through the events of a JSON file and builds one entry after the other."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = Bounded(stream, "an entry")
        # Floats, for ijson forgets to tell of an integer that Python finds too long, and an unrelated line fails later.
        self._events: Iterator[tuple[str, Any]] = ijson.basic_parse(_Unmarked(self._stream), use_float=True)

    def entries(self) -> Iterator[Any]:
        found = False
        try:
            for name in self._names(self._next()):
                for member in self._names(self._next()) if name == "log" else self._passed_over():
                    value = self._next()
                    if member == "version":
                        _check_version(value[1])
                    if member != "entries" or value[0] != "start_array":
                        self._pass_over(value)
                        continue
                    found = True
                    while (event := self._next())[0] != "end_array":
                        yield self._value(event, 1)
                        self._stream.begin()
        except ijson.JSONError as error:
            if not found:
                raise NotHarError(_reason(error)) from error
            raise
        if not found:
            raise NotHarError("not HAR: no log.entries in it")

    def _next(self) -> tuple[str, Any]:
        event = next(self._events, None)
        if event is None:
            raise ValueError("cut off")
        return event

    def _names(self, event: tuple[str, Any]) -> Iterator[str]:
        """The names of an object's members, the value of each to be read before the next; none of anything else."""
        if event[0] != "start_map":
            self._pass_over(event)
            return
        while (event := self._next())[0] != "end_map":
            yield event[1]

    def _passed_over(self) -> Iterator[str]:
        self._pass_over(self._next())
        return iter(())

    def _pass_over(self, event: tuple[str, Any]) -> None:
        depth = 0
        while True:
            depth += event[0].startswith("start_") - event[0].startswith("end_")
            self._stream.begin()
            if depth <= 0:
                return
            event = self._next()

    def _value(self, event: tuple[str, Any], depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")
        kind, value = event
        if kind == "start_map":
            return {name: self._value(self._next(), depth + 1) for name in self._names(event)}
        if kind == "start_array":
            items = []
            while (event := self._next())[0] != "end_array":
                items.append(self._value(event, depth + 1))
            return items
        return value


class _Unmarked:
    """A stream without the byte order mark that it may begin with."""

    def __init__(self, stream: Bounded) -> None:
        self._stream, self._begun = stream, False

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        if not self._begun and size:
            self._begun = True
            while chunk and len(chunk) < len(_BYTE_ORDER_MARK) and (more := self._stream.read(len(_BYTE_ORDER_MARK))):
                chunk += more
            chunk = chunk.removeprefix(_BYTE_ORDER_MARK) or (self._stream.read(size) if chunk else chunk)
        return chunk


@dataclass(order=True)
class _Held:
    at: float
    sequence: int
    entry: Any = field(compare=False)

    @property
    def weight(self) -> int:
        """The characters of the bodies."""
        if not isinstance(self.entry, Mapping):
            return 0
        sent = _within(self.entry, "request", "postData", "text")
        received = _within(self.entry, "response", "content", "text")
        return sum(len(text) for text in (sent, received) if isinstance(text, str))

    @property
    def take(self) -> tuple[Any, int]:
        """What Polly.JS asked, and for the how manieth time it did."""
        order = self.entry.get("_order") if isinstance(self.entry, Mapping) else None
        return (self.entry.get("_id"), order) if isinstance(order, int) else (None, 0)


class _Waiting:
    """Entries that are held back, for one that came before them may follow."""

    def __init__(self) -> None:
        self._held: list[_Held] = []
        self._count, self._weight, self._latest = 0, 0, 0.0

    def add(self, entry: Any) -> Iterator[Any]:
        """Takes an entry in, and gives those that need not wait any longer."""
        started = epoch(entry.get("startedDateTime")) if isinstance(entry, Mapping) else 0.0
        self._latest = started or self._latest  # one without a time stays behind its neighbour
        held = _Held(self._latest, self._count, entry)
        heapq.heappush(self._held, held)
        self._count += 1
        self._weight += held.weight
        while len(self._held) > _WINDOW or self._weight > _WINDOW_CHARACTERS:
            yield self._first()

    def rest(self) -> Iterator[Any]:
        while self._held:
            yield self._first()

    def _first(self) -> Any:
        first = heapq.heappop(self._held)
        identity, order = first.take
        if identity is not None:
            same = (held for held in self._held if held.at == first.at and held.take[0] == identity)
            earliest = min(same, key=lambda held: held.take[1], default=first)
            if earliest.take[1] < order:
                first.entry, earliest.entry = earliest.entry, first.entry
        self._weight -= first.weight
        return first.entry


def _check_version(version: Any) -> None:
    if not isinstance(version, str) or not version.startswith("1."):
        raise ValueError("a HAR of another version than 1.x")


def _reason(error: Exception) -> str:
    """What is wrong with the JSON, without the text around, which may hold anything."""
    told = error.args[0] if error.args else ""
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    first = text.strip().split("\n", 1)[0].strip()
    return "cut off" if "premature EOF" in first else f"not JSON: {first}"


def _within(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _number(value: Any) -> float:
    """A number above zero, or 0.0."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return number if math.isfinite(number) and number > 0 else 0.0


def _status(response: Mapping[str, Any]) -> int:
    status = response.get("status")
    return 0 if status is None or isinstance(status, bool) else int(status)


def _lacks_body(request: Mapping[str, Any], response: Mapping[str, Any]) -> bool:
    """Whether there was a body in the answer that the file does not hold, so that nothing can be said about it."""
    content = response.get("content")
    if isinstance(content, Mapping) and isinstance(content.get("text"), str):
        return False
    status = response.get("status")
    if not isinstance(status, int) or status < 100 or status in _NO_BODY or request.get("method") == "HEAD":
        return False
    size = content.get("size") if isinstance(content, Mapping) else None
    return size != 0


def _lacks_request_body(request: Mapping[str, Any]) -> bool:
    post = request.get("postData")
    if isinstance(post, Mapping) and (post.get("text") or post.get("params")):
        return False
    return _number(request.get("bodySize")) > 0


def _headers(message: Mapping[str, Any], cookies: str) -> Headers:
    """Headers without those that HTTP/2 made up; cookies that stand in their own list only become one."""
    pairs = [(str(pair["name"]), _text(pair.get("value"))) for pair in message.get("headers") or ()]
    listed = [f"{cookie['name']}={_text(cookie.get('value'))}" for cookie in message.get("cookies") or ()]
    if listed and header(tuple(pairs), cookies) is None:
        pairs += [(cookies, "; ".join(listed))] if cookies == "Cookie" else [(cookies, one) for one in listed]
    return tuple((name, value) for name, value in pairs if not name.startswith(":"))


def _sent(post: Mapping[str, Any]) -> bytes:
    text, params = post.get("text"), post.get("params")
    if isinstance(text, str) and text:
        return _decoded(text, post.get("encoding"))
    return "&".join(f"{_quoted(one['name'])}={_quoted(one.get('value'))}" for one in params or ()).encode("ascii")


def _received(content: Mapping[str, Any], headers: Headers) -> bytes:
    text = content.get("text")
    if not isinstance(text, str):
        return b""
    encoding = content.get("encoding") or ("hex" if content.get("_isBinary") is True else None)
    # Polly.JS keeps a compressed body as a JSON list of its chunks, older ones in hexadecimal without saying so.
    if text.startswith("[") and (encoding or header(headers, "content-encoding")):
        try:
            chunks = json.loads(text)
            if chunks and all(isinstance(chunk, str) for chunk in chunks):
                return b"".join(_decoded(chunk, encoding or "hex") for chunk in chunks)
        except (ValueError, RecursionError):
            pass
    return _decoded(text, encoding)


def _decoded(text: str, encoding: Any) -> bytes:
    if encoding == "base64":
        return base64.b64decode(text)
    if encoding == "hex":
        return bytes.fromhex(text)
    return text.encode("utf-8", "surrogatepass")


def _quoted(value: Any) -> str:
    """A field of a form as it was sent: some write it so, some decoded."""
    text = _text(value)
    return text if "%" in text and _QUOTED.fullmatch(text) else quote_plus(text, errors="surrogatepass")


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, dict | list):
        raise TypeError("expected text")
    return str(value)
