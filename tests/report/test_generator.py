"""The page's generator: what it needs, what is pinned, and what it must not write."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from conformance.report import generator
from conformance.report.generator import (
    GeneratorError,
    build,
    installed,
    shows_descriptions,
    without_analytics,
)

HERE = Path(generator.__file__).parent
TAG = (
    '<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>\n'
    "<script>\n window.dataLayer = window.dataLayer || [];\n gtag('config', 'G-1', {});\n</script>"
)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found; empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("sys.executable", str(folder / "python"))
    return folder


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_what_reports_its_readers_is_gone() -> None:
    assert without_analytics(f"<body><p>before</p>{TAG}<p>after</p></body>") == "<body><p>before</p><p>after</p></body>"


@pytest.mark.parametrize("page", ["<script src='//www.googletagmanager.com/x.js'></script>", "google-analytics.com/g"])
def test_a_page_that_may_still_report_is_refused(page: str) -> None:
    with pytest.raises(GeneratorError, match="analytics"):
        without_analytics(page)


def test_a_page_without_an_end_is_told(tmp_path: Path) -> None:
    program = tmp_path / "allure-1" / "node_modules" / "allure" / "cli.js"
    version = json.loads((HERE / "package.json").read_bytes())["dependencies"]["allure"]
    with pytest.raises(GeneratorError) as told:
        shows_descriptions("<html><p>cut off", program)
    for words in (str(program), "has no </body>", f"Allure {version}", f"remove the folder {tmp_path / 'allure-1'} "):
        assert words in str(told.value)


def test_a_script_is_added_at_the_end_of_the_page(tmp_path: Path) -> None:
    page = shows_descriptions("<body>'</body>'</body></html>", tmp_path / "a" / "b" / "c" / "d")
    assert page.startswith("<body>'</body>'<script>")
    assert page.endswith("</script></body></html>")


def test_a_damaged_history_is_told_and_kept(programs: Path, tmp_path: Path) -> None:
    program(programs, "node", "echo v22.1.0")
    program(programs, "npm", "/bin/mkdir -p node_modules/allure && echo > node_modules/allure/cli.js")
    history = tmp_path / "history.jsonl"
    history.write_text("{", encoding="utf-8")
    with pytest.raises(GeneratorError, match=r"history\.jsonl is damaged"):
        build([], tmp_path / "out", name="", categories=[], history=history, cache=tmp_path / "cache")
    assert history.read_text(encoding="utf-8") == "{"


def test_a_page_that_is_not_written_is_in_no_history(programs: Path, tmp_path: Path) -> None:
    made = "/bin/mkdir made; echo '<html>' > made/index.html; echo '{\"timestamp\": 1}' > history.jsonl"
    program(programs, "node", f'[ "$1" = --version ] && echo v22.1.0 && exit; {made}')
    program(programs, "npm", "/bin/mkdir -p node_modules/allure && echo > node_modules/allure/cli.js")
    with pytest.raises(GeneratorError, match="has no </body>"):
        build([], tmp_path / "out", name="", categories=[], history=tmp_path / "h.jsonl", cache=tmp_path / "cache")
    assert not (tmp_path / "h.jsonl").exists()
    assert not (tmp_path / "out").exists()


def test_without_node_the_message_says_how_to_get_it(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match=r"node was not found.*pip install '[\w-]+\[report\]'"):
        installed(tmp_path / "cache")


def test_an_old_node_is_told(programs: Path, tmp_path: Path) -> None:
    program(programs, "node", "echo v18.20.1")
    with pytest.raises(GeneratorError, match=r"is v18\.20\.1; the report generator needs 20"):
        installed(tmp_path / "cache")


def test_what_npm_says_is_told_and_nothing_is_left(programs: Path, tmp_path: Path) -> None:
    program(programs, "node", "echo v22.1.0")
    program(programs, "npm", "echo 'npm error network is unreachable' >&2; exit 1")
    with pytest.raises(GeneratorError, match=r"npm could not install.*network is unreachable"):
        installed(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_is_installed_stays(programs: Path, tmp_path: Path) -> None:
    program(programs, "node", "echo v22.1.0")
    made = "/bin/mkdir -p node_modules/allure && echo > node_modules/allure/cli.js"
    program(programs, "npm", f"echo $@ > asked && {made}")
    found = installed(tmp_path / "cache")
    assert found.is_file()
    assert "--ignore-scripts" in (found.parents[2] / "asked").read_text(encoding="utf-8")
    (programs / "npm").unlink()
    assert installed(tmp_path / "cache") == found


def test_every_package_is_pinned_by_digest_and_none_names_a_host() -> None:
    text = (HERE / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    assert packages.pop("")["dependencies"] == json.loads((HERE / "package.json").read_bytes())["dependencies"]
    assert len(packages) > 100
    assert all(one["integrity"].startswith("sha512-") and "resolved" not in one for one in packages.values())
    assert "://" not in text
