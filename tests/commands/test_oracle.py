"""``certify --oracle``: a server held to what another was recorded to do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from conformance.contract import contract_root
from conformance.reference import policies_of, provider_names, serve

CASSETTES = contract_root().parent / "cassettes"
Certify = Callable[..., Result]


@pytest.mark.parametrize("provider", provider_names())
def test_the_reference_server_does_what_it_was_recorded_to_do(certify: Certify, tmp_path: Path, provider: str) -> None:
    done = certify("--oracle", CASSETTES / provider / "reference")
    assert done.exit_code == 0, done.output
    assert "nothing differs in" in done.output
    found = json.loads((tmp_path / "out" / "comparison.json").read_bytes())
    assert found["pairs"] > 300
    assert found["differences"] == []


def test_a_server_that_does_otherwise_is_told_apart(
    certify: Certify, tmp_path: Path, target_file: Callable[..., Path]
) -> None:
    with serve("dots", policies=policies_of("dots", "shows_hundredfold_amounts")) as url:
        done = certify("--oracle", CASSETTES / "dots" / "reference", "--target", target_file("dots", url))
    assert done.exit_code == 1, done.output
    found = json.loads((tmp_path / "out" / "comparison.json").read_bytes())
    assert {"operation": "retrieve", "place": "/amount", "a": "123", "b": "12300"}.items() <= found["differences"][
        0
    ].items()
    assert found["requirements"] == []  # it compares, and judges nothing


def test_localstripe_is_told_apart_from_the_reference_server(certify: Certify, tmp_path: Path) -> None:
    assert certify("--oracle", CASSETTES / "stripe" / "localstripe").exit_code == 1
    found = json.loads((tmp_path / "out" / "comparison.json").read_bytes())
    told = {(one["operation"], one["place"], one["a"]) for one in found["differences"]}
    # localstripe shows no amount_received; the reference server, which is held to it, does.
    assert ("retrieve", "/amount_received", "absent") in told


def test_a_target_that_is_not_there_is_not_judged(certify: Certify, target_file: Callable[..., Path]) -> None:
    done = certify("--oracle", CASSETTES / "dots" / "reference", "--target", target_file("dots", "http://127.0.0.1:1"))
    assert done.exit_code == 3, done.output
    assert "gives no answer" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--oracle", "nowhere"], "there is no recording nowhere"),
        (["--oracle", CASSETTES / "dots" / "reference", "--provider", "stripe"], "is of dots"),
        (["--oracle", CASSETTES / "dots" / "reference", "--record"], "goes without --record"),
        (["--oracle", CASSETTES / "dots" / "reference", "--replay"], "goes without --replay"),
        (["--oracle", CASSETTES / "dots" / "reference", "--area", "create"], "goes without --area"),
        (["--oracle", CASSETTES / "dots" / "reference", "--fuzz", "1"], "goes without --fuzz"),
    ],
)
def test_bad_input_is_told(certify: Certify, arguments: list[Any], message: str) -> None:
    done = certify(*arguments)
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.output.split())


def test_a_damaged_recording_is_bad_input(certify: Certify, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(CASSETTES / "dots" / "reference", tmp_path / "spoiled")
    (tmp_path / "spoiled" / "DOT-049.yaml").write_text("metadata:", encoding="utf-8")
    done = certify("--oracle", tmp_path / "spoiled")
    assert done.exit_code == 2, done.output
    assert "DOT-049.yaml: it is cut off" in " ".join(done.output.split())


def test_recordings_can_be_compared(run: Certify) -> None:
    folder = CASSETTES / "dots" / "reference"
    done = run("compare", folder, folder)
    assert done.exit_code == 0, done.output
    found = re.search(r"nothing differs in (\d+) pairs of exchanges", done.output)
    assert found is not None, done.output
    assert int(found[1]) > 300


def test_two_servers_recordings_are_compared_row_by_row(run: Certify, tmp_path: Path) -> None:
    done = run(
        "compare", CASSETTES / "stripe" / "reference", CASSETTES / "stripe" / "localstripe",
        "--output", tmp_path / "it.json",
    )  # fmt: skip
    assert done.exit_code == 1, done.output
    found = json.loads((tmp_path / "it.json").read_bytes())
    changed = {row["id"]: (row["a"], row["b"]) for row in found["requirements"]}
    assert changed["STR-239"] == ("pass", "fail")
    assert found["differences"]
