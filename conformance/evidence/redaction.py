"""Takes secrets out of exchanges before they reach a disk, a report or a screen, and leaves all else as it was."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
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
    r'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")(?P<colon>\s*:)?|(?P<number>-?[0-9][0-9.eE+-]*)|[{}\[\]]|true|false'
)
# A member of JSON: its name and its value, or the bracket that opens that; a value without a name; a closing bracket.
_JSON_MEMBER = re.compile(
    r'(?:(?P<name>"(?>[^"\\]*(?:\\.[^"\\]*)*)")(?P<colon>\s*:\s*))?'
    r'(?:(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<number>-?[0-9][0-9.eE+-]*)|(?P<open>[{\[])'
    r"|(?P<word>-?[A-Za-z]+))|[}\]]"
)
_FORM = re.compile(r"[^\s=&]+=\S*")
# A body that could not be looked into; a JSON string, for it may stand where JSON is expected.
_UNREADABLE_BODY = b'"[redacted:body]"'
# Pieces of text in which a secret without shape is looked for that another exchange has given away.
_WORD = re.compile(r"[A-Za-z0-9_-]{16,}")
_MOST_TOLD = 100_000
_MOST_PLAIN = 10_000  # texts, headers, members of JSON in which no secret was found, and none is sought again
_IN_USE: weakref.WeakSet[Redactor] = weakref.WeakSet()


@dataclass(frozen=True)
class _Sought:
    """A pattern of secrets in text, and texts in which it finds none: the same words come again and again."""

    pattern: re.Pattern[str]
    plain: set[str] = field(default_factory=set)


class _Told(threading.local):
    """What one thread has met of secrets in the exchange that it redacts: each value, and its placeholder."""

    met: dict[str, str] | None = None


class Redactor:
    """Replaces secrets by placeholders. Thread-safe; redacting twice changes nothing.

    ``secrets`` maps a name to a literal value, which becomes ``[redacted:<name>]`` wherever it occurs; so do ``texts``,
    in any letter case. ``names`` are further members, form fields, query parameters and headers whose value is a
    secret. Other secrets are told by the header or member they stand in, by their shape, or because the same exchange
    has them where they are told by that.

    One secret has one placeholder: ``[redacted:<8 hexadecimal digits of its SHA-256>]``, the same in all processes and
    runs, so that a replay still asks what the recording asked. What is shorter than 16 characters, or stands under one
    of ``names``, could be guessed from a digest, and becomes ``[redacted:<number>]``, counted in the order met. A card
    number becomes ``[redacted:card]`` where one is to be seen. Of a client secret ``<id>_secret_<random>`` the id
    stays; an e-mail address becomes another one, unless its domain is reserved for examples. In JSON a number stays a
    number, as the schema may want one: 0 if it is a secret.
    """

    def __init__(self, secrets: Mapping[str, str], *, names: Iterable[str] = (), texts: Iterable[str] = ()) -> None:
        self._known: dict[str, str] = {}
        self._folded = tuple(text for text in texts if text)
        self._names = frozenset(filter(None, map(shapes.plain_name, names)))
        self._lock = threading.RLock()
        self._local = _Told()
        self._short: dict[str, str] = {}
        self._told: dict[str, tuple[str, str]] = {}  # by its longest word
        named = {**secrets, **{f"text-{number}": text for number, text in enumerate(self._folded, 1)}}
        for name, value in named.items():
            if value:
                self._known.setdefault(value, f"[redacted:{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}]")
        self._compile()
        _IN_USE.add(self)

    def text(self, text: str) -> str:
        """Prose, a message, a header's value: with every secret in it replaced."""
        return self._all(self._anything, text)

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
        request, response, local = exchange.request, exchange.response, self._local
        self._learn(request.headers)
        earlier, local.met = local.met, {}
        try:
            request = Request(
                self.text(request.method), self.url(request.url), *self._message(request.headers, request.body)
            )
            if response is not None:
                response = Response(response.status, *self._message(response.headers, response.body))
            met = local.met
        finally:
            local.met = earlier
        request, response = self._without_echoes(request, response, met)
        return replace(
            exchange,
            request=request,
            response=response,
            scenario=self.text(exchange.scenario),
            case=self.text(exchange.case),
            failure=self.text(exchange.failure),
            origin={name: self.text(value) for name, value in exchange.origin.items()},
        )

    def finding(self, finding: Finding) -> Finding:
        """The finding without secrets, in text that any file can hold."""
        expected, actual = self.prose(finding.expected), self.prose(finding.actual)
        if any(self._is_secret_name(part) for part in finding.at.split("/")):
            # It speaks of a secret, which may be too short to be known for one in prose.
            short = _Literals({value: shown for value, shown in self._short.items() if value in expected + actual})
            expected, actual = short.text(expected), short.text(actual)
        return replace(finding, expected=expected, actual=actual)

    def outcome(self, outcome: Outcome) -> Outcome:
        """The outcome without secrets, in text that any file can hold."""
        findings = tuple(self.finding(finding) for finding in outcome.findings)
        return replace(outcome, reason=self.prose(outcome.reason), findings=findings)

    def cell(self, cell: Cell) -> Cell:
        """The cell without secrets, in text that any file can hold."""
        return replace(cell, request=self.prose(cell.request), observed=self.prose(cell.observed))

    def prose(self, text: str) -> str:
        """Text of ours that may quote exchanges: without secrets, in characters that any file can hold."""
        shown = self.text(text)
        told = self._told_in(shown)
        return (_Literals(told).text(shown) if told else shown).encode("utf-8", "backslashreplace").decode("utf-8")

    def _all(self, sought: _Sought, text: str) -> str:
        if text in sought.plain:
            return text
        shown = _settled(lambda shown: sought.pattern.sub(self._replacement, shown), text)
        if "@" in shown or "%40" in shown or "u0040" in shown:
            shown = shapes.EMAIL.sub(_nobodys, shown)
        if shown == text and len(text) <= 160 and len(sought.plain) < _MOST_PLAIN:
            sought.plain.add(text)
        return shown

    # -- secrets that are known by having been met ---------------------------------------------------------------

    def _meet(self, secret: str, shown: str, *, surely: bool = False) -> None:
        """Remembers what stood where a secret stands; a word of letters alone may well be used in another sense."""
        met = self._local.met
        if met is not None and len(secret) >= 3 and (surely or len(secret) >= 16 or re.search("[0-9]", secret)):
            met[secret] = shown

    def _told_in(self, text: str) -> dict[str, str]:
        """Secrets in ``text`` that exchanges so far have given away, with their placeholders."""
        told = self._told
        return dict(told[word] for word in _WORD.findall(text) if word in told) if told else {}

    def _without_echoes(
        self, request: Request, response: Response | None, met: Mapping[str, str]
    ) -> tuple[Request, Response | None]:
        """Request and answer without the secrets that were known in them only by what stood elsewhere."""
        for value, shown in met.items():
            words = _WORD.findall(value)
            if words and len(self._told) < _MOST_TOLD:
                self._told[max(words, key=len)] = (value, shown)
        told = self._told_in(_everything(request))
        if told:
            request = _Literals(told).request(request)
        if response is not None:
            answered = _everything(response)
            echoed = {value: shown for value, shown in met.items() if _may_hold(answered, value)}
            echoed |= self._told_in(answered)
            if echoed:
                response = _Literals(echoed).response(response)
        return request, response

    def _compile(self) -> None:
        # Numbered as they were learned, so that a match of an older pattern still finds its secret; longest first.
        self._named = {f"known{index}": secret for index, secret in enumerate(self._known)}
        longest_first = sorted(self._named.items(), key=lambda known: len(known[1]), reverse=True)
        literals = {name: "|".join(shapes.spellings(secret)) for name, secret in longest_first}
        for name, secret in longest_first:
            if secret in self._folded:
                literals[name] = f"(?i:{literals[name]})"
        formed = {
            "key": shapes.KEY, "basic": shapes.BASIC, "bearer": shapes.BEARER, "named": shapes.named(self._names),
            "client": shapes.CLIENT_SECRET, "card": shapes.CARD,
        }  # fmt: skip
        self._literals = _alternatives({"done": shapes.PLACEHOLDER, **literals})
        self._within = _Sought(_alternatives({"done": shapes.PLACEHOLDER, **literals, **formed}))
        self._anything = _Sought(_alternatives({"done": shapes.PLACEHOLDER, **literals, "url": shapes.URL, **formed}))
        # Renewed last: what another thread still finds with older patterns goes to the older ones.
        self._plain_headers: set[tuple[str, str]] = set()
        self._plain_members: dict[str, str] = {}  # of JSON, each with the name that it opens a container under, if any

    def _learn(self, headers: Headers) -> None:
        """Remembers the credentials of a request, which a server may repeat in its answer.

        Only those with a digit: a wrong key may be called `invalid_api_key`, and so may the error's code.
        """
        found: set[str] = set()
        for name, value in headers:
            if name.lower().endswith("cookie") or not self._is_secret_header(name):
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

    def _placeholder(self, secret: str, guessable: bool = False) -> str:
        if _DONE.fullmatch(secret):
            return secret
        if secret in self._known:
            return self._known[secret]
        inside = next((found for found in self._literals.finditer(secret) if found.lastgroup in self._named), None)
        if inside:
            return self._replacement(inside)
        if shapes.shown_card_number(secret) is not None:
            return shapes.CARD_NUMBER
        if guessable or len(secret) < 16 or not re.search(r"[^0-9 -]", secret):
            return self._numbered(secret)
        return f"[redacted:{_digest(secret)}]"

    def _numbered(self, secret: str) -> str:
        """What stands for a secret that could be guessed from a digest: its number among those met in exchanges."""
        with self._lock:
            if secret not in self._short and self._local.met is not None:
                self._short[secret] = f"[redacted:{len(self._short) + 1}]"
            return self._short.get(secret, "[redacted]")

    def _secret(self, value: str, guessable: bool = False) -> str:
        """A value that is a secret as a whole; ``guessable``: however long it is."""
        if _DONE.fullmatch(value):
            return value
        shaped = _CLIENT_SECRET.fullmatch(value)
        if shaped and value not in self._known and not _KEY.search(shaped["id"]):
            shown = self._placeholder(shaped["random"])
            self._meet(shaped["random"], shown)
            return self._literals.sub(self._replacement, shaped["id"]) + shown
        shown = self._placeholder(value, guessable)
        self._meet(value, shown, surely=guessable)
        return shown

    def _is_secret_name(self, name: str) -> bool:
        return shapes.is_secret_name(name) or self._is_own_name(name)

    def _is_secret_header(self, name: str) -> bool:
        return shapes.is_secret_header(name) or self._is_own_name(name)

    def _is_own_name(self, name: str) -> bool:
        return bool(self._names) and shapes.plain_name(name) in self._names

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
            shown = self._secret(value, True) if self._names and match["own"] else self._named_value(value)
            return match["name"] + match["sign"] + shown
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
        known = self._plain_headers
        shown = tuple(pair if pair in known else (self.text(pair[0]), self._header(*pair)) for pair in headers)
        if len(known) < _MOST_PLAIN:
            known.update({*headers}.intersection(shown))
        return (shown if redacted == body else resized(shown, redacted)), redacted

    def _header(self, name: str, value: str) -> str:
        if name.lower().endswith("cookie"):
            shown = self._secret(value)
            pairs = value.split(";")[: None if name.lower() == "cookie" else 1]  # what follows are its attributes
            for cookie in (pair.partition("=")[2].strip(' "') for pair in pairs):
                if len(cookie) >= 8:
                    self._meet(cookie, self._placeholder(cookie))
            return shown
        if self._is_own_name(name):
            return self._secret(value, guessable=True)
        if shapes.is_secret_header(name):
            return self._credential(value)
        if name.lower() == "idempotency-key":
            return self._literals.sub(self._replacement, value)  # its digits mean nothing, and replays match on it
        return self.text(value)

    def _body(self, body: bytes, media_type: str) -> bytes:
        if not body:
            return body
        encoding = json.detect_encoding(body)
        if not encoding.startswith("utf-8"):
            with suppress(ValueError, RecursionError):
                json.loads(wide := body.decode(encoding))
                shown = self._document(wide, media_type)
                # In its own encoding: what no client has to read must not become readable in a recording.
                return body if shown == wide else shown.encode(encoding, "surrogatepass")
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
        shown = self._form(text, self._anything) if as_form else _as_seen(text, self.text(text))
        return shown if shown == text else self._document(shown, media_type)

    def _json(self, text: str) -> str:
        """Valid JSON, member by member, so that everything but a secret keeps its spelling, doubled members too."""
        name = ""  # that the next value stands under
        around = [("", "")]  # of each container it stands in: its name, and again if all in there is a secret
        plain = self._plain_members

        def member(match: re.Match[str]) -> str:
            nonlocal name
            written = match[0]
            if written in "}]":
                around.pop()
                name = around[-1][0]
                return written
            inside, start = around[-1][1], ""
            if not inside and written in plain:
                name = plain[written]
                if name:
                    around.append((name, ""))
                return written
            if match["name"]:
                own = _json_value(match["name"])
                name = inside or own
                start = _json_string(_as_seen(own, self.text(own)), own, match["name"]) + match["colon"]
            shown = start + value(match)
            if name and start and shown == written and not self._is_secret_name(name) and len(plain) < _MOST_PLAIN:
                plain[written] = name if match["open"] else ""
            return shown

        def value(match: re.Match[str]) -> str:
            if match["string"]:
                told = _json_value(match["string"])
                return _json_string(_as_seen(told, self._member(name, told)), told, match["string"])
            if match["number"]:
                return self._number(name, match["number"])
            if match["open"]:
                around.append((name, name if self._is_secret_name(name) else ""))
                return match["open"]
            return "false" if match["word"] in ("true", "false") and self._is_own_name(name) else match["word"]

        return _JSON_MEMBER.sub(member, text)

    def _form(self, text: str, sought: _Sought) -> str:
        return "&".join(self._field(pair, sought) for pair in self._known_quoted(text).split("&"))

    def _known_quoted(self, text: str) -> str:
        """Known secrets go before a URL or form is taken apart: unescaped, they may hold its `/`, `=` or `+`."""
        return self._literals.sub(lambda match: _quoted_unless_done(match[0], self._replacement(match)), text)

    def _field(self, pair: str, sought: _Sought) -> str:
        name, equals, value = pair.partition("=")
        key, plain = _unquoted(name), _unquoted(value)
        segments = re.findall(r"[^\[\].]+", key) or [""]
        under = next((segment for segment in segments if self._is_secret_name(segment)), segments[-1])
        shown = self._value(under, plain)
        shown = self._all(sought, plain) if shown is None else shown
        return _requoted(self._all(sought, key), key, name) + equals + _requoted(shown, plain, value)

    def _segment(self, segment: str) -> str:
        plain = unquote(segment, errors="surrogateescape")
        shown = self._all(self._within, plain)
        return segment if shown == plain else quote(shown, safe="", errors="surrogatepass")

    def _member(self, name: str, value: str) -> str:
        shown = self._value(name, value)
        return self.text(value) if shown is None else shown

    def _number(self, name: str, written: str) -> str:
        """A number of JSON."""
        if (name.lower() != "number" and shapes.is_secret_member(name, written)) or self._is_own_name(name):
            self._meet(written, "[redacted]")
            return "0"
        shown = self._literals.sub(self._replacement, written)
        return shapes.card_number_as_number(written) if shown == written else json.dumps(shown)

    def _value(self, name: str, value: str) -> str | None:
        """What stands for a value that is a secret because of its name; None where it is none."""
        if shapes.is_secret_member(name, value):
            return self._secret(value)
        return self._secret(value, guessable=True) if value and self._is_own_name(name) else None

    def _named_value(self, value: str) -> str:
        scheme = re.match(r"(?i:bearer|basic) ", value)
        return self._credential(value) if scheme else self._secret(value)


def redactors_in_use() -> tuple[Redactor, ...]:
    """All redactors of this process: what they know together is what its runs know."""
    return tuple(_IN_USE)


class _Literals:
    """Replaces literal values by their placeholders, in whatever spelling, and looks for nothing else."""

    def __init__(self, placeholders: Mapping[str, str]) -> None:
        self._shown = {f"known{index}": shown for index, shown in enumerate(placeholders.values())}
        spelled = {
            name: "|".join(shapes.spellings(value)) for name, value in zip(self._shown, placeholders, strict=True)
        }
        longest_first = dict(sorted(spelled.items(), key=lambda entry: len(entry[1]), reverse=True))
        self._pattern = _alternatives({"done": shapes.PLACEHOLDER, **longest_first})

    def text(self, text: str) -> str:
        return self._pattern.sub(lambda match: self._shown.get(match.lastgroup or "", match[0]), text)

    def request(self, request: Request) -> Request:
        return Request(request.method, self._url(request.url), *self._message(request.headers, request.body))

    def response(self, response: Response) -> Response:
        return Response(response.status, *self._message(response.headers, response.body))

    def _url(self, url: str) -> str:
        return self._pattern.sub(
            lambda match: quote(self._shown[match.lastgroup], safe="") if match.lastgroup in self._shown else match[0],
            url,
        )

    def _message(self, headers: Headers, body: bytes) -> tuple[Headers, bytes]:
        text = body.decode("utf-8", "surrogateescape")
        media_type = (header(headers, "content-type") or "").lower()
        shown = (self._url(text) if "x-www-form-urlencoded" in media_type else self._json(text)).encode(
            "utf-8", "surrogateescape"
        )
        told = tuple((name, self.text(value)) for name, value in headers)
        return (told if shown == body else resized(told, shown)), shown

    def _json(self, text: str) -> str:
        """Text, or JSON whose numbers stay: an amount may be the same as a security code."""
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return self.text(text)

        def token(match: re.Match[str]) -> str:
            if not match["string"]:
                return match[0]
            value = _json_value(match["string"])
            return _json_string(self.text(value), value, match["string"]) + (match["colon"] or "")

        return _JSON_TOKEN.sub(token, text)


def _everything(message: Request | Response) -> str:
    """All text of a message, for a first look."""
    url = message.url if isinstance(message, Request) else ""
    values = (value for _, value in message.headers)
    return "\n".join((url, *values, message.body.decode("utf-8", "surrogateescape")))


def _may_hold(text: str, secret: str) -> bool:
    if secret.isalnum():
        return secret in text
    octets = secret.encode("utf-8", "surrogatepass")
    return any(one in text for one in (secret, json.dumps(secret)[1:-1], quote(octets, safe=""), quote_plus(octets)))


def _as_seen(text: str, shown: str) -> str:
    """``shown``, the redacted ``text`` of an answer, with the mark of a card number just where the text shows one."""
    if shown == text:
        return shown
    before, after = shapes.shown_card_number(text) is not None, shapes.shown_card_number(shown) is not None
    if before == after:
        return shown
    return f"{shown} {shapes.CARD_NUMBER}" if before else shapes.without_card_marks(shown)


def _nobodys(match: re.Match[str]) -> str:
    """The address of nobody that stands for an e-mail address."""
    if shapes.is_nobodys(match["host"]):
        return match[0]
    return f"redacted-{_digest((unquote(match['name']) + '@' + match['host']).lower())}{match['at']}redacted.invalid"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()[:8]


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
