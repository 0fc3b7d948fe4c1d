"""Settings mistakes: exit 2, a message that names what to change, and nothing sent."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

GOOD = '[target]\nprovider = "dots"\nbase_url = "URL"\napi_key = "client:key"\n'
WAIVER = '[[waiver]]\nrequirement = "DOT-001"\nreason = "answers 201 instead"\nuntil = 2999-01-01\n'


def refused(result: Result, *words: str) -> None:
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    for word in words:
        assert word in result.output


ARGUMENTS = {
    "unknown provider": (["--provider", "acme", "--target", "URL", "--api-key", "k"], ["--provider acme", "stripe"]),
    "unknown embedded provider": (["--provider", "acme"], ["--provider acme", "dots"]),
    "no provider": (["--target", "URL", "--api-key", "k"], ["--provider"]),
    "two providers": (
        ["--provider", "dots", "--provider", "stripe", "--target", "URL", "--api-key", "k"],
        ["--provider"],
    ),
    "no api key": (["--provider", "dots", "--target", "URL"], ["--api-key"]),
    "api key without target": (["--provider", "dots", "--api-key", "k"], ["--api-key", "--target"]),
    "api key of an unset variable": (
        ["--provider", "dots", "--target", "URL", "--api-key", "env:NO_SUCH_VARIABLE"],
        ["api_key", "NO_SUCH_VARIABLE"],
    ),
    "no address": (["--provider", "dots", "--target", "ftp://127.0.0.1/", "--api-key", "k"], ["base_url", "ftp:"]),
    "no host": (["--provider", "dots", "--target", "http://", "--api-key", "k"], ["base_url"]),
    "no port": (["--provider", "dots", "--target", "http://127.0.0.1:99999", "--api-key", "k"], ["base_url"]),
    "broken IPv6": (["--provider", "dots", "--target", "http://[::1", "--api-key", "k"], ["base_url"]),
    "unknown id": (["--provider", "dots", "--only", "DOT-999"], ["--only DOT-999"]),
    "id of another provider": (["--provider", "dots", "--only", "STR-001"], ["--only STR-001"]),
    "unknown area": (["--provider", "dots", "--area", "tax"], ["area", "create", "confirm"]),
    "unknown level": (["--provider", "dots", "--level", "never"], ["--level NEVER", "MUST"]),
    "nothing in common": (["--provider", "dots", "--only", "DOT-001", "--area", "confirm"], ["selection"]),
    "output is a file": (["--provider", "dots", "--output", __file__], [__file__]),
    "unknown option": (["--colour"], ["--colour"]),
    "seed is a word": (["--seed", "lucky"], ["--seed"]),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments(case: str, certify: Callable, listen: Callable) -> None:
    wire = listen(b"")
    given, words = ARGUMENTS[case]
    refused(certify(*(one.replace("URL", wire.url) for one in given)), *words)
    assert (wire.connections, wire.received) == (0, 0)


FILES = {
    "not TOML": ("[target\n", ["TOML"]),
    "unknown section": (GOOD + "[wishes]\n", ["wishes is unknown", "instruments"]),
    "unknown key": (GOOD + 'colour = "red"\n', ["[target] colour is unknown", "base_url"]),
    "unknown instrument": (GOOD + '[instruments]\nmagic = "x"\n', ["[instruments] magic", "success"]),
    "unknown lack": (GOOD + '[lacks]\nmagic = "x"\n', ["[lacks] magic"]),
    "lack without reason": (GOOD + '[lacks]\nuser = " "\n', ["[lacks] user needs a reason"]),
    "lack with a number": (GOOD + "[lacks]\nuser = 3\n", ["[lacks] user needs a reason"]),
    "unset variable": (GOOD.replace("client:key", "env:NO_SUCH_VARIABLE"), ["api_key", "NO_SUCH_VARIABLE"]),
    "unset variable of an instrument": (
        GOOD + '[instruments]\nuser = "env:NO_SUCH_VARIABLE"\n',
        ["user", "NO_SUCH_VARIABLE"],
    ),
    "no key": (GOOD.replace('api_key = "client:key"\n', ""), ["[target] lacks api_key"]),
    "empty key": (GOOD.replace("client:key", ""), ["[target] lacks api_key"]),
    "blank key": (GOOD.replace("client:key", "  "), ["api_key"]),
    "key is a number": (GOOD.replace('"client:key"', "7"), ["api_key"]),
    "no provider": (GOOD.replace('provider = "dots"\n', ""), ["[target] lacks provider"]),
    "unknown provider": (GOOD.replace("dots", "acme"), ["provider = 'acme'", "dots"]),
    "no address": (GOOD.replace('base_url = "URL"\n', ""), ["[target] lacks base_url"]),
    "address without scheme": (GOOD.replace("URL", "127.0.0.1:8080"), ["base_url"]),
    "address with a password": (GOOD, ["base_url"]),
    "empty": ("", ["[target] lacks provider"]),
    "target is a number": ("target = 3\n", ["[target]"]),
    "instruments are a list": ("instruments = []\n" + GOOD, ["[instruments]"]),
    "lacks are a word": ('lacks = "all"\n' + GOOD, ["[lacks]"]),
    "waivers are a number": ("waiver = 3\n" + GOOD, ["[[waiver]]"]),
    "waivers are words": ('waiver = ["DOT-001"]\n' + GOOD, ["[[waiver]]"]),
    "pace is a word": (GOOD + 'requests_per_second = "slow"\n', ["requests_per_second"]),
    "pace is negative": (GOOD + "requests_per_second = -1\n", ["requests_per_second"]),
    "pace is not a number": (GOOD + "requests_per_second = nan\n", ["requests_per_second"]),
    "timeout is true": (GOOD + "timeout = true\n", ["timeout"]),
    "timeout is endless": (GOOD + "timeout = inf\n", ["timeout"]),
    "waiver of nothing known": (GOOD + WAIVER.replace("DOT-001", "DOT-999"), ["[[waiver]]", "DOT-999"]),
    "waiver without date": (GOOD + WAIVER.partition("until")[0], ["DOT-001", "until is missing"]),
    "waiver with a bad date": (GOOD + WAIVER.replace("2999-01-01", '"soon"'), ["DOT-001", "until"]),
    "waiver without reason": (GOOD + WAIVER.replace("answers 201 instead", "todo"), ["DOT-001", "reason"]),
    "waiver with an unknown key": (GOOD + WAIVER + "owner = 3\n", ["DOT-001", "owner"]),
    "waiver twice": (GOOD + WAIVER + WAIVER, ["DOT-001", "twice"]),
}


@pytest.mark.parametrize("case", FILES)
def test_target_files(case: str, certify: Callable, listen: Callable, tmp_path: Path) -> None:
    wire = listen(b"")
    text, words = FILES[case]
    file = tmp_path / "mine.toml"
    url = wire.url.replace("http://", "http://me:pass@") if "password" in case else wire.url
    file.write_text(text.replace("URL", url), encoding="utf-8")
    refused(certify("--target", file), *words)
    assert (wire.connections, wire.received) == (0, 0)


def test_target_file_missing(certify: Callable, tmp_path: Path) -> None:
    refused(certify("--target", tmp_path / "absent.toml"), "absent.toml")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None], ids=["no text", "a folder"])
def test_target_file_unreadable(content: bytes | None, certify: Callable, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.mkdir() if content is None else file.write_bytes(content)
    refused(certify("--target", file), str(file))


def test_target_file_of_another_provider(certify: Callable, target_file: Callable, listen: Callable) -> None:
    wire = listen(b"")
    refused(certify("--provider", "stripe", "--target", target_file("dots", wire.url)), "--provider stripe", "dots")
    assert wire.connections == 0


def test_a_create_that_needs_an_instrument(certify: Callable, listen: Callable) -> None:
    wire = listen(b"")
    given = ["--provider", "revkeen", "--target", wire.url, "--api-key", "rk_sandbox_1"]
    refused(certify(*given), "[instruments] customer")
    assert wire.connections == 0


@pytest.mark.parametrize("text", [GOOD, GOOD + WAIVER], ids=["plain", "with a waiver"])
def test_the_file_that_these_mistakes_are_made_in_is_sound(text: str, certify: Callable, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    file = tmp_path / "mine.toml"
    file.write_text(text.replace("URL", url), encoding="utf-8")
    assert certify("--target", file).exit_code == 3  # nobody listens any more
