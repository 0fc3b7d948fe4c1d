"""A measured dialect beside documented ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.contract.dialect import AXES, Word
from conformance.contract.loading import load_contracts
from conformance.dialect import Dialect, Found, compare, named, to_json

CONTRACTS = load_contracts()


def dialect_of(**values: Word) -> Dialect:
    return Dialect({axis: Found(values.get(axis), "seen", (1,)) for axis in AXES}, 9)


def result(axis: str, words: tuple[Word, ...], value: Word | None) -> str:
    found = dialect_of(**({axis: value} if value is not None else {}))
    return next(row.result for row in compare({axis: words} if words else {}, found) if row.axis == axis)


@pytest.mark.parametrize(
    ("axis", "words", "value", "expected"),
    [
        ("carrier", ("header",), "header", "agrees"),
        ("carrier", ("header",), "body", "differs"),
        ("carrier", ("header",), None, "not measured"),
        ("carrier", (), "body", "not documented"),
        ("carrier", (), None, "not measured"),
        ("in_flight", ("refused", "waits"), "waits", "agrees"),
        ("in_flight", ("refused", "waits"), "executed", "differs"),
        ("marker", ("Idempotent-Replayed",), "idempotent-replayed", "agrees"),
        ("marker", ("Idempotent-Replayed",), "none", "differs"),
        ("other_body_status", (409,), 409, "agrees"),
        ("other_body_status", (409,), 400, "differs"),
        ("other_body_error", ("idempotency_error",), "idempotency_error key_reused", "agrees"),
        ("other_body_error", ("idempotency_error",), "invalid_request_error", "differs"),
        ("longest", (255,), 1024, "agrees"),
        ("longest", (255,), 64, "differs"),
        ("shortest", (1,), 1, "agrees"),
        ("shortest", (1,), 8, "differs"),
        ("kept_at_least", (86400,), 172800, "agrees"),
        ("kept_at_least", (86400,), 0, "differs"),
        ("forgotten_after", (86400,), 3600, "agrees"),
        ("forgotten_after", (86400,), 172800, "differs"),
    ],
)
def test_an_axis(axis: str, words: tuple[Word, ...], value: Word | None, expected: str) -> None:
    assert result(axis, words, value) == expected


STRIPES: dict[str, Any] = {"carrier": "header", "create": "honoured", "success": "stored", "other_operation": "refused"}


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (STRIPES, "Stripe's: nothing differs on 4 documented axes"),
        ({**STRIPES, "other_operation": "executed"}, "RevKeen's: nothing differs on 4 documented axes"),
        ({**STRIPES, "success": "current"}, "Paypercut's: nothing differs on 2 documented axes"),
        (
            {**STRIPES, "other_operation": "executed", "refusal": "dropped", "retrieve": "honoured"},
            "nearest to RevKeen's; other: retrieve, refusal",
        ),
        ({"empty": "refused"}, "nobody's: no axis that a provider documents was measured"),
        ({}, "nobody's: no axis that a provider documents was measured"),
    ],
)
def test_a_name(values: dict[str, Any], name: str) -> None:
    assert named(dialect_of(**values), CONTRACTS.values()) == name


def test_a_document_holds_every_axis() -> None:
    document = to_json(compare({"longest": (255,)}, dialect_of(longest=64)), "a name", 9)
    assert json.loads(json.dumps(document)) == document
    assert [row["axis"] for row in document["axes"]] == list(AXES)
    row = next(row for row in document["axes"] if row["axis"] == "longest")
    assert row["question"] == AXES["longest"].question
    assert (row["documented"], row["found"], row["result"], row["exchanges"]) == ([255], 64, "differs", [1])
