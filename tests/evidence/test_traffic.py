"""Real recorded traffic is read without loss, and redaction changes nothing in it but secrets."""

from __future__ import annotations

import json
import lzma
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.evidence.exchange import Exchange
from conformance.evidence.forms import decode_form
from conformance.evidence.recordings import Skipped, read_recordings
from conformance.evidence.redaction import Redactor

FOLDER = os.environ.get("CONFORMANCE_TRAFFIC", "")


@pytest.fixture(scope="module")
def folder() -> Path:
    if not FOLDER:
        reason = "CONFORMANCE_TRAFFIC does not name the folder of recorded traffic"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return Path(FOLDER)


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, Any]]:
    def read() -> Iterator[dict[str, Any]]:
        for file in sorted(folder.glob("*.jsonl.xz")):
            with lzma.open(file, "rt", encoding="utf-8") as stream:
                yield from map(json.loads, stream)

    return list(read())


@pytest.fixture(scope="module")
def exchanges(folder: Path) -> list[Exchange]:
    return list(read_recordings([folder]))


def test_every_line_is_an_exchange_or_counted(folder: Path, rows: list[dict[str, Any]]) -> None:
    skipped = Skipped()
    count = sum(1 for _ in read_recordings(sorted(folder.glob("*.jsonl.xz")), skipped))
    edited = sum(row["hand_edited"] for row in rows)
    assert len(rows) == 4206
    assert skipped == {"edited by hand": edited}
    assert count == len(rows) - edited


def test_exchanges_hold_what_the_lines_hold(rows: list[dict[str, Any]], exchanges: list[Exchange]) -> None:
    kept = [row for row in rows if not row["hand_edited"]]
    for row, exchange in zip(kept, exchanges, strict=True):
        assert exchange.response is not None
        assert exchange.request.method == row["method"]
        assert exchange.request.path == row["path"]
        assert decode_form(exchange.request.query.encode()) == row["query"]
        assert exchange.request.body == row["request_body"].encode()
        assert decode_form(exchange.request.body) == (row["request_params"] or {})
        assert dict(exchange.request.headers) == row["request_headers"]
        assert dict(exchange.response.headers) == row["response_headers"]
        assert (exchange.response.status, exchange.response.json) == (row["response_status"], row["response_body"])
        assert exchange.origin["stripe_version"] == row["stripe_version"]
        assert exchange.started > 1_000_000_000


def test_redaction_changes_nothing_but_secrets(exchanges: list[Exchange]) -> None:
    redactor = Redactor({})
    for exchange in exchanges:
        shown = redactor.exchange(exchange)
        assert redactor.exchange(shown) == shown
        assert exchange.response is not None
        assert shown.response is not None
        assert shown.request == exchange.request
        for path, before, after in changes(exchange.response.json, shown.response.json):
            if path.endswith("email"):
                assert re.fullmatch(r"redacted-[0-9a-f]{8}@redacted\.invalid", after), (path, before, after)
                continue
            assert re.search(r"client_secret|publishable_key|pk_test_", path + before), (path, before, after)
            assert re.sub(r"(%5B|\[)redacted.*", "", after).rpartition("_secret_")[0] in before
        assert not re.search(rb"_secret_[A-Za-z0-9]{10}", shown.response.body)


def changes(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    assert type(before) is type(after), path
    if isinstance(before, dict):
        assert list(before) == list(after)
        for name in before:
            yield from changes(before[name], after[name], f"{path}/{name}")
    elif isinstance(before, list):
        for index, pair in enumerate(zip(before, after, strict=True)):
            yield from changes(*pair, f"{path}/{index}")
    elif before != after:
        yield path, before, after
