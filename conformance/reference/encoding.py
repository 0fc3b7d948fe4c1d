"""How bodies and queries are read: JSON objects, and forms whose nested members are written in brackets."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from werkzeug.wrappers import Request

from . import validation
from .errors import Refusal
from .model import Params, Path
from .validation import Check

MOST_BYTES = 1_000_000
DEEPEST = 64
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_FORM = "application/x-www-form-urlencoded"


def body_of(request: Request) -> str:
    """The body as text. Raises Refusal where it is too long or not UTF-8."""
    if (request.content_length or 0) > MOST_BYTES:
        raise Refusal("malformed", "the body is too long")
    try:
        return request.get_data(cache=True).decode()
    except UnicodeDecodeError:
        raise Refusal("malformed", "the body is not UTF-8") from None


def json_body(request: Request) -> Params:
    """The JSON object that was sent, an empty one where there is none; of a GET the query's members, as text."""
    if request.method == "GET":
        return _nested(request.query_string.decode("latin-1"))
    text = body_of(request)
    if not text.strip():
        return {}
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Refusal("malformed", "the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refusal("malformed", "the body must be a JSON object")
    if text.count("[") + text.count("{") > DEEPEST and _deeper(value, DEEPEST):
        raise Refusal("malformed", "the body is nested too deeply")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("the number is out of range")
    return number


def _deeper(value: Any, levels: int) -> bool:
    """Whether a value nests deeper than so many levels; looks no deeper than that."""
    if not isinstance(value, dict | list):
        return False
    members = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper(member, levels - 1) for member in members)


def form_body(request: Request) -> Params:
    """The members of a form body and of the query, nested by brackets; lists are objects with numbers as names."""
    params = _nested(request.query_string.decode("latin-1"))
    if request.method == "GET":
        return params
    text = body_of(request)
    if text and request.mimetype != _FORM:
        raise Refusal("media_type", f"the body must be {_FORM}")
    return _nested(text, params)


def _nested(text: str, params: Params | None = None) -> Params:
    root: Params = {} if params is None else params
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=2000)
    except ValueError:
        raise Refusal("malformed", "the form has too many members") from None
    for key, value in pairs:
        match = _KEY.fullmatch(key)
        if not match:
            raise validation.invalid((key,), "the brackets of this name do not match")
        _insert(root, (match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])), value)
    return root


def _insert(root: Params, path: Path, value: str) -> None:
    if len(path) > DEEPEST:
        raise validation.invalid(path[:1], "is nested too deeply")
    node = root
    for name in path[:-1]:
        node = node.setdefault(name or str(len(node)), {})
        if not isinstance(node, dict):
            raise validation.invalid(path, "is sent both as a value and as an object")
    last = path[-1] or str(len(node))
    if isinstance(node.get(last), dict):
        raise validation.invalid(path, "is sent both as a value and as an object")
    node[last] = value


def integer(least: int | None = None, most: int | None = None) -> Check:
    """A whole number written in decimal digits."""

    def check(value: Any, path: Path) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,30}", value):
            raise Refusal("not_an_integer", "must be an integer", param=path)
        return validation.bounded(int(value), path, least, most)

    return check


def boolean(value: Any, path: Path) -> bool:
    """The words true or false."""
    if value not in ("true", "false"):
        raise validation.invalid(path, "must be true or false")
    return bool(value == "true")


def array(item: Check) -> Check:
    """A list written ``name[]=…`` or ``name[0]=…``."""

    def check(value: Any, path: Path) -> list[Any]:
        if not isinstance(value, dict) or not all(re.fullmatch(r"[0-9]{1,6}", index) for index in value):
            raise validation.invalid(path, "must be an array")
        ordered = sorted(value, key=int)
        return [item(value[index], (*path, index)) for index in ordered]

    return check


def blank_or(check: Check) -> Check:
    """The empty string, which clears a value and is read as None, or what the check accepts."""
    return lambda value, path: None if value == "" else check(value, path)
