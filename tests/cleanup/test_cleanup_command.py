"""``conformance cleanup``, and what ``certify`` says of its own clean-up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.attestation.digests import file_digest
from conformance.cli import main
from conformance.contract.loading import load_contracts
from conformance.evidence.history import read_history
from conformance.verdict import Certificate
from tests.benchmarks.kill import open_in
from tests.cleanup.server import Server, served

OPEN = open_in(load_contracts(None)["stripe"])
KEY = "env:CLEANUP_TEST_KEY"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served("stripe") as one:
        yield one


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    from conformance.reference import target_settings

    monkeypatch.setenv("CLEANUP_TEST_KEY", target_settings("stripe")["api_key"])


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def certified(server: Server, folder: Path, *more: str, settings: str = "") -> Result:
    target = server.target_file(folder / "t.toml", settings)
    result = run("certify", "--target", target, "--output", folder / "out", "--only", "STR-262", *more)
    assert result.exit_code == 0, result.output
    return result


def open_now(server: Server) -> int:
    return sum(status in OPEN for status in server.statuses().values())


@pytest.fixture(scope="module")
def left(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose intents were left as they are."""
    folder = tmp_path_factory.mktemp("left")
    before = open_now(server)
    assert "clean-up" not in certified(server, folder, "--no-cleanup").output
    assert open_now(server) > before
    return folder / "out"


def test_certify_cleans_up_outside_of_what_it_judges(server: Server, tmp_path: Path) -> None:
    before = open_now(server)
    output = certified(server, tmp_path).output
    assert ", 0 left" in output
    assert output.count("clean-up: ") == 1
    assert open_now(server) == before
    history = tmp_path / "out" / "history" / "exchanges.jsonl"
    certificate = Certificate.read(tmp_path / "out" / "certificate.json")
    assert certificate.digests
    assert certificate.digests.history == file_digest(history)
    assert certificate.requests == len(list(read_history(history)))
    assert not any(exchange.scenario == "clean-up" for exchange in read_history(history))


def test_the_setting_leaves_all_as_it_is(server: Server, tmp_path: Path) -> None:
    before = open_now(server)
    assert "clean-up" not in certified(server, tmp_path, settings="cleanup = false").output
    assert open_now(server) > before
    assert run("cleanup", tmp_path / "out", "--target", tmp_path / "t.toml").exit_code == 0
    assert open_now(server) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give it with --api-key"),
        (["--target", "https://api.stripe.com", "--api-key", KEY], "nothing was sent"),
        (["--target", "http://127.0.0.1:9", "--api-key", KEY], "nothing was sent"),
        (["--provider", "dots", "--api-key", KEY], "nothing was sent"),
        (["--api-key", "sk_live_0123456789abcdef"], "live key"),
    ],
)
def test_what_it_refuses(arguments: list[str], said: str, left: Path, server: Server) -> None:
    before = server.statuses()
    result = run("cleanup", left, *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert server.statuses() == before


def test_it_cancels_what_is_left_with_the_key_alone_and_again_does_nothing(left: Path, server: Server) -> None:
    first = run("cleanup", left, "--api-key", KEY)
    assert first.exit_code == 0, first.output
    assert ", 0 left" in first.output
    assert open_now(server) == 0
    again = run("cleanup", left.parent, "--api-key", KEY)
    assert again.exit_code == 0
    assert ", 0 canceled, 0 left" in again.output


def test_what_cannot_be_found_is_named_and_ends_with_1(server: Server, tmp_path: Path) -> None:
    certified(server, tmp_path)
    journal = tmp_path / "out" / "history" / "intents.jsonl"
    lost = {"create": 99, "at": 0, "scenario": "s", "credential": "test", "key": ""}
    with journal.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({**lost, "request": {"method": "POST", "path": "/v1/x", "body": ""}}) + "\n")
    result = run("cleanup", tmp_path / "out", "--api-key", KEY)
    assert result.exit_code == 1, result.output
    assert "create 99: it was never answered" in result.output


def test_a_target_that_is_not_there_ends_with_3(tmp_path: Path) -> None:
    with served("stripe") as gone:
        certified(gone, tmp_path, "--no-cleanup")
    result = run("cleanup", tmp_path / "out", "--api-key", KEY)
    assert result.exit_code == 3, result.output
    assert "gives no answer" in result.output


def test_where_no_run_was_it_says_so(tmp_path: Path) -> None:
    assert run("cleanup", tmp_path).exit_code == 0
    assert run("cleanup", tmp_path / "nowhere").exit_code == 2


def test_runs_of_several_targets_are_not_cleaned_with_one_key(tmp_path: Path) -> None:
    for number in (1, 2):
        journal = tmp_path / str(number) / "history" / "intents.jsonl"
        journal.parent.mkdir(parents=True)
        head = {"journal": 1, "provider": "stripe", "base_url": f"http://127.0.0.1:{number}"}
        journal.write_text(json.dumps(head) + "\n", encoding="utf-8")
    result = run("cleanup", tmp_path, "--api-key", KEY)
    assert result.exit_code == 2
    assert "several targets" in result.output
