"""The runs before: which of Allure's history a page is to show, and since when a requirement fails.

The history is a file of Allure's, a line per report that was built: a JSON object whose ``testResults`` hold what each
result was. A result's ``id`` follows from the run and the requirement.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

Result = Mapping[str, Any]
_JUDGED = ("passed", "failed")  # the rest says nothing of whether a requirement holds


class HistoryError(Exception):
    """The history cannot be read; the message says what the user can do."""


@dataclass(frozen=True)
class Was:
    """What one requirement was in one run: ``passed``, ``failed``, …; ``start`` in milliseconds since 1970."""

    id: str
    full_name: str
    status: str
    start: float


@dataclass(frozen=True)
class Report:
    """A report that was built: its line of the history, and what stood in it."""

    line: str
    results: Sequence[Was]

    @classmethod
    def of(cls, line: str) -> Report:
        """Raises ValueError, LookupError, TypeError or AttributeError for a line that is none of Allure's."""
        told = json.loads(line)
        built = float(told["timestamp"])
        return cls(
            line,
            [
                Was(one["id"], one.get("fullName", ""), one["status"], float(one.get("start") or built))
                for one in told["testResults"].values()
            ],
        )


@dataclass(frozen=True)
class History:
    """Reports that were built, the oldest first."""

    reports: Sequence[Report] = ()

    @classmethod
    def read(cls, path: Path) -> History:
        """The history at ``path``, empty where there is none. Raises ``HistoryError``, and OSError."""
        if not path.is_file():
            return cls()
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
            return cls([Report.of(line) for line in lines if line.strip()])
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise HistoryError(f"the history {path} is damaged; move it away to begin another") from error

    def write(self, path: Path) -> None:
        """Writes it as Allure reads it."""
        path.write_text("".join(f"{report.line}\n" for report in self.reports), encoding="utf-8")

    def before(self, results: Iterable[Result]) -> tuple[History, bool]:
        """The reports before the one of these ``results``, and whether that one is in the history already."""
        mine = {_id(one): one["historyId"] for one in results if one.get("historyId")}
        for index, report in enumerate(self.reports):
            held = {one.id for one in report.results}
            # Of two results of one requirement, a report keeps one.
            if held <= mine.keys() and len(held) == len(set(mine.values())):
                return History(self.reports[:index]), True
        return self, False

    def since(self, results: Iterable[Result]) -> dict[str, str]:
        """Since when each of the ``results`` fails that does, in a sentence of Markdown, by the result's ``uuid``.

        What was never judged before is not in it.
        """
        known: dict[str, dict[str, Was]] = {}
        for report in self.reports:
            for one in report.results:
                if one.status in _JUDGED:  # a run that several reports show is one run
                    known.setdefault(one.full_name, {})[one.id] = one
        told = {}
        for result in results:
            earlier = [one for one in known.get(result.get("fullName", ""), {}).values() if one.id != _id(result)]
            if result.get("status") == "failed" and earlier:
                told[result["uuid"]] = _since(earlier)
        return told


def results_in(folder: Path) -> Iterator[tuple[Path, Result]]:
    """The results in a folder of Allure results, and their files; what is no result is left to Allure."""
    for path in sorted(folder.glob("*-result.json")):
        try:
            result = json.loads(path.read_bytes())
        except ValueError:
            continue
        if isinstance(result, dict) and isinstance(result.get("uuid"), str):
            yield path, result


def _since(earlier: Sequence[Was]) -> str:
    """Of a requirement that fails now, from what it was before, the oldest first."""
    failing = list(takewhile(lambda one: one.status == "failed", reversed(earlier)))
    runs = len(failing) + 1
    if len(failing) == len(earlier):
        return f"**Fails since {_when(failing[-1])}**, in all {runs} runs of its history."
    passed = f"before, it passed on {_when(earlier[-runs])}."
    if not failing:
        return f"**Fails since this run**; {passed}"
    return f"**Fails since {_when(failing[-1])}**, in {runs} runs; {passed}"


def _when(one: Was) -> str:
    return datetime.fromtimestamp(one.start / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _id(result: Result) -> str:
    """What Allure makes of a result's ``uuid``."""
    return hashlib.md5(result["uuid"].encode(), usedforsecurity=False).hexdigest()
