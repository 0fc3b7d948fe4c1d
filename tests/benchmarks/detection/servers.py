"""The servers under test: the reference server with a fault or without, and localstripe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from conformance.contract import load_contract
from conformance.reference import Policies, policies_of, serve, target_settings
from conformance.reference.wire import Asked, Lie, Said, Serve
from conformance.target.credentials import authorization, default_scheme
from tests.peers import localstripe_peer

from .tools import Server


@contextmanager
def reference(provider: str, fault: str = "") -> Iterator[Server]:
    """The reference server with that fault (empty: without any) on a free port while the block lasts."""
    arrivals: list[float] = []
    settings = target_settings(provider)
    headers = authorization(default_scheme(load_contract(provider)), settings["api_key"])
    with serve(provider, policies=counting(policies_of(provider, fault), arrivals)) as url:
        yield Server(provider, url, settings, headers, arrivals)


def counting(policies: Policies, arrivals: list[float]) -> Policies:
    """The same behaviour, behind something that notes when each request arrives."""

    def make() -> Lie:
        inner = policies.lie() if policies.lie else _nothing_changed

        def noting(asked: Asked, serve: Serve) -> Said:
            arrivals.append(time.time())
            return inner(asked, serve)

        return noting

    return replace(policies, lie=make)


def _nothing_changed(asked: Asked, serve: Serve) -> Said:
    return serve(asked)


@contextmanager
def localstripe() -> Iterator[Server]:
    """localstripe on a free port, and the payment methods that it lends, made through its own API."""
    with localstripe_peer.serving() as url:
        lacks = dict.fromkeys(localstripe_peer.LACKS, "localstripe has no such card")
        settings = {"api_key": localstripe_peer.KEY, "instruments": localstripe_peer.lent(url), "lacks": lacks}
        yield Server("stripe", url, settings, {"Authorization": f"Bearer {localstripe_peer.KEY}"}, arrivals=None)
