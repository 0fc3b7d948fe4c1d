"""``conformance matrix``: what it writes of real runs, and what it says of wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.contract import load_contract
from conformance.report.phrases import markdown
from conformance.verdict import Certificate


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["matrix", *map(str, arguments)])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folders of two providers' runs in memory."""
    folder = tmp_path_factory.mktemp("runs")
    done = CliRunner().invoke(
        main, ["certify", "--provider", "dots", "--provider", "paypercut", "--output", str(folder)]
    )
    assert done.exit_code == 0, done.output
    return folder


def test_two_providers_are_set_side_by_side(runs: Path, tmp_path: Path) -> None:
    done = run(runs, "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert done.stdout.split() == [
        word for name in ("html", "md") for word in ("matrix:", f"{tmp_path}/out/matrix.{name}")
    ]
    assert done.stderr == ""
    page = (tmp_path / "out" / "matrix.md").read_text(encoding="utf-8")
    dots, paypercut = load_contract("dots"), load_contract("paypercut")
    assert "## Verdicts by area" in page
    assert "## The same requests, another outcome" in page
    for name in {*dots.operations} ^ {*paypercut.operations}:
        line = next(line for line in page.splitlines() if line.startswith(f"| **{markdown(name)}** |"))
        assert line.count("| none ") == 1
    for one in (dots, paypercut):
        certificate = Certificate.read(runs / f"{one.name}-reference" / "certificate.json")
        total = next(line for line in page.splitlines() if line.startswith(f"| **{one.title}**<br>reference |"))
        assert f"| {certificate.totals['pass']} |" in total


def test_the_rows_stand_by_requirement_where_asked(runs: Path, tmp_path: Path) -> None:
    assert run(runs, "--output", tmp_path, "--by", "requirement").exit_code == 0
    page = (tmp_path / "matrix.md").read_text(encoding="utf-8")
    assert "## Verdicts by area" not in page
    for name in ("dots", "paypercut"):
        contract = load_contract(name)
        part = page.partition(f"## {contract.title}: All requirements")[2].partition("\n## ")[0]
        assert all(f"| **{row.id} {row.level}**<br>" in part for row in contract.requirements.values())


def test_one_provider_needs_no_contracts_compared(runs: Path, tmp_path: Path) -> None:
    certificate = runs / "dots-reference" / "certificate.json"
    document = json.loads(certificate.read_bytes()) | {"contract_digest": "sha256:" + "0" * 64}
    document["target"]["name"] = "<i>\x1b[31m"
    (tmp_path / "certificate.json").write_text(json.dumps(document), encoding="utf-8")
    done = run(certificate, tmp_path / "certificate.json", "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "made with another contract than the installed one" in done.stderr
    assert "\x1b" not in done.stderr
    html = (tmp_path / "out" / "matrix.html").read_text(encoding="utf-8")
    assert "Where they differ" in html
    assert "What is portable" not in html
    assert "<i>" not in html
    assert "&lt;i&gt;" in html


def test_a_provider_without_a_contract_is_shown_and_marked(runs: Path, tmp_path: Path) -> None:
    document = json.loads((runs / "dots-reference" / "certificate.json").read_bytes())
    (tmp_path / "certificate.json").write_text(json.dumps(document | {"provider": "acme"}), encoding="utf-8")
    done = run(runs / "paypercut-reference", tmp_path, "--output", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "acme, reference: its contract is not installed" in done.stderr
    page = (tmp_path / "out" / "matrix.md").read_text(encoding="utf-8")
    assert "## Verdicts by area" in page
    assert "What is portable" not in page


def test_wrong_input_is_named_and_nothing_is_written(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.json").write_text("{", encoding="utf-8")
    (tmp_path / "other.json").write_text('{"provider": "dots"}', encoding="utf-8")
    for wrong, said in {
        "missing.json": "missing.json",
        "empty": "no certificate.json here or below",
        "text.json": "text.json",
        "other.json": "no certificate of this suite",
    }.items():
        done = run(runs, tmp_path / wrong, "--output", tmp_path / "out")
        assert done.exit_code == 2, wrong
        assert said in done.stderr
    assert not (tmp_path / "out").exists()
    assert run("--output", tmp_path / "out").exit_code == 2
    assert run(runs, "--contracts", tmp_path / "empty").exit_code == 2
    done = run(runs, "--output", tmp_path / "text.json")
    assert done.exit_code == 2
    assert "--output" in done.stderr
