"""Our cassettes are VCR's: vcrpy as it comes plays them to whoever asks, and nothing of ours takes part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import vcr
import yaml

from conformance.evidence.cassettes import read_cassette
from conformance.evidence.exchange import Exchange
from conformance.order import Order, prepare_runs
from conformance.recorder import keep
from conformance.session import act

ROWS = {"stripe": "STR-049", "dots": "DOT-049"}


@pytest.fixture(params=ROWS)
def cassette(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The cassette of one scenario, as a run has recorded it; of a provider of forms, and of one of JSON."""
    row = ROWS[request.param]
    order = Order((request.param,), only=(row,), output=str(tmp_path / "o"), record=True, cassettes=str(tmp_path / "c"))
    (run,) = prepare_runs(order)
    run.preflight()
    act(run)
    run.finish()
    keep(run)
    (path,) = (tmp_path / "c").rglob(f"{row}.yaml")
    return path


@pytest.fixture
def played(cassette: Path) -> Iterator[vcr.cassette.Cassette]:
    with vcr.use_cassette(str(cassette), record_mode="none") as stock:
        yield stock


def asked(exchange: Exchange) -> httpx.Response:
    """What comes of sending that request by any client."""
    request = exchange.request
    with httpx.Client(trust_env=False) as client:
        return client.request(request.method, request.url, headers=list(request.headers), content=request.body)


def test_stock_vcr_plays_what_was_recorded(cassette: Path, played: vcr.cassette.Cassette) -> None:
    _, exchanges = read_cassette(cassette)
    assert exchanges
    for exchange in exchanges:
        answer = asked(exchange)
        assert exchange.response is not None
        assert (answer.status_code, answer.content) == (exchange.response.status, exchange.response.body)
        assert answer.headers["content-type"] == exchange.response.header("content-type")
    assert played.all_played


def test_stock_vcr_refuses_what_was_not_recorded(cassette: Path, played: vcr.cassette.Cassette) -> None:
    url = read_cassette(cassette)[1][0].request.url
    with pytest.raises(vcr.errors.CannotOverwriteExistingCassetteException), httpx.Client(trust_env=False) as client:
        client.get(f"{url}/never_asked_for")


def test_a_cassette_has_what_vcr_documents(cassette: Path) -> None:
    loaded = yaml.safe_load(cassette.read_text(encoding="utf-8"))
    assert loaded["version"] == 1
    for interaction in loaded["interactions"]:
        request, response = interaction["request"], interaction["response"]
        assert {"method", "uri", "body", "headers"} <= request.keys()
        assert {"code", "message"} <= response["status"].keys()
        assert "string" in response["body"]
        assert all(isinstance(values, list) for values in [*request["headers"].values(), *response["headers"].values()])
