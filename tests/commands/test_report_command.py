"""``conformance report``: which runs it takes, and what it says where it cannot build its page."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.report import generator


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a small run."""
    folder = tmp_path_factory.mktemp("runs") / "dots-reference"
    done = CliRunner().invoke(main, ["certify", "--provider", "dots", "--area", "list", "--output", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


def report(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    done = report(tmp_path)
    assert done.exit_code == 2
    assert "there is no output folder of a run" in done.output


def test_a_damaged_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "certificate.json").write_text("{", encoding="utf-8")
    done = report(tmp_path)
    assert done.exit_code == 2
    assert "certificate.json" in done.output


def test_without_the_generator_the_certificates_page_is_named(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = report(run)
    assert done.exit_code == 3
    assert str(run / "certificate.html") in done.output
    assert "pip install" in done.output
    assert (run / "certificate.html").is_file()


def test_runs_in_a_folder_make_one_page(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[list[Path], Path]] = []

    def build(results: list[Path], output: Path, **given: object) -> Path:
        asked.append((results, output))
        return output / "index.html"

    monkeypatch.setattr(generator, "build", build)
    done = report(run.parent, "--no-open")
    assert done.exit_code == 0, done.output
    assert asked == [([run / "allure-results"], run.parent / "allure-report")]
