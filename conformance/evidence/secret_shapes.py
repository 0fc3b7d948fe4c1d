"""What a secret looks like: the names that carry one, and the shapes that give one away."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_CARD_NUMBER_NAMES = frozenset({"number", "card_number", "pan", "primary_account_number"})
# Alternatives of a regular expression.
_NAMES = (
    "secret|client_secret|api_key|secret_key|private_key|access_key|signing_secret|password|passwd|passphrase"
    "|cvc|cvc2|cvv|cvv2|security_code|card_security_code|verification_value|token|access_token|refresh_token|auth_token"
    "|id_token|api_token|bearer_token|session_token|client_token|secret_token|csrf_token|authenticity_token"
)
_ENDINGS = r"\w*_(?:secret|password|cvc|cvv|(?:api|secret|private|access)_key|(?:access|auth|api|session|secret)_token)"
_SECRET_NAME = re.compile(f"{_NAMES.replace('_', '_?')}|{_ENDINGS}")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Documented test tokens, and ids of stored instruments: they name a thing, they open nothing.
_INSTRUMENT = r"(?:pm|tok|btok|src|card|ba)_\w+"
_CARD_DIGITS = re.compile(r"[0-9](?:[ -]?[0-9]){11,18}")
# A number as cards write theirs: digits in one run, in fours, or as American Express groups them.
_WRITTEN_CARD = re.compile(
    r"(?<![0-9A-Za-z_.+-])(?:[2-6][0-9]{12,18}|[2-6][0-9]{3}(?:[ -][0-9]{4}){2}[ -][0-9]{1,7}"
    r"|3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5})(?![0-9A-Za-z_]|[.-]\w)"
)
# Domains that belong to nobody (RFC 2606, RFC 6761): an address there is nobody's.
_NOBODYS = re.compile(r"(?:.*\.)?(?:example\.(?:com|net|org)|example|test|invalid|localhost)", re.IGNORECASE)

PLACEHOLDER = r"\[redacted(?::[\w.-]*)?\]"
CARD_NUMBER = "[redacted:card]"
_REMOVED_CARD = re.compile(r"(?:\[|%5B)redacted(?::|%3A)card(?:\]|%5D)", re.IGNORECASE)
# Where a word begins; in JSON that is read as text, a line break before it is spelled with a letter.
_START = r"(?:(?<![\w-])|(?<=\\[nrt]))"
KEY = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))(?:(?:sk|rk|pk|ek)_(?:test|live|sandbox|oauth)|whsec)_[A-Za-z0-9_]+"


def _after(scheme: str) -> str:
    """Right after the name of a scheme and a space, which in a URL within a URL may still be encoded."""
    return "(?:" + "|".join(rf"(?<=\b(?i:{scheme}){space})" for space in (" ", "%20", r"\+")) + ")"


# What follows the id, which stays.
CLIENT_SECRET = r"(?<=[A-Za-z0-9]_secret_)[\w+/=~%-]+(?:\.[\w+/=~%-]+)*"  # noqa: S105 - a pattern
# First digits of card networks only: 1 begins times in milliseconds and network transaction ids.
CARD = _START + r"(?<![0-9]\.)(?=[2-6]|81|9792)[0-9](?:(?:[ -]|%20)?[0-9]){12,18}(?!\w|-\w)"
BASIC = rf"{_after('basic')}[A-Za-z0-9+/]{{6,}}={{0,2}}(?![A-Za-z0-9])"
BEARER = rf"{_after('bearer')}(?=[\w.~+/=-]{{0,200}}[0-9])[\w.~+/=-]{{12,}}"
# The sign between name and host may be URL-encoded, or escaped as JSON does. What stands in a URL before its host is
# no address: there an encoded bracket or the like comes first.
EMAIL = re.compile(
    r"(?<![\w.+%-])(?P<name>\w(?:[\w.+'!#$*^~-]|%(?!40)[0-9A-Fa-f]{2}){0,63})(?P<at>@|%40|\\u0040)"
    r"(?P<host>(?:[^\W_](?:[\w-]{0,62}[^\W_])?\.)+[^\W\d_](?:[\w-]{0,62}[^\W_]))"
)
URL = r"https?://[^\s\"'<>\\]+"
# A name and its value in prose, broken JSON, a header line or a form: `cvc=123`, `"api_key": "x"`, `password: s3cret`.
# After a colon, a bare word counts only with a digit in it, for `password: is missing` is a message.
_NAME = f"{_NAMES}|authorization|cookie|set_cookie|x_api_key".replace("_", "[_-]?")
_QUOTE = r"(?:\\?[\"'])"
_EQUALS = rf"(?:\s*=>?\s*|\s*:\s*(?={_QUOTE}|(?i:bearer|basic) |[^\s&,;]{{0,80}}[0-9]))"
_BARE = rf"(?:(?i:bearer|basic) )?(?:{PLACEHOLDER}|[^\s\"'&,;<>(){{}}\[\]\\]+(?:{PLACEHOLDER})?)"


def named(further: Iterable[str] = ()) -> str:
    """The pattern of a name and its value in text. After the ``further`` names any value counts."""
    own = "|".join("[_-]?".join(map(re.escape, plain_name(name))) for name in further)
    name = f"(?P<own>(?i:{own}))|(?i:{_NAME}|{_ENDINGS})" if own else f"(?i:{_NAME}|{_ENDINGS})"
    equals = rf"(?(own)\s*(?:=>?|:)\s*|{_EQUALS})" if own else _EQUALS
    return (
        rf"{_START}(?P<name>{name})(?P<sign>(?:{_QUOTE}|\])*{equals}{_QUOTE}?)(?!{_INSTRUMENT}(?!\w))"
        r"(?P<value>(?<=\\[\"'])(?:[^\"\\]|\\[^\"'])+|(?<=\")(?:[^\"\\]|\\.)+|(?<=')(?:[^'\\]|\\.)+"
        rf"|(?<![\"']){_BARE})"
    )


def plain_name(name: str) -> str:
    """A name without what makes no difference: letter case, ``-`` and ``_``."""
    return re.sub(r"[_-]", "", name).lower()


def is_secret_header(name: str) -> bool:
    """Whether the value of a header is a credential."""
    return name.lower() in _HEADERS or is_secret_name(name)


@lru_cache(maxsize=2048)
def is_secret_name(name: str) -> bool:
    """Whether a member, form field or header of this name holds a secret; ``apiKey`` and ``X-Api-Key`` count too."""
    return _SECRET_NAME.fullmatch(_CAMEL.sub("_", name).lower().replace("-", "_")) is not None


def is_secret_member(name: str, value: str) -> bool:
    """Whether ``value`` has to go because of the name it stands under."""
    if name.lower() in _CARD_NUMBER_NAMES:
        return _CARD_DIGITS.fullmatch(value.strip()) is not None
    if not value or not is_secret_name(name):
        return False
    return not (name.lower().endswith("token") and re.fullmatch(_INSTRUMENT, value))


def is_client_secret(match: re.Match[str]) -> bool:
    """Whether a match of ``CLIENT_SECRET`` is one: it or its id has a digit, or its first word a capital."""
    before = re.search(r"[\w-]*$", match.string[max(0, match.start() - 100) : match.start()])
    around = (before[0] if before else "") + match[0]
    return re.search(r"[0-9]", around) is not None or re.match(r"[^\W_]*[A-Z]", match[0]) is not None


def without_card_number(text: str) -> str:
    """Groups of digits without the longest run of them that is a card number; a security code may stand beside it."""
    groups = re.split(r"([ -]|%20)", text)
    runs = [(first, last) for first in range(0, len(groups), 2) for last in range(first, len(groups), 2)]
    for first, last in sorted(runs, key=lambda run: run[0] - run[1]):
        if _is_card_number("".join(groups[first : last + 1 : 2])):
            return "".join([*groups[:first], CARD_NUMBER, *groups[last + 1 :]])
    return text


def shown_card_number(text: str) -> str | None:
    """The digits of a card number that ``text`` shows, empty where they were taken out; None where it shows none.

    For judging: it wants a number written as cards write theirs, where redaction would rather take one too many.
    """
    for match in _WRITTEN_CARD.finditer(text):
        digits = re.sub(r"[ -]", "", match[0])
        if _is_card_number(digits):
            return digits
    return "" if _REMOVED_CARD.search(text) else None


def without_card_marks(text: str) -> str:
    """``text`` with the placeholders of card numbers made those of any secret."""
    return _REMOVED_CARD.sub(lambda match: re.sub("(?::|%3A)card", "", match[0], flags=re.IGNORECASE), text)


def card_number_as_number(digits: str) -> str:
    """A whole number as it was, or where it is a card number one of the same size that is none."""
    return digits[0] + "0" * (len(digits) - 1) if re.fullmatch(CARD, digits) and _is_card_number(digits) else digits


def is_nobodys(host: str) -> bool:
    """Whether a host is reserved for examples and tests, so that an e-mail address there is nobody's."""
    return _NOBODYS.fullmatch(host) is not None


def _is_card_number(digits: str) -> bool:
    """Whether 13 to 19 digits pass the check that card numbers pass (Luhn)."""
    numbers = [int(digit) for digit in digits]
    doubled = [number * 2 - 9 * (number > 4) for number in numbers[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(numbers[::-2]) + sum(doubled)) % 10 == 0


def basic_credential(token: str) -> tuple[str, str] | None:
    """User and password of a Basic credential, or None where the token is not one."""
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), validate=True).decode("utf-8")
    except ValueError:
        return None
    user, colon, password = text.partition(":")
    return (user, password) if colon and text.isprintable() else None


def spellings(secret: str) -> Iterator[str]:
    """Regular expressions for every way a known secret is written: plain, URL-encoded, JSON-escaped, in base64."""
    # A short word is a secret only where it stands alone: `test` must not tear `requires_test` apart.
    start, end = (r"(?<!\w)", r"(?!\w)") if len(secret) < 8 else ("", "")
    octets = secret.encode("utf-8", "surrogatepass")
    encoded = {quote(octets, safe=""), quote(octets), quote_plus(octets)}
    lower = {re.sub("%..", lambda code: code[0].lower(), text) for text in encoded}
    for text in sorted({secret, json.dumps(secret)[1:-1], *encoded, *lower}, key=lambda text: (-len(text), text)):
        yield start + re.escape(text) + end
    if len(octets) < 8:
        return
    # What precedes a secret moves it by 0 to 2 bytes within base64; the letters that it alone decides are looked for.
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + octets).decode()[(0, 2, 3)[shift] : (shift + len(octets)) * 8 // 6]
        for text in sorted({coded, coded.replace("+", "-").replace("/", "_")}):
            yield re.escape(text) + r"[A-Za-z0-9+/_-]{0,4}={0,2}"
