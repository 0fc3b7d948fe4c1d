"""A recording outlives the libraries it was made with: it is replayed in an environment where these are older."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import pytest

from conformance.reference import policies_of, serve, target_settings
from conformance.verdict import Certificate

ROOT = Path(__file__).parents[1]
# The oldest that the project takes and that go together.
OLDER = {"hypothesis": "6.150.0", "schemathesis": "4.32.4", "jsonschema-rs": "0.60.0"}
FAULT = "cancels_paid_intents"  # its walk contradicts, and is then made short

Verdicts = Mapping[tuple[str, str], str]


def _run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", *arguments]
    path = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=path)


@pytest.fixture
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the older libraries; all else it takes from this one."""
    folder = tmp_path_factory.mktemp("older")
    venv.create(folder, symlinks=True)
    named = sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)})
    pins = [f"{name}=={number}" for name, number in OLDER.items()]
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--retries", "1", "--timeout", "30", "--target", named]
    installed = _run(Path(sys.executable), "pip", "install", *options, *pins)
    if installed.returncode:
        reason = f"the older libraries cannot be installed: {installed.stderr.strip()[-500:]}"
        if "CI" in os.environ:
            pytest.fail(reason)
        pytest.skip(reason)
    # Its own folder comes first on the path, so that what is older there hides what is here.
    (Path(named) / "this.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder / "bin" / "python"


def _certify(python: Path, folder: Path, *arguments: str) -> tuple[Verdicts, str]:
    """The verdict of each requirement, by provider and id, and what was printed."""
    done = _run(python, "conformance", "certify", "--output", str(folder), *arguments)
    written = [Certificate.read(path) for path in sorted(folder.rglob("certificate.json"))]
    assert written, done.stdout + done.stderr
    found = {(one.provider, row.id): row.verdict for one in written for row in one.requirements}
    return found, done.stdout + done.stderr


@pytest.fixture
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Verdicts, Verdicts]:
    """The cassettes, and the verdicts when they were recorded: of the reference servers, and of one that is wrong."""
    folder = tmp_path_factory.mktemp("recorded")
    cassettes, here = folder / "cassettes", Path(sys.executable)
    record = ("--record", "--cassettes", str(cassettes))
    sound, _ = _certify(here, folder / "sound", *record)
    settings = target_settings("stripe")
    with serve("stripe", policies=policies_of("stripe", FAULT)) as url:
        lines = ["[target]", 'name = "wrong"', 'provider = "stripe"', f'base_url = "{url}"']
        lines += [f"api_key = {json.dumps(settings['api_key'])}", "[instruments]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in settings["instruments"].items()]
        target = folder / "target.toml"
        target.write_text("\n".join(lines), encoding="utf-8")
        faulty, _ = _certify(here, folder / "faulty", *record, "--target", str(target), "--area", "lifecycle")
    return cassettes, sound, faulty


def test_a_replay_survives_an_update_of_the_libraries(
    older: Path, recorded: tuple[Path, Verdicts, Verdicts], tmp_path: Path
) -> None:
    _check_versions(older)
    cassettes, sound, faulty = recorded
    replay = ("--replay", "--cassettes", str(cassettes))
    found, printed = _certify(older, tmp_path / "sound", *replay)
    assert found == sound, printed
    assert [*sound.values()].count("pass") > 500

    wrong = ("--target", "wrong", "--provider", "stripe", "--area", "lifecycle")
    found, printed = _certify(older, tmp_path / "faulty", *replay, *wrong)
    assert found == faulty == {**faulty, ("stripe", "STR-228"): "fail"}, printed
    told = _walk_told(tmp_path / "faulty")
    assert told == _walk_told(cassettes.parent / "faulty")
    assert [length for *_, length in told] == [3], "create, confirm, cancel: made short from what was recorded"


def _check_versions(older: Path) -> None:
    """The libraries are really the older ones there, and go together."""
    program = """
import conformance, hypothesis, importlib.metadata, json, schemathesis, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
print(json.dumps([hypothesis.__version__, schemathesis.__file__, conformance.__file__]))
"""
    command, path = [str(older), "-c", program, *OLDER], {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=path)
    assert done.returncode == 0, done.stderr
    versions, (number, generator, suite) = map(json.loads, done.stdout.splitlines())
    assert versions == OLDER
    assert number == OLDER["hypothesis"]
    assert all(version(name) != older_one for name, older_one in OLDER.items())
    assert Path(generator).is_relative_to(older.parents[1])
    assert Path(suite).is_relative_to(ROOT)
    checked = _run(older, "pip", "check")
    assert checked.returncode == 0, checked.stdout


def _walk_told(folder: Path) -> list[tuple[str, str, int]]:
    """What the walk's findings say, and by how many exchanges each tells it."""
    (path,) = folder.rglob("certificate.json")
    (row,) = (row for row in Certificate.read(path).requirements if row.check == "walk")
    return [(one.expected, one.actual, len(one.exchanges)) for one in row.findings]
