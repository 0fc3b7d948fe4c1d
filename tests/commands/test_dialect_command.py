"""``conformance dialect``: its table, its document, its exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from conformance.reference import target_settings

KEY = target_settings("stripe")["api_key"]
BASE = target_settings("stripe")["base_path"]


@pytest.fixture
def dialect(run: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:
    """Runs ``dialect``; what it leaves goes to ``tmp_path / "out"``."""
    return lambda *arguments: run("dialect", "--output", tmp_path / "out", *arguments)


def document(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "dialect.json").read_text())


def test_the_embedded_servers_speak_as_documented(dialect: Callable[..., Result], tmp_path: Path) -> None:
    told = dialect()
    assert told.exit_code == 0, told.output
    for provider, title in (("stripe", "Stripe"), ("revkeen", "RevKeen"), ("paypercut", "Paypercut")):
        made = document(tmp_path / "out" / f"{provider}-reference")
        assert (made["provider"], made["target"]) == (provider, "reference")
        assert made["name"].startswith(f"{title}'s: nothing differs")
        assert made["name"] in told.output
        assert 0 < made["requests"] <= 150
    assert not (tmp_path / "out" / "dots-reference").exists()
    assert "in capitals it is executed" in told.output


def test_a_contract_without_a_dialect(dialect: Callable[..., Result], tmp_path: Path) -> None:
    assert dialect("--provider", "dots").exit_code == 0
    rows = document(tmp_path / "out")["axes"]
    assert {row["result"] for row in rows} == {"not documented", "not measured"}
    assert all(row["documented"] == [] for row in rows)


def test_a_server_that_differs(
    dialect: Callable[..., Result], listen: Callable[..., Any], good: Callable[..., Any], tmp_path: Path
) -> None:
    serve = good("stripe")

    def keyless(asked: Any) -> bytes:
        asked.headers.pop("idempotency-key", None)
        return serve(asked)

    wire = listen(keyless)
    arguments = ["--provider", "stripe", "--target", wire.url + BASE, "--api-key", KEY, "--seed", "5"]
    told = dialect(*arguments)
    assert told.exit_code == 1, told.output
    made = document(tmp_path / "out")
    assert made["seed"] == 5
    assert {row["axis"] for row in made["axes"] if row["result"] == "differs"} == {"carrier", "create"}
    assert "other: carrier, create" in made["name"]
    assert KEY not in (tmp_path / "out" / "dialect.json").read_text() + told.output
    (canceled,) = re.findall(r"(\d+) canceled", told.output)
    assert len(wire.asked) == made["requests"] + 2 + int(canceled)  # those of the preflight and of the clean-up


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--provider", "strype"], 2, "no such contract"),
        (["--provider", "stripe", "--target", "http://127.0.0.1:1"], 2, "needs --api-key"),
        (
            ["--provider", "stripe", "--target", "http://127.0.0.1:1", "--api-key", "sk_live_" + "x1" * 12],
            2,
            "live key",
        ),
        (["--provider", "stripe", "--target", "http://127.0.0.1:1", "--api-key", KEY], 3, "gives no answer"),
    ],
)
def test_what_cannot_be_measured(dialect: Callable[..., Result], arguments: list[str], code: int, told: str) -> None:
    result = dialect(*arguments)
    assert (result.exit_code, told in result.output) == (code, True), result.output


def test_nothing_measured(dialect: Callable[..., Result], turning: Callable[..., Any], tmp_path: Path) -> None:
    wire = turning("stripe", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
    told = dialect("--provider", "stripe", "--target", wire.url, "--api-key", KEY)
    assert told.exit_code == 3, told.output
    assert {row["result"] for row in document(tmp_path / "out")["axes"]} == {"not measured"}
