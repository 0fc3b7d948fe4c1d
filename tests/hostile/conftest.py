"""The command, run against servers that mean no good."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.contract import Contract
from conformance.order import known_contracts
from conformance.reference import target_settings

TIMEOUT = 1.0  # seconds that a target has for an answer


@cache
def contracts_once(further: str = "") -> dict[str, Contract]:
    """The contracts, read once for all tests: reading them takes longer than most of these runs."""
    return known_contracts(further)


@pytest.fixture
def certify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs ``certify`` on Dots' contract against a URL; what it leaves goes to ``tmp_path / "out"``."""

    monkeypatch.setattr("conformance.order.known_contracts", contracts_once)

    def run(url: str, *arguments: object, **head: Any) -> Result:
        settings = target_settings("dots")
        told = {"provider": "dots", "base_url": url + settings["base_path"], "api_key": settings["api_key"]}
        head = {"timeout": TIMEOUT, **told, **head}
        lines = ["[target]", *(f"{name} = {json.dumps(value)}" for name, value in head.items()), "[instruments]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in settings["instruments"].items()]
        path = tmp_path / "target.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        given = ["certify", "--target", str(path), "--output", str(tmp_path / "out"), *map(str, arguments)]
        return CliRunner().invoke(main, given)

    return run
