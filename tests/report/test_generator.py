"""The page's generator: what it needs, what is pinned, and what it must not write."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from conformance.report import generator
from conformance.report.generator import GeneratorError, installed, without_analytics

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
