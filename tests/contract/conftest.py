"""The providers' contracts, the slow JSON Schema library beside the fast one, and altered copies of a folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from conformance.contract import Contract, contract_root, load_contract, provider_names

load = lru_cache(load_contract)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for ``contract`` runs for every provider."""
    if "contract" in metafunc.fixturenames:
        metafunc.parametrize("contract", provider_names(), indirect=True)


@pytest.fixture
def contract(request: pytest.FixtureRequest) -> Contract:
    return load(request.param)


@pytest.fixture
def named() -> Callable[[str], Contract]:
    """The contract of one provider by its name."""
    return load


@pytest.fixture
def registry_of() -> Callable[[Contract], Registry]:
    """The schema files of a provider's folder and nothing else: no lookup leaves it."""

    def made(contract: Contract) -> Registry:
        files = ((schema["$id"], Resource.from_contents(schema)) for schema in contract.schemas.values())
        return Registry().with_resources(files)

    return made


@pytest.fixture
def slow(registry_of: Callable[[Contract], Registry]) -> Callable[[Contract, str], Draft202012Validator]:
    """The slow library's validator of one schema file, formats counted."""
    return lambda contract, schema: Draft202012Validator(
        contract.schemas[schema], registry=registry_of(contract), format_checker=FormatChecker()
    )


@pytest.fixture
def altered(tmp_path: Path) -> Callable[..., Path]:
    """``altered(provider, file, old, new)``: a root with one provider's folder in which one text is another.

    Without ``old``, ``new`` is appended.
    """

    def made(provider: str, file: str = "", old: str = "", new: str = "") -> Path:
        shutil.copytree(contract_root() / provider, tmp_path / provider)
        if file:
            path = tmp_path / provider / file
            text = path.read_text()
            assert old in text, f"{file} no longer holds {old!r}"
            path.write_text(text.replace(old, new, 1) if old else text + new)
        return tmp_path

    return made


@pytest.fixture
def sample() -> Callable[[str], Any]:
    """A provider's first published intent, to change."""

    def read(provider: str) -> Any:
        return json.loads(min((contract_root() / provider / "examples").glob("payment_intent.*.json")).read_text())

    return read
