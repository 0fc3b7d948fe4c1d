"""Adding a provider takes a folder: an invented one is certified, and its liars are found out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import main
from conformance.contract import CatalogueError, contract_root, provider_names
from conformance.order import Order, known_contracts, prepare_runs
from conformance.session import act
from conformance.target.settings import SettingsError
from conformance.verdict import Certificate

from .acme_server import ANY_KEY, KEY, PAYS_VOID, REPEATS, STAYS_OPEN, UNLISTED, VOIDS_PAID, acme

HANDBOOK = Path(__file__).parent / "contracts"
PACKAGE = Path(__file__).parents[2] / "conformance"


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder of contracts, exam and walks generated."""
    root = tmp_path_factory.mktemp("contracts")
    shutil.copytree(HANDBOOK / "acme", root / "acme")
    frozen = CliRunner().invoke(main, ["freeze", "--provider", "acme", "--contracts", str(root)])
    assert frozen.exit_code == 0, frozen.output
    return root


def certified(contracts: Path, output: Path, *lies: str) -> Certificate:
    with acme(*lies) as url:
        order = Order(providers=("acme",), contracts=str(contracts), target=url, api_key=KEY, output=str(output))
        (run,) = prepare_runs(order)
        run.preflight()
        act(run)
        return run.finish()


def verdicts(certificate: Certificate, verdict: str) -> set[str]:
    return {row.id for row in certificate.requirements if row.verdict == verdict}


def test_its_server_is_certified(contracts: Path, tmp_path: Path) -> None:
    certificate = certified(contracts, tmp_path)
    assert certificate.result == "conformant", certificate.reasons
    assert (certificate.provider, certificate.provider_title) == ("acme", "Acme")
    # One row needs what the target does not lend, one no run can judge; all others pass.
    assert verdicts(certificate, "inapplicable") == {"ACM-050", "ACM-051"}
    assert len(verdicts(certificate, "pass")) == len(certificate.requirements) - 2
    assert Certificate.read(tmp_path / "certificate.json").result == "conformant"
    # Every operation was tried from every state.
    tried = {(cell.operation, cell.status) for cell in certificate.matrix if cell.exchanges}
    assert tried == set(product(("retrieve", "confirm", "cancel"), ("open", "paid", "void")))


@pytest.mark.parametrize(
    ("lie", "failed"),
    [
        (STAYS_OPEN, {"ACM-020", "ACM-071"}),
        (VOIDS_PAID, {"ACM-024", "ACM-026", "ACM-070", "ACM-071"}),
        (PAYS_VOID, {"ACM-024", "ACM-027", "ACM-071"}),
        (REPEATS, {"ACM-082"}),
        (UNLISTED, {"ACM-084"}),
        (ANY_KEY, {"ACM-030"}),
    ],
    ids=["stays open", "voids paid", "pays void", "repeats", "unlisted", "any key"],
)
def test_a_liar_is_found_out(lie: str, failed: set[str], contracts: Path, tmp_path: Path) -> None:
    certificate = certified(contracts, tmp_path, lie)
    assert certificate.result == "non_conformant"
    assert verdicts(certificate, "fail") == failed


def test_plain_pytest_certifies_it_too(contracts: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with acme(ANY_KEY) as url:
        given = {"provider": "acme", "contracts": contracts, "target": url, "api-key": KEY, "output": tmp_path}
        options = [f"--conformance-{name}={value}" for name, value in given.items()]
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(PACKAGE / "scenarios"), *options]
        ended = subprocess.run(
            command, cwd=PACKAGE.parent, env=environment, capture_output=True, text=True, timeout=120
        )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert verdicts(Certificate.read(tmp_path / "certificate.json"), "fail") == {"ACM-030"}


def test_the_package_does_not_know_it() -> None:
    assert not [path for path in PACKAGE.rglob("*.py") if re.search(r"acme", path.read_text(), re.IGNORECASE)]


# -- the folder ------------------------------------------------------------------------------------------------------


def test_further_contracts_stand_beside_those_of_the_suite() -> None:
    assert set(known_contracts(str(HANDBOOK))) == {*provider_names(), "acme"}


def test_without_a_provider_those_of_the_suite_are_meant(tmp_path: Path) -> None:
    runs = list(prepare_runs(Order(contracts=str(HANDBOOK), output=str(tmp_path))))
    for run in runs:
        run.close()
    assert {run.contract.name for run in runs} == set(provider_names())


def test_a_provider_that_the_reference_server_does_not_speak_needs_a_target(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--target"):
        prepare_runs(Order(providers=("acme",), contracts=str(HANDBOOK), output=str(tmp_path)))


def test_a_target_file_may_name_it(tmp_path: Path) -> None:
    target = tmp_path / "conformance.toml"
    target.write_text(f'[target]\nprovider = "acme"\nbase_url = "http://127.0.0.1:9"\napi_key = "{KEY}"\n')
    (run,) = prepare_runs(Order(target=str(target), contracts=str(HANDBOOK), output=str(tmp_path / "out")))
    run.close()
    assert run.contract.name == "acme"


def test_a_live_key_of_it_is_refused() -> None:
    order = Order(
        providers=("acme",), contracts=str(HANDBOOK), target="http://127.0.0.1:9", api_key="acme-live-2718281828"
    )
    with pytest.raises(SettingsError, match="live key of Acme"):
        prepare_runs(order)


def test_a_missing_or_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    for folder in (tmp_path / "none", tmp_path, HANDBOOK / "acme"):
        with pytest.raises(CatalogueError, match=rf"contracts: .*{re.escape(str(folder))}\b"):
            prepare_runs(Order(contracts=str(folder)))


def test_a_name_that_is_taken_is_refused_with_both_places(tmp_path: Path) -> None:
    taken = shutil.copytree(contract_root() / "dots", tmp_path / "dots")
    with pytest.raises(CatalogueError, match="dots is taken") as refused:
        prepare_runs(Order(contracts=str(tmp_path)))
    assert str(taken) in str(refused.value)
    assert str(contract_root() / "dots") in str(refused.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("provider.toml", 'title = "Acme"', "", "title"),
        ("provider.toml", 'payment_method = "source"', "", "payment_method"),
        ("provider.toml", 'unknown_key = "acme-test-nobody"', "", "unknown_key"),
        ("provider.toml", 'scheme = "key"', 'scheme = "lock"', "lock"),
        ("openapi.json", '"operationId": "retrieve"', '"operationId": "read"', "retrieve"),
        ("requirements.toml", 'schema = "payment_intent"', 'schema = "charge"', "charge"),
        ("confirm.request.schema.json", "", "", "confirm.request.schema.json"),
    ],
)
def test_an_unfinished_folder_is_refused_with_what_it_lacks(
    file: str, old: str, new: str, message: str, tmp_path: Path
) -> None:
    path = Path(shutil.copytree(HANDBOOK / "acme", tmp_path / "acme")) / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1)) if old else path.unlink()
    with pytest.raises(CatalogueError, match=re.escape(message)):
        prepare_runs(Order(contracts=str(tmp_path)))
