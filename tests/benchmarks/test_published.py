"""What is published of the last detection benchmark: the page says what the figures say, and the README quotes it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.benchmarks.detection.page import headline, page
from tests.benchmarks.detection.registry import OURS

HOME = Path(__file__).parents[2]
PUBLISHED = json.loads((HOME / "reports" / "detection.json").read_text(encoding="utf-8"))


def test_the_page_is_that_of_the_figures() -> None:
    assert (HOME / "reports" / "detection.md").read_text(encoding="utf-8") == page(PUBLISHED)


def test_the_readme_quotes_it() -> None:
    assert headline(PUBLISHED) in (HOME / "README.md").read_text(encoding="utf-8")


def test_ours_found_every_fault_by_exactly_its_rows_and_told_nothing_of_good_servers() -> None:
    ours = [one for one in PUBLISHED["results"] if one["tool"] == OURS]
    assert ours
    assert all(one["found"] and one["exact"] for one in ours)
    assert [one["told"] for one in PUBLISHED["clean"] if one["tool"] == OURS] == [0] * len(PUBLISHED["providers"])
    assert PUBLISHED["traffic"]["failing"] == []
    assert [one["false_alarms"] for one in PUBLISHED["localstripe"] if one["tool"] == OURS] == [[]]
