"""Recordings of a sound server, told as somebody else's, in every format that is read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

from conformance.audit import Audit, audit_recordings
from conformance.contract import load_contract
from conformance.embedded import embedded_server, embedded_target
from conformance.evidence.exchange import Exchange
from conformance.run import Run, Selection
from conformance.session import act

HOST = "https://api.example.com"
AREAS = frozenset({"cancel", "capture", "idempotency"})

Told = dict[str, Any]
"""One exchange: ``method``, ``url``, ``headers``, ``body``, ``status``, ``answered`` (headers), ``answer`` (text)."""


@lru_cache
def _told(provider: str) -> str:
    contract = load_contract(provider)
    with TemporaryDirectory() as folder:
        run = Run(
            contract=contract,
            target=embedded_target(contract),
            folder=Path(folder),
            seed=1,
            selection=Selection(areas=AREAS),
            **embedded_server(provider),
        )
        run.preflight()
        act(run)
        told = [_as_told(one) for one in run.history.redacted().values() if one.response is not None]
        run.close()
    return json.dumps(told)


def _as_told(exchange: Exchange) -> Told:
    assert exchange.response is not None
    path = "/" + exchange.request.url.split("/", 3)[-1]
    return {
        "method": exchange.request.method,
        "url": HOST + path,
        "headers": dict(exchange.request.headers),
        "body": exchange.request.body.decode(),
        "status": exchange.response.status,
        "answered": dict(exchange.response.headers),
        "answer": exchange.response.body.decode(),
    }


@pytest.fixture(scope="session")
def told() -> Callable[[str], list[Told]]:
    """What a sound server of that provider was asked and answered, without a word on who asked; free to be altered."""
    return lambda provider: json.loads(_told(provider))


def _history(one: Told) -> Told:
    return {
        "history": 1,
        "number": 1,
        "request": {**_part(one, "method", "url", "body"), "headers": list(one["headers"].items())},
        "response": {"status": one["status"], "headers": list(one["answered"].items()), "body": one["answer"]},
    }


def _line(one: Told) -> Told:
    return {
        **_part(one, "method"),
        "path": one["url"].removeprefix(HOST),
        "request_headers": one["headers"],
        "request_body": one["body"],
        "response_status": one["status"],
        "response_headers": one["answered"],
        "response_body": one["answer"],
    }


def _vcrpy(one: Told) -> Told:
    return {
        "request": {**_part(one, "method", "body"), "uri": one["url"], "headers": _lists(one["headers"])},
        "response": {
            "status": {"code": one["status"], "message": "Said"},
            "headers": _lists(one["answered"]),
            "body": {"string": one["answer"]},
        },
    }


def _ruby(one: Told) -> Told:
    told = _vcrpy(one)
    told["request"]["method"] = one["method"].lower()
    told["request"]["body"] = {"encoding": "UTF-8", "string": one["body"]}
    return {**told, "recorded_at": "Mon, 10 Jun 2024 07:49:05 GMT"}


def _entry(one: Told) -> Told:
    post = (
        {"postData": {"mimeType": one["headers"].get("Content-Type", ""), "text": one["body"]}} if one["body"] else {}
    )
    answer = {"size": len(one["answer"]), "mimeType": "application/json", "text": one["answer"]}
    return {
        "startedDateTime": "2024-06-10T07:49:05.000Z",
        "time": 1,
        "request": {**_part(one, "method", "url"), "headers": _named(one["headers"]), "queryString": [], **post},
        "response": {
            "status": one["status"],
            "statusText": "Said",
            "headers": _named(one["answered"]),
            "content": answer,
        },
    }


def _part(one: Told, *names: str) -> Told:
    return {name: one[name] for name in names}


def _lists(headers: Mapping[str, str]) -> Told:
    return {name: [value] for name, value in headers.items()}


def _named(headers: Mapping[str, str]) -> list[Told]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def _yaml(told: Told) -> str:
    return str(yaml.dump(told, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)))


def _lines(told: Sequence[Told]) -> str:
    return "".join(json.dumps(one) + "\n" for one in told)


# By the name of the file: what it holds of these exchanges.
FORMATS: Mapping[str, Callable[[Sequence[Told]], str]] = {
    "history.jsonl": lambda told: _lines([_history(one) for one in told]),
    "collected.jsonl.gz": lambda told: _lines([_line(one) for one in told]),
    "vcrpy.yaml": lambda told: _yaml({"interactions": [_vcrpy(one) for one in told], "version": 1}),
    "ruby.yml": lambda told: _yaml({"http_interactions": [_ruby(one) for one in told], "recorded_with": "VCR"}),
    "browser.har": lambda told: json.dumps({"log": {"version": "1.2", "entries": [_entry(one) for one in told]}}),
}


@pytest.fixture
def recording(tmp_path: Path) -> Callable[[str, Sequence[Told]], Path]:
    """Writes exchanges into a file of that name, in the format that goes with it."""

    def written(name: str, told: Sequence[Told]) -> Path:
        path, text = tmp_path / name, FORMATS[name](told).encode()
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return path

    return written


@pytest.fixture
def audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Audit]:
    """The audit of files, without the reports."""
    monkeypatch.setattr("conformance.audit.write_all", lambda *given: None)

    def audit(provider: str, *files: Path, **more: Any) -> Audit:
        return audit_recordings(load_contract(provider), files, tmp_path / "audit", **more)

    return audit


def failing(audit: Audit) -> list[str]:
    return [row.id for row in audit.certificate.requirements if row.verdict in ("fail", "error")]
