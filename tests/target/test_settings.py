"""A target: defaults filled in, secrets by name, and what it lacks or does not lend."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from conformance.contract import Contract, load_contract, provider_names
from conformance.target.settings import SettingsError, Target, load_target, make_target, refuse_live

CONTRACTS = {name: load_contract(name) for name in provider_names()}
STRIPE = CONTRACTS["stripe"]
URL = "http://127.0.0.1:8080"


def made(contract: Contract = STRIPE, **given: Any) -> Target:
    return make_target(contract, **{"base_url": URL, "api_key": "sk_test_1", **given})


def test_documented_instruments_are_lent_and_may_be_replaced() -> None:
    documented = STRIPE.settings["instruments"]
    assert dict(made().instruments) == documented
    target = made(instruments={"success": "pm_mine", "customer": "cus_1"})
    assert dict(target.instruments) == {**documented, "success": "pm_mine", "customer": "cus_1"}


@pytest.mark.parametrize(
    ("url", "name", "base_url"),
    [
        ("http://127.0.0.1:8080/", "127.0.0.1-8080", "http://127.0.0.1:8080"),
        ("https://sandbox.acme.example/v2/", "sandbox.acme.example", "https://sandbox.acme.example/v2"),
        ("HTTPS://Sandbox.Acme.example", "sandbox.acme.example", "HTTPS://Sandbox.Acme.example"),
        ("http://[::1]:80", "ipv6-__1-80", "http://[::1]:80"),
        ("http://[2001:db8::1]", "ipv6-2001_db8__1", "http://[2001:db8::1]"),
    ],
)
def test_name_and_address(url: str, name: str, base_url: str) -> None:
    target = made(base_url=url)
    assert (target.name, target.base_url) == (name, base_url)


@pytest.mark.parametrize(
    "url",
    [
        *("", "acme.example", "ftp://acme.example", "http://", "//acme.example", "http://:80", "file:///etc/passwd"),
        *("http://acme.example:99999", "http://acme.example:x", "http://[::1", "http://me:pw@acme.example"),
        *("http://acme.example/?key=1", "http://acme.example/#top"),
    ],
)
def test_bad_addresses(url: str) -> None:
    with pytest.raises(SettingsError, match="base_url"):
        made(base_url=url)


def test_secrets_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", " sk_test_2\n")
    target = made(api_key="env:MY_KEY", instruments={"publishable_key": "env:MY_KEY", "customer": " cus_1 "})
    assert target.api_key == target.instruments["publishable_key"] == "sk_test_2"
    assert target.instruments["customer"] == "cus_1"


def test_several_secrets_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST", "pm_1")
    assert made(instruments={"success": ["env:FIRST", "pm_2"]}).instruments["success"] == ["pm_1", "pm_2"]


@pytest.mark.parametrize("value", [None, "", "  "], ids=["unset", "empty", "blank"])
def test_an_environment_variable_without_value(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("MY_KEY", value)
    with pytest.raises(SettingsError, match=r"mine: api_key.*MY_KEY is not set"):
        made(api_key="env:MY_KEY", where="mine: ")


def test_secrets_are_not_told() -> None:
    target = made(api_key="sk_test_hush", instruments={"publishable_key": "pk_test_hush"})
    assert "hush" not in repr(target) + str(target)
    assert target.secrets() == {"api_key": "sk_test_hush", "publishable_key": "pk_test_hush"}


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"instruments": {"magic": "x"}}, r"\[instruments\] magic is unknown; known to stripe: .*success"),
        ({"lacks": {"magic": "x"}}, r"\[lacks\] magic is unknown"),
        ({"lacks": {"cancel": ""}}, r"\[lacks\] cancel needs a reason"),
        ({"lacks": {"cancel": True}}, r"\[lacks\] cancel needs a reason"),
        ({"timeout": "long"}, "timeout = 'long'"),
        ({"timeout": -1}, "timeout = -1"),
        ({"requests_per_second": True}, "requests_per_second = True"),
        ({"burst": -1}, "burst = -1 is no whole number"),
        ({"burst": 2.5}, "burst = 2.5 is no whole number"),
    ],
)
def test_bad_values(given: dict, word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        made(**given)


@pytest.mark.parametrize(
    ("provider", "url", "given", "pace"),
    [
        ("revkeen", "https://sandbox.acme.example", None, 1.6),
        ("revkeen", URL, None, 0.0),
        ("revkeen", "https://sandbox.acme.example", 9, 9.0),
        ("revkeen", URL, 9, 9.0),
        ("revkeen", "https://sandbox.acme.example", 0, 0.0),
        ("stripe", "https://api.stripe.com", None, STRIPE.settings.get("requests_per_second", 0)),
    ],
)
def test_pace(provider: str, url: str, given: float | None, pace: float) -> None:
    assert made(CONTRACTS[provider], base_url=url, requests_per_second=given).requests_per_second == pace


@pytest.mark.parametrize(
    ("provider", "url", "given", "burst"),
    [
        ("stripe", URL, {}, 10),  # nobody limits it
        ("stripe", "https://api.stripe.com", {}, 10),  # of 20 a second
        ("stripe", "https://api.stripe.com", {"requests_per_second": 5}, 5),
        ("stripe", "https://api.stripe.com", {"requests_per_second": 1}, 0),  # one at once is no burst
        ("revkeen", "https://sandbox.acme.example", {}, 10),  # of 200 documented, whatever the pace
        ("stripe", "https://api.stripe.com", {"burst": 100}, 100),
        ("stripe", URL, {"burst": 0}, 0),
    ],
)
def test_how_many_at_once(provider: str, url: str, given: dict, burst: int) -> None:
    assert made(CONTRACTS[provider], base_url=url, **given).burst == burst


@pytest.mark.parametrize(
    ("given", "needs", "reason"),
    [
        ({}, (), ""),
        ({}, ("success", "declined"), ""),
        ({}, ("cancel",), ""),  # claimed by every target unless it says otherwise
        ({"lacks": {"cancel": "phase 2"}}, ("success", "cancel"), "the target lacks cancel: phase 2"),
        ({"lacks": {"success": "no cards"}}, ("success",), "the target lacks success: no cards"),
        ({}, ("success", "customer"), f"the target lends no customer ({STRIPE.settings['capabilities']['customer']})"),
        ({"instruments": {"customer": "cus_1"}}, ("customer",), ""),
        ({"instruments": {"customer": ""}}, ("customer",), "the target lends no customer"),
        ({"instruments": {"success": []}}, ("success",), "the target lends no success"),
        ({"instruments": {"bank_debits": False}}, ("bank_debits",), "the target lends no bank_debits"),
    ],
)
def test_missing(given: dict, needs: tuple[str, ...], reason: str) -> None:
    told = made(**given).missing(STRIPE, needs)
    assert told.startswith(reason) if reason else told == ""


def test_a_target_file(tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(
        f'[target]\nprovider = "stripe"\nbase_url = "{URL}/"\napi_key = "sk_test_1"\nrequests_per_second = 20\n'
        'timeout = 5\n[instruments]\ncustomer = "cus_1"\n[lacks]\ncancel = "phase 2"\n'
        '[[waiver]]\nrequirement = "STR-001"\n'
    )
    target = load_target(file, CONTRACTS)
    assert (target.name, target.provider, target.base_url) == ("acme", "stripe", URL)
    assert (target.api_key, target.requests_per_second, target.timeout) == ("sk_test_1", 20.0, 5.0)
    assert (target.instruments["customer"], target.instruments["success"]) == ("cus_1", "pm_card_visa")
    assert (target.lacks, target.waivers) == ({"cancel": "phase 2"}, ({"requirement": "STR-001"},))
    assert load_target(file, CONTRACTS, api_key="sk_test_2").api_key == "sk_test_2"


def test_a_key_given_spares_the_one_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(f'[target]\nprovider = "stripe"\nbase_url = "{URL}"\napi_key = "env:NOT_SET_HERE"\n')
    assert load_target(file, CONTRACTS, api_key="sk_test_2").api_key == "sk_test_2"


@pytest.mark.parametrize("key", ["sk_test_1", "rk_sandbox_1", "client:secret", "sk_liver", "live"])
def test_test_keys_are_taken(key: str) -> None:
    refuse_live(made(api_key=key), CONTRACTS)


@pytest.mark.parametrize("key", ["sk_live_1", "x:pk_live_1", "RK_LIVE_1"])
def test_live_keys_are_not(key: str) -> None:
    with pytest.raises(SettingsError, match="api_key looks like a live key") as refused:
        refuse_live(made(api_key=key), CONTRACTS)
    assert key not in str(refused.value)


def test_what_a_target_file_wants_redacted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERNAL_HOST", "pay.internal.acme")
    file = tmp_path / "acme.toml"
    file.write_text(
        f'[target]\nprovider = "stripe"\nbase_url = "{URL}"\napi_key = "sk_test_1"\n'
        '[redact]\nnames = ["customer_name", "X-Internal-Token"]\ntexts = ["Jane Doe", "env:INTERNAL_HOST"]\n'
    )
    target = load_target(file, CONTRACTS)
    assert target.redact_names == ("customer_name", "X-Internal-Token")
    assert target.redact_texts == ("Jane Doe", "pay.internal.acme")
    assert "Jane" not in repr(target)
    assert made().redact_names == made().redact_texts == ()


@pytest.mark.parametrize(
    ("redact", "word"),
    [
        ('words = ["x"]', "words is unknown"),
        ('names = "x"', "names is no list of texts"),
        ("names = [1]", "names is no list of texts"),
        ('texts = ["x", ""]', "texts is no list of texts"),
        ('texts = ["env:NOT_SET_HERE"]', "NOT_SET_HERE is not set"),
    ],
)
def test_mistakes_in_what_is_to_be_redacted(redact: str, word: str, tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(f'[target]\nprovider = "stripe"\nbase_url = "{URL}"\napi_key = "sk_test_1"\n[redact]\n{redact}\n')
    with pytest.raises(SettingsError, match=re.escape(word)):
        load_target(file, CONTRACTS)
