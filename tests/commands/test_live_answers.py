"""A target that says that it moves real money is sent nothing more, and is not judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.evidence.exchange import Response
from conformance.parts.part import leave
from conformance.parts.shares import Share
from conformance.reference import policies_of
from conformance.reference.faults.lies import shows
from conformance.reference.wire import Object
from conformance.run import PreflightError
from conformance.session import act
from conformance.target.client import live_member
from tests.faults.certification import prepared


def test_a_target_that_says_it_is_live_is_sent_nothing_more(
    listen: Callable, certify: Callable, tmp_path: Path
) -> None:
    """A right answer to a live key: no verdict, which would be a false alarm, and no further request."""
    intent = b'{"id": "pi_1", "object": "payment_intent", "status": "requires_payment_method", "livemode": true}'
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    wire = listen(head % len(intent) + intent)
    result = certify(
        "--provider", "stripe", "--target", wire.url, "--api-key", "sk_test_1", "--output", tmp_path / "out"
    )
    assert result.exit_code == 3, result.output
    assert "livemode: true" in result.output
    assert wire.connections == 1
    assert not (tmp_path / "out" / "certificate.json").exists()


@pytest.mark.parametrize("provider", ["stripe", "revkeen", "paypercut"])
def test_a_target_that_becomes_live_in_the_middle_is_not_judged(provider: str, tmp_path: Path) -> None:
    """Neither fails nor passes: what was seen before is given up, too."""
    made = 0

    def live_from_the_fifth(intent: Object) -> None:
        nonlocal made
        made += 1
        intent["livemode"] = made >= 5

    run = prepared(provider, replace(policies_of(provider), lie=shows(live_from_the_fifth, "create")), tmp_path)
    run.preflight()
    act(run)
    assert made == 5, "requests went on"
    with pytest.raises(PreflightError, match="livemode: true"):
        run.finish()
    assert not (tmp_path / "certificate.json").exists()


def test_no_part_is_left_of_a_target_that_is_live(tmp_path: Path) -> None:
    """Merged, its answers would be held against it."""
    run = prepared("dots", policies_of("dots"), tmp_path)
    run.share, run.client.live = Share(1, 2), "the target answers livemode: true"
    with pytest.raises(PreflightError, match="livemode: true"):
        leave(run)
    run.close()
    assert not (tmp_path / "part.json").exists()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"livemode": true}', "livemode"),
        (b'{"data": [{"livemode": false}, {"customer": {"livemode": true}}]}', "livemode"),
        (b'{"error": {"payment_intent": {"livemode": true}}}', "livemode"),
        (b'{"livemode": false}', ""),
        (b'{"livemode": "true", "metadata": {"livemode": "true"}}', ""),
        (b'{"livemode": 1}', ""),
        (b'{"mode": true}', ""),
        (b'["livemode", true]', ""),
        (b'{"livemode": true', ""),
        (b"", ""),
    ],
)
def test_what_says_that_money_is_real(body: bytes, found: str) -> None:
    assert live_member(Response(200, (), body), {"livemode"}) == found
