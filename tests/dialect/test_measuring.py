"""Each small server's dialect is found as it is, and nothing is found that is not so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from conformance.contract import Contract, load_contract
from conformance.contract.dialect import AXES, documented
from conformance.contract.loading import load_contracts
from conformance.dialect import MOST_REQUESTS, Dialect, compare, measure, named
from conformance.embedded import embedded_server, embedded_target
from conformance.run import Run
from conformance.target.clock import Clock
from conformance.target.settings import Target, make_target
from tests.dialect.servers import ALL, FAILING, KEY, OTHER_KEY, Direct, Kept, Said, Server, Speech, small

STRIPE = load_contract("stripe")
LENT: dict[str, Any] = {"other_api_key": OTHER_KEY, "server_error": FAILING}
DAY = 86400

# What is to be found of a server that speaks as Stripe does; None is an axis that cannot be measured.
AS_STRIPE: dict[str, Any] = {
    "carrier": "header",
    "create": "honoured",
    "update": "honoured",
    "confirm": "honoured",
    "capture": "honoured",
    "cancel": "honoured",
    "retrieve": "ignored",
    "other_operation": "refused",
    "other_intent": "refused",
    "other_credential": "replayed",
    "success": "stored",
    "marker": "Idempotent-Replayed",
    "other_body": "refused",
    "other_body_status": 400,
    "other_body_error": "idempotency_error",
    "refusal": "dropped",
    "decline": "stored",
    "failure_before": "dropped",
    "failure_after": "stored",
    "in_flight": "refused",
    "in_flight_status": 409,
    "in_flight_error": "invalid_request_error idempotency_key_in_use",
    "shortest": 1,
    "longest": 255,
    "beyond_longest": "refused",
    "empty": "refused",
    "punctuation": "counts",
    "letter_case": "told_apart",
    "kept_at_least": DAY,
    "forgotten_after": DAY,
}
WAITS: dict[str, Any] = {"in_flight": "waits", "in_flight_status": None, "in_flight_error": None}
NO_CONFLICT: dict[str, Any] = {"other_body_status": None, "other_body_error": None}
ALL_KEPT = frozenset({"refusal", "decline", "before", "after"})

# Each dialect: how the server speaks, and what of its axes is other than with Stripe.
DIALECTS: dict[str, tuple[Speech, dict[str, Any]]] = {
    "stripe": (Speech(), {}),
    "revkeen": (
        Speech(
            scope="path",
            per_credential=True,
            keeps=frozenset({"refusal", "decline", "after"}),
            marker="Idempotency-Replayed",
            first_marked_false=True,
            conflict=(409, "idempotency_error", "idempotency_conflict"),
            busy=(409, "idempotency_error", "idempotency_in_progress"),
        ),
        {
            "other_operation": "executed",
            "other_intent": "executed",
            "other_credential": "executed",
            "marker": "idempotency-replayed",
            "other_body_status": 409,
            "other_body_error": "idempotency_error idempotency_conflict",
            "refusal": "stored",
            "in_flight_error": "idempotency_error idempotency_in_progress",
        },
    ),
    "paypercut_like": (
        Speech(marker="", keeps=ALL_KEPT, conflict=(409, "idempotency_error", ""), in_flight="waits"),
        {"marker": "none", "other_body_status": 409, "refusal": "stored", "failure_before": "stored", **WAITS},
    ),
    "successes_only": (Speech(keeps=frozenset()), {"decline": "dropped", "failure_after": "dropped"}),
    "refusals_dropped_declines_not": (
        Speech(marker="", keeps=frozenset({"decline"}), empty="ignored"),
        {"marker": "none", "failure_after": "dropped", "empty": "ignored"},
    ),
    "body_ignored": (
        Speech(marker="", keeps=ALL_KEPT, other_body="replayed", shortest=8),
        {
            "marker": "none",
            "other_body": "replayed",
            **NO_CONFLICT,
            "other_operation": "replayed",
            "other_intent": "replayed",
            "refusal": "stored",
            "failure_before": "stored",
            "shortest": 8,
        },
    ),
    "half_an_hour": (
        Speech(retention=1800, in_flight="waits"),
        {"kept_at_least": 1800, "forgotten_after": 1800, **WAITS},
    ),
    "five_hours": (Speech(retention=5 * 3600), {"kept_at_least": 3600, "forgotten_after": 6 * 3600}),
    "five_minutes": (Speech(retention=300), {"kept_at_least": 0, "forgotten_after": 600}),
    "for_ever": (Speech(retention=10**9), {"kept_at_least": 30 * DAY, "forgotten_after": None}),
    "per_operation": (
        Speech(scope="operation", empty="counts"),
        {"other_operation": "executed", "other_intent": "replayed", "empty": "counts"},
    ),
    "per_path": (
        Speech(scope="path", folds_case=True),
        {"other_operation": "executed", "other_intent": "executed", "letter_case": "folded"},
    ),
    "in_body": (
        Speech(member="idempotency_key", marker="", odd="refused"),
        {"carrier": "body", "marker": "none", "retrieve": None, "punctuation": "refused"},
    ),
    "races": (
        Speech(in_flight="executed", longest=1000, beyond="ignored"),
        {**WAITS, "in_flight": "executed", "longest": 1000, "beyond_longest": "ignored"},
    ),
    "reads_honoured_bodies_apart": (
        Speech(marker="", operations=ALL | {"retrieve"}, other_body="executed", odd="ignored"),
        {
            "marker": "none",
            "retrieve": "honoured",
            "other_body": "executed",
            **NO_CONFLICT,
            "other_operation": "executed",
            "other_intent": "executed",
            "refusal": None,
            "failure_before": None,
            "failure_after": None,
            "punctuation": "ignored",
        },
    ),
    "cut_at_64": (
        Speech(longest=64, beyond="cut", success="current", odd="cut", per_credential=True),
        {
            "longest": 64,
            "beyond_longest": "cut",
            "success": "current",
            "punctuation": "cut",
            "other_credential": "executed",
        },
    ),
    "some_operations": (
        Speech(operations=frozenset({"create", "confirm"})),
        {"update": "ignored", "capture": "ignored", "cancel": "ignored"},
    ),
    "every_repeat_refused": (
        Speech(success="refused", conflict=(409, "invalid_request_error", "duplicate"), longest=2000),
        {
            "success": "refused",
            "marker": None,
            "other_credential": "refused",
            "other_body_status": 409,
            "other_body_error": "invalid_request_error duplicate",
            "decline": None,
            "failure_after": "stored",
            "in_flight": None,
            "in_flight_status": None,
            "in_flight_error": None,
            "longest": 1024,
            "beyond_longest": None,
        },
    ),
}
DIALECTS["repeated_creates_refused"] = (
    replace(DIALECTS["every_repeat_refused"][0], operations=frozenset({"create"})),
    {
        **DIALECTS["every_repeat_refused"][1],
        "update": "ignored",
        **dict.fromkeys(("confirm", "capture", "cancel", "other_operation", "other_intent")),
    },
)


def target_of(contract: Contract = STRIPE, **lent: Any) -> Target:
    return make_target(contract, base_url="http://127.0.0.1:1", api_key=KEY, name="small", instruments=lent)


@contextmanager
def run_of(folder: Path, server: Any, clock: Clock, **more: Any) -> Iterator[Run]:
    target = more.pop("target", None) or target_of(**LENT)
    transport = server if isinstance(server, httpx.BaseTransport) else Direct(server)
    run = Run(STRIPE, target, folder, transport=transport, clock=clock, **more)
    try:
        yield run
    finally:
        run.close()


@pytest.fixture
def measured(tmp_path: Path) -> Callable[..., tuple[Dialect, Server]]:
    def made(speech: Speech, **more: Any) -> tuple[Dialect, Server]:
        server, clock = small(speech)
        with run_of(tmp_path, server, clock, **more) as run:
            return measure(run), server

    return made


def values(dialect: Dialect) -> dict[str, Any]:
    return {name: one.value for name, one in dialect.found.items()}


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_is_found_as_it_is(
    name: str, measured: Callable[..., tuple[Dialect, Server]], record_property: Callable[[str, object], None]
) -> None:
    speech, other = DIALECTS[name]
    dialect, server = measured(speech)
    record_property("requests", dialect.requests)
    print(f"{name}: {dialect.requests} requests")  # noqa: T201
    assert values(dialect) == {**AS_STRIPE, **other}, {n: f.evidence for n, f in dialect.found.items()}
    assert dialect.requests == server.asked <= MOST_REQUESTS


def test_every_axis_is_varied_somewhere() -> None:
    found = {axis: {other.get(axis, AS_STRIPE[axis]) for _, other in DIALECTS.values()} - {None} for axis in AS_STRIPE}
    assert set(found) == set(AXES)
    # Whether create honours keys decides whether anything can be asked; see the server that ignores them all.
    same = {axis for axis, values in found.items() if len(values) == 1}
    assert same == {"create", "confirm", "in_flight_status"}


def test_a_server_that_ignores_keys(measured: Callable[..., tuple[Dialect, Server]]) -> None:
    dialect, _ = measured(Speech(operations=frozenset()))
    assert dialect.measured == {"carrier": "none", "create": "ignored"}
    assert dialect.found["longest"].evidence == "create: keys are ignored"
    assert dialect.found["cancel"].evidence == "no place for a key was found"


def test_a_create_that_ignores_keys_hides_no_carrier(measured: Callable[..., tuple[Dialect, Server]]) -> None:
    dialect, _ = measured(Speech(operations=frozenset({"cancel"})))
    expected = {"carrier": "header", "create": "ignored", "update": "ignored", "confirm": "ignored"}
    expected |= {"capture": "ignored", "cancel": "honoured", "retrieve": "ignored", "other_intent": "refused"}
    assert dialect.measured == expected


@pytest.mark.parametrize(
    "garbage",
    [b"<html>", b"[]", b"null", b'"text"', b"\xff\xfe{", b'{"id": 5}', b'{"id": "pi_x", "amount": 1}', b"[" * 3000],
)
@pytest.mark.parametrize("first", [4, 20, 34, 60, 75])
def test_garbage_in_the_middle_costs_its_axes_alone(tmp_path: Path, garbage: bytes, first: int) -> None:
    server, clock = small(Speech())
    with run_of(tmp_path, Direct(server, dict.fromkeys(range(first, first + 5), garbage)), clock) as run:
        found = values(measure(run))
    wrong = {axis: value for axis, value in found.items() if value not in (None, AS_STRIPE[axis])}
    assert not wrong
    assert 0 < sum(value is None for value in found.values()) < 12


def test_garbage_from_the_start_gives_reasons(tmp_path: Path) -> None:
    server, clock = small(Speech())
    with run_of(tmp_path, Direct(server, dict.fromkeys(range(1, 999), b"<html>")), clock) as run:
        dialect = measure(run)
    assert not dialect.measured
    assert all(one.evidence for one in dialect.found.values())


class Silent(httpx.BaseTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody at home")


def test_silence_gives_reasons(tmp_path: Path) -> None:
    with run_of(tmp_path, Silent(), Clock()) as run:
        dialect = measure(run)
    assert not dialect.measured
    assert "nobody at home" in dialect.found["carrier"].evidence


def test_one_intent_whatever_the_key_tells_nothing(tmp_path: Path) -> None:
    intent = b'{"id": "pi_1", "object": "payment_intent", "amount": 2000, "status": "requires_payment_method"}'
    server, clock = small(Speech())
    with run_of(tmp_path, Direct(server, dict.fromkeys(range(1, 999), intent)), clock) as run:
        dialect = measure(run)
    assert not dialect.measured
    assert "two keys" in dialect.found["carrier"].evidence


@pytest.mark.parametrize("most", [12, 40, 70])
def test_the_bound_is_hard(most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.dialect.probe.MOST_REQUESTS", most)
    server, clock = small(Speech())
    with run_of(tmp_path, server, clock) as run:
        dialect = measure(run)
        bursts = [one for one in run.history if one.scenario == "dialect: in_flight"]
    assert dialect.requests == server.asked == most
    assert not bursts  # one is not begun that cannot be sent
    assert "were used up" in dialect.found["longest"].evidence
    assert {name: AS_STRIPE[name] for name in dialect.measured} == dialect.measured


def test_an_experiment_that_fails_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object) -> str:
        raise KeyError(KEY)

    monkeypatch.setattr("conformance.dialect.answers.changed", unreadable)
    server, clock = small(Speech())
    with run_of(tmp_path, server, clock) as run:
        dialect = measure(run)
    assert values(dialect) == {**AS_STRIPE, "success": None}
    assert dialect.found["success"].evidence == "the answers cannot be read (KeyError)"


def test_a_short_key_that_was_used_before_tells_nothing(tmp_path: Path) -> None:
    server, clock = small(DIALECTS["for_ever"][0])
    for key in "0123456789abcdef":
        server.kept["", "", "", key] = kept = Kept("another request", clock.time(), Said(200, {}, "success"))
        kept.done.set()
    with run_of(tmp_path, server, clock) as run:
        dialect = measure(run)
    assert values(dialect) == {**AS_STRIPE, **DIALECTS["for_ever"][1], "shortest": None}
    assert "used before" in dialect.found["shortest"].evidence


def test_what_the_target_does_not_lend_or_allow_is_not_measured(tmp_path: Path) -> None:
    server, _ = small(Speech())
    target = make_target(
        STRIPE, base_url="http://127.0.0.1:1", api_key=KEY, lacks={"cancel": "later", "update": "later"}, burst=1
    )
    with run_of(tmp_path, server, Clock(), target=target) as run:
        found = measure(run).found
    reasons = {name: one.evidence for name, one in found.items() if one.value is None}
    for axis, reason in [
        ("cancel", "later"),
        ("update", "later"),
        ("other_credential", "other_api_key"),
        ("failure_before", "server_error"),
        ("failure_after", "server_error"),
        ("kept_at_least", "time cannot be moved"),
        ("in_flight", "burst"),
    ]:
        assert reason in reasons[axis]
    assert found["longest"].value == 255


def test_the_same_seed_asks_the_same(tmp_path: Path) -> None:
    asked = []
    for name in ("a", "b"):
        server, clock = small(Speech())
        target = target_of(**LENT)
        with run_of(tmp_path / name, server, clock, target=target, seed=7) as run:
            measure(run)
            asked.append(
                [
                    (e.request.method, e.request.url, e.request.header("idempotency-key"), e.request.body)
                    for e in run.history
                    if e.scenario != "dialect: in_flight"
                ]
            )
    assert asked[0] == asked[1]


def test_evidence_holds_no_secret(tmp_path: Path) -> None:
    server, clock = small(Speech(conflict=(409, "idempotency_error", f"you_sent_{OTHER_KEY}")))
    with run_of(tmp_path, server, clock) as run:
        dialect = measure(run)
    texts = " ".join(f"{one.value} {one.evidence}" for one in dialect.found.values())
    assert "you_sent_" in texts
    assert OTHER_KEY not in texts


@pytest.mark.parametrize("provider", ["stripe", "revkeen", "paypercut"])
def test_the_reference_server_differs_in_nothing_documented(provider: str, tmp_path: Path) -> None:
    contracts = load_contracts()
    contract = contracts[provider]
    run = Run(contract, embedded_target(contract), tmp_path, **embedded_server(provider))
    run.preflight()
    dialect = measure(run)
    run.close()
    rows = compare(documented(contract.settings), dialect)
    assert [row for row in rows if row.result == "differs"] == []
    unmeasured = {row.axis for row in rows if row.documented and row.found.value is None}
    # Nothing lent makes these servers fail; that a burst overlaps is not certain in memory.
    assert unmeasured <= {"failure_before", "failure_after", "in_flight", "in_flight_status", "in_flight_error"}
    assert named(dialect, contracts.values()).startswith(f"{contract.title}'s: ")


def test_a_key_in_the_body_is_found_with_a_reference_server(tmp_path: Path) -> None:
    contract = load_contract("dots")
    run = Run(contract, embedded_target(contract), tmp_path, **embedded_server("dots"))
    found = values(measure(run))
    run.close()
    assert (found["carrier"], found["other_body"], found["confirm"]) == ("body", "replayed", "ignored")
    assert (found["shortest"], found["longest"], found["letter_case"]) == (36, 36, "folded")
