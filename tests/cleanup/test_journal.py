"""The journal of intents: written before anything is sent, complete, without secrets, and readable after a crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from conformance.contract import Contract
from conformance.contract.loading import load_contracts
from conformance.embedded import embedded_target
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.reference import policies_of
from conformance.reference.app import Application
from conformance.run import Run, Selection
from conformance.session import act
from conformance.target.client import Client
from conformance.target.clock import SkippingClock
from conformance.target.journal import JOURNAL, Journal, JournalError, begun, read_head, resumed
from conformance.target.settings import Target

CONTRACTS = load_contracts(None)
PLAIN = {"amount": 2000, "currency": "usd", "payment_method_types": ["card"]}


def begin(contract: Contract, target: Target, folder: Path) -> Journal:
    redactor = Redactor(target.secrets(), names=target.redact_names, texts=target.redact_texts)
    return begun(contract, redactor, folder, target=target.name, base_url=target.base_url, started=0.0)


def lines_of(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / JOURNAL).read_text(encoding="utf-8").splitlines()]


def client_of(
    folder: Path, answer: Callable[[httpx.Request], httpx.Response], redact: tuple[str, ...] = ()
) -> tuple[Client, Journal]:
    """A client of Stripe's contract whose target is a function."""
    contract = CONTRACTS["stripe"]
    target = Target("t", "stripe", "https://t.invalid", "sk_test_confidential1", redact_names=redact)
    journal = begin(contract, target, folder)
    return (
        Client(
            contract,
            target,
            History(journal.redactor),
            transport=httpx.MockTransport(answer),
            clock=SkippingClock(),
            journal=journal,
        ),
        journal,
    )


def intent(request: httpx.Request) -> httpx.Response:
    return httpx.Response(
        200, json={"id": "pi_1", "amount": 2000, "status": "requires_capture", "client_secret": "pi_1_secret_abcdef123"}
    )


@pytest.mark.parametrize("provider", ["stripe", "revkeen", "paypercut", "dots"])
def test_it_names_every_intent_that_the_server_has(provider: str, tmp_path: Path) -> None:
    contract, clock = CONTRACTS[provider], SkippingClock()
    server = Application(policies_of(provider))
    run = Run(
        contract=contract,
        target=embedded_target(contract),
        folder=tmp_path,
        mode="in-process",
        selection=Selection(areas=frozenset({"retries"} & areas(contract) or {"confirm"})),
        transport=httpx.WSGITransport(app=server),
        clock=clock,
    )
    journal = run.client.journal = begin(contract, run.target, tmp_path)
    run.preflight()
    act(run)
    run.close()
    there = {one.id: one.status for one in server.store.intents.values()}
    # A refusal that shows no intent may have left one: nothing is held there, and nobody knows its id.
    untold = {name for name, status in there.items() if name not in journal.intents}
    assert all(there[name] == "requires_payment_method" for name in untold)
    assert len(untold) <= 1
    assert len(journal.intents) > 10
    assert journal.unanswered == []
    again = resumed(contract, journal.redactor, journal.path)
    assert again.intents == journal.intents
    assert again.unanswered == []


def areas(contract: Contract) -> set[str]:
    return {row.area for row in contract.requirements.values()}


def test_a_create_is_in_the_file_before_it_is_sent_and_its_answer_afterwards(tmp_path: Path) -> None:
    seen: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(lines_of(tmp_path)[-1])
        return intent(request)

    client, _ = client_of(tmp_path, answer)
    client.scenario = "a test"
    client.call("create", body=PLAIN, idempotency_key="k-1")
    (before,) = seen
    assert before["create"] == 1
    assert (before["scenario"], before["key"]) == ("a test", "k-1")
    assert lines_of(tmp_path)[-1] == {
        "answer": 1,
        "exchange": 1,
        "http": 200,
        "intents": [{"id": "pi_1", "status": "requires_capture"}],
    }


def test_a_later_status_is_written_once_and_one_of_a_strangers_intent_is_not(tmp_path: Path) -> None:
    shown = iter(["pi_1", "pi_1", "pi_2"])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return intent(request)
        return httpx.Response(200, json={"id": next(shown), "amount": 2000, "status": "canceled"})

    client, journal = client_of(tmp_path, answer)
    client.call("create", body=PLAIN)
    for _ in range(3):
        client.call("retrieve", "pi_1")
    assert [line for line in lines_of(tmp_path) if "intent" in line] == [{"intent": "pi_1", "status": "canceled"}]
    assert list(journal.intents) == ["pi_1"]
    assert journal.open == []


@pytest.mark.parametrize("failure", ["reset", "500", "no id"])
def test_a_create_whose_answer_tells_nothing_is_unanswered(failure: str, tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if failure == "reset":
            raise httpx.ReadError("reset")
        return httpx.Response(500) if failure == "500" else httpx.Response(200, json={"amount": 1})

    client, journal = client_of(tmp_path, answer)
    client.call("create", body=PLAIN)
    assert [create.number for create in journal.unanswered] == [1]
    again = resumed(CONTRACTS["stripe"], journal.redactor, journal.path)
    assert [create.number for create in again.unanswered] == [1]


def test_a_refused_create_leaves_nothing_and_a_declined_one_the_intent_that_it_shows(tmp_path: Path) -> None:
    declined = {"error": {"payment_intent": {"id": "pi_9", "amount": 1, "status": "requires_payment_method"}}}
    answers = iter([httpx.Response(400, json={"error": {}}), httpx.Response(402, json=declined)])
    client, journal = client_of(tmp_path, lambda request: next(answers))
    client.call("create", body=PLAIN)
    client.call("create", body=PLAIN)
    assert journal.unanswered == []
    assert [one.id for one in journal.open] == ["pi_9"]


def test_no_secret_is_written_and_what_held_one_cannot_be_sent_again(tmp_path: Path) -> None:
    client, _ = client_of(tmp_path, intent, redact=("description",))
    client.call("create", body={**PLAIN, "description": "for Ms Example"})
    client.call("create", body=PLAIN)
    text = (tmp_path / JOURNAL).read_text(encoding="utf-8")
    for secret in ("Example", "confidential1", "abcdef123", "client_secret"):
        assert secret not in text
    first, second = (line for line in lines_of(tmp_path) if "create" in line)
    assert first["whole"] is False
    assert "whole" not in second


def test_nothing_is_sent_where_it_cannot_be_written(tmp_path: Path) -> None:
    sent: list[httpx.Request] = []
    (tmp_path / "history").write_text("in the way", encoding="utf-8")
    client, _ = client_of(tmp_path, lambda request: sent.append(request) or intent(request))  # type: ignore[func-returns-value]
    with pytest.raises(JournalError, match=r"intents\.jsonl"):
        client.call("create", body=PLAIN)
    assert sent == []


def test_a_cut_last_line_is_left_out_and_written_over(tmp_path: Path) -> None:
    client, journal = client_of(tmp_path, intent)
    client.call("create", body=PLAIN)
    journal.close()
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-5])
    again = resumed(CONTRACTS["stripe"], journal.redactor, journal.path)
    assert [create.number for create in again.unanswered] == [1]
    again.found(again.creates[1], [("pi_1", "canceled")], "in a test")
    again.close()
    assert resumed(CONTRACTS["stripe"], journal.redactor, journal.path).unanswered == []


@pytest.mark.parametrize("text", ["", "{}\n", "[]\n", '{"journal":1}\nno JSON\n', '{"journal":99}\n'])
def test_another_file_is_no_journal(text: str, tmp_path: Path) -> None:
    path = tmp_path / "intents.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(JournalError, match=r"intents\.jsonl"):
        read_head(path)


def test_the_journal_of_a_run_that_nobody_cleaned_up_after_is_kept(tmp_path: Path) -> None:
    client, journal = client_of(tmp_path, intent)
    client.call("create", body=PLAIN)
    journal.close()
    left = journal.path.read_bytes()
    client, journal = client_of(tmp_path, intent)
    assert journal.path.read_bytes() == left  # a run that has created nothing yet takes nothing away
    client.call("create", body=PLAIN)
    assert (tmp_path / "history" / "intents-1.jsonl").read_bytes() == left
    journal.left_alone()
    journal.close()
    client, _ = client_of(tmp_path, intent)
    client.call("create", body=PLAIN)
    assert not (tmp_path / "history" / "intents-2.jsonl").exists()
