"""The documents that other tools are given: valid, of the same meaning, and what Specmatic prints is read rightly."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from conformance.contract import load_contract, provider_names
from tests.benchmarks.detection import documents, servers
from tests.benchmarks.detection.specmatic import Seen, adapted, configuration, dictionary


@pytest.mark.parametrize("provider", provider_names())
def test_the_prepared_document_is_valid_and_its_examples_too(provider: str) -> None:
    contract = load_contract(provider)
    with servers.reference(provider) as server:
        document = documents.prepared(contract, server)
        assert server.requests() == 1
        assert configuration(contract, server, document)["security"]
        assert dictionary(contract, server, document)
    validate(document)
    validate(adapted(json.loads(json.dumps(document))))
    bodies = [body for part in objects(document["paths"]) for body in part.get("content", {}).values()]
    shown = [(body["schema"], example["value"]) for body in bodies for example in body.get("examples", {}).values()]
    assert len(shown) > len(contract.operations)
    for schema, value in shown:
        Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def objects(value: Any) -> list[dict[str, Any]]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if isinstance(value, dict) else []), *(one for child in children for one in objects(child))]


def test_one_choice_means_the_same_as_several_conditions() -> None:
    schema = dict(load_contract("stripe").schemas["payment_method_data.request"])
    rewritten = documents.single_choice(schema)
    assert "allOf" in schema
    assert "allOf" not in rewritten
    needy = [one["then"]["required"][0] for one in schema["allOf"]]
    conditions = {key: schema[key] for key in ("allOf", "properties", "required")}
    choice = {key: rewritten[key] for key in ("anyOf", "properties", "required")}
    for kind, given in itertools.product(["card", *schema["properties"]["type"]["enum"]], [*needy, ""]):
        value = {"type": kind, **({given: {}} if given else {})}
        assert verdict(conditions, value) == verdict(choice, value), value


def verdict(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    """Whether it is valid, references to other files aside."""
    kind = {"properties": {"type": schema["properties"]["type"]}}
    return bool(Draft202012Validator({**schema, **kind}).is_valid(value))


def test_other_schemas_stay_as_they_are() -> None:
    several = {"allOf": [{"required": ["a"]}, {"required": ["b"]}]}
    assert documents.single_choice(several) is several


PRINTED = """
--------------------
  Request to http://127.0.0.1:1 at 2026-11-21 {clock}.100
    POST /intents

  Response at 2026-11-21 {clock}.250
    201 Created

+ve  Scenario: POST /intents -> 200 with the request from the example 'create' has FAILED
Reason:
  >> RESPONSE.STATUS

      R0002: HTTP status mismatch

  >> RESPONSE.BODY.items[3].id

      R1001: Type mismatch

--------------------
-ve  Scenario: POST /intents -> 4xx has SUCCEEDED
"""


def test_reads_what_is_printed_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "printed.txt"
    seen = Seen(path)
    seen.read()
    clock = time.strftime("%I:%M:%S", time.localtime(seen.started + 5)).lstrip("0")
    text = PRINTED.format(clock=clock)
    half = len(text) // 2
    path.write_text(text[:half])
    seen.read()
    assert seen.failures == []
    path.write_text(text)
    seen.read()
    (failure,) = seen.failures
    assert failure.key == (
        "POST /intents -> 200 with the request from the example 'create' · 201 · "
        "RESPONSE.BODY.items[n].id R1001 · RESPONSE.STATUS R0002"
    )
    assert failure.moment - seen.started == pytest.approx(5, abs=1.5)
    path.write_text(text + "\nTests run: 2, Successes: 1, Failures: 1\n")
    seen.read(ended=True)
    assert (seen.tests, len(seen.failures), seen.summary) == (2, 1, True)
