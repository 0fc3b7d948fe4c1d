"""Readings of a request schema: what to generate from, and how much of it every sound server must hold to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

Schema = Any  # a JSON Schema: an object or a boolean

_ONE = ("items", "additionalProperties", "unevaluatedProperties", "unevaluatedItems", "propertyNames", "contains")
_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas")
_BRANCHES = ("not", "if", "then", "else")
_NOTES = ("$comment", "$id", "$schema", "$defs", "description", "title", "examples", "example", "default", "deprecated")
# Conditions between members are requirements of their own; a lenient reading knows none of them.
_CONDITIONS = (*_BRANCHES, "dependentRequired", "dependentSchemas")
# What even a lenient server can tell apart; a value that fails these is certainly not of the format.
_CLEARLY = {
    "uri": r"^$|^[A-Za-z][A-Za-z0-9+.-]*:",
    "email": r"^$|@",
    "uuid": r"^$|^[0-9A-Fa-f-]{32,36}$",
    "date-time": r"^$|^[0-9]{4}-",
    "date": r"^$|^[0-9]{4}-",
}
_ORDINARY = {
    "uri": ["https://example.com/return", "https://example.com/a?b=c"],
    "email": ["payer@example.com", "first.last+tag@example.org"],
}
_BYPASS = re.compile(r"x-\w+-bypass-validation")
_TRUTHS = ("true", "false", "True", "False", "TRUE", "FALSE", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n")
_NUMBER = {
    "integer": re.compile(r"\s*[+-]?[0-9]+(\.0*)?\s*"),
    "number": re.compile(r"\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*"),
}

_FORM = "application/x-www-form-urlencoded"

Travel = Literal["json", "form", "query"]  # how a request reaches the server
Formats = dict[str, Callable[[str], bool]]


def request_of(folder: Path, operation: str) -> tuple[Travel, Schema]:
    """How an operation's requests travel, and their resolved schema.

    It is the schema of the request body, or of an object with the query parameters as members. Raises ValueError
    where the folder's ``openapi.json`` does not hold the operation, or holds it with neither.
    """
    path = folder / "openapi.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    for template, methods in document["paths"].items():
        for method, entry in methods.items():
            if method == "parameters" or entry["operationId"] != operation:
                continue
            if "requestBody" in entry:
                media_type, content = next(iter(entry["requestBody"]["content"].items()))
                return "form" if media_type == _FORM else "json", resolve(folder / content["schema"]["$ref"])
            place = f"/paths/{escape(template)}/{method}/parameters"
            schema = _query(path, document, [f"{place}/{index}" for index in range(len(entry.get("parameters", ())))])
            if schema["properties"]:
                return "query", schema
    raise ValueError(f"{path}: no operation {operation!r} with a request body or query parameters")


def _query(path: Path, document: Any, pointers: Iterable[str]) -> Schema:
    """The object of the query parameters among those at the pointers. That others are refused is nowhere said."""
    properties, required = {}, []
    for place in pointers:
        pointer = _at(document, place).get("$ref", f"#{place}").removeprefix("#")
        parameter = _at(document, pointer)
        if parameter["in"] == "query":
            properties[parameter["name"]] = resolve(path, f"{pointer}/schema")
            required += [parameter["name"]] if parameter.get("required") else []
    return {"type": "object", "properties": properties, "required": required}


def resolve(path: Path, pointer: str = "", seen: tuple[str, ...] = ()) -> Schema:
    """The schema at a JSON pointer of a file, every ``$ref`` replaced by what it names and annotations left out.

    Raises ValueError where a schema contains itself, for nothing finite can be generated from its unfolding.
    """
    here = f"{path.name}#{pointer}"
    if here in seen:
        raise ValueError(f"{path}: {pointer or 'the schema'} contains itself")
    document = json.loads(path.read_text(encoding="utf-8"))
    return _inline(_at(document, pointer), path, (*seen, here))


def _at(document: Any, pointer: str) -> Any:
    for part in map(unescape, pointer.split("/")[1:]):
        document = document[int(part) if isinstance(document, list) else part]
    return document


def _inline(node: Schema, path: Path, seen: tuple[str, ...]) -> Schema:
    if not isinstance(node, dict):
        return node
    rest = {key: value for key, value in node.items() if key not in (*_NOTES, "$ref")}
    rest = each_child(rest, lambda child: _inline(child, path, seen), _BRANCHES)
    if "$ref" not in node:
        return rest
    file, _, pointer = node["$ref"].partition("#")
    target = resolve(path.parent / Path(file).name if file else path, pointer, seen)
    if isinstance(target, dict) and all(key.startswith("x-") for key in rest):
        return {**target, **rest}
    return {"allOf": [target], **rest}


def escape(name: str) -> str:
    """A name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def unescape(part: str) -> str:
    """The name that a part of a JSON pointer stands for."""
    return part.replace("~1", "/").replace("~0", "~")


def each_child(schema: dict[str, Any], change: Callable[[Schema], Schema], more: Iterable[str] = ()) -> dict[str, Any]:
    """A copy of a schema with every direct subschema changed; ``more`` are further keywords that hold one."""
    changed = dict(schema)
    for key in (*_ONE, *more):
        if isinstance(schema.get(key), dict | bool):
            changed[key] = change(schema[key])
    for key in _MANY:
        if key in schema:
            changed[key] = [change(child) for child in schema[key]]
    for key in _NAMED:
        if key in schema:
            changed[key] = {name: change(child) for name, child in schema[key].items()}
    return changed


def accept(schema: Schema, placeholders: Mapping[str, list[str]]) -> Schema:
    """The schema that also takes these values of its members: placeholders, which no pattern foresees."""
    properties = {
        name: {"anyOf": [{"enum": placeholders[name]}, child]} if placeholders.get(name) else child
        for name, child in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties}


def without(schema: Schema, omit: Iterable[str]) -> Schema:
    """The schema without these top-level members."""
    gone = set(omit)
    return {
        **schema,
        "properties": {name: child for name, child in schema.get("properties", {}).items() if name not in gone},
        "required": [name for name in schema.get("required", ()) if name not in gone],
    }


def plain(schema: Schema, values: Mapping[str, list[Any]]) -> Schema:
    """The part of a schema that nobody disputes: ``values`` for these top-level members, no member it does not name.

    Addresses take a few ordinary values, for what servers refuse among the odd ones is not documented.
    """
    narrowed = _plain({**schema, "properties": schema.get("properties", {})})
    chosen = {
        name: {"enum": values[name]} if name in values else child for name, child in narrowed["properties"].items()
    }
    return {**narrowed, "properties": chosen}


def _plain(schema: Schema) -> Schema:
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") in _ORDINARY and "enum" not in schema:
        return {"enum": _ORDINARY[schema["format"]]}
    changed = each_child(schema, _plain)
    # Branches may each know members of their own; closing them separately would contradict.
    if "properties" in schema and not any(key in schema for key in ("allOf", "anyOf", "oneOf")):
        changed.setdefault("additionalProperties", False)
    return changed


def lenient(schema: Schema, untouched: Iterable[str], unknown_allowed: bool) -> Schema:
    """The weakest reading of a request schema that every sound server shares: what violates it is certainly invalid.

    Null counts as absent where a member is optional, formats and conditions are read generously, values that the
    provider itself does not check are free, and the top-level members ``untouched`` may hold anything.
    """
    loose = _lenient(schema, unknown_allowed)
    properties = {
        name: True if name in set(untouched) else child for name, child in loose.get("properties", {}).items()
    }
    return {**loose, "properties": properties}


def _lenient(schema: Schema, unknown_allowed: bool) -> Schema:
    if not isinstance(schema, dict):
        return schema
    drop = set(_CONDITIONS) | {"format"}
    if any(_BYPASS.fullmatch(key) and value for key, value in schema.items()):
        drop |= {"enum", "const"}
    if unknown_allowed:
        drop |= {key for key in ("additionalProperties", "unevaluatedProperties") if schema.get(key) is False}
    kept = {key: value for key, value in schema.items() if key not in drop}
    loose = each_child(kept, lambda child: _lenient(child, unknown_allowed))
    if schema.get("format") in _CLEARLY:
        pattern = {"pattern": _CLEARLY[schema["format"]]}
        loose = {**loose, "allOf": [*loose.get("allOf", ()), pattern]} if "pattern" in loose else {**loose, **pattern}
    if "properties" in loose:
        required = schema.get("required", ())
        loose["properties"] = {
            name: child if name in required else _or_null(child) for name, child in loose["properties"].items()
        }
    return loose


def _or_null(schema: Schema) -> Schema:
    """The schema, or null; without a further ``anyOf`` where possible, so that errors stay precise."""
    if isinstance(schema, bool):
        return schema
    types = schema.get("type")
    if types is None or any(key in schema for key in ("anyOf", "oneOf", "allOf", "const")):
        return {"anyOf": [schema, {"type": "null"}]}
    widened = {**schema, "type": sorted({*([types] if isinstance(types, str) else types), "null"})}
    if "enum" in schema:
        widened["enum"] = [*schema["enum"], None]
    return widened


def on_the_wire(schema: Schema) -> tuple[Schema, Formats]:
    """The schema of the decoded form body, where every plain value is a string, and the formats that it names.

    An empty string passes everywhere: in a form it unsets, and says nothing certain.
    """
    formats: Formats = {}
    return {"allOf": _parts(schema, formats)}, formats


def _wire(schema: Schema, formats: Formats) -> Schema:
    return schema if isinstance(schema, bool) else {"anyOf": [{"const": ""}, {"allOf": _parts(schema, formats)}]}


def _parts(schema: dict[str, Any], formats: Formats) -> list[Schema]:
    types = schema.get("type", ("object", "array", "string"))
    names = [types] if isinstance(types, str) else types
    parts: list[Schema] = [{"anyOf": [_typed(name, schema, formats) for name in names]}]
    parts += [
        {"anyOf": [_wire(child, formats) for child in schema[key]]} for key in ("anyOf", "oneOf") if key in schema
    ]
    parts += [_wire(child, formats) for child in schema.get("allOf", ())]
    choices = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if choices is not None and not any(isinstance(choice, dict | list) for choice in choices):
        parts.append({"enum": [_spelled(choice) for choice in choices]})
    return parts


def _typed(name: str, schema: dict[str, Any], formats: Formats) -> Schema:
    if name == "object":
        return _object_part(schema, formats)
    if name == "array":
        part: dict[str, Any] = {key: schema[key] for key in ("minItems", "maxItems", "uniqueItems") if key in schema}
        if "items" in schema:
            part["items"] = _wire(schema["items"], formats)
        return {"type": "array", **part}
    if name in _NUMBER:
        return {"type": "string", "format": _number_format(name, schema, formats)}
    if name == "boolean":
        return {"enum": list(_TRUTHS)}
    if name == "null":
        return {"const": ""}
    return {"type": "string", **{key: schema[key] for key in ("maxLength", "minLength", "pattern") if key in schema}}


def _object_part(schema: dict[str, Any], formats: Formats) -> Schema:
    part: dict[str, Any] = {key: schema[key] for key in ("required", "maxProperties", "propertyNames") if key in schema}
    for key in ("properties", "patternProperties"):
        if key in schema:
            part[key] = {name: _wire(child, formats) for name, child in schema[key].items()}
    for key in ("additionalProperties", "unevaluatedProperties"):
        if key in schema:
            part[key] = _wire(schema[key], formats)
    return {"type": "object", **part}


def _number_format(name: str, schema: dict[str, Any], formats: Formats) -> str:
    """A format that holds of the digits of a number within the schema's bounds; a pattern could not count."""
    low, high = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    above, below = schema.get("exclusiveMinimum", float("-inf")), schema.get("exclusiveMaximum", float("inf"))
    spelling = _NUMBER[name]

    def within(text: str) -> bool:
        try:
            return bool(spelling.fullmatch(text)) and low <= float(text) <= high and above < float(text) < below
        except ValueError:
            return False

    label = f"{name} {low}..{high} {above}..{below}"
    formats[label] = within
    return label


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
