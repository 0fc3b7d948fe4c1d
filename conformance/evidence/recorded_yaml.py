"""VCR cassettes in YAML, of Python's vcrpy and of Ruby's VCR, one interaction at a time; nothing is run."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Iterator
from typing import Any, BinaryIO

import yaml

from conformance.evidence.bounded import Bounded
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

    Where the cassette's ``metadata`` tells of its exchanges, as ours do, what it tells of one stands in it as ``told``.

    Raises ValueError where the file is not YAML, not a cassette, or asks for an object to be made.
    """
    try:
        yield from _Reader(stream).interactions()
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {' '.join(str(error).split())}") from error


def from_interaction(interaction: Any) -> Exchange:
    """The exchange of one interaction, its number still to be given. Raises ValueError, TypeError, KeyError at none."""
    request, told = interaction["request"], interaction.get("told") or {}
    request_headers, request_body = decompressed(_headers(request), _body(request.get("body")))
    started = float(_text(told.get("started")) or epoch(interaction.get("recorded_at")))
    return Exchange(
        number=int(_text(told.get("number")) or 0),
        request=Request(_text(request["method"]).upper(), _text(request["uri"]), request_headers, request_body),
        response=None if told.get("failure") else _response(interaction["response"]),
        scenario=_text(told.get("scenario")),
        credential=_text(told.get("credential")),
        case=_text(told.get("case")),
        failure=_text(told.get("failure")),
        started=started,
        ended=float(_text(told.get("ended")) or started),
    )


def _response(response: Any) -> Response:
    recorded = response["content"] if "content" in response else response.get("body")
    headers, body = decompressed(_headers(response), _body(recorded))
    status = response["status_code"] if "status_code" in response else response["status"]["code"]
    return Response(int(status), headers, body)


class _About:
    """What a cassette of ours tells of its exchanges: of the answered ones in their order, and the others whole."""

    def __init__(self, metadata: Any) -> None:
        told = metadata if isinstance(metadata, dict) else {}
        self._scenario = told.get("scenario")
        self._answered, self._unanswered = (iter(_dicts(told.get(name))) for name in ("exchanges", "unanswered"))
        self._waiting = next(self._unanswered, None)

    def with_what_is_told(self, interaction: Any) -> Iterator[Any]:
        """The interaction, and before it those that were never answered before it was."""
        about = next(self._answered, None)
        if about is None or not isinstance(interaction, dict):
            yield interaction
            return
        while self._waiting is not None and _place(self._waiting) < _place(about):
            yield self._unanswered_one()
        yield {**interaction, "told": {**about, "scenario": self._scenario}}

    def rest(self) -> Iterator[Any]:
        """Those that were never answered after the last one that was."""
        while self._waiting is not None:
            yield self._unanswered_one()

    def _unanswered_one(self) -> Any:
        one, self._waiting = self._waiting or {}, next(self._unanswered, None)
        failure = one.get("failure") or "no answer was recorded"
        told = {**one, "failure": failure, "scenario": self._scenario}
        return {"request": one.get("request"), "response": None, "told": told}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _place(about: dict[str, Any]) -> float:
    try:
        return float(_text(about.get("number")))
    except (TypeError, ValueError):
        return 0.0


class _Reader:
    """Builds plain values from YAML's events. No tag makes an object, no scalar becomes a number or a date."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = Bounded(stream, "an interaction")
        self._events: Iterator[Any] = yaml.parse(self._stream, Loader=_LOADER)
        self._anchors: dict[str, Any] = {}

    def interactions(self) -> Iterator[Any]:
        found = False
        about = _About({})
        event = self._skip(yaml.StreamStartEvent, yaml.DocumentStartEvent)
        if isinstance(event, yaml.MappingStartEvent):
            while not isinstance(key := next(self._events), yaml.MappingEndEvent):
                self._stream.begin()
                if (name := self._value(key, 1)) not in _LISTS:
                    value = self._value(next(self._events), 1)
                    about = _About(value) if name == "metadata" else about
                    continue
                found = True
                if not isinstance(start := next(self._events), yaml.SequenceStartEvent):
                    self._value(start, 1)
                    continue
                while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                    yield from about.with_what_is_told(self._value(item, 2))
                    self._stream.begin()
                yield from about.rest()
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
