"""A sound recording is left in peace; altered by hand in one thing, it is found, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from conformance.audit import Audit
from tests.audit.conftest import FORMATS, Told, failing

PROVIDERS = ("stripe", "revkeen", "paypercut", "dots")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", FORMATS)
def test_a_sound_recording(provider: str, name: str, told: Callable, recording: Callable, audited: Callable) -> None:
    exchanges = told(provider)
    audit: Audit = audited(provider, recording(name, exchanges))
    assert failing(audit) == []
    assert audit.certificate.result == "conformant"
    assert audit.coverage.read == len(exchanges)
    assert audit.coverage.judged >= len(exchanges) - 5
    assert audit.coverage.secrets == {}
    assert audit.certificate.totals["pass"] >= 25


def intent(one: Told) -> Any:
    """The intent that a success shows; empty where it shows none."""
    answer = json.loads(one["answer"]) if one["status"] < 300 else {}
    return answer if isinstance(answer, dict) and "status" in answer else {}


def first(told: Sequence[Told], method: str, end: str, **shown: Any) -> Told:
    """The first success of a call whose path ends so, and that shows these members."""
    return next(
        one
        for one in told
        if one["method"] == method
        and one["url"].partition("?")[0].endswith(end)
        and intent(one)
        and shown.items() <= intent(one).items()
    )


def refused(told: Sequence[Told], status: int) -> Told:
    return next(one for one in told if one["status"] == status and one["answer"].startswith("{"))


def change(one: Told, **members: Any) -> None:
    """Members of the answer become others; those that are ``...`` go."""
    answer = {**json.loads(one["answer"]), **members}
    one["answer"] = json.dumps({name: value for name, value in answer.items() if value is not ...})


def error(one: Told, **members: Any) -> None:
    change(one, error={**json.loads(one["answer"])["error"], **members})


def repeated(told: Sequence[Told]) -> Told:
    """The first request that was sent before, key and all, and succeeded both times."""
    asked: set[tuple[str, str, str]] = set()
    for one in told:
        key = {name.lower(): value for name, value in one["headers"].items()}.get("idempotency-key")
        this = (one["url"], str(key), one["body"])
        if key and one["method"] == "POST" and intent(one):
            if this in asked:
                return one
            asked.add(this)
    raise LookupError("nothing was sent again")


def next_of(told: Sequence[Told], one: Told) -> Told:
    """A copy of ``one`` right behind it, to be altered."""
    assert isinstance(told, list)
    copy = json.loads(json.dumps(one))
    told.insert(told.index(one) + 1, copy)
    return copy


def read_again(told: Sequence[Told], one: Told, **members: Any) -> None:
    """A retrieve of what ``one`` shows, right behind it, that shows other members."""
    copy = next_of(told, one)
    copy.update(method="GET", body="", url=one["url"].rpartition("/")[0])
    change(copy, **members)


ALTERED: dict[str, tuple[str, str, Callable[[list[Told]], object], str]] = {
    "a status word": (
        "stripe",
        "vcrpy.yaml",
        lambda told: change(first(told, "POST", "/payment_intents"), status="requires_attention"),
        "STR-021 STR-238",
    ),
    "a transition that none takes": (
        "stripe",
        "browser.har",
        lambda told: change(
            first(told, "POST", "/cancel", cancellation_reason="duplicate"), status="requires_confirmation"
        ),
        "STR-030 STR-190",
    ),
    "a skipped transition": (
        "dots",
        "ruby.yml",
        lambda told: change(first(told, "POST", "/payment-intents"), status="succeeded"),
        "DOT-133 DOT-134",
    ),
    "a missing member": (
        "dots",
        "collected.jsonl.gz",
        lambda told: change(first(told, "GET", ""), currency=...),
        "DOT-002 DOT-007",
    ),
    "a wrong type": (
        "paypercut",
        "browser.har",
        lambda told: change(first(told, "POST", "/payment_intents"), amount="2000"),
        "PPC-004",
    ),
    "money that does not add up": (
        "stripe",
        "ruby.yml",
        lambda told: change(first(told, "POST", "/capture", status="succeeded"), amount_received=999_999),
        "STR-204",
    ),
    "an error without its envelope": (
        "revkeen",
        "vcrpy.yaml",
        lambda told: change(refused(told, 404), error=..., message="no such intent", code="resource_not_found"),
        "RVK-110a",
    ),
    "an error's type and status": (
        "stripe",
        "history.jsonl",
        lambda told: error(refused(told, 404), type="rate_limit_error"),
        "STR-155b",
    ),
    "a repeated key with another answer": (
        "revkeen",
        "history.jsonl",
        lambda told: change(repeated(told), description="another"),
        "RVK-179",
    ),
    "a terminal status that changes": (
        "stripe",
        "collected.jsonl.gz",
        lambda told: read_again(told, first(told, "POST", "/cancel"), status="processing"),
        "STR-030 STR-191",
    ),
    "a client secret where none is shown": (
        "dots",
        "history.jsonl",
        lambda told: change(first(told, "GET", ""), client_secret="[redacted:0a1b2c3d]"),
        "DOT-016",
    ),
    "a stack trace": (
        "revkeen",
        "ruby.yml",
        lambda told: error(refused(told, 404), message="TypeError: x\n    at run (/srv/node_modules/pay/index.js:3:7)"),
        "RVK-117",
    ),
}


LEAKED: dict[str, Callable[[Told], object]] = {
    "key": lambda one: one["headers"].update(Authorization="Bearer sk_test_4eC39HqLyjWDarjtT1zdp7dc"),
    "live key": lambda one: one["headers"].update(Authorization="Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
    "client secret": lambda one: change(one, client_secret=f"{intent(one)['id']}_secret_YrKJUKribcBjcG8HVhfZluoGH"),
    "cookie": lambda one: one["answered"].update({"Set-Cookie": "session=9f8a7b6c5d4e3f2a1b0c; Path=/"}),
}


@pytest.mark.parametrize(
    ("kind", "name"), [*(("key", name) for name in FORMATS), *((kind, "browser.har") for kind in [*LEAKED][1:])]
)
def test_a_leaked_secret(
    kind: str, name: str, told: Callable, recording: Callable, audited: Callable, tmp_path: Path
) -> None:
    exchanges = told("stripe")[:40]
    leak = "4eC39HqLyjWDarjtT1zdp7dc", "YrKJUKribcBjcG8HVhfZluoGH", "9f8a7b6c5d4e3f2a1b0c"
    LEAKED[kind](first(exchanges, "POST", "/payment_intents"))
    audit: Audit = audited("stripe", recording(name, exchanges))
    assert failing(audit) == []
    assert {found: left.count for found, left in audit.coverage.secrets.items()} == {kind: 1}
    (place,) = audit.coverage.secrets[kind].places
    assert f"{name} #" in place
    # It is told where the secret is, and nowhere what it is.
    told_of = "\n".join([*audit.coverage.lines(), (tmp_path / "audit" / "audit.json").read_text()])
    assert kind in told_of
    assert not any(secret in told_of for secret in leak)


@pytest.mark.parametrize("alteration", ALTERED)
def test_an_altered_recording(alteration: str, told: Callable, recording: Callable, audited: Callable) -> None:
    provider, name, alter, rows = ALTERED[alteration]
    exchanges = told(provider)
    alter(exchanges)
    audit: Audit = audited(provider, recording(name, exchanges))
    assert failing(audit) == rows.split()
    # Each finding shows the exchange that it speaks of.
    for row in audit.certificate.requirements:
        assert all(set(found.exchanges) <= audit.exchanges.keys() for found in row.findings)
