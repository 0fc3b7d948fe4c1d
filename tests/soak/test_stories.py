"""What users do: every story that a contract allows, on a known-good server, without an alarm."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from conformance.reference import policies_of, provider_names
from conformance.reference.faults.fault import tells
from conformance.reference.faults.key_policies import remembers_keys
from conformance.reference.faults.load import runs_out_of_handles, takes_ids_from_the_clock
from conformance.reference.policies import Policies
from conformance.run import HISTORY
from conformance.verdict import Certificate
from tests.soak.acting import play, shop

# Its way to requires_action goes by the method that the update names, which needs no action.
UNTOLD = {"transition update_method_pending: Inconclusive"}


def failing(certificate: Certificate) -> set[str]:
    return {row.id for row in certificate.requirements if row.verdict == "fail"}


@pytest.mark.parametrize("provider", provider_names())
def test_a_known_good_server_is_conformant(provider: str, tmp_path: Path) -> None:
    with shop(provider, tmp_path / "acted") as there:
        play(there.users, 25)
        untold = Counter[str]()
        for one in there.users:
            untold += one.untold
        done = there.judged(tmp_path / "whole", 1)
    assert (failing(done.certificate), done.certificate.result) == (set(), "conformant")
    assert untold.keys() <= UNTOLD, "each other kind of story can be told on the reference server"
    judged = {row.check for row in done.certificate.requirements if row.verdict == "pass"}
    assert {"ids_differ", "intents_stay", "settled_money_stays", "legal_transitions", "repeats_agree"} <= judged


def test_stories_reach_every_operation_and_send_again(tmp_path: Path) -> None:
    with shop("stripe", tmp_path / "acted") as there:
        play(there.users, 40)
    lines = [json.loads(line) for line in (tmp_path / "acted" / HISTORY).read_bytes().splitlines()]
    paths = {line["request"]["url"].rpartition("/")[2] for line in lines if line["request"]["method"] == "POST"}
    assert {"payment_intents", "confirm", "capture", "cancel"} <= paths
    keys = Counter(value for line in lines for name, value in line["request"]["headers"] if name == "idempotency-key")
    assert keys.most_common(1)[0][1] >= 3
    assert any("response" not in line or not line["response"] for line in lines), "some answers are really lost"


def _forgetful(keys: int) -> Policies:
    return remembers_keys(keys)(policies_of("stripe"))


@pytest.mark.parametrize(
    ("policies", "broken"),
    [
        (_forgetful(8), {"STR-238"}),
        (takes_ids_from_the_clock(20)(policies_of("stripe")), {"STR-290"}),
        (tells(runs_out_of_handles(150))(policies_of("stripe")), {"STR-192"}),
    ],
    ids=["forgets keys", "clock for ids", "out of handles"],
)
def test_what_load_brings_out_is_found(policies: Policies, broken: set[str], tmp_path: Path) -> None:
    with shop("stripe", tmp_path / "acted", policies, users=6) as there:
        play(there.users, 12)
        done = there.judged(tmp_path / "whole", 1)
    assert broken <= failing(done.certificate)
    assert done.certificate.result == "non_conformant" or broken == {"STR-192"}


@pytest.mark.parametrize(
    "policies",
    [policies_of("stripe"), _forgetful(8), takes_ids_from_the_clock(20)(policies_of("stripe"))],
    ids=["known-good", "forgets keys", "clock for ids"],
)
def test_one_worker_or_three_on_the_same_evidence(policies: Policies, tmp_path: Path) -> None:
    with shop("stripe", tmp_path / "acted", policies, users=6) as there:
        play(there.users, 12)
        one, three = (there.judged(tmp_path / str(count), count) for count in (1, 3))
    assert one.certificate.requirements == three.certificate.requirements
    assert one.certificate.result == three.certificate.result
    assert one.exchanges.keys() == three.exchanges.keys()
    named = {number for row in one.certificate.requirements for number in row.exchanges}
    assert named == one.exchanges.keys(), "what the certificate names is at hand, and nothing else"
    assert one.requests == three.requests > 300


@pytest.mark.parametrize(
    ("provider", "fault", "broken"),
    [
        ("stripe", "charges_again_where_it_replays", "STR-238"),
        ("paypercut", "pays_twice", "PPC-202"),
        ("dots", "transfers_twice", "DOT-182"),
        ("dots", "opens_paid_intents_again", "DOT-134"),
        ("dots", "finds_new_intents_late", "DOT-181"),
    ],
)
def test_double_charges_wrong_turns_and_lost_intents_are_found(
    provider: str, fault: str, broken: str, tmp_path: Path
) -> None:
    with shop(provider, tmp_path / "acted", policies_of(provider, fault)) as there:
        play(there.users, 30)
        assert broken in failing(there.judged(tmp_path / "whole", 1).certificate)


def test_a_key_is_sent_again_at_the_end_though_many_came_between(tmp_path: Path) -> None:
    """Only the late repetition shows that a server has forgotten: what is sent again at once is still known."""
    with shop("stripe", tmp_path / "acted", _forgetful(25), users=2) as there:
        for _ in range(30):
            for one in there.users:
                one.play()
        early = there.judged(tmp_path / "early", 1)
        assert failing(early.certificate) == set()
        for one in there.users:
            one.end()
        assert failing(there.judged(tmp_path / "late", 1).certificate) == {"STR-238"}
