"""Bracket-form bodies (``a[b][]=1``): how nested values travel as application/x-www-form-urlencoded, both ways."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote_plus

_SEGMENT = re.compile(r"\[([^\[\]]*)\]")
_INDEX = re.compile(r"[0-9]{1,9}")
# Deeper names are kept as they are, so that a hostile recording cannot exhaust the stack.
_MAX_DEPTH = 64


def encode_form(value: Mapping[str, Any]) -> bytes:
    """Encode a mapping of JSON values as a form body.

    Lists of plain values use ``a[]=1``, lists that hold a list or an object use ``a[0][b]=1``. Booleans become
    ``true``/``false``, None the empty string; an empty list or object leaves no trace. Raises TypeError where the
    value is not a mapping, for a form has no other top level.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"a form body is a mapping, not {type(value).__name__}")
    return "&".join(f"{_quote(name, '[]')}={_quote(text)}" for name, text in _pairs(value, "")).encode("ascii")


def decode_form(body: bytes) -> dict[str, Any]:
    """Decode a form body to nested dicts and lists of strings.

    ``a[]=1`` and ``a[0]=1`` both give ``{"a": ["1"]}``; a member whose names are all indices is a list, in the order
    of the indices. Of a name given twice the last value stays. Bytes that are not UTF-8 become replacement
    characters and names with unbalanced brackets are kept as they are: nothing is ever refused.
    """
    tree: dict[str, Any] = {}
    for name, text in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace"):
        _put(tree, _split(name), text)
    return {name: _listed(child) for name, child in tree.items()}


def _quote(text: str, safe: str = "") -> str:
    return quote_plus(text, safe=safe, errors="surrogatepass")


def _pairs(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _pairs(child, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, list | tuple):
        nested = any(isinstance(child, Mapping | list | tuple) for child in value)
        for index, child in enumerate(value):
            yield from _pairs(child, f"{name}[{index}]" if nested else f"{name}[]")
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    else:
        yield name, "" if value is None else str(value)


def _split(name: str) -> list[str]:
    """``a[b][]`` as ["a", "b", ""]; a name that is not of this shape as its only segment."""
    head, bracket, rest = name.partition("[")
    segments = _SEGMENT.findall(bracket + rest)
    whole = head and head + "".join(f"[{segment}]" for segment in segments) == name
    return [head, *segments] if whole and len(segments) <= _MAX_DEPTH else [name]


def _put(node: dict[str, Any], path: list[str], text: str) -> None:
    segment, rest = path[0], path[1:]
    if segment == "" and _is_list(node):
        segment = _next_index(node, rest)
    if not rest:
        node[segment] = text
        return
    child = node.get(segment)
    if not isinstance(child, dict):
        child = node[segment] = {}
    _put(child, rest, text)


def _next_index(node: dict[str, Any], rest: list[str]) -> str:
    """The element that ``[]`` speaks of: ``a[][x]=1&a[][y]=2`` is one element, a second ``a[][x]`` begins the next."""
    indices = [int(key) for key in node]
    last = max(indices, default=-1)
    if rest and indices and "" not in rest and isinstance(node[str(last)], dict) and not _has(node[str(last)], rest):
        return str(last)
    return str(last + 1)


def _has(node: Any, path: list[str]) -> bool:
    for segment in path:
        if not isinstance(node, dict) or segment not in node:
            return False
        node = node[segment]
    return True


def _is_list(node: dict[str, Any]) -> bool:
    return all(_INDEX.fullmatch(key) and str(int(key)) == key for key in node)


def _listed(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    children = {key: _listed(child) for key, child in node.items()}
    if _is_list(node):
        return [children[key] for key in sorted(children, key=int)]
    return children
