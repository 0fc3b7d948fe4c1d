"""Credentials and hosts that could move real money are refused before anything is sent, whoever's they are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpcore
import pytest
from click.testing import Result

from conformance.contract import load_contract, provider_names

CONTRACTS = {name: load_contract(name) for name in provider_names()}
TAIL = "51HxQz7Kd0aBcDeFgHiJkLm"
MARKS = sorted({mark for contract in CONTRACTS.values() for mark in contract.settings["live_keys"]})
HOSTS = sorted({host for contract in CONTRACTS.values() for host in contract.settings["live_hosts"]})
FORMS = {
    "plain": "{key}",
    "spaces around": "  {key}\t",
    "in capitals": "{KEY}",
    "as a password": "client:{key}",
    "as a user": "{key}:",
    "with its scheme": "Bearer {key}",
}


def refused(result: Result, *secret: str) -> None:
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == 2, result.output
    assert "Nothing was sent" in result.output
    for text in secret:
        assert text.lower() not in result.output.lower()


@pytest.fixture(autouse=True)
def nothing_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes on the network fails the test, also where the address is not ours."""

    def used(*_: object, **__: object) -> None:
        raise AssertionError("a request was sent")

    monkeypatch.setattr(httpcore.ConnectionPool, "handle_request", used)


def test_there_are_marks_and_hosts() -> None:
    assert {"sk_live_", "rk_live_", "pk_live_"} <= set(MARKS)
    assert "api.dots.dev" in HOSTS


@pytest.mark.parametrize(
    ("provider", "form"),
    [(name, "plain") for name in CONTRACTS] + [("dots", form) for form in FORMS if form != "plain"],
)
@pytest.mark.parametrize("mark", MARKS)
def test_live_key(mark: str, form: str, provider: str, listen: Callable, certify: Callable) -> None:
    wire, key = listen(b""), mark + TAIL
    given = FORMS[form].format(key=key, KEY=key.upper())
    refused(certify("--provider", provider, "--target", wire.url, "--api-key", given), TAIL)
    assert (wire.connections, wire.received) == (0, 0)


@pytest.mark.parametrize("mark", MARKS)
def test_live_key_of_the_environment(
    mark: str, listen: Callable, certify: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = listen(b"")
    monkeypatch.setenv("SHOP_KEY", f" {mark}{TAIL}\n")
    refused(certify("--provider", "dots", "--target", wire.url, "--api-key", "env:SHOP_KEY"), TAIL)
    assert wire.connections == 0


LENT = 'api_key = "sk_test_1"\n[instruments]\n'
FILES = {
    "key": ("stripe", 'api_key = "{key}"\n'),
    "key of another provider": ("dots", 'api_key = "client:{key}"\n'),
    "key of the environment": ("revkeen", 'api_key = "env:SHOP_KEY"\n'),
    "lent key": ("stripe", LENT + 'publishable_key = "{key}"\n'),
    "lent key of the environment": ("stripe", LENT + 'publishable_key = "env:SHOP_KEY"\n'),
    "lent keys": ("dots", LENT + 'organisation_key = ["a:b", "{key}"]\n'),
    "lent key of a smaller scope": ("revkeen", LENT + 'read_only_key = "{key}"\n'),
    "any other thing lent": ("stripe", LENT + 'success = "{key}"\n'),
}


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("case", FILES)
def test_live_key_in_a_target_file(
    case: str, mark: str, listen: Callable, certify: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, key = listen(b""), mark + TAIL
    monkeypatch.setenv("SHOP_KEY", key)
    provider, text = FILES[case]
    file = tmp_path / "mine.toml"
    file.write_text(f'[target]\nprovider = "{provider}"\nbase_url = "{wire.url}"\n{text.format(key=key)}')
    refused(certify("--target", file), TAIL)
    assert (wire.connections, wire.received) == (0, 0)


@pytest.mark.parametrize("mark", MARKS)
def test_live_key_in_the_address(mark: str, listen: Callable, certify: Callable) -> None:
    wire = listen(b"")
    url = wire.url.replace("http://", f"http://{mark}{TAIL}@")
    result = certify("--provider", "stripe", "--target", url, "--api-key", "sk_test_1")
    assert result.exit_code == 2, result.output
    assert TAIL not in result.output
    assert wire.connections == 0


@pytest.mark.parametrize("form", ["https://{}/api", "http://{}", "https://{}:443/v2", "HTTPS://{}/", "https://{}./api"])
@pytest.mark.parametrize("spelled", [str.lower, str.upper], ids=["lower", "upper"])
@pytest.mark.parametrize("host", HOSTS)
def test_live_host(host: str, spelled: Callable[[str], str], form: str, certify: Callable) -> None:
    for provider in CONTRACTS:
        given = ["--provider", provider, "--target", form.format(spelled(host)), "--api-key", "client:reference"]
        refused(certify(*given))


@pytest.mark.parametrize("host", HOSTS)
def test_live_host_in_a_target_file(host: str, target_file: Callable, certify: Callable) -> None:
    refused(certify("--target", target_file("dots", f"https://{host}/api")))


UNKNOWN = ["api.dots.dev.localhost", "notapi.dots.dev.invalid", "10.0.0.7", "api.stripe.com"]
OWN = "--i-own-this-server"


@pytest.mark.parametrize("host", UNKNOWN)
def test_a_host_that_nobody_documents_has_to_be_called_ones_own(host: str, certify: Callable) -> None:
    given = ("--provider", "dots", "--target", f"http://{host}/", "--api-key", "client:reference")
    result = certify(*given)
    refused(result)
    assert OWN in result.output
    assert "pls.senddotssandbox.com" in result.output, "the sandboxes that the provider documents"
    assert isinstance(certify(*given, OWN).exception, AssertionError)  # it would have sent


@pytest.mark.parametrize("host", UNKNOWN)
def test_a_target_file_can_call_it_ones_own(host: str, certify: Callable, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    text = f'[target]\nprovider = "dots"\nbase_url = "http://{host}/"\napi_key = "client:reference"\n'
    for setting, code in (("", 2), ("i_own_this_server = false\n", 2), ('i_own_this_server = "yes"\n', 2)):
        file.write_text(text + setting)
        assert certify("--target", file).exit_code == code
    file.write_text(text + "i_own_this_server = true\n")
    assert isinstance(certify("--target", file).exception, AssertionError)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "[::1]", "localhost", "pls.senddotssandbox.com"])
def test_this_machine_and_documented_sandboxes_are_known(host: str, certify: Callable) -> None:
    result = certify("--provider", "dots", "--target", f"http://{host}/", "--api-key", "client:reference")
    assert isinstance(result.exception, AssertionError)


@pytest.mark.parametrize("host", HOSTS)
def test_nobody_owns_a_live_host(host: str, certify: Callable) -> None:
    refused(certify("--provider", "dots", "--target", f"https://{host}/", "--api-key", "client:reference", OWN))


@pytest.mark.parametrize("mark", MARKS)
def test_nobody_owns_a_live_key(mark: str, certify: Callable) -> None:
    given = ("--provider", "dots", "--target", "https://acme.example/", "--api-key", mark + TAIL)
    refused(certify(*given, OWN), TAIL)


def test_live_key_as_a_process(listen: Callable, tmp_path: Path) -> None:
    wire = listen(b"")
    command = [sys.executable, "-c", "from conformance.cli import main; main()", "certify", "--output", str(tmp_path)]
    given = ["--provider", "stripe", "--target", wire.url, "--api-key", f"sk_live_{TAIL}"]
    ended = subprocess.run([*command, *given], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert TAIL not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    assert (wire.connections, wire.received) == (0, 0)


def test_live_key_under_pytest(listen: Callable, tmp_path: Path) -> None:
    wire, key = listen(b""), f"sk_live_{TAIL}"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--conformance-provider", "stripe"]
    command += ["--conformance-target", wire.url, "--conformance-api-key", key, "--conformance-output", str(tmp_path)]
    ended = subprocess.run(
        [*command, "conformance/scenarios"], capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2]
    )
    assert ended.returncode == 4, ended.stdout + ended.stderr  # pytest's own code for wrong use
    assert TAIL not in ended.stdout + ended.stderr
    assert wire.connections == 0
