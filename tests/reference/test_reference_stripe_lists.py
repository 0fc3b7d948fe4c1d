"""The reference server's lists and searches as Stripe."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

PATH = "/v1/payment_intents"
CREATE = {"amount": "2000", "currency": "usd", "payment_method_types[]": "card"}


@pytest.fixture
def stripe(connect: Any) -> httpx.Client:
    client: httpx.Client = connect("stripe")
    return client


def create(client: httpx.Client, **more: str) -> str:
    body: dict[str, Any] = client.post(PATH, data={**CREATE, **more}).json()
    return str(body["id"])


def ids(client: httpx.Client, path: str = PATH, **query: str) -> list[str]:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["data"]]


def refusal(answer: httpx.Response) -> tuple[int, str | None, str | None]:
    error = answer.json()["error"]
    return answer.status_code, error.get("code"), error.get("param")


def test_list_is_newest_first_and_ten_at_a_time(stripe: httpx.Client) -> None:
    made = [create(stripe) for _ in range(12)][::-1]
    page = stripe.get(PATH).json()
    assert (page["object"], page["url"], page["has_more"]) == ("list", PATH, True)
    assert [item["id"] for item in page["data"]] == made[:10]
    assert page["data"][0] == stripe.get(f"{PATH}/{made[0]}").json()
    assert ids(stripe, limit="12") == ids(stripe, limit="100") == made
    assert stripe.get(PATH, params={"limit": "12"}).json()["has_more"] is False


def test_list_pages_both_ways(stripe: httpx.Client) -> None:
    made = [create(stripe) for _ in range(5)][::-1]
    assert ids(stripe, starting_after=made[1], limit="2") == made[2:4]
    before = stripe.get(PATH, params={"ending_before": made[3], "limit": "2"}).json()
    assert ([item["id"] for item in before["data"]], before["has_more"]) == (made[1:3], True)
    assert ids(stripe, ending_before=made[2]) == made[:2]
    assert ids(stripe, starting_after=made[0], ending_before=made[4], limit="2") == made[1:3]
    last = stripe.get(PATH, params={"starting_after": made[4]}).json()
    assert (last["data"], last["has_more"]) == ([], False)


def test_list_filters(stripe: httpx.Client, lent: Any) -> None:
    known = lent("stripe")
    one = create(stripe, customer=known["customer"])
    other = create(stripe, customer=known["other_customer"])
    assert ids(stripe, customer=known["customer"]) == [one]
    assert ids(stripe, customer="cus_nobody") == []
    created = stripe.get(f"{PATH}/{other}").json()["created"]
    around = {"created[gte]": str(created - 5), "created[lt]": str(created + 5)}
    assert ids(stripe, **around) == [other, one]
    assert ids(stripe, **{"created[lt]": str(created - 5)}) == ids(stripe, created=str(created - 5)) == []
    assert other in ids(stripe, created=str(created))


def test_list_expands_below_data(stripe: httpx.Client, lent: Any) -> None:
    create(stripe, customer=lent("stripe")["customer"], payment_method="pm_card_visa")
    expanded = {"expand[0]": "data.payment_method", "expand[1]": "data.customer", "expand[2]": "data.latest_charge"}
    item = stripe.get(PATH, params=expanded).json()["data"][0]
    assert [item[name]["object"] for name in ("payment_method", "customer")] == ["payment_method", "customer"]
    assert item["latest_charge"] is None
    assert isinstance(stripe.get(PATH).json()["data"][0]["payment_method"], str)


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ({"limit": "0"}, None, "limit"),
        ({"limit": "101"}, None, "limit"),
        ({"limit": "many"}, "parameter_invalid_integer", "limit"),
        ({"starting_after": "pi_nobodys"}, "resource_missing", "starting_after"),
        ({"ending_before": "pi_nobodys"}, "resource_missing", "ending_before"),
        ({"created": "today"}, "parameter_invalid_integer", "created"),
        ({"expand[]": "payment_method"}, None, "expand"),
        ({"expand[]": "data.amount"}, None, "expand"),
        ({"expand[]": "data.latest_charge.a.b.c"}, None, "expand"),
        ({"status": "succeeded"}, "parameter_unknown", "status"),
    ],
)
def test_list_refuses(stripe: httpx.Client, query: dict[str, str], code: str | None, param: str) -> None:
    assert refusal(stripe.get(PATH, params=query)) == (400, code, param)


def test_list_needs_a_secret_key(stripe: httpx.Client) -> None:
    stripe.headers["Authorization"] = "Bearer pk_test_reference"
    assert refusal(stripe.get(PATH))[:2] == (403, "secret_key_required")


# -- search

SEARCH = f"{PATH}/search"


@pytest.mark.parametrize(
    "query",
    [
        "amount>2999",
        "amount>=3000 AND amount<3001",
        "amount:3000",
        'currency:"eur"',
        'metadata["order"]:"A 7"',
        'status:"requires_confirmation"',
        'customer:"{customer}"  AND  amount<=3000',
        "created>1000000000 AND amount:3000",
    ],
)
def test_search_finds(stripe: httpx.Client, lent: Any, query: str) -> None:
    customer = lent("stripe")["customer"]
    wanted = create(
        stripe,
        amount="3000",
        currency="eur",
        customer=customer,
        payment_method="pm_card_visa",
        **{"metadata[order]": "A 7"},
    )
    create(stripe)
    assert ids(stripe, SEARCH, query=query.format(customer=customer)) == [wanted]


def test_search_pages_and_counts(stripe: httpx.Client) -> None:
    made = [create(stripe) for _ in range(3)][::-1]
    first = stripe.get(SEARCH, params={"query": "amount:2000", "limit": "2", "expand[]": "total_count"}).json()
    assert (first["object"], first["has_more"], first["url"], first["total_count"]) == (
        "search_result",
        True,
        SEARCH,
        3,
    )
    last = stripe.get(SEARCH, params={"query": "amount:2000", "limit": "2", "page": first["next_page"]}).json()
    assert [item["id"] for item in [*first["data"], *last["data"]]] == made
    assert (last["has_more"], last["next_page"], "total_count" in last) == (False, None, False)


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ({}, "parameter_missing", "query"),
        ({"query": ""}, None, "query"),
        ({"query": "amount"}, None, "query"),
        ({"query": "amount>many"}, None, "query"),
        ({"query": "amount>1 AND "}, None, "query"),
        ({"query": "amount>1 amount<2"}, None, "query"),
        ({"query": 'colour:"red"'}, None, "query"),
        ({"query": "amount>1", "limit": "101"}, None, "limit"),
        ({"query": "amount>1", "page": "nowhere"}, "resource_missing", "page"),
        ({"query": "amount>1", "starting_after": "x"}, "parameter_unknown", "starting_after"),
        ({"query": "amount>1", "expand[]": "customer"}, None, "expand"),
    ],
)
def test_search_refuses(stripe: httpx.Client, query: dict[str, str], code: str | None, param: str) -> None:
    assert refusal(stripe.get(SEARCH, params=query)) == (400, code, param)


def test_search_is_read_only(stripe: httpx.Client) -> None:
    assert refusal(stripe.post(SEARCH, data={"query": "amount>1"})) == (404, "resource_missing", "intent")
