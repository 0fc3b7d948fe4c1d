"""What tests in several folders need."""

from __future__ import annotations

import pytest

from conformance.target.client import KNOCKS
from conformance.target.pace import BACKOFF


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a target puts off or leaves unanswered is tried as often as ever, and each time at once."""
    monkeypatch.setattr("conformance.cleanup.PAUSE", 0.0)
    monkeypatch.setattr("conformance.cleanup.LONGEST_PAUSE", 0.0)
    monkeypatch.setattr("conformance.cleanup.LOOK_EVERY", 0.0)
    monkeypatch.setattr("conformance.target.client.KNOCKS", (0.0,) * len(KNOCKS))
    monkeypatch.setattr("conformance.target.pace.BACKOFF", (0.0,) * len(BACKOFF))
