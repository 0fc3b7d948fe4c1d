"""An exchange as a contract reads it: which operation it is, what was asked, which intents and errors it shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from conformance.contract import Contract
from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.finding import Finding
from conformance.evidence.forms import decode_form

# What browsers ask beside the API's calls, before one or about it.
_NO_CALLS = ("OPTIONS", "HEAD", "TRACE")
# How recordings mask what they must not show, our own apart: its placeholder tells one secret from another.
_MASKED = re.compile(
    r"redacted(?!:[0-9a-f]{8}\])|filtered|masked|removed|scrubbed|sanitized|fake_|\*{3,}|x{4,}|^[<\[{].*[>\]}]$", re.I
)
_TOLD_APART = re.compile(r"\[redacted:[0-9a-f]{8}\]")


def is_masked(text: str) -> bool:
    """Whether a text of a recording stands where its authors took another away, so that it tells nothing itself."""
    return _TOLD_APART.search(text) is None and _MASKED.search(text) is not None


def resolve(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer, or None where it leads nowhere."""
    for part in pointer.split("/")[1:]:
        if isinstance(document, Mapping):
            document = document.get(part.replace("~1", "/").replace("~0", "~"))
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            return None
    return document


def members_of(request: Request) -> Mapping[str, Any]:
    """The decoded body of a request; empty where there is none or it cannot be read."""
    if not (request.header("content-type") or "").startswith("application/json"):
        return decode_form(request.body)
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


@dataclass(frozen=True)
class Sighting:
    """One answered exchange of the API. ``operation`` is empty where the contract does not hold the call."""

    contract: Contract
    exchange: Exchange
    operation: str
    intent: str

    @property
    def number(self) -> int:
        return self.exchange.number

    @property
    def response(self) -> Response:
        assert self.exchange.response is not None  # kept by read_history
        return self.exchange.response

    @property
    def succeeded(self) -> bool:
        return 200 <= self.response.status < 300

    @property
    def body(self) -> Any:
        return self.response.json

    @property
    def _id(self) -> str:
        return str(self.contract.settings["members"]["id"])

    @property
    def foreign(self) -> bool:
        """Whether others recorded it: then others may have acted in between, and what it shows may be cut or masked."""
        return not self.exchange.credential

    @property
    def recording(self) -> str:
        """The recording it is from; ids and keys may come again in another. Empty in a run of our own."""
        return self.exchange.origin.get("repo", "") + self.exchange.origin.get("file", "")

    @cached_property
    def in_full(self) -> bool:
        """Whether the account's own key asked, so that all members are shown.

        A recording does not tell whose key it was, but who presents a client secret is shown less, as a browser is.
        """
        if self.foreign:
            return "client_secret" not in self.asked and "client_secret=" not in self.exchange.request.query
        return self.exchange.credential == "test"

    @property
    def replayed(self) -> bool:
        """Whether the server says that this answer is a stored one: it shows what was, not what is."""
        marker = self.contract.settings.get("idempotency", {}).get("replayed", "")
        return bool(marker) and (self.response.header(marker) or "").lower() == "true"

    def contradiction(self, expected: str, actual: object, at: str = "") -> Finding:
        """The finding that this answer shows ``actual`` (None: nothing) at a pointer where ``expected`` is promised."""
        text = "absent" if actual is None else actual if isinstance(actual, str) else repr(actual)
        return Finding(expected, text[:300], at, (self.number,), self.exchange.scenario)

    @cached_property
    def asked(self) -> Mapping[str, Any]:
        """The decoded request; empty where there is none or it cannot be read."""
        return members_of(self.exchange.request)

    @cached_property
    def intents(self) -> tuple[Mapping[str, Any], ...]:
        """The intents of a successful answer: the body itself, or the items of a list."""
        if not self.succeeded:
            return ()
        body = self.body
        if self.operation and not self.contract.operations[self.operation].shows_one:
            items = resolve(body, self.contract.settings["lists"]["items"])
            return tuple(item for item in items if isinstance(item, dict)) if isinstance(items, list) else ()
        if isinstance(body, dict) and isinstance(body.get("data"), list) and self._id not in body:
            body = body["data"]
        elif self.operation and isinstance(body, dict):
            return (body,)  # whatever it holds, it stands where the contract promises the intent
        items = body if isinstance(body, list) else [body]
        return tuple(item for item in items if isinstance(item, dict) and self._is_intent(item))

    def _is_intent(self, value: Mapping[str, Any]) -> bool:
        if self._id not in value or "amount" not in value:
            return False
        return bool(value.get("object", "payment_intent") == "payment_intent")

    @cached_property
    def error(self) -> Mapping[str, Any] | None:
        """The error object of a refusal, where the contract's envelope is found."""
        if self.succeeded:
            return None
        found = resolve(self.body, self.contract.settings["errors"].get("object", ""))
        return found if isinstance(found, dict) else None

    @cached_property
    def embedded(self) -> Mapping[str, Any] | None:
        """The intent that an error carries."""
        pointer = self.contract.settings["errors"].get("intent", "")
        found = resolve(self.body, pointer) if pointer and not self.succeeded else None
        return found if isinstance(found, dict) else None

    @cached_property
    def api_version(self) -> str:
        """The version the exchange names, by the answer, the request, or the recording; empty where none does."""
        name = self.contract.settings.get("versioning", {}).get("header", "")
        if not name:
            return ""
        origin = self.exchange.origin
        named = self.response.header(name) or self.exchange.request.header(name)
        return named or origin.get("stripe_version") or origin.get("api_version") or ""


def read_history(contract: Contract, exchanges: Iterable[Exchange]) -> list[Sighting]:
    """The answered exchanges that belong to the contract's API, in their order."""
    return [seen for exchange in exchanges if exchange.response and (seen := sighted(contract, exchange))]


def sighted(contract: Contract, exchange: Exchange) -> Sighting | None:
    """The exchange as the contract reads it, answered or not; None where it is no call of the contract's API."""
    root = contract.operations["create"].path
    path, method = exchange.request.path, exchange.request.method
    if method in _NO_CALLS and not exchange.credential:
        return None
    for operation in contract.operations.values():
        if operation.method == method and (match := operation.pattern.search(path)):
            return Sighting(contract, exchange, operation.name, unquote(match.groupdict().get("intent") or ""))
    if not contract.operations["create"].pattern.search(path) and f"{root}/" not in path:
        return None
    rest = path.partition(f"{root}/")[2]
    return Sighting(contract, exchange, "", unquote(rest.partition("/")[0]))
