"""The documented matrix: whole, free of contradiction, and shown by ``conformance requirements --matrix``."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.contract import Contract, Transition, load_contract, provider_names
from conformance.contract.lifecycle import moves_from, reachable
from conformance.matrix import citing, sentence


@pytest.fixture(params=provider_names())
def contract(request: pytest.FixtureRequest) -> Contract:
    return load_contract(request.param)


def requirements(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["requirements", *arguments])


def cells(contract: Contract) -> list[dict[str, Any]]:
    told = requirements("--matrix", "--provider", contract.name, "--format", "json")
    assert told.exit_code == 0, told.output
    listed: list[dict[str, Any]] = json.loads(told.output)
    return listed


def test_every_transition_is_cited_by_a_row(contract: Contract) -> None:
    missing = [move.id for move in contract.transitions.values() if not citing(contract, move)]
    assert not missing, f"{contract.name}: no row with check transition cites {', '.join(missing)}"


def contradict(one: Transition, other: Transition) -> bool:
    """Whether one request on the same intent is allowed by one of the two and refused by the other."""
    asked, asked_too = ((move.operation, move.method, move.send, move.create) for move in (one, other))
    if asked != asked_too or (one.after and other.after and one.after != other.after):
        return False
    kinds = [(bool(move.to or move.stays), bool(move.refused)) for move in (one, other)]
    shared = set(one.sources) & set(other.sources) or one.sources == other.sources
    return bool(shared) and sorted(kinds) == [(False, True), (True, False)]


def test_nothing_is_both_allowed_and_refused(contract: Contract) -> None:
    pairs = combinations(contract.transitions.values(), 2)
    found = [f"{one.id} and {other.id}" for one, other in pairs if contradict(one, other)]
    assert not found, f"{contract.name}: {'; '.join(found)}"


def test_contradictions_are_seen() -> None:
    allowed = Transition("a", "cancel", ("processing", "succeeded"), to=("canceled",))
    refused = Transition("b", "cancel", ("succeeded",), refused="unexpected_state")
    assert contradict(allowed, refused)
    assert not contradict(allowed, Transition("c", "cancel", ("canceled",), refused="unexpected_state"))
    assert not contradict(allowed, Transition("d", "cancel", ("succeeded",), send={"a": 1}, refused="no"))


def test_json_holds_every_cell(contract: Contract) -> None:
    listed = cells(contract)
    on_intent = [name for name, operation in contract.operations.items() if operation.on_intent]
    places = {(cell["operation"], cell["status"]) for cell in listed}
    assert len(places) == len(listed)
    assert places >= {(name, status) for name in on_intent for status in contract.statuses}
    assert {one["id"] for cell in listed for one in cell["transitions"]} == set(contract.transitions)
    for cell in listed:
        if cell["status"] in contract.statuses:
            moves = moves_from(contract, cell["operation"], cell["status"])
            assert [one["id"] for one in cell["transitions"]] == [move.id for move in moves]
            assert cell["reachable"] == (cell["status"] in reachable(contract))
        assert bool(cell["to"] or cell["refused"]) == bool(cell["transitions"])
        for one in cell["transitions"]:
            move = contract.transitions[one["id"]]
            assert one["requirements"] == citing(contract, move)
            assert (one["refused"] or {}).get("kind", "") == move.refused
            assert one["to"] == list(move.targets(cell["status"]))


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_the_grid_and_every_transition_are_shown(contract: Contract, form: str) -> None:
    told = requirements("--matrix", "--provider", contract.name, "--format", form)
    assert told.exit_code == 0, told.output
    text = told.output.replace("\\", "")
    assert contract.title in text
    assert "refused" in text
    flat = " ".join(text.split())
    for move in contract.transitions.values():
        assert move.id in text
        assert " ".join(sentence(move).split()) in flat
        for row in citing(contract, move):
            assert row in text


def test_what_is_not_documented_or_not_reached_says_so() -> None:
    text = requirements("--matrix", "--provider", "dots").output
    assert "not documented" in " ".join(requirements("--matrix", "--provider", "revkeen").output.split())
    assert "cannot be" in text


def test_all_providers_are_shown_unless_one_is_asked_for() -> None:
    text = requirements("--matrix", "--format", "markdown").output
    titles = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert titles == [load_contract(name).title for name in provider_names()]


@pytest.mark.parametrize("more", [["DOT-049"], ["--level", "must"], ["--area", "create"], ["--lock"]])
def test_the_matrix_is_not_filtered_by_rows(more: list[str]) -> None:
    told = requirements("--matrix", *more)
    assert told.exit_code == 2
    assert told.stdout == ""
    assert more[0].startswith("--lock") or "--matrix" in told.stderr


@pytest.mark.parametrize(
    ("move", "told"),
    [
        (Transition("a", "create", to=("ready",)), "create leads to ready"),
        (
            Transition("a", "confirm", ("open", "ready"), "success", {"now": True}, to=("paid",), via=("processing",)),
            "confirm of an intent that is open or ready, with the payment method success, with now = true, "
            "leads to paid by way of processing",
        ),
        (
            Transition("a", "capture", ("held",), create={"mode": "manual"}, after="holds", refused="no"),
            'capture of an intent that is held, brought about by holds, created with mode = "manual", is refused (no)',
        ),
        (
            Transition("a", "cancel", ("(unknown)",), refused="not_found"),
            "cancel of an unknown id is refused (not_found)",
        ),
        (Transition("a", "retrieve", ("paid",), stays=True), "retrieve of an intent that is paid keeps the status"),
        (
            Transition("a", "cancel", ("held",), to=("canceled",), refused="no", leaves=("held", "paid")),
            "cancel of an intent that is held leads to canceled, or is refused (no) and leaves it held or paid",
        ),
    ],
)
def test_a_transition_in_words(move: Transition, told: str) -> None:
    assert sentence(move) == told
