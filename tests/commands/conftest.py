"""Servers that answer whatever a test wants, and the commands run in this process."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.reference import create_app, target_settings

Reply = Callable[["Asked"], bytes]


@dataclass
class Asked:
    """One request as it came in; ``number`` counts from 1. ``gone`` is set when the server is to stop."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    gone: threading.Event


@dataclass
class Wire:
    """A listening socket of the loopback interface, and what it has seen."""

    url: str
    connections: int = 0
    received: int = 0
    asked: list[Asked] = field(default_factory=list)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The other side may hang up at any time; that is no trouble of the test's."""


@contextmanager
def listening(reply: Reply) -> Iterator[Wire]:
    lock, gone = threading.Lock(), threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with lock:
                wire.connections += 1
            lines = []
            while (line := self.rfile.readline()).strip():
                lines.append(line.decode("latin-1").strip())
            if not lines:
                return
            headers = {name.lower(): value for name, _, value in (entry.partition(": ") for entry in lines[1:])}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            method, path, _ = lines[0].split(" ", 2)
            with lock:
                wire.received += len(body) + sum(map(len, lines))
                asked = Asked(len(wire.asked) + 1, method, path, headers, body, gone)
                wire.asked.append(asked)
            self.wfile.write(reply(asked))

    with _Server(("127.0.0.1", 0), Handler) as server:
        wire = Wire(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield wire
        finally:
            gone.set()
            server.shutdown()
            thread.join()


def http(status: int, body: bytes = b"", media_type: str = "application/json", *more: str) -> bytes:
    """A whole answer, after which the connection is closed."""
    head = [f"HTTP/1.1 {status} Said", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body


def sound(provider: str) -> Reply:
    """The answers of a fresh reference server."""
    transport = httpx.WSGITransport(app=create_app(provider))

    def reply(asked: Asked) -> bytes:
        url = f"http://{asked.headers['host']}{asked.path}"
        answer = transport.handle_request(httpx.Request(asked.method, url, headers=asked.headers, content=asked.body))
        body = answer.read()
        more = [f"{n}: {v}" for n, v in answer.headers.items() if n not in ("content-length", "content-type")]
        return http(answer.status_code, body, answer.headers.get("content-type", ""), *more)

    return reply


@pytest.fixture
def listen() -> Iterator[Callable[[bytes | Reply], Wire]]:
    """Opens a server that gives each request the same bytes, or what a function says."""
    with ExitStack() as stack:
        yield lambda reply: stack.enter_context(
            listening(reply if callable(reply) else lambda asked: reply)  # type: ignore[misc]
        )


@pytest.fixture
def good() -> Callable[[str], Reply]:
    """The answers of a fresh reference server, by provider."""
    return sound


@pytest.fixture
def turning(listen: Callable[[Reply], Wire]) -> Callable[..., Wire]:
    """Opens a reference server that after so many requests gives nothing but the bytes given."""

    def opened(provider: str, reply: bytes | Reply, after: int = 2) -> Wire:
        before = sound(provider)

        def turn(asked: Asked) -> bytes:
            if asked.number <= after:
                return before(asked)
            return reply(asked) if callable(reply) else reply

        wire = listen(turn)
        wire.url += target_settings(provider)["base_path"]
        return wire

    return opened


@pytest.fixture
def run() -> Callable[..., Result]:
    """Runs a command in this process; what it did not expect is the result's exception, though it is told as a line."""

    def invoked(*arguments: object) -> Result:
        result = CliRunner().invoke(main, [str(one) for one in arguments])
        if "conformance: the suite failed: " in result.output:
            result.exception = AssertionError(result.output)
        return result

    return invoked


@pytest.fixture
def certify(run: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:
    """Runs ``certify``; what it leaves goes to ``tmp_path / "out"``."""
    return lambda *arguments: run("certify", "--output", tmp_path / "out", *arguments)


@pytest.fixture
def target_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a target file that reaches a reference server at ``url``; ``head`` are further keys of [target]."""

    def written(provider: str, url: str, more: str = "", **head: Any) -> Path:
        settings = target_settings(provider)
        head = {"provider": provider, "base_url": url, "api_key": settings["api_key"], **head}
        lines = ["[target]", *(f"{name} = {json.dumps(value)}" for name, value in head.items()), "[instruments]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in settings["instruments"].items()]
        path = tmp_path / "target.toml"
        path.write_text("\n".join([*lines, more, ""]), encoding="utf-8")
        return path

    return written


@pytest.fixture
def reach(target_file: Callable[..., Path]) -> Callable[[str, str], list[Any]]:
    """The arguments that reach a server: its URL, or a target file where each create needs something lent."""

    def arguments(provider: str, url: str) -> list[Any]:
        if provider == "revkeen":
            return ["--target", target_file(provider, url)]
        return ["--provider", provider, "--target", url, "--api-key", target_settings(provider)["api_key"]]

    return arguments
