"""Recorded runs of the reference server, as a history holds them: without their secrets."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from conformance import report
from conformance.evidence.exchange import Exchange
from conformance.reference import policies_of
from conformance.session import act
from tests.faults.certification import prepared

Recorded = Callable[..., list[Exchange]]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The exchanges of a certification of the reference server: provider, fault, seed. Each is made once."""

    @cache
    def made(provider: str, fault: str = "", seed: int = 1) -> list[Exchange]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(report, "write_all", lambda *given: None)
            run = prepared(provider, policies_of(provider, fault), tmp_path_factory.mktemp(provider), seed)
            run.preflight()
            act(run)
            run.finish()
        return list(run.history.redacted().values())

    return made
