"""The reference server on a socket of the loopback interface."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from waitress import wasyncore
from waitress.server import create_server

from .app import application
from .policies import Policies
from .workers import HOST, without_keys, working

_THREADS = 32  # so many requests of a burst are under way at once
_CONNECTIONS = 1000


@contextmanager
def serving(provider: str, policies: Policies, port: int) -> Iterator[str]:
    """A server for as long as the block lasts; yields its base URL. Port 0 takes any that is free.

    ``provider`` is whose known-good server the workers are, where the policies ask for several.

    Raises:
        OSError: the port is taken, or a worker did not start.
    """
    if policies.workers == 1:
        with _listening(policies, port) as own:
            yield _url(policies, own)
        return
    with _listening(without_keys(policies), 0) as backend, working(provider, policies.workers, port, backend) as shared:
        yield _url(policies, shared)


def serve_for_ever(provider: str, policies: Policies, port: int) -> None:
    """Serves until interrupted."""
    with serving(provider, policies, port):
        threading.Event().wait()


def _url(policies: Policies, port: int) -> str:
    return f"http://{HOST}:{port}{policies.base_path}"


@contextmanager
def _listening(policies: Policies, port: int) -> Iterator[int]:
    """One server, in a thread; yields its port."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that requests of a burst wait is no news
    server = create_server(
        application(policies), host=HOST, port=port, threads=_THREADS, connection_limit=_CONNECTIONS, ident=None
    )
    thread = threading.Thread(target=server.run, name="reference-server", daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        # Sockets are closed by the thread that watches them: its loop ends when none is left. Where that thread is just
        # awake, it has closed the trigger's own pipe before it is pulled.
        with suppress(OSError):
            server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join()
        server.task_dispatcher.shutdown()
