"""Targets that answer rubbish, from the start or after a sound beginning: never conformant, never a traceback."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from conformance.contract import load_contract, provider_names
from conformance.rules.judge import rules
from conformance.target.client import MOST_REFUSED
from conformance.target.pace import BACKOFF

pytestmark = pytest.mark.usefixtures("without_pauses")

JSON, HTML, TEXT = "application/json", "text/html", "text/plain"


def answer(status: int, body: bytes = b"", media_type: str = JSON, *more: str) -> bytes:
    head = [f"HTTP/1.1 {status} Said", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body


GARBAGE = {
    "random bytes": random.Random(1).randbytes(2000),
    "html": answer(200, b"<html><body>Welcome</body></html>", HTML),
    "empty 200": answer(200),
    "empty 500": answer(500),
    "text 500": answer(500, b"oops", TEXT),
    "null": answer(200, b"null"),
    "list": answer(200, b"[]"),
    "string": answer(200, b'"x"'),
    "number": answer(200, b"7"),
    "empty object": answer(200, b"{}"),
    "nested without end": answer(200, b"[" * 5_000),
    "invalid UTF-8": answer(200, b'{"id": "\xff\xfe"}'),
    "cut short": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"id": "a',
    "closed at once": b"",
    "closed within headers": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "closed after headers": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n",
    "no gzip": answer(200, b"plain", JSON, "Content-Encoding: gzip"),
    "9 MB": answer(200, b'{"a": "' + b"x" * (9 << 20) + b'"}'),
    "redirect": answer(302, b"", HTML, "Location: http://127.0.0.1:9/v1/payment_intents"),
    "always 429": answer(429, b"slow down", TEXT),
    "always 404": answer(404, b"not here", TEXT),
}


def never_sound(result: Result, *codes: int) -> None:
    """One of the codes, and no traceback."""
    assert isinstance(result.exception, SystemExit), result.exc_info
    assert "Traceback" not in result.output
    assert result.exit_code in codes, result.output


@pytest.mark.parametrize(
    ("provider", "name"),
    [("dots", name) for name in GARBAGE]
    + [(name, kind) for name in provider_names() if name != "dots" for kind in ("html", "text 500", "closed at once")],
)
def test_rubbish_from_the_start(
    provider: str, name: str, listen: Callable, reach: Callable, certify: Callable, tmp_path: Path
) -> None:
    wire = listen(GARBAGE[name])
    result = certify(*reach(provider, wire.url))
    never_sound(result, 3)
    assert "not judged" in result.output
    assert len(wire.asked) == (1 + len(BACKOFF) if name == "always 429" else 1)
    assert not (tmp_path / "out" / "certificate.json").exists()


@pytest.mark.parametrize("name", ["html", "closed at once", "always 404"])
def test_rubbish_on_retrieve_alone(
    name: str, turning: Callable, reach: Callable, certify: Callable, tmp_path: Path
) -> None:
    wire = turning("dots", GARBAGE[name], after=1)
    never_sound(certify(*reach("dots", wire.url)), 3)
    assert len(wire.asked) == 2
    assert not (tmp_path / "out" / "certificate.json").exists()


def acted_upon_rubbish(folder: Path, after: int) -> list[str]:
    """The scenario rows that pass by nothing but what came after the turn.

    Of a wrong path any 404 is a good answer, and a list that is empty is a list.
    """
    judged_alone = {*rules(), "unknown_path_refused", "list_succeeds"}
    rows = json.loads((folder / "certificate.json").read_text())["requirements"]
    return [
        row["id"]
        for row in rows
        if row["verdict"] == "pass" and row["check"] not in judged_alone and all(n > after for n in row["exchanges"])
    ]


@pytest.mark.parametrize(
    ("provider", "name"),
    [("dots", name) for name in GARBAGE] + [("stripe", name) for name in ("html", "always 404", "cut short")],
)
def test_rubbish_after_a_sound_preflight(
    provider: str, name: str, turning: Callable, reach: Callable, certify: Callable, tmp_path: Path
) -> None:
    wire = turning(provider, GARBAGE[name], after=2)
    result = certify(*reach(provider, wire.url))
    never_sound(result, 1, 3)
    if name == "always 429":  # which is heeded, a few times, and then the target is left alone
        assert len(wire.asked) == 2 + MOST_REFUSED * (1 + len(BACKOFF))
        assert "lower [target] requests_per_second" in result.output
    else:
        assert len(wire.asked) > 20  # it did go on after the turn
    assert acted_upon_rubbish(tmp_path / "out", 2) == []


def test_a_key_withdrawn_on_the_way_passes_nothing(
    turning: Callable, reach: Callable, certify: Callable, tmp_path: Path
) -> None:
    wire = turning("dots", answer(401, b'{"message": "unauthorized"}'), after=2)
    never_sound(certify(*reach("dots", wire.url), "--area", "create"), 1, 3)
    assert acted_upon_rubbish(tmp_path / "out", 2) == []


def test_redirects_are_not_followed(listen: Callable, turning: Callable, reach: Callable, certify: Callable) -> None:
    elsewhere = listen(answer(200, b"{}"))
    away = answer(307, b"", HTML, f"Location: {elsewhere.url}/v1/payment_intents")
    never_sound(certify(*reach("dots", listen(away).url)), 3)
    never_sound(certify(*reach("dots", turning("dots", away).url)), 1, 3)
    assert elsewhere.connections == 0


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("provider", provider_names())
def test_a_refused_key_is_told_as_such(
    provider: str, status: int, listen: Callable, reach: Callable, certify: Callable
) -> None:
    result = certify(*reach(provider, listen(answer(status, b'{"error": "who?"}')).url))
    never_sound(result, 3)
    assert "check api_key" in result.output
    assert "reference-key" not in result.output
    assert "sk_test_reference" not in result.output


def test_dots_withdrawn(listen: Callable, reach: Callable, certify: Callable) -> None:
    gone = listen(answer(404, b'{"message": "not found"}')).url
    result = certify(*reach("dots", gone))
    never_sound(result, 3)
    assert load_contract("dots").settings["unavailable"] in result.output
    assert "withdrawn" not in certify(*reach("stripe", gone)).output


@pytest.mark.parametrize(
    ("name", "setting"), [("always 429", "requests_per_second"), ("html", "base_url"), ("closed at once", "base_url")]
)
def test_the_message_names_what_to_change(
    name: str, setting: str, listen: Callable, reach: Callable, certify: Callable
) -> None:
    assert setting in certify(*reach("stripe", listen(GARBAGE[name]).url)).output


def test_nothing_listens(reach: Callable, certify: Callable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = certify(*reach("stripe", f"http://127.0.0.1:{port}"))
    never_sound(result, 3)
    assert "base_url" in result.output


def test_never_answers(listen: Callable, target_file: Callable, certify: Callable) -> None:
    def silence(asked) -> bytes:  # type: ignore[no-untyped-def]
        asked.gone.wait(30)
        return b""

    result = certify("--target", target_file("dots", listen(silence).url, timeout=0.2))
    never_sound(result, 3)
    assert "ReadTimeout" in result.output


@pytest.mark.parametrize(("name", "after"), [("random bytes", 0), ("html", 2)])
def test_as_a_process(name: str, after: int, turning: Callable, reach: Callable, tmp_path: Path) -> None:
    wire = turning("dots", GARBAGE[name], after=after)
    command = [sys.executable, "-c", "from conformance.cli import main; main()", "certify", "--output", tmp_path]
    ended = subprocess.run([*command, *reach("dots", wire.url)], capture_output=True, text=True, timeout=60)
    assert ended.returncode == (1 if after else 3), ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
