"""Takes secrets out of exchanges before they reach a disk, a report or a screen, and leaves all else as it was."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from conformance.evidence import secret_shapes as shapes
from conformance.evidence.compression import decompressed, resized
from conformance.evidence.exchange import Exchange, Headers, Request, Response, header
from conformance.evidence.finding import Cell, Finding, Outcome

_DONE = re.compile(rf"(?:[\w-]*_secret_)?{shapes.PLACEHOLDER}")
_CLIENT_SECRET = re.compile(r"(?P<id>[A-Za-z0-9][\w-]*?_secret_)(?P<random>.+)", re.DOTALL)
_KEY = re.compile(shapes.KEY)
_CREDENTIAL = re.compile(r"(?P<scheme>(?i:bearer|basic|token|digest|apikey|negotiate) +)?(?P<token>.+)", re.DOTALL)
_URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?:(?P<user>[^/?#]*)@)?)?(?P<path>[^?#]*)(?P<rest>.*)", re.DOTALL
)
_JSON_TOKEN = re.compile(
    r'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")(?P<colon>\s*:)?|(?P<number>-?[0-9][0-9.eE+-]*)|[{}\[\]]'
)
_FORM = re.compile(r"[^\s=&]+=\S*")
# A body that could not be looked into; a JSON string, for it may stand where JSON is expected.
_UNREADABLE_BODY = b'"[redacted:body]"'


class Redactor:
    """Replaces secrets by placeholders. Thread-safe; redacting twice changes nothing.

    ``secrets`` maps a name to a literal value, which becomes ``[redacted:<name>]`` wherever it occurs. Other secrets
    are told by the header or member they stand in, or by their shape. Those of 16 characters and more become
    ``[redacted:<8 hexadecimal digits of their SHA-256>]``, so that one secret has one placeholder in all processes and
    runs and a replay still asks what the recording asked; shorter ones and card numbers could be guessed from a
    digest and become ``[redacted]``. Of a client secret ``<id>_secret_<random>`` the id stays.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()
        for name, value in secrets.items():
            if value:
                self._known.setdefault(value, f"[redacted:{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}]")
        self._compile()

    def text(self, text: str) -> str:
        """Prose, a message, a header's value: with every secret in it replaced."""
        seen = self._seen  # before the pattern is read: see _compile
        shown = seen.get(text)
        if shown is None:
            shown = self._all(self._anything, text)
            if len(text) <= 160 and len(seen) < 10_000:
                seen[text] = shown
        return shown

    def url(self, url: str) -> str:
        """A URL or path with query: stays a URL, placeholders are percent-encoded."""
        return _settled(self._url, url)

    def _url(self, url: str) -> str:
        parts = _URL.fullmatch(self._known_quoted(url))
        assert parts is not None  # any text matches
        user = parts["user"]
        if user:
            name, _, password = user.partition(":")
            user = quote(self._user(unquote(name), unquote(password)), safe="")
        path = "/".join(self._segment(segment) for segment in parts["path"].split("/"))
        query, mark, fragment = parts["rest"].partition("#")
        query = query[:1] + self._form(query[1:], self._within)
        start = (parts["scheme"] or "") + ("" if user is None else f"{user}@")
        return start + path + query + mark + self._form(fragment, self._within)

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange without its secrets; compressed bodies come back plain, with the headers that fit them."""
        request, response = exchange.request, exchange.response
        self._learn(request.headers)
        headers, body = self._message(request.headers, request.body)
        if response is not None:
            response = Response(response.status, *self._message(response.headers, response.body))
        return replace(
            exchange,
            request=Request(self.text(request.method), self.url(request.url), headers, body),
            response=response,
            scenario=self.text(exchange.scenario),
            case=self.text(exchange.case),
            failure=self.text(exchange.failure),
            origin={name: self.text(value) for name, value in exchange.origin.items()},
        )

    def finding(self, finding: Finding) -> Finding:
        """The finding without secrets, in text that any file can hold."""
        return replace(finding, expected=self._writable(finding.expected), actual=self._writable(finding.actual))

    def outcome(self, outcome: Outcome) -> Outcome:
        """The outcome without secrets, in text that any file can hold."""
        findings = tuple(self.finding(finding) for finding in outcome.findings)
        return replace(outcome, reason=self._writable(outcome.reason), findings=findings)

    def cell(self, cell: Cell) -> Cell:
        """The cell without secrets, in text that any file can hold."""
        return replace(cell, request=self._writable(cell.request), observed=self._writable(cell.observed))

    def _writable(self, text: str) -> str:
        return self.text(text).encode("utf-8", "backslashreplace").decode("utf-8")

    def _all(self, pattern: re.Pattern[str], text: str) -> str:
        return _settled(lambda shown: pattern.sub(self._replacement, shown), text)

    def _compile(self) -> None:
        # Numbered as they were learned, so that a match of an older pattern still finds its secret; longest first.
        self._named = {f"known{index}": secret for index, secret in enumerate(self._known)}
        longest_first = sorted(self._named.items(), key=lambda known: len(known[1]), reverse=True)
        literals = {name: "|".join(shapes.spellings(secret)) for name, secret in longest_first}
        formed = {
            "key": shapes.KEY, "basic": shapes.BASIC, "bearer": shapes.BEARER, "named": shapes.NAMED,
            "client": shapes.CLIENT_SECRET, "card": shapes.CARD,
        }  # fmt: skip
        self._literals = _alternatives({"done": shapes.PLACEHOLDER, **literals})
        self._within = _alternatives({"done": shapes.PLACEHOLDER, **literals, **formed})
        self._anything = _alternatives({"done": shapes.PLACEHOLDER, **literals, "url": shapes.URL, **formed})
        # Members' names and most values are the same words again and again. Renewed last: what another thread still
        # finds with older patterns goes to the older one.
        self._seen: dict[str, str] = {}

    def _learn(self, headers: Headers) -> None:
        """Remembers the credentials of a request, which a server may repeat in its answer.

        Only those with a digit: a wrong key may be called `invalid_api_key`, and so may the error's code.
        """
        found: set[str] = set()
        for name, value in headers:
            if name.lower().endswith("cookie") or not shapes.is_secret_header(name):
                continue
            credential = _CREDENTIAL.fullmatch(value)
            token = credential["token"] if credential else ""
            found.update(shapes.basic_credential(token) or (token,))
        keys = {value for value in found if len(value) >= 8 and re.search("[0-9]", value) and not _DONE.search(value)}
        new = sorted(keys - self._known.keys())
        if not new:
            return
        with self._lock:
            self._known = {**self._known, **{value: self._placeholder(value) for value in new}}
            self._compile()

    def _placeholder(self, secret: str) -> str:
        if _DONE.fullmatch(secret):
            return secret
        if secret in self._known:
            return self._known[secret]
        if len(secret) < 16 or not re.search(r"[^0-9 -]", secret):
            return "[redacted]"
        return f"[redacted:{hashlib.sha256(secret.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}]"

    def _secret(self, value: str) -> str:
        """A value that is a secret as a whole."""
        if _DONE.fullmatch(value):
            return value
        shaped = _CLIENT_SECRET.fullmatch(value)
        if shaped and value not in self._known and not _KEY.search(shaped["id"]):
            return self._literals.sub(self._replacement, shaped["id"]) + self._placeholder(shaped["random"])
        return self._placeholder(value)

    def _credential(self, value: str) -> str:
        """The value of an Authorization header: its scheme stays."""
        parts = _CREDENTIAL.fullmatch(value)
        if parts is None or _DONE.fullmatch(parts["token"]):
            return value
        pair = shapes.basic_credential(parts["token"]) if (parts["scheme"] or "").lower().startswith("basic") else None
        return (parts["scheme"] or "") + (self._user(*pair) if pair else self._placeholder(parts["token"]))

    def _user(self, user: str, password: str) -> str:
        """The placeholder of user and password, that of the key where one of the two is a key."""
        for part, other in ((user, password), (password, user)):
            if part in self._known or _DONE.fullmatch(part) or (part and not other):
                return self._placeholder(part)
        return self._placeholder(f"{user}:{password}")

    def _replacement(self, match: re.Match[str]) -> str:
        kind, text = match.lastgroup or "", match[0]
        if kind == "done":
            return text
        if kind in self._named:
            return self._known[self._named[kind]]
        if kind == "url":
            return self.url(text)
        if kind == "basic":
            pair = shapes.basic_credential(text)
            return self._user(*pair) if pair else self._literals.sub(self._replacement, text)
        if kind == "named":
            value = match["value"]
            return match["name"] + match["sign"] + self._named_value(value)
        if kind == "client" and not shapes.is_client_secret(match):
            return self._literals.sub(self._replacement, text)
        if kind == "card":
            return self._literals.sub(self._replacement, shapes.without_card_number(text))
        return self._placeholder(text)

    def _message(self, headers: Headers, body: bytes) -> tuple[Headers, bytes]:
        try:
            headers, plain = decompressed(headers, body)
        except ValueError:
            headers, plain = tuple(pair for pair in headers if pair[0].lower() != "content-encoding"), _UNREADABLE_BODY
        redacted = self._body(plain, (header(headers, "content-type") or "").lower())
        shown = tuple((self.text(name), self._header(name, value)) for name, value in headers)
        return (shown if redacted == body else resized(shown, redacted)), redacted

    def _header(self, name: str, value: str) -> str:
        if name.lower().endswith("cookie"):
            return self._secret(value)
        if shapes.is_secret_header(name):
            return self._credential(value)
        if name.lower() == "idempotency-key":
            return self._literals.sub(self._replacement, value)  # its digits mean nothing, and replays match on it
        return self.text(value)

    def _body(self, body: bytes, media_type: str) -> bytes:
        if not body:
            return body
        text = body.decode("utf-8", "surrogateescape")
        redacted = self._document(text, media_type)
        if "\0" in redacted:
            # In UTF-16 and UTF-32 a secret has zeros between its letters.
            squeezed = redacted.replace("\0", "")
            if self._document(squeezed, media_type) != squeezed:
                return _UNREADABLE_BODY
        return body if redacted == text else redacted.encode("utf-8", "surrogateescape")

    def _document(self, text: str, media_type: str) -> str:
        if text.startswith("\ufeff"):
            return "\ufeff" + self._document(text[1:], media_type)
        form = "x-www-form-urlencoded" in media_type
        if not form or text.lstrip()[:1] in ("{", "["):
            try:
                json.loads(text)
                return self._json(text)
            except (ValueError, RecursionError):
                pass
        as_form = form or (not media_type and _FORM.fullmatch(text))
        shown = self._form(text, self._anything) if as_form else self.text(text)
        return shown if shown == text else self._document(shown, media_type)

    def _json(self, text: str) -> str:
        """Valid JSON, token by token, so that everything but a secret keeps its spelling, doubled members too."""
        name, around = "", [""]  # the name the next value stands under; the names of the containers it stands in

        def token(match: re.Match[str]) -> str:
            nonlocal name
            if match["string"] and match["colon"]:
                key = _json_value(match["string"])
                name = around[-1] if shapes.is_secret_name(around[-1]) else key
                return _json_string(self.text(key), key, match["string"]) + match["colon"]
            if match["string"]:
                value = _json_value(match["string"])
                return _json_string(self._member(name, value), value, match["string"])
            if match["number"]:
                return _json_string(self._member(name, match[0]), match[0], match[0])
            if match[0] in "{[":
                around.append(name)
            else:
                around.pop()
                name = around[-1]
            return match[0]

        return _JSON_TOKEN.sub(token, text)

    def _form(self, text: str, pattern: re.Pattern[str]) -> str:
        return "&".join(self._field(pair, pattern) for pair in self._known_quoted(text).split("&"))

    def _known_quoted(self, text: str) -> str:
        """Known secrets go before a URL or form is taken apart: unescaped, they may hold its `/`, `=` or `+`."""
        return self._literals.sub(lambda match: _quoted_unless_done(match[0], self._replacement(match)), text)

    def _field(self, pair: str, pattern: re.Pattern[str]) -> str:
        name, equals, value = pair.partition("=")
        key, plain = _unquoted(name), _unquoted(value)
        segments = re.findall(r"[^\[\].]+", key) or [""]
        under = next((segment for segment in segments if shapes.is_secret_name(segment)), segments[-1])
        secret = shapes.is_secret_member(under, plain)
        shown = self._secret(plain) if secret else self._all(pattern, plain)
        return _requoted(self._all(pattern, key), key, name) + equals + _requoted(shown, plain, value)

    def _segment(self, segment: str) -> str:
        plain = unquote(segment, errors="surrogateescape")
        shown = self._all(self._within, plain)
        return segment if shown == plain else quote(shown, safe="", errors="surrogatepass")

    def _member(self, name: str, value: str) -> str:
        return self._secret(value) if shapes.is_secret_member(name, value) else self.text(value)

    def _named_value(self, value: str) -> str:
        scheme = re.match(r"(?i:bearer|basic) ", value)
        return self._credential(value) if scheme else self._secret(value)


def _settled(redact: Callable[[str], str], text: str) -> str:
    """Redacts until nothing changes: what stood beside a secret may show itself only when that is gone."""
    while (shown := redact(text)) != text:
        text = shown
    return text


def _alternatives(patterns: Mapping[str, str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in patterns.items() if pattern))


def _quoted_unless_done(text: str, shown: str) -> str:
    return text if text == shown else quote(shown, safe="")


def _json_value(written: str) -> str:
    return str(json.loads(written)) if "\\" in written else written[1:-1]


def _json_string(shown: str, value: str, written: str) -> str:
    return written if shown == value else json.dumps(shown)


def _unquoted(text: str) -> str:
    return unquote_plus(text, errors="surrogateescape")


def _requoted(shown: str, value: str, written: str) -> str:
    return written if shown == value else quote_plus(shown, errors="surrogatepass")
