"""The loader reads what stands in a folder, and refuses one that is broken or contradicts itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.checks import check_catalogue
from conformance.contract import CatalogueError, Contract, contract_root, load_contract, provider_names

Altered = Callable[..., Path]

ROW = {
    "id": '"DOT-900"',
    "level": '"MUST"',
    "area": '"shape"',
    "statement": '"No answer is a server error."',
    "source": '"S0"',
    "check": '"no_server_errors"',
}
MOVE = {"id": '"odd"', "operation": '"confirm"', "from": '["created"]', "to": '["succeeded"]', "source": '"S0"'}


def table(kind: str, members: dict[str, str], changes: dict[str, Any]) -> str:
    """A TOML table; a change to None leaves the member out."""
    kept = {name: value for name, value in {**members, **changes}.items() if value is not None}
    return f"\n[[{kind}]]\n" + "".join(f"{name} = {value}\n" for name, value in kept.items())


def test_every_provider_loads(contract: Contract) -> None:
    check_catalogue(contract)
    assert contract.requirements
    assert contract.transitions
    assert contract.title
    assert contract.settings["name"] == contract.name


def test_the_four_providers() -> None:
    assert provider_names() == ("dots", "paypercut", "revkeen", "stripe")
    assert contract_root().name == "schemas"


def test_an_unknown_provider_is_told_the_known_ones() -> None:
    with pytest.raises(CatalogueError, match=r"'strype'.*dots, paypercut, revkeen, stripe"):
        load_contract("strype")


def test_a_root_without_providers(tmp_path: Path) -> None:
    assert provider_names(tmp_path) == ()
    with pytest.raises(CatalogueError, match="none"):
        load_contract("dots", tmp_path)


def test_a_copy_is_the_same_contract(altered: Altered) -> None:
    assert load_contract("dots", altered("dots")).digest == load_contract("dots").digest


def test_the_digest_holds_every_file(altered: Altered) -> None:
    root = altered("dots", "examples/error.intent_not_found.json", "PaymentIntent", "Payment intent")
    assert load_contract("dots", root).digest != load_contract("dots").digest


def test_a_further_row_is_read(altered: Altered) -> None:
    changes = {"needs": '["user"]', "check": '"success_status"', "with": '{ operation = "create" }'}
    loaded = load_contract("dots", altered("dots", "requirements.toml", new=table("requirement", ROW, changes)))
    row = loaded.requirements["DOT-900"]
    assert (row.level, row.area, row.check, row.needs) == ("MUST", "shape", "success_status", ("user",))
    assert row.args == {"operation": "create"}
    assert row.sources[0].url.startswith("https://")
    check_catalogue(loaded)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chek": '"x"'}, "DOT-900 has unknown keys: chek"),
        ({"id": '"DOT-001"'}, "DOT-001 stands twice"),
        ({"id": '"STR-900"'}, "STR-900 lacks the prefix DOT-"),
        ({"level": '"WISH"'}, "DOT-900 has an unknown level 'WISH'"),
        ({"source": '"NOWHERE"'}, "DOT-900 names a source that is not in"),
        ({"source": '["S0", "NOWHERE"]'}, "DOT-900 names a source that is not in"),
        ({"source": "[]"}, "DOT-900 names no source"),
        ({"statement": '"Create should answer."'}, "DOT-900 states no fact"),
        ({"statement": '"Verify that create answers."'}, "DOT-900 states no fact"),
        ({"check": None}, "DOT-900 needs either"),
        ({"not_tested": '"happens in private"'}, "DOT-900 needs either"),
        ({"needs": '["wings"]'}, "DOT-900 needs unknown capability 'wings'"),
        ({"rests_on": '["DOT-999"]'}, "DOT-900 rests on 'DOT-999', which is no requirement"),
        ({"with": '{ transition = "nowhere" }'}, "DOT-900 cites unknown transition 'nowhere'"),
        *(({name: None}, "DOT-900") for name in ("level", "area", "statement", "source")),
    ],
)
def test_refuses_a_row(altered: Altered, changes: dict[str, Any], message: str) -> None:
    root = altered("dots", "requirements.toml", new=table("requirement", ROW, changes))
    with pytest.raises(CatalogueError, match=message) as refused:
        load_contract("dots", root)
    assert "requirements.toml" in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"check": '"no_such_check"'}, "DOT-900 cites the unknown check 'no_such_check'"),
        ({"with": '{ member = "id" }'}, "DOT-900 gives no_server_errors arguments that do not fit"),
        ({"check": '"success_status"'}, "DOT-900 gives success_status arguments that do not fit"),
        ({"check": '"create_succeeds"', "with": "{ sned = {} }"}, "DOT-900 gives create_succeeds .* not take: sned"),
    ],
)
def test_refuses_a_citation(altered: Altered, changes: dict[str, Any], message: str) -> None:
    root = altered("dots", "requirements.toml", new=table("requirement", ROW, changes))
    with pytest.raises(CatalogueError, match=message):
        check_catalogue(load_contract("dots", root))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"form": '["created"]'}, "odd has unknown keys: form"),
        ({"id": '"confirm_succeeds"'}, "'confirm_succeeds' stands twice"),
        ({"from": '["craeted"]'}, "odd names unknown status 'craeted'"),
        ({"to": '["paid"]'}, "odd names unknown status 'paid'"),
        ({"via": '["paid"]'}, "odd names unknown status 'paid'"),
        ({"leaves": '["paid"]'}, "odd names unknown status 'paid'"),
        ({"refused": '"rudely"'}, "odd names unknown error kind 'rudely'"),
        ({"operation": '"capture"'}, "odd names unknown operation 'capture'"),
        ({"source": '"NOWHERE"'}, "odd .*NOWHERE"),
        ({"operation": None}, "odd"),
    ],
)
def test_refuses_a_transition(altered: Altered, changes: dict[str, Any], message: str) -> None:
    root = altered("dots", "lifecycle.toml", new=table("transition", MOVE, changes))
    with pytest.raises(CatalogueError, match=message) as refused:
        load_contract("dots", root)
    assert "lifecycle.toml" in str(refused.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("lifecycle.toml", "[statuses]\n", '[statuses]\nodd = "new"\n', "differ from the enum"),
        ("lifecycle.toml", 'terminal = ["succeeded"', 'terminal = ["succeded"', "unknown status 'succeded'"),
        ("lifecycle.toml", 'passing = ["processing"', 'passing = ["procesing"', "unknown status 'procesing'"),
        ("payment_intent.schema.json", '"initialized",', "", "differ from the enum"),
        ("provider.toml", "[instruments]", '[instruments]\nwings = "pm_1"\n', "'wings' is not among"),
        ("provider.toml", 'title = "Dots"', 'title = "Dots', "provider.toml"),
        ("provider.toml", 'title = "Dots"', "", "provider.toml.*title"),
        ("openapi.json", "{", "[", "openapi.json"),
        ("openapi.json", '"operationId": "create",', "", "openapi.json.*operationId"),
        ("create.request.schema.json", "{", "", "create.request.schema.json"),
        ("requirements.toml", "[sources]", "[sauces]", "requirements.toml.*sources"),
    ],
)
def test_refuses_a_file(altered: Altered, file: str, old: str, new: str, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        load_contract("dots", altered("dots", file, old, new))


@pytest.mark.parametrize("file", ["openapi.json", "lifecycle.toml", "requirements.toml", "payment_intent.schema.json"])
def test_refuses_a_folder_that_lacks_a_file(altered: Altered, file: str) -> None:
    root = altered("dots")
    (root / "dots" / file).unlink()
    with pytest.raises(CatalogueError, match=file):
        load_contract("dots", root)
