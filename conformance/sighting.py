"""An exchange as a contract reads it: which operation it is, what was asked, which intents and errors it shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from conformance.contract import Contract
from conformance.evidence.exchange import Exchange, Response
from conformance.evidence.finding import Finding
from conformance.evidence.forms import decode_form


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
        body = self.exchange.request.body
        if (self.exchange.request.header("content-type") or "").startswith("application/json"):
            try:
                value = json.loads(body)
            except (ValueError, RecursionError):
                return {}
            return value if isinstance(value, dict) else {}
        return decode_form(body)

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
    collection = contract.operations["create"].pattern
    root = contract.operations["create"].path
    found = []
    for exchange in exchanges:
        if exchange.response is None:
            continue
        path = exchange.request.path
        for operation in contract.operations.values():
            match = operation.pattern.search(path)
            if match and operation.method == exchange.request.method:
                intent = unquote(match.groupdict().get("intent") or "")
                found.append(Sighting(contract, exchange, operation.name, intent))
                break
        else:
            if collection.search(path) or f"{root}/" in path:
                rest = path.partition(f"{root}/")[2]
                found.append(Sighting(contract, exchange, "", unquote(rest.partition("/")[0])))
    return found
