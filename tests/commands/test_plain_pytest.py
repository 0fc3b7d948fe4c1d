"""The plugin under plain pytest: the same run, the same verdicts, and no harm to anybody else's tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pytest_run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Plain pytest in a process of its own, with every installed plugin, as a user has it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd, env=environment)


def conformance_run(output: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return pytest_run("conformance/scenarios", "--conformance-output", output, *arguments)


def certificate(output: Path) -> dict:
    return json.loads((output / "certificate.json").read_text())


def verdicts(output: Path) -> dict[str, str]:
    return {row["id"]: row["verdict"] for row in certificate(output)["requirements"]}


def test_a_whole_run(tmp_path: Path, run: Callable) -> None:
    ended = conformance_run(tmp_path / "plain", "--conformance-provider", "dots")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "conformant" in ended.stdout
    assert str(tmp_path / "plain") in ended.stdout
    for name in ("certificate.json", "junit.xml", "summary.md", "allure-results", "history"):
        assert (tmp_path / "plain" / name).exists()
    assert run("certify", "--provider", "dots", "--output", tmp_path / "command").exit_code == 0
    assert verdicts(tmp_path / "plain") == verdicts(tmp_path / "command")


def test_a_run_is_recorded_and_replayed(tmp_path: Path, run: Callable) -> None:
    kept = ["--conformance-provider", "dots", "--conformance-cassettes", tmp_path / "kept"]
    ended = conformance_run(tmp_path / "live", *kept, "--conformance-record")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    ended = conformance_run(tmp_path / "replayed", *kept, "--conformance-replay")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert certificate(tmp_path / "replayed")["mode"] == "replayed"
    assert verdicts(tmp_path / "replayed") == verdicts(tmp_path / "live")
    # And the command replays it as well.
    given = ["--provider", "dots", "--replay", "--cassettes", tmp_path / "kept", "--output", tmp_path / "command"]
    assert run("certify", *given).exit_code == 0
    (tmp_path / "kept" / "dots" / "reference" / "DOT-049.yaml").unlink()
    ended = conformance_run(tmp_path / "replayed", *kept, "--conformance-replay")
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert verdicts(tmp_path / "replayed")["DOT-049"] == "inconclusive"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--conformance-only", "DOT-049"], {"DOT-049"}),
        (["--conformance-only", "DOT-049", "--conformance-only", "DOT-050"], {"DOT-049", "DOT-050"}),
        (["--conformance-only", "DOT-004"], {"DOT-004"}),
    ],
    ids=["one scenario", "two scenarios", "one rule"],
)
def test_selection(options: list[str], expected: set[str], tmp_path: Path) -> None:
    ended = conformance_run(tmp_path, "--conformance-provider", "dots", *options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {row for row, verdict in verdicts(tmp_path).items() if verdict == "pass"} == expected


@pytest.mark.parametrize("option", ["--conformance-area", "--conformance-level"])
def test_selection_by_area_or_level(option: str, tmp_path: Path) -> None:
    value = {"--conformance-area": "create", "--conformance-level": "must"}[option]
    assert conformance_run(tmp_path, "--conformance-provider", "dots", option, value).returncode == 0
    member = option.rpartition("-")[2]
    rows = certificate(tmp_path)["requirements"]
    assert {row[member].lower() for row in rows if row["verdict"] == "pass"} == {value}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--conformance-provider", "acme"], "acme"),
        (["--conformance-provider", "dots", "--conformance-only", "DOT-999"], "DOT-999"),
        (["--conformance-provider", "dots", "--conformance-area", "tax"], "areas:"),
        (["--conformance-target", "absent.toml"], "absent.toml"),
        (["--conformance-provider", "dots", "--conformance-api-key", "x"], "--api-key goes with --target"),
    ],
)
def test_wrong_use(options: list[str], word: str, tmp_path: Path) -> None:
    ended = conformance_run(tmp_path, *options)
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR, ended.stdout + ended.stderr
    assert word in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


def test_what_is_not_collected_is_not_selected(tmp_path: Path) -> None:
    """One test by its node id judges one requirement; rules, which would lack evidence, judge nothing."""
    ended = pytest_run(
        "conformance/scenarios/test_create.py::test_create_refuses[DOT-049]",
        *("--conformance-output", tmp_path, "--conformance-provider", "dots"),
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = json.loads((tmp_path / "certificate.json").read_bytes())["requirements"]
    assert [row["id"] for row in rows if row["verdict"] == "pass"] == ["DOT-049"]
    assert {row["reason"] for row in rows if row["id"] != "DOT-049"} == {"not selected"}


@pytest.mark.parametrize(("status", "code"), [(401, 3), (200, 3), (500, 3)])
def test_a_target_that_cannot_be_judged(status: int, code: int, listen: Callable, tmp_path: Path) -> None:
    wire = listen(b"HTTP/1.1 %d Said\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]" % status)
    given = ["--conformance-provider", "dots", "--conformance-target", wire.url, "--conformance-api-key", "a:b"]
    ended = conformance_run(tmp_path, *given)
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert "base_url" in ended.stdout + ended.stderr or "api_key" in ended.stdout + ended.stderr
    assert not (tmp_path / "certificate.json").exists()


def test_a_target_that_does_not_conform(turning: Callable, tmp_path: Path) -> None:
    wire = turning("dots", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
    given = ["--conformance-provider", "dots", "--conformance-target", wire.url]
    ended = conformance_run(tmp_path, *given, "--conformance-api-key", "reference-client:reference-key")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert certificate(tmp_path)["result"] == "non_conformant"


def test_other_peoples_tests_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_mine(): pass\n")
    ended = pytest_run("-q", "-W", "error", tmp_path, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1 passed" in ended.stdout
    assert {path.name for path in tmp_path.iterdir()} <= {"test_mine.py", "__pycache__"}


def test_other_peoples_fixtures_may_be_named_as_ours(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef row(): return 1\n\n@pytest.fixture\ndef act(): return 2\n\n"
        "def test_mine(row, act): assert (row, act) == (1, 2)\n"
    )
    given = ["--conformance-provider", "dots", "--conformance-output", tmp_path / "out"]
    ended = pytest_run("-q", ROOT / "conformance" / "scenarios", tmp_path / "test_mine.py", *given, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_failing_test_of_the_users_own_is_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text("def test_mine(): assert False\n")
    given = ["--conformance-provider", "dots", "--conformance-output", tmp_path / "out"]
    ended = pytest_run("-q", ROOT / "conformance" / "scenarios", tmp_path / "test_mine.py", *given, cwd=tmp_path)
    assert ended.returncode == 1, ended.stdout + ended.stderr


def test_without_a_provider_the_scenarios_do_not_err() -> None:
    ended = pytest_run("-q", "conformance/scenarios")
    assert "error" not in ended.stdout.lower() + ended.stderr.lower(), ended.stdout
    assert ended.returncode in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
