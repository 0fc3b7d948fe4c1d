"""``conformance soak`` as a command: Locust's master and workers, on a reference server on a socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from conformance.cli import main
from conformance.evidence.history import read_history
from conformance.reference import policies_of, serve, target_settings
from conformance.reference.faults.fault import tells
from conformance.reference.faults.key_policies import remembers_keys
from conformance.reference.faults.lies import shows
from conformance.reference.policies import Policies
from conformance.reference.wire import Object
from conformance.run import HISTORY
from conformance.soak.messages import SOAK, WORKER
from conformance.target.journal import JOURNAL

LONG = 120.0  # seconds; no soak here needs as many


@dataclass
class Ended:
    """A command that has ended, and the folder of the soak."""

    code: int
    said: str
    folder: Path

    @property
    def certificate(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "certificate.json").read_text()))

    @property
    def failing(self) -> set[str]:
        return {row["id"] for row in self.certificate["requirements"] if row["verdict"] == "fail"}

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The lines of the file of that name that the workers have left."""
        files = sorted((self.folder / "workers").glob(f"*/{name}"))
        return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


@contextmanager
def target(folder: Path, provider: str = "stripe", policies: Policies | None = None, more: str = "") -> Iterator[Path]:
    """The file of a reference server's target; ``more`` are further lines of [target]."""
    settings = target_settings(provider)
    with serve(provider, policies=policies) as url:
        lines = ["[target]", 'name = "soaked"', f'provider = "{provider}"', f'base_url = "{url}"', more]
        lines += [f"api_key = {json.dumps(settings['api_key'])}", "[instruments]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in settings["instruments"].items()]
        path = folder / "target.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield path


def command(file: Path, folder: Path, *more: object) -> list[str]:
    asked = ("soak", "--target", file, "--output", folder, "--seed", 1, *more)
    return [sys.executable, "-m", "conformance", *map(str, asked)]


def soak(file: Path, folder: Path, *more: object) -> Ended:
    done = subprocess.run(command(file, folder, *more), capture_output=True, text=True, timeout=LONG, check=False)
    return Ended(done.returncode, done.stdout + done.stderr, folder)


def started(file: Path, folder: Path, *more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(file, folder, *more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0
    )


def until(condition: Callable[[], object]) -> None:
    """Returns when it holds."""
    for _ in range(int(LONG / 0.05)):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never holds")


def test_many_users_on_a_known_good_server(tmp_path: Path) -> None:
    with target(tmp_path) as file:
        done = soak(file, tmp_path / "out", "--users", 4, "--workers", 2, "--stories", 6, "--duration", 60)
    assert (done.code, done.certificate["result"], done.failing) == (0, "conformant", set()), done.said
    assert done.certificate["mode"] == "soak"
    told = json.loads((done.folder / SOAK).read_text())
    assert told["requests_per_second"] > 0
    assert told["led"]["trouble"] == []
    exchanges = done.lines(HISTORY)
    assert done.certificate["requests"] == len(exchanges) > 100
    assert {line["scenario"] for line in exchanges} == {
        f"soak, worker {worker}, user {user}" for worker in (1, 2) for user in (1, 2)
    }
    assert sum(one["requests"] for one in told["led"]["operations"].values()) == len(exchanges)
    assert all(one["unanswered"] == 0 for one in told["led"]["operations"].values()), "what we lose is not the target's"
    cleaned = [line["cleaned"] for line in done.lines(JOURNAL) if "cleaned" in line]
    assert [one["left"] for one in cleaned] == [0, 0]
    assert sum(one["intents"] for one in cleaned) > 20
    assert "sk_test_reference" not in "".join(file.read_text() for file in done.folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("workers", [1, 3])
def test_one_worker_or_three_find_the_same(workers: int, tmp_path: Path) -> None:
    with target(tmp_path, policies=remembers_keys(40)(policies_of("stripe"))) as file:
        options = ("--users", 6, "--workers", workers, "--stories", 12, "--no-cleanup")
        done = soak(file, tmp_path / "out", *options)
    assert (done.code, done.failing) == (1, {"STR-238"}), done.said
    again = CliRunner().invoke(main, ["soak", "--judge", str(done.folder), "--output", str(tmp_path / "again")])
    assert again.exit_code == 1, again.output
    second = json.loads((tmp_path / "again" / "certificate.json").read_text())
    assert second["requirements"] == done.certificate["requirements"]


def test_all_workers_keep_one_pace(tmp_path: Path) -> None:
    with target(tmp_path, "dots", more="requests_per_second = 30") as file:
        done = soak(file, tmp_path / "out", "--users", 6, "--workers", 3, "--duration", 3, "--no-cleanup")
    assert done.code == 0, done.said
    moments = sorted(line["started"] for line in done.lines(HISTORY))
    assert len(moments) > 30
    for begin in range(len(moments) - 1):
        within = [one for one in moments[begin:] if one < moments[begin] + 1.0]
        assert len(within) <= 30 + 2 * 3, "each worker may be late by one, and early by none"


def test_a_target_that_becomes_live_is_not_judged(tmp_path: Path) -> None:
    made = 0

    def live_from_the_twentieth(intent: Object) -> None:
        nonlocal made
        made += 1
        intent["livemode"] = made >= 20

    policies = tells(shows(live_from_the_twentieth, "create"))(policies_of("stripe"))
    with target(tmp_path, policies=policies) as file:
        done = soak(file, tmp_path / "out", "--users", 4, "--workers", 2, "--duration", 30)
    assert (done.code, "livemode: true" in done.said) == (3, True), done.said
    assert not (done.folder / "certificate.json").exists()
    assert made < 20 + 8, "each user may have had a create under way"


def test_workers_of_other_machines(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with target(tmp_path, "dots") as file:
        listens = ("--users", 4, "--stories", 4, "--workers", 1, "--remote", 1, "--listen", f"127.0.0.1:{port}")
        master = started(file, tmp_path / "out", *listens)
        other = started(file, tmp_path / "other", "--join", f"127.0.0.1:{port}")
        told, joined = master.communicate(timeout=LONG)[0], other.communicate(timeout=LONG)[0]
    assert (master.returncode, other.returncode) == (3, 0), told + joined
    assert f"conformance soak --judge {tmp_path / 'out'} --judge DIR" in told
    assert f"bring {tmp_path / 'other'} to the master" in joined
    assert not (tmp_path / "out" / "certificate.json").exists()
    assert json.loads((tmp_path / "out" / SOAK).read_text())["led"]["trouble"] == []  # each worker's last word came
    alone = CliRunner().invoke(main, ["soak", "--judge", str(tmp_path / "out")])
    assert (alone.exit_code, "the soak had 2 workers, and 1 folders are here" in alone.output) == (2, True)
    judged = ["--judge", str(tmp_path / "out"), "--judge", str(tmp_path / "other"), "--output", str(tmp_path / "whole")]
    whole = CliRunner().invoke(main, ["soak", *judged])
    assert whole.exit_code == 0, whole.output
    counts = [json.loads((folder / WORKER).read_text())["exchanges"] for folder in _workers(tmp_path)]
    assert json.loads((tmp_path / "whole" / "certificate.json").read_text())["requests"] == sum(counts)


def _workers(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "out" / "workers" / "1", tmp_path / "other"


def test_a_worker_that_is_killed_loses_at_most_what_is_under_way(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with target(tmp_path) as file:
        master = started(file, out, "--users", 4, "--workers", 2, "--duration", 60)
        history = out / "workers" / "2" / HISTORY
        until(lambda: history.exists() and history.stat().st_size > 50_000)
        os.kill(_child(master.pid, str(out / "workers" / "2")), signal.SIGKILL)
        told = master.communicate(timeout=LONG)[0]
    assert master.returncode == 3, told
    assert "a worker ended with -9 before its time" in told
    assert "the worker was ended before its time; what it has written is judged" in told
    done = Ended(3, told, out)
    assert (done.failing, done.certificate["result"]) == (set(), "conformant")
    assert (
        len([one for worker in (1, 2) for one in read_history(out / "workers" / str(worker) / HISTORY)])
        == (done.certificate["requests"])
    )
    cleaned = [line["cleaned"] for line in done.lines(JOURNAL) if "cleaned" in line]
    assert [one["left"] for one in cleaned] == [0, 0]


def _child(parent: int, folder: str) -> int:
    """The process id of the worker that writes into that folder."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            held = [os.readlink(one) for one in (entry / "fd").iterdir()]
            line = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if b"conformance.soak.worker" in line and any(name.startswith(folder) for name in held):
            return int(entry.name)
    raise AssertionError(f"{parent} has no worker in {folder}")


def test_ctrl_c_judges_what_was_seen(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with target(tmp_path) as file:
        master = started(file, out, "--users", 4, "--workers", 2, "--duration", 60)
        until(lambda: all((out / "workers" / str(one) / HISTORY).exists() for one in (1, 2)))
        until(lambda: (out / "workers" / "1" / HISTORY).stat().st_size > 50_000)
        master.send_signal(signal.SIGINT)
        told = master.communicate(timeout=LONG)[0]
    assert master.returncode == 3, told
    assert "interrupted; what was seen by then is judged" in told
    done = Ended(3, told, out)
    assert (done.failing, done.certificate["result"]) == (set(), "conformant")
    assert [line["cleaned"]["left"] for line in done.lines(JOURNAL) if "cleaned" in line] == [0, 0]
    assert all((out / "workers" / str(one) / WORKER).exists() for one in (1, 2))


def test_a_target_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "target.toml"
    file.write_text('[target]\nprovider = "dots"\nbase_url = "http://127.0.0.1:9"\napi_key = "a:b"\n')
    done = CliRunner().invoke(main, ["soak", "--target", str(file), "--output", str(tmp_path / "out")])
    assert (done.exit_code, "gives no answer" in done.output) == (3, True), done.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--target is missing"),
        (["--target", "x.toml", "--users", "0"], "--users 0: 1 to"),
        (["--target", "x.toml", "--duration", "0"], "--duration 0"),
        (["--target", "x.toml", "--workers", "0"], "--workers 0 needs --remote"),
        (["--target", "x.toml", "--listen", "127.0.0.1:1"], "it goes with --remote"),
        (["--target", "x.toml", "--remote", "1", "--listen", "here"], "HOST:PORT is wanted"),
        (["--target", "x.toml", "--join", "here"], "there is no target file"),
        (["--target", "x.toml"], "there is no target file"),
        (["--judge", "nowhere"], "nowhere/soak.json"),
        (["--judge", "x", "--target", "y"], "--judge sends nothing; it goes without --target"),
        (["--target", "https://pay.example", "--provider", "dots", "--api-key", "a:b"], "--i-own-this-server"),
        (["--target", "http://127.0.0.1:9", "--provider", "stripe", "--api-key", "sk_live_1"], "looks like a live key"),
    ],
)
def test_bad_input_is_told(options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["soak", *options])
    assert (done.exit_code, message in done.output) == (2, True), done.output


def test_without_locust_it_is_said_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "locust.py").write_text("raise ImportError('not there')\n")
    with target(tmp_path, "dots") as file:
        done = subprocess.run(
            command(file, tmp_path / "out"),
            capture_output=True, text=True, timeout=LONG, check=False,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )  # fmt: skip
    assert done.returncode == 3
    assert "pip install 'payment-intents-conformance[soak]'" in done.stderr
