"""A server on loopback that does to its clients whatever a function says, byte by byte if need be."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.commands.conftest import Asked

PATIENCE = 20.0  # seconds that the server waits for anybody
MOST_POURED = 200 * 1024 * 1024  # bytes that it sends at most, where it never ends

JSON = "application/json"


@dataclass
class Turn:
    """One request and the connection that it came by. ``elsewhere`` is where another server waits to be asked."""

    asked: Asked
    connection: socket.socket
    server: Hostile
    sound: Callable[[], bytes]

    @property
    def elsewhere(self) -> str:
        return self.server.elsewhere

    def say(self, *parts: bytes) -> None:
        for part in parts:
            self.connection.sendall(part)

    def pour(self, parts: Iterable[bytes]) -> None:
        """Says it all, or as much as the client takes."""
        for part in parts:
            if self.server.gone.is_set() or self.server.poured > MOST_POURED:
                return
            self.connection.sendall(part)
            self.server.poured += len(part)

    def drip(self, text: bytes, pause: float = 0.05) -> None:
        """Says it byte by byte."""
        for place in range(len(text)):
            if self.server.gone.wait(pause):
                return
            self.connection.sendall(text[place : place + 1])

    def wait(self) -> None:
        """Says nothing more, until the client has hung up."""
        with suppress(OSError):
            while self.connection.recv(65536):
                pass

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())  # at once, whoever else holds the socket


Behave = Callable[[Turn], object]  # what is true keeps the connection open for another request


@dataclass
class Hostile:
    """What the server has seen. ``poured`` are bytes that it sent without end."""

    url: str
    elsewhere: str = ""
    connections: int = 0
    poured: int = 0
    asked: list[Asked] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)


@contextmanager
def hostile(
    behave: Behave,
    *,
    sound: Callable[[Asked], bytes] | None = None,
    after: int = 0,
    dies: bool = False,
    tls: ssl.SSLContext | None = None,
    scheme: str = "",
    host: str = "127.0.0.1",
    elsewhere: str = "",
) -> Iterator[Hostile]:
    """Serves ``after`` requests as ``sound`` says, and then does as ``behave`` says; or dies, so that nothing listens.

    ``tls`` is what is spoken from the first byte; ``scheme`` is what its address says, which may be a lie.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, 0), family=family, backlog=128)
    shown = f"[{host}]" if ":" in host else host
    scheme = scheme or ("https" if tls else "http")
    server = Hostile(f"{scheme}://{shown}:{listening.getsockname()[1]}", elsewhere)
    lock, threads, open_ = threading.Lock(), [], set()

    def stop_listening() -> None:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()

    def attend(connection: socket.socket) -> None:
        plain = connection
        with suppress(OSError, ValueError):
            connection.settimeout(PATIENCE)
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
            stream = connection.makefile("rb")
            while True:
                asked = _read(stream, server.gone)
                if asked is None or "host" not in asked.headers:  # it may be TLS
                    break
                with lock:
                    server.asked.append(asked)
                    asked.number = len(server.asked)
                turn = Turn(asked, connection, server, lambda asked=asked: sound(asked) if sound else b"")
                if asked.number <= after:
                    if dies and asked.number == after:
                        stop_listening()
                    turn.say(turn.sound())
                    break
                if not behave(turn):
                    break
        for one in (connection, plain):
            with suppress(OSError):
                one.shutdown(socket.SHUT_WR)
            one.close()

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with lock:
                server.connections += 1
                open_.add(connection)
            thread = threading.Thread(target=attend, args=(connection,))
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield server
    finally:
        server.gone.set()
        stop_listening()
        accepting.join(PATIENCE)
        for connection in open_:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(PATIENCE)


def _read(stream: object, gone: threading.Event) -> Asked | None:
    lines = []
    while (line := stream.readline()).strip():  # type: ignore[attr-defined]
        lines.append(line.decode("latin-1").strip())
    if not lines:
        return None
    headers = {name.lower(): value for name, _, value in (entry.partition(": ") for entry in lines[1:])}
    body = stream.read(int(headers.get("content-length", 0)))  # type: ignore[attr-defined]
    method, path, _ = lines[0].split(" ", 2)
    return Asked(0, method, path, headers, body, gone)


def answer(status: object, body: bytes = b"", *headers: str, media_type: str = JSON, closes: bool = True) -> bytes:
    """A whole answer, and that the connection is closed after it: unsaid, the next request might come by it."""
    head = [f"HTTP/1.1 {status} Said", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, *(["Connection: close"] if closes else []), "", ""]).encode("latin-1") + body
