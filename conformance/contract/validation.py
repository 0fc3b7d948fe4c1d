"""Judges documents by a contract's JSON Schemas, with the fast validator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from conformance.contract.model import Contract


@dataclass(frozen=True)
class SchemaError:
    """One place where a document leaves its schema. ``path`` are the keys and indexes that lead there."""

    path: tuple[str | int, ...]
    expected: str
    actual: str

    @property
    def pointer(self) -> str:
        return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in self.path)


class Validators:
    """The validators of one contract, each made when first asked for."""

    def __init__(self, contract: Contract) -> None:
        self._schemas = contract.schemas
        self._registry = jsonschema_rs.Registry(
            [(str(schema["$id"]), dict(schema)) for schema in contract.schemas.values()]
        )
        self._made: dict[str, Any] = {}

    def errors(self, schema: str, document: Any) -> list[SchemaError]:
        """What contradicts the schema file ``<schema>.schema.json`` in ``document``; formats count."""
        if schema not in self._made:
            self._made[schema] = jsonschema_rs.Draft202012Validator(
                dict(self._schemas[schema]), registry=self._registry, validate_formats=True
            )
        try:
            return [_told(error) for error in self._made[schema].iter_errors(document)]
        except UnicodeEncodeError:
            return [SchemaError((), "text in Unicode", "a lone surrogate")]
        except ValueError as error:  # nested more deeply than the validator follows
            return [SchemaError((), "a document that can be validated", str(error))]


def _told(error: Any) -> SchemaError:
    path, kind = tuple(error.instance_path), error.kind
    if kind.name == "required":
        return SchemaError((*path, kind.property), "present", "absent")
    expected = f"{kind.name}: {_short(kind.value)}" if not isinstance(kind.value, Mapping) else str(kind.name)
    if kind.name in ("anyOf", "oneOf"):
        reasons = {sub.message for branch in kind.context for sub in branch}
        expected = "one of the documented forms (" + "; ".join(_short(reason) for reason in sorted(reasons)[:4]) + ")"
    return SchemaError(path, expected, _short(error.instance))


def _short(value: Any, limit: int = 160) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
