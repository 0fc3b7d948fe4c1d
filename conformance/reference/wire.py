"""Requests and answers on their way, and a lie that stands between the server and its clients."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from werkzeug.test import run_wsgi_app

FORM = "application/x-www-form-urlencoded"
_PATH = re.compile(r"/payment[-_]intents(?:/(?P<intent>(?!search$)[^/]+)(?:/(?P<verb>[a-z_]+))?|(?P<search>/search))?$")
_PLAIN = {
    ("POST", False): "create",
    ("GET", False): "list",
    ("GET", True): "retrieve",
    ("POST", True): "update",
}

Object = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request on its way to the server. ``operation`` is empty for anything that is no operation."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    environ: Mapping[str, Any] = field(repr=False)

    @property
    def operation(self) -> str:
        match = _PATH.search(self.path)
        if match is None:
            return ""
        if match["verb"] or match["search"]:
            verb = match["verb"] or "search"
            return verb if self.method == ("GET" if verb == "search" else "POST") else ""
        return _PLAIN.get((self.method, bool(match["intent"])), "")

    @property
    def intent(self) -> str:
        match = _PATH.search(self.path)
        return (match["intent"] or "") if match else ""

    @property
    def is_form(self) -> bool:
        return self.headers.get("content-type", "").startswith(FORM)

    @property
    def members(self) -> Object | None:
        """The body's members: of a form by their bracketed names, as text; of JSON as they are; None if unreadable."""
        if self.is_form:
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def saying(self, members: Mapping[str, Any]) -> Asked:
        """The same request with another body."""
        body = urlencode(members) if self.is_form else json.dumps(members)
        return replace(self, body=body.encode())

    def sending(self, **headers: str | None) -> Asked:
        """The same request with other headers, ``_`` for ``-``; None leaves one out."""
        kept = {**self.headers, **{name.replace("_", "-").lower(): value for name, value in headers.items()}}
        return replace(self, headers={name: value for name, value in kept.items() if value is not None})

    def retrieving(self) -> Asked:
        """A retrieve of the same intent by the same caller."""
        match = _PATH.search(self.path)
        path = self.path.removesuffix(f"/{match['verb']}") if match and match["verb"] else self.path
        return replace(self, method="GET", path=path, query="", body=b"")


@dataclass
class Said:
    """An answer on its way back, to be altered in place."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @json.setter
    def json(self, value: Any) -> None:
        self.body = json.dumps(value).encode()

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300


Serve = Callable[[Asked], Said]
Lie = Callable[[Asked, Serve], Said]


class Lying:
    """The WSGI application around another one, whose requests and answers pass a lie."""

    def __init__(self, app: Any, lie: Lie) -> None:
        self._app, self._lie = app, lie

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        said = self._lie(_read(environ), self._serve)
        headers = [(name, value) for name, value in said.headers.items() if name.lower() != "content-length"]
        start_response(f"{said.status} Said", [*headers, ("Content-Length", str(len(said.body)))])
        return [said.body]

    def _serve(self, asked: Asked) -> Said:
        chunks, status, headers = run_wsgi_app(self._app, _environ(asked), buffered=True)
        return Said(int(status.split()[0]), dict(headers), b"".join(chunks))


def _read(environ: dict[str, Any]) -> Asked:
    length = environ.get("CONTENT_LENGTH") or 0
    headers = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    body = environ["wsgi.input"].read(int(length)) if int(length) else environ["wsgi.input"].read()
    return Asked(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"], headers, body, environ)


def _environ(asked: Asked) -> dict[str, Any]:
    given = {name: value for name, value in asked.environ.items() if not name.startswith(("HTTP_", "CONTENT_"))}
    given |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in asked.headers.items()}
    given |= {
        "REQUEST_METHOD": asked.method,
        "PATH_INFO": asked.path,
        "QUERY_STRING": asked.query,
        "CONTENT_TYPE": asked.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(asked.body)),
        "wsgi.input": io.BytesIO(asked.body),
    }
    return given
