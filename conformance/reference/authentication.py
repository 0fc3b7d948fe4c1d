"""Who is calling: the ways of carrying a key that the providers publish."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.wrappers import Request

from .errors import Refusal
from .model import Caller

Keys = Mapping[str, Caller]


def known(keys: Keys, key: str) -> Caller:
    """The caller with that key. Raises Refusal where nobody has it."""
    caller = keys.get(key)
    if caller is None:
        raise Refusal("unknown_key", "the key is not valid")
    return caller


def credentials(request: Request) -> tuple[str, str]:
    """Scheme (lower case) and value of the Authorization header. Raises Refusal where there is none."""
    header = request.headers.get("Authorization", "").strip()
    if not header:
        raise Refusal("unauthenticated", "no credentials were sent")
    scheme, _, value = header.partition(" ")
    return scheme.lower(), value.strip()


def basic_pair(value: str) -> tuple[str, str]:
    """User name and password of a Basic value, in either alphabet of Base64. Raises Refusal where it is neither."""
    try:
        text = base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refusal("bad_scheme", "the credentials are not Base64") from None
    user, _, password = text.partition(":")
    return user, password


@dataclass(frozen=True)
class BearerKey:
    """``Authorization: Bearer <key>``."""

    keys: Keys

    def __call__(self, request: Request) -> Caller:
        scheme, value = credentials(request)
        if scheme != "bearer" or not value:
            raise Refusal("bad_scheme", "the Authorization header must be a Bearer key")
        return known(self.keys, value)


@dataclass(frozen=True)
class BearerOrBasicKey:
    """A Bearer key, or Basic with the key as user name and an empty password."""

    keys: Keys

    def __call__(self, request: Request) -> Caller:
        scheme, value = credentials(request)
        if scheme == "bearer":
            return known(self.keys, value)
        if scheme != "basic":
            raise Refusal("bad_scheme", "the Authorization header must be Bearer or Basic")
        key, password = basic_pair(value)
        if password:
            raise Refusal("bad_scheme", "the password must be empty")
        return known(self.keys, key)


@dataclass(frozen=True)
class BasicPair:
    """Basic with a client id and its key."""

    keys: Keys

    def __call__(self, request: Request) -> Caller:
        scheme, value = credentials(request)
        if scheme != "basic":
            raise Refusal("bad_scheme", "the Authorization header must be Basic")
        return known(self.keys, ":".join(basic_pair(value)))


@dataclass(frozen=True)
class HeaderKey:
    """The key alone in a header of its own."""

    keys: Keys
    header: str

    def __call__(self, request: Request) -> Caller:
        key = request.headers.get(self.header)
        if not key:
            raise Refusal("unauthenticated", f"no {self.header} was sent")
        return known(self.keys, key)
