"""Waivers are refused before anything is sent where they say too little or point nowhere."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from conformance.verdict import Waiver, WaiverError, read_waivers

ROW: dict[str, Any] = {
    "requirement": "EX-1",
    "reason": "answers 400 where 402 is documented",
    "link": "https://tracker.example/12",
    "until": date(2027, 3, 31),
}


def test_a_sound_waiver_is_read() -> None:
    assert read_waivers([ROW], {"EX-1"}) == (
        Waiver("EX-1", "answers 400 where 402 is documented", "https://tracker.example/12", date(2027, 3, 31)),
    )


def test_a_date_may_be_a_string_and_the_link_be_left_out() -> None:
    row = {"requirement": "EX-1", "reason": "fixed in phase 2", "until": "2027-03-31", "by": "Ann"}
    assert read_waivers([row], {"EX-1"}) == (Waiver("EX-1", "fixed in phase 2", "", date(2027, 3, 31), "Ann"),)


@pytest.mark.parametrize(
    "reason", ["", "  ", "TODO", "todo: say why", "tbd.", "…", "-", "123", "Reason", "n/a", "<why>"]
)
def test_a_reason_that_says_nothing_is_refused(reason: str) -> None:
    with pytest.raises(WaiverError, match=r"EX-1.*gives none"):
        read_waivers([ROW | {"reason": reason}], {"EX-1"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"requirement": "EX-9"}, "no such requirement"),
        ({"requirement": ""}, "requirement is missing"),
        ({"requirement": 7}, "no text"),
        ({"reason": 7}, "no text"),
        ({"until": "soon"}, "no date"),
        ({"until": datetime(2027, 3, 31)}, "no date"),
        ({"untill": date(2027, 3, 31)}, "unknown key 'untill'"),
    ],
)
def test_a_malformed_waiver_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(WaiverError, match=message):
        read_waivers([ROW | change], {"EX-1"})


@pytest.mark.parametrize("key", ["requirement", "reason", "until"])
def test_a_missing_key_is_refused(key: str) -> None:
    with pytest.raises(WaiverError):
        read_waivers([{name: value for name, value in ROW.items() if name != key}], {"EX-1"})


def test_a_duplicate_is_refused() -> None:
    with pytest.raises(WaiverError, match="stands twice"):
        read_waivers([ROW, ROW], {"EX-1"})


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(WaiverError) as caught:
        read_waivers([ROW | {"requirement": "EX-9"}, {"requirement": "EX-1", "reason": "todo"}], {"EX-1"})
    assert len(str(caught.value).splitlines()) == 3
