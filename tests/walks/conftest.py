"""A walk row alone, judged on the reference server with any of its policies replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from conformance.contract import load_contract
from conformance.embedded import embedded_target
from conformance.reference import create_app, policies_of
from conformance.run import Run, Selection
from conformance.session import act
from conformance.verdict.judgement import RequirementVerdict

Walked = tuple[RequirementVerdict, Run]


@pytest.fixture
def walked(tmp_path: Path) -> Callable[..., Walked]:
    """``walked(provider, lifecycle=…)``: the verdict of the provider's walk, and the run with its history.

    Keyword arguments replace members of the reference server's lifecycle.
    """

    def run(provider: str, **lifecycle: Any) -> Walked:
        contract, policies = load_contract(provider), policies_of(provider)
        (row,) = (one for one in contract.requirements.values() if one.check == "walk")
        app = create_app(provider, replace(policies, lifecycle=replace(policies.lifecycle, **lifecycle)))
        run = Run(
            contract=contract,
            target=embedded_target(contract),
            folder=tmp_path,
            selection=Selection(frozenset({row.id})),
            transport=httpx.WSGITransport(app=app),
        )
        act(run)
        certificate = run.finish()
        return next(one for one in certificate.requirements if one.id == row.id), run

    return run
