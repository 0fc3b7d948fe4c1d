"""Secrets that were left in a recording are named by kind and place; placeholders and test values are not."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st

from conformance.evidence.exchange import Exchange, Headers, Request, Response
from conformance.evidence.leftovers import Leftover, left_secrets
from conformance.evidence.redaction import Redactor

LIVE = ("sk_live_", "rk_live_", "acme_live_")
KEY = "sk_test_4fAkE0notAKey9z"
SECRET = "pi_3Q0_secret_9fAkEnotASecret0z"
CARD = "4539578763621486"
JSON: Headers = (("content-type", "application/json"),)
FORM: Headers = (("content-type", "application/x-www-form-urlencoded"),)


def exchange(
    url: str = "/v1/payment_intents",
    sent: Headers = (),
    body: bytes = b"",
    received: Headers = JSON,
    answer: Any = None,
    **more: Any,
) -> Exchange:
    told = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return Exchange(1, Request("POST", url, sent, body), Response(200, received, told), **more)


def basic(user: str, password: str = "") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


LEFT = {
    "a key": (exchange(sent=(("Authorization", f"Bearer {KEY}"),)), "key", "request header Authorization"),
    "a key as user": (exchange(sent=(("authorization", basic(KEY)),)), "key", "request header authorization"),
    "a key of its own header": (
        exchange(sent=(("X-Api-Key", "9fAkE0notAKey"),)),
        "credential",
        "request header X-Api-Key",
    ),
    "a password": (
        exchange(sent=(("Authorization", basic("anna", "9fAkE-pass")),)),
        "password",
        "request header Authorization",
    ),
    "a live key": (
        exchange(sent=(("Authorization", "Bearer sk_live_9fAkE0"),)),
        "live key",
        "request header Authorization",
    ),
    "a live key as user": (
        exchange(sent=(("Authorization", basic("rk_live_9fAkE0")),)),
        "live key",
        "request header Authorization",
    ),
    "another's live key": (exchange(sent=(("X-Api-Key", "acme_live_9f0"),)), "live key", "request header X-Api-Key"),
    "a live key in a message": (
        exchange(answer={"error": {"message": "Invalid key: sk_live_9fAkE0"}}),
        "live key",
        "response body /error/message",
    ),
    "a publishable key": (exchange(answer={"pk": "pk_test_9fAkE0"}), "publishable key", "response body /pk"),
    "a token": (exchange(answer={"access_token": "9fAkE0notAToken"}), "credential", "response body /access_token"),
    "a cookie": (exchange(sent=(("Cookie", "theme=; session=9fAkE0"),)), "cookie", "request header Cookie"),
    "a cookie that is set": (
        exchange(received=(("Set-Cookie", "s=9fAkE0; Path=/"),)),
        "cookie",
        "response header Set-Cookie",
    ),
    "a client secret": (exchange(answer={"client_secret": SECRET}), "client secret", "response body /client_secret"),
    "a client secret within": (
        exchange(answer={"data": [{}, {"next": {"client_secret": SECRET}}]}),
        "client secret",
        "response body /data/1/next/client_secret",
    ),
    "a client secret in the query": (
        exchange(f"/v1/payment_intents/pi_3Q0?expand[]=x&client_secret={SECRET}"),
        "client secret",
        "request URL ?client_secret",
    ),
    "a client secret in a URL in the answer": (
        exchange(answer={"url": f"https://hooks.example.com/x?payment_intent_client_secret={SECRET}&key=pk_test_MASKED"}),
        "client secret",
        "response body /url",
    ),
    "a card number": (
        exchange(sent=FORM, body=f"card[number]={CARD}".encode()),
        "card number",
        "request body card[number]",
    ),
    "a card number in prose": (
        exchange(answer={"message": f"The card {CARD} was declined."}),
        "card number",
        "response body /message",
    ),
    "a card number of four groups": (
        exchange(sent=JSON, body=b'{"card": {"number": "4539 5787 6362 1486"}}'),
        "card number",
        "request body /card/number",
    ),
    "a security code": (
        exchange(sent=FORM, body=b"payment_method_data%5Bcard%5D%5Bcvc%5D=813"),
        "security code",
        "request body payment_method_data[card][cvc]",
    ),
    "a security code as a number": (
        exchange(sent=JSON, body=b'{"card": {"cvv": 813}}'),
        "security code",
        "request body /card/cvv",
    ),
    "a key in what is no JSON": (exchange(answer=f"<p>{KEY}</p>".encode()), "key", "response body"),
    "a key in the address": (exchange(f"https://{KEY}:@api.example.com/v1/x"), "key", "request URL"),
    "a key in a compressed body": (
        exchange(received=(*JSON, ("content-encoding", "gzip")), answer=gzip.compress(b'{"a": "%s"}' % KEY.encode())),
        "key",
        "response body /a",
    ),
    "an e-mail address": (
        exchange(answer={"receipt_email": "anna@shop.test.net", "billing": {"email": "buyer@example.com"}}),
        "e-mail address",
        "response body /receipt_email",
    ),
    "a key in a failure": (exchange(failure=f"refused {KEY}"), "key", "failure"),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_is_named(name: str) -> None:
    given, kind, place = LEFT[name]
    assert left_secrets(given, LIVE) == [Leftover(kind, place)]


@pytest.mark.parametrize("name", LEFT)
def test_nothing_is_left_by_our_own_redaction(name: str) -> None:
    assert left_secrets(Redactor({}).exchange(LEFT[name][0]), LIVE) == []


def test_all_that_is_left_is_named_once_live_keys_first() -> None:
    given = exchange(
        sent=(("Authorization", f"Bearer {KEY}"), *FORM),
        body=f"card[number]={CARD}&card[cvc]=813&note={SECRET}".encode(),
        answer={"client_secret": SECRET, "note": f"{SECRET} {KEY} sk_live_9fAkE0 {KEY}"},
    )
    found = left_secrets(given, LIVE)
    assert found[0] == Leftover("live key", "response body /note")
    assert set(found) == {
        found[0],
        Leftover("key", "request header Authorization"),
        Leftover("card number", "request body card[number]"),
        Leftover("security code", "request body card[cvc]"),
        Leftover("client secret", "request body note"),
        Leftover("client secret", "response body /client_secret"),
        Leftover("client secret", "response body /note"),
        Leftover("key", "response body /note"),
    }
    assert len(found) == len(set(found))


def test_a_place_does_not_tell_a_secret() -> None:
    given = exchange(f"/x?{KEY}=1", sent=((f"X-{KEY}", "1"),), answer={KEY: {"client_secret": SECRET}})
    found = left_secrets(given)
    assert {one.kind for one in found} == {"key", "client secret"}
    assert "request header, a name" in {one.place for one in found}
    assert KEY not in str(found)
    assert SECRET[10:] not in str(found)


PLACEHOLDERS = [
    "<API_KEY>", "[redacted]", "[redacted:key]", "REDACTED", "[REDACTED]", "{{token}}", "***", "sk_test_xxx",
    "sk_test_...",
    "sk_test_XXXXXXXXXXXXXXXX", "sk_test_<key>", "sk_test_REDACTED", "sk_test_FAKE_KEY", "${API_KEY}", "$API_KEY",
    "%API_KEY%", "<STRIPE_SECRET_KEY>", "FILTERED", "sk_live_xxxxxxxxxxxx", "sk_live_your_key", "•••••••", "sk_test_…",
    "YOUR_API_KEY", "sk_test_*************************rZoF", "", "x", "--",
]  # fmt: skip


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_a_placeholder_is_no_secret(text: str) -> None:
    assert (
        left_secrets(
            exchange(
                f"/x?client_secret=pi_1_secret_{text}&api_key={text}",
                sent=(
                    ("Authorization", f"Bearer {text}"),
                    ("Cookie", f"session={text}; b={text}"),
                    ("X-Api-Key", text),
                ),
                body=json.dumps({"client_secret": text, "password": text, "cvc": text}).encode(),
                received=(*JSON, ("Set-Cookie", f"session={text}; Path=/; HttpOnly")),
                answer={"client_secret": f"pi_1_secret_{text}", "error": {"message": f"api_key: {text}"}},
            ),
            LIVE,
        )
        == []
    )


@pytest.mark.parametrize("text", ["<API_KEY>", "", "[redacted]"])
@pytest.mark.parametrize("password", ["", "***"])
def test_a_placeholder_as_user_is_no_secret(text: str, password: str) -> None:
    assert left_secrets(exchange(sent=(("Authorization", basic(text, password)),)), LIVE) == []


@pytest.mark.parametrize("number", ["4242424242424242", "4242 4242 4242 4242", "4000000000009995", "378282246310005"])
def test_a_test_card_is_no_secret_nor_is_its_code(number: str) -> None:
    body = json.dumps({"card": {"number": number, "cvc": "314", "exp_year": 2030}, "message": f"{number} was declined"})
    assert left_secrets(exchange(sent=JSON, body=body.encode(), answer={"payment_method": "pm_card_visa"})) == []
    form = f"card[number]={number.replace(' ', '+')}&card[cvc]=314&source=tok_visa&client_token=tok_visa"
    assert left_secrets(exchange(sent=FORM, body=form.encode())) == []


def test_the_code_of_another_card_beside_a_test_card_is_one() -> None:
    cards = [{"number": "4242424242424242", "cvc": "314"}, {"number": CARD, "cvc": "813"}]
    assert {one.kind for one in left_secrets(exchange(sent=JSON, body=json.dumps(cards).encode()))} == {
        "card number",
        "security code",
    }


def test_numbers_that_stand_where_card_numbers_do_are_none() -> None:
    answer = {"invoice": {"number": "2026030112345"}, "created": 1772359201500, "id": "ch_4539578763621486"}
    assert left_secrets(exchange(answer=answer)) == []


def test_exchanges_with_the_same_credential_are_judged_alike() -> None:
    given = exchange(sent=(("Authorization", f"Bearer {KEY}"),), answer={"client_secret": SECRET})
    assert left_secrets(given) == left_secrets(given)
    echoed = exchange(sent=(("Authorization", "Bearer token-9fAkE0"),), answer={"error": "no account of token-9fAkE0"})
    assert left_secrets(echoed)[1:] == [Leftover("credential", "response body /error")]
    assert left_secrets(exchange(answer={"error": "no account of token-9fAkE0"})) == []


def test_a_place_can_be_shown() -> None:
    (found,) = left_secrets(exchange(answer={"a\n\x1b[1m" + "x" * 1000: {"cvc": "813"}}))
    assert found.place.isprintable()
    assert len(found.place) < 210


texts = st.text(max_size=12) | st.sampled_from(
    [
        KEY,
        SECRET,
        CARD,
        "4242424242424242",
        basic(CARD, KEY),
        basic("a", "***"),
        f"Bearer {KEY}",
        "813",
        "[redacted]",
        "a@b.ch",
    ]
)
names = st.sampled_from(["Authorization", "Cookie", "Set-Cookie", "cvc", "number", "client_secret", "a"]) | texts
documents = st.recursive(
    texts | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given_any(
    url=st.lists(texts, max_size=4).map("?&=/".join),
    headers=st.lists(st.tuples(names, texts), max_size=3).map(tuple),
    sent=documents.map(json.dumps).map(str.encode)
    | st.lists(st.tuples(names, texts), max_size=3).map(urlencode).map(str.encode)
    | st.binary(max_size=20),
    answer=documents,
)
def test_any_exchange_can_be_looked_into(url: str, headers: Headers, sent: bytes, answer: Any) -> None:
    given = exchange(url, headers, sent, headers, answer)
    for one in left_secrets(given, LIVE):
        assert one.place.isprintable()
        assert not any(secret in one.place for secret in (KEY, CARD, SECRET[10:]))
    assert left_secrets(Redactor({}).exchange(given), LIVE) == []
