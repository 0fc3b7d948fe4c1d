"""The reference server as RevKeen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from conformance.reference import policies_of

PATH = "/payment-intents"


@pytest.fixture
def revkeen(connect: Any) -> httpx.Client:
    client: httpx.Client = connect("revkeen")
    return client


@pytest.fixture
def methods(lent: Any) -> dict[str, str]:
    instruments: dict[str, str] = lent("revkeen")
    return instruments


@pytest.fixture
def minimal(methods: dict[str, str]) -> dict[str, Any]:
    return {"amount": 5000, "customer": methods["customer"]}


def confirm(client: httpx.Client, intent: dict[str, Any], **body: Any) -> httpx.Response:
    return client.post(f"{PATH}/{intent['id']}/confirm", json=body)


def read(client: httpx.Client, intent: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"{PATH}/{intent['id']}").json()
    return body


def test_create_has_the_documented_defaults(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    answer = revkeen.post(PATH, json={**minimal, "metadata": {"a": [1, None]}})
    intent = answer.json()
    assert (answer.status_code, answer.headers["RevKeen-Version"]) == (200, "2026-05-01")
    assert (intent["status"], intent["currency"], intent["capture_method"]) == (
        "requires_payment_method",
        "USD",
        "automatic",
    )
    assert intent["metadata"] == {"a": [1, None]}
    assert read(revkeen, intent) == intent


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"amount": None}, "amount"),
        ({"amount": 0}, "amount"),
        ({"amount": "5000"}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": True}, "amount"),
        ({"customer": "not-a-uuid"}, "customer"),
        ({"customer": "00000000-0000-4000-8000-000000000000"}, "customer"),
        ({"currency": "US"}, "currency"),
        ({"capture_method": "later"}, "capture_method"),
        ({"description": "x" * 501}, "description"),
        ({"statement_descriptor": "x" * 23}, "statement_descriptor"),
        ({"receipt_email": "nobody"}, "receipt_email"),
        ({"metadata": []}, "metadata"),
        ({"zzz_unknown": 1}, "zzz_unknown"),
    ],
)
def test_create_refuses(revkeen: httpx.Client, minimal: dict[str, Any], change: dict[str, Any], param: str) -> None:
    answer = revkeen.post(PATH, json={**minimal, **change})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"], error["param"]) == (
        400,
        "invalid_request_error",
        "validation_error",
        param,
    )
    assert error["details"]["fields"][param]


def test_missing_members_are_refused(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    for name in minimal:
        rest = {key: value for key, value in minimal.items() if key != name}
        assert revkeen.post(PATH, json=rest).json()["error"]["param"] == name


@pytest.mark.parametrize(
    "body",
    [b'{"amount":', b"[]", b"\xff", b"NaN", b'{"amount": 1e999}', b"[" * 100_000, b'{"a":' * 90 + b"1" + b"}" * 90],
)
def test_garbled_json_is_a_client_error(revkeen: httpx.Client, body: bytes) -> None:
    answer = revkeen.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_confirm_pays_and_holds_and_takes_no_body(
    revkeen: httpx.Client, minimal: dict[str, Any], methods: dict[str, str]
) -> None:
    ready = revkeen.post(PATH, json={**minimal, "payment_method": methods["success"]}).json()
    assert (ready["status"], ready["payment_method"]) == ("requires_confirmation", methods["success"])
    paid = revkeen.post(f"{PATH}/{ready['id']}/confirm").json()
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 5000)
    manual = revkeen.post(PATH, json={**minimal, "capture_method": "manual"}).json()
    held = confirm(revkeen, manual, payment_method=methods["success"]).json()
    assert (held["status"], held["amount_capturable"], held["amount_received"]) == ("processing", 5000, 0)
    assert confirm(revkeen, paid).status_code == 400
    assert read(revkeen, paid) == paid


def test_decline_is_refused_and_recorded(
    revkeen: httpx.Client, minimal: dict[str, Any], methods: dict[str, str]
) -> None:
    intent = revkeen.post(PATH, json=minimal).json()
    answer = confirm(revkeen, intent, payment_method=methods["declined"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "card_declined")
    recorded = read(revkeen, intent)
    assert recorded["status"] == "requires_payment_method"
    assert recorded["last_payment_error"]["payment_method"]["id"] == methods["declined"]


@pytest.mark.parametrize(("outcome", "status"), [("success", "succeeded"), ("failure", "requires_payment_method")])
def test_action(
    revkeen: httpx.Client, minimal: dict[str, Any], methods: dict[str, str], outcome: str, status: str
) -> None:
    intent = revkeen.post(PATH, json=minimal).json()
    back = "https://example.com/return"
    pending = confirm(revkeen, intent, payment_method=methods["authentication"], return_url=back).json()
    redirect = pending["next_action"]["redirect_to_url"]
    assert (pending["status"], redirect["return_url"]) == ("requires_action", back)
    assert "/v2/" in redirect["url"]
    assert revkeen.get(redirect["url"], params={"outcome": outcome}).status_code == 200
    assert read(revkeen, intent)["status"] == status


def test_confirm_refuses_bad_values(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    intent = revkeen.post(PATH, json=minimal).json()
    for body, param in (
        ({"return_url": "::"}, "return_url"),
        ({"payment_method": "nope"}, "payment_method"),
        ({}, None),
    ):
        answer = confirm(revkeen, intent, **body)
        assert (answer.status_code, answer.json()["error"].get("param")) == (400, param)
    assert read(revkeen, intent) == intent


def created(client: httpx.Client, minimal: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = client.post(PATH, json={**minimal, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture
def held(revkeen: httpx.Client, minimal: dict[str, Any], methods: dict[str, str]) -> dict[str, Any]:
    intent = created(revkeen, minimal, capture_method="manual", payment_method=methods["success"])
    body: dict[str, Any] = confirm(revkeen, intent).json()
    return body


@pytest.mark.parametrize(
    ("body", "received"),
    [(None, 5000), ({}, 5000), ({"amount_to_capture": 5000}, 5000), ({"amount_to_capture": 1}, 1)],
)
def test_capture(revkeen: httpx.Client, held: dict[str, Any], body: dict[str, Any] | None, received: int) -> None:
    path = f"{PATH}/{held['id']}/capture"
    answer = revkeen.post(path, json=body) if body is not None else revkeen.post(path)
    after = answer.json()
    assert (answer.status_code, after["status"]) == (200, "succeeded")
    assert (after["amount"], after["amount_received"], after["amount_capturable"]) == (5000, received, 0)
    assert read(revkeen, held) == after
    assert revkeen.post(path).json()["error"]["code"] == "invalid_state"
    assert revkeen.post(f"{PATH}/{held['id']}/cancel").status_code == 400


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"amount_to_capture": 5001}, "amount_too_large", "amount_to_capture"),
        ({"amount_to_capture": 0}, "validation_error", "amount_to_capture"),
        ({"amount_to_capture": -1}, "validation_error", "amount_to_capture"),
        ({"amount_to_capture": "5"}, "validation_error", "amount_to_capture"),
        ({"amount_to_capture": 1.5}, "validation_error", "amount_to_capture"),
        ({"zzz_unknown": 1}, "validation_error", "zzz_unknown"),
    ],
)
def test_capture_refuses(
    revkeen: httpx.Client, held: dict[str, Any], body: dict[str, Any], code: str, param: str
) -> None:
    answer = revkeen.post(f"{PATH}/{held['id']}/capture", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert read(revkeen, held) == held


def test_capture_needs_held_money(revkeen: httpx.Client, minimal: dict[str, Any], methods: dict[str, str]) -> None:
    paid = confirm(revkeen, created(revkeen, minimal, payment_method=methods["success"])).json()
    manual = created(revkeen, minimal, capture_method="manual", payment_method=methods["authentication"])
    pending = confirm(revkeen, created(revkeen, minimal), payment_method=methods["authentication"]).json()
    for intent in (created(revkeen, minimal), manual, pending, paid):
        answer = revkeen.post(f"{PATH}/{intent['id']}/capture")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_state")
        assert read(revkeen, intent) == intent


def test_held_money_is_given_back_by_cancel(revkeen: httpx.Client, held: dict[str, Any]) -> None:
    canceled = revkeen.post(f"{PATH}/{held['id']}/cancel").json()
    assert (canceled["status"], canceled["amount_capturable"], canceled["amount_received"]) == ("canceled", 0, 0)
    assert revkeen.post(f"{PATH}/{held['id']}/capture").status_code == 400


def test_update_changes_what_is_sent(revkeen: httpx.Client, minimal: dict[str, Any], methods: dict[str, str]) -> None:
    intent = created(revkeen, minimal, description="old", receipt_email="a@example.com", metadata={"a": 1})
    change = {"amount": 1, "currency": "EUR", "description": "new", "metadata": {"b": [2]}}
    answer = revkeen.post(f"{PATH}/{intent['id']}", json=change)
    assert (answer.status_code, answer.json()) == (200, {**intent, **change, "metadata": {"a": 1, "b": [2]}})
    ready = revkeen.post(f"{PATH}/{intent['id']}", json={"payment_method": methods["success"]}).json()
    assert (ready["status"], ready["payment_method"]) == ("requires_confirmation", methods["success"])
    assert confirm(revkeen, intent).json()["amount_received"] == 1


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"amount": 0}, "amount"),
        ({"currency": "USDD"}, "currency"),
        ({"payment_method": "nope"}, "payment_method"),
        ({"payment_method": "00000000-0000-4000-8000-000000000000"}, "payment_method"),
        ({"description": "x" * 501}, "description"),
        ({"statement_descriptor": "x" * 23}, "statement_descriptor"),
        ({"receipt_email": "nobody"}, "receipt_email"),
        ({"metadata": "x"}, "metadata"),
        ({"customer": "5e7f0000-0000-4000-8000-000000000002"}, "customer"),
    ],
)
def test_update_refuses(revkeen: httpx.Client, minimal: dict[str, Any], change: dict[str, Any], param: str) -> None:
    intent = created(revkeen, minimal)
    answer = revkeen.post(f"{PATH}/{intent['id']}", json=change)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert read(revkeen, intent) == intent


def test_update_comes_before_confirmation(
    revkeen: httpx.Client, minimal: dict[str, Any], methods: dict[str, str], held: dict[str, Any]
) -> None:
    paid = confirm(revkeen, created(revkeen, minimal, payment_method=methods["success"])).json()
    pending = confirm(revkeen, created(revkeen, minimal), payment_method=methods["authentication"]).json()
    canceled = revkeen.post(f"{PATH}/{created(revkeen, minimal)['id']}/cancel").json()
    for intent in (paid, pending, canceled, held):
        answer = revkeen.post(f"{PATH}/{intent['id']}", json={"description": "late"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_state")
        assert read(revkeen, intent) == intent
    assert revkeen.post(f"{PATH}/pi_nobodys", json={"description": "x"}).status_code == 404


def ids(client: httpx.Client, **query: Any) -> list[str]:
    answer = client.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["data"]]


def test_list_is_newest_first_and_paged_by_cursors(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    assert revkeen.get(PATH).json() == {"object": "list", "data": [], "has_more": False, "url": "/v2/payment-intents"}
    intents = [created(revkeen, minimal) for _ in range(22)][::-1]
    all_ids = [intent["id"] for intent in intents]
    first = revkeen.get(PATH).json()
    assert (first["data"], first["has_more"]) == (intents[:20], True)
    last = revkeen.get(PATH, params={"starting_after": all_ids[19]}).json()
    assert (last["data"], last["has_more"]) == (intents[20:], False)
    before = revkeen.get(PATH, params={"ending_before": all_ids[5], "limit": 2}).json()
    assert (before["data"], before["has_more"]) == (intents[3:5], True)
    assert ids(revkeen, starting_after=all_ids[-1]) == ids(revkeen, ending_before=all_ids[0]) == []
    assert (ids(revkeen, limit=1), ids(revkeen, limit=100)) == (all_ids[:1], all_ids)


def test_list_filters(
    revkeen: httpx.Client, minimal: dict[str, Any], methods: dict[str, str], held: dict[str, Any]
) -> None:
    ours = created(revkeen, minimal)
    theirs = created(revkeen, minimal, customer=methods["other_customer"], payment_method=methods["success"])
    assert ids(revkeen, customer=methods["other_customer"]) == [theirs["id"]]
    assert ids(revkeen, customer=methods["customer"].upper()) == [ours["id"], held["id"]]
    assert ids(revkeen, customer="00000000-0000-4000-8000-000000000000") == []
    for intent in (ours, theirs, held):
        assert ids(revkeen, status=intent["status"]) == [intent["id"]]
    assert ids(revkeen, status="canceled") == []
    assert ids(revkeen, customer=methods["customer"], status="processing", offset=7) == [held["id"]]


def test_list_bounds_are_inclusive(connect: Any, minimal: dict[str, Any]) -> None:
    moments = iter([100.9, 101.0, 102.5, *[200.0] * 9])
    client = connect("revkeen", replace(policies_of("revkeen"), clock=lambda: next(moments)))
    early, middle, late = (created(client, minimal)["id"] for _ in range(3))
    assert ids(client, created_gte=101) == [late, middle]
    assert ids(client, created_lte=101) == [middle, early]
    assert ids(client, created_gte=100, created_lte="1.00e2") == [early]
    assert ids(client, created_gte=100.5, created_lte=101.5) == [middle]
    assert ids(client, created_gte=-1, created_lte=0) == []


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "101"},
        {"limit": "ten"},
        {"limit": ""},
        {"status": "requires_capture"},
        {"customer": "nope"},
        {"created_gte": "yesterday"},
        {"created_lte": "1_0"},
        {"starting_after": "pi_nobodys"},
        {"ending_before": "pi_nobodys"},
    ],
)
def test_list_refuses(revkeen: httpx.Client, query: dict[str, str]) -> None:
    answer = revkeen.get(PATH, params=query)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "validation_error", next(iter(query)))


def test_queries_of_other_operations_are_ignored(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    intent = created(revkeen, minimal)
    assert revkeen.get(f"{PATH}/{intent['id']}?zzz=1").json() == intent


def test_keys_count_for_update_and_capture(
    revkeen: httpx.Client, minimal: dict[str, Any], held: dict[str, Any]
) -> None:
    intent = created(revkeen, minimal)
    for path, body in (
        (f"{PATH}/{intent['id']}", {"description": "new"}),
        (f"{PATH}/{held['id']}/capture", {"amount_to_capture": 1}),
    ):
        first, again = (revkeen.post(path, json=body, headers={"Idempotency-Key": "k"}) for _ in range(2))
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["Idempotency-Replayed"] == "true"


def test_cancel(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    intent = revkeen.post(PATH, json=minimal).json()
    assert revkeen.post(f"{PATH}/{intent['id']}/cancel", json={"cancellation_reason": "bored"}).status_code == 400
    canceled = revkeen.post(f"{PATH}/{intent['id']}/cancel", json={"cancellation_reason": "failed_invoice"}).json()
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "failed_invoice")
    assert canceled["canceled_at"].endswith("Z")
    assert revkeen.post(f"{PATH}/{intent['id']}/cancel").status_code == 400


def test_idempotency_keeps_refusals_and_counts_per_path(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "k"}
    first, again = (revkeen.post(PATH, json=minimal, headers=key) for _ in range(2))
    assert again.content == first.content
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    changed = revkeen.post(PATH, json={**minimal, "amount": 1}, headers=key)
    assert (changed.status_code, changed.json()["error"]["code"]) == (409, "idempotency_conflict")
    assert revkeen.post(f"{PATH}/{first.json()['id']}/cancel", headers=key).json()["status"] == "canceled"
    bad = {"Idempotency-Key": "bad"}
    refused, repeated = (revkeen.post(PATH, json={}, headers=bad) for _ in range(2))
    assert (refused.status_code, repeated.content) == (400, refused.content)
    assert repeated.headers["Idempotency-Replayed"] == "true"


def test_keys_count_per_api_key_and_have_a_longest(
    revkeen: httpx.Client, minimal: dict[str, Any], methods: dict[str, str]
) -> None:
    key, other = {"Idempotency-Key": "k" * 255}, {"x-api-key": methods["other_api_key"]}
    mine = revkeen.post(PATH, json=minimal, headers=key).json()
    theirs = revkeen.post(PATH, json=minimal, headers={**key, **other})
    assert theirs.json()["id"] != mine["id"]
    assert "Idempotency-Replayed" not in theirs.headers
    assert revkeen.get(f"{PATH}/{mine['id']}", headers=other).json() == mine
    assert revkeen.post(PATH, json=minimal, headers={"Idempotency-Key": "k" * 256}).status_code == 400


def test_authentication(revkeen: httpx.Client, minimal: dict[str, Any]) -> None:
    intent = revkeen.post(PATH, json=minimal).json()
    for key, status in (("rk_sandbox_read_only", 403), ("rk_sandbox_invalid", 401), ("", 401)):
        answer = revkeen.post(PATH, json=minimal, headers={"x-api-key": key})
        assert answer.status_code == status
    assert answer.headers["WWW-Authenticate"]
    reader = {"x-api-key": "rk_sandbox_read_only"}
    for path in (PATH, f"{PATH}/{intent['id']}"):
        assert revkeen.get(path, headers=reader).status_code == 200
    for path in ("", "/confirm", "/capture", "/cancel"):
        assert revkeen.post(f"{PATH}/{intent['id']}{path}", headers=reader).status_code == 403


def test_unknown_ids_and_paths(revkeen: httpx.Client) -> None:
    for path in (f"{PATH}/pi_nobodys", "/payment-intentz"):
        answer = revkeen.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_missing")
    assert revkeen.get(f"{PATH}/x/confirm").status_code == 405
    assert revkeen.get("http://reference.invalid/payment-intents/x").status_code == 404


def test_a_merchant_sees_nothing_of_another_one(
    revkeen: httpx.Client, methods: dict[str, str], minimal: dict[str, Any]
) -> None:
    own = revkeen.post(PATH, json=minimal).json()
    stranger = {"x-api-key": methods["stranger_key"]}
    strange = revkeen.post(PATH, json=minimal, headers=stranger).json()
    assert revkeen.get(f"{PATH}/{own['id']}", headers=stranger).status_code == 404
    assert revkeen.post(f"{PATH}/{own['id']}/cancel", json={}, headers=stranger).status_code == 404
    assert revkeen.get(f"{PATH}/{strange['id']}").status_code == 404
    listed = {
        key: revkeen.get(PATH, params={"limit": 100}, headers=key and stranger).json()["data"] for key in ("", "s")
    }
    assert [intent["id"] for intent in listed[""]] == [own["id"]]
    assert [intent["id"] for intent in listed["s"]] == [strange["id"]]
