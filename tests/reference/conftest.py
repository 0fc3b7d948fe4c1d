"""Clients that speak to a fresh reference server, in memory unless a test wants a socket."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from conformance.reference import Policies, create_app, target_settings

Connect = Callable[..., httpx.Client]


def credentials(provider: str, key: str) -> dict[str, str]:
    """The headers that present a key to a provider."""
    if provider == "revkeen":
        return {"x-api-key": key}
    if provider == "dots":
        return {"Authorization": "Basic " + base64.b64encode(key.encode()).decode()}
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes an authenticated client of a new server; further headers may be given."""
    with ExitStack() as stack:

        def make(provider: str, policies: Policies | None = None, **headers: str) -> httpx.Client:
            settings = target_settings(provider)
            return stack.enter_context(
                httpx.Client(
                    transport=httpx.WSGITransport(app=create_app(provider, policies)),
                    base_url=f"http://reference.invalid{settings['base_path']}",
                    headers={**credentials(provider, settings["api_key"]), **headers},
                )
            )

        yield make


@pytest.fixture
def lent() -> Callable[[str], dict[str, Any]]:
    """The instruments that a provider's settings lend."""
    return lambda provider: target_settings(provider)["instruments"]
