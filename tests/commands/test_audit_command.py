"""`audit`: recordings judged by the same rules, whoever made them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

SOUND = {"id": "3f6c1a52-7c1e-4d8a-9b0f-2a1d5c7e9f00", "amount": 123, "currency": "usd", "status": "created"}

CASSETTE = """interactions:
- request:
    body: '{"amount": 123, "currency": "usd"}'
    headers:
      Content-Type: [application/json]
    method: POST
    uri: https://pls.senddotssandbox.com/api/v2/payment-intents
  response:
    body: {string: '%s'}
    headers:
      Content-Type: [application/json]
    status: {code: 200, message: OK}
- request:
    body: null
    headers: {}
    method: GET
    uri: https://pls.senddotssandbox.com/api/v2/payment-intents/3f6c1a52-7c1e-4d8a-9b0f-2a1d5c7e9f00
  response:
    body: {string: '%s'}
    headers:
      Content-Type: [application/json]
    status: {code: 200, message: OK}
version: 1
"""


@pytest.fixture
def cassette(tmp_path: Path) -> Callable[..., Path]:
    """Writes a cassette of a create and a retrieve, with members of both answers changed."""

    def written(**members: Any) -> Path:
        path = tmp_path / "cassette.yaml"
        told = {**SOUND, **members}
        answers = json.dumps({**told, "client_secret": "secret_9f3a"}), json.dumps(told)
        path.write_text(CASSETTE % answers, encoding="utf-8")
        return path

    return written


@pytest.fixture
def audit(run: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:
    def audited(*arguments: Any) -> Result:
        result = run("audit", "--output", tmp_path / "audit", *arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        assert "Traceback" not in result.output
        return result

    return audited


def verdicts(tmp_path: Path) -> dict[str, str]:
    rows = json.loads((tmp_path / "audit" / "certificate.json").read_text())["requirements"]
    return {row["id"]: row["verdict"] for row in rows}


def test_a_sound_cassette(cassette: Callable, audit: Callable, tmp_path: Path) -> None:
    result = audit(cassette(), "--provider", "dots")
    assert result.exit_code == 0, result.output
    found = verdicts(tmp_path)
    assert found["DOT-004"] == found["DOT-008"] == "pass"
    assert found["DOT-049"] == "not_run"  # asks for an act
    assert json.loads((tmp_path / "audit" / "certificate.json").read_text())["mode"] == "recorded"


@pytest.mark.parametrize(
    ("members", "row"),
    [
        ({"status": "complete"}, "DOT-008"),
        ({"id": "pi_1"}, "DOT-004"),
        ({"amount": -1}, "DOT-005"),
        ({"amount": "123"}, "DOT-005"),
        ({"currency": "USD"}, "DOT-007"),
        ({"metadata": True}, "DOT-010"),
    ],
)
def test_an_altered_cassette_is_found(
    members: dict, row: str, cassette: Callable, audit: Callable, tmp_path: Path
) -> None:
    result = audit(cassette(**members), "--provider", "dots")
    assert result.exit_code == 1, result.output
    assert {identifier for identifier, verdict in verdicts(tmp_path).items() if verdict == "fail"} == {row}
    assert row in result.output


@pytest.mark.parametrize("provider", ["dots", "stripe"])
def test_the_history_of_a_sound_run(provider: str, run: Callable, audit: Callable, tmp_path: Path) -> None:
    assert run("certify", "--provider", provider, "--output", tmp_path / "run").exit_code == 0
    result = audit(tmp_path / "run" / "history" / "exchanges.jsonl", "--provider", provider)
    assert result.exit_code == 0, result.output
    acted = json.loads((tmp_path / "run" / "certificate.json").read_text())["requirements"]
    found = verdicts(tmp_path)
    assert [row["id"] for row in acted if row["verdict"] == "pass" and found[row["id"]] == "fail"] == []
    assert sum(verdict == "pass" for verdict in found.values()) > 20


def test_a_history_holds_one_run_alone(run: Callable, tmp_path: Path) -> None:
    history = tmp_path / "run" / "history" / "exchanges.jsonl"
    counts = []
    for _ in range(2):
        run("certify", "--provider", "dots", "--only", "DOT-049", "--output", tmp_path / "run")
        counts.append(len(history.read_bytes().splitlines()))
    assert counts[0] == counts[1] > 0


def test_an_altered_history_is_found(run: Callable, audit: Callable, tmp_path: Path) -> None:
    run("certify", "--provider", "dots", "--only", "DOT-049", "--output", tmp_path / "run")
    history = tmp_path / "run" / "history" / "exchanges.jsonl"
    text = history.read_text()
    changed = tmp_path / "changed.jsonl"
    changed.write_text(
        text.replace('\\"currency\\": \\"usd\\"', '\\"currency\\": \\"gbp\\"').replace(
            '\\"currency\\":\\"usd\\"', '\\"currency\\":\\"gbp\\"'
        )
    )
    assert changed.read_text() != text
    assert audit(changed, "--provider", "dots").exit_code == 1
    assert verdicts(tmp_path)["DOT-007"] == "fail"


def test_no_exchange_of_the_api(cassette: Callable, audit: Callable, tmp_path: Path) -> None:
    result = audit(cassette(), "--provider", "stripe")
    assert result.exit_code == 3, result.output
    assert set(verdicts(tmp_path).values()) <= {"not_run", "inapplicable"}
    (reason,) = json.loads((tmp_path / "audit" / "certificate.json").read_text())["reasons"]
    assert reason in " ".join(result.output.split())


BAD = {
    "missing": ("absent.yaml", None, "absent.yaml"),
    "unknown format": ("notes.txt", b"hello", "notes.txt"),
    "no YAML": ("broken.yaml", b"a: [", "broken.yaml"),
    "no cassette": ("other.yaml", b"a: 1\n", "other.yaml"),
    "no JSON lines": ("other.jsonl", b"hello\n", "other.jsonl"),
    "empty": ("empty.jsonl", b"", "empty.jsonl"),
    "no gzip": ("broken.yaml.gz", b"hello", "broken.yaml.gz"),
    "runs code": ("evil.yaml", b"interactions:\n- !!python/object/apply:os.system ['exit 7']\n", "evil.yaml"),
}


@pytest.mark.parametrize("case", BAD)
def test_files_that_are_no_recording(case: str, audit: Callable, tmp_path: Path) -> None:
    name, content, word = BAD[case]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = audit(tmp_path / name, "--provider", "dots")
    assert result.exit_code == 2, result.output
    assert word in result.output
    assert not (tmp_path / "audit" / "certificate.json").exists()


def test_an_earlier_certificate_does_not_stand_for_a_failed_audit(
    cassette: Callable, audit: Callable, tmp_path: Path
) -> None:
    assert audit(cassette(), "--provider", "dots").exit_code == 0
    assert audit(tmp_path / "absent.yaml", "--provider", "dots").exit_code == 2
    assert not (tmp_path / "audit" / "certificate.json").exists()


def test_unknown_provider(cassette: Callable, audit: Callable) -> None:
    result = audit(cassette(), "--provider", "acme")
    assert result.exit_code == 2
    assert "acme" in result.output


def test_strict_lets_should_decide(cassette: Callable, audit: Callable) -> None:
    file = cassette()
    file.write_text(file.read_text().replace("secret_9f3a", ""))  # DOT-015, a SHOULD, wants it of a create
    assert [audit(file, "--provider", "dots", *more).exit_code for more in ([], ["--strict"])] == [0, 1]


def test_it_says_what_it_looked_at(cassette: Callable, audit: Callable, tmp_path: Path) -> None:
    file = cassette()
    file.write_text(file.read_text().replace("/api/v2/payment-intents/3f6c", "/api/v2/users/3f6c"))
    result = audit(file, "--provider", "dots")
    assert result.exit_code == 0, result.output
    assert "judged: 1 exchange of 2" in result.output
    assert "not judged: 1 exchange that is no" in result.output
    assert json.loads((tmp_path / "audit" / "audit.json").read_text())["elsewhere"] == 1


def test_secrets_left_in_a_recording_warn(cassette: Callable, audit: Callable, tmp_path: Path) -> None:
    file, leak = cassette(), "3f6c1a52_secret_YrKJUKribcBjcG8HVhfZluoGH"
    file.write_text(file.read_text().replace("secret_9f3a", leak))
    for more, code in ([], 0), (["--strict"], 1):
        result = audit(file, "--provider", "dots", *more)
        assert result.exit_code == code, result.output
        assert "secrets left in the recording: client secret × 1" in result.output
        assert ("--strict does not let pass" in result.output) == bool(more)
        left = b"".join(path.read_bytes() for path in (tmp_path / "audit").rglob("*") if path.is_file())
        assert b"YrKJUKribcBjcG8HVhfZluoGH" not in left
        assert "YrKJUKribcBjcG8HVhfZluoGH" not in result.output
