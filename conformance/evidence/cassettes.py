"""Cassettes: the exchanges of one scenario as a file in VCR's format. The one module that speaks to vcrpy."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml
from vcr.persisters.filesystem import FilesystemPersister
from vcr.request import Request as RecordedRequest
from vcr.serializers import yamlserializer

from conformance.evidence.exchange import Exchange, Headers, Request, Response
from conformance.evidence.forms import decode_form

SUFFIX = ".yaml"
_FORMAT = 1
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_MAX_BYTES = 64 * 1024 * 1024
_PLACEHOLDER = re.compile(r"\[redacted(?::[\w.-]*)?\]|redacted-[0-9a-f]{8}@redacted\.invalid")
# Placeholders that are counted are counted anew in each run.
_COUNTED = re.compile(r"\[redacted:[0-9]{1,6}\]")
_HEAD, _DIGEST = "metadata:\n", "  digest: "
# Of a body that is kept plain these no longer tell the truth.
_OF_THE_WIRE = frozenset({"content-encoding", "transfer-encoding"})


class CassetteError(ValueError):
    """A file that cannot be replayed; the message says what is wrong with it, and not which file it is."""


@dataclass(frozen=True)
class Origin:
    """What a run was recorded from.

    ``source`` is ``reference server``, ``named server`` or ``provider's sandbox``; ``recorded_at`` is RFC 3339 in UTC.
    """

    provider: str
    target: str
    source: str
    contract_digest: str
    suite_version: str
    seed: int
    recorded_at: str


@dataclass(frozen=True)
class Head(Origin):
    """What a cassette tells of itself: the run's origin, and whose exchanges it holds."""

    scenario: str


def write_cassette(path: Path, head: Head, exchanges: Iterable[Exchange]) -> None:
    """Writes exchanges, which the caller has redacted, in the order of their numbers; the folder must exist."""
    ordered = sorted(exchanges, key=lambda one: one.number)
    answered = [one for one in ordered if one.response is not None]
    about = {
        "format": _FORMAT,
        **asdict(head),
        "digest": "",
        "exchanges": [_about(one) for one in answered],
        "unanswered": [_unanswered(one) for one in ordered if one.response is None],
    }
    cassette = {
        "requests": [_request(one.request) for one in answered],
        "responses": [_response(one.response) for one in answered if one.response is not None],
        "metadata": about,
    }
    FilesystemPersister.save_cassette(path, cassette, _Serializer)


def read_cassette(path: Path) -> tuple[Head, tuple[Exchange, ...]]:
    """Head and exchanges of a cassette of ours. Nothing in it is run.

    Raises ``CassetteError`` where the file is missing, none of ours, cut off, or was changed since it was written.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CassetteError(f"it is longer than {_MAX_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CassetteError(getattr(error, "strerror", None) or "it is no text") from error
    digest = _digest_told(text)
    try:
        loaded = FilesystemPersister.load_cassette(path, _Serializer)
    except Exception as error:
        # Whatever vcrpy and YAML stumble over: what was written whole can be read.
        raise CassetteError(
            _cut_off(text) or f"it was changed by hand and is no cassette any more ({error})"
        ) from error
    if len(loaded) != 3 or not isinstance(loaded[2], dict):
        raise CassetteError("it has no head, so another tool made it")
    requests, responses, about = loaded
    if about.get("format") != _FORMAT:
        raise CassetteError(f"it is written in format {about.get('format')!r}, this version reads format {_FORMAT}")
    if digest != _digest(text):
        told = len(about.get("exchanges") or ())
        raise CassetteError(
            f"it is cut off: {len(requests)} of {told} exchanges are there"
            if len(requests) < told
            else _cut_off(text) or "it was changed by hand"
        )
    try:
        answered = [
            _exchange(kept, request, response)
            for kept, request, response in zip(about["exchanges"], requests, responses, strict=True)
        ]
        silent = [_from_unanswered(kept) for kept in about["unanswered"]]
        head = Head(**{name: about[name] for name in Head.__dataclass_fields__})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CassetteError(f"its head and its exchanges do not fit together ({error})") from error
    return head, tuple(sorted([*answered, *silent], key=lambda one: one.number))


class _Serializer:
    """vcrpy's safe YAML, with the head first and a body on one line; the head holds the digest of all the rest."""

    @staticmethod
    def serialize(cassette: Mapping[str, Any]) -> str:
        ordered = {name: cassette[name] for name in ("metadata", "interactions", "version")}
        text: str = yaml.dump(ordered, Dumper=_DUMPER, sort_keys=False, width=2**30)
        return text.replace(f"{_DIGEST}''\n", f"{_DIGEST}{_digest(text)}\n", 1)

    @staticmethod
    def deserialize(text: str) -> Any:
        loaded = yamlserializer.deserialize(text)
        if not isinstance(loaded, dict) or not isinstance(loaded.get("interactions"), list):
            raise ValueError("no list of interactions")
        return loaded


def _digest(text: str) -> str:
    """SHA-256 of a cassette's text but for the line that tells it; the ends of lines do not count."""
    lines = text.splitlines()
    told = next((index for index, line in enumerate(lines) if line.startswith(_DIGEST)), len(lines))
    return "sha256:" + hashlib.sha256("\n".join([*lines[:told], *lines[told + 1 :]]).encode()).hexdigest()


def _digest_told(text: str) -> str:
    line = next((line for line in text.splitlines() if line.startswith(_DIGEST)), "")
    return line.removeprefix(_DIGEST).strip()


def _cut_off(text: str) -> str:
    """Why a text that cannot be read is the beginning of a cassette; empty where it does not look like that."""
    begun, ended = text.startswith(_HEAD) or _HEAD.startswith(text), text.rstrip().endswith("version: 1")
    return "it is cut off" if begun and not ended else ""


def _about(exchange: Exchange) -> dict[str, Any]:
    """What VCR's format has no place for."""
    return {
        "number": exchange.number,
        "credential": exchange.credential,
        "case": exchange.case,
        "started": exchange.started,
        "ended": exchange.ended,
        **({"failure": exchange.failure} if exchange.failure else {}),
    }


def _unanswered(exchange: Exchange) -> dict[str, Any]:
    asked = _request(exchange.request)._to_dict()
    return {**_about(exchange), "failure": exchange.failure, "request": asked}


def _request(request: Request) -> Any:
    return RecordedRequest(request.method, request.url, request.body or None, _listed(request.headers))


def _response(response: Response) -> dict[str, Any]:
    headers = tuple(pair for pair in response.headers if pair[0].lower() not in _OF_THE_WIRE)
    return {
        "status": {"code": response.status, "message": _phrase(response.status)},
        "headers": _listed(headers),
        "body": {"string": response.body},
    }


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""


def _listed(headers: Headers) -> dict[str, list[str]]:
    listed: dict[str, list[str]] = {}
    for name, value in headers:
        listed.setdefault(name, []).append(value)
    return listed


def _exchange(about: Mapping[str, Any], request: Any, response: Mapping[str, Any] | None) -> Exchange:
    answer = None
    if response is not None:
        answer = Response(
            int(response["status"]["code"]), _pairs(response["headers"]), _bytes(response["body"]["string"])
        )
    return Exchange(
        number=int(about["number"]),
        request=Request(str(request.method), str(request.uri), _pairs(request.headers), _bytes(request.body)),
        response=answer,
        credential=str(about["credential"]),
        case=str(about["case"]),
        failure=str(about.get("failure", "")),
        started=float(about["started"]),
        ended=float(about["ended"]),
    )


def _from_unanswered(about: Mapping[str, Any]) -> Exchange:
    return _exchange(about, RecordedRequest._from_dict(dict(about["request"])), None)


def _pairs(headers: Mapping[str, str | Sequence[str]]) -> Headers:
    """vcrpy keeps one value of a request's header, and a list of those of an answer's."""
    return tuple(
        (str(name), str(value))
        for name, values in headers.items()
        for value in ([values] if isinstance(values, str) else values)
    )


def _bytes(body: Any) -> bytes:
    if body is None or isinstance(body, bytes):
        return body or b""
    if isinstance(body, str):
        return body.encode("utf-8")
    raise TypeError("a body is neither text nor bytes")


def fingerprint(request: Request, key_header: str) -> str:
    """What tells a request from others: method, path, query, decoded body and idempotency key; the host does not count.

    ``key_header`` is the name of the header that holds the key; empty where the provider has none.
    """
    return _COUNTED.sub("[redacted]", _canonical(request, key_header))


def taken_out(asked: Request, recorded: Request, key_header: str) -> dict[str, str]:
    """What a request asks where its recording has placeholders, by placeholder, both as JSON writes them."""
    pieces = _PLACEHOLDER.split(written := _canonical(recorded, key_header))
    if len(pieces) == 1:
        return {}
    shown = re.fullmatch("(.+?)".join(map(re.escape, pieces)), _canonical(asked, key_header), re.DOTALL)
    return dict(zip(_PLACEHOLDER.findall(written), shown.groups(), strict=True)) if shown else {}


def _canonical(request: Request, key_header: str) -> str:
    body: Any = request.body.decode("utf-8", "backslashreplace")
    kind = (request.header("content-type") or "").lower()
    if "json" in kind:
        with suppress(ValueError, RecursionError):
            body = ["json", json.loads(request.body)]
    elif "x-www-form-urlencoded" in kind:
        body = ["form", decode_form(request.body)]
    key = request.header(key_header) if key_header else None
    asked = [request.method, unquote(request.path), decode_form(request.query.encode()), body, key]
    return json.dumps(asked, sort_keys=True)
