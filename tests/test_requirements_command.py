"""``conformance requirements`` as a user and a script meet it: filters, JSON, Markdown, and the committed coverage."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from conformance.catalogue import explain, judged_by
from conformance.cli import main
from conformance.contract import Contract, Requirement, contract_root, load_contract, provider_names
from conformance.matrix import sentence

CONTRACTS = {name: load_contract(name) for name in provider_names()}
ROWS = {row.id: row for contract in CONTRACTS.values() for row in contract.requirements.values()}
COVERAGE = "conformance requirements --format markdown > schemas/COVERAGE.md"


def requirements(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["requirements", *arguments])


def listed(*arguments: str) -> list[dict[str, Any]]:
    told = requirements(*arguments, "--format", "json")
    assert told.exit_code == 0, told.output
    rows: list[dict[str, Any]] = json.loads(told.output)
    return rows


def cells(text: str) -> list[list[str]]:
    """The cells of a table's lines, of Markdown or of the terminal."""
    lines = [line.replace("│", "|") for line in text.splitlines()]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
        if line.startswith("|") and not line.startswith("|---")
    ]


def test_json_holds_every_row_in_full() -> None:
    rows = listed()
    assert [row["id"] for row in rows] == list(ROWS)
    keys = "id provider level area statement sources check args judged_by needs rests_on not_tested"
    assert {tuple(row) for row in rows} == {tuple(keys.split())}
    for told in rows:
        row = ROWS[told["id"]]
        assert row.id in CONTRACTS[told["provider"]].requirements
        assert (told["level"], told["area"], told["statement"]) == (row.level, row.area, row.statement)
        assert told["sources"] == [{"title": source.title, "url": source.url} for source in row.sources]
        assert (told["check"], told["args"], told["judged_by"]) == (row.check, dict(row.args), judged_by(row))
        assert (tuple(told["needs"]), told["not_tested"]) == (row.needs, row.not_tested)


@pytest.mark.parametrize("level", ["must", "SHOULD", "May"])
def test_only_a_level(level: str) -> None:
    assert [row["id"] for row in listed("--level", level)] == [
        row.id for row in ROWS.values() if row.level == level.upper()
    ]


def test_filters_are_combined() -> None:
    rows = listed("--provider", "stripe", "--level", "must", "--area", "errors")
    expected = [r.id for r in CONTRACTS["stripe"].requirements.values() if (r.level, r.area) == ("MUST", "errors")]
    assert expected
    assert [row["id"] for row in rows] == expected


def test_one_row_as_json() -> None:
    assert [row["id"] for row in listed("DOT-049")] == ["DOT-049"]


def test_the_overview_is_filtered() -> None:
    counted = cells(requirements("--level", "must", "--area", "errors").output)
    for contract, line in zip(CONTRACTS.values(), counted, strict=True):
        rows = [row for row in contract.requirements.values() if (row.level, row.area) == ("MUST", "errors")]
        ways = Counter(judged_by(row) for row in rows)
        numbers = [len(rows), ways["scenario"], ways["rule"], ways["not tested"]]
        assert line == [contract.title, "MUST", *map(str, numbers)]


def test_a_provider_without_such_rows_is_not_counted() -> None:
    told = requirements("--area", "protocol").output
    assert "Stripe" in told
    assert "Dots" not in told


def test_markdown_counts_and_lists_every_row() -> None:
    counts, rows = requirements("--format", "markdown").output.split("## Requirements")
    counted = cells(counts)[1:]
    assert [line[0] for line in counted if line[0]] == [contract.title for contract in CONTRACTS.values()]
    assert sum(int(line[2]) for line in counted) == len(ROWS)
    for line in counted:
        assert int(line[2]) == sum(map(int, line[3:]))
    lines = cells(rows)[1:]
    assert [line[0] for line in lines] == list(ROWS)
    for line in lines:
        row = ROWS[line[0]]
        assert len(line) == 5
        assert line[1:3] == [row.level, row.area]
        assert line[3].replace("\\", "") == row.statement
        assert (f"`{row.check}`" if row.check else row.not_tested) in line[4].replace("\\", "")


def test_markdown_is_filtered() -> None:
    told = cells(requirements("DOT-049", "--format", "markdown").output)
    assert [line[0] for line in told] == ["provider", "Dots", "id", "DOT-049"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--area", "refunds"],
        ["--provider", "dots", "--area", "protocol"],
        ["DOT-049", "--provider", "stripe"],
        ["DOT-049", "--level", "may"],
        ["DOT-999", "--format", "json"],
    ],
)
def test_a_filter_that_matches_nothing_names_what_is_known(arguments: list[str]) -> None:
    told = requirements(*arguments)
    assert told.exit_code == 2
    assert told.stdout == ""
    for known in ("no such requirement", "known ids: ", "errors", "MUST, SHOULD, MAY"):
        assert known in told.stderr
    assert ("DOT-001" in told.stderr) == ("stripe" not in arguments)


@pytest.mark.parametrize("arguments", [["--level", "shall"], ["--level", ""], ["--format", "csv"]])
def test_an_unknown_level_or_format(arguments: list[str]) -> None:
    told = requirements(*arguments)
    assert told.exit_code == 2
    assert arguments[0] in told.stderr
    assert ("should" if arguments[0] == "--level" else "markdown") in told.stderr


def explained(contract: Contract, row: Requirement) -> dict[str, list[str]]:
    """What the explanation of a row says, by its headings."""
    console = Console(width=2_000, record=True, file=StringIO())
    console.print(explain(contract, row))
    told: dict[str, list[str]] = {}
    heading = ""
    for line in console.export_text().splitlines():
        first, *rest = re.split(" {2,}", line.rstrip(), maxsplit=1)
        heading = first or heading
        told.setdefault(heading, []).extend(rest)
    return told


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_every_row_is_explained(contract: Contract) -> None:
    for row in contract.requirements.values():
        told = explained(contract, row)
        assert told["statement"] == [row.statement]
        assert told["source"] == [text for source in row.sources for text in (source.title, source.url)]
        if not row.check:
            assert told["not tested"] == [row.not_tested]
            continue
        (judged,) = told["judged by"]
        assert judged.startswith(f"{judged_by(row)} {row.check}")
        assert told["run alone"] == [f"conformance certify --provider {contract.name} --only {row.id}"]
        assert len(told.get("needs", ())) == len(row.needs)
        if row.check == "transition":
            assert told["transition"] == [sentence(contract.transitions[row.args["transition"]])]
        for name in told.get("schema", ()):
            assert (contract_root() / name.removeprefix("schemas/")).is_file()


@pytest.mark.parametrize(
    ("check", "args", "schemas"),
    [
        ("schema", {"schema": "error", "rest": True}, ["error"]),
        ("error_member", {"member": "code"}, ["error"]),
        ("create_refuses", {"omit": ["amount"]}, ["create.request", "payment_intent"]),
        ("transition", {"transition": "confirm_succeeds"}, ["confirm.request", "payment_intent"]),
        ("unknown_id_refused", {"operation": "retrieve"}, ["payment_intent"]),
        ("success_status", {"operation": ["create", "retrieve"]}, ["create.request", "payment_intent"]),
        ("member_set", {"members": ["status"]}, ["payment_intent"]),
        ("no_server_errors", {}, []),
    ],
)
def test_an_explanation_names_the_schemas(check: str, args: Mapping[str, Any], schemas: list[str]) -> None:
    contract = CONTRACTS["stripe"]
    row = replace(next(iter(contract.requirements.values())), check=check, args=args)
    told = explained(contract, row)
    assert told.get("schema", []) == [f"schemas/stripe/{name}.schema.json" for name in schemas]


def test_brackets_in_a_statement_are_no_markup() -> None:
    contract = CONTRACTS["stripe"]
    row = replace(next(iter(contract.requirements.values())), statement="created[gte] filters by [red].")
    assert explained(contract, row)["statement"] == [row.statement]


def test_the_committed_coverage_is_that_of_the_catalogue() -> None:
    committed = (contract_root() / "COVERAGE.md").read_text(encoding="utf-8")
    # The comparison stands outside the assert, as a diff of the whole would bury the message.
    same = committed == requirements("--format", "markdown").output
    assert same, f"schemas/COVERAGE.md is out of date; run `{COVERAGE}`"


def test_further_contracts_are_shown_too() -> None:
    folder = str(Path(__file__).parent / "invented" / "contracts")
    explained = requirements("ACM-001", "--contracts", folder)
    assert explained.exit_code == 0, explained.output
    assert {row["provider"] for row in listed("--contracts", folder)} == {*provider_names(), "acme"}
    assert {row["provider"] for row in listed("--contracts", folder, "--provider", "acme")} == {"acme"}
    unknown = requirements("--contracts", folder, "--provider", "nobody")
    assert unknown.exit_code == 2
    assert "known providers: " in unknown.output
    assert "acme" in unknown.output
