"""Runs localstripe on 127.0.0.1 and a free port, keeping nothing on disk; prints its address."""

from __future__ import annotations

import asyncio
import socket
import sys

# localstripe asks for the loop at import, as the asyncio of its day gave one.
asyncio.set_event_loop(asyncio.new_event_loop())

from aiohttp import web  # noqa: E402
from localstripe import resources, server  # noqa: E402


def main() -> None:
    resources.Store.dump_to_disk = lambda self: None
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    web.run_app(server.app, sock=listening, print=None, access_log=None, handle_signals=True)
    sys.exit(0)


if __name__ == "__main__":
    main()
