"""Time that is skipped: nobody waits, and the server in memory goes by it too."""

from __future__ import annotations

import time

import httpx

from conformance.embedded import embedded_server
from conformance.target.clock import Clock, SkippingClock


def test_a_skipping_clock_skips() -> None:
    clock = SkippingClock()
    before, really = clock.time(), time.monotonic()
    clock.sleep(3600)
    assert clock.time() - before >= 3600
    assert time.monotonic() - really < 60


def test_the_worlds_clock_waits() -> None:
    clock, really = Clock(), time.monotonic()
    clock.sleep(0.01)
    assert time.monotonic() - really >= 0.01


def test_the_embedded_server_goes_by_the_clock_of_its_run() -> None:
    server = embedded_server("stripe")
    with httpx.Client(transport=server["transport"], base_url="http://reference.invalid") as client:

        def created() -> int:
            headers = {"authorization": "Bearer sk_test_reference"}
            body = {"amount": "2000", "currency": "usd"}
            return int(client.post("/v1/payment_intents", data=body, headers=headers).json()["created"])

        earlier = created()
        server["clock"].sleep(3600)
        assert created() - earlier >= 3600
