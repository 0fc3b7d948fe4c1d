"""``conformance init``: a target file that the suite takes, as it is and with all that it leaves out."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from conformance.contract import contract_root, provider_names
from conformance.contract.loading import load_contracts
from conformance.reference import serve, target_settings
from conformance.target.settings import load_target, make_target
from conformance.verdict import read_waivers

INVENTED = Path(__file__).parents[1] / "invented" / "contracts"
CONTRACTS = load_contracts(INVENTED)
SCHEMA = json.loads((contract_root() / "conformance.toml.schema.json").read_bytes())


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contracts_of(provider: str) -> list[str]:
    return [] if provider in provider_names() else ["--contracts", str(INVENTED)]


def with_all_settings(text: str) -> str:
    """The file with every setting that it leaves out."""
    return re.sub(r"^#(?=[\w\[])", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("provider", CONTRACTS)
def test_what_it_writes_is_what_the_suite_takes_for_granted(
    provider: str, run: Callable, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("init", "--provider", provider, *contracts_of(provider))
    assert result.exit_code == 0, result.output
    monkeypatch.setenv(f"{provider.upper()}_TEST_KEY", "a-test-key")
    written = load_target(here / "conformance.toml", CONTRACTS)
    assert written == make_target(CONTRACTS[provider], base_url=written.base_url, api_key="a-test-key")


@pytest.mark.parametrize("provider", CONTRACTS)
def test_every_setting_stands_in_it_and_is_sound(
    provider: str, run: Callable, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("init", "--provider", provider, *contracts_of(provider))
    text = with_all_settings((here / "conformance.toml").read_text(encoding="utf-8"))
    text = text.replace('base_url = "http://', 'base_url = "https://')  # or nobody would need certificates
    monkeypatch.setattr("conformance.target.tls.Tls.context", lambda files: None)  # they are not there
    for variable in re.findall(r'"env:(\w+)"', text):
        monkeypatch.setenv(variable, "a-text-of-the-environment")
    (here / "all.toml").write_text(text, encoding="utf-8")
    target = load_target(here / "all.toml", CONTRACTS)
    table, contract = tomllib.loads(text), CONTRACTS[provider]
    for section in ("target", "redact"):
        assert set(table[section]) == set(SCHEMA["properties"][section]["properties"]), section
    (waiver,) = read_waivers(target.waivers, contract.requirements)
    assert set(target.waivers[0]) == set(SCHEMA["properties"]["waiver"]["items"]["properties"])
    assert str(waiver.until) == "2027-03-31"
    assert not set(table["instruments"]) & set(table["lacks"])
    assert {*table["instruments"], *table["lacks"]} == set(contract.settings["capabilities"])
    for name, meaning in contract.settings["capabilities"].items():
        assert re.search(rf"^{name} = .*  # {re.escape(meaning)}$", text, re.MULTILINE), name


@pytest.mark.parametrize(
    ("provider", "address"),
    [
        ("stripe", "https://api.stripe.com"),
        ("revkeen", "https://staging-api.revkeen.com/v2"),  # not the production host, which is documented before it
        ("paypercut", "https://api.paypercut.io"),
        ("dots", "http://127.0.0.1:8080/api"),  # production is all that is documented
        ("acme", "http://127.0.0.1:8080"),  # nothing is
    ],
)
def test_it_points_at_the_documented_sandbox(provider: str, address: str, run: Callable, here: Path) -> None:
    assert f"{address} " in run("init", "--provider", provider, *contracts_of(provider)).output
    assert tomllib.loads((here / "conformance.toml").read_text())["target"]["base_url"] == address


@pytest.mark.parametrize(
    ("provider", "line"),
    [
        ("stripe", "# By what Stripe documents: 20 a second."),
        ("revkeen", "# By what RevKeen documents: 1.6 a second, 200 at once."),
        ("dots", "# Dots documents no limit."),
    ],
)
def test_the_documented_limits_are_told(provider: str, line: str, run: Callable, here: Path) -> None:
    run("init", "--provider", provider)
    assert line in (here / "conformance.toml").read_text().splitlines()


def test_its_first_line_names_the_schema(run: Callable, here: Path) -> None:
    run("init", "--provider", "dots")
    assert (here / "conformance.toml").read_text().splitlines()[0] == f"#:schema {SCHEMA['$id']}"


def test_the_command_that_it_names_works(run: Callable, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the reference server, once the key is in the environment: nothing else has to be changed."""
    with serve("stripe") as url:
        told = run("init", "--provider", "stripe", "--base-url", url, "--output", "my target.toml").output
        variable = re.search(r"export (\w+)=", told)
        assert variable, told
        assert "  conformance certify --target 'my target.toml'\n" in told
        monkeypatch.setenv(variable[1], target_settings("stripe")["api_key"])
        result = run("certify", "--target", "my target.toml", "--only", "STR-001", "--output", "out")
    assert result.exit_code == 0, result.output
    judged = json.loads((here / "out" / "certificate.json").read_bytes())
    assert judged["target"] == {"name": url.removeprefix("http://").replace(":", "-"), "base_url": url}


def test_it_says_what_every_create_needs(run: Callable) -> None:
    assert "every create needs it: the target lends no customer" in run("init", "--provider", "revkeen").output
    assert "every create needs" not in run("init", "--provider", "stripe", "--force").output


def test_it_names_the_contracts_in_the_command(run: Callable) -> None:
    told = run("init", "--provider", "acme", "--contracts", INVENTED).output
    assert f"conformance certify --target conformance.toml --contracts {INVENTED}\n" in told


def test_nothing_is_overwritten_without_force(run: Callable, here: Path) -> None:
    for options in (["--provider", "dots"], ["--schema", "--output", "conformance.toml"]):
        (here / "conformance.toml").write_text("mine")
        result = run("init", *options)
        assert (result.exit_code, (here / "conformance.toml").read_text()) == (2, "mine")
        assert "conformance.toml exists; --force" in result.output
        assert run("init", *options, "--force").exit_code == 0
        assert (here / "conformance.toml").read_text() != "mine"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], ["--provider is missing", *provider_names(), "RevKeen"]),
        (["--provider", "acme"], ["--provider acme: no such contract", *provider_names()]),
        (["--contracts", str(INVENTED)], ["--provider is missing", "acme", "stripe"]),
        (["--contracts", "nowhere"], ["contracts: there is no folder nowhere"]),
        (["--provider", "dots", "--base-url", "ftp://127.0.0.1"], ["--base-url", "ftp://"]),
        (["--provider", "dots", "--base-url", "http://me:hush@127.0.0.1"], ["--base-url"]),
        (["--provider", "dots", "--base-url", "https://api.dots.dev/api"], ["api.dots.dev", "production"]),
        (["--provider", "stripe", "--base-url", "https://api.dots.dev"], ["api.dots.dev", "production"]),
        (["--provider", "dots", "--base-url", "http://127.0.0.1/\x7f"], ["conformance.toml is no readable TOML"]),
        (["--provider", "dots", "--output", "absent/conformance.toml"], ["--output absent/conformance.toml"]),
        (["--provider", "dots", "--output", "."], ["--output"]),
        (["--schema", "--provider", "dots"], ["--schema", "--provider"]),
    ],
)
def test_mistakes(options: list[str], words: list[str], run: Callable, here: Path) -> None:
    result = run("init", *options)
    assert result.exit_code == 2, result.output
    for word in words:
        assert word in result.output
    assert "hush" not in result.output
    assert not list(here.iterdir())


def test_the_schema_of_further_contracts(run: Callable, here: Path) -> None:
    told = run("init", "--schema", "--contracts", INVENTED).output
    assert "#:schema ./conformance.toml.schema.json" in told
    schema = json.loads((here / "conformance.toml.schema.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    target = {"provider": "acme", "base_url": "http://127.0.0.1"}
    assert validator.is_valid({"target": target, "instruments": {"vault": "v1"}})
    assert not validator.is_valid({"target": target, "instruments": {"customer": "cus_1"}})


@pytest.mark.parametrize("command", ["init", "completion"])
def test_help_fits_a_screen(command: str, run: Callable) -> None:
    lines = run(command, "--help").output.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
