"""The site is built without a warning and has each row of each catalogue; a link to nowhere is an error."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.contract import load_contract, provider_names
from conformance.reference.faults import faults_of

ROOT = Path(__file__).parents[2]
HELD_BY_PAGES = ("reports", "schemas")  # what pages include, and what is rendered


def build(docs: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """``make docs``, of other folders."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html", docs, output]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, beside what they include."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in HELD_BY_PAGES:
        (folder / name).symlink_to(ROOT / name)
    shutil.copyfile(ROOT / "README.md", folder / "README.md")  # its links lead to the copied pages
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("rendered", "__pycache__"))
    return folder / "docs"


@pytest.fixture(scope="module")
def site(docs: Path) -> Path:
    done = build(docs, docs.parent / "site")
    assert done.returncode == 0, done.stderr
    return docs.parent / "site"


@pytest.mark.parametrize("provider", provider_names())
def test_each_requirement_and_each_fault_has_its_place(provider: str, site: Path) -> None:
    rows = (site / "rendered" / f"{provider}.html").read_text(encoding="utf-8")
    faults = (site / "rendered" / f"{provider}-faults.html").read_text(encoding="utf-8")
    contract = load_contract(provider)
    assert [name for name in contract.requirements if f'id="{name.lower()}"' not in rows] == []
    assert [name for name in faults_of(provider) if f">{name}<" not in faults] == []
    # A fault links the rows that it breaks.
    broken = {name for fault in faults_of(provider).values() for name in fault.breaks}
    assert [name for name in broken if f'href="{provider}.html#{name.lower()}"' not in faults] == []


def test_links_to_nowhere_are_errors(docs: Path, tmp_path: Path) -> None:
    shutil.copytree(
        docs.parent, tmp_path / "checkout", symlinks=True, ignore=shutil.ignore_patterns("site", "rendered")
    )
    page = tmp_path / "checkout" / "docs" / "limits.md"
    links = "[a](no-such-page.md) [b](#no-such-heading) ![c](no-such-picture.png)"
    page.write_text(f"{page.read_text(encoding='utf-8')}\n{links}\n", encoding="utf-8")
    done = build(page.parent, tmp_path / "site")
    assert done.returncode != 0
    assert [name for name in ("no-such-page", "no-such-heading", "no-such-picture") if name not in done.stderr] == []
