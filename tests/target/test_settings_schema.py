"""The JSON Schema of target files takes what the suite takes and refuses what the suite refuses."""

from __future__ import annotations

import datetime
import json
import math
import re
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from conformance.commands.serve import _target_file as served_file
from conformance.contract import contract_root, provider_names
from conformance.contract.loading import load_contracts
from conformance.reference import target_settings
from conformance.starting import SCHEMA, settings_schema, target_file
from conformance.target.settings import _REDACT_KEYS, _SECTIONS, _TARGET_KEYS, SettingsError, load_target, make_target
from conformance.verdict.waivers import _KEYS, WaiverError, read_waivers
from tests.benchmarks.detection.ours import target_file as benchmark_file
from tests.commands.test_settings_mistakes import FILES, GOOD, WAIVER
from tests.peers.localstripe_peer import write_target
from tests.target.test_settings import URL

INVENTED = Path(__file__).parents[1] / "invented" / "contracts"
README = Path(__file__).parents[2] / "README.md"
CONTRACTS = load_contracts(INVENTED)
SHIPPED = [CONTRACTS[name] for name in provider_names()]
DOCUMENT: dict[str, Any] = json.loads((contract_root() / SCHEMA).read_bytes())
SECTIONS = DOCUMENT["properties"]
TARGET = {"provider": "dots", "base_url": URL}

# Mistakes that no schema can tell, and why.
BEYOND_A_SCHEMA = {
    "not TOML": "there is nothing to hold it to",
    "unset variable": "the environment is another's",
    "unset variable of an instrument": "the environment is another's",
    "no key": "--api-key may give it",
    "unknown provider": "--contracts may add it",
    "waiver of nothing known": "the catalogue grows by the row; the prefix is held",
    "waiver twice": "uniqueness by one member cannot be said",
}


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(DOCUMENT, format_checker=FormatChecker())


def as_editors_see_it(value: Any) -> Any:
    """TOML as JSON: dates are texts, and what is no number to JSON is null."""
    if isinstance(value, dict):
        return {key: as_editors_see_it(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [as_editors_see_it(entry) for entry in value]
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def problems(text: str) -> list[str]:
    document = as_editors_see_it(tomllib.loads(text))
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(document)]


def test_it_is_valid_and_named_by_its_place() -> None:
    Draft202012Validator.check_schema(DOCUMENT)
    assert DOCUMENT["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert DOCUMENT["$id"] == f"https://payment-intents-conformance.invalid/schemas/{SCHEMA}"


def test_what_it_says_of_providers_is_what_their_contracts_say(monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand = {**deepcopy(DOCUMENT), "allOf": [], "$defs": {}}
    for section in ("instruments", "lacks"):
        by_hand["properties"][section]["properties"] = {}
    by_hand["properties"]["target"]["properties"]["provider"]["anyOf"][0]["enum"] = []
    monkeypatch.setattr("conformance.starting._published", lambda: by_hand)
    anew = settings_schema(SHIPPED)
    assert anew == DOCUMENT, f"stale: conformance init --schema --output schemas/{SCHEMA} --force"


def test_a_file_beside_the_folders_is_no_provider() -> None:
    assert provider_names() == ("dots", "paypercut", "revkeen", "stripe")
    assert not [contract.name for contract in SHIPPED if (contract.folder / SCHEMA).exists()]


@pytest.mark.parametrize(
    ("known", "schema"),
    [
        (_SECTIONS, DOCUMENT),
        (_TARGET_KEYS, SECTIONS["target"]),
        (_REDACT_KEYS, SECTIONS["redact"]),
        (_KEYS, SECTIONS["waiver"]["items"]),
    ],
    ids=["file", "target", "redact", "waiver"],
)
def test_its_keys_are_those_of_the_settings(known: set[str], schema: dict[str, Any]) -> None:
    assert set(schema["properties"]) == known
    assert schema["additionalProperties"] is False
    assert all(entry["description"].endswith(".") for entry in schema["properties"].values())


@pytest.mark.parametrize("contract", SHIPPED, ids=lambda contract: contract.name)
@pytest.mark.parametrize("section", ["instruments", "lacks"])
def test_its_instruments_and_lacks_are_the_capabilities(contract: Any, section: str) -> None:
    capabilities = contract.settings["capabilities"]
    everybodys = {name for one in SHIPPED for name in one.settings["capabilities"]}
    assert set(SECTIONS[section]["properties"]) == everybodys
    for name in everybodys:
        document = {"target": {**TARGET, "provider": contract.name}, section: {name: "a text"}}
        assert validator().is_valid(document) == (name in capabilities), name
        if name in capabilities:
            told = SECTIONS[section]["properties"][name]["description"]
            assert capabilities[name] in told
            assert contract.title in told


def test_providers_of_further_contracts_are_left_alone() -> None:
    document = {"target": {**TARGET, "provider": "acme"}, "instruments": {"vault": "v1"}, "lacks": {"vault": "why"}}
    assert validator().is_valid(document)


@pytest.mark.parametrize("case", FILES)
def test_mistakes(case: str) -> None:
    text, _ = FILES[case]
    text = text.replace("URL", "http://me:pass@127.0.0.1" if "password" in case else URL)
    if case == "not TOML":
        with pytest.raises(tomllib.TOMLDecodeError):
            tomllib.loads(text)
        return
    assert bool(problems(text)) != (case in BEYOND_A_SCHEMA), problems(text)


def test_the_mistakes_beyond_it_are_mistakes() -> None:
    assert set(BEYOND_A_SCHEMA) <= set(FILES)


VALUES: list[tuple[str, Any]] = [
    *(("requests_per_second", value) for value in (0, 1.5, -1, True, "slow")),
    *(("burst", value) for value in (0, 100, -1, 2.5, True, "few")),
    *(("timeout", value) for value in (5, 0.5, -1, False, "long")),
    *(
        ("base_url", value)
        for value in (
            *("http://127.0.0.1:8080/", "https://sandbox.acme.example/v2/", "HTTPS://Sandbox.Acme.example"),
            *("http://[::1]:80", "", "acme.example", "ftp://acme.example", "http://", "//acme.example", "http://:80"),
            *("file:///etc/passwd", "http://acme.example:999999", "http://acme.example:x", "http://[::1"),
            *("http://me:pw@acme.example", "http://acme.example/?key=1", "http://acme.example/#top"),
        )
    ),
]


@pytest.mark.parametrize(("key", "value"), VALUES)
def test_values_of_the_target(key: str, value: Any) -> None:
    given = {**TARGET, key: value}
    try:
        make_target(
            CONTRACTS["dots"], api_key="a:b", **{name: one for name, one in given.items() if name != "provider"}
        )
    except SettingsError:
        assert not validator().is_valid({"target": given})
    else:
        assert validator().is_valid({"target": given})


@pytest.mark.parametrize(
    "redact", ["words = ['x']", "names = 'x'", "names = [1]", "texts = ['x', '']", "names = ['a']", "texts = ['b c']"]
)
def test_values_of_redact(redact: str, tmp_path: Path) -> None:
    text = f"{GOOD.replace('URL', URL)}[redact]\n{redact}\n"
    (tmp_path / "mine.toml").write_text(text)
    try:
        load_target(tmp_path / "mine.toml", CONTRACTS)
    except SettingsError:
        assert problems(text)
    else:
        assert problems(text) == []


WAIVERS = [
    'requirement = "DOT-001"\nreason = "answers 201"\nuntil = 2999-01-01',
    'requirement = "DOT-001"\nreason = "answers 201"\nuntil = "2999-01-01"\nlink = "https://x.example"\nby = "us"',
    'requirement = "DOT-001"\nreason = "answers 201"\nuntil = 2999-01-01T00:00:00',
    'requirement = "DOT-001"\nreason = "answers 201"\nuntil = "2999-13-01"',
    'requirement = "DOT-001"\nreason = "201"\nuntil = 2999-01-01',
    'requirement = "DOT-001"\nreason = "FIXME: say why"\nuntil = 2999-01-01',
    'requirement = "DOT-001"\nreason = 7\nuntil = 2999-01-01',
    'requirement = "STR-001"\nreason = "answers 201"\nuntil = 2999-01-01',
    'requirement = "DOT-001"\nreason = "answers 201"\nuntil = 2999-01-01\nlink = 3',
    'reason = "answers 201"\nuntil = 2999-01-01',
]


@pytest.mark.parametrize("waiver", WAIVERS)
def test_waivers(waiver: str) -> None:
    text = f"{GOOD.replace('URL', URL)}[[waiver]]\n{waiver}\n"
    try:
        read_waivers(tomllib.loads(text)["waiver"], CONTRACTS["dots"].requirements)
    except WaiverError:
        assert problems(text)
    else:
        assert problems(text) == []


def sound_files(folder: Path) -> Iterator[tuple[str, str]]:
    """The target files of README, of the commands, and of the suite's own tests and benchmarks."""
    (shown,) = re.findall(r"```toml\n(\[target\].*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    yield "README", shown
    yield "mistakes are made in", GOOD.replace("URL", URL)
    yield "mistakes are made in, with a waiver", GOOD.replace("URL", URL) + WAIVER
    yield "localstripe", write_target(URL, folder / "localstripe.toml").read_text()
    for contract in CONTRACTS.values():
        yield f"init, {contract.name}", target_file(contract, CONTRACTS)[0]
        yield f"init, {contract.name}, all", re.sub(r"(?m)^#(?=[\w\[])", "", target_file(contract, CONTRACTS)[0])
    for name in provider_names():
        settings = target_settings(name)
        yield f"serve, {name}", served_file(name, URL, settings)
        yield f"benchmark, {name}", benchmark_file(SimpleNamespace(provider=name, url=URL, settings=settings))  # type: ignore[arg-type]


def test_every_target_file_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What localstripe lends is made on it, and none runs here.
    monkeypatch.setattr("tests.peers.localstripe_peer.lent", lambda url: {"success": "pm_1", "customer": "cus_1"})
    files = dict(sound_files(tmp_path))
    assert len(files) == 4 + 2 * len(CONTRACTS) + 2 * len(provider_names())
    assert {name: found for name, text in files.items() if (found := problems(text))} == {}
