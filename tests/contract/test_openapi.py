"""openapi.json: valid, its bodies the schema files beside it, its encodings and credentials those documented."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from conformance.contract import Contract

SECURITY = {
    "stripe": {("http", "basic", ""), ("http", "bearer", "")},
    "revkeen": {("apiKey", "header", "x-api-key"), ("http", "bearer", "")},
    "paypercut": {("http", "bearer", "")},
    "dots": {("http", "basic", ""), ("apiKey", "header", "Api-App-Id")},
}
OPERATIONS = {
    "stripe": {
        *("create", "retrieve", "list", "search", "update", "confirm", "capture", "cancel"),
        *("increment_authorization", "apply_customer_balance", "verify_microdeposits"),
    },
    "revkeen": {"create", "retrieve", "list", "update", "confirm", "capture", "cancel"},
    "paypercut": {"create", "retrieve", "confirm", "capture", "cancel"},
    "dots": {"create", "retrieve", "list", "confirm"},
}
READING = {"retrieve", "list", "search"}
LISTING = {"list", "search"}
COLLECTION = {"create", *LISTING}
PATHS = {
    "stripe": "/v1/payment_intents",
    "revkeen": "/payment-intents",
    "paypercut": "/v1/payment_intents",
    "dots": "/v2/payment-intents",
}


def document_of(contract: Contract) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((contract.folder / "openapi.json").read_text())
    return loaded


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each (media type, body) of requests and answers, wherever it stands."""

    def walk(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(value, dict):
            yield from value.get("content", {}).items()
        for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from walk(child)

    return walk(document)


def entries(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from (entry for method, entry in path.items() if method != "parameters")


def test_the_document_is_valid(contract: Contract) -> None:
    document = document_of(contract)
    assert document["openapi"].startswith("3.1")
    validate(document, base_uri=(contract.folder / "openapi.json").as_uri())


def test_bodies_are_the_files_beside_it(contract: Contract) -> None:
    found = [body["schema"] for _, body in bodies(document_of(contract))]
    assert found
    for schema in found:
        assert set(schema) == {"$ref"}
        file, _, fragment = schema["$ref"].partition("#")
        content: Any = json.loads((contract.folder / file).read_text())
        for part in fragment.split("/")[1:]:
            content = content[part]
        assert content


def test_operations(contract: Contract) -> None:
    assert set(contract.operations) == OPERATIONS[contract.name]
    assert contract.operations["create"].path == PATHS[contract.name]
    for name, operation in contract.operations.items():
        assert operation.method == ("GET" if name in READING else "POST")
        assert operation.on_intent == (name not in COLLECTION)
        assert bool(operation.media_type) == (name not in READING)
        assert operation.success_statuses
        assert operation.request_schema == ("" if name in READING else f"{name}.request")
        assert operation.response_schema == (name if name in LISTING else "payment_intent")


def test_every_answer_is_json_of_an_intent_or_an_error(contract: Contract) -> None:
    document = document_of(contract)
    for entry in entries(document):
        for status, answer in entry["responses"].items():
            held = (
                document["components"]["responses"][answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
            )
            (media_type, body), *others = held["content"].items()
            assert (media_type, others) == ("application/json", [])
            shown = entry["operationId"] if entry["operationId"] in LISTING else "payment_intent"
            name = shown if status.startswith("2") else "error"
            assert body["schema"]["$ref"].partition("#")[0] == f"{name}.schema.json"
        assert {"default", "4XX"} & set(entry["responses"]), "an undocumented refusal is an error too"


def test_security_schemes_are_those_documented(contract: Contract) -> None:
    schemes = {
        (scheme["type"], scheme.get("scheme") or scheme["in"], scheme.get("name", ""))
        for scheme in contract.security.values()
    }
    assert schemes == SECURITY[contract.name]


def test_alternatives_of_security_name_schemes(contract: Contract) -> None:
    alternatives = document_of(contract)["security"]
    assert alternatives
    assert {name for one in alternatives for name in one} == set(contract.security)
    assert [contract.settings["authentication"]["scheme"]] in [list(one) for one in alternatives]


def test_only_one_provider_takes_forms(contract: Contract) -> None:
    media_types = {operation.media_type for operation in contract.operations.values()} - {""}
    expected = "application/x-www-form-urlencoded" if contract.name == "stripe" else "application/json"
    assert media_types == {expected}


@pytest.mark.parametrize("operation", sorted(OPERATIONS["stripe"] - READING))
def test_forms_nest_with_brackets(named: Callable[[str], Contract], operation: str) -> None:
    """Each member that can hold an object or a list is declared deepObject, and no other is."""
    contract = named("stripe")
    (entry,) = (entry for entry in entries(document_of(contract)) if entry["operationId"] == operation)
    encoding = entry["requestBody"]["content"]["application/x-www-form-urlencoded"]["encoding"]
    assert all(one == {"style": "deepObject", "explode": True} for one in encoding.values())
    properties = contract.schemas[f"{operation}.request"]["properties"]
    nested = {name for name, schema in properties.items() if can_nest(contract, schema)}
    assert set(encoding) == nested


def can_nest(contract: Contract, schema: Any) -> bool:
    if "$ref" in schema:
        file = schema["$ref"].partition("#")[0].removesuffix(".schema.json")
        return bool(contract.schemas[file]["type"] == "object")
    return schema.get("type") in ("object", "array") or any(can_nest(contract, one) for one in schema.get("anyOf", ()))


@pytest.mark.parametrize(
    ("table", "key"), [("versioning", "header"), ("idempotency", "header"), ("idempotency", "replayed")]
)
def test_headers_of_the_settings_are_declared(contract: Contract, table: str, key: str) -> None:
    name = contract.settings.get(table, {}).get(key)
    if name is None:
        pytest.skip(f"no {table} {key}")
    components = document_of(contract)["components"]
    declared = {parameter["name"] for parameter in components.get("parameters", {}).values()}
    assert name in (components["headers"] if key == "replayed" else declared)
