"""Which tokens of two runs are one role, and which are two."""

from __future__ import annotations

import pytest

from conformance.comparison.unify import Likeness, Moment, Unifier, words_of
from conformance.contract import load_contract, provider_names

SAME, ROLE, OTHER = Likeness.SAME, Likeness.ROLE, Likeness.OTHER
ONE, TWO, THREE = "pi_3NabcDEF456ghiJKL789mnoP", "pi_9XyzUVW210rstQRS654tuvW", "pi_7QweRTY890uioPAS123dfgH"


@pytest.fixture
def unifier() -> Unifier:
    return Unifier(frozenset({"requires", "capture", "chargeDeclinedLostCard", "visa2pay2021"}))


def test_ids_that_meet_each_other_play_one_role_ever_after(unifier: Unifier) -> None:
    assert unifier.texts(ONE, TWO) is SAME
    assert unifier.texts(f"No such intent: '{ONE}'", f"No such intent: '{TWO}'") is SAME
    assert unifier.texts(ONE, THREE) is ROLE
    assert unifier.texts(THREE, TWO) is ROLE
    assert unifier.texts(ONE, TWO) is SAME, "a contradiction teaches nothing"


def test_an_id_that_stays_the_same_is_its_own_partner(unifier: Unifier) -> None:
    assert unifier.texts(ONE, ONE) is SAME
    assert unifier.texts(ONE, TWO) is ROLE


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("41d77910-ad1a-47f6-9703-e3fdd3fbfff7", "a4e32d96-7159-4694-b4db-77857f24698b"),
        ("01K10R6RZ2XMD29HEDN7NGYXHP", "01KVG45XREAPSYTAYWMX5CQY9S"),
        ("b0b1fb1514e59c32ca1200135af", "af3014c7c0f6b4e3e514d5c3b4a"),
        ("req_JEuqpbsXgPWfZI", "req_9bgJa8Jj3mkBqH"),
        ("http://a.test/_actions/61b8e8e17e4f9000a153ab6d", "http://a.test/_actions/26bb4131dcc9a00e2f5b99b4"),
        ("[redacted:738b916c]", "[redacted:9d4f1781]"),
        (f"{ONE}_secret_[redacted:738b916c]", f"{TWO}_secret_[redacted:9d4f1781]"),
        ("evt_a-8Xk92pQ7r_2", "evt_b7x-Yq45zLm3k"),
        ("evt_a-8Xk92pQ7r", "evt_b-Yq45zLm3k"),
    ],
)
def test_what_is_shaped_like_an_id_is_one(unifier: Unifier, a: str, b: str) -> None:
    assert unifier.texts(a, b) is SAME
    assert unifier.texts(a, b) is SAME
    assert unifier.texts(a, a) is ROLE


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("requires_capture", "requires_action"),
        ("succeeded", "processing"),
        ("pm_card_visa", "pm_card_mastercard"),
        ("chargeDeclinedLostCard", "chargeDeclinedStolenCard"),
        ("visa2pay2021", "visa3pay2022"),
        ("amount 2000 is more than 1500", "amount 2000 is more than 1400"),
        (ONE, "ch" + TWO[2:]),
        (ONE, f"{TWO} "),
        ("[redacted:api_key]", "[redacted:other_key]"),
        ("[redacted]", "[redacted:738b916c]"),
        ("99999999", "999999999"),
        ("usd", "eur"),
    ],
)
def test_what_is_said_is_no_id(unifier: Unifier, a: str, b: str) -> None:
    assert unifier.texts(a, b) is OTHER
    assert unifier.texts(a, a) is SAME


def test_a_text_that_differs_teaches_nothing(unifier: Unifier) -> None:
    assert unifier.texts(f"{ONE} succeeded", f"{TWO} failed") is OTHER
    assert unifier.partner(ONE) is None


def test_a_client_secret_of_another_intent_is_seen(unifier: Unifier) -> None:
    assert unifier.texts(ONE, TWO) is SAME
    assert unifier.texts(f"{ONE}_secret_[redacted:11111111]", f"{THREE}_secret_[redacted:22222222]") is ROLE


def test_short_ids_are_ids_where_the_contract_says_so(unifier: Unifier) -> None:
    assert unifier.texts("pi_7", "pi_12") is OTHER
    assert unifier.texts("pi_7", "pi_12", is_id=True) is SAME
    assert unifier.values(41, 1041, is_id=True) is SAME
    assert unifier.values(41, 1042, is_id=True) is ROLE
    assert unifier.values(41, 1041) is OTHER


@pytest.mark.parametrize(
    ("a", "b"),
    [(2000, 2000.0), (1, True), (0, False), (0, None), ("1", 1), (0, "0"), (2000, 20), (10**400, 0)],
)
def test_values_are_compared_exactly(unifier: Unifier, a: object, b: object) -> None:
    assert unifier.values(a, b) is OTHER
    assert unifier.values(a, a) is SAME


STARTED_A, STARTED_B = 1_795_291_137.5, 1_801_000_000.25


@pytest.fixture
def timed(unifier: Unifier) -> Unifier:
    unifier.between((Moment(STARTED_A, 100.0), Moment(STARTED_B, 130.0)))
    return unifier


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1_795_291_137, 1_801_000_000, SAME),
        (1_795_291_137 - 80, 1_801_000_000, SAME),  # a run that took 30 s longer may look back further
        (1_795_291_137 - 100, 1_801_000_000, OTHER),
        (1_795_291_137, 1_801_000_000_123, OTHER),
        (1_795_291_137_001, 1_801_000_000_123, SAME),
        (1_795_291_137, 0, OTHER),
        (1_795_291_137, 1_795_291_137 + 86_400, OTHER),
        ("2026-11-21T19:58:57Z", "2027-01-26T21:46:40Z", SAME),
        ("2026-11-21T19:58:57Z", "2027-01-27T21:46:40Z", OTHER),
        ("2026-11-21T19:58:57Z", "2027-01-26T21:46:40+00:00", OTHER),
        ("2026-11-21T19:58:57.1Z", "2027-01-26T21:46:40.123Z", SAME),
        ("2026-11-21T19:58:57Z", "2027-01-26T21:46:40.123Z", OTHER),
        ("created[gte]=1795291137", "created[gte]=1801000000", SAME),
        ("2026-11-21T19:58:57Z", "soon", OTHER),
        (1_795_291_137, None, OTHER),
    ],
)
def test_a_time_lies_alike_or_does_not(timed: Unifier, a: object, b: object, expected: Likeness) -> None:
    assert timed.values(a, b) is expected


def test_addresses_of_the_servers_are_one_role(unifier: Unifier) -> None:
    unifier.between((Moment(), Moment()), ("http://a.test:8080", "https://b.test"))
    assert unifier.texts("http://a.test:8080/x", "https://b.test/x") is SAME
    assert unifier.texts("http://a.test:8080/x", "https://c.test/x") is OTHER


def test_what_was_learned_can_be_forgotten(unifier: Unifier) -> None:
    mark = unifier.mark()
    unifier.texts(ONE, TWO)
    unifier.alias("one", "two")
    unifier.forget(mark)
    assert unifier.texts("one", "one") is SAME
    assert unifier.texts(ONE, THREE) is SAME
    assert not unifier.known_back(TWO)


def test_texts_are_translated_by_what_was_learned(unifier: Unifier) -> None:
    unifier.texts(ONE, TWO)
    unifier.alias("pm_card_visa", "pm_test_good")
    assert unifier.translated(f"/v1/payment_intents/{ONE}/confirm") == f"/v1/payment_intents/{TWO}/confirm"
    assert unifier.translated("pm_card_visa") == "pm_test_good"
    assert unifier.translated("usd") == "usd"


def test_plain_text_is_the_same_for_all_ids_and_times(unifier: Unifier) -> None:
    assert unifier.plain(f"{ONE} at 1795291137 costs 2000") == unifier.plain(f"{TWO} at 1801000000 costs 2000")
    assert unifier.plain(f"{ONE} costs 2000") != unifier.plain(f"{ONE} costs 2001")


@pytest.mark.parametrize("provider", provider_names())
def test_no_word_of_a_contract_is_an_id(provider: str) -> None:
    contract = load_contract(provider)
    unifier = Unifier(words_of(contract))
    said = [*contract.statuses, *contract.settings["errors"].get("codes", ()), *contract.error_kinds]
    assert [word for word in said if unifier.plain(word) != word] == []


def test_long_texts_are_compared_as_they_are(unifier: Unifier) -> None:
    long = "a1b2c3d4 " * 5000
    assert unifier.texts(long, long) is SAME
    assert unifier.texts(long, long.replace("a1b2c3d4", "e5f6a7b8")) is OTHER


def test_short_keys_are_no_words_of_answers() -> None:
    unifier = Unifier()
    unifier.keys("2", "1")
    unifier.keys("0123456789abcdef", "fedcba9876543210")
    assert unifier.translated("2") == "2"
    assert unifier.translated("0123456789abcdef") == "fedcba9876543210"
