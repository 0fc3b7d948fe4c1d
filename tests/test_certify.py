"""The main job: every provider's contract, on the reference server, in memory and over a socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.contract import provider_names
from conformance.order import Order, prepare_runs
from conformance.reference import provider_names as reference_names
from conformance.reference import serve, target_settings
from conformance.session import act
from conformance.verdict import Certificate, exit_code

IF_MET = {"RVK-145"}  # speaks of 429, which no run may provoke
REQUEST_LIMITS = {"stripe": 950}  # what a sandbox bears; 600 for the others


def certified(order: Order) -> Certificate:
    (run,) = prepare_runs(order)
    run.preflight()
    act(run)
    return run.finish()


def test_the_reference_server_speaks_every_contract() -> None:
    assert set(reference_names()) == set(provider_names())


@pytest.fixture(scope="module", params=provider_names())
def in_memory(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certified(Order(providers=(request.param,), output=str(tmp_path_factory.mktemp(request.param))))


def test_every_must_passes_or_does_not_apply_with_a_reason(in_memory: Certificate) -> None:
    assert exit_code(in_memory) == 0
    for row in in_memory.requirements:
        if row.level == "MUST" and row.id not in IF_MET:
            assert row.verdict == "pass" or (row.verdict == "inapplicable" and row.reason), (row.id, row.verdict)


def test_no_should_fails_and_nothing_is_left_open(in_memory: Certificate) -> None:
    assert [row.id for row in in_memory.requirements if row.level == "SHOULD" and row.verdict == "fail"] == []
    assert [row.id for row in in_memory.requirements if row.verdict in ("error", "inconclusive")] == []


def test_most_of_the_catalogue_is_judged(in_memory: Certificate) -> None:
    for level, part in (("MUST", 0.95), ("SHOULD", 0.85)):
        rows = [row for row in in_memory.requirements if row.level == level]
        assert sum(row.verdict in ("pass", "fail") for row in rows) >= part * len(rows)


def test_every_verdict_names_its_evidence(in_memory: Certificate) -> None:
    for row in in_memory.requirements:
        if row.verdict == "pass":
            assert row.exchanges, row.id


def test_the_number_of_requests_is_bearable(in_memory: Certificate) -> None:
    """On top come bursts and lost replies, which repeat requests by nature, and what is tried with other keys."""
    limit, on_top = REQUEST_LIMITS.get(in_memory.provider, 600), ("burst", "lost_reply", "credential_cannot")
    repeated = {number for row in in_memory.requirements if row.check in on_top for number in row.exchanges}
    assert in_memory.requests - len(repeated) <= limit + 5
    assert in_memory.requests <= 1.5 * limit


def target_file(provider: str, url: str, folder: Path) -> str:
    """A target file for the reference server at that address."""
    settings = target_settings(provider)
    lent = "\n".join(f"{name} = {_toml(value)}" for name, value in settings["instruments"].items())
    path = folder / "conformance.toml"
    path.write_text(
        f'[target]\nprovider = "{provider}"\nbase_url = "{url}"\napi_key = "{settings["api_key"]}"\n'
        f"[instruments]\n{lent}\n",
        encoding="utf-8",
    )
    return str(path)


@pytest.mark.parametrize("provider", provider_names())
def test_over_a_socket_the_verdicts_are_the_same(
    provider: str, in_memory_all: dict[str, Certificate], tmp_path: Path
) -> None:
    with serve(provider) as url:
        over_socket = certified(Order(target=target_file(provider, url, tmp_path), output=str(tmp_path / "out")))
    verdicts = {row.id: row.verdict for row in over_socket.requirements}
    assert verdicts == {row.id: row.verdict for row in in_memory_all[provider].requirements}
    assert exit_code(over_socket) == 0


def test_a_server_that_remembers_an_earlier_run_is_judged_alike(tmp_path: Path) -> None:
    """Idempotency keys are new in each run, or the server would rightly answer with what it did in the first one."""
    with serve("revkeen") as url:
        order = Order(target=target_file("revkeen", url, tmp_path), output=str(tmp_path / "out"))
        assert [exit_code(certified(order)) for _ in range(2)] == [0, 0]


@pytest.fixture(scope="module")
def in_memory_all(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certificate]:
    folder = tmp_path_factory.mktemp("all")
    return {name: certified(Order(providers=(name,), output=str(folder / name))) for name in provider_names()}


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, int) else f'"{value}"'
