"""The fixed exam: generated requests, frozen with the contract, that every certification sends alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Mode = Literal["positive", "negative"]
FILE_NAME = "exam.jsonl"

_KEYS = {"id", "operation", "mode", "body", "location", "why"}


class ExamError(Exception):
    """An exam file is missing or unreadable; the message names file and line."""


@dataclass(frozen=True)
class ExamCase:
    """One frozen request.

    ``body`` is the decoded request body, or the query of an operation that reads, in the writing of the contract's
    data: ``"{name}"`` stands for the target's instrument, ``{repeat, times}`` for a long string. ``location`` is a JSON
    pointer into it, to what a positive case tries out or a negative one violates (empty: the request as a whole), and
    ``why`` says in a few words what it is.
    """

    id: str
    operation: str
    mode: Mode
    body: Any
    location: str
    why: str


@dataclass(frozen=True)
class Exam:
    """All frozen cases of a provider, sorted by id; ``head`` says what they were generated from and with."""

    head: Mapping[str, Any]
    cases: tuple[ExamCase, ...]

    def select(self, operation: str, mode: Mode) -> tuple[ExamCase, ...]:
        return tuple(case for case in self.cases if (case.operation, case.mode) == (operation, mode))


def read_exam(folder: Path) -> Exam:
    """The exam in a provider's folder. Raises ``ExamError`` where it is missing or not of the known form."""
    path = folder / FILE_NAME
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ExamError(f"{path}: {error.strerror}; `conformance freeze` generates it") from error
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ExamError(f"{path}:{number}: not JSON: {error}") from error
        if not isinstance(row, dict) or (number > 1 and set(row) != _KEYS):
            raise ExamError(f"{path}:{number}: not a case with the members {', '.join(sorted(_KEYS))}")
        rows.append(row)
    if not rows or "seed" not in rows[0]:
        raise ExamError(f"{path}:1: the head is missing")
    return Exam(rows[0], tuple(ExamCase(**row) for row in rows[1:]))


def write_exam(head: Mapping[str, Any], cases: Iterable[ExamCase]) -> str:
    """The text of an exam file: the head, then a line for each case, sorted by id; the same for the same input."""
    rows = [{key: getattr(case, key) for key in _KEYS} for case in sorted(cases, key=lambda case: case.id)]
    return "".join(f"{canonical(row)}\n" for row in (head, *rows))


def canonical(value: Any) -> str:
    """One compact spelling of a JSON value, ASCII only, so that a review sees every character."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
