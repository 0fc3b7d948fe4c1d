"""The transport that answers from a recording: in order, to whoever asks, and never twice."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.contract import Contract, load_contract
from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.target.client import Client
from conformance.target.recording import load_recording, recorded_target, save_recording
from conformance.target.replay import RecordAgain, Replay
from conformance.target.settings import make_target

CREATE = b"amount=1"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract("stripe")


def exchange(number: int, key: str = "k", body: bytes = CREATE, **more: Any) -> Exchange:
    headers = (("content-type", "application/x-www-form-urlencoded"), ("Idempotency-Key", key))
    made = Exchange(
        number=number,
        request=Request("POST", "http://acme.test/v1/payment_intents", headers, body),
        response=Response(200, (("content-type", "application/json"),), f'{{"n": {number}}}'.encode()),
        scenario="test_it.py::test_it[STR-1]",
        credential="test",
        started=1700000000.0 + number,
        ended=1700000000.5 + number,
    )
    return replace(made, **more)


def recorded(contract: Contract, folder: Path, exchanges: Iterable[Exchange]) -> tuple[Replay, Client]:
    """A replay of exchanges, and a client that speaks to it as their scenario."""
    target = make_target(contract, name="acme", base_url="http://acme.test", api_key="sk_test_of_acme_0123456789")
    redactor = Redactor(target.secrets())
    given = {"seed": 1, "embedded": False, "requirements": None}
    save_recording(folder, target, contract, redactor, map(redactor.exchange, exchanges), **given)  # type: ignore[arg-type]
    recording = load_recording(folder)
    found = Redactor(recorded_target(recording).secrets())
    player = Replay(recording, found, "Idempotency-Key", contract_digest=contract.digest, seed=1)
    client = Client(contract, recorded_target(recording), History(found), seed=1, transport=player, clock=player.clock)
    client.scenario = "test_it.py::test_it[STR-1]"
    return player, client


def asked(client: Client, key: str = "k", amount: int = 1) -> Exchange:
    return client.call("create", body={"amount": amount}, idempotency_key=key)


def number(made: Exchange) -> int:
    assert made.response is not None
    return int(made.response.json["n"])


def test_equal_requests_are_answered_in_their_order(contract: Contract, tmp_path: Path) -> None:
    _, client = recorded(contract, tmp_path / "it", map(exchange, (1, 2, 3)))
    assert [number(asked(client)) for _ in range(3)] == [1, 2, 3]


def test_no_answer_is_given_twice(contract: Contract, tmp_path: Path) -> None:
    player, client = recorded(contract, tmp_path / "it", [exchange(1)])
    asked(client)
    with pytest.raises(RecordAgain, match="no such request of this scenario more often"):
        asked(client)
    assert "more often" in player.trouble(client.scenario)


def test_keys_and_bodies_tell_requests_apart_whatever_their_order(contract: Contract, tmp_path: Path) -> None:
    made = [exchange(1, "a"), exchange(2, "b"), exchange(3, "a", b"amount=2"), exchange(4, "a")]
    _, client = recorded(contract, tmp_path / "it", made)
    found = [asked(client, "a", 2), asked(client, "b"), asked(client, "a"), asked(client, "a")]
    assert [number(one) for one in found] == [3, 2, 1, 4]


def test_many_threads_get_each_answer_once(contract: Contract, tmp_path: Path) -> None:
    _, client = recorded(contract, tmp_path / "it", [exchange(one, f"k{one % 3}") for one in range(1, 301)])
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda one: asked(client, f"k{one % 3}"), range(1, 301)))
    assert sorted(map(number, found)) == list(range(1, 301))
    assert all(number(one) % 3 == int(str(one.request.header("idempotency-key"))[1:]) for one in found)


def test_exchanges_keep_their_number_and_their_times(contract: Contract, tmp_path: Path) -> None:
    _, client = recorded(contract, tmp_path / "it", [exchange(7, "a"), exchange(9, "b")])
    found = [asked(client, "b"), asked(client, "a")]
    assert [(one.number, one.started, one.ended) for one in found] == [
        (9, 1700000009.0, 1700000009.5),
        (7, 1700000007.0, 1700000007.5),
    ]


def test_that_no_answer_came_is_replayed(contract: Contract, tmp_path: Path) -> None:
    silent = exchange(1, response=None, failure="ReadTimeout: nothing")
    player, client = recorded(contract, tmp_path / "it", [silent, exchange(2)])
    found = asked(client)
    assert (found.response, found.failure) == (None, "ReadTimeout: nothing")
    assert number(asked(client)) == 2
    assert player.trouble(client.scenario) == ""


def test_what_is_not_asked_for_is_told(contract: Contract, tmp_path: Path) -> None:
    player, client = recorded(contract, tmp_path / "it", map(exchange, (1, 2, 3)))
    asked(client)
    assert player.trouble(client.scenario) == "record again: 2 recorded requests were not made"
    assert "2 recorded requests were not made" in player.mismatch()


def test_a_scenario_that_asks_nothing_is_told(contract: Contract, tmp_path: Path) -> None:
    player, client = recorded(contract, tmp_path / "it", map(exchange, (1, 2, 3)))
    assert player.trouble(client.scenario) == "record again: 3 recorded requests were not made"


def test_a_scenario_that_is_not_acted_is_told(contract: Contract, tmp_path: Path) -> None:
    player, _ = recorded(contract, tmp_path / "it", map(exchange, (1, 2, 3)))
    assert "STR-1.yaml was not asked for" in player.mismatch()


def test_a_scenario_that_follows_its_recording_is_no_trouble(contract: Contract, tmp_path: Path) -> None:
    player, client = recorded(contract, tmp_path / "it", map(exchange, (1, 2)))
    asked(client), asked(client)
    assert (player.trouble(client.scenario), player.mismatch()) == ("", "")


def test_secrets_of_an_answer_are_matched_where_they_are_sent_back(contract: Contract, tmp_path: Path) -> None:
    """The answer of a recording holds a placeholder; what is made of the secret itself would not match."""
    secret = "pi_123_secret_abcdefghijklmnop0123"
    created = exchange(1, response=Response(200, (), f'{{"client_secret": "{secret}"}}'.encode()))
    confirmed = exchange(2, "c", b"client_secret=" + secret.encode())
    _, client = recorded(contract, tmp_path / "it", [created, confirmed])
    answer = asked(client).response
    assert answer is not None
    shown = answer.json["client_secret"]
    assert secret not in shown
    found = client.call("create", body={"client_secret": shown}, idempotency_key="c")
    assert number(found) == 2


def test_waiting_takes_no_time(contract: Contract, tmp_path: Path) -> None:
    player, client = recorded(contract, tmp_path / "it", [exchange(1), exchange(2)])
    asked(client)
    before = player.clock.monotonic()
    player.clock.sleep(3600)
    assert player.clock.monotonic() == before + 3600
    assert asked(client).response is not None


def test_a_compressed_answer_is_replayed_plain(contract: Contract, tmp_path: Path) -> None:
    import gzip

    kept = Response(
        200, (("content-encoding", "gzip"), ("content-type", "application/json")), gzip.compress(b'{"n": 5}')
    )
    _, client = recorded(contract, tmp_path / "it", [exchange(1, response=kept)])
    assert number(asked(client)) == 5
    # And what the client decoded while recording keeps the header of the wire.
    told = Response(200, (("content-encoding", "gzip"), ("content-type", "application/json")), b'{"n": 6}')
    _, client = recorded(contract, tmp_path / "other", [exchange(1, response=told)])
    assert number(asked(client)) == 6


def test_what_the_run_sends_is_put_back_where_a_placeholder_stands_for_it(contract: Contract, tmp_path: Path) -> None:
    code = exchange(
        1, body=b"card[cvc]=737", response=Response(200, (), b'{"card": {"cvc": "737"}, "other": {"cvc": "99"}}')
    )
    later = exchange(2, "b", response=Response(200, (), b'{"cvc": "737"}'))
    _, client = recorded(contract, tmp_path / "it", [code, later])
    text = (tmp_path / "it" / "STR-1.yaml").read_text(encoding="utf-8")
    assert "737" not in text
    first = client.call("create", body={"card": {"cvc": "737"}}, idempotency_key="k").response
    assert first is not None
    assert first.json["card"] == {"cvc": "737"}
    assert first.json["other"]["cvc"].startswith("[redacted:")  # of that one the run knows nothing
    then = asked(client, "b").response
    assert then is not None
    assert then.json == {"cvc": "737"}


def test_a_placeholder_of_two_values_is_left(contract: Contract, tmp_path: Path) -> None:
    cards = ["4000056655665556", "5555555555554444"]
    made = [
        exchange(
            number,
            f"k{number}",
            f"number={card}".encode(),
            response=Response(200, (), b'{"number": "%s"}' % card.encode()),
        )
        for number, card in enumerate(cards, 1)
    ]
    _, client = recorded(contract, tmp_path / "it", made)
    for number, card in enumerate(cards, 1):
        client.call("create", body={"number": card}, idempotency_key=f"k{number}")
    last = client.history.exchanges[-1].response
    assert last is not None
    assert last.json == {"number": "[redacted:card]"}


@pytest.mark.parametrize(
    ("base_url", "embedded", "source"),
    [
        ("http://127.0.0.1:8080", False, "named server"),
        ("https://api.stripe.com", False, "provider's sandbox"),
        ("http://reference.invalid", True, "reference server"),
    ],
)
def test_a_recording_names_the_kind_of_its_source(
    contract: Contract, tmp_path: Path, base_url: str, embedded: bool, source: str
) -> None:
    target = make_target(contract, base_url=base_url, api_key="sk_test_0123456789")
    given = {"seed": 1, "embedded": embedded, "requirements": None}
    made = save_recording(tmp_path / "it", target, contract, Redactor({}), [exchange(1)], **given)  # type: ignore[arg-type]
    assert made.source == source
    assert load_recording(tmp_path / "it") == made
