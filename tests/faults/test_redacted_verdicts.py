"""The rules say the same of the redacted history of a known-good server; of faulty ones ``test_faults`` sees to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.reference import policies_of, provider_names
from conformance.session import act

from .certification import prepared
from .redacted import expect_judged_alike


@pytest.mark.parametrize("provider", provider_names())
def test_rules_say_the_same_of_a_redacted_history(provider: str, tmp_path: Path) -> None:
    run = prepared(provider, policies_of(provider), tmp_path)
    run.preflight()
    act(run)
    run.close()
    expect_judged_alike(run)
