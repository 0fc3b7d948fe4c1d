"""Every command that README and docs show works as it stands there.

A page is followed from top to bottom in one folder, as a reader would: each line of its ``sh`` blocks is run, and ends
with exit code 0 or with the one that its comment names (``# exits with 1``). ``conformance serve`` is the other
terminal, and goes on until the page ends. ``http://127.0.0.1:8080``, the reader's own server, is a reference server on
a free port.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from conformance.reference import serve, target_settings
from tests.invented import acme_server

ROOT = Path(__file__).parents[2]
OWN = "127.0.0.1:8080"
# What the pages name and this test cannot run: by how it begins, and what runs it instead.
ELSEWHERE = {
    "make test": "it is what runs this test",
    "pip install payment-intents-conformance": "tests/package/test_wheel.py installs the wheel",
    "conformance requirements --lock": "tests/test_catalogue_lock.py; here it would write into this checkout",
    "conformance requirements --format markdown >": "tests/test_catalogue_lock.py",
}
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if "rendered" not in page.parts and "```sh" in page.read_text(encoding="utf-8")
]


@dataclass(frozen=True)
class Line:
    """A command as it stands on a page, and the exit code that the page names."""

    command: str
    code: int

    @property
    def serves(self) -> bool:
        return self.command.startswith("conformance serve") and "--list-faults" not in self.command

    @property
    def elsewhere(self) -> bool:
        return any(self.command.startswith(beginning) for beginning in ELSEWHERE)


def lines(page: Path) -> list[Line]:
    """The commands of a page, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    found = []
    for text in "".join(blocks).splitlines():
        command, _, comment = text.partition("  # ") if not text.startswith("#") else ("", "", text)
        told = re.search(r"exits with (\d)", comment)
        if command:
            found.append(Line(command.strip(), int(told[1]) if told else 0))
    return found


def own_server(page: Path) -> AbstractContextManager[str]:
    """The server that a page takes for the reader's own."""
    return acme_server.acme() if page.name == "provider.md" else serve("stripe")


@contextmanager
def served(command: str, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """``conformance serve`` in its own terminal, from when it says where it listens."""
    with subprocess.Popen(
        ["bash", "-c", f"exec {command}"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert "http://127.0.0.1:" in process.stdout.readline()
            yield
        finally:
            process.terminate()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_can_be_followed(page: Path, tmp_path: Path) -> None:
    key = acme_server.KEY if page.name == "provider.md" else target_settings("stripe")["api_key"]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GITHUB_"))},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ACME_TEST_KEY": key,
        "STRIPE_TEST_KEY": key,
        "CHECKOUT": str(ROOT),
    }
    with ExitStack() as stack:
        own = urlsplit(stack.enter_context(own_server(page))).netloc
        for line in lines(page):
            if line.elsewhere:
                continue
            command = line.command.replace(OWN, own).replace(OWN.replace(":", "-"), own.replace(":", "-"))
            if line.serves:
                stack.enter_context(served(command, tmp_path, environment))
                continue
            folder = ROOT if command.startswith("make ") else tmp_path
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=300,
                check=False,
            )
            assert done.returncode == line.code, f"{command}\n{done.stdout}"


def test_what_is_run_elsewhere_stands_on_a_page() -> None:
    shown = [line.command for page in PAGES for line in lines(page)]
    assert all(any(command.startswith(beginning) for command in shown) for beginning in ELSEWHERE)


def test_the_readme_and_the_three_beginnings_show_commands() -> None:
    following = {str(page.relative_to(ROOT)): len(lines(page)) for page in PAGES}
    for page in ("README.md", *(f"docs/getting-started/{who}.md" for who in ("server-author", "integrator", "reader"))):
        assert following[page] >= 3, page
