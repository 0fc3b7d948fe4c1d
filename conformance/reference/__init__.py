"""The reference server: a small, stateful, known-good server that speaks each provider's contract over WSGI.

It keeps its own idea of what the providers publish and reads none of the suite's contracts, so that a slip there cannot
confirm itself. Its behaviour is a set of policies; replacing one of them makes a server with one fault.
"""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from .app import application
from .policies import Policies
from .providers import PROVIDERS, Provider
from .serving import serve_for_ever, serving

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = [
    "Policies",
    "create_app",
    "policies_of",
    "provider_names",
    "run",
    "serve",
    "target_settings",
]


def provider_names() -> tuple[str, ...]:
    """The names of the providers that the server can be."""
    return tuple(PROVIDERS)


def policies_of(provider: str, fault: str = "") -> Policies:
    """A provider's known-good policies, to be varied with ``dataclasses.replace``; with a ``fault``, known-bad ones.

    Raises:
        ValueError: no provider, or none of its faults, has that name.
    """
    policies = _provider(provider).policies
    if not fault:
        return policies
    from .faults import faults_of, load_faults_of

    known = {**faults_of(provider), **load_faults_of(provider)}
    if fault not in known:
        near = get_close_matches(fault, known, n=3) or [f"{len(known)} others"]
        raise ValueError(f"no fault of {provider} is named {fault!r}; there are {', '.join(near)}")
    return known[fault].change(policies)


def create_app(provider: str, policies: Policies | None = None) -> WSGIApplication:
    """A WSGI application with a memory of its own; other policies than the known-good ones make a faulty one.

    Raises:
        ValueError: no provider has that name, or the policies ask for several processes.
    """
    policies = policies or policies_of(provider)
    if policies.workers > 1:
        raise ValueError(f"a server of {policies.workers} processes needs a socket: serve() gives it one")
    return application(policies)


def target_settings(provider: str) -> dict[str, Any]:
    """What a target file says of this server: ``api_key``, ``base_path`` and all that it lends, ``instruments``.

    Raises:
        ValueError: no provider has that name.
    """
    chosen = _provider(provider)
    return {"base_path": chosen.policies.base_path, **copy.deepcopy(dict(chosen.settings))}


def serve(provider: str, *, port: int = 0, policies: Policies | None = None) -> AbstractContextManager[str]:
    """The server on 127.0.0.1 while the block lasts; yields its base URL. Port 0 takes any that is free.

    Raises:
        ValueError: no provider has that name.
        OSError: the port is taken, or a process that it needs does not start.
    """
    return serving(provider, policies or policies_of(provider), port)


def run(provider: str, port: int, policies: Policies | None = None) -> None:
    """Serves on 127.0.0.1 until interrupted. Raises as ``serve`` does."""
    serve_for_ever(provider, policies or policies_of(provider), port)


def _provider(name: str) -> Provider:
    try:
        return PROVIDERS[name]
    except KeyError:
        raise ValueError(f"no provider is named {name!r}; there are {', '.join(PROVIDERS)}") from None
