"""Adding a requirement takes a row: one more in a copied folder is judged, and nothing else changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from conformance.contract import contract_root
from conformance.order import Order, prepare_runs
from conformance.reference import serve, target_settings
from conformance.session import act
from conformance.verdict import Certificate

SCENARIO = """
[[requirement]]
id = "DOT-900"
level = "MUST"
area = "create"
statement = "Create refuses an amount that is a list."
source = ["O"]
check = "create_refuses"
with = { send = { amount = [1] } }
"""
RULE = """
[[requirement]]
id = "DOT-900"
level = "MUST"
area = "shape"
statement = "A new payment intent has an id."
source = ["O"]
check = "member_set"
with = { members = ["id"], operation = ["create"] }
"""
WRONG = RULE.replace('["id"]', '["no_such_member"]')


def certified(folder: Path, row: str) -> Certificate:
    """The reference server by a copy of a contract under another name, with that row more."""
    copied = Path(shutil.copytree(contract_root() / "dots", folder / "contracts" / "copied"))
    with (copied / "requirements.toml").open("a", encoding="utf-8") as file:
        file.write(row)
    lent = target_settings("dots")
    with serve("dots") as url:
        target = folder / "conformance.toml"
        instruments = "\n".join(f"{name} = {json.dumps(value)}" for name, value in lent["instruments"].items())
        target.write_text(
            f'[target]\nprovider = "copied"\nbase_url = "{url}"\napi_key = "{lent["api_key"]}"\n'
            f"[instruments]\n{instruments}\n"
        )
        order = Order(target=str(target), contracts=str(copied.parent), output=str(folder / "out"))
        (run,) = prepare_runs(order)
        run.preflight()
        act(run)
        return run.finish()


def verdicts(certificate: Certificate) -> dict[str, str]:
    return {row.id: row.verdict for row in certificate.requirements}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return verdicts(certified(tmp_path_factory.mktemp("before"), ""))


@pytest.mark.parametrize(
    ("row", "verdict"), [(SCENARIO, "pass"), (RULE, "pass"), (WRONG, "fail")], ids=["scenario", "rule", "broken"]
)
def test_a_row_more_is_judged(row: str, verdict: str, before: dict[str, str], tmp_path: Path) -> None:
    assert verdicts(certified(tmp_path, row)) == {**before, "DOT-900": verdict}
