"""The matrix as measured: in the certificate without secrets, on the page as a grid, in Allure in full."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.contract import load_contract
from conformance.embedded import embedded_target
from conformance.evidence.exchange import Exchange
from conformance.evidence.finding import Cell
from conformance.report.allure import write_allure
from conformance.report.matrix import grid
from conformance.report.summary import summary
from conformance.run import Run
from conformance.verdict import Certificate

CELLS = (
    Cell("confirm", "requires_action", "success", "", "HTTP 400 (invalid_request_error, no)", (4,)),
    Cell("confirm", "canceled", "success", "refused: unexpected_state", "HTTP 400 (no)", (5,)),
    Cell("confirm", "canceled", "declined", "refused: unexpected_state", "HTTP 400 (never)", (6,)),
    Cell("cancel", "requires_action", "", "canceled", "canceled", (7,)),
    Cell("capture", "canceled", "", "", "not tried: the target lends no method"),
)


@pytest.fixture
def measured(certificate: Certificate) -> Certificate:
    return replace(certificate, matrix=CELLS)


def test_the_grid_tells_results_and_marks_what_is_not_documented() -> None:
    lines = grid(CELLS).splitlines()
    assert lines[0] == r"|  | requires\_action | canceled |"
    assert lines[2:] == [
        "| confirm | *HTTP 400* | HTTP 400 |",
        "| cancel | canceled | · |",
        "| capture | · | *not tried* |",
    ]


def test_hostile_results_stay_in_their_cell() -> None:
    cells = [replace(CELLS[3], observed=text) for text in ("a|b\n<i>", "x" * 500, "")]
    for line in grid(cells).splitlines():
        assert line.replace(r"\|", "").count("|") == 3
        assert len(line) < 200


def test_the_page_has_the_grid_where_there_is_one(measured: Certificate) -> None:
    page = summary(measured, {})
    assert "## Transition matrix" in page
    assert "observed and not judged" in page
    assert grid(CELLS) in page
    assert "## Transition matrix" not in summary(replace(measured, matrix=()), {})


def test_allure_shows_it_in_full_with_the_row_that_is_about_it(
    measured: Certificate, exchanges: dict[int, Exchange], tmp_path: Path
) -> None:
    about = replace(measured.requirements[0], check="matrix")
    write_allure(replace(measured, requirements=(about, *measured.requirements[1:])), exchanges, tmp_path)
    results = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*-result.json")]
    (attached,) = (one for result in results for one in result.get("attachments", ()))
    assert (attached["name"], attached["type"]) == ("transition matrix", "text/csv")
    with (tmp_path / attached["source"]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["observed"] for row in rows] == [cell.observed for cell in CELLS]
    assert rows[0]["documented"] == "nothing: observed, not judged"
    assert rows[1]["exchanges"] == "#5"


def test_a_run_tells_its_matrix_without_secrets(tmp_path: Path) -> None:
    contract = load_contract("stripe")
    target = embedded_target(contract)
    run = Run(contract=contract, target=target, folder=tmp_path)
    run.memory.cells.append(Cell("cancel", "processing", target.api_key, "", f"\udfff {target.api_key}", (1,)))
    run.finish()
    (cell,) = Certificate.read(tmp_path / "certificate.json").matrix
    assert cell.request == "[redacted:api_key]"
    assert cell.observed == r"\udfff [redacted:api_key]"
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or target.api_key not in path.read_text(encoding="utf-8")
