"""``certify --shard``, ``merge`` and ``certify -n`` as commands: processes, their ends, and what goes with what."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.parts import processes
from conformance.reference import serve, target_settings
from tests.commands.test_plain_pytest import pytest_run

FEW = ("--provider", "dots", "--only", "DOT-049", "--only", "DOT-050")
NEVER = 0.05  # requests a second, at which a run would last for hours


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments])


def verdicts(folder: Path) -> dict[str, str]:
    certificate = json.loads((folder / "certificate.json").read_text())
    return {row["id"]: row["verdict"] for row in certificate["requirements"]}


def test_processes_say_what_one_says(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert run("certify", "--provider", "dots", "--output", one).exit_code == 0
    ended = run("certify", "--provider", "dots", "--output", two, "-n", "2")
    assert ended.exit_code == 0, ended.output
    assert verdicts(two) == verdicts(one)
    assert sorted(path.name for path in two.iterdir()) == sorted(path.name for path in one.iterdir())


def test_shards_are_acted_and_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        ended = run("certify", *FEW, "--shard", f"{number}/2")
        assert ended.exit_code == 0, ended.output
        folder = f"reports/dots-reference/parts/{number}-of-2"
        assert f"part {number} of 2: not judged yet; conformance merge {folder}" in ended.output
        assert (tmp_path / folder / "part.json").exists()
        assert not (tmp_path / folder / "certificate.json").exists()
    parts = [f"reports/dots-reference/parts/{number}-of-2" for number in (2, 1)]
    ended = run("merge", parts[0], "--output", "whole")
    assert (ended.exit_code, "part 1 of 2 is missing" in ended.output) == (2, True), ended.output
    ended = run("merge", *parts)
    assert ended.exit_code == 0, ended.output
    assert verdicts(tmp_path / "reports/dots-reference")["DOT-049"] == "pass"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-n", "0"), "no number of processes"),
        (("-n", "many"), "no number of processes"),
        (("-n", "2", "--record"), "-n divides the scenarios of a run; it goes without --record"),
        (("-n", "2", "--replay"), "it goes without --replay"),
        (("-n", "2", "--fuzz", "1"), "it goes without --fuzz"),
        (("-n", "2", "--oracle", "x"), "it goes without --oracle"),
        (("--shard", "1/2", "--replay"), "--shard divides the scenarios of a run; it goes without --replay"),
        (("--shard", "1/2", "-n", "2"), "it goes without -n"),
        (("--shard", "3/2"), "'3/2' is no part"),
        (("--shard", "1/2", "--target", "http://127.0.0.1:9", "--api-key", "k"), "--shard needs --seed"),
    ],
)
def test_what_does_not_go_together(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    ended = run("certify", "--provider", "dots", "--output", tmp_path, *arguments)
    assert (ended.exit_code, message in ended.output) == (2, True), ended.output


def test_xdist_is_told_what_to_use_instead() -> None:
    ended = pytest_run("conformance/scenarios", "--conformance-provider", "dots", "-n", "2")
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR, ended.stdout + ended.stderr
    assert "conformance certify -n N" in ended.stdout + ended.stderr


# -- how processes end -------------------------------------------------------------------------------------------------


class _Watched:
    """Stands for ``subprocess``: keeps what was started, and kills the process of that number at once."""

    def __init__(self, kill: int = 0) -> None:
        self.kill, self.commands, self.started = kill, [], []

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, command: list[str], **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, **options)
        self.commands.append(" ".join(command))
        self.started.append(process)
        if len(self.started) == self.kill:
            process.kill()
            process.wait()
        return process


def test_a_killed_process_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = _Watched(kill=2)
    monkeypatch.setattr(processes, "subprocess", watched)
    (tmp_path / "certificate.json").write_text("{}")  # of an earlier run
    ended = run("certify", "--provider", "dots", "--output", tmp_path, "-n", "2")
    assert ended.exit_code == 3
    assert "process 2/2 was ended by SIGKILL before its part was there" in ended.output
    assert not (tmp_path / "certificate.json").exists()
    assert all(process.poll() is not None for process in watched.started)


def test_no_key_on_a_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = _Watched()
    monkeypatch.setattr(processes, "subprocess", watched)
    key = "sk_test_of_nobody_4711"
    address = ("--target", "http://127.0.0.1:9", "--api-key", key, "--output", tmp_path)
    ended = run("certify", "--provider", "dots", *address, "-n", "2")
    assert ended.exit_code == 3
    assert "gives no answer" in ended.output
    assert len(watched.commands) == 2
    assert not any(key in command for command in watched.commands)
    assert key not in ended.output


@contextmanager
def slow_target(folder: Path) -> Iterator[Path]:
    """The file of a target at which a run would last for hours."""
    with serve("dots") as url:
        settings = target_settings("dots")
        file = folder / "slow.toml"
        file.write_text(
            f'[target]\nname = "slow"\nprovider = "dots"\nbase_url = "{url}"\n'
            f'api_key = "env:SLOW_KEY"\nrequests_per_second = {NEVER}\n[instruments]\n'
            + "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings["instruments"].items())
        )
        yield file


def _until(there: Callable[[], object], what: str) -> None:
    until = time.monotonic() + 60
    while not there():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def test_interrupted_they_leave_a_partial_report(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with slow_target(tmp_path) as file:
        command = [sys.executable, "-m", "conformance", "certify", "--target", str(file), "-n", "2"]
        environment = os.environ | {"SLOW_KEY": target_settings("dots")["api_key"]}
        with subprocess.Popen(
            [*command, "--output", str(output)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            histories = [output / f"parts/{number}-of-2/history/exchanges.jsonl" for number in (1, 2)]
            _until(lambda: any(path.exists() and path.stat().st_size for path in histories), "nothing was sent")
            _until(lambda: all(path.exists() for path in histories), "a process did not begin")
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 3, said
    certificate = json.loads((output / "certificate.json").read_text())
    assert certificate["result"] == "inconclusive"
    assert "partial" in certificate["reasons"][0]


def test_a_process_ends_with_its_parent(tmp_path: Path) -> None:
    """The parent is killed; its child holds our pipe until it ends, which by itself would be in hours."""
    parent = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'conformance.parts.worker'], stdin=subprocess.PIPE)\n"
        "child.stdin.write(sys.argv[1].encode() + b'\\n'); child.stdin.flush(); time.sleep(600)\n"
    )
    with slow_target(tmp_path) as file:
        order = {"target": str(file), "shard": "1/2", "seed": 1, "output": str(tmp_path / "out"), "no_cleanup": True}
        with subprocess.Popen(
            [sys.executable, "-c", parent, json.dumps({**order, "processes_of_one": True})],
            env=os.environ | {"SLOW_KEY": target_settings("dots")["api_key"]},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            history = tmp_path / "out/history/exchanges.jsonl"
            _until(lambda: history.exists() and history.stat().st_size, "the child has sent nothing")
            process.kill()
            lines = process.communicate(timeout=60)[0].decode().splitlines()
    assert {"failed", "part"} & set(json.loads(lines[-1])), lines
