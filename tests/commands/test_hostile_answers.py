"""Targets whose answers are JSON and yet hostile: the suite judges them, and does not fall over them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from conformance.reference import target_settings

pytestmark = pytest.mark.usefixtures("without_pauses")

Change = Callable[[dict[str, Any]], Any]


def setting(**members: Any) -> Change:
    return lambda body: {**body, **members}


def everywhere(change: Callable[[Any], Any]) -> Change:
    """Changes every plain value of an answer, whatever its place."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: changed(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [changed(entry) for entry in value]
        return change(value)

    return changed


HOSTILE: dict[str, Change] = {
    "status is an object": setting(status={"succeeded": True}),
    "status is a list": setting(status=["succeeded"]),
    "status is a lone surrogate": setting(status="\ud800"),
    "id is a lone surrogate": setting(id="pi_\udcff"),
    "id leads elsewhere": setting(id="../../../etc/passwd?x#y"),
    "id has control characters": setting(id="pi_\r\nX-Evil: 1\x00\x1b[31m"),
    "id is endless": setting(id="pi_" + "x" * 5_000),
    "id has markup": setting(id="[/bold]pi_[red]<script>&amp;"),
    "amounts are NaN": setting(amount=float("nan"), amount_received=float("nan"), amount_capturable=float("nan")),
    "amounts are infinite": setting(amount=float("inf"), amount_received=float("-inf")),
    "amounts are huge": setting(amount=10**400, amount_received=10**400),
    "amounts are text": setting(amount="2000", amount_received="2000", amount_capturable=[]),
    "created is text": setting(created="yesterday"),
    "created is huge": setting(created=10**30),
    "errors are text": lambda body: {"error": "no"} if "error" in body else body,
    "errors are lists": lambda body: {"error": [["no"]]} if "error" in body else body,
    "errors are numbers": lambda body: {"error": 7, "message": 8} if "error" in body or "message" in body else body,
    "all text is a list": everywhere(lambda value: [value] if isinstance(value, str) else value),
    "all text is markup": everywhere(lambda value: "[/red]\x1b[2J]]>&" if isinstance(value, str) else value),
    "all text is lone surrogates": everywhere(lambda value: "\udfff" if isinstance(value, str) else value),
    "all is null": everywhere(lambda value: None),
    "all is true": everywhere(lambda value: True),
}


def rewriting(sound: Callable[..., bytes], change: Change) -> Callable[..., bytes]:
    """A server's answers with their JSON changed."""

    def reply(asked: Any) -> bytes:
        head, _, body = sound(asked).partition(b"\r\n\r\n")
        try:
            told = json.dumps(change(json.loads(body))).encode()
        except ValueError:
            told = body
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
        return b"\r\n".join([*lines, b"Content-Length: %d" % len(told), b"", told])

    return reply


def no_crash(result: Result, *codes: int) -> None:
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in codes, result.output
    assert "\x1b[2J" not in result.output  # what a target says must not steer the terminal


# Stripe's contract says most of errors, times and amounts; the shorter one of Dots will do for the rest.
CASES = [("stripe" if name.startswith(("errors", "created", "amounts")) else "dots", name) for name in HOSTILE]


@pytest.mark.parametrize(("provider", "name"), CASES)
def test_hostile_after_a_sound_preflight(
    provider: str, name: str, listen: Callable, good: Callable, reach: Callable, certify: Callable, tmp_path: Path
) -> None:
    sound = good(provider)
    hostile = rewriting(sound, HOSTILE[name])
    wire = listen(lambda asked: sound(asked) if asked.number <= 2 else hostile(asked))
    told_by_no_must = name in ("amounts are huge", "created is huge")  # integers still, and no MUST bounds them
    codes = (0, 1, 3) if told_by_no_must else (1, 3)
    no_crash(certify(*reach(provider, wire.url + target_settings(provider)["base_path"])), *codes)
    certificate = json.loads((tmp_path / "out" / "certificate.json").read_text(encoding="utf-8"))
    assert [row["id"] for row in certificate["requirements"] if "the suite failed" in row["reason"]] == []


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.startswith(("id", "status", "all"))])
def test_hostile_from_the_start(
    name: str, listen: Callable, good: Callable, reach: Callable, certify: Callable
) -> None:
    wire = listen(rewriting(good("dots"), HOSTILE[name]))
    no_crash(certify(*reach("dots", wire.url + "/api"), "--area", "shape"), 1, 3)
