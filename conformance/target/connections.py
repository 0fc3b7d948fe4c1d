"""Connections to a target: which proxy is asked, how long an answer may take, and how much it may hold."""

from __future__ import annotations

import math
import ssl
import threading
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from conformance.evidence.compression import decompressed
from conformance.evidence.exchange import Response
from conformance.target.settings import SettingsError, is_local
from conformance.target.tls import Tls, UnusableFile

BODY_LIMIT = 2 * 1024 * 1024  # bytes; no documented answer comes near
RUN_LIMIT = 32 * BODY_LIMIT  # bytes of all answers of a run, before only short ones are read
SHORT = 64 * 1024  # bytes
IDLE = 1.0  # seconds that a connection is kept for the next request; servers hang up after 2 and more
ENCODINGS = "gzip, deflate"  # what is asked for; a body in another encoding is kept as it came
_MOST_LAYERS = 4  # encodings of one body
_PIECE = 64 * 1024  # bytes that are decoded at a time
_WINDOWS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
_PROXIES = ("http", "https")
_FAILED = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
)


class UnusableProxy(SettingsError):
    """The environment names a proxy that the suite cannot speak to. The message shows no password of it."""


def proxy_for(url: str) -> str:
    """The proxy that the environment names for a URL, empty where it names none. Raises ``UnusableProxy``."""
    parts = urlsplit(url)
    if is_local(parts.hostname or ""):
        return ""  # a proxy for this machine's own loopback is never meant
    proxies = getproxies()
    named = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not named or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return ""
    proxy = named if "://" in named else f"http://{named}"
    kind = urlsplit(proxy).scheme
    if kind not in _PROXIES:
        raise UnusableProxy(
            f"the environment names a {kind} proxy for {parts.hostname}, and the suite speaks to "
            f"{' and '.join(_PROXIES)} proxies alone; change {parts.scheme.upper()}_PROXY or ALL_PROXY, or set NO_PROXY"
        )
    return proxy


class Connections(httpx.BaseTransport):
    """HTTP/1.1 to a target, directly or through the environment's proxy; nothing is followed, and no cookie kept.

    ``backend`` replaces how connections are opened, ``kept_open`` is how many may wait for the next request. From the
    last byte of a request its answer has twice the read timeout to come whole, however steadily it drips.
    """

    def __init__(self, tls: Tls, *, backend: httpcore.NetworkBackend | None = None, kept_open: int = 20) -> None:
        self._tls, self._backend, self._kept_open = tls, backend or Watching(), kept_open
        self._pools: dict[tuple[str, str], httpcore.ConnectionPool] = {}
        self._lock = threading.Lock()

    def _pool(self, url: httpx.URL) -> httpcore.ConnectionPool:
        """The connections that are open for such a URL."""
        try:
            proxy = proxy_for(str(url))
            with self._lock:
                if (url.scheme, proxy) not in self._pools:
                    self._pools[url.scheme, proxy] = self._opened(url.scheme, proxy)
                return self._pools[url.scheme, proxy]
        except (UnusableProxy, UnusableFile) as error:
            raise httpx.UnsupportedProtocol(str(error)) from None

    def _opened(self, scheme: str, proxy: str) -> httpcore.ConnectionPool:
        shared: dict[str, Any] = {
            "ssl_context": self._tls.context() if scheme == "https" else None,
            "max_connections": None,
            "max_keepalive_connections": self._kept_open,
            "keepalive_expiry": IDLE,
            "network_backend": self._backend,
        }
        if not proxy:
            return httpcore.ConnectionPool(**shared)
        parts = urlsplit(proxy)
        login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return httpcore.HTTPProxy(proxy_url=bare, proxy_auth=login, **shared)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body still to be read. Raises ``httpx.TransportError``."""
        pool = self._pool(request.url)
        try:
            answer = pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.read(),
                    extensions={"timeout": request.extensions.get("timeout", {})},
                )
            )
        except _FAILED as error:
            raise _as_httpx(error) from error
        stream = answer.extensions.get("network_stream")
        if isinstance(stream, _Watched) and stream.answered_early:
            answer.close()
            raise httpx.RemoteProtocolError("the answer was there before it was asked for")
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer, read as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._answer.iter_stream()
        except _FAILED as error:
            raise _as_httpx(error) from error

    def close(self) -> None:
        self._answer.close()


def _as_httpx(error: Exception) -> httpx.TransportError:
    """The exception of httpx that has the same name."""
    kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.TransportError)
    return kind(str(error))


class Watching(httpcore.NetworkBackend):
    """Opens connections that keep an eye on how long an answer takes, and on whether it was asked for."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Watched(self._inner.connect_tcp(host, port, timeout, local_address, socket_options))


class _Watched(httpcore.NetworkStream):
    """A connection. ``answered_early``: nothing was read since the last write, so what is known had come before."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._until = math.inf
        self.answered_early = True

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.answered_early = True
        try:
            self._inner.write(buffer, timeout)
        finally:  # what was not taken may have been answered
            self._until = time.monotonic() + 2 * timeout if timeout else math.inf

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the answer does not come to its end")
        self.answered_early = False
        return self._inner.read(max_bytes, min(timeout or math.inf, left) if left < math.inf else timeout)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Watched(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Room:
    """How much the answers of a run may hold: each one ``BODY_LIMIT``, all ``RUN_LIMIT``, then each ``SHORT``.

    What is kept of an answer is kept to the end of the run. Thread-safe.
    """

    def __init__(self) -> None:
        self._left = RUN_LIMIT
        self._lock = threading.Lock()

    @property
    def limit(self) -> int:
        """Bytes that the next answer may hold."""
        return max(SHORT, min(BODY_LIMIT, self._left))

    def take(self, answer: Response) -> None:
        """Counts an answer by what it holds once nothing in it is compressed.

        Raises ``ValueError`` where that is too much.
        """
        size = len(answer.body)
        with suppress(ValueError):  # nobody can unpack it
            size = max(size, len(decompressed(answer.headers, answer.body)[1]))
        limit = self.limit
        with self._lock:
            self._left -= min(size, limit)
        if size > limit:
            raise ValueError(f"the answer is longer than {limit} bytes")


def read_whole(response: httpx.Response, seconds: float, limit: int = BODY_LIMIT) -> Response:
    """The whole answer, without its Content-Encoding.

    Raises ``ValueError`` where it is longer than ``limit`` bytes, or takes longer than ``seconds``,
    ``httpx.DecodingError`` where it is not encoded as it says, ``httpx.TransportError`` where it is cut off.
    """
    parts, size, until = [], 0, time.monotonic() + seconds
    try:
        for part in _pieces(response):
            size += len(part)
            if size > limit:
                raise ValueError(f"the answer is longer than {limit} bytes")
            if time.monotonic() > until:
                raise ValueError(f"the answer takes longer than {seconds:g} s")
            parts.append(part)
    finally:
        response.close()
    return Response(response.status_code, tuple(response.headers.multi_items()), b"".join(parts))


def _pieces(response: httpx.Response) -> Iterator[bytes]:
    if response.is_stream_consumed:  # one that was made in memory
        return iter((response.content,))
    told = ",".join(response.headers.get_list("content-encoding"))
    names = [name for name in (name.strip().lower() for name in told.split(",")) if name not in ("", "identity")]
    if len(names) > _MOST_LAYERS:
        raise ValueError(f"the answer is encoded {len(names)} times")
    pieces = response.iter_raw()
    for name in reversed(names):  # the last name is the outermost layer
        if name not in _WINDOWS:
            break
        pieces = _decoded(pieces, name)
    return pieces


def _decoded(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    """What is left of a body without one encoding, in pieces of bounded size: httpx decodes without a bound."""
    decoder = zlib.decompressobj(_WINDOWS[name])
    begun = False
    try:
        for piece in pieces:
            if name == "deflate" and not begun and piece and piece[0] & 0x0F != 8:  # without the header of zlib
                decoder = zlib.decompressobj(-zlib.MAX_WBITS)
            begun = begun or bool(piece)
            while piece and not decoder.eof:
                yield decoder.decompress(piece, _PIECE)
                piece = decoder.unconsumed_tail
        yield decoder.flush()
        if begun and not decoder.eof:
            raise httpx.DecodingError(f"the answer's {name} is cut off")
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from error
