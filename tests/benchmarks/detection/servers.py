"""The servers under test: the reference server with a fault or without, and localstripe."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx

from conformance.contract import load_contract
from conformance.reference import Policies, policies_of, serve, target_settings
from conformance.reference.wire import Asked, Lie, Said, Serve
from conformance.target.credentials import authorization, default_scheme
from tests import peers
from tests.test_localstripe import CARDS, KEY, LACKS

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
    command = [sys.executable, str(Path(peers.__file__).parent / "localstripe_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            instruments = {}
            with httpx.Client(
                auth=(KEY, ""), transport=httpx.HTTPTransport(retries=5), trust_env=False, timeout=30
            ) as client:
                for name, number in CARDS.items():
                    card = {"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "123"}
                    form = {"type": "card", **{f"card[{member}]": value for member, value in card.items()}}
                    instruments[name] = client.post(f"{url}/v1/payment_methods", data=form).json()["id"]
            lacks = dict.fromkeys(LACKS, "localstripe has no such card")
            settings = {"api_key": KEY, "instruments": instruments, "lacks": lacks}
            yield Server("stripe", url, settings, {"Authorization": f"Bearer {KEY}"}, arrivals=None)
        finally:
            server.terminate()
