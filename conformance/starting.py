"""What `conformance init` writes: a target file to start from, and the JSON Schema of all such files."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from conformance.contract import Contract, contract_root
from conformance.target.settings import TLS_KEYS, Target, is_known, load_target, make_target, refuse_live
from conformance.target.values import Instruments, MissingInstrument

SCHEMA = "conformance.toml.schema.json"
_OWN_SERVER = "http://127.0.0.1:8080"
_UNSET = "(of the environment)"  # stands for the key, which is nobody's business while a file is made
_WIDTH = 100
_TABLES = ("instruments", "lacks")  # their keys are a contract's capabilities


def target_file(contract: Contract, contracts: Mapping[str, Contract], base_url: str = "") -> tuple[str, Target]:
    """A commented target file for ``contract``, and the target that it describes, its key not looked up.

    What the keys mean is told by the descriptions of the JSON Schema, what a capability is by the contract. Without a
    ``base_url`` it is the documented sandbox, else a server on loopback. A setting that is left out begins with ``#``
    and no space. Raises ``SettingsError`` where the suite would not take the file.
    """
    base_url = base_url or _documented_address(contract)
    target = make_target(contract, base_url=base_url, api_key=_UNSET, where="--base-url: ")
    refuse_live(replace(target, own_server=True), contracts)
    text = "\n".join(_lines(contract, target)) + "\n"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "conformance.toml"
        path.write_text(text, encoding="utf-8")
        return text, load_target(path, contracts, api_key=_UNSET)


def key_variable(contract: Contract) -> str:
    """The environment variable that a new target file takes its key from."""
    return re.sub(r"\W", "_", contract.name).upper() + "_TEST_KEY"


def missing_for_create(contract: Contract, target: Target) -> str:
    """What has to be lent before any intent can be made; empty where nothing is missing."""
    try:
        Instruments(target.instruments).fill(contract.settings["requests"]["create"])
    except MissingInstrument as missing:
        return str(missing)
    return ""


def settings_schema(contracts: Iterable[Contract]) -> dict[str, Any]:
    """The JSON Schema of target files, with the names and meanings of these contracts put in.

    All else is as it stands in ``schemas/conformance.toml.schema.json``.
    """
    contracts = tuple(contracts)
    document = _published()
    document["properties"]["target"]["properties"]["provider"]["anyOf"][0]["enum"] = [one.name for one in contracts]
    meanings = _meanings(contracts)
    for name in _TABLES:
        table = document["properties"][name]
        rest = table["additionalProperties"]
        table["properties"] = {key: {**rest, "description": meaning} for key, meaning in meanings.items()}
    document["allOf"] = [_of_provider(contract) for contract in contracts]
    document["$defs"] = {one.name: {"enum": sorted(one.settings.get("capabilities", {}))} for one in contracts}
    return document


def _published() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((contract_root() / SCHEMA).read_bytes())
    return document


def _meanings(contracts: Iterable[Contract]) -> dict[str, str]:
    """What each capability is, and to whom: several providers may mean the same or not."""
    titles: dict[str, dict[str, list[str]]] = {}
    for contract in contracts:
        for key, meaning in contract.settings.get("capabilities", {}).items():
            titles.setdefault(key, {}).setdefault(meaning, []).append(contract.title)
    return {
        key: "; ".join(f"{', '.join(of)}: {meaning}" for meaning, of in titles[key].items()) for key in sorted(titles)
    }


def _of_provider(contract: Contract) -> dict[str, Any]:
    """What holds only where the target claims this contract."""
    claims = {"required": ["provider"], "properties": {"provider": {"const": contract.name}}}
    known = {"propertyNames": {"$ref": f"#/$defs/{contract.name}"}}
    waiver = {"items": {"properties": {"requirement": {"pattern": f"^{re.escape(contract.settings['prefix'])}-"}}}}
    return {
        "if": {"required": ["target"], "properties": {"target": claims}},
        "then": {"properties": {**dict.fromkeys(_TABLES, known), "waiver": waiver}},
    }


def _documented_address(contract: Contract) -> str:
    """The first documented server that is a sandbox, or one on loopback with the path of the first documented one."""
    document = json.loads((contract.folder / "openapi.json").read_bytes())
    addresses: list[str] = [server["url"] for server in document.get("servers", ())]
    for address in addresses:
        if urlsplit(address).hostname in contract.settings.get("sandbox_hosts", ()):
            return address
    return _OWN_SERVER + (urlsplit(addresses[0]).path if addresses else "")


def _lines(contract: Contract, target: Target) -> Iterator[str]:
    document = _published()
    sections = document["properties"]
    capabilities = contract.settings.get("capabilities", {})
    documented = contract.settings.get("instruments", {})
    claimed = contract.settings.get("claimed", ())
    yield f"#:schema {document['$id']}"
    yield from _comment(
        f"What `conformance certify --target` knows of a target that claims {contract.title}'s contract."
    )
    yield from _comment("A setting that is left out begins with # and no space; … is for you to fill in.")

    yield from _head(sections["target"], "[target]")
    keys = sections["target"]["properties"]
    given = {
        "name": _toml(target.name),
        "provider": _toml(contract.name),
        "base_url": _toml(target.base_url),
        "api_key": _toml(f"env:{key_variable(contract)}"),
        "requests_per_second": f"{target.requests_per_second:g}",
        "burst": str(target.burst),
    }
    for key, value in given.items():
        yield from _comment(keys[key]["description"])
        if key == "requests_per_second":
            yield from _comment(_documented_limit(contract))
        yield f"{key} = {value}"
    yield from _comment(keys["timeout"]["description"])
    yield f"#timeout = {target.timeout:g}"
    yield from _comment(keys["cleanup"]["description"])
    yield "#cleanup = false"
    yield from _comment(keys["i_own_this_server"]["description"])
    yield "#i_own_this_server = true" if is_known(target, contract) else "i_own_this_server = false"
    for key in TLS_KEYS:
        yield from _comment(keys[key]["description"])
        yield f'#{key} = "{key}.pem"'

    yield from _head(sections["instruments"], "[instruments]")
    yield from _explained({key: f"{key} = {_toml(value)}" for key, value in documented.items()}, capabilities)
    needed = {name for names in contract.settings.get("needs", {}).values() for name in names}
    others = [key for key in capabilities if key not in documented and key not in claimed]
    yield from _explained({key: f"#{key} = {_to_be_lent(key, key in needed)}" for key in others}, capabilities)

    yield from _head(sections["lacks"], "[lacks]")
    granted = ", and what the contract takes for granted:" if claimed else "."
    yield from _comment(f"All that stands under [instruments] may stand here{granted}")
    yield from _explained({key: f'#{key} = "why"' for key in claimed}, capabilities)

    yield from _head(sections["redact"], "#[redact]")
    for key, example in (("names", "customer_name"), ("texts", "env:INTERNAL_HOST")):
        yield from _comment(sections["redact"]["properties"][key]["description"])
        yield f"#{key} = {_toml([example])}"

    yield from _head(sections["waiver"], "#[[waiver]]")
    examples = {
        "requirement": _toml(next(iter(contract.requirements))),
        "reason": _toml("answers 409 where 400 is documented"),
        "link": _toml("https://example.com/issues/12"),
        "until": "2027-03-31",
        "by": _toml("the payments team"),
    }
    meanings = {key: entry["description"] for key, entry in sections["waiver"]["items"]["properties"].items()}
    yield from _explained({key: f"#{key} = {value}" for key, value in examples.items()}, meanings)


def _documented_limit(contract: Contract) -> str:
    limits = {"requests_per_second": "a second", "burst": "at once"}
    told = [f"{contract.settings[key]:g} {unit}" for key, unit in limits.items() if key in contract.settings]
    return (
        f"By what {contract.title} documents: {', '.join(told)}." if told else f"{contract.title} documents no limit."
    )


def _to_be_lent(key: str, ability: bool) -> str:
    """An example of what a target lends: a key by its variable, an ability by yes, all else to be filled in."""
    return _toml(f"env:{key.upper()}") if key.endswith("_key") else "true" if ability else '"…"'


def _head(section: Mapping[str, Any], name: str) -> Iterator[str]:
    yield ""
    yield from _comment(section["description"])
    yield name


def _comment(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def _explained(settings: Mapping[str, str], meanings: Mapping[str, str]) -> Iterator[str]:
    """Each setting with its meaning behind it."""
    width = max(map(len, settings.values()), default=0)
    for key, setting in settings.items():
        yield f"{setting:<{width}}  # {meanings[key]}"


def _toml(value: Any) -> str:
    """A text, number, truth value or list of them, which TOML writes as JSON does."""
    return json.dumps(value, ensure_ascii=False)
