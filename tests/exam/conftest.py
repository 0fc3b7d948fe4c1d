"""A small provider made for these tests, once with form bodies and once with JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.scenarios.exam import FILE_NAME
from conformance.scenarios.generation import freeze

_ADDRESS = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 50}}}
_SHIPPING = {
    "type": "object",
    "required": ["name", "address"],
    "additionalProperties": False,
    "properties": {"name": {"type": "string"}, "address": _ADDRESS},
}
_PROPERTIES: dict[str, Any] = {
    "account": {"type": "string"},
    "amount": {"type": "integer", "minimum": 50, "maximum": 999999},
    "capture_method": {"type": "string", "enum": ["automatic", "manual"]},
    "confirm": {"type": "boolean"},
    "currency": {"type": "string", "pattern": "^[a-z]{3}$"},
    "customer": {"type": "string", "format": "uuid"},
    "description": {"type": "string", "maxLength": 1000, "description": "shown to the payer"},
    "flow": {"type": "string", "enum": ["a", "b"], "x-acme-bypass-validation": True},
    "metadata": {"anyOf": [{"type": "object", "additionalProperties": {"type": "string"}}, {"const": ""}]},
    "payment_method": {"type": "string", "pattern": "^pm_"},
    "payment_method_types": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    "receipt_email": {"type": "string", "format": "email"},
    "return_url": {"type": "string", "format": "uri"},
    "shipping": {"$ref": "shipping.schema.json#/$defs/shipping"},
    "statement": {"type": ["string", "null"], "minLength": 5},
}
_PARAMETERS: dict[str, Any] = {
    "created": {
        "anyOf": [{"type": "integer"}, {"type": "object", "properties": {"gte": {"type": "integer"}}}],
        "description": "a moment, or from when on",
    },
    "customer": {"type": "string", "format": "uuid"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
    "starting_after": {"type": "string"},
    "status": {"enum": ["open", "paid"]},
}
_CONFIRM = ("payment_method", "receipt_email", "return_url", "shipping")
_SETTINGS = """
[members]
payment_method = "payment_method"
[requests.create]
amount = 2000
currency = "usd"
customer = "{customer}"
[requests.confirm]
[requests.list]
status = "open"
[exam.create]
omit = ["account"]
no_negatives = ["metadata"]
values = { currency = ["usd", "eur"], shipping = [{ name = "Pat", address = { city = "Springfield" } }] }
[exam.confirm]
no_unknown = true
[exam.capture]
after = "confirm_holds"
cases = { positive = 2, negative = 3 }
[exam.list]
omit = ["starting_after"]
values = { customer = ["{customer}"], created = [5, { gte = 5 }] }
"""


def write_provider(folder: Path, media_type: str, settings: str = _SETTINGS, **changed: Any) -> Path:
    """Writes the provider's files; ``changed`` are members of create, or parameters of list, with another schema."""
    folder.mkdir(parents=True, exist_ok=True)
    properties = {name: changed.get(name, schema) for name, schema in _PROPERTIES.items()}
    queried = {name: changed.get(name, schema) for name, schema in _PARAMETERS.items()}

    def write(name: str, document: dict[str, Any]) -> None:
        (folder / name).write_text(json.dumps(document), encoding="utf-8")

    closed = {"type": "object", "additionalProperties": False}
    required = ["amount", "currency", "customer"]
    write("create.request.schema.json", {**closed, "required": required, "properties": properties})
    write("confirm.request.schema.json", {**closed, "properties": {name: properties[name] for name in _CONFIRM}})
    capture = {"amount_to_capture": properties["amount"], "final": {"type": "boolean"}}
    write("capture.request.schema.json", {**closed, "properties": capture})
    write("shipping.schema.json", {"$defs": {"shipping": _SHIPPING}})
    paths: dict[str, Any] = {}
    for operation in ("create", "confirm", "capture"):
        content = {media_type: {"schema": {"$ref": f"./{operation}.request.schema.json"}}}
        post = {"operationId": operation, "requestBody": {"content": content}}
        paths["/intents" if operation == "create" else f"/intents/{{id}}/{operation}"] = {
            "parameters": [],
            "post": post,
        }
    parameters = {name: {"name": name, "in": "query", "schema": schema} for name, schema in queried.items()}
    version = {"name": "Version", "in": "header", "required": True, "schema": {"type": "string"}}
    named = [{"$ref": f"#/components/parameters/{name}"} for name in parameters if name != "status"]
    asked = [*named, version, {**parameters["status"], "required": True}]
    paths["/intents"]["get"] = {"operationId": "list", "parameters": asked}
    paths["/intents/{id}"] = {"get": {"operationId": "retrieve", "parameters": [version]}}
    write("openapi.json", {"paths": paths, "components": {"parameters": parameters}})
    (folder / "provider.toml").write_text(settings, encoding="utf-8")
    return folder


@pytest.fixture(scope="session", params=["application/x-www-form-urlencoded", "application/json"], ids=["form", "json"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the provider, of either kind, with its exam."""
    folder = write_provider(tmp_path_factory.mktemp("acme"), request.param)
    (folder / FILE_NAME).write_text(freeze(folder), encoding="utf-8")
    return folder


@pytest.fixture
def make_provider(tmp_path: Path) -> Callable[..., Path]:
    """Writes a provider; see ``write_provider``."""
    return lambda *arguments, **changed: write_provider(tmp_path / "acme", *arguments, **changed)
