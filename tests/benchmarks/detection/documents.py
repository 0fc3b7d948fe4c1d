"""A contract's openapi.json as tools of less reach than ours take it: in one file, with examples that a server accepts.

The generosity of the benchmark towards tools that cannot find out by themselves what exists on a server: what is known
to work there is written into the document. It promises no more and no less than openapi.json, but that optional
members and parameters which need the context of an account are left out, as they are of our own exam.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from conformance.contract import Contract
from conformance.contract.model import Operation
from conformance.evidence.forms import encode_form
from conformance.reference import serve
from conformance.target.values import Instruments

from .tools import Server

Json = dict[str, Any]

ASKED, ANSWERED = "asked", "answered"  # a schema of requests and of answers: a tool may need them told apart
_ONLY_FILES = {"$schema", "$id", "$comment", "$defs", "title"}  # members of a schema that mean nothing in one document
_DATA = {"const", "enum", "default", "examples", "value"}  # members whose content is no schema


def prepared(contract: Contract, server: Server) -> Json:
    """The document to run against ``server``: examples of requests, of answers and of an intent's id are filled in.

    The requests are the contract's own smallest ones, the answers those of the fault-free reference server, and the id
    is of an intent made on ``server`` for the purpose (one request), or a made-up one where it makes none.
    """
    document = bundled(contract)
    requests = {name: request(contract, server.settings, name) for name in contract.operations}
    with serve(contract.name) as url:
        answers = _answers(contract, url, server.headers, requests)
    made = _send(contract, contract.operations["create"], server.url, server.headers, requests["create"])
    intent = made.get(contract.settings["members"]["id"]) if isinstance(made, dict) else None
    named = document["components"].get("parameters", {})
    for item, entry in _entries(document):
        operation = contract.operations[entry["operationId"]]
        for holder in (item, entry):
            holder["parameters"] = [one for one in _resolved(holder, named) if _is_plain(contract, operation, one)]
        for parameter in _resolved(item, named) + _resolved(entry, named):
            if parameter["in"] == "path":
                parameter.setdefault("examples", {})[operation.name] = {"value": intent or "none"}
            elif parameter["name"] in requests[operation.name]:
                value = requests[operation.name][parameter["name"]]
                parameter.setdefault("examples", {})[operation.name] = {"value": value}
        for body in entry.get("requestBody", {}).get("content", {}).values():
            body["examples"] = {operation.name: {"value": requests[operation.name]}}
        success, *others = operation.success_statuses
        for status in others:  # a test for each would be one too many: a server answers with one of them
            del entry["responses"][str(status)]
        if operation.response_schema in answers:
            for body in entry["responses"][str(success)]["content"].values():
                body["examples"] = {operation.name: {"value": answers[operation.response_schema]}}
    _only_own_credential(document, contract)
    return document


def request(contract: Contract, settings: Mapping[str, Any], operation: str) -> Json:
    """The smallest request of an operation that is known to be sound, with what the target lends filled in."""
    wanted = dict(contract.settings.get("requests", {}).get(operation, {}))
    method = contract.settings["members"]["payment_method"]
    if operation == "confirm" and method in contract.schemas["confirm.request"].get("properties", {}):
        wanted.setdefault(method, "{success}")
    filled: Json = Instruments(settings["instruments"]).fill(wanted)
    return filled


def values(contract: Contract, settings: Mapping[str, Any], operation: str) -> Json:
    """Values that members of an operation's request may have, by member: those of its request, and of the exam."""
    offered = dict(contract.settings.get("exam", {}).get(operation, {}).get("values", {}))
    method = contract.settings["members"]["payment_method"]
    if method in contract.schemas.get(f"{operation}.request", {}).get("properties", {}):
        offered.setdefault(method, ["{success}"])
    filled: Json = Instruments(settings["instruments"]).fill(offered)
    return {**{name: [value] for name, value in request(contract, settings, operation).items()}, **filled}


def known_values(contract: Contract, settings: Mapping[str, Any]) -> dict[str, list[str | int]]:
    """Values that a member has in some sound body, by member; only text and whole numbers."""
    found: dict[str, list[str | int]] = {}
    for name in [name for name, operation in contract.operations.items() if operation.media_type]:
        for member, offered in values(contract, settings, name).items():
            plain = [one for one in offered if isinstance(one, str | int) and not isinstance(one, bool)]
            found[member] = list(dict.fromkeys([*found.get(member, []), *plain]))
    return {member: offered for member, offered in found.items() if offered}


# -- a folder of its own ----------------------------------------------------------------------------------------------


def with_single_choices(contract: Contract, folder: Path) -> Path:
    """A copy of the contract's openapi.json and schema files in ``folder``, equal in meaning; the path of the former.

    A generator that multiplies conditions out gives up on several that stand side by side, each about another value of
    one member; here they are one choice between those values.
    """
    for file in contract.folder.glob("*.json"):
        content = json.loads(file.read_text(encoding="utf-8"))
        text = json.dumps(single_choice(content) if file.name.endswith(".schema.json") else content, indent=1)
        (folder / file.name).write_text(text, encoding="utf-8")
    return folder / "openapi.json"


def single_choice(schema: Json) -> Json:
    """The schema; where its ``allOf`` are conditions on the values of one enumerated member, one ``anyOf`` instead."""
    conditions = schema.get("allOf", [])
    tested = [tuple(one.get("if", {}).get("properties", {}).items()) for one in conditions]
    simple = all(
        set(one) - {"$comment"} == {"if", "then"} and len(members) == 1 and set(members[0][1]) == {"const"}
        for one, members in zip(conditions, tested, strict=True)
    )
    names = {name for members in tested for name, _ in members}
    if not simple or len(names) != 1 or "anyOf" in schema:
        return schema
    (name,) = names
    listed = schema.get("properties", {}).get(name, {}).get("enum")
    values = [members[0][1]["const"] for members in tested]
    if listed is None or any(one["if"].get("required") != [name] for one in conditions) or len({*values}) < len(values):
        return schema
    others = {"properties": {name: {"enum": [value for value in listed if value not in values]}}}
    choices = [{"allOf": [one["if"], one["then"]]} for one in conditions]
    return {**{key: value for key, value in schema.items() if key != "allOf"}, "anyOf": [others, *choices]}


# -- one file ---------------------------------------------------------------------------------------------------------


def bundled(contract: Contract) -> Json:
    """openapi.json with the schema files beside it taken in, those of requests apart from those of answers."""
    document: Json = json.loads((contract.folder / "openapi.json").read_text(encoding="utf-8"))
    schemas: Json = {}
    left_out = {
        f"{name}.request.schema.json": set(exam.get("omit", ()))
        for name, exam in contract.settings.get("exam", {}).items()
    }

    def taken(file: str, fragment: str, side: str) -> Json:
        name = "_".join([side, *re.split(r"\W+", file.removesuffix(".schema.json") + fragment.removeprefix("/$defs"))])
        if name not in schemas:
            schemas[name] = {}  # so that a schema that refers to itself comes to an end
            schema: Any = json.loads((contract.folder / file).read_text(encoding="utf-8"))
            for part in fragment.split("/")[1:]:
                schema = schema[part]
            found = inside(schema, file, side)
            for member in left_out.get(file, set()) - set(found.get("required", ())) if not fragment else ():
                found["properties"].pop(member, None)
            schemas[name] = found
        return {"$ref": f"#/components/schemas/{name}"}

    def inside(value: Any, file: str, side: str) -> Any:
        if isinstance(value, list):
            return [inside(one, file, side) for one in value]
        if not isinstance(value, dict):
            return value
        target, _, fragment = str(value.get("$ref", "")).partition("#")
        if target or (fragment and file):
            return taken(target.removeprefix("./") or file, fragment, side)
        kept = {key: one for key, one in value.items() if not (file and key in _ONLY_FILES and _is_remark(key, one))}
        return {
            key: one if key in _DATA and file else inside(one, file, ASKED if key == "requestBody" else side)
            for key, one in kept.items()
        }

    document["paths"] = inside(document["paths"], "", ANSWERED)
    document["components"] = inside(document["components"], "", ANSWERED)
    document["components"]["schemas"] = schemas
    return document


def _is_remark(key: str, value: Any) -> bool:
    """Whether this is the keyword and no property of that name, whose content would be a schema."""
    return isinstance(value, str) or key == "$defs"


def _entries(document: Json) -> Iterator[tuple[Json, Json]]:
    """Each operation's entry and the item of its path."""
    for item in document["paths"].values():
        for method in [method for method in item if method != "parameters"]:
            yield item, item[method]


def _resolved(holder: Json, named: Json) -> list[Json]:
    """The parameters that stand there, each a copy of its own."""
    found = []
    for parameter in holder.get("parameters", ()):
        name = parameter.get("$ref", "").rpartition("/")[2]
        found.append(dict(named[name]) if name else parameter)
    return found


def _is_plain(contract: Contract, operation: Operation, parameter: Json) -> bool:
    """Whether a tool can send it without knowing more: required, or a plain query parameter that needs no context."""
    omitted = contract.settings.get("exam", {}).get(operation.name, {}).get("omit", ())
    nested = parameter.get("style") == "deepObject"
    return bool(parameter.get("required")) or (
        parameter["in"] == "query" and not nested and parameter["name"] not in omitted
    )


def _only_own_credential(document: Json, contract: Contract) -> None:
    scheme = contract.settings["authentication"]["scheme"]
    document["security"] = [{scheme: []}]
    document["components"]["securitySchemes"] = {scheme: document["components"]["securitySchemes"][scheme]}


# -- what the servers say ---------------------------------------------------------------------------------------------


def _answers(contract: Contract, url: str, headers: Mapping[str, str], requests: Mapping[str, Json]) -> dict[str, Any]:
    """A sound answer for each schema of answers."""
    found: dict[str, Any] = {}
    for operation in contract.operations.values():  # create stands before what reads
        if not operation.on_intent:
            found.setdefault(
                operation.response_schema, _send(contract, operation, url, headers, requests[operation.name])
            )
    return {name: answer for name, answer in found.items() if answer is not None}


def _send(contract: Contract, operation: Operation, url: str, headers: Mapping[str, str], body: Json) -> Any:
    """The answer to one request, or None where it is no success with JSON."""
    form = operation.media_type == "application/x-www-form-urlencoded"
    content = None if not operation.media_type else encode_form(body) if form else json.dumps(body).encode()
    try:
        answer = httpx.request(
            operation.method,
            url + operation.path,
            headers={**headers, **({"Content-Type": operation.media_type} if operation.media_type else {})},
            content=content,
            params=None if operation.media_type else body,
            timeout=30,
            trust_env=False,
        )
        return answer.json() if answer.is_success else None
    except (httpx.HTTPError, ValueError):
        return None
