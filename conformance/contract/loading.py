"""Reads a provider's folder, and refuses one that contradicts itself."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from conformance.contract.dialect import dialect_problem
from conformance.contract.model import (
    LEVELS,
    Contract,
    ErrorKind,
    Level,
    Operation,
    Requirement,
    Source,
    Transition,
)

ANY_INTENT = "(unknown)"  # the `from` of a transition on an intent that does not exist

_SETTINGS = {
    "": ("title", "prefix", "authentication", "members", "errors", "requests"),
    "authentication": ("scheme", "unknown_key"),
    "members": ("id", "status", "payment_method"),
    "requests": ("create",),
}
_OPERATIONS = ("create", "retrieve", "confirm")
_SCHEMAS = ("payment_intent", "create.request", "confirm.request", "error")
_REQUIREMENT_KEYS = {"id", "level", "area", "statement", "source", "check", "with", "needs", "not_tested", "rests_on"}
_TRANSITION_KEYS = {
    *("id", "operation", "from", "after", "method", "send", "create"),
    *("to", "via", "stays", "refused", "leaves", "source"),
}
_VAGUE = re.compile(r"\b(should|verify that|test that)\b", re.IGNORECASE)


class CatalogueError(Exception):
    """A provider's folder is missing, unreadable or contradicts itself; the message names file and key."""


def contract_root() -> Path:
    """The folder of the providers' folders: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "schemas"
    return installed if installed.is_dir() else package.parent / "schemas"


def provider_names(root: Path | None = None) -> tuple[str, ...]:
    """The names of all providers under ``root``, in order of name."""
    folder = root or contract_root()
    return tuple(sorted(path.parent.name for path in folder.glob("*/provider.toml")))


def load_contract(provider: str, root: Path | None = None) -> Contract:
    """The contract of one provider.

    Raises ``CatalogueError`` where the folder is missing or its files contradict each other.
    """
    folder = (root or contract_root()) / provider
    if not (folder / "provider.toml").is_file():
        known = ", ".join(provider_names(root)) or "none"
        raise CatalogueError(f"no contract for provider {provider!r}; known providers: {known}")
    try:
        return _loaded(provider, folder)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        told = f"lacks the key {error}" if isinstance(error, KeyError) else f"is not of the known form: {error}"
        raise CatalogueError(f"{folder}: a file {told}") from error


def load_contracts(further: Path | None = None) -> dict[str, Contract]:
    """The contracts that come with the suite, and with them those under ``further``, by name.

    Raises ``CatalogueError`` as ``load_contract`` does, and where ``further`` holds no contract or one whose name is
    taken.
    """
    shipped = contract_root()
    contracts = {name: load_contract(name) for name in provider_names()}
    if further is None:
        return contracts
    if not further.is_dir():
        raise CatalogueError(f"contracts: there is no folder {further}")
    added = provider_names(further)
    if not added:
        raise CatalogueError(f"contracts: {further} holds no provider's folder, no <provider>/provider.toml")
    for name in added:
        if name in contracts:
            raise CatalogueError(f"contracts: {further / name}: the name {name} is taken, by {shipped / name}")
    return {**contracts, **{name: load_contract(name, further) for name in added}}


def _loaded(provider: str, folder: Path) -> Contract:
    settings = _toml(folder / "provider.toml")
    for where, keys in _SETTINGS.items():
        table = settings.get(where, {}) if where else settings
        _has_keys(folder / "provider.toml", f"[{where}]" if where else "the file", table, keys)
    document = _json(folder / "openapi.json")
    schemas = {path.name.removesuffix(".schema.json"): _json(path) for path in sorted(folder.glob("*.schema.json"))}
    for name in _SCHEMAS:
        if name not in schemas:
            raise CatalogueError(f"{folder}: there is no {name}.schema.json")
    lifecycle = _toml(folder / "lifecycle.toml")
    _has_keys(folder / "lifecycle.toml", "the file", lifecycle, ("statuses",))
    sources = _sources(folder)
    transitions = _transitions(folder, lifecycle, sources)
    operations = _operations(folder / "openapi.json", document)
    kinds = {
        name: ErrorKind(name, *(tuple(kind.get(key, ())) for key in ("status", "type", "code")))
        for name, kind in settings.get("errors", {}).get("kinds", {}).items()
    }
    contract = Contract(
        name=provider,
        title=str(settings["title"]),
        folder=folder,
        digest=_digest(folder),
        settings=settings,
        operations=operations,
        security=document.get("components", {}).get("securitySchemes", {}),
        statuses=tuple(lifecycle["statuses"]),
        terminal=frozenset(lifecycle.get("terminal", ())),
        passing=tuple(lifecycle.get("passing", ())),
        transitions=transitions,
        error_kinds=kinds,
        requirements=_requirements(folder, settings, sources),
        schemas=schemas,
    )
    _cross_check(contract)
    return contract


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"{path}: {error}") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        return cast(dict[str, Any], json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{path}: {error}") from error


def _digest(folder: Path) -> str:
    """SHA-256 over every file of the contract, name and content, so that a certificate names what it held."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"sha256:{total.hexdigest()}"


def _operations(file: Path, document: Mapping[str, Any]) -> dict[str, Operation]:
    found = {}
    _has_keys(file, "the document", document, ("paths",))
    for path, methods in document["paths"].items():
        for method, entry in methods.items():
            if method == "parameters":
                continue
            _has_keys(file, f"{method} {path}", entry, ("operationId", "responses"))
            content = entry.get("requestBody", {}).get("content", {})
            media_type = next(iter(content), "")
            reference = content[media_type]["schema"].get("$ref", "") if media_type else ""
            found[entry["operationId"]] = Operation(
                name=entry["operationId"],
                method=method.upper(),
                path=path,
                media_type=media_type,
                request_schema=reference.removeprefix("./").removesuffix(".schema.json"),
                response_schema=_response_schema(entry["responses"]),
                success_statuses=tuple(int(status) for status in entry["responses"] if status.startswith("2")),
                # Recordings know other base URLs, so only the end of a path is held against the template.
                pattern=re.compile(re.sub(r"\\\{\w+\\\}", "(?P<intent>[^/]+)", re.escape(path)) + "/?$"),
                inferred=bool(entry.get("x-inferred")),
            )
    # An operation without a parameter first: /search is not an intent's id.
    return dict(sorted(found.items(), key=lambda item: "{" in item[1].path))


def _response_schema(responses: Mapping[str, Any]) -> str:
    """The name of the schema file of the first documented success; empty where none is given."""
    for status, answer in responses.items():
        if status.startswith("2"):
            for body in answer.get("content", {}).values():
                reference: str = body.get("schema", {}).get("$ref", "")
                return reference.removeprefix("./").removesuffix(".schema.json")
    return ""


def _sources(folder: Path) -> dict[str, Source]:
    path = folder / "requirements.toml"
    table = _toml(path)
    _has_keys(path, "the file", table, ("sources", "requirement"))
    found = {}
    for key, entry in table["sources"].items():
        _has_keys(path, f"[sources] {key}", entry, ("title", "url"))
        found[key] = Source(key, entry["title"], entry["url"])
    return found


def _transitions(folder: Path, lifecycle: Mapping[str, Any], sources: Mapping[str, Source]) -> dict[str, Transition]:
    found: dict[str, Transition] = {}
    path = folder / "lifecycle.toml"
    for row in lifecycle.get("transition", ()):
        _known_keys(path, row, _TRANSITION_KEYS)
        _has_keys(path, f"transition {row.get('id', '?')}", row, ("id", "operation"))
        if row.get("source") and row["source"] not in sources:
            raise CatalogueError(
                f"{path}: transition {row['id']} names a source that is not in [sources]: {row['source']}"
            )
        if row["id"] in found:
            raise CatalogueError(f"{folder / 'lifecycle.toml'}: transition {row['id']!r} stands twice")
        found[row["id"]] = Transition(
            id=row["id"],
            operation=row["operation"],
            sources=tuple(row.get("from", ())),
            method=row.get("method", ""),
            send=row.get("send", {}),
            create=row.get("create", {}),
            to=tuple(row.get("to", ())),
            via=tuple(row.get("via", ())),
            stays=bool(row.get("stays")),
            after=row.get("after", ""),
            refused=row.get("refused", ""),
            leaves=tuple(row.get("leaves", ())),
            source=str(row.get("source", "")),
        )
    return found


def _requirements(folder: Path, settings: Mapping[str, Any], sources: Mapping[str, Source]) -> dict[str, Requirement]:
    path = folder / "requirements.toml"
    found: dict[str, Requirement] = {}
    for row in _toml(path)["requirement"]:
        _known_keys(path, row, _REQUIREMENT_KEYS)
        _has_keys(path, f"requirement {row.get('id', '?')}", row, ("id", "level", "area", "statement", "source"))
        identifier = row["id"]
        named = [row["source"]] if isinstance(row["source"], str) else row["source"]
        problems = [
            (identifier in found, "stands twice"),
            (not identifier.startswith(settings["prefix"] + "-"), f"lacks the prefix {settings['prefix']}-"),
            (row["level"] not in LEVELS, f"has an unknown level {row['level']!r}"),
            (bool(row.get("check")) == bool(row.get("not_tested")), "needs either `check` or `not_tested`"),
            (not named, "names no source"),
            (any(key not in sources for key in named), f"names a source that is not in [sources]: {named}"),
            (bool(_VAGUE.search(row["statement"])), "states no fact: its statement says 'should', 'verify that' or so"),
        ]
        for wrong, message in problems:
            if wrong:
                raise CatalogueError(f"{path}: requirement {identifier} {message}")
        found[identifier] = Requirement(
            id=identifier,
            level=cast(Level, row["level"]),
            area=row["area"],
            statement=row["statement"],
            sources=tuple(sources[key] for key in named),
            check=row.get("check", ""),
            args=row.get("with", {}),
            needs=tuple(row.get("needs", ())),
            not_tested=row.get("not_tested", ""),
            rests_on=tuple(row.get("rests_on", ())),
        )
    return found


def _known_keys(path: Path, row: Mapping[str, Any], known: Iterable[str]) -> None:
    unknown = set(row) - set(known)
    if unknown:
        raise CatalogueError(f"{path}: {row.get('id', 'a row')} has unknown keys: {', '.join(sorted(unknown))}")


def _has_keys(path: Path, what: str, row: Mapping[str, Any], needed: Iterable[str]) -> None:
    missing = [key for key in needed if key not in row]
    if missing:
        raise CatalogueError(f"{path}: {what} lacks {', '.join(missing)}")


def _cross_check(contract: Contract) -> None:
    folder, capabilities = contract.folder, contract.settings.get("capabilities", {})
    for name in _OPERATIONS:
        if name not in contract.operations:
            raise CatalogueError(f"{folder / 'openapi.json'}: there is no operation {name!r}")
    scheme = contract.settings["authentication"]["scheme"]
    if scheme not in contract.security:
        raise CatalogueError(f"{folder / 'provider.toml'}: [authentication] scheme {scheme!r} is not in openapi.json")
    if problem := dialect_problem(contract.settings):
        raise CatalogueError(f"{folder / 'provider.toml'}: [idempotency.dialect] {problem}")
    for row in contract.requirements.values():
        for name in row.needs:
            if name not in capabilities:
                raise CatalogueError(f"{folder / 'requirements.toml'}: {row.id} needs unknown capability {name!r}")
        for name in row.rests_on:
            if name not in contract.requirements or contract.requirements[name].rests_on:
                problem = f"{row.id} rests on {name!r}, which is no requirement, or itself rests on one"
                raise CatalogueError(f"{folder / 'requirements.toml'}: {problem}")
        schema = row.args.get("schema")
        if schema and schema not in contract.schemas:
            raise CatalogueError(f"{folder / 'requirements.toml'}: {row.id} cites unknown schema {schema!r}")
        for key in ("transition", "after"):
            wanted = row.args.get(key)
            if wanted and wanted not in contract.transitions:
                raise CatalogueError(f"{folder / 'requirements.toml'}: {row.id} cites unknown transition {wanted!r}")
    for name in contract.settings.get("instruments", {}):
        if name not in capabilities:
            raise CatalogueError(f"{folder / 'provider.toml'}: instrument {name!r} is not among [capabilities]")
    for operation, needs in contract.settings.get("needs", {}).items():
        if operation not in contract.operations:
            raise CatalogueError(f"{folder / 'provider.toml'}: [needs] names unknown operation {operation!r}")
        for name in set(needs) - set(capabilities):
            raise CatalogueError(f"{folder / 'provider.toml'}: [needs] {operation} names unknown capability {name!r}")
    for name, named in (("terminal", contract.terminal), ("passing", contract.passing)):
        for status in set(named) - set(contract.statuses):
            raise CatalogueError(f"{folder / 'lifecycle.toml'}: {name} names unknown status {status!r}")
    for move in contract.transitions.values():
        for status in (*move.sources, *move.to, *move.via, *move.leaves):
            if status not in contract.statuses and status != ANY_INTENT:
                raise CatalogueError(f"{folder / 'lifecycle.toml'}: {move.id} names unknown status {status!r}")
        if move.refused and move.refused not in contract.error_kinds:
            raise CatalogueError(f"{folder / 'lifecycle.toml'}: {move.id} names unknown error kind {move.refused!r}")
        if move.stays and move.to:
            raise CatalogueError(f"{folder / 'lifecycle.toml'}: {move.id} both stays and leads to {move.to}")
        moving = sorted(set(move.sources) & set(contract.passing))
        if move.stays and moving:
            raise CatalogueError(f"{folder / 'lifecycle.toml'}: {move.id} stays in {moving[0]}, which is `passing`")
        if move.after and move.after not in contract.transitions:
            raise CatalogueError(
                f"{folder / 'lifecycle.toml'}: {move.id} comes after unknown transition {move.after!r}"
            )
        if move.operation not in contract.operations:
            raise CatalogueError(f"{folder / 'lifecycle.toml'}: {move.id} names unknown operation {move.operation!r}")
    if any(not operation.shows_one for operation in contract.operations.values()):
        _has_keys(folder / "provider.toml", "[lists]", contract.settings.get("lists", {}), ("items",))
    shown = contract.schemas["payment_intent"].get("properties", {})
    listed = shown.get(contract.settings["members"]["status"], {}).get("enum")
    if listed is not None and set(listed) != set(contract.statuses):
        raise CatalogueError(
            f"{folder / 'lifecycle.toml'}: [statuses] differ from the enum of payment_intent.schema.json"
        )
