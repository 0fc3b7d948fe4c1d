"""The schema files: valid, closed in themselves, sourced, and read alike by two libraries."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry

from conformance.contract import Contract, contract_root
from conformance.contract.validation import Validators

Named = Callable[[str], Contract]
Shown = tuple[Contract, str, Any]
Slow = Callable[[Contract, str], Draft202012Validator]

ROOT = contract_root()
EXAMPLES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("*/examples/*.json"))
ANSWERS = [path for path in EXAMPLES if Path(path).name.startswith(("payment_intent.", "error.", "list.", "search."))]
MAPS = {"metadata", "payment_method_options", "fields"}  # their keys are the caller's, not the provider's
FORMATS = {"uuid", "date-time", "uri", "email", "int64"}


def nodes(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value inside a document with the keys that lead there."""
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key), child
        yield from nodes(child, (*path, key))


def schema_of(contract: Contract, example: str) -> str:
    """The schema that the example's name begins with, the longest of them."""
    name = Path(example).name
    return max((schema for schema in contract.schemas if name.startswith(schema + ".")), key=len)


@pytest.fixture
def shown(named: Named) -> Callable[[str], Shown]:
    """An example with its contract and the name of its schema."""

    def read(example: str) -> Shown:
        contract = named(example.partition("/")[0])
        return contract, schema_of(contract, example), json.loads((ROOT / example).read_text())

    return read


def test_every_schema_is_valid_and_named_by_its_place(contract: Contract) -> None:
    for name, schema in contract.schemas.items():
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        place = f"https://payment-intents-conformance.invalid/schemas/{contract.name}/{name}.schema.json"
        assert schema["$id"] == place


def test_the_files_that_every_provider_has(contract: Contract) -> None:
    requests = {operation.request_schema for operation in contract.operations.values()} - {""}
    assert {"payment_intent", "error", "create.request", "confirm.request", *requests} <= set(contract.schemas)
    assert ("cancel.request" in contract.schemas) == ("cancel" in contract.operations)


def test_every_reference_resolves_inside_the_folder(
    contract: Contract, registry_of: Callable[[Contract], Registry]
) -> None:
    registry = registry_of(contract)
    for name, schema in contract.schemas.items():
        resolver = registry.resolver(base_uri=schema["$id"])
        for path, value in nodes(schema):
            if path[-1] == "$ref" and isinstance(value, str):
                assert "://" not in value, f"{name}: {value}"
                assert resolver.lookup(value).contents is not None


def test_every_field_has_its_source(contract: Contract) -> None:
    """Its own, or that of the field or definition that holds it."""
    for name, schema in contract.schemas.items():
        comments = {path[:-1]: value for path, value in nodes(schema) if path[-1] == "$comment"}
        for path, value in nodes(schema):
            if len(path) > 1 and path[-2] == "properties" and isinstance(value, dict) and "if" not in path:
                held_by = [comments.get(path[:depth]) for depth in range(2, len(path) + 1)]
                assert any(held_by) or "$ref" in value, f"{name}: {'/'.join(map(str, path))}"


def test_formats_are_known_to_both_libraries(contract: Contract) -> None:
    for name, schema in contract.schemas.items():
        used = {value for path, value in nodes(schema) if path[-1] == "format" and isinstance(value, str)}
        assert used <= FORMATS, name
        assert used - {"int64"} <= set(FormatChecker().checkers), "an uninstalled format would never be checked"


def test_every_provider_has_examples_of_its_main_bodies(contract: Contract) -> None:
    shown = {schema_of(contract, example) for example in EXAMPLES if example.startswith(contract.name + "/")}
    assert {"payment_intent", "error", "create.request", "confirm.request"} <= shown


@pytest.mark.parametrize("example", EXAMPLES)
def test_both_libraries_agree(shown: Callable[[str], Shown], slow: Slow, example: str) -> None:
    """On the example, without any one of its members, and with any one value of another type or without sense."""
    contract, schema, document = shown(example)
    validators, validator = Validators(contract), slow(contract, schema)
    assert validators.errors(schema, document) == []
    assert list(validator.iter_errors(document)) == []
    for told, mutant in mutants(document):
        assert (validators.errors(schema, mutant) == []) == validator.is_valid(mutant), told


@pytest.mark.parametrize("example", EXAMPLES)
def test_required_members_are_required(shown: Callable[[str], Shown], slow: Slow, example: str) -> None:
    contract, schema, document = shown(example)
    for member in contract.schemas[schema].get("required", ()):
        without = {name: value for name, value in document.items() if name != member}
        (error,) = Validators(contract).errors(schema, without)
        assert (error.pointer, error.expected, error.actual) == (f"/{member}", "present", "absent")
        assert not slow(contract, schema).is_valid(without)


@pytest.mark.parametrize("example", EXAMPLES)
def test_typed_members_have_their_type(shown: Callable[[str], Shown], slow: Slow, example: str) -> None:
    contract, schema, document = shown(example)
    declared = contract.schemas[schema].get("properties", {})
    for member in (name for name in declared if name in document and {"type", "enum", "const"} & set(declared[name])):
        wrong = {**document, member: "text" if isinstance(document[member], list) else [[]]}
        errors = Validators(contract).errors(schema, wrong)
        assert errors, member
        assert {error.path[0] for error in errors} == {member}
        assert not slow(contract, schema).is_valid(wrong)


@pytest.mark.parametrize("example", ANSWERS)
def test_responses_may_grow(shown: Callable[[str], Shown], example: str) -> None:
    contract, schema, document = shown(example)
    objects = [value for path, value in nodes(document) if isinstance(value, dict) and not MAPS & {*path}]
    for value in [*objects, *([document] if isinstance(document, dict) else [])]:
        value["member_of_tomorrow"] = {"any": ["thing"]}
    assert Validators(contract).errors(schema, document) == []


def mutants(document: Any) -> Iterator[tuple[str, Any]]:
    for path, value in list(nodes(document)):
        wrong: list[Any] = [17, "no such value"] if isinstance(value, str) else ["no such value"]
        if value is not None:
            wrong.append(None)
        for new in [..., *wrong]:
            mutant = deepcopy(document)
            holder = mutant
            for key in path[:-1]:
                holder = holder[key]
            if new is ...:
                del holder[path[-1]]
            else:
                holder[path[-1]] = new
            yield f"{path} = {'absent' if new is ... else new!r}", mutant
