"""No recording that is committed holds a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.evidence import secret_shapes as shapes
from conformance.evidence.cassettes import SUFFIX, read_cassette
from conformance.evidence.redaction import Redactor
from conformance.reference import provider_names, target_settings

ROOT = Path(__file__).parents[2] / "cassettes"
FILES = sorted(path for path in ROOT.rglob("*") if path.is_file())


def _own_keys() -> re.Pattern[str]:
    """The keys of the reference server, in every spelling: what is recorded of it was sent with them."""
    keys = set()
    for provider in provider_names():
        settings = target_settings(provider)
        keys |= {settings["api_key"], *(v for name, v in settings["instruments"].items() if name.endswith("_key"))}
    return re.compile("|".join(spelled for key in keys for spelled in shapes.spellings(str(key))))


OWN_KEYS = _own_keys()


def secrets_in(path: Path) -> Iterator[str]:
    """What of a file is a secret, or looks like one."""
    text = path.read_text(encoding="utf-8")
    yield from (f"a key: {found[0][:8]}…" for found in re.finditer(shapes.KEY, text))
    yield from (f"a key of the reference server: {found[0][:8]}…" for found in OWN_KEYS.finditer(text))
    yield from (
        f"an address: {found[0]}" for found in shapes.EMAIL.finditer(text) if not shapes.is_nobodys(found["host"])
    )
    if shapes.shown_card_number(text):
        yield "a card number"
    if path.suffix == SUFFIX:
        redactor = Redactor({})
        for exchange in read_cassette(path)[1]:
            if redactor.exchange(exchange) != exchange:
                yield f"exchange {exchange.number} is not as redaction leaves it"


def test_there_is_something_to_look_at() -> None:
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_a_committed_file_holds_no_secret(path: Path) -> None:
    assert list(secrets_in(path)) == []


@pytest.mark.parametrize(
    "text",
    [
        "sk_test_4eC39HqLyj", "reference-client:reference-key", "cmVmZXJlbmNlLWNsaWVudDpyZWZlcmVuY2Uta2V5",
        "number: 4242 4242 4242 4242", "to: jane@acme.io",
    ],
)  # fmt: skip
def test_the_search_finds_secrets(text: str, tmp_path: Path) -> None:
    (tmp_path / "about.json").write_text(f'{{"note": "{text}"}}', encoding="utf-8")
    assert list(secrets_in(tmp_path / "about.json"))
