"""Requests released together: each is sent but for its last byte, on a connection of its own; then all let go."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx

from conformance.target.clock import Clock
from conformance.target.connections import Connections, Watching
from conformance.target.tls import Tls


class Gate:
    """Where the ``count`` requests of a burst wait for each other; opens when all are held, or after ``patience`` s."""

    def __init__(self, count: int, clock: Clock, patience: float) -> None:
        self._clock, self._patience, self._missing = clock, patience, count
        self._releases: list[Callable[[], None]] = []
        self._let_go: list[float | Exception] = []
        self._lock = threading.Lock()
        self._opened = threading.Event()

    def hold(self, release: Callable[[], None]) -> float:
        """Waits for the others of the burst. ``release``, called with theirs in a row, lets this one go.

        Returns the moment of that, in seconds since the epoch, or raises what ``release`` raised. Whoever comes late is
        let go at once.
        """
        with self._lock:
            late, place = self._opened.is_set(), len(self._releases)
            if not late:
                self._releases.append(release)
        if late:
            release()
            return self._clock.time()
        self.count_down()
        if not self._opened.wait(self._patience):
            self._open()
        moment = self._let_go[place]
        if isinstance(moment, Exception):
            raise moment
        return moment

    def count_down(self) -> None:
        """Says that one request less is missing, and opens when none is."""
        with self._lock:
            self._missing -= 1
            if self._missing:
                return
        self._open()

    def _open(self) -> None:
        with self._lock:
            if self._opened.is_set():
                return
            for release in self._releases:
                try:
                    release()
                    self._let_go.append(self._clock.time())
                except Exception as error:  # it is the one request's, not the burst's
                    self._let_go.append(error)
            self._opened.set()


class Place:
    """One request's place at a gate, and the ``number`` that its exchange is to have (0: the next one).

    ``made``: the request could be made, so that whoever did not answer it can be blamed.
    """

    def __init__(self, gate: Gate, number: int) -> None:
        self.number, self.made = number, False
        self._gate, self._held = gate, False

    def hold(self, release: Callable[[], None]) -> float:
        """As the gate's."""
        self._held = True
        return self._gate.hold(release)

    def leave(self) -> None:
        """Says that the request is over: one that failed before it was held is not waited for."""
        if not self._held:
            self._held = True
            self._gate.count_down()


def nothing() -> None:
    """The release of a request that is held by not being sent."""


class GatedTransport(httpx.BaseTransport):
    """Another transport, in memory, whose requests wait at their gate before they are sent."""

    def __init__(self, inner: httpx.BaseTransport, clock: Clock) -> None:
        self._inner, self._clock = inner, clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The inner transport's answer; ``released`` among the extensions is when the request was let go."""
        request.extensions["place"].hold(nothing)
        request.extensions["released"] = self._clock.time()  # not all threads wake at the same moment
        return self._inner.handle_request(request)


class HeldTransport(httpx.BaseTransport):
    """HTTP/1.1 on a new connection for each request, whose last byte waits at the request's gate."""

    def __init__(self, tls: Tls | None = None) -> None:
        self._backend = _Backend()
        self._connections = Connections(tls or Tls(), backend=self._backend, kept_open=0)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; ``released`` among the request's extensions is when its last byte was sent."""
        self._backend.local.request = request
        return self._connections.handle_request(request)

    def close(self) -> None:
        self._connections.close()


class _Backend(httpcore.NetworkBackend):
    """Opens connections that hold the last byte of the request that the thread is at: ``local.request``."""

    def __init__(self) -> None:
        self.local = threading.local()
        self._inner = Watching()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Held(self._inner.connect_tcp(host, port, timeout, local_address, socket_options), self.local.request)


class _Held(httpcore.NetworkStream):
    """A connection that sends all but the last byte of what is written, until somebody wants to read the answer."""

    def __init__(self, inner: httpcore.NetworkStream, request: httpx.Request) -> None:
        self._inner, self._request = inner, request
        self._last = b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        data = self._last + buffer
        if data[:-1]:
            self._inner.write(data[:-1], timeout)
        self._last = data[-1:]

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._last:
            last, self._last = self._last, b""
            moment = self._request.extensions["place"].hold(lambda: self._inner.write(last, timeout))
            self._request.extensions["released"] = moment
        return self._inner.read(max_bytes, timeout)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Held(self._inner.start_tls(ssl_context, server_hostname, timeout), self._request)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
