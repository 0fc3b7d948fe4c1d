"""Runs of the reference server side by side: nothing differs from itself, and from a faulty one what the fault says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import main
from conformance.comparison.chance import AT_ONCE, at_once
from conformance.comparison.compare import ASKED, BY_CHANCE, NOT_ASKED, compare_exchanges
from conformance.comparison.differences import ABSENT, ANOTHER, Group
from conformance.comparison.pairing import by_scenario
from conformance.contract import load_contract
from conformance.evidence.exchange import Exchange, Response
from conformance.evidence.history import to_line
from conformance.reference import policies_of, provider_names
from conformance.session import act
from conformance.verdict import Certificate
from tests.faults.certification import prepared

from .conftest import Recorded

ROLE = ".*" + re.escape(ANOTHER)
REFUSED, DONE = r"HTTP 400 .*", r"HTTP 200"
TIME = r"1[0-9]{9}|\"20[0-9-]+T[0-9:]+Z\""


def groups(provider: str, a: list[Exchange], b: list[Exchange]) -> list[Group]:
    return list(compare_exchanges(load_contract(provider), a, b).groups)


@pytest.mark.parametrize("provider", provider_names())
def test_a_server_differs_in_nothing_from_itself(provider: str, recorded: Recorded) -> None:
    one, other = recorded(provider), recorded(provider, seed=2)
    seen = compare_exchanges(load_contract(provider), one, other)
    assert list(seen.groups) == []
    left = dict(seen.not_compared)
    at_once = left.pop(AT_ONCE)
    assert seen.pairs + at_once == pytest.approx(len(one), abs=5), "what depends on the second is chance, too"
    assert at_once < len(one) / 6, "all else is compared"
    assert sum(left.values()) < len(one) / 30


# What each name says, as what the two servers show: operation, place, what the sound one has, what the faulty one has.
LIES = [
    ("stripe", "captures_more_than_is_held", "capture", "status", REFUSED, DONE),
    ("stripe", "names_a_status_of_its_own", "create", "/status", '"requires_payment_method"', '"[a-z_]+"'),
    ("stripe", "counts_created_in_milliseconds", "create", "/created", r"1[0-9]{9}", r"1[0-9]{12}"),
    ("stripe", "has_flat_errors", "create", "/error", r"\{.*", ABSENT),
    ("stripe", "does_not_mark_replays", "create", "header idempotent-replayed", '"true"', ABSENT),
    ("stripe", "lists_the_oldest_first", "list", "/data", "these intents", "the same in another order|other intents"),
    ("stripe", "never_has_more", "list", "/has_more", "true", "false"),
    ("stripe", "retrieves_another_intent", "retrieve", "/id", '"pi_.*"', '"pi_.*'),
    ("stripe", "shows_what_was_received_in_major_units", "confirm", "/amount_received", "2000", "20"),
    ("stripe", "takes_any_currency", "create", "status", REFUSED, DONE),
    ("stripe", "breaks_off_lists", "list", "body", "an object", "not JSON"),
    ("stripe", "ignores_idempotency_keys", "create", "/id", '"pi_.*"', ROLE),
    ("stripe", "knows_keys_late", "create", "/id", '"pi_.*"', ROLE),
    ("stripe", "makes_an_intent_behind_each_replay", "list", "/data", "no intents .*", "one or more intents .*"),
    ("revkeen", "has_ids_without_prefix", "create", "/id", '"pi_.*"', '"(?!pi_).*"'),
    ("revkeen", "answers_replays_208", "create", "status", "200", "208"),
    ("revkeen", "answers_bad_input_422", "create", "status", "400", "422"),
    ("revkeen", "leaves_amount_received_out", "create", "/amount_received", "0", ABSENT),
    ("revkeen", "answers_401_as_403", "create", "status", "401", "403"),
    ("revkeen", "forgets_when_it_canceled", "cancel", "/canceled_at", TIME, "null"),
    ("revkeen", "charges_declined_cards", "confirm", "status", REFUSED, DONE),
    ("revkeen", "lists_without_envelope", "list", "body", "an object", "an array of [0-9]+"),
    ("revkeen", "forgets_the_order_with_confirm", "retrieve", "/metadata/order", '".*"', ABSENT),
    ("paypercut", "dates_everything_to_1970", "create", "/created", TIME, '"1970-01-01.*"'),
    ("paypercut", "shows_amounts_as_text", "create", "/amount", "2000", '"2000"'),
    ("paypercut", "has_errors_in_html", "create", "header content-type", '"application/json"', '"text/html.*"'),
    ("paypercut", "demands_keys", "create", "status", DONE, REFUSED),
    ("paypercut", "pays_twice", "confirm", "status", "HTTP 409 .*", DONE),
    ("paypercut", "leaves_livemode_out", "create", "/livemode", "false", ABSENT),
    ("paypercut", "answers_cancel_with_another_intent", "cancel", "/id", '".*"', '"another".*'),
    ("dots", "shows_secrets_for_ever", "retrieve", "/client_secret", ABSENT, '".*redacted.*"'),
    ("dots", "lists_ids_alone", "list", r"/\*", "an object", '".*"'),
    ("dots", "has_no_list", "list", "status", DONE, r"HTTP 40[45].*"),
    ("dots", "drops_the_sign_of_amounts", "create", "status", REFUSED, DONE),
    ("dots", "falls_over_undecodable_credentials", "create", "status", "401", "500"),
]


@pytest.mark.parametrize(
    ("provider", "fault", "operation", "place", "a", "b"), LIES, ids=[f"{lie[0]}-{lie[1]}" for lie in LIES]
)
def test_what_a_faulty_server_does_is_named(
    provider: str, fault: str, operation: str, place: str, a: str, b: str, recorded: Recorded
) -> None:
    found = groups(provider, recorded(provider), recorded(provider, fault, 2))
    named = [
        group
        for group in found
        if group.operation == operation
        and re.fullmatch(place, group.place)
        and re.fullmatch(a, group.a)
        and re.fullmatch(b, group.b)
    ]
    assert named, [(group.operation, group.place, group.a, group.b) for group in found[:20]]
    assert all(1 <= len(group.first) <= 3 and group.count >= len(group.first) for group in named)
    assert all(one.scenario and max(one.numbers) for group in named for one in group.first)


# -- small runs --------------------------------------------------------------------------------------------------------


def altered(exchange: Exchange, **answer: object) -> Exchange:
    assert exchange.response
    return replace(exchange, response=replace(exchange.response, **answer))  # type: ignore[arg-type]


def told(found: list[Group]) -> list[tuple[str, str, str, str, int]]:
    return [(group.operation, group.place, group.a, group.b, group.count) for group in found]


@pytest.fixture
def run(recorded: Recorded) -> list[Exchange]:
    """A run without what was sent at once, so that nothing in it is chance."""
    whole = recorded("dots")
    racing = {name for name, exchanges in by_scenario(whole).items() if at_once(exchanges)}
    return [one for one in whole if one.scenario not in racing]


def test_one_cause_is_told_once(run: list[Exchange]) -> None:
    teapots = [altered(one, status=418) if one.request.method == "GET" else one for one in run]
    reads = [one for one in run if one.request.method == "GET" and one.response and one.response.status == 200]
    found = [group for group in groups("dots", run, teapots) if group.a == "HTTP 200"]
    assert sum(group.count for group in found) == len(reads)
    assert {(group.place, group.b) for group in found} == {("status", "HTTP 418")}
    assert len(found) < 6


def test_a_header_of_the_moment_is_no_difference(run: list[Exchange]) -> None:
    assert run[0].response
    dated = altered(run[0], headers=(*run[0].response.headers, ("Date", "Sat, 21 Nov 2026 19:59:04 GMT")))
    marked = altered(run[0], headers=(*run[0].response.headers, ("X-Marked", "yes")))
    assert groups("dots", run, [dated, *run[1:]]) == []
    assert told(groups("dots", run, [marked, *run[1:]])) == [("create", "header x-marked", "absent", '"yes"', 1)]


def test_no_answer_is_a_difference(run: list[Exchange]) -> None:
    silent = replace(run[0], response=None, failure="ReadTimeout")
    assert told(groups("dots", run, [silent, *run[1:]])) == [("create", "answer", "HTTP 200", "no answer", 1)]


def test_what_only_one_run_asked_is_told_where_an_answer_before_differs(run: list[Exchange]) -> None:
    declined = altered(run[0], status=402)
    assert told(groups("dots", run, [declined, *run[2:]]))[1:] == [("retrieve", "request", ASKED, NOT_ASKED, 1)]
    assert told(groups("dots", [declined, *run[2:]], run))[1:] == [("retrieve", "request", NOT_ASKED, ASKED, 1)]


def test_what_only_one_run_asked_is_chance_where_no_answer_before_differs(run: list[Exchange]) -> None:
    seen = compare_exchanges(load_contract("dots"), run, [run[0], *run[2:]])
    assert list(seen.groups) == []
    assert seen.not_compared == {BY_CHANCE: 1}


def test_scenarios_of_one_run_alone_are_counted_not_told(run: list[Exchange]) -> None:
    part = [one for one in run if one.scenario != run[-1].scenario]
    seen = compare_exchanges(load_contract("dots"), run, part)
    assert list(seen.groups) == []
    assert sum(seen.not_compared.values()) == len(run) - len(part)


def test_hostile_answers_are_compared_too(run: list[Exchange]) -> None:
    for body in (b"[" * 5000, b"\xff\x00", b'{"id":' * 200 + b"1" + b"}" * 200, b'{"amount":1e999}', b"", b"null"):
        assert groups("dots", run, [replace(run[0], response=Response(200, (), body)), *run[1:]])
        assert groups("dots", [replace(run[0], response=Response(200, (), body)), *run[1:]], run)


# -- the command -------------------------------------------------------------------------------------------------------


def left(provider: str, fault: str, folder: Path) -> tuple[Path, Certificate]:
    made = prepared(provider, policies_of(provider, fault), folder)
    made.preflight()
    act(made)
    return folder, made.finish()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What runs of Dots leave behind, by fault."""
    return {
        fault: left("dots", fault, tmp_path_factory.mktemp("left") / (fault or "sound"))[0]
        for fault in ("", "has_no_list")
    }


def test_the_command_names_rows_and_differences(folders: dict[str, Path], tmp_path: Path) -> None:
    kept = tmp_path / "all.json"
    done = CliRunner().invoke(main, ["compare", str(folders[""]), str(folders["has_no_list"]), "--output", str(kept)])
    assert done.exit_code == 1, done.output
    assert "list: status" in done.output
    assert "HTTP 200" in done.output
    document = json.loads(kept.read_text())
    assert document["differs"] is True
    changed = {row["id"]: (row["a"], row["b"]) for row in document["requirements"]}
    assert changed
    assert all(row in done.output for row in changed)
    assert ("pass", "fail") in changed.values()
    assert any(one["operation"] == "list" and one["place"] == "status" for one in document["differences"])


def test_the_command_finds_nothing_where_there_is_nothing(folders: dict[str, Path]) -> None:
    done = CliRunner().invoke(main, ["compare", str(folders[""]), str(folders[""])])
    assert done.exit_code == 0, done.output
    assert "nothing differs" in done.output


def test_two_certificates_are_compared_by_their_rows_alone(folders: dict[str, Path]) -> None:
    files = [str(folder / "certificate.json") for folder in folders.values()]
    done = CliRunner().invoke(main, ["compare", *files])
    assert done.exit_code == 1, done.output
    assert "not compared" in done.output
    assert "list: status" not in done.output
    assert CliRunner().invoke(main, ["compare", files[0], files[0]]).exit_code == 0


def test_the_command_refuses_what_it_cannot_read(folders: dict[str, Path], tmp_path: Path) -> None:
    sound = str(folders[""])
    broken = tmp_path / "broken"
    (broken / "history").mkdir(parents=True)
    (broken / "certificate.json").write_bytes((folders[""] / "certificate.json").read_bytes())
    (broken / "history" / "exchanges.jsonl").write_bytes(b"{}\n")
    for other, word in ((tmp_path / "none", "none"), (tmp_path, "certificate.json"), (broken, "line 1")):
        done = CliRunner().invoke(main, ["compare", sound, str(other)])
        assert done.exit_code == 2, done.output
        assert word in done.output


def test_two_providers_are_not_compared(folders: dict[str, Path], tmp_path: Path) -> None:
    text = (folders[""] / "certificate.json").read_text().replace('"provider": "dots"', '"provider": "stripe"')
    (tmp_path / "certificate.json").write_text(text)
    done = CliRunner().invoke(main, ["compare", str(folders[""]), str(tmp_path)])
    assert done.exit_code == 2, done.output
    assert "stripe" in done.output


def test_recorded_runs_are_compared_by_replaying_them(tmp_path: Path) -> None:
    kept = [tmp_path / f"cassettes-{seed}" / "dots" / "reference" for seed in (1, 2)]
    for seed, folder in enumerate(kept, 1):
        given = ["--provider", "dots", "--only", "DOT-003", "--seed", str(seed), "--output", str(tmp_path / "left")]
        done = CliRunner().invoke(main, ["certify", *given, "--record", "--cassettes", str(folder.parents[1])])
        assert done.exit_code == 0, done.output
    done = CliRunner().invoke(main, ["compare", *map(str, kept)])
    assert (done.exit_code, "nothing differs in" in done.output) == (0, True), done.output
    (kept[1] / "DOT-003.yaml").unlink()
    done = CliRunner().invoke(main, ["compare", *map(str, kept)])
    assert (done.exit_code, "DOT-003.yaml" in done.output) == (2, True), done.output


def test_a_secret_of_a_run_is_not_printed(folders: dict[str, Path], run: list[Exchange], tmp_path: Path) -> None:
    key = "sk_test_" + "4eC39HqLyjWDarjtT1zdp7dc"
    leaky = tmp_path / "leaky"
    (leaky / "history").mkdir(parents=True)
    (leaky / "certificate.json").write_bytes((folders[""] / "certificate.json").read_bytes())
    body = json.dumps({"id": key, "note": f"Bearer {key}"}).encode()
    (leaky / "history" / "exchanges.jsonl").write_bytes(b"".join(map(to_line, [altered(run[0], body=body), *run[1:]])))
    done = CliRunner().invoke(main, ["compare", str(folders[""]), str(leaky), "--output", str(tmp_path / "all.json")])
    assert done.exit_code == 1, done.output
    assert key not in done.output
    assert key not in (tmp_path / "all.json").read_text()
