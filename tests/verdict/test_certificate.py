"""A certificate is written whole or not at all, and read only where it agrees with its schema and itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from conformance.contract.model import Contract
from conformance.evidence.finding import Cell, Finding, Outcome
from conformance.verdict import Certificate, CertificateError, Waiver, certify, exit_code, judge

FINDING = Finding("402", "400", "/error/code", (3, 4), "test_create[EX-2]")
CELL = Cell("cancel", "succeeded", "", "refused: unexpected_state", "HTTP 400", (4,))


@pytest.fixture
def certificate(contract: Contract) -> Certificate:
    outcomes = [
        Outcome("EX-1", "pass", exchanges=(1, 2), judged=2),
        Outcome("EX-2", "fail", findings=(FINDING,), exchanges=(3, 4)),
        Outcome("EX-3", "inapplicable", "the target lacks capture"),
    ]
    judgement = judge(
        contract,
        outcomes,
        waivers=[Waiver("EX-2", "fixed in phase 2", "https://tracker.example/12", date(2027, 3, 31), "Ann")],
        today=date(2026, 11, 20),
        selected=set(contract.requirements),
    )
    return certify(
        contract,
        judgement,
        target="acme",
        base_url="http://user:secret@127.0.0.1:8080/api",
        mode="live",
        seed=7,
        started=1_795_132_800.25,
        duration_s=1.23456,
        requests=4,
        exploration=[FINDING, replace(FINDING, sequence=True)],
        matrix=[CELL, replace(CELL, documented="", exchanges=())],
    )


def test_a_certificate_comes_back_as_it_was_written(certificate: Certificate, tmp_path: Path) -> None:
    certificate.write(tmp_path / "certificate.json")
    assert Certificate.read(tmp_path / "certificate.json") == certificate


def test_what_stands_in_it(certificate: Certificate) -> None:
    document = certificate.to_json()
    assert document["provider"] == "example"
    assert document["contract_version"] == "2026-01"
    assert document["started_at"] == "2026-11-20T00:00:00Z"
    assert document["duration_s"] == 1.235
    assert document["target"] == {"name": "acme", "base_url": "http://127.0.0.1:8080/api"}
    assert document["result"] == "conformant"
    assert document["totals"] == dict.fromkeys(document["totals"], 0) | {
        "pass": 1, "fail": 1, "inapplicable": 2, "not_run": 1,
    }  # fmt: skip
    assert sum(sum(counts.values()) for counts in document["levels"].values()) == len(document["requirements"])
    assert document["requirements"][1]["waiver"]["until"] == "2027-03-31"
    assert document["exploration"][1]["sequence"] is True
    assert document["matrix"][0] == {
        "operation": "cancel",
        "status": "succeeded",
        "request": "",
        "documented": "refused: unexpected_state",
        "observed": "HTTP 400",
        "exchanges": [4],
    }
    assert {
        "verdict": "inapplicable",
        "reason": "no black-box run can judge it: happens in private",
        "requirements": ["EX-5"],
    } in document["not_judged"]


def test_exit_codes(certificate: Certificate) -> None:
    assert exit_code(certificate) == 0
    assert exit_code(replace(certificate, result="non_conformant")) == 1
    assert exit_code(replace(certificate, result="inconclusive")) == 3


def _drop(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.pop(name)


@pytest.mark.parametrize(
    "spoil",
    [
        *map(_drop, ("suite_version", "result", "reasons", "totals", "requirements", "target", "seed", "matrix")),
        lambda document: document.update(result="fine"),
        lambda document: document.update(mode="dreamt"),
        lambda document: document.update(started_at="yesterday"),
        lambda document: document.update(started_at="2026-11-20T00:00:00+01:00"),
        lambda document: document.update(requests=-1),
        lambda document: document.update(reasons=[]),
        lambda document: document["requirements"][0].update(verdict="skipped"),
        lambda document: document["requirements"][0].update(verdict="fail"),  # without a finding
        lambda document: document["requirements"][1]["waiver"].update(until="soon"),
        lambda document: document["matrix"][0].pop("documented"),
        lambda document: document["matrix"][0].update(exchanges=["4"]),
        lambda document: document["exploration"][0].update(sequence="yes"),
        lambda document: document["totals"].update({"pass": 2}),
        lambda document: document["levels"]["MUST"].update({"pass": 2}),
        lambda document: document["not_judged"].pop(),
    ],
)
def test_a_spoilt_certificate_is_refused(
    certificate: Certificate, tmp_path: Path, spoil: Callable[[dict[str, Any]], object]
) -> None:
    document = json.loads(json.dumps(certificate.to_json()))
    spoil(document)
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(CertificateError, match=r"certificate\.json"):
        Certificate.read(path)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff\xfe"])
def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "certificate.json").write_bytes(content)
    with pytest.raises(CertificateError):
        Certificate.read(tmp_path / "certificate.json")
    with pytest.raises(CertificateError):
        Certificate.read(tmp_path / "missing.json")


def test_members_of_a_later_version_are_ignored(certificate: Certificate, tmp_path: Path) -> None:
    document = certificate.to_json() | {"signature": "later"}
    (tmp_path / "certificate.json").write_text(json.dumps(document), encoding="utf-8")
    assert Certificate.read(tmp_path / "certificate.json") == certificate


def test_a_write_that_breaks_off_leaves_the_old_file_and_nothing_else(
    certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "certificate.json"
    certificate.write(path)
    before = path.read_bytes()

    def broken(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", broken)
        with pytest.raises(OSError, match="disk full"):
            replace(certificate, seed=8).write(path)
    with pytest.raises(ValueError, match="JSON"):
        replace(certificate, duration_s=float("nan")).write(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
