"""Several processes behind one address: each has keys of its own, and all have one memory of intents.

The memory is a backend in the process that serves; it knows no keys. A worker receives requests as a known-good server
does, looks their keys up among those that came to it, and has the backend carry out what is new. Which worker a
connection comes to is the operating system's choice.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from queue import Empty, Queue
from typing import IO

from werkzeug.wrappers import Request

from .app import Application
from .idempotency import never_kept
from .model import Answer, Call
from .policies import Policies

HOST = "127.0.0.1"
PATIENCE = 20.0  # seconds that a worker has to start, to stop, and to be answered
_EXECUTED = "X-Executed"
_READY = "ready\n"
_PROGRAM = "import sys; from conformance.reference.workers import work; work(*sys.argv[1:])"
_NOT_PASSED_ON = frozenset({"connection", "content-length", "content-type", "date", "server", _EXECUTED.lower()})


def without_keys(policies: Policies) -> Policies:
    """The policies of the backend: it carries every request out, and says of each answer whether it was executed."""

    def headers(request: Request, answer: Answer) -> Mapping[str, str]:
        return {**policies.headers(request, answer), _EXECUTED: str(int(answer.executed))}

    return replace(policies, idempotency=never_kept, headers=headers, workers=1)


@contextmanager
def working(provider: str, count: int, port: int, backend: int) -> Iterator[int]:
    """Worker processes of a provider for as long as the block lasts; yields the port that they share.

    ``backend`` is the port of the server that carries requests out. Port 0 takes any that is free. A worker ends with
    this process, however that ends.

    Raises:
        OSError: the port is taken, or a worker did not start.
    """
    with ExitStack() as stack:
        if port:
            _expect_free(port)
        reserved = stack.enter_context(_shared(port))
        port = reserved.getsockname()[1]
        for process in [stack.enter_context(_worker(provider, port, backend)) for _ in range(count)]:
            _expect_ready(process)
        yield port


def work(provider: str, port: str, backend: str) -> None:
    """What a worker process does, until its standard input ends."""
    from waitress.server import create_server

    from .providers import PROVIDERS

    listening = _shared(int(port))
    app = _Worker(PROVIDERS[provider].policies, int(backend))
    server = create_server(app, sockets=[listening], threads=8, ident=None)
    threading.Thread(target=server.run, daemon=True).start()
    sys.stdout.write(_READY)
    sys.stdout.flush()
    sys.stdin.read()  # comes to its end with the process at its other end


class _Worker(Application):
    """A server that receives requests and keeps keys, and has a backend do all else."""

    def __init__(self, policies: Policies, backend: int) -> None:
        super().__init__(policies)
        self._backend = backend

    def visit(self, request: Request, token: str, now: float) -> Answer:
        return self._forwarded(request)

    def execute(self, call: Call, now: float) -> Answer:
        return self._forwarded(call.request)

    def _forwarded(self, request: Request) -> Answer:
        connection = HTTPConnection(HOST, self._backend, timeout=PATIENCE)
        try:
            headers = {name: value for name, value in request.headers.items() if name != "Connection"}
            connection.request(request.method, request.full_path.rstrip("?"), request.get_data(), headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        passed_on = tuple((name, value) for name, value in response.getheaders() if name.lower() not in _NOT_PASSED_ON)
        return Answer(
            response.status,
            body,
            passed_on,
            response.headers["Content-Type"] or "",
            executed=response.headers[_EXECUTED] == "1",
        )


def _expect_free(port: int) -> None:
    """Raises ``OSError`` where anybody listens there, even such as would share the port."""
    with socket.socket() as lonely:
        lonely.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the past do not count
        lonely.bind((HOST, port))


def _shared(port: int) -> socket.socket:
    """A socket at an address that others may have as well."""
    shared = socket.socket()
    try:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind((HOST, port))
    except OSError:
        shared.close()
        raise
    return shared


@contextmanager
def _worker(provider: str, port: int, backend: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _PROGRAM, provider, str(port), str(backend)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # an interrupt from the keyboard is for the process that serves alone
    )
    try:
        yield process
    finally:
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _expect_ready(process: subprocess.Popen[str]) -> None:
    """Returns when the worker listens. Raises ``OSError`` where it does not."""
    lines: Queue[str] = Queue()
    assert process.stdout
    threading.Thread(target=_read_line, args=(process.stdout, lines), daemon=True).start()
    try:
        line = lines.get(timeout=PATIENCE)
    except Empty:
        line = ""
    if line != _READY:
        raise OSError("a worker process did not start")


def _read_line(stream: IO[str], lines: Queue[str]) -> None:
    lines.put(stream.readline())
