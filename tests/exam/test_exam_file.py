"""The exam's file: reads back what was written, names what is wrong with it, and costs nothing to import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.scenarios.exam import FILE_NAME, ExamCase, ExamError, canonical, read_exam, write_exam

HEAD = {"contract": "sha256:0", "generators": {}, "seed": 1}
CASES = (
    ExamCase("create-n-002", "create", "negative", ["é"], "", "array instead of an object"),
    ExamCase("create-n-001", "create", "negative", {"amount": "x"}, "/amount", "wrong type: string"),
    ExamCase("create-p-001", "create", "positive", {"amount": 5}, "/amount", "5"),
    ExamCase("confirm-p-001", "confirm", "positive", {"payment_method": "{success}"}, "", "the least"),
)


def test_reads_what_was_written(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(write_exam(HEAD, CASES), encoding="utf-8")
    exam = read_exam(tmp_path)
    assert exam.head == HEAD
    assert exam.cases == tuple(sorted(CASES, key=lambda case: case.id))
    assert [case.id for case in exam.select("create", "negative")] == ["create-n-001", "create-n-002"]
    assert exam.select("confirm", "negative") == ()


def test_the_text_is_stable_ascii_and_one_line_a_case() -> None:
    text = write_exam(HEAD, CASES)
    assert text == write_exam(HEAD, reversed(CASES))
    assert text.isascii()
    lines = text.splitlines()
    assert len(lines) == 1 + len(CASES)
    assert all(canonical(json.loads(line)) == line for line in lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: the head is missing"),
        ('{"id":"create-n-001"}\n', ":1: the head is missing"),
        ('{"seed":1}\n{"id":', ":2: not JSON"),
        ('{"seed":1}\n[]\n', ":2: not a case"),
        ('{"seed":1}\n{"id":"create-n-001","body":{}}\n', ":2: not a case"),
    ],
)
def test_names_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / FILE_NAME).write_text(text, encoding="utf-8")
    with pytest.raises(ExamError, match=message):
        read_exam(tmp_path)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ExamError, match="conformance freeze"):
        read_exam(tmp_path)


def test_sitting_the_exam_needs_no_generator() -> None:
    probe = (
        "import sys, conformance.scenarios.exam; "
        "print(sorted({'schemathesis', 'hypothesis', 'jsonschema_rs', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
