"""The place that a finding speaks of is marked in the body, or what would hold it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.report.attachments import excerpt

BODY: dict[str, Any] = {
    "id": "pi_1",
    "amount": 2000,
    "a/b": {"m~n": ["x", {"deep": True}]},
    "status": "succeeded",
    "twice": "succeeded",
}


def marked(at: str, document: Any = BODY) -> list[str]:
    return [line[1:].strip() for line in excerpt(document, at) if line.startswith(">")]


@pytest.mark.parametrize(
    ("at", "line"),
    [
        ("/status", '"status": "succeeded",'),
        ("/twice", '"twice": "succeeded"'),
        ("/amount", '"amount": 2000,'),
        ("/a~1b/m~0n/0", '"x",'),
        ("/a~1b/m~0n/1/deep", '"deep": true'),
        ("/a~1b", '"a/b": {'),
        ("", "{"),
    ],
)
def test_the_line_of_the_place_is_marked(at: str, line: str) -> None:
    assert marked(at) == [line]


@pytest.mark.parametrize(
    ("at", "holder", "missing"),
    [
        ("/error", "{", "(no error)"),
        ("/a~1b/other", '"a/b": {', "(no other)"),
        ("/a~1b/m~0n/7", '"m~n": [', "(no 7)"),
        ("/status/code", '"status": "succeeded",', "(no code)"),
    ],
)
def test_what_is_missing_is_told_where_it_would_stand(at: str, holder: str, missing: str) -> None:
    assert marked(at) == [holder, missing]


def test_the_lines_around_it_are_those_of_the_body() -> None:
    laid_out = json.dumps(BODY, indent=2).splitlines()
    shown = [line[2:] for line in excerpt(BODY, "/status")]
    place = laid_out.index('  "status": "succeeded",')
    assert shown == laid_out[place - 3 : place + 4]


def test_a_long_line_is_cut() -> None:
    assert max(map(len, excerpt({"text": "x" * 1000}, "/text"))) <= 162


def test_lists_at_the_top() -> None:
    assert marked("/1/id", [{"id": 1}, {"id": 2}]) == ['"id": 2']


def test_what_is_nested_too_deeply_has_no_lines() -> None:
    deep: Any = "end"
    for _ in range(5_000):
        deep = [deep]
    assert excerpt({"status": "x", "deep": deep}, "/status") == []
