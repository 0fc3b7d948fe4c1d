"""The Allure results say what the certificate says, row by row."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.evidence.exchange import Exchange
from conformance.report.allure import STATUSES, write_allure
from conformance.verdict import Certificate

Result = dict[str, Any]


def read(folder: Path) -> dict[str, Result]:
    """The results by requirement."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*-result.json")]
    return {result["fullName"].partition("#")[2]: result for result in found}


@pytest.fixture
def results(certificate: Certificate, exchanges: dict[int, Exchange], tmp_path: Path) -> dict[str, Result]:
    write_allure(certificate, exchanges, tmp_path)
    return read(tmp_path)


def labels(result: Result, name: str) -> list[str]:
    return [label["value"] for label in result["labels"] if label["name"] == name]


def test_there_is_one_result_per_requirement_with_its_status(
    certificate: Certificate, results: dict[str, Result]
) -> None:
    assert {id: result["status"] for id, result in results.items()} == {
        row.id: STATUSES[row.verdict] for row in certificate.requirements
    }
    by_status = Counter(result["status"] for result in results.values())
    totals = certificate.totals
    assert by_status == {
        "passed": totals["pass"],
        "failed": totals["fail"],
        "skipped": totals["inapplicable"] + totals["not_run"],
        "broken": totals["inconclusive"] + totals["error"],
    }


def test_a_result_tells_the_requirement(results: dict[str, Result]) -> None:
    result = results["EX-MUST-fail"]
    assert result["name"] == "EX-MUST-fail Row of MUST that is fail."
    assert labels(result, "epic") == ["Example"]
    assert labels(result, "feature") == ["create"]
    assert labels(result, "story") == ["Row of MUST that is fail."]
    assert labels(result, "severity") == ["critical"]
    assert labels(results["EX-SHOULD-pass"], "severity") == ["normal"]
    assert labels(results["EX-MAY-pass"], "severity") == ["minor"]
    assert labels(result, "parentSuite") == ["Example"]
    assert labels(result, "suite") == ["create"]
    assert result["links"] == [{"type": "link", "url": "https://docs.example/create", "name": "Create an intent"}]
    assert result["statusDetails"]["message"] == "MUST: expected 402, got 400 (#1, #2)"
    for told in ("**MUST**", "Row of MUST that is fail.", "(https://docs.example/create)", "`402`", "`400`"):
        assert told in result["description"]


def test_code_in_a_statement_is_code(certificate: Certificate, exchanges: dict[int, Exchange], tmp_path: Path) -> None:
    rows = tuple(replace(row, statement="`id` is\n a `<b|>`, not *that*.") for row in certificate.requirements)
    write_allure(replace(certificate, requirements=rows), exchanges, tmp_path)
    description = read(tmp_path)["EX-MUST-fail"]["description"]
    assert description.startswith(r"**MUST** `id` is a `<b|>`, not \*that\*.")


@pytest.mark.parametrize("verdict", ["inapplicable", "not_run", "inconclusive", "error"])
def test_what_was_not_judged_says_why(results: dict[str, Result], verdict: str) -> None:
    message = results[f"EX-MUST-{verdict}"]["statusDetails"]["message"]
    assert message == f"{verdict.replace('_', ' ')}: because of {verdict}"
    told = results["EX-private"]["statusDetails"]["message"]
    assert told == "inapplicable: no black-box run can judge it: it is private"


def test_a_waived_fail_is_failed_and_labelled(results: dict[str, Result]) -> None:
    result = results["EX-waived"]
    assert result["status"] == "failed"
    assert "waived" in labels(result, "tag")
    assert "fixed in phase 2" in result["description"]
    assert result["statusDetails"]["message"].startswith("Waived until 2027-03-31 by Ann: fixed in phase 2")
    assert result["statusDetails"]["known"] is True
    assert {"type": "issue", "url": "https://tracker.example/12", "name": "waiver until 2027-03-31"} in result["links"]


def test_steps_are_the_exchanges_and_bounded(results: dict[str, Result], tmp_path: Path) -> None:
    assert [step["name"] for step in results["EX-MUST-fail"]["steps"]] == [
        "#1 POST /v1/intents → 400",
        "#2 POST /v1/intents → 400",
    ]
    assert len(results["EX-MUST-pass"]["steps"]) == 3
    assert len(results["EX-waived"]["steps"]) == 10
    assert "10 of 30 exchanges" in results["EX-waived"]["description"]
    assert "steps" not in results["EX-private"]
    exchange, curl = results["EX-MUST-fail"]["steps"][0]["attachments"]
    text = (tmp_path / exchange["source"]).read_text(encoding="utf-8")
    assert "metadata[order] = it's" in text
    assert '    "code": "amount_too_small"' in text
    assert (tmp_path / curl["source"]).read_text(encoding="utf-8").startswith("curl ")


def test_every_attachment_named_is_there_and_none_besides(results: dict[str, Result], tmp_path: Path) -> None:
    named = {
        attachment["source"]
        for result in results.values()
        for step in result.get("steps", ())
        for attachment in step["attachments"]
    }
    assert named == {path.name for path in tmp_path.glob("*-attachment.*")}


def test_names_are_stable_and_a_second_run_replaces_the_first(
    make: Callable[..., Certificate], exchanges: dict[int, Exchange], tmp_path: Path
) -> None:
    (tmp_path / "executor.json").write_text("{}", encoding="utf-8")
    write_allure(make(), exchanges, tmp_path)
    first, files = read(tmp_path), len(list(tmp_path.iterdir()))
    write_allure(make(), exchanges, tmp_path)
    second = read(tmp_path)
    for name in ("fullName", "historyId", "testCaseId"):
        assert {id: result[name] for id, result in first.items()} == {id: result[name] for id, result in second.items()}
        assert len({result[name] for result in first.values()}) == len(first)
    assert len(list(tmp_path.iterdir())) == files
    assert (tmp_path / "executor.json").exists()


def test_each_message_falls_into_one_category(results: dict[str, Result], tmp_path: Path) -> None:
    categories = json.loads((tmp_path / "categories.json").read_text(encoding="utf-8"))
    for result in results.values():
        if result["status"] == "passed":
            continue
        message = result["statusDetails"]["message"]
        fitting = [
            category["name"]
            for category in categories
            if result["status"] in category["matchedStatuses"] and re.fullmatch(category["messageRegex"], message)
        ]
        assert len(fitting) == 1, message


def test_the_environment_names_the_run(results: dict[str, Result], tmp_path: Path) -> None:
    lines = (tmp_path / "environment.properties").read_text(encoding="ascii").splitlines()
    assert {"Target=acme | staging", "Seed=7", "Result=not conformant", "Mode=live"} <= set(lines)


def test_exchanges_that_are_missing_are_not_shown(certificate: Certificate, tmp_path: Path) -> None:
    write_allure(certificate, {}, tmp_path)
    assert all("steps" not in result for result in read(tmp_path).values())


def test_allure_is_loaded_only_when_results_are_written() -> None:
    code = "import sys, conformance.report, conformance.report.table; sys.exit('allure_commons' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
