"""The split: each scenario in one part, the same wherever it is made, and nothing of the target used twice."""

from __future__ import annotations

import random
from itertools import chain

import pytest

from conformance.contract import provider_names
from conformance.parts.shares import Share, ShareError, split
from conformance.rules.judge import rules
from conformance.target.values import Instruments, MissingInstrument
from tests.faults.certification import contract_of


@pytest.mark.parametrize("provider", provider_names())
@pytest.mark.parametrize("parts", [1, 2, 5, 100])
def test_each_scenario_is_in_one_part(provider: str, parts: int) -> None:
    contract = contract_of(provider)
    rows = [row for row in contract.requirements.values() if row.check and row.check not in rules()]
    shares = split(contract, rows, parts)
    assert len(shares) == parts
    assert sorted(chain(*shares)) == sorted(row.id for row in rows)


def test_the_order_of_the_catalogue_does_not_matter() -> None:
    contract = contract_of("paypercut")
    rows = [row for row in contract.requirements.values() if row.check and row.check not in rules()]
    mixed = random.Random(1).sample(rows, len(rows))
    assert split(contract, rows, 4) == split(contract, mixed, 4)


def test_what_judges_the_same_trials_stays_together() -> None:
    contract = contract_of("stripe")
    rows = [row for row in contract.requirements.values() if row.check and row.check not in rules()]
    trials = {row.id for row in rows if row.check in ("transition", "matrix")}
    assert len(trials) > 10
    assert [share >= trials for share in split(contract, rows, 5)].count(True) == 1


@pytest.mark.parametrize("text", ["", "2", "0/5", "6/5", "2/0", "2/101", "-1/5", "a/b", "1/2/3", " 1/2", "²/5"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(ShareError, match="no part"):
        Share.read(text)


def test_a_share_is_read_as_it_is_written() -> None:
    assert Share.read("2/5") == Share(2, 5)
    assert str(Share(2, 5)) == "2/5"


def test_no_single_use_instrument_is_used_twice() -> None:
    lent = {"success": ["a", "b", "c", "d", "e"], "declined": "card"}
    taken = []
    for number in (1, 2, 3):
        instruments = Instruments(Share(number, 3).of_instruments(lent))
        assert instruments.take("declined") == "card"
        taken += [instruments.take("success") for _ in range(2 if number < 3 else 1)]
        with pytest.raises(MissingInstrument):
            instruments.take("success")
    assert sorted(taken) == lent["success"]
