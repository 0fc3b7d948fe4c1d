"""The wheel: what is in it, and that it works where there is no repository."""

from __future__ import annotations

import configparser
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email import message_from_bytes
from importlib.metadata import distribution
from pathlib import Path

import pytest

from conformance import __version__
from conformance.contract import load_contract

ROOT = Path(__file__).parents[2]
NAME = "payment-intents-conformance"


def told(command: list[object], cwd: Path, environment: Mapping[str, str] | None = None, code: int = 0) -> str:
    """What a command prints, and that it ends with this exit code."""
    ended = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=120, cwd=cwd, env=environment
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """The files of the repository: those that git has, and new ones that it does not ignore."""
    listed = told(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT).split("\0")
    return sorted({name for name in listed if (ROOT / name).is_file()})


@pytest.fixture(scope="module")
def source(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of nothing but these files."""
    folder = tmp_path_factory.mktemp("source")
    for name in tracked:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that is built from the copy, without an index."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    told([sys.executable, "-m", "pip", "wheel", *options, "-w", folder, "."], source)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def members(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_it_holds_the_package_and_the_contracts_and_nothing_else(
    members: dict[str, bytes], tracked: list[str], source: Path
) -> None:
    data = {f"conformance/{name}": name for name in tracked if name.startswith("schemas/")}
    code = {name: name for name in tracked if name.startswith("conformance/")}
    about = {name for name in members if name.split("/")[0].endswith(".dist-info")}
    assert len(data) > 100
    assert set(members) - about == {*data, *code}
    for member, name in {**data, **code}.items():
        assert members[member] == (source / name).read_bytes(), name
    assert not [name for name in members if {"tests", "cassettes", "reports"} & set(name.split("/"))]


def test_its_entry_points(members: dict[str, bytes]) -> None:
    (text,) = (content for name, content in members.items() if name.endswith(".dist-info/entry_points.txt"))
    points = configparser.ConfigParser()
    points.read_string(text.decode())
    assert {name: dict(points[name]) for name in points.sections()} == {
        "console_scripts": {"conformance": "conformance.cli:main"},
        "pytest11": {"conformance": "conformance.plugin"},
    }


def test_what_an_index_shows_of_it(members: dict[str, bytes], source: Path) -> None:
    (text,) = (content for name, content in members.items() if name.endswith(".dist-info/METADATA"))
    about = message_from_bytes(text)
    assert (about["Name"], about["Version"], about["Requires-Python"]) == (NAME, __version__, ">=3.11")
    assert about["Description-Content-Type"] == "text/markdown"
    assert about.get_payload(decode=True) == (source / "README.md").read_bytes()
    assert about["Summary"]
    assert "payment-intents" in about["Keywords"].split(",")
    assert {"Framework :: Pytest", "Programming Language :: Python :: 3.11"} <= set(about.get_all("Classifier"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment with the wheel; its dependencies are the running environment's, nothing else of it.

    They are linked one by one: a folder of packages put on the path as a whole would bring this repository with it.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder / "venv", with_pip=False)
    scripts = folder / "venv" / "bin"
    options = ["--no-deps", "--no-index", "--no-compile", "--quiet", "--disable-pip-version-check"]
    told([sys.executable, "-m", "pip", "--python", scripts / "python", "install", *options, wheel], folder)
    own = {file.parts[0] for file in distribution(NAME).files or ()}
    (folder / "dependencies").mkdir()
    for path in {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}:
        for entry in path.iterdir():
            if entry.name not in own and entry.suffix != ".pth":
                (folder / "dependencies" / entry.name).symlink_to(entry)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(f"{folder / 'dependencies'}\n")
    return scripts


@pytest.fixture(scope="module")
def environment(installed: Path) -> dict[str, str]:
    """The variables of a user who has nothing but that environment."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "CONFORMANCE"))
    }
    return {**kept, "PATH": f"{installed}{os.pathsep}{os.environ['PATH']}"}


def test_it_is_what_answers(installed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    script = "import conformance, sys; print(conformance.__file__); print(sys.path)"
    where, path = told([installed / "python", "-c", script], tmp_path, environment).splitlines()
    assert Path(where).is_relative_to(installed.parent)
    assert str(ROOT) not in path


def test_version_and_catalogue(installed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    assert told([installed / "conformance", "--version"], tmp_path, environment).split()[-1] == __version__
    listed = told([installed / "conformance", "requirements", "--format", "json"], tmp_path, environment)
    assert len([row for row in json.loads(listed) if row["provider"] == "dots"]) == len(
        load_contract("dots").requirements
    )
    assert "Paypercut" in told([installed / "conformance", "requirements"], tmp_path, environment)
    assert not list(tmp_path.iterdir())


def test_init(installed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    printed = told([installed / "conformance", "init", "--provider", "stripe"], tmp_path, environment)
    assert "conformance certify --target conformance.toml" in printed
    assert [path.name for path in tmp_path.iterdir()] == ["conformance.toml"]


@contextmanager
def serving(command: list[object], cwd: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """A server as a process of its own, while the block lasts, from its first line on."""
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, env=environment
    ) as process:
        try:
            assert process.stdout
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ)
                assert selector.select(timeout=60), "the server says nothing"
            assert "http://127.0.0.1:" in process.stdout.readline()
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def test_serve_and_certify(installed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    command = installed / "conformance"
    with serving([command, "serve", "--provider", "dots", "--write-target", "t.toml"], tmp_path, environment):
        told([command, "certify", "--target", "t.toml", "--area", "create"], tmp_path, environment)
    certificate = json.loads((tmp_path / "reports" / "dots-dots-reference" / "certificate.json").read_bytes())
    assert (certificate["result"], certificate["mode"]) == ("conformant", "live")
    assert {row["area"] for row in certificate["requirements"] if row["verdict"] == "pass"} == {"create"}


def test_plain_pytest(installed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """The scenarios by the name of their package, beside a test of the user's own."""
    (tmp_path / "test_mine.py").write_text("def test_mine(): pass\n")
    command = [installed / "python", "-m", "pytest", "-p", "no:cacheprovider", "test_mine.py"]
    command += ["--pyargs", "conformance.scenarios", "--conformance-provider", "dots", "--conformance-area", "create"]
    printed = told(command, tmp_path, environment)
    assert "conformant" in printed
    (written,) = (tmp_path / "reports").rglob("certificate.json")
    rows = json.loads(written.read_bytes())["requirements"]
    passed = {row["id"] for row in rows if row["verdict"] == "pass"}
    assert "DOT-049" in passed
    assert {row["area"] for row in rows if row["id"] in passed} == {"create"}


def test_one_scenario_under_plain_pytest(installed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    name = "conformance.scenarios.test_create::test_create_refuses[DOT-049]"
    command = [installed / "python", "-m", "pytest", "-p", "no:cacheprovider", "--pyargs", name]
    printed = told([*command, "--conformance-provider", "dots", "--conformance-output", "out"], tmp_path, environment)
    assert "1 passed" in printed
    rows = json.loads((tmp_path / "out" / "certificate.json").read_bytes())["requirements"]
    assert [row["id"] for row in rows if row["verdict"] == "pass"] == ["DOT-049"]


def test_without_a_provider_pytest_leaves_the_scenarios_alone(
    installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "test_mine.py").write_text("def test_mine(): pass\n")
    command = [installed / "python", "-m", "pytest", "-p", "no:cacheprovider", "-W", "error"]
    assert "1 passed" in told(command, tmp_path, environment)
    assert not (tmp_path / "reports").exists()


def test_the_report_with_a_node_that_pip_installs(
    wheel: Path, installed: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """The extra brings all that the page needs: no other program is found, and nothing was installed before."""
    options = ["--quiet", "--disable-pip-version-check"]
    extra = f"{NAME}[report] @ {wheel.as_uri()}"
    told([sys.executable, "-m", "pip", "--python", installed / "python", "install", *options, extra], tmp_path)
    alone = {**environment, "PATH": str(installed), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert Path(shutil.which("node", path=alone["PATH"]) or "").parent == installed
    told([installed / "conformance", "certify", "--provider", "dots", "--area", "list"], tmp_path, alone)
    printed = told([installed / "conformance", "report", "--no-open"], tmp_path, alone)
    page = tmp_path / "reports" / "allure-report" / "index.html"
    assert printed.split() == ["report:", str(page.relative_to(tmp_path))]
    assert "Dots: reference" in page.read_text(encoding="utf-8")
    assert len(list((tmp_path / "cache").glob("*/allure-*/node_modules/allure/cli.js"))) == 1


def test_what_a_run_needs_is_among_what_development_needs() -> None:
    """Both are installed into one environment, one after the other."""
    run, development = (
        {line.partition(" ")[0] for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if "==" in line}
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert "httpx" in {pin.partition("==")[0] for pin in run}
    assert run < development
