"""Secrets that were left in a recording: what our own redaction would replace in it, and where that stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, unquote_plus

from conformance.evidence import secret_shapes as shapes
from conformance.evidence.compression import decompressed
from conformance.evidence.exchange import Exchange, Headers
from conformance.evidence.redaction import Redactor

LIVE_KEY = "live key"
KEY = "key"
PUBLISHABLE_KEY = "publishable key"
CLIENT_SECRET = "client secret"  # noqa: S105 - what it is called
CARD_NUMBER = "card number"
SECURITY_CODE = "security code"
COOKIE = "cookie"
EMAIL = "e-mail address"
PASSWORD = "password"  # noqa: S105 - what it is called
CREDENTIAL = "credential"

_PLACEHOLDER = re.compile(shapes.PLACEHOLDER)
_QUOTED_PLACEHOLDER = "%5Bredacted"
_KEY = re.compile(shapes.KEY)
_CARD = re.compile(shapes.CARD)
_KEY_START = re.compile(r"(?:[a-z]{2}_(?:test|live|sandbox|oauth)|whsec)_")
_CODE_NAME = re.compile(r"(?:\w*_)?(?:cvc2?|cvv2?|security_?code|verification_?value)", re.IGNORECASE)
_PASSWORD_NAME = re.compile(r"\w*pass(?:word|wd|phrase)", re.IGNORECASE)
_FORM_FIELD = re.compile(r"[^\s={\[\"]+(?:\[[^\s=]*)?=|$")
_FORM_NAME = re.compile(r"[^\[\].]+")
# Numbers that card networks and processors publish for everybody's tests; so are all that begin with 400000.
_TEST_CARDS = frozenset(
    {
        "4242424242424242", "4111111111111111", "4012888888881881", "4222222222222", "4000056655665556",
        "4100000000000019", "4444333322221111", "4917610000000000", "4988438843884305", "5555555555554444",
        "5105105105105100", "5200828282828210", "5454545454545454", "5500000000000004", "2223003122003222",
        "2222400070000005", "2223000048400011", "378282246310005", "371449635398431", "340000000000009",
        "6011111111111117", "6011000990139424", "6011981111111113", "3056930009020004", "30569309025904",
        "36227206271667", "38520000023237", "3566002020360505", "3530111333300000", "6200000000000005",
        "6200000000000047", "6205500000000000004", "6555900000604105",
    }
)  # fmt: skip
_TEST_CARD_START = "400000"
_LONGEST_PLACE = 200
# How people write that a secret was taken out, or was never one: brackets of all kinds, dots and stars, plain words.
_BLANKED = re.compile(
    r"\s*|(?i:bearer|basic|token)\s*|\w+_secret_|[<\[{(].*[>\]})]|%\w+%|\$\w+|\$\{\w+\}"
    r"|.*(?:\*{3}|[•…]|\.{3}|([xX])\1{5}).*|[xX*#_-]+|(.)\2{3,}",
    re.DOTALL,
)
_BLANK_WORDS = re.compile(
    r"(?:^|[\W_])(?:redacted|filtered|masked|fake|dummy|placeholder|your|example|sample|hidden|removed|scrubbed|sanitized"
    r"|obfuscated|censored|omitted|stripped|invalid|wrong|bogus|unknown|none|null|nil|undefined|changeme)(?:$|[\W_])",
    re.IGNORECASE,
)
# Not compared: redaction makes them fit the body it leaves.
_FITTED = frozenset({"content-length", "content-encoding"})


@dataclass(frozen=True)
class Leftover:
    """One kind of secret in one place: `response body /client_secret`. What it is is not told."""

    kind: str
    place: str


@dataclass(frozen=True)
class _Piece:
    """A text of an exchange that redaction changes: where it stands, under which name, and before and after."""

    place: str
    name: str
    was: str
    now: str


def left_secrets(exchange: Exchange, live_marks: Sequence[str] = ()) -> list[Leftover]:
    """The secrets left in an exchange, live keys first, each kind once in a place.

    ``live_marks`` are what keys that move real money begin with. Test values that are published for everybody's use,
    and what others put where a secret was (`<API_KEY>`, `Bearer ***`), are no secrets.
    """
    credentials = tuple(value for name, value in exchange.request.headers if shapes.is_secret_header(name))
    redacted = _redactor(credentials, exchange.number // 200).exchange(exchange)
    if redacted == exchange:
        return []
    pieces = [piece for piece in _pieces(exchange, redacted) if piece.was != piece.now]
    found = {Leftover(EMAIL, _shown(piece.place)): None for piece in pieces if _emails(piece.was) - _emails(piece.now)}
    found |= {
        Leftover(kind, _shown(piece.place)): None
        for piece in map(_without_emails, pieces)
        for before, secret in (_taken(piece) if piece.was != piece.now else ())
        if (kind := _kind(piece.name, before, secret, live_marks))
    }
    if not any(one.kind == CARD_NUMBER for one in found) and any(
        _is_test_card(number) for piece in pieces for number in _card_numbers(piece.was)
    ):
        found = {one: None for one in found if one.kind != SECURITY_CODE}  # of a test card any code will do
    return sorted(found, key=lambda one: one.kind != LIVE_KEY)


@lru_cache(maxsize=8)
def _redactor(credentials: tuple[str, ...], stretch: int) -> Redactor:
    """One for a stretch of exchanges with the same credentials: what it remembers makes it fast, and is soon gone."""
    return Redactor({})


def _kind(name: str, before: str, secret: str, live_marks: Sequence[str]) -> str:
    """The kind of what was replaced, under ``name`` and after ``before``; "" for a placeholder or test value."""
    pair = shapes.basic_credential(secret) if re.search(r"(?i:basic) +$", before) else None
    if pair:
        user, password = pair
        telling = [user] if not password or _KEY.fullmatch(user) or user.startswith(tuple(live_marks)) else []
        kinds = [_kind("password", "", part, live_marks) for part in (*telling, password) if part]
        return next(filter(None, kinds), "")
    if _is_blank(secret, name):
        return ""
    if secret.startswith(tuple(live_marks)):
        return LIVE_KEY
    if _KEY.fullmatch(secret.rstrip(":")):
        return PUBLISHABLE_KEY if secret.startswith("pk_") else KEY
    if name.lower().endswith("cookie"):
        return COOKIE
    if numbers := _card_numbers(secret):
        return "" if all(map(_is_test_card, numbers)) else CARD_NUMBER
    if before.endswith("_secret_") or "client_secret" in f"{name} {before[-40:]}".lower():
        return CLIENT_SECRET
    if _CODE_NAME.fullmatch(name) or _CODE_NAME.search(before[-30:]):
        return SECURITY_CODE
    if secret.isdecimal() and not shapes.is_secret_name(name):
        return ""  # it stands where card numbers do, and is none
    return PASSWORD if _PASSWORD_NAME.fullmatch(name) else CREDENTIAL


def _is_blank(secret: str, name: str) -> bool:
    """Whether this stands where a secret was taken out, or is one that nobody would use."""
    if name.lower().endswith("cookie"):
        values = [pair.partition("=")[2].strip() for pair in secret.split(";")[: 1 if name.lower()[0] == "s" else None]]
        return all(_is_blank(value, "") for value in values)
    text = _KEY_START.sub("", secret, count=1)
    return bool(_BLANKED.fullmatch(text) or _BLANK_WORDS.search(text))


def _shown(place: str) -> str:
    """A place as a report can show it: names in a recording may hold anything."""
    text = "".join(letter if letter.isprintable() else "?" for letter in place[:_LONGEST_PLACE])
    return text + "…" * (len(place) > _LONGEST_PLACE)


def _emails(text: str) -> set[str]:
    return {found[0] for found in shapes.EMAIL.finditer(text)}


def _without_emails(piece: _Piece) -> _Piece:
    return replace(piece, was=shapes.EMAIL.sub("@", piece.was), now=shapes.EMAIL.sub("@", piece.now))


def _card_numbers(text: str) -> list[str]:
    return [found[0] for found in _CARD.finditer(text) if shapes.without_card_number(found[0]) != found[0]]


def _is_test_card(text: str) -> bool:
    digits = re.sub(r"[ -]", "", text)
    return digits in _TEST_CARDS or (digits.isdecimal() and len(digits) == 16 and digits.startswith(_TEST_CARD_START))


def _taken(piece: _Piece) -> Iterator[tuple[str, str]]:
    """Each stretch that was replaced, with the text before it; the whole where the two cannot be laid together."""
    was, now = piece.was, piece.now
    if _QUOTED_PLACEHOLDER in now:  # within a URL
        was, now = unquote(was), unquote(now)
    kept = _PLACEHOLDER.split(now)
    if len(kept) == 1 or not was.startswith(kept[0]):
        yield "", was
        return
    stretches, end = [], len(kept[0])
    for index, text in enumerate(kept[1:], start=1):
        last = index == len(kept) - 1
        at = len(was) - len(text) if last and was.endswith(text) else was.find(text, end + 1)
        if at < end:
            yield "", was
            return
        stretches.append((was[max(0, end - 100) : end], was[end:at]))
        end = at + len(text)
    for before, secret in stretches:
        if not _PLACEHOLDER.fullmatch(secret):
            yield before, secret


def _pieces(was: Exchange, now: Exchange) -> Iterator[_Piece]:
    """The texts of an exchange side by side: each header, field of the query and of a form, member of a JSON body."""
    yield from _message("request", *_plain(was.request), *_plain(now.request))
    yield from _url("request URL", was.request.url, now.request.url)
    if was.response is not None and now.response is not None:
        yield from _message("response", *_plain(was.response), *_plain(now.response))
    yield _Piece("failure", "", was.failure, now.failure)


def _plain(message: Any) -> tuple[Headers, bytes]:
    try:
        return decompressed(message.headers, message.body)
    except ValueError:
        return message.headers, b""  # nobody can tell what it holds


def _message(whose: str, headers: Headers, body: bytes, headers_now: Headers, body_now: bytes) -> Iterator[_Piece]:
    pairs = [pair for pair in headers if pair[0].lower() not in _FITTED]
    pairs_now = [pair for pair in headers_now if pair[0].lower() not in _FITTED]
    for (name, value), (name_now, shown) in zip(pairs, pairs_now, strict=False):
        yield _Piece(f"{whose} header, a name", "", name, name_now)
        yield _Piece(f"{whose} header {name_now}", name, value, shown)
    if not body or body == body_now:
        return
    text, text_now = body.decode("utf-8", "replace"), body_now.decode("utf-8", "replace")
    try:
        yield from _members(f"{whose} body ", "", json.loads(text), json.loads(text_now))
    except (ValueError, RecursionError):
        yield from _form(f"{whose} body", text, text_now)


def _members(place: str, name: str, was: Any, now: Any) -> Iterator[_Piece]:
    if was == now and type(was) is type(now):
        return
    if isinstance(was, dict) and isinstance(now, dict) and len(was) == len(now):
        for (key, value), (shown_key, shown) in zip(was.items(), now.items(), strict=False):
            yield _Piece(f"{place}, a name", "", key, shown_key)
            under = name if shapes.is_secret_name(name) else key
            yield from _members(f"{place}/{shown_key}", under, value, shown)
    elif isinstance(was, list) and isinstance(now, list):
        for index, (value, shown) in enumerate(zip(was, now, strict=False)):
            yield from _members(f"{place}/{index}", name, value, shown)
    else:
        yield _Piece(place, name, str(was), str(now))


def _url(place: str, was: str, now: str) -> Iterator[_Piece]:
    path, mark, query = was.partition("?")
    path_now, mark_now, query_now = now.partition("?")
    yield _Piece(place, "", unquote(path), unquote(path_now))
    if mark and mark_now:
        yield from _form(f"{place} ?", query, query_now)


def _form(place: str, was: str, now: str) -> Iterator[_Piece]:
    """Field by field where the text is a form, as one piece where it is prose."""
    fields, fields_now = was.split("&"), now.split("&")
    if len(fields) != len(fields_now) or not all(_FORM_FIELD.match(field) for field in fields):
        yield _Piece(place, "", was, now)
        return
    for field, shown in zip(fields, fields_now, strict=True):
        (name, _, value), (name_now, _, value_now) = field.partition("="), shown.partition("=")
        key, key_now = unquote_plus(name), unquote_plus(name_now)
        segments = _FORM_NAME.findall(key) or [""]
        under = next((segment for segment in segments if shapes.is_secret_name(segment)), segments[-1])
        yield _Piece(f"{place}, a name", "", key, key_now)
        yield _Piece(
            f"{place}{'' if place.endswith('?') else ' '}{key_now}", under, unquote_plus(value), unquote_plus(value_now)
        )
