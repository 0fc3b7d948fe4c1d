"""How ids are made: random, and shaped like the provider's."""

from __future__ import annotations

import secrets
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass

_LETTERS = string.ascii_letters + string.digits
_ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def word(length: int, alphabet: str = _LETTERS) -> str:
    """Random characters of an alphabet."""
    number, characters = secrets.randbelow(len(alphabet) ** length), []
    for _ in range(length):
        number, place = divmod(number, len(alphabet))
        characters.append(alphabet[place])
    return "".join(characters)


def ulid() -> str:
    """Twenty-six characters, as a ULID has."""
    return "01K" + word(23, _ULID)


def uuid4() -> str:
    """A random UUID."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Identifiers:
    """Makers of new ids: of an intent, and of the secret that goes with it."""

    intent: Callable[[], str]
    client_secret: Callable[[str], str]


def secret_after_id(intent_id: str) -> str:
    """The intent's id, ``_secret_`` and noise."""
    return f"{intent_id}_secret_{word(24)}"
