"""Lost replies on servers in memory: a correct one passes each cell, a faulty one fails it; a replay says the same."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from conformance.contract import load_contract
from conformance.embedded import embedded_server, embedded_target
from conformance.evidence.exchange import Exchange
from conformance.recorder import judge_recording, keep
from conformance.reference import policies_of, provider_names
from conformance.reference.faults.keys import KEY, any_body, collides, ignores_keys
from conformance.reference.faults.lies import Maker
from conformance.reference.wire import Asked, Lie, Said, Serve
from conformance.run import Run, Selection
from conformance.session import act
from conformance.target import proxy
from conformance.target.proxy import MISHAPS, TOLD_BY, told
from conformance.verdict import Certificate
from conformance.verdict.judgement import RequirementVerdict

CHECK = "lost_reply"
MOST = 5  # requests that one cell may take: two that bring its intent about, the lost one, the retry, the look
OTHERS = {"amount": "2000", "currency": "usd", "payment_method_types[0]": "card"}
LOSSES = tuple(mishap for mishap in MISHAPS if mishap != "sent_twice")


def rows_of(provider: str, *operations: str) -> list[str]:
    """The ids of the rows on lost replies; of these operations only, where some are named."""
    rows = load_contract(provider).requirements.values()
    return [row.id for row in rows if row.check == CHECK and (not operations or row.args["operation"] in operations)]


def operation_of(provider: str, row: str) -> str:
    """The operation whose answer gets lost."""
    return str(load_contract(provider).requirements[row].args["operation"])


CELLS = [(provider, row, mishap) for provider in provider_names() for row in rows_of(provider) for mishap in MISHAPS]
KEYED = [(name, operation_of(name, row), row) for name in ("stripe", "revkeen", "paypercut") for row in rows_of(name)]


@dataclass(frozen=True)
class Judged:
    """What a run made of rows: their verdicts, and the exchanges of each."""

    run: Run
    certificate: Certificate

    def row(self, name: str) -> RequirementVerdict:
        return next(row for row in self.certificate.requirements if row.id == name)

    def exchanges(self, name: str) -> list[Exchange]:
        return [one for one in self.run.history.exchanges if one.scenario.endswith(f"[{name}]")]

    def mishaps(self, name: str) -> list[str]:
        """The mishaps that the findings of a row name, in their order, each once."""
        found = self.row(name).findings
        return list(dict.fromkeys(one.expected.removeprefix("after ").partition(":")[0] for one in found))


def judged(
    provider: str, folder: Path, names: list[str], lie: Maker | None = None, lacks: Mapping[str, str] | None = None
) -> Judged:
    """Rows of a provider, acted on its reference server, which has the lie, and recorded in ``folder``."""
    contract = load_contract(provider)
    run = Run(
        contract=contract,
        target=replace(embedded_target(contract), lacks=lacks or {}),
        folder=folder,
        selection=Selection(ids=frozenset(names)),
        record=folder / "recording",
        **embedded_server(provider, replace(policies_of(provider), lie=lie)),
    )
    run.preflight()
    act(run)
    return Judged(run, run.finish())


# -- a correct server --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def correct(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Judged]:
    """All rows of a provider, on the known-good server, judged once."""
    made: dict[str, Judged] = {}

    def judge(provider: str) -> Judged:
        if provider not in made:
            made[provider] = judged(provider, tmp_path_factory.mktemp(provider), rows_of(provider))
        return made[provider]

    return judge


@pytest.mark.parametrize(("provider", "row", "mishap"), CELLS)
def test_a_correct_server_passes(provider: str, row: str, mishap: str, correct: Callable[[str], Judged]) -> None:
    run = correct(provider)
    assert run.row(row).verdict == "pass", run.row(row)
    (lost,) = [one for one in run.exchanges(row) if _mishap(one) == mishap]
    assert (lost.response is not None) == (mishap == "sent_twice")
    assert lost.number in run.row(row).exchanges


@pytest.mark.parametrize("provider", provider_names())
def test_no_made_up_answer_is_evidence(provider: str, correct: Callable[[str], Judged]) -> None:
    run = correct(provider)
    answers = [one.response for one in run.run.history.exchanges if one.response]
    assert answers
    assert 502 not in [answer.status for answer in answers]
    assert all(isinstance(answer.json, dict | list) for answer in answers)


@pytest.mark.parametrize("provider", provider_names())
def test_a_cell_takes_few_requests(provider: str, correct: Callable[[str], Judged]) -> None:
    run = correct(provider)
    for row in rows_of(provider):
        assert len(run.exchanges(row)) <= MOST * len(MISHAPS)


def _mishap(exchange: Exchange) -> str:
    """The mishap that an exchange met with; empty for none."""
    if told(exchange) is None:
        return ""
    text = exchange.failure if exchange.response is None else exchange.response.header(TOLD_BY) or ""
    return next(mishap for mishap in MISHAPS if f"{mishap}, made" in text)


def test_the_retry_is_the_request_again(correct: Callable[[str], Judged]) -> None:
    run = correct("stripe")
    for name in rows_of("stripe"):
        exchanges = run.exchanges(name)
        for lost in exchanges:
            if lost.response is None:
                again = [one for one in exchanges if one.number > lost.number and one.request == lost.request]
                assert [one.response is None for one in again] == [False]


def test_all_operations_that_change_an_intent_have_a_row() -> None:
    seen = {
        name: [load_contract(name).requirements[row].args["operation"] for row in rows_of(name)]
        for name in provider_names()
    }
    assert seen == {
        "dots": ["create", "confirm"],
        "paypercut": ["create", "confirm", "capture", "cancel"],
        "revkeen": ["create", "confirm", "capture", "cancel", "update"],
        "stripe": ["create", "confirm", "capture", "cancel", "update", "increment_authorization"],
    }


# -- faulty ones -------------------------------------------------------------------------------------------------------


def expect_all_fail(run: Judged, row: str, mishaps: tuple[str, ...]) -> None:
    """The row fails for each of the mishaps, by name, with the exchange that met with it first."""
    found = run.row(row)
    assert found.verdict == "fail", found
    assert run.mishaps(row) == list(mishaps)
    by_number = {one.number: one for one in run.exchanges(row)}
    for finding in found.findings:
        assert finding.sequence
        lost = by_number[finding.exchanges[0]]
        assert finding.expected.startswith(f"after {_mishap(lost)}: ")
        assert list(finding.exchanges) == sorted(finding.exchanges)


@pytest.mark.parametrize(("provider", "operation", "row"), KEYED)
def test_a_server_that_ignores_the_key_fails(provider: str, operation: str, row: str, tmp_path: Path) -> None:
    run = judged(provider, tmp_path, [row], ignores_keys(operation))
    # An update that is carried out twice in a row is no other than one.
    expect_all_fail(run, row, LOSSES if operation == "update" else MISHAPS)


def late_keys(seconds: float, operation: str) -> Maker:
    """Knows a key only so long after the answer that it was first used for; sooner, it acts anew."""

    def make() -> Lie:
        used: dict[object, float] = {}

        def lie(asked: Asked, serve: Serve) -> Said:
            if asked.operation != operation or KEY not in asked.headers:
                return serve(asked)
            here = (asked.headers[KEY], any_body(asked))
            early = here in used and time.monotonic() - used[here] < seconds
            said = serve(asked.sending(idempotency_key=None) if early else asked)
            used.setdefault(here, time.monotonic())
            return said

        return lie

    return make


@pytest.mark.parametrize(("provider", "operation", "row"), KEYED)
def test_a_server_that_keeps_keys_too_late_fails(provider: str, operation: str, row: str, tmp_path: Path) -> None:
    run = judged(provider, tmp_path, [row], late_keys(60.0, operation))
    expect_all_fail(run, row, LOSSES if operation == "update" else MISHAPS)


def acts_again(operation: str) -> Maker:
    """Carries a repeat out once more, and answers as at first all the same."""

    def make() -> Lie:
        known: dict[object, Said] = {}

        def lie(asked: Asked, serve: Serve) -> Said:
            if asked.operation != operation or KEY not in asked.headers:
                return serve(asked)
            here = (asked.headers[KEY], any_body(asked))
            if here in known:
                serve(asked.sending(idempotency_key=None))
                return known[here]
            known[here] = serve(asked)
            return known[here]

        return lie

    return make


@pytest.mark.parametrize(
    ("provider", "operation", "mishaps"),
    [
        ("stripe", "create", MISHAPS),
        ("revkeen", "create", MISHAPS),
        ("stripe", "update", LOSSES),
        ("revkeen", "update", LOSSES),
    ],
)
def test_an_effect_behind_the_right_answer_is_seen(
    provider: str, operation: str, mishaps: tuple[str, ...], tmp_path: Path
) -> None:
    (row,) = rows_of(provider, operation)
    expect_all_fail(judged(provider, tmp_path, [row], acts_again(operation)), row, mishaps)


def pays_again(operation: str, member: str, change: Callable[[object], object], *shown_by: str) -> Maker:
    """Moves money once more for a repeat, as the answers of these operations show."""

    def make() -> Lie:
        used: set[object] = set()
        paid: set[str] = set()

        def lie(asked: Asked, serve: Serve) -> Said:
            said = serve(asked)
            here = (asked.headers.get(KEY), any_body(asked))
            if asked.operation == operation:
                if here in used:
                    paid.add(asked.intent)
                used.add(here)
            if asked.operation in shown_by and asked.intent in paid and said.succeeded:
                said.json = {**said.json, member: change(said.json[member])}
            return said

        return lie

    return make


@pytest.mark.parametrize(
    ("provider", "operation", "member"),
    [
        ("stripe", "confirm", "latest_charge"),
        ("stripe", "confirm", "amount_received"),
        ("stripe", "increment_authorization", "amount_capturable"),
        ("revkeen", "confirm", "amount_received"),
        ("paypercut", "confirm", "latest_payment"),
        ("paypercut", "capture", "amount_received"),
        ("dots", "confirm", "transfer_id"),
    ],
)
def test_money_that_moves_twice_is_seen(provider: str, operation: str, member: str, tmp_path: Path) -> None:
    lie = pays_again(operation, member, more, operation, "retrieve")
    (row,) = rows_of(provider, operation)
    expect_all_fail(judged(provider, tmp_path, [row], lie), row, MISHAPS)


@pytest.mark.parametrize("shown_by", ["confirm", "retrieve"])
def test_money_that_moves_twice_is_seen_wherever_it_shows(shown_by: str, tmp_path: Path) -> None:
    (row,) = rows_of("stripe", "confirm")
    run = judged("stripe", tmp_path, [row], pays_again("confirm", "latest_charge", more, shown_by))
    expect_all_fail(run, row, MISHAPS)


def more(value: object) -> object:
    """Another amount, or the id of another payment."""
    return value * 2 if isinstance(value, int) else f"{value}0"


def test_a_cancel_that_is_undone_is_seen(tmp_path: Path) -> None:
    (row,) = rows_of("stripe", "cancel")
    lie = pays_again("cancel", "status", lambda status: "succeeded", "retrieve")
    expect_all_fail(judged("stripe", tmp_path, [row], lie), row, MISHAPS)


def test_a_key_in_the_body_that_is_kept_too_late_is_seen(tmp_path: Path) -> None:
    used: dict[str, int] = {}

    def lie(asked: Asked, serve: Serve) -> Said:
        members = asked.members or {}
        key = str(members.get("idempotency_key", ""))
        used[key] = used.get(key, 0) + 1
        if asked.operation == "create" and key and used[key] > 1 and len(used) > 2:  # not those of the first try
            return serve(asked.saying({name: value for name, value in members.items() if name != "idempotency_key"}))
        return serve(asked)

    (row,) = rows_of("dots", "create")
    expect_all_fail(judged("dots", tmp_path, [row], lambda: lie), row, MISHAPS)


def test_a_key_in_the_body_that_counts_for_nothing_is_none(tmp_path: Path) -> None:
    def lie(asked: Asked, serve: Serve) -> Said:
        members = asked.members or {}
        return serve(asked.saying({name: value for name, value in members.items() if name != "idempotency_key"}))

    (row,) = rows_of("dots", "create")
    assert judged("dots", tmp_path, [row], lambda: lie).row(row).verdict == "inapplicable"


def test_a_replay_that_is_refused_is_told(tmp_path: Path) -> None:
    (row,) = rows_of("stripe", "cancel")
    run = judged("stripe", tmp_path, [row], collides("cancel"))
    expect_all_fail(run, row, MISHAPS)
    assert "idempotency_error" in run.row(row).findings[0].actual


def test_a_key_that_does_not_count_at_all_is_told_once(tmp_path: Path) -> None:
    rows = rows_of("stripe")
    run = judged("stripe", tmp_path, ["STR-239", *rows], ignores_keys())
    assert run.row("STR-239").verdict == "fail"
    assert {run.row(row).verdict for row in rows} == {"inapplicable"}


# -- what is no fault of a retry ---------------------------------------------------------------------------------------


def repeats_are_answered(statuses: list[int], operation: str) -> Maker:
    """Answers the first repeats of a request with these statuses, and the further ones as it should."""

    def make() -> Lie:
        asked_before: dict[object, int] = {}

        def lie(asked: Asked, serve: Serve) -> Said:
            here = (asked.headers.get(KEY), any_body(asked))
            times = asked_before.get(here, 0)
            if asked.operation == operation:
                asked_before[here] = times + 1
                if 0 < times <= len(statuses):
                    body = json.dumps({"error": {"type": "api_error", "message": "not now"}}).encode()
                    return Said(statuses[times - 1], {"Content-Type": "application/json"}, body)
            return serve(asked)

        return lie

    return make


@pytest.mark.parametrize("statuses", [[409], [503], [500, 409]])
def test_a_client_that_is_told_to_wait_tries_again(statuses: list[int], tmp_path: Path) -> None:
    (row,) = rows_of("stripe", "confirm")
    run = judged("stripe", tmp_path, [row], repeats_are_answered(statuses, "confirm"))
    assert run.row(row).verdict == "pass", run.row(row)
    waited = [one for one in run.exchanges(row) if one.response and one.response.status in statuses]
    assert len(waited) == len(statuses) * len(MISHAPS)


def test_a_retry_waits_longer_each_time(tmp_path: Path) -> None:
    (row,) = rows_of("stripe", "cancel")
    run = judged("stripe", tmp_path, [row], repeats_are_answered([503, 503], "cancel"))
    lost, *retries = [one for one in run.exchanges(row) if one.request.path.endswith("/cancel")][:4]
    pauses = [
        round(later.started - earlier.ended, 1) for earlier, later in zip([lost, *retries], retries, strict=False)
    ]
    assert pauses == [0.0, 0.5, 1.0]


def test_a_client_gives_up_after_three_retries(tmp_path: Path) -> None:
    (row,) = rows_of("stripe", "cancel")
    run = judged("stripe", tmp_path, [row], repeats_are_answered([503] * 9, "cancel"))
    expect_all_fail(run, row, MISHAPS)
    assert len([one for one in run.exchanges(row) if one.response and one.response.status == 503]) == 4 * 3 + 4


def test_a_target_that_asks_for_less_is_not_judged(tmp_path: Path) -> None:
    (row,) = rows_of("stripe", "confirm")
    run = judged("stripe", tmp_path, [row], repeats_are_answered([429] * 9, "confirm"))
    assert run.row(row).verdict == "inconclusive"


@pytest.mark.parametrize("status", [400, 500])
def test_what_was_refused_before_anything_got_lost_is_not_judged(status: int, tmp_path: Path) -> None:
    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation == "confirm":
            said.status = status
        return said

    (row,) = rows_of("stripe", "confirm")
    run = judged("stripe", tmp_path, [row], lambda: lie)
    assert run.row(row).verdict == "inconclusive"
    assert f"HTTP {status}" in run.row(row).reason


def test_a_retrieve_that_is_behind_is_looked_at_again(tmp_path: Path) -> None:
    looked: set[str] = set()

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation == "retrieve" and said.succeeded and asked.intent not in looked:
            looked.add(asked.intent)
            said.json = {**said.json, "status": "requires_payment_method", "latest_charge": None}
        return said

    (row,) = rows_of("stripe", "confirm")
    assert judged("stripe", tmp_path, [row], lambda: lie).row(row).verdict == "pass"


def test_what_is_always_answered_otherwise_at_first_is_for_other_rows(tmp_path: Path) -> None:
    seen: set[str] = set()

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation == "confirm" and said.succeeded and asked.intent not in seen:
            seen.add(asked.intent)
            said.json = {**said.json, "amount_received": 0}
        return said

    (row,) = rows_of("stripe", "confirm")
    assert judged("stripe", tmp_path, [row], lambda: lie).row(row).verdict == "inconclusive"


def test_what_a_retrieve_always_shows_otherwise_is_for_other_rows(tmp_path: Path) -> None:
    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation == "retrieve" and said.succeeded:
            said.json = {**said.json, "amount_received": 1}
        return said

    (row,) = rows_of("stripe", "confirm")
    run = judged("stripe", tmp_path, [row], lambda: lie)
    assert run.row(row).verdict == "inconclusive"
    assert "even where no answer is lost" in run.row(row).reason


def test_what_others_make_in_between_is_no_fault(tmp_path: Path) -> None:
    def lie(asked: Asked, serve: Serve) -> Said:
        if asked.operation == "create":
            for _ in range(30):  # so that the list has two pages
                assert serve(asked.sending(idempotency_key=None).saying(OTHERS)).succeeded
        return serve(asked)

    (row,) = rows_of("stripe", "create")
    run = judged("stripe", tmp_path, [row], lambda: lie)
    assert run.row(row).verdict == "pass", run.row(row)
    assert len([one for one in run.exchanges(row) if one.request.method == "GET"]) > 1


def test_a_target_without_a_list_is_judged_by_what_it_answers(tmp_path: Path) -> None:
    (row,) = rows_of("stripe", "create")
    run = judged("stripe", tmp_path, [row], lacks={"list": "not yet"})
    assert run.row(row).verdict == "pass", run.row(row)
    assert {one.request.method for one in run.exchanges(row)} == {"POST"}


# -- recordings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", provider_names())
@pytest.mark.parametrize("faulty", [False, True])
def test_a_recording_is_judged_alike(
    provider: str, faulty: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = faulty and provider != "dots"  # which knows no key there
    lie = late_keys(60.0, "confirm") if faulty else None
    live = judged(provider, tmp_path, rows_of(provider), lie)
    monkeypatch.setattr(proxy, "_connected", None)  # what is replayed has no use for it
    keep(live.run, live.certificate)
    assert live.run.record is not None
    replayed = judge_recording(live.run.record, live.run.contract)
    shown = _shown(replayed, rows_of(provider))
    assert shown == _shown(live.certificate, rows_of(provider))
    assert {verdict for verdict, _, _ in shown} == ({"pass", "fail"} if fails else {"pass"})


def _shown(certificate: Certificate, names: list[str]) -> list[tuple[str, str, list[object]]]:
    return [
        (row.verdict, row.reason, [(one.expected, one.actual, one.exchanges) for one in row.findings])
        for row in certificate.requirements
        if row.id in names
    ]
