"""VCR cassettes in YAML, of Python's vcrpy and of Ruby's VCR, one interaction at a time; nothing is run."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Iterator
from typing import Any, BinaryIO

import yaml

from conformance.evidence.compression import decompressed
from conformance.evidence.exchange import Exchange, Headers, Request, Response
from conformance.evidence.recorded_lines import epoch

# libyaml's parser where PyYAML was built with it, ten times as fast; both only tell events here and construct nothing.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LISTS = ("interactions", "http_interactions")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TEXT_TAGS = frozenset({"!", "!str"} | {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool")})
# What YAML of Python 2 calls its text.
_PYTHON_TEXT_TAGS = frozenset({"tag:yaml.org,2002:python/unicode", "tag:yaml.org,2002:python/str"})
_BINARY_TAGS = frozenset({"!binary", "tag:yaml.org,2002:binary"})
_COLLECTION_TAGS = frozenset({None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_MAX_DEPTH = 50


def interactions(stream: BinaryIO) -> Iterator[Any]:
    """Each interaction of a cassette, as dicts, lists, text, bytes and None.

    Raises ValueError where the file is not YAML, not a cassette, or asks for an object to be made.
    """
    try:
        yield from _Reader(yaml.parse(stream, Loader=_LOADER)).interactions()
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {' '.join(str(error).split())}") from error


def from_interaction(interaction: Any) -> Exchange:
    """The exchange of one interaction, its number still to be given. Raises ValueError, TypeError, KeyError at none."""
    request, response = interaction["request"], interaction["response"]
    request_headers, request_body = decompressed(_headers(request), _body(request.get("body")))
    recorded = response["content"] if "content" in response else response.get("body")
    response_headers, response_body = decompressed(_headers(response), _body(recorded))
    status = response["status_code"] if "status_code" in response else response["status"]["code"]
    started = epoch(interaction.get("recorded_at"))
    return Exchange(
        number=0,
        request=Request(_text(request["method"]).upper(), _text(request["uri"]), request_headers, request_body),
        response=Response(int(status), response_headers, response_body),
        started=started,
        ended=started,
    )


class _Reader:
    """Builds plain values from YAML's events. No tag makes an object, no scalar becomes a number or a date."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Any] = {}

    def interactions(self) -> Iterator[Any]:
        found = False
        event = self._skip(yaml.StreamStartEvent, yaml.DocumentStartEvent)
        if isinstance(event, yaml.MappingStartEvent):
            while not isinstance(key := next(self._events), yaml.MappingEndEvent):
                if self._value(key, 1) not in _LISTS:
                    self._value(next(self._events), 1)
                    continue
                found = True
                if not isinstance(start := next(self._events), yaml.SequenceStartEvent):
                    self._value(start, 1)
                    continue
                while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                    yield self._value(item, 2)
        if not found:
            raise ValueError(f"not a cassette: no list named {' or '.join(_LISTS)} at its top")

    def _skip(self, *kinds: type) -> Any:
        event = next(self._events, None)
        while isinstance(event, kinds):
            event = next(self._events, None)
        return event

    def _value(self, event: Any, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise ValueError(f"nested deeper than {_MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise ValueError(f"the alias *{event.anchor} names nothing")
            return self._anchors[event.anchor]
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
        elif event.tag not in _COLLECTION_TAGS:
            raise ValueError(f"the tag {event.tag} asks for an object to be made")
        elif isinstance(event, yaml.SequenceStartEvent):
            value = []
            while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                value.append(self._value(item, depth + 1))
        else:
            value = {}
            while not isinstance(key := next(self._events), yaml.MappingEndEvent):
                name = self._value(key, depth + 1)
                if not isinstance(name, str):
                    raise ValueError("a member's name is not text")
                value[name] = self._value(next(self._events), depth + 1)
        if event.anchor:
            self._anchors[event.anchor] = value
        return value


def _scalar(event: Any) -> str | bytes | None:
    if event.tag in _BINARY_TAGS:
        return base64.b64decode(event.value)
    if event.tag == "tag:yaml.org,2002:null" or (event.tag is None and not event.style and event.value in _NULLS):
        return None
    if event.tag is None or event.tag in _TEXT_TAGS or event.tag in _PYTHON_TEXT_TAGS:
        return str(event.value)
    raise ValueError(f"the tag {event.tag} asks for an object to be made")


def _headers(message: Any) -> Headers:
    pairs = (message.get("headers") or {}).items()
    return tuple(
        (name, _text(item)) for name, value in pairs for item in (value if isinstance(value, list) else [value])
    )


def _body(recorded: Any) -> bytes:
    """The bytes of a body: text, bytes, nothing, or a mapping with one of them and the encoding it is to have."""
    encoding = "utf-8"
    if isinstance(recorded, dict):
        if recorded.get("base64_string") is not None:
            return base64.b64decode(recorded["base64_string"])
        encoding = _codec(recorded.get("encoding"))
        recorded = recorded.get("string")
    if recorded is None or isinstance(recorded, bytes):
        return recorded or b""
    if not isinstance(recorded, str):
        raise TypeError("a body is neither text nor bytes")
    try:
        return recorded.encode(encoding)
    except UnicodeEncodeError:
        return recorded.encode("utf-8", "surrogatepass")


def _codec(name: Any) -> str:
    try:
        return codecs.lookup(str(name)).name
    except LookupError:
        return "utf-8"  # Ruby's ASCII-8BIT among them: its text is UTF-8 here, for YAML holds nothing else


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is None or isinstance(value, str):
        return value or ""
    raise TypeError(f"expected text, found a {type(value).__name__}")
