"""What an id has promised, it promises for ever: ``schemas/requirements.lock`` and the catalogue say the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.catalogue import LOCK_NAME, RETIRED, lock_rows, read_lock, write_lock
from conformance.cli import main
from conformance.contract import CatalogueError, Contract, contract_root, load_contract, provider_names

CONTRACTS = [load_contract(name) for name in provider_names()]
RUN = "run `conformance requirements --lock`, review the diff, and tell of it in CHANGELOG.md"

Locked = dict[str, tuple[str, str]]


def committed() -> str:
    return (contract_root() / LOCK_NAME).read_text(encoding="utf-8")


def problems(rows: Locked, locked: Locked) -> list[str]:
    """What is wrong between catalogue and lock, and what to do about it."""
    told = []
    for name in sorted({*rows, *locked}):
        if name not in locked:
            told.append(f"{name} is new and not in the lock: {RUN}")
        elif name not in rows:
            if locked[name][0] != RETIRED:
                told.append(f"{name} has vanished: bring it back, or, to retire it, {RUN}")
        elif locked[name][0] == RETIRED:
            told.append(f"{name} was retired: an id is used once, give the row a new one")
        elif rows[name] != locked[name]:
            told.append(
                f"{name} was {locked[name]} and is {rows[name]}: "
                f"a row that promises something else takes a new id; if it promises the same, {RUN}"
            )
    return told


def with_first(contract: Contract, **changes: str) -> Contract:
    """The contract, its first row changed."""
    first = next(iter(contract.requirements.values()))
    changed = replace(first, **changes)  # type: ignore[arg-type]
    return replace(contract, requirements={**contract.requirements, first.id: changed})


def without_first(contract: Contract) -> Contract:
    return replace(contract, requirements=dict(list(contract.requirements.items())[1:]))


def test_the_catalogue_is_as_locked() -> None:
    found = problems(lock_rows(CONTRACTS), read_lock(committed()))
    assert not found, "\n".join(found)


def test_the_lock_is_sorted_and_in_form() -> None:
    lines = committed().splitlines()
    assert lines == sorted(lines, key=lambda line: line.split("\t")[0])
    for name, (level, statement) in read_lock(committed()).items():
        assert name == name.strip()
        assert level in ("MUST", "SHOULD", "MAY", RETIRED)
        assert statement == " ".join(statement.split()) != ""


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (lambda contract: with_first(contract, statement="It promises something else."), "takes a new id"),
        (lambda contract: with_first(contract, level="MAY"), "takes a new id"),
        (without_first, "DOT-001 has vanished"),
    ],
)
def test_a_change_is_told(changed: Callable[[Contract], Contract], told: str) -> None:
    dots = load_contract("dots")
    locked = lock_rows([dots])
    assert problems(locked, locked) == []
    found = problems(lock_rows([changed(dots)]), locked)
    assert len(found) == 1
    assert told in found[0]
    assert "conformance requirements --lock" in found[0]


def test_a_new_id_is_told() -> None:
    dots = load_contract("dots")
    found = problems(lock_rows([dots]), lock_rows([without_first(dots)]))
    assert found == [f"DOT-001 is new and not in the lock: {RUN}"]


def test_a_retired_id_stays_and_is_not_used_again() -> None:
    dots = load_contract("dots")
    text = write_lock([without_first(dots)], write_lock([dots], ""))
    statement = next(iter(dots.requirements.values())).statement
    assert text.splitlines()[0] == f"DOT-001\t{RETIRED}\t{statement}"
    assert problems(lock_rows([without_first(dots)]), read_lock(text)) == []
    assert write_lock([without_first(dots)], text) == text
    assert "DOT-001 was retired" in problems(lock_rows([dots]), read_lock(text))[0]
    with pytest.raises(CatalogueError, match="DOT-001: retired"):
        write_lock([dots], text)


@pytest.mark.parametrize("text", ["<<<<<<< HEAD\n", "A\tMUST\n", "A\tMUST\tIt is.\nA\tMUST\tIt is not.\n"])
def test_a_lock_out_of_form_is_not_written_over(text: str) -> None:
    with pytest.raises(CatalogueError, match=r"requirements\.lock: line \d"):
        write_lock(CONTRACTS, text)


def test_the_command_writes_the_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / LOCK_NAME
    path.write_text("DOT-000\tMUST\tIt was once.\n", encoding="utf-8")
    monkeypatch.setattr("conformance.contract.contract_root", lambda: tmp_path)
    told = CliRunner().invoke(main, ["requirements", "--lock"])
    assert told.exit_code == 0, told.output
    assert str(path) in told.output
    assert read_lock(path.read_text(encoding="utf-8")) == {
        "DOT-000": (RETIRED, "It was once."),
        **lock_rows(CONTRACTS),
    }


@pytest.mark.parametrize("more", [["DOT-049"], ["--provider", "dots"], ["--level", "must"], ["--format", "json"]])
def test_the_lock_is_of_the_whole_catalogue(more: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("conformance.contract.contract_root", lambda: tmp_path)
    told = CliRunner().invoke(main, ["requirements", "--lock", *more])
    assert told.exit_code == 2
    assert "--lock" in told.output
    assert list(tmp_path.iterdir()) == []
