"""Keys in use, and races: what the known-good server does with requests at once, and that each known-bad one races."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from conformance.reference import Policies, create_app, policies_of, target_settings
from conformance.reference.faults import at_once, key_policies
from conformance.reference.idempotency import Idempotency
from conformance.reference.model import Intent, Page
from conformance.reference.operations import OPERATIONS
from conformance.reference.policies import Task

PATIENCE = 20.0  # seconds
PATHS = {
    "stripe": "/v1/payment_intents",
    "revkeen": "/payment-intents",
    "paypercut": "/v1/payment_intents",
    "dots": "/v2/payment-intents",
}
WITH_HEADER = ("stripe", "revkeen", "paypercut")
IN_USE = {
    "stripe": (409, "invalid_request_error", "idempotency_key_in_use"),
    "revkeen": (409, "idempotency_error", "idempotency_in_progress"),
}


def _sound(provider: str, amount: int = 2000, **members: Any) -> dict[str, Any]:
    """A create's members; ``amount`` in minor units."""
    lent = target_settings(provider)["instruments"]
    return {
        "stripe": {"amount": amount, "currency": "usd", "payment_method_types[]": "card"},
        "revkeen": {"amount": amount, "customer": lent["customer"]},
        "paypercut": {"amount": amount, "currency": "EUR"},
        "dots": {"amount": amount, "currency": "usd"},
    }[provider] | members


class Server:
    """A client of a new server; ``send`` is safe in threads."""

    def __init__(self, connect: Any, provider: str, policies: Policies | None = None) -> None:
        self.provider = provider
        self.client: httpx.Client = connect(provider, policies)
        self.path = PATHS[provider]

    def send(self, path: str, body: dict[str, Any], key: str = "") -> httpx.Response:
        headers = {}
        if key and self.provider == "dots":
            body = {**body, "idempotency_key": str(UUID(int=int.from_bytes(key.encode()), version=4))}
        elif key:
            headers["Idempotency-Key"] = key
        sent: dict[str, Any] = {"data": body} if self.provider == "stripe" else {"json": body}
        return self.client.post(self.path + path, headers=headers, **sent)

    def create(self, key: str = "", amount: int = 2000, **members: Any) -> httpx.Response:
        return self.send("", _sound(self.provider, amount, **members), key)

    def made(self, **members: Any) -> str:
        return str(self.create(**members).json()["id"])

    def confirm(self, intent: str, key: str = "") -> httpx.Response:
        member = "payment_method_id" if self.provider == "dots" else "payment_method"
        return self.send(f"/{intent}/confirm", {member: target_settings(self.provider)["instruments"]["success"]}, key)

    def held(self) -> str:
        """An intent whose money is held."""
        intent = self.made(capture_method="manual")
        assert self.confirm(intent).status_code == 200
        return intent

    def shown(self, intent: str) -> Any:
        return self.client.get(f"{self.path}/{intent}").json()


class Held:
    """A create that stands still in the first request of all until it is let go."""

    def __init__(self, provider: str, crash: Exception | None = None) -> None:
        self.begun, self.let_go, self.carried_out = threading.Event(), threading.Event(), 0
        policies = policies_of(provider)
        act: Callable[[Task], Intent | Page] = {**OPERATIONS, **policies.operations}["create"]

        def create(task: Task) -> Intent | Page:
            self.carried_out += 1
            if not self.begun.is_set():
                self.begun.set()
                assert self.let_go.wait(PATIENCE)
                if crash:
                    raise crash
            return act(task)

        self.policies = replace(policies, operations={**policies.operations, "create": create})

    @contextmanager
    def first(self, send: Callable[[], httpx.Response]) -> Iterator[Future[httpx.Response]]:
        """While the block lasts, the request is under way; it has its answer afterwards."""
        with ThreadPoolExecutor(1) as threads:
            under_way = threads.submit(send)
            try:
                assert self.begun.wait(PATIENCE)
                yield under_way
            finally:
                self.let_go.set()


def at_the_same_time(*calls: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """The answers to requests that are released together."""
    start = threading.Barrier(len(calls))

    def released(call: Callable[[], httpx.Response]) -> httpx.Response:
        start.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(released, calls))


def error_of(answer: httpx.Response) -> Any:
    body = answer.json()
    return body["error"] if isinstance(body.get("error"), dict) else body


# -- the known-good server


@pytest.mark.parametrize("provider", IN_USE)
def test_a_key_in_use_is_refused_and_nothing_is_kept_of_that(connect: Any, provider: str) -> None:
    held = Held(provider)
    server = Server(connect, provider, held.policies)
    with held.first(lambda: server.create("one")) as first:
        refused = server.create("one")
    error = error_of(refused)
    assert (refused.status_code, error["type"], error["code"]) == IN_USE[provider]
    assert not [name for name in refused.headers if "replayed" in name.lower()]
    again = server.create("one")
    assert (again.status_code, again.content) == (200, first.result().content)
    assert held.carried_out == 1


@pytest.mark.parametrize("provider", ["paypercut", "dots"])
def test_a_key_in_use_waits_for_the_first_answer(connect: Any, monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
    monkeypatch.setattr("conformance.reference.idempotency.KEY_PATIENCE", 2 * PATIENCE)
    held = Held(provider)
    server = Server(connect, provider, held.policies)
    with ThreadPoolExecutor(1) as threads:
        with held.first(lambda: server.create("one")) as first:
            second = threads.submit(server.create, "one")
            with pytest.raises(TimeoutError):
                second.result(0.2)
        assert second.result(PATIENCE).content == first.result().content
    assert held.carried_out == 1


@pytest.mark.parametrize("provider", ["paypercut", "dots"])
def test_who_waits_in_vain_is_refused(connect: Any, monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
    monkeypatch.setattr("conformance.reference.idempotency.KEY_PATIENCE", 0.05)
    held = Held(provider)
    server = Server(connect, provider, held.policies)
    with held.first(lambda: server.create("one")):
        assert server.create("one").status_code == 409
    assert held.carried_out == 1


@pytest.mark.parametrize("provider", PATHS)
def test_another_key_is_not_concerned(connect: Any, provider: str) -> None:
    """It is looked up while the first is carried out, and carried out when that has ended."""
    held = Held(provider)
    server = Server(connect, provider, held.policies)
    with ThreadPoolExecutor(1) as threads:
        with held.first(lambda: server.create("one")) as first:
            second = threads.submit(server.create, "two")
        assert second.result(PATIENCE).status_code == 200
        assert second.result().json()["id"] != first.result().json()["id"]


@pytest.mark.parametrize("provider", WITH_HEADER)
def test_another_request_under_a_key_in_use_is_the_conflict_that_it_is_later(connect: Any, provider: str) -> None:
    held = Held(provider)
    server = Server(connect, provider, held.policies)
    with held.first(lambda: server.create("one")):
        at_once = server.create("one", amount=3000)
    later = server.create("one", amount=3000)
    assert at_once.status_code == later.status_code >= 400
    errors = [{**error_of(answer), "request_id": "", "trace_id": ""} for answer in (at_once, later)]
    assert errors[0] == errors[1]
    assert errors[0]["type"] == "idempotency_error"


@pytest.mark.parametrize("provider", PATHS)
def test_a_crash_frees_the_key_and_is_not_kept(connect: Any, provider: str) -> None:
    held = Held(provider, crash=ZeroDivisionError("crash"))
    server = Server(connect, provider, held.policies)
    with held.first(lambda: server.create("one")) as first:
        pass
    with pytest.raises(ZeroDivisionError):
        first.result()
    assert server.create("one").status_code == 200
    assert held.carried_out == 2


@pytest.mark.parametrize("provider", PATHS)
def test_two_hundred_requests_with_one_key_make_one_intent(connect: Any, provider: str) -> None:
    server = Server(connect, provider)
    answers = at_the_same_time(*[lambda: server.create("one")] * 200)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 1
    if provider in ("paypercut", "dots"):
        assert {answer.status_code for answer in answers} == {200}
    assert server.create("one").status_code == 200
    if provider in ("stripe", "revkeen"):
        assert len(server.client.get(server.path).json()["data"]) == 1


@pytest.mark.parametrize("provider", PATHS)
def test_of_confirms_at_once_one_charges(connect: Any, provider: str) -> None:
    server = Server(connect, provider)
    intent = server.made()
    answers = at_the_same_time(*[lambda: server.confirm(intent)] * 20)
    assert sum(answer.status_code == 200 for answer in answers) == 1


# -- the known-bad ones: each race is really there


def faulty(connect: Any, provider: str, fault: str) -> Server:
    return Server(connect, provider, policies_of(provider, fault))


@pytest.mark.parametrize("provider", PATHS)
@pytest.mark.parametrize("window", [0.02, 0.2])
def test_a_key_looked_up_early_makes_several_intents(connect: Any, provider: str, window: float) -> None:
    change = key_policies.looks_up_keys_early(window, "create")
    server = Server(connect, provider, change(policies_of(provider)))
    ids = {one.json()["id"] for one in at_the_same_time(*[lambda: server.create("one")] * 4)}
    assert len(ids) > 1
    assert server.create("one").json()["id"] in ids, "afterwards it is known"


def test_a_window_that_nobody_meets_does_no_harm(connect: Any) -> None:
    """Of requests one after the other, each finds the key that it was to find."""
    change = key_policies.looks_up_keys_early(0.2)
    server = Server(connect, "stripe", change(policies_of("stripe")))
    first = server.create("one")
    assert server.create("one").content == first.content


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ("answers_duplicates_with_an_id_alone", 200, {"id"}),
        ("answers_duplicates_with_nothing", 200, None),
        ("falls_over_duplicates", 500, {"message"}),
    ],
)
@pytest.mark.parametrize("provider", WITH_HEADER)
def test_what_becomes_of_duplicates(
    connect: Any, provider: str, fault: str, status: int, body: set[str] | None
) -> None:
    server = faulty(connect, provider, fault)
    answers = at_the_same_time(*[lambda: server.create("one")] * 3)
    whole = [answer for answer in answers if answer.content and "status" in answer.json()]
    others = [answer for answer in answers if answer not in whole]
    assert len(whole) == 1
    assert {answer.status_code for answer in others} == {status}
    assert all((answer.json().keys() if answer.content else None) == body for answer in others)
    assert server.create("one").content == whole[0].content


@pytest.mark.parametrize("provider", WITH_HEADER)
def test_a_conflict_that_is_kept(connect: Any, provider: str) -> None:
    server = faulty(connect, provider, "keeps_conflicts_for_ever")
    assert sorted(one.status_code for one in at_the_same_time(*[lambda: server.create("one")] * 2)) == [200, 409]
    assert [server.create("one").status_code for _ in range(2)] == [409, 409]
    assert [server.create("two").status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("provider", PATHS)
def test_two_confirms_charge(connect: Any, provider: str) -> None:
    server = faulty(connect, provider, "confirms_twice_at_once")
    intent = server.made()
    answers = at_the_same_time(*[lambda: server.confirm(intent)] * 2)
    assert [answer.status_code for answer in answers] == [200, 200]
    if member := {"stripe": "latest_charge", "dots": "transfer_id"}.get(provider):
        assert len({answer.json()[member] for answer in answers}) == 2
    assert server.confirm(intent).status_code >= 400, "one after the other they do not"


@pytest.mark.parametrize("provider", WITH_HEADER)
def test_two_confirms_charge_under_one_key(connect: Any, provider: str) -> None:
    server = faulty(connect, provider, "charges_twice_under_one_key")
    intent = server.made()
    answers = at_the_same_time(*[lambda: server.confirm(intent, "one")] * 2)
    assert [answer.status_code for answer in answers] == [200, 200]
    if provider != "revkeen":  # whose intents look alike
        assert answers[0].content != answers[1].content
    assert server.confirm(intent, "one").status_code == 200


@pytest.mark.parametrize(
    ("fault", "status"),
    [("charges_what_is_being_canceled", "succeeded"), ("cancels_what_is_being_charged", "canceled")],
)
@pytest.mark.parametrize("provider", WITH_HEADER)
def test_confirm_and_cancel_both_succeed(connect: Any, provider: str, fault: str, status: str) -> None:
    server = faulty(connect, provider, fault)
    intent = server.made()
    answers = at_the_same_time(lambda: server.confirm(intent), lambda: server.send(f"/{intent}/cancel", {}))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert server.shown(intent)["status"] == status


@pytest.mark.parametrize("provider", ["stripe", "paypercut"])
def test_an_overlooked_capture_shows_as_one_too_many(connect: Any, provider: str) -> None:
    server = faulty(connect, provider, "captures_twice_at_once")
    intent = server.held()
    answers = at_the_same_time(*[lambda: server.send(f"/{intent}/capture", {})] * 2)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert server.send(f"/{intent}/capture", {}).status_code >= 400


def test_what_is_collected_twice_adds_up(connect: Any) -> None:
    server = faulty(connect, "paypercut", "collects_twice_at_once")
    intent = server.held()
    at_the_same_time(*[lambda: server.send(f"/{intent}/capture", {})] * 2)
    assert server.shown(intent)["amount_received"] == 4000


@pytest.mark.parametrize("provider", ["stripe", "revkeen"])
def test_an_update_changes_what_is_being_charged(connect: Any, provider: str) -> None:
    server = faulty(connect, provider, "changes_amounts_while_it_charges")
    intent = server.made()
    at_the_same_time(lambda: server.send(f"/{intent}", {"amount": 5000}), lambda: server.confirm(intent))
    shown = server.shown(intent)
    assert (shown["status"], shown["amount"], shown["amount_received"]) == ("succeeded", 5000, 2000)


@pytest.mark.parametrize("provider", ["stripe", "revkeen"])
def test_an_update_is_lost_behind_a_charge(connect: Any, provider: str) -> None:
    server = faulty(connect, provider, "loses_updates_while_it_charges")
    intent = server.made()
    updated, _ = at_the_same_time(lambda: server.send(f"/{intent}", {"amount": 5000}), lambda: server.confirm(intent))
    assert updated.json()["amount"] == 5000
    assert server.shown(intent)["amount"] == server.shown(intent)["amount_received"] == 2000


@pytest.mark.parametrize("provider", PATHS)
def test_creates_at_once_become_one(connect: Any, provider: str) -> None:
    server = faulty(connect, provider, "mixes_up_creates_at_once")
    at_once = at_the_same_time(lambda: server.create("one"), lambda: server.create("two"))
    assert len({answer.json()["id"] for answer in at_once}) == 1
    assert server.create("three").json()["id"] != server.create("four").json()["id"]


def test_only_five_keys_are_remembered(connect: Any) -> None:
    server = faulty(connect, "stripe", "remembers_five_keys")
    first = [server.create(f"key-{number}").json()["id"] for number in range(6)]
    again = [server.create(f"key-{number}").json()["id"] for number in (5, 4, 3, 2, 1, 0)]
    assert again[:5] == first[:0:-1]
    assert again[5] != first[0]


@pytest.mark.parametrize("provider", PATHS)
def test_in_the_main_thread_no_fault_lingers(connect: Any, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that come one after the other take no longer than they would."""

    def sleep(seconds: float) -> None:
        raise AssertionError(f"slept for {seconds} s")

    monkeypatch.setattr("conformance.reference.faults.keys.sleep", sleep)
    for fault in getattr(at_once, provider.upper()):
        policies = fault.change(policies_of(provider))
        if policies.workers == 1:
            server = Server(connect, provider, policies)
            server.confirm(server.made(key="one"), "two")
            server.create("one")


def test_each_server_has_an_idempotency_that_the_makers_can_vary() -> None:
    assert all(isinstance(policies_of(provider).idempotency, Idempotency) for provider in PATHS)


def test_several_processes_need_a_socket() -> None:
    with pytest.raises(ValueError, match="socket"):
        create_app("stripe", replace(policies_of("stripe"), workers=2))
