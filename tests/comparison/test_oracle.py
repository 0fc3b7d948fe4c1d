"""The reference server held to what the reference server was recorded to do."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from conformance.comparison.chance import AT_ONCE, UNANSWERED
from conformance.comparison.compare import Comparison
from conformance.comparison.oracle import hold_to
from conformance.contract import load_contract
from conformance.embedded import embedded_server, embedded_target
from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.reference import policies_of, provider_names
from conformance.target.client import Client
from conformance.target.clock import SkippingClock
from conformance.target.settings import Target, make_target

from .conftest import Recorded

REFUSED, DONE = r"HTTP 400 .*", r"HTTP 200"


def client_of(provider: str, fault: str = "", target: Target | None = None) -> Client:
    contract = load_contract(provider)
    target = target or embedded_target(contract)
    history = History(Redactor(target.secrets()))
    return Client(contract, target, history, seed=7, **embedded_server(provider, policies_of(provider, fault)))


def held(
    recorded: list[Exchange], provider: str, fault: str = "", lent: Mapping[str, Any] | None = None
) -> tuple[Comparison, list[Exchange]]:
    """What the comparison says of the server, and what was sent to it."""
    client = client_of(provider, fault)
    instruments = client.target.instruments if lent is None else lent
    comparison = hold_to(recorded, client.contract, client, instruments)
    return comparison, list(client.history)


@pytest.mark.parametrize("provider", provider_names())
def test_a_server_does_what_it_did(provider: str, recorded: Recorded) -> None:
    before = recorded(provider)
    comparison, sent = held(before, provider)
    assert list(comparison.groups) == []
    assert len(sent) >= len(before) - 3, comparison.not_compared
    left = dict(comparison.not_compared)
    assert left.pop(AT_ONCE) < len(before) / 6
    assert sum(left.values()) < len(before) / 30, comparison.not_compared


LIES = [
    ("stripe", "captures_more_than_is_held", "capture", "status", REFUSED, DONE),
    ("stripe", "shows_what_was_received_in_major_units", "confirm", "/amount_received", "2000", "20"),
    ("stripe", "ignores_idempotency_keys", "create", "/id", ".*", ".*"),
    ("revkeen", "charges_declined_cards", "confirm", "status", REFUSED, DONE),
    ("revkeen", "leaves_amount_received_out", "create", "/amount_received", "0", "absent"),
    ("paypercut", "pays_twice", "confirm", "status", "HTTP 409 .*", DONE),
    ("paypercut", "demands_keys_after_create", "confirm", "status", DONE, REFUSED),
    ("dots", "falls_over_undecodable_credentials", "create", "status", "401", "500"),
    ("dots", "has_no_list", "list", "status", DONE, r"HTTP 40[45].*"),
]


@pytest.mark.parametrize(
    ("provider", "fault", "operation", "place", "a", "b"), LIES, ids=[f"{lie[0]}-{lie[1]}" for lie in LIES]
)
def test_what_a_server_does_otherwise_is_named(
    provider: str, fault: str, operation: str, place: str, a: str, b: str, recorded: Recorded
) -> None:
    comparison, _ = held(recorded(provider), provider, fault)
    assert any(
        (group.operation, group.place) == (operation, place) and re.fullmatch(a, group.a) and re.fullmatch(b, group.b)
        for group in comparison.groups
    ), [(group.operation, group.place, group.a, group.b) for group in comparison.groups[:20]]


@pytest.mark.parametrize(
    ("provider", "fault"),
    [("stripe", "has_headers_of_its_own"), ("paypercut", "leaves_messages_out")],
)
def test_what_the_contract_speaks_of_is_behaviour(provider: str, fault: str, recorded: Recorded) -> None:
    assert held(recorded(provider), provider, fault)[0].groups


def test_ids_of_another_kind_are_no_difference(recorded: Recorded) -> None:
    comparison, sent = held(recorded("revkeen"), "revkeen", "has_ids_without_prefix")
    assert list(comparison.groups) == []
    assert any("/intent_" in one.request.url for one in sent), "the target's own ids are asked for"


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_idempotency_keys_are_fresh_and_the_same_where_they_were(recorded: Recorded) -> None:
    before = recorded("stripe")
    _, sent = held(before, "stripe")
    keys = {one.request.header("idempotency-key") for one in before} - {None}
    here = {one.request.header("idempotency-key") for one in sent} - {None}
    assert not keys & here
    assert len(keys) == len(here)
    assert sorted(len(key or "") for key in keys) == sorted(len(key or "") for key in here)


def test_secrets_that_the_target_gave_are_sent_back_whole(recorded: Recorded) -> None:
    before = recorded("stripe")
    asked = [one for one in before if b"client_secret" in one.request.body and b"redacted" in one.request.body]
    assert asked, "the run sends client secrets back"
    _, sent = held(before, "stripe")
    whole = [one for one in sent if b"client_secret=" in one.request.body]
    assert whole
    assert not any(b"redacted" in one.request.body for one in whole)


def exchange(number: int, url: str, body: Any = None, answer: Any = None, **request: Any) -> Exchange:
    headers = {"content-type": "application/json", "authorization": "Basic [redacted:api_key]"}
    content = json.dumps(body).encode() if body is not None else b""
    asked = Request(request.get("method", "POST"), f"http://old.test{url}", tuple(headers.items()), content)
    response = Response(
        request.get("status", 200), (("content-type", "application/json"),), json.dumps(answer).encode()
    )
    return Exchange(
        number, asked, response, "s", "test", started=1_800_000_000.0 + number, ended=1_800_000_000.5 + number
    )


OLD, OLD_METHOD = "41d77910-ad1a-47f6-9703-e3fdd3fbfff7", "0b6e4a40-1111-4222-8333-444455556666"
CREATED = {"id": OLD, "amount": 123, "currency": "usd", "status": "requires_payment_method"}


@pytest.fixture
def asked() -> list[httpx.Request]:
    return []


def answering(asked: list[httpx.Request], *answers: tuple[int, Any], lent: Mapping[str, Any] | None = None) -> Client:
    """A client of a server that gives these answers in turn, the last one ever after."""
    contract = load_contract("dots")
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        status, body = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(status, json=body)

    target = make_target(contract, base_url="http://new.test/base", api_key="one:two", instruments=lent or {})
    history = History(Redactor(target.secrets()))
    return Client(contract, target, history, transport=httpx.MockTransport(answer), clock=SkippingClock())


def test_ids_and_instruments_of_the_target_take_the_place_of_the_recorded_ones(asked: list[httpx.Request]) -> None:
    new, method = "a4e32d96-7159-4694-b4db-77857f24698b", "9c9c9c9c-2222-4333-8444-555566667777"
    before = [
        exchange(1, "/api/v2/payment-intents", {"amount": 123, "currency": "usd"}, CREATED),
        exchange(
            2,
            f"/api/v2/payment-intents/{OLD}/confirm",
            {"payment_method_id": OLD_METHOD},
            {**CREATED, "status": "succeeded"},
        ),
    ]
    client = answering(
        asked,
        (200, {**CREATED, "id": new}),
        (200, {**CREATED, "id": new, "status": "succeeded"}),
        lent={"success": method},
    )
    comparison = hold_to(before, client.contract, client, {"success": OLD_METHOD})
    assert list(comparison.groups) == []
    assert asked[1].url.path == f"/base{client.operation('create').path}/{new}/confirm"
    assert json.loads(asked[1].content) == {"payment_method_id": method}


def test_what_the_target_does_not_lend_is_left_out_and_counted(asked: list[httpx.Request]) -> None:
    before = [
        exchange(1, "/api/v2/payment-intents", {"amount": 123, "payment_method_id": OLD_METHOD}, CREATED),
        exchange(2, f"/api/v2/payment-intents/{OLD}", None, CREATED, method="GET"),
        exchange(3, "/api/v2/payment-intents", {"card": "[redacted:card]"}, CREATED),
        replace(exchange(4, "/api/v2/payment-intents", {"amount": 1}, CREATED), credential="organisation"),
    ]
    client = answering(asked, (200, {**CREATED, "id": "x"}))
    comparison = hold_to(before, client.contract, client, {"success": OLD_METHOD})
    assert asked[1:] == []
    reasons = " ".join(comparison.not_compared)
    for word in ("lends no success", "a secret", "organisation_key"):
        assert word in reasons


def test_a_read_that_settles_is_no_difference(asked: list[httpx.Request]) -> None:
    late = {**CREATED, "status": "succeeded"}
    before = [
        exchange(1, "/api/v2/payment-intents", {"amount": 123}, CREATED),
        exchange(2, f"/api/v2/payment-intents/{OLD}", None, late, method="GET"),
    ]
    client = answering(asked, (200, CREATED), (200, CREATED), (200, CREATED), (200, late))
    assert list(hold_to(before, client.contract, client, {}).groups) == []
    assert len(asked) == 4


def test_a_read_that_does_not_settle_is_waited_for_once(asked: list[httpx.Request]) -> None:
    late = {**CREATED, "status": "succeeded"}
    reads = [exchange(number, f"/api/v2/payment-intents/{OLD}", None, late, method="GET") for number in range(2, 22)]
    before = [exchange(1, "/api/v2/payment-intents", {"amount": 123}, CREATED), *reads]
    client = answering(asked, (200, CREATED))
    (group,) = hold_to(before, client.contract, client, {}).groups
    assert (group.operation, group.place, group.a, group.b) == (
        "retrieve",
        "/status",
        '"succeeded"',
        f'"{CREATED["status"]}"',
    )
    assert group.count == len(reads)
    assert len(asked) < len(before) + 20


def test_how_messages_are_worded_is_no_difference(asked: list[httpx.Request]) -> None:
    before = [
        exchange(1, "/api/v2/payment-intents", {"amount": 0}, {"error": "invalid-input", "message": "no"}, status=400)
    ]
    for said, differs in (
        ({"error": "invalid-input", "message": "oh no"}, False),
        ({"error": "other", "message": "no"}, True),
    ):
        client = answering(asked, (400, said))
        assert hold_to(before, client.contract, client, {}).differs is differs


# -- what was sent at once, and answers that got lost ------------------------------------------------------------------


CREATE, CONFIRM = "/api/v2/payment-intents", f"/api/v2/payment-intents/{OLD}/confirm"
DONE_INTENT = {**CREATED, "status": "succeeded"}
REFUSAL = {"error": "invalid-transaction", "message": "no"}
LOST = "RemoteProtocolError: answer_lost, made by the suite's proxy: closed; the target had answered HTTP 200 "


def test_what_was_sent_at_once_is_sent_at_once_and_not_compared(asked: list[httpx.Request]) -> None:
    confirms = [
        replace(exchange(number, CONFIRM, {"n": number}, REFUSAL, status=400), started=1_800_000_002.0)
        for number in (2, 3)
    ]
    after = exchange(4, f"{CREATE}/{OLD}", None, CREATED, method="GET")
    before = [exchange(1, CREATE, {"amount": 123}, CREATED), *confirms, after]
    meeting = threading.Barrier(2, timeout=5)
    contract = load_contract("dots")

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.path.endswith("/confirm"):
            meeting.wait()
        return httpx.Response(200, json=CREATED if len(asked) == 1 else DONE_INTENT)

    target = make_target(contract, base_url="http://new.test", api_key="one:two", instruments={})
    client = Client(contract, target, History(Redactor({})), transport=httpx.MockTransport(answer))
    comparison = hold_to(before, contract, client, {})
    assert (list(comparison.groups), dict(comparison.not_compared)) == ([], {AT_ONCE: 3})
    assert (comparison.pairs, len(asked)) == (1, 4)


def test_what_creates_at_once_gave_can_be_asked_for(asked: list[httpx.Request]) -> None:
    two = "52e88a21-be2b-47f6-9703-e3fdd3fbfff8"
    creates = [
        replace(exchange(number, CREATE, {"amount": 123}, {**CREATED, "id": identifier}), started=1_800_000_001.0)
        for number, identifier in ((1, OLD), (2, two))
    ]
    reads = [
        exchange(number, f"{CREATE}/{one}", None, {**CREATED, "id": one}, method="GET")
        for number, one in ((3, OLD), (4, two))
    ]
    answers = [(200, {**CREATED, "id": f"{place}4e32d96-7159-4694-b4db-77857f24698b"}) for place in "abab"]
    client = answering(asked, *answers)
    comparison = hold_to([*creates, *reads], client.contract, client, {})
    assert (list(comparison.groups), dict(comparison.not_compared)) == ([], {AT_ONCE: 4})
    assert len({request.url.path for request in asked}) == 3


def lost(number: int, members: Mapping[str, Any]) -> Exchange:
    made = exchange(number, CREATE, {"amount": 123}, {})
    return replace(made, response=None, failure=LOST + json.dumps(members))


def test_what_is_known_of_a_lost_answer_is_compared(asked: list[httpx.Request]) -> None:
    new = {**CREATED, "id": "a4e32d96-7159-4694-b4db-77857f24698b"}
    before = [lost(1, {"id": OLD, "amount": 123}), exchange(2, CREATE, {"amount": 123}, CREATED)]
    for answer, differs in ((new, []), ({**new, "amount": 12300}, ["/amount"])):
        client = answering(asked, (200, answer), (200, new))
        comparison = hold_to(before, client.contract, client, {})
        assert [group.place for group in comparison.groups] == differs
        assert comparison.not_compared == {}
    client = answering(asked, (400, REFUSAL), (200, new))
    assert hold_to(before, client.contract, client, {}).groups[0].a == "HTTP 200, which got lost"


def test_what_was_delivered_twice_is_sent_twice(asked: list[httpx.Request]) -> None:
    made = exchange(1, CREATE, {"amount": 123}, CREATED)
    assert made.response
    twice = ("conformance-proxy", "sent_twice" + LOST.partition("answer_lost")[2] + "{}")
    made = replace(made, response=replace(made.response, headers=(*made.response.headers, twice)))
    client = answering(asked, (400, REFUSAL), (200, CREATED))
    comparison = hold_to([made], client.contract, client, {})
    assert (list(comparison.groups), comparison.pairs, len(asked)) == ([], 1, 2)


def test_what_was_never_answered_is_not_compared_nor_what_follows_from_it(asked: list[httpx.Request]) -> None:
    silent = replace(exchange(2, CONFIRM, {}), response=None, failure="ReadTimeout")
    after = [exchange(3, CONFIRM, {}, REFUSAL, status=400), exchange(4, CREATE, {"amount": 1}, {**CREATED, "id": "x"})]
    before = [exchange(1, CREATE, {"amount": 123}, CREATED), silent, *after]
    client = answering(asked, (200, CREATED), (200, DONE_INTENT), (200, DONE_INTENT), (200, {**CREATED, "id": "y"}))
    comparison = hold_to(before, client.contract, client, {})
    assert (list(comparison.groups), dict(comparison.not_compared)) == ([], {UNANSWERED: 2})
    assert (comparison.pairs, len(asked)) == (2, 4)


def test_a_silent_target_ends_the_run(asked: list[httpx.Request]) -> None:
    contract = load_contract("dots")
    clock = SkippingClock()

    def silent(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        clock.sleep(31)
        raise httpx.ReadTimeout("nothing came")

    target = make_target(contract, base_url="http://new.test", api_key="one:two")
    client = Client(contract, target, History(Redactor({})), transport=httpx.MockTransport(silent), clock=clock)
    before = [exchange(number, CREATE, {"amount": number}, {**CREATED, "id": f"{number}"}) for number in range(1, 30)]
    comparison = hold_to(before, contract, client, {})
    assert len(asked) < 5
    assert sum(comparison.not_compared.values()) == len(before) - len(asked)
    assert [(group.place, group.b) for group in comparison.groups] == [("answer", "no answer")]
