"""Says of a body, by its schema's errors, where it is invalid and in what way."""

from __future__ import annotations

import re
from typing import Any

from conformance.scenarios.exam_schema import escape

PLACEHOLDER = re.compile(r"\{\w+\}")
_WORDS = {
    "type": "wrong type",
    "anyOf": "none of the documented forms",
    "oneOf": "none of the documented forms",
    "required": "required member missing",
    "additionalProperties": "unknown member",
    "unevaluatedProperties": "unknown member",
    "enum": "not a documented value",
    "const": "not the documented value",
    "maxLength": "too long",
    "minLength": "too short",
    "maximum": "above the maximum",
    "minimum": "below the minimum",
    "exclusiveMaximum": "above the maximum",
    "exclusiveMinimum": "below the minimum",
    "maxItems": "too many items",
    "minItems": "too few items",
    "maxProperties": "too many members",
    "uniqueItems": "an item twice",
    "pattern": "not of the documented form",
}

# Where it is (a JSON pointer), whether it is less than a wrong type, what is wrong in a few words, of what kind it is.
Fault = tuple[str, bool, str, str]


def faults(validator: Any, body: Any, form: bool) -> list[Fault]:
    """All that is wrong with a body, sorted; with ``form`` only what is still to be seen after its encoding."""
    errors = map(_innermost, validator.iter_errors(body))
    return sorted(_told(error) for error in errors if not (form and _unseen(error)))


def _unseen(error: Any) -> bool:
    """Whether a plain value is wrong only until the form makes a string of it."""
    return error.kind.name == "type" and "string" in error.kind.types and not isinstance(error.instance, list | dict)


def top_member(error: Any) -> str:
    """The top-level member that a schema error is about; empty for the body as a whole."""
    if error.instance_path:
        return str(error.instance_path[0])
    if error.kind.name == "required":
        return str(error.kind.property)
    if error.kind.name in ("additionalProperties", "unevaluatedProperties"):
        return str(sorted(error.kind.unexpected)[0])
    return ""


def _told(error: Any) -> Fault:
    kind, path = error.kind, [str(part) for part in error.instance_path]
    name = str(kind.name)
    why = _WORDS.get(name, name)
    if name == "required":
        path.append(str(kind.property))
    elif name in ("additionalProperties", "unevaluatedProperties"):
        path.append(str(sorted(kind.unexpected)[0]))
    elif name in ("type", "anyOf", "oneOf"):
        why = f"{why}: {named(error.instance)}"
        name = why
    pointer = "".join(f"/{escape(part)}" for part in path)
    return pointer, str(kind.name) != "type", why, name


def _innermost(error: Any) -> Any:
    """Of alternatives, the error inside the one that was meant: the only one whose own type fits."""
    if error.kind.name not in ("anyOf", "oneOf") or not hasattr(error.kind, "context"):
        return error
    branches = [branch for branch in error.kind.context if not _is_aside(branch)]
    mistyped = [
        next((sub for sub in branch if sub.kind.name == "type" and sub.instance_path == error.instance_path), None)
        for branch in branches
    ]
    meant = [branch[0] for branch, wrong in zip(branches, mistyped, strict=True) if not wrong]
    if len(meant) == 1:
        return _innermost(meant[0])
    return error if meant else next(filter(None, mistyped), error)


def _is_aside(branch: list[Any]) -> bool:
    """Whether a branch stands beside the real forms: only for placeholders, or for the empty value that unsets."""
    kinds = {sub.kind.name: sub.kind.as_dict() for sub in branch}
    allowed = [*kinds.get("enum", {}).get("options", ()), *(kinds["const"].values() if "const" in kinds else ())]
    return bool(allowed) and all(value == "" or PLACEHOLDER.fullmatch(str(value)) for value in allowed)


def named(value: Any) -> str:
    """A value's JSON type."""
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", type(None): "null"}
    return names.get(type(value), "object")
