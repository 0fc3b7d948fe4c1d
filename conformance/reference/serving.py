"""The reference server on a socket of the loopback interface."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from .app import application
from .policies import Policies

_HOST = "127.0.0.1"
_THREADS = 8


def _listen(policies: Policies, port: int) -> Any:
    return create_server(application(policies), host=_HOST, port=port, threads=_THREADS, ident=None)


@contextmanager
def serving(policies: Policies, port: int) -> Iterator[str]:
    """A server in a thread for as long as the block lasts; yields its base URL. Port 0 takes any that is free.

    Raises:
        OSError: the port is taken.
    """
    server = _listen(policies, port)
    thread = threading.Thread(target=server.run, name="reference-server", daemon=True)
    thread.start()
    try:
        yield f"http://{_HOST}:{server.effective_port}{policies.base_path}"
    finally:
        # Sockets are closed by the thread that watches them: its loop ends when none is left. Where that thread is just
        # awake, it has closed the trigger's own pipe before it is pulled.
        with suppress(OSError):
            server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join()
        server.task_dispatcher.shutdown()


def serve_for_ever(policies: Policies, port: int) -> None:
    """Serves until interrupted."""
    _listen(policies, port).run()
