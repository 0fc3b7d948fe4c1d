"""What providers document of their dialect, and what the loader refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conformance.contract import CatalogueError, contract_root, load_contract
from conformance.contract.dialect import AXES, documented


def test_what_is_documented() -> None:
    words = {name: documented(load_contract(name).settings) for name in ("stripe", "revkeen", "paypercut", "dots")}
    assert words["dots"] == {}
    assert words["stripe"]["marker"] == ("Idempotent-Replayed",)
    assert words["stripe"]["refusal"] == ("dropped", "stored")
    assert "other_body_status" not in words["stripe"]
    assert words["revkeen"]["forgotten_after"] == (86400,)
    assert not {"success", "marker", "kept_at_least", "other_operation"} & set(words["paypercut"])
    for found in words.values():
        assert list(found) == [axis for axis in AXES if axis in found]


def test_without_a_dialect_nothing_is_documented() -> None:
    assert documented({"idempotency": {"header": "Idempotency-Key", "replayed": "Replayed"}}) == {}


def altered(tmp_path: Path, old: str, new: str) -> Path:
    shutil.copytree(contract_root() / "revkeen", tmp_path / "revkeen")
    path = tmp_path / "revkeen" / "provider.toml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('success = "stored"', 'succes = "stored"', r"succes is unknown; known: carrier, create, "),
        ('success = "stored"', 'success = "kept"', r"success = 'kept' is unknown; known: stored, current, refused"),
        ('success = "stored"', 'success = ["stored", 1]', r"success = 1 is unknown; known: stored"),
        ('success = "stored"', "success = []", r"success names no value"),
        ('success = "stored"', 'success = "stored"\nmarker = "X"', r"marker stands in \[idempotency\] replayed"),
        ("longest = 255", 'longest = "255"', r"longest = '255' is no number of at least 1"),
        ("longest = 255", "longest = true", r"longest = True is no number of at least 1"),
        ("longest = 255", "longest = 0", r"longest = 0 is no number of at least 1"),
        ("other_body_status = 409", "other_body_status = 400", r"other_body_status = 400 is not among \[errors.kinds"),
        ('other_body_error = "idempotency_conflict"', 'other_body_error = "other"', r"neither type nor code of"),
        ('in_flight_error = "idempotency_in_progress"', "in_flight_error = 409", r"in_flight_error = 409 is no name"),
        ('carrier = "header"\n', "", r"carrier is missing"),
    ],
)
def test_a_dialect_that_the_loader_refuses(tmp_path: Path, old: str, new: str, message: str) -> None:
    root = altered(tmp_path, old, new)
    with pytest.raises(CatalogueError, match=r"revkeen/provider.toml: \[idempotency.dialect\] .*" + message):
        load_contract("revkeen", root)
