"""Which earlier runs a page is told of, and since when it says that a requirement fails."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from conformance.report.generator.history import History, HistoryError, results_in

DAY = 86_400_000  # milliseconds


def result(run: str, status: str, row: str = "STR-001") -> dict[str, Any]:
    """What the suite writes of a requirement in a run."""
    return {"uuid": f"{run}/{row}", "historyId": f"id of {row}", "fullName": f"stripe/acme#{row}", "status": status}


def report(day: int, *results: dict[str, Any]) -> str:
    """Allure's line of a report that was built on a day of 1970, of results of that day."""
    held = {
        f"{one['historyId']}.x": {
            "id": hashlib.md5(one["uuid"].encode()).hexdigest(),
            "fullName": one["fullName"],
            "status": one["status"],
            "start": day * DAY,
        }
        for one in results
    }
    return json.dumps({"timestamp": day * DAY + 1, "testResults": held})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.jsonl"


def history(path: Path, *lines: str) -> History:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return History.read(path)


@pytest.mark.parametrize(
    ("was", "told"),
    [
        (["passed"], "**Fails since this run**; before, it passed on 1970-01-02 00:00 UTC."),
        (["failed"], "**Fails since 1970-01-02 00:00 UTC**, in all 2 runs of its history."),
        (
            ["passed", "failed", "failed"],
            "**Fails since 1970-01-03 00:00 UTC**, in 3 runs; before, it passed on 1970-01-02 00:00 UTC.",
        ),
        (["failed", "passed", "passed"], "**Fails since this run**; before, it passed on 1970-01-04 00:00 UTC."),
        # What was not judged says nothing of whether it held.
        (
            ["passed", "skipped", "failed", "broken"],
            "**Fails since 1970-01-04 00:00 UTC**, in 2 runs; before, it passed on 1970-01-02 00:00 UTC.",
        ),
    ],
)
def test_since_when_it_fails(path: Path, was: Sequence[str], told: str) -> None:
    lines = [report(day, result(f"run {day}", status)) for day, status in enumerate(was, 1)]
    assert history(path, *lines).since([result("now", "failed")]) == {"now/STR-001": told}


@pytest.mark.parametrize("was", [[], ["skipped", "broken"]])
def test_what_was_never_judged_before_is_not_told(path: Path, was: Sequence[str]) -> None:
    lines = [report(day, result(f"run {day}", status)) for day, status in enumerate(was, 1)]
    assert history(path, *lines).since([result("now", "failed")]) == {}


def test_what_holds_and_what_others_failed_is_not_told(path: Path) -> None:
    line = report(1, result("run 1", "failed"), result("run 1", "failed", "STR-002"))
    assert history(path, line).since([result("now", "passed"), result("now", "failed", "STR-003")]) == {}


def test_a_run_that_several_reports_show_counts_once(path: Path) -> None:
    one = result("run 1", "failed")
    known = history(path, report(1, one), report(2, one), report(3, result("run 2", "failed")))
    (told,) = known.since([result("now", "failed")]).values()
    assert told == "**Fails since 1970-01-03 00:00 UTC**, in all 3 runs of its history."
    assert known.since([one])["run 1/STR-001"].endswith("in all 2 runs of its history.")


def test_a_run_is_not_among_those_before_it(path: Path) -> None:
    rows = ("STR-001", "STR-002")
    lines = [report(day, *(result(f"run {day}", "failed", row) for row in rows)) for day in (1, 2, 3)]
    known = history(path, *lines)
    second = [result("run 2", "failed", row) for row in rows]
    before, again = known.before(second)
    assert ([one.line for one in before.reports], again) == (lines[:1], True)
    # Other runs, among them one of which only half was reported before.
    for other in ([result("now", "failed", row) for row in rows], [*second, result("run 2", "failed", "STR-003")]):
        assert known.before(other) == (known, False)


def test_it_is_written_as_it_was_read(path: Path, tmp_path: Path) -> None:
    known = history(path, report(1, result("run 1", "passed")), "", report(2, result("run 2", "failed")))
    known.write(tmp_path / "copy.jsonl")
    assert History.read(tmp_path / "copy.jsonl") == known
    assert len(known.reports) == 2


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"timestamp": 1, "testResults": {"a": {}}}', '{"timestamp": "?"}'])
def test_a_damaged_history_is_named(path: Path, line: str) -> None:
    with pytest.raises(HistoryError, match=r"history\.jsonl is damaged; move it away"):
        history(path, report(1), line)


def test_what_is_no_result_is_left_alone(tmp_path: Path) -> None:
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"uuid": 1}'), ("d", '{"uuid": "d"}')):
        (tmp_path / f"{name}-result.json").write_text(text, encoding="utf-8")
    assert list(results_in(tmp_path)) == [(tmp_path / "d-result.json", {"uuid": "d"})]
