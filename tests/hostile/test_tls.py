"""TLS: whom the suite trusts, as whom it presents itself, and what it says of a target that it does not trust."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from conformance.contract import load_contract
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.reference import target_settings
from conformance.target.client import Client
from conformance.target.settings import SettingsError, make_target
from tests.commands.conftest import sound
from tests.hostile.certificates import Authority
from tests.hostile.server import Hostile, hostile

CREATE = {"operation": "create", "body": {"amount": 2000, "currency": "usd"}}
RETRIEVED = ("--only", "DOT-090")


@contextmanager
def serving(**how: Any) -> Iterator[Hostile]:
    """A sound server, but for what it speaks."""
    with hostile(lambda turn: turn.say(turn.sound()), sound=sound("dots"), **how) as server:
        yield server


def not_judged(result: Result, *words: str) -> None:
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == 3, result.output
    assert "Traceback" not in result.output
    for word in ("not judged", *words):
        assert word in result.output


def test_a_private_authority(certify: Callable[..., Result], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(tls=authority.issue("server").server()) as server:
        result = certify(server.url, *RETRIEVED, ca="authority.pem")  # beside the target file
        assert result.exit_code == 0, result.output
        not_judged(certify(server.url, *RETRIEVED), "[target] ca")


UNTRUSTED: dict[str, dict[str, Any]] = {
    "expired": {"days": -1},
    "self-signed": {"itself": True},
    "of another host": {"host": "other.test"},
}


@pytest.mark.parametrize("name", UNTRUSTED)
def test_a_certificate_that_is_not_trusted(name: str, certify: Callable[..., Result], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with serving(tls=authority.issue("server", **UNTRUSTED[name]).server()) as server:
        not_judged(certify(server.url, *RETRIEVED, ca="authority.pem"), "certificate is not trusted", "[target] ca")
        assert server.asked == []  # no key was sent


def test_of_another_authority(certify: Callable[..., Result], tmp_path: Path) -> None:
    Authority(tmp_path, "another")
    with serving(tls=Authority(tmp_path).issue("server").server()) as server:
        not_judged(certify(server.url, *RETRIEVED, ca="another.pem"), "[target] ca")


def test_plain_where_tls_is_spoken(certify: Callable[..., Result], tmp_path: Path) -> None:
    with serving(tls=Authority(tmp_path).issue("server").server(), scheme="http") as server:
        not_judged(certify(server.url, *RETRIEVED), "gives no answer")
        assert server.asked == []


def test_tls_where_plain_is_spoken(certify: Callable[..., Result]) -> None:
    with serving(scheme="https") as server:
        not_judged(certify(server.url, *RETRIEVED), "gives no answer")


def a_client(url: str, folder: Path, tls: dict[str, str]) -> Client:
    contract, settings = load_contract("dots"), target_settings("dots")
    base = url + settings["base_path"]
    target = make_target(contract, base_url=base, api_key=settings["api_key"], tls=tls, folder=folder, timeout=10)
    return Client(contract, target, History(Redactor(target.secrets())))


@pytest.mark.parametrize("shown", [True, False])
def test_our_own_certificate_on_every_way(shown: bool, tmp_path: Path) -> None:
    """Plain requests, bursts and the lost-reply proxy: all present it, and without it none gets through."""
    authority = Authority(tmp_path)
    authority.issue("suite")
    own = {"client_certificate": "suite.pem", "client_key": "suite-key.pem"} if shown else {}
    with serving(tls=authority.issue("server").server(clients=authority.certificate)) as server:
        client = a_client(server.url, tmp_path, {"ca": "authority.pem", **own})
        exchanges = [client.call(**CREATE), *client.together([CREATE] * 3), client.call(**CREATE, mishap="sent_twice")]
        client.close()
        assert [one.response is not None for one in exchanges] == [shown] * 5, [one.failure for one in exchanges]
        assert len(server.asked) == (6 if shown else 0)


def test_certificate_and_key_in_one_file(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("suite")
    (tmp_path / "both.pem").write_bytes(own.certificate.read_bytes() + own.key.read_bytes())
    with serving(tls=authority.issue("server").server(clients=authority.certificate)) as server:
        client = a_client(server.url, tmp_path, {"ca": "authority.pem", "client_certificate": "both.pem"})
        assert client.call(**CREATE).response is not None
        client.close()


MISTAKES = {
    "no such authority": ({"ca": "absent.pem"}, "[target] ca = "),
    "the authority is a folder": ({"ca": "."}, "[target] ca = "),
    "the authority is text": ({"ca": "text.pem"}, "[target] ca = "),
    "no path": ({"ca": ""}, "[target] ca"),
    "a number": ({"ca": 7}, "[target] ca"),
    "no such certificate": ({"client_certificate": "absent.pem"}, "[target] client_certificate = "),
    "a certificate without a key": ({"client_certificate": "suite.pem"}, "[target] client_certificate = "),
    "a key without a certificate": ({"client_key": "suite-key.pem"}, "[target] client_key"),
    "no such key": ({"client_certificate": "suite.pem", "client_key": "absent.pem"}, "[target] client_key = "),
    "another's key": ({"client_certificate": "suite.pem", "client_key": "other-key.pem"}, "[target] client_key = "),
    "a key with a passphrase": (
        {"client_certificate": "suite.pem", "client_key": "suite-locked.pem"},
        "[target] client_key = ",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_name_the_setting(name: str, certify: Callable[..., Result], tmp_path: Path) -> None:
    given, words = MISTAKES[name]
    authority = Authority(tmp_path)
    authority.issue("suite"), authority.issue("other")
    (tmp_path / "text.pem").write_text("what it says is nobody's business")
    with serving(scheme="https") as server:
        result = certify(server.url, **given)
        assert isinstance(result.exception, SystemExit), repr(result.exception)
        assert result.exit_code == 2, result.output
        assert words in result.output
        assert "nobody's business" not in result.output
        assert server.connections == 0


def test_it_is_for_https_alone(tmp_path: Path) -> None:
    Authority(tmp_path)
    with pytest.raises(SettingsError, match="ca is for a base_url that begins with https"):
        a_client("http://127.0.0.1:1", tmp_path, {"ca": "authority.pem"})
