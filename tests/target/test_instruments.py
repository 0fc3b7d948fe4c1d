"""What a target lends: named, single-use, and put where the contract's data asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.target.values import Instruments, MissingInstrument


def test_a_named_instrument_serves_again_and_again() -> None:
    lent = Instruments({"success": "pm_1"})
    assert [lent.take("success") for _ in range(3)] == ["pm_1"] * 3


def test_a_list_is_used_up_one_by_one() -> None:
    single_use = ["pm_1", "pm_2"]
    lent = Instruments({"success": single_use})
    assert [lent.take("success"), lent.take("success")] == ["pm_1", "pm_2"]
    with pytest.raises(MissingInstrument, match=r"every success .* has been used; \[instruments\] success"):
        lent.take("success")
    assert single_use == ["pm_1", "pm_2"]  # the settings stay as they were


@pytest.mark.parametrize("value", [None, "", False], ids=str)
def test_an_instrument_that_is_not_lent(value: Any) -> None:
    for lent in (Instruments({}), Instruments({"success": value})):
        with pytest.raises(MissingInstrument, match=r"lends no success; \[instruments\] success"):
            lent.take("success")


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("{customer}", "cus_1"),
        ("plain", "plain"),
        ("a {customer}", "a {customer}"),
        ("{}", "{}"),
        ("{two words}", "{two words}"),
        (7, 7),
        (None, None),
        (True, True),
        ({}, {}),
        ([], []),
        ({"a": [{"b": "{customer}"}, "{customer}"]}, {"a": [{"b": "cus_1"}, "cus_1"]}),
        ({"repeat": "ab", "times": 3}, "ababab"),
        ({"a": {"repeat": "x", "times": 1001}}, {"a": "x" * 1001}),
        ({"repeat": "ab", "times": 0}, ""),
        ({"repeat": "daily"}, {"repeat": "daily"}),
        ({"repeat": "a", "times": 2, "until": "b"}, {"repeat": "a", "times": 2, "until": "b"}),
    ],
)
def test_fill(value: Any, filled: Any) -> None:
    assert Instruments({"customer": "cus_1"}).fill(value) == filled


def test_one_request_names_one_instrument_throughout() -> None:
    lent = Instruments({"success": ["pm_1", "pm_2"]})
    assert lent.fill({"a": "{success}", "b": ["{success}"]}) == {"a": "pm_1", "b": ["pm_1"]}
    assert lent.fill("{success}") == "pm_2"


def test_fill_leaves_the_contract_as_it_was() -> None:
    row = {"a": ["{customer}"], "b": {"c": "{customer}"}}
    Instruments({"customer": "cus_1"}).fill(row)
    assert row == {"a": ["{customer}"], "b": {"c": "{customer}"}}


@pytest.mark.parametrize("value", ["{customer}", {"a": ["{customer}"]}])
def test_fill_with_what_is_not_lent(value: Any) -> None:
    with pytest.raises(MissingInstrument, match="customer"):
        Instruments({}).fill(value)


def test_fill_takes_what_is_lent_as_it_is() -> None:
    assert Instruments({"limit": 10, "text": "{customer}"}).fill(["{limit}", "{text}"]) == [10, "{customer}"]
