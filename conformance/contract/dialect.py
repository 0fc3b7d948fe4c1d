"""The words in which an idempotency dialect is told: ``[idempotency.dialect]`` of a provider's ``provider.toml``.

An axis is one question to which servers are known to give different answers. A provider documents some of them; what it
leaves open has no entry. A list documents that each of its values is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Word = str | int
Meaning = Literal["equal", "at_least", "at_most", "names"]


@dataclass(frozen=True)
class Axis:
    """One question. ``values`` are its known answers; where there are none, it is a number or, for ``text``, a name.

    ``meaning`` says when something found agrees with what is documented: it is equal, at least as much, at most as
    much, or the documented name is among the words found.
    """

    question: str
    values: tuple[str, ...] = ()
    meaning: Meaning = "equal"
    text: bool = False


_HONOURED = ("honoured", "ignored")
_REUSED = (
    "refused",
    "replayed",
    "executed",
)  # the used key is an error; gives the first answer; is as good as a new one
_STORED = ("stored", "dropped")
MARKER = "marker"

AXES: Mapping[str, Axis] = {
    "carrier": Axis("where the key stands", ("header", "body", "none")),
    "create": Axis("create with a key", _HONOURED),
    "update": Axis("update with a key", _HONOURED),
    "confirm": Axis("confirm with a key", _HONOURED),
    "capture": Axis("capture with a key", _HONOURED),
    "cancel": Axis("cancel with a key", _HONOURED),
    "retrieve": Axis("retrieve with a key", _HONOURED),
    "other_operation": Axis("a key of create, on another operation", _REUSED),
    "other_intent": Axis("a key of one intent, on another", _REUSED),
    "other_credential": Axis("a key used with another API key", _REUSED),
    "success": Axis("a success, asked for again", ("stored", "current", "refused")),
    MARKER: Axis("the header that marks a replay", text=True),
    "other_body": Axis("another body under a used key", _REUSED),
    "other_body_status": Axis("its HTTP status"),
    "other_body_error": Axis("its error", meaning="names", text=True),
    "refusal": Axis("a 4xx before execution", _STORED),
    "decline": Axis("a 4xx after execution (a decline)", _STORED),
    "failure_before": Axis("a 5xx before execution", _STORED),
    "failure_after": Axis("a 5xx after execution", _STORED),
    "in_flight": Axis("the same request, still in flight", ("refused", "waits", "executed")),
    "in_flight_status": Axis("its HTTP status"),
    "in_flight_error": Axis("its error", meaning="names", text=True),
    "shortest": Axis("characters of the shortest key", meaning="at_most"),
    "longest": Axis("characters of the longest key", meaning="at_least"),
    "beyond_longest": Axis("a longer key", ("refused", "cut", "ignored")),
    "empty": Axis("an empty key", ("refused", "ignored", "counts")),
    "punctuation": Axis("a key of odd characters", ("refused", "cut", "ignored", "counts")),
    "letter_case": Axis("keys that differ in letter case", ("told_apart", "folded")),
    "kept_at_least": Axis("seconds that a key is kept", meaning="at_least"),
    "forgotten_after": Axis("seconds until a key is new", meaning="at_most"),
}
# A refusal is told beside its axis, and has to be of the kind that [errors.kinds] says.
_KINDS = {"other_body": "idempotency_conflict", "in_flight": "idempotency_in_progress"}


def documented(settings: Mapping[str, Any]) -> dict[str, tuple[Word, ...]]:
    """What a provider's settings document of each axis, alternatives in their order; axes left open are absent.

    The header that marks a replay is ``[idempotency] replayed``. Without a dialect nothing is documented.
    """
    idempotency = settings.get("idempotency", {})
    table = dict(idempotency.get("dialect", {}))
    if table and MARKER not in table and "replayed" in idempotency:
        table[MARKER] = idempotency["replayed"]
    return {
        name: tuple(table[name]) if isinstance(table[name], list) else (table[name],) for name in AXES if name in table
    }


def dialect_problem(settings: Mapping[str, Any]) -> str:
    """What is wrong with ``[idempotency.dialect]``: the key and the known values; empty where nothing is."""
    table = settings.get("idempotency", {}).get("dialect", {})
    for name in table:
        if name == MARKER:
            return f"{name} stands in [idempotency] replayed"
        if name not in AXES:
            return f"{name} is unknown; known: {', '.join(other for other in AXES if other != MARKER)}"
    for name, values in documented(settings).items():
        axis = AXES[name]
        for value in values:
            if axis.values and value not in axis.values:
                return f"{name} = {value!r} is unknown; known: {', '.join(axis.values)}"
            kind = str if axis.values or axis.text else int
            if not isinstance(value, kind) or isinstance(value, bool) or (kind is int and int(value) < 1):
                return f"{name} = {value!r} is no {'name' if kind is str else 'number of at least 1'}"
        if not values:
            return f"{name} names no value"
    if table and not table.get("carrier"):
        return "carrier is missing; a dialect begins with where the key stands"
    return _contradiction(settings, table)


def _contradiction(settings: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    """Where the dialect and ``[errors.kinds]`` say two things of one."""
    for axis, name in _KINDS.items():
        kind = settings.get("errors", {}).get("kinds", {}).get(name, {})
        status, error = table.get(f"{axis}_status"), table.get(f"{axis}_error")
        if status is not None and kind.get("status") and status not in kind["status"]:
            return f"{axis}_status = {status} is not among [errors.kinds.{name}] status"
        if error is not None and kind and error not in (*kind.get("type", ()), *kind.get("code", ())):
            return f"{axis}_error = {error!r} is neither type nor code of [errors.kinds.{name}]"
    return ""
