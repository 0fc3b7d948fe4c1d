"""The parts of the detection benchmark that need no server and no other tool."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from conformance.contract import load_contract
from conformance.evidence.exchange import Exchange, Request
from conformance.reference import create_app, policies_of, target_settings

from .detection import documents, figures, jobs, page
from .detection.jobs import Job, Journal, Plan, StaleError
from .detection.ours import first_evidence, target_file
from .detection.registry import OURS, TOOLS
from .detection.schemathesis_cli import Seen, configuration
from .detection.servers import counting
from .detection.tools import Budget, First, Lines, Ran, Result, Server, run_process

PEER = next(name for name in TOOLS if name != OURS)
LEVELS = {"DOT-001": ("MUST", "create"), "DOT-002": ("SHOULD", "list"), "DOT-003": ("MAY", "list")}
FAULTS = {"dots": {"lies": ["DOT-001"], "flatters": ["DOT-002"], "hides": ["DOT-003"]}}


def server(arrivals: list[float]) -> Server:
    return Server("dots", "http://127.0.0.1:1", {"api_key": "k:s", "instruments": {"success": "a"}}, {}, arrivals)


def ours(fault: str, *failing: str, seed: int = 1, requests: int = 100) -> dict[str, Any]:
    keys = frozenset(f"{LEVELS[name][0]} {name}" for name in failing)
    first = First(7, 1.5) if keys else None
    result = Result(keys, first, requests, 3.0, "finished", {"failing": list(failing)})
    told = jobs.told(result, frozenset() if fault else None)
    key = Job("dots", fault, OURS, Budget(1, 1, seed)).key
    return {"key": key, "provider": "dots", "server": fault, "tool": OURS, "seed": seed, **told}


def peers(fault: str, *keys: str, known: tuple[str, ...] = ("old",), seed: int = 1) -> dict[str, Any]:
    first = First(40, 9.0) if set(keys) - set(known) else None
    told = jobs.told(Result(frozenset(keys), first, 1000, 60.0, "time"), frozenset(known) if fault else None)
    key = Job("dots", fault, PEER, Budget(1, 1, seed)).key
    return {"key": key, "provider": "dots", "server": fault, "tool": PEER, "seed": seed, **told}


def measured(*rows: dict[str, Any], **head: Any) -> dict[str, Any]:
    plan = Plan(("dots",), (OURS, PEER), seconds=300, times=10)
    told = {
        "date": "2026-01-02 03:04 UTC",
        "versions": {OURS: "1", PEER: "2"},
        "commands": {OURS: "a", PEER: "b"},
        "python": "3.11",
        "cores": 2,
        "processes": 2,
        "note": "",
        "plan": plan.settings(),
        "requests": {"dots": 1000},
        "again": "python -m it",
        "providers": ["dots"],
        "tools": [OURS, PEER],
    }
    return figures.document({**told, **head}, rows, FAULTS, LEVELS, confirmed=["STR-001"])


ROWS = (
    ours(""),
    peers("", "old"),
    ours("lies", "DOT-001"),
    peers("lies", "old", "new"),
    ours("flatters", "DOT-002", "DOT-003"),
    peers("flatters", "old"),
    ours("hides"),
    peers("hides", "newer"),
)


def test_what_was_found_is_counted_by_tool() -> None:
    mine, theirs = measured(*ROWS)["summary"]
    assert (mine["faults"], mine["found"], mine["found_by_must"], mine["exact"]) == (3, 2, 1, 1)
    assert (mine["median_requests"], mine["median_seconds"], mine["false_alarms"]) == (7, 1.5, 0)
    assert (theirs["faults"], theirs["found"], theirs["found_by_must"]) == (3, 2, None)
    assert (theirs["median_requests"], theirs["false_alarms"]) == (40, 1)


def test_a_set_that_is_not_the_one_broken_is_told() -> None:
    results = {(one["tool"], one["fault"]): one for one in measured(*ROWS)["results"]}
    assert results[OURS, "flatters"]["not_expected"] == ["DOT-003"]
    assert not results[OURS, "flatters"]["exact"]
    assert results[OURS, "lies"]["exact"]
    assert results[PEER, "lies"]["new"] == ["new"]


def test_what_did_not_run_is_neither_found_nor_counted() -> None:
    broken = {"key": "x", "provider": "dots", "server": "hides", "tool": PEER, "seed": 1, "did_not_run": "no\nJava"}
    document = measured(*ROWS[:-1], broken)
    theirs = document["summary"][1]
    assert (theirs["faults"], theirs["found"], theirs["did_not_run"]) == (2, 1, 1)
    assert f"- {PEER}, dots `hides`: no Java" in page.page(document)


def test_the_page_says_what_the_document_holds() -> None:
    document = json.loads(json.dumps(measured(*ROWS)))
    text = page.page(document)
    assert f"| dots | {OURS} | 2 of 3 | 67 % | 1 | 1 | 7 | 1.5 | 0 | 0 |" in text
    assert f"| dots | {PEER} | 2 of 3 | 67 % | – | – | 40 | 9.0 | 1 | 0 |" in text
    assert "| list | 2 | 1 | 1 |" in text
    assert "Found by another tool and not by ours: 1.\n\n- dots `hides`" in text
    assert "Found by ours alone: 1 of 3. For example `flatters` (dots, list)." in text
    assert "Found by no tool: none." in text
    assert "not measured" in text


def test_what_nobody_finds_is_told() -> None:
    text = page.page(measured(*ROWS[:4], ours("flatters"), peers("flatters", "old")))
    assert "Found by no tool: 1.\n\n- dots `flatters`\n" in text


def test_values_that_work_are_given_to_a_tool_as_its_dictionaries() -> None:
    known = documents.known_values(load_contract("dots"), target_settings("dots"))
    told = tomllib.loads(configuration(known))
    assert told["dictionaries"]["payment_method_id"]["values"] == [target_settings("dots")["instruments"]["success"]]
    assert told["parameters"]["body.payment_method_id"]["dictionary"] == "payment_method_id"


def test_the_page_says_that_only_some_faults_were_tried() -> None:
    plan = Plan(("dots",), (OURS, PEER), every=5).settings()
    assert "**One fault in 5**" in page.page(measured(*ROWS, plan=plan))
    assert "**One fault in" not in page.page(measured(*ROWS))


def test_localstripe_is_held_against_what_was_tried_by_hand() -> None:
    row = {"tool": OURS, "keys": ["MUST STR-001", "MUST STR-009", "SHOULD STR-002"]}
    told = figures.localstripe_figures(row, frozenset({"STR-001"}))
    assert (told["told"], told["false_alarms"]) == (2, ["STR-009"])
    assert figures.localstripe_figures({"tool": PEER, "keys": ["a", "b"]}, frozenset())["false_alarms"] is None


def test_a_peer_knows_what_it_told_of_the_fault_free_server_with_any_seed_and_nothing_else() -> None:
    rows = [ours(""), peers("", "a"), peers("", "b", seed=2), peers("lies", "c")]
    assert jobs.known_keys(rows) == {(OURS, "dots"): frozenset(), (PEER, "dots"): frozenset({"a", "b"})}


def test_the_request_budget_is_a_multiple_of_our_own_run() -> None:
    plan = Plan(("dots",), (OURS, PEER), times=2.5)
    assert plan.requests([ours("", requests=100), ours("", seed=2, requests=999)]) == {"dots": 250}
    with pytest.raises(ValueError, match="no run without a fault of dots"):
        plan.requests([ours("lies", "DOT-001")])


def test_a_plan_takes_each_so_manieth_fault_for_each_tool() -> None:
    plan = Plan(("dots",), (OURS, PEER), every=10)
    names = plan.faults("dots")
    every = Plan(("dots",), (OURS,)).faults("dots")
    assert names == every[::10]
    made = plan.fault_jobs([ours(""), peers("")])
    assert [(job.server, job.tool) for job in made] == [(name, tool) for name in names for tool in (OURS, PEER)]
    assert {job.budget for job in made if job.tool == PEER} == {Budget(300, 1000)}
    assert all(job.budget.requests > 1000 for job in made if job.tool == OURS)  # ours takes what it takes
    # A tool that could not run on the fault-free server knows nothing, and is not let loose on the others.
    assert {job.tool for job in plan.fault_jobs([ours("")])} == {OURS}


def test_an_interrupted_benchmark_goes_on_where_it_was(tmp_path: Path) -> None:
    path, job = tmp_path / "jobs.jsonl", Job("dots", "lies", OURS, Budget(1, 1))
    other = Job("dots", "hides", OURS, Budget(1, 1))
    journal = Journal(path, {"every": 1})
    journal.add(ours("lies", "DOT-001"))
    journal.add({**ours("hides"), "did_not_run": "no memory"})
    with path.open("a") as stream:
        stream.write('{"key": "cut o')
    again = Journal(path, {"every": 1})
    assert again.open_jobs([job, other]) == [other]
    again.add(ours("hides"))
    assert Journal(path, {"every": 1}).open_jobs([job, other]) == []
    with pytest.raises(StaleError, match="every"):
        Journal(path, {"every": 2})


def test_a_job_that_breaks_down_is_told_as_such() -> None:
    row = jobs.run_job(Job("dots", "no_such_fault", OURS, Budget(1, 1)))
    assert "no_such_fault" in row["did_not_run"]
    assert "keys" not in row


def exchange(number: int, ended: float) -> Exchange:
    return Exchange(number, Request("GET", "http://127.0.0.1:1"), None, ended=ended)


def test_a_finding_is_as_old_as_the_last_exchange_that_it_needs() -> None:
    rows = [{"findings": [{"exchanges": [1, 4]}, {"exchanges": [2, 3]}]}, {"findings": [{"exchanges": [5]}]}]
    exchanges = [exchange(number, 100.0 + number) for number in range(1, 6)]
    ran = Ran(100.0, 9.0, "finished", 1, "")
    assert first_evidence(rows, exchanges, ran, server([100.5, 101.5, 102.5, 103.5])) == First(3, 3.0)
    assert first_evidence([], exchanges, ran, server([])) is None
    assert first_evidence([{"findings": []}], exchanges, ran, server([100.5])) == First(1, 5.0)


def test_the_target_file_lends_what_the_server_has(tmp_path: Path) -> None:
    import tomllib

    told = tomllib.loads(target_file(server([])))
    assert told["target"]["api_key"] == "k:s"
    assert told["instruments"] == {"success": "a"}


def event(status: str, title: str, moment: float, check: str = "ignored_auth") -> dict[str, Any]:
    failure = {"operation": "POST /v1/x", "title": title, "message": f"noise {moment}"}
    told = {"name": check, "status": status, "failure_info": {"failure": failure} if status == "failure" else None}
    recorder = {"checks": {"a": [told]}, "interactions": {"a": {"timestamp": moment}}}
    return {"ScenarioFinished": {"timestamp": moment + 5, "recorder": recorder}}


def test_the_events_of_schemathesis_are_read_for_failures_and_nothing_else() -> None:
    seen = Seen()
    seen.read([event("success", "fine", 1.0), event("failure", "Bad", 2.0), event("failure", "Bad", 3.0)])
    assert [(failure.key, failure.moment) for failure in seen.failures] == [
        ("ignored_auth · POST /v1/x · Bad", 2.0),
        ("ignored_auth · POST /v1/x · Bad", 3.0),
    ]
    assert (seen.exchanges, seen.latest, seen.finished) == (3, 8.0, False)
    error = {"label": "POST /v1/x", "value": {"type": "UnsupportedSchema"}}
    seen.read([{"NonFatalError": error}, {"EngineFinished": {"stop_reason": "max_time"}}])
    assert len(seen.failures) == 2
    assert seen.errors == {"POST /v1/x: UnsupportedSchema"}
    assert (seen.finished, seen.stop_reason) == (True, "max_time")


def test_a_request_that_never_reached_the_server_under_test_shows_nothing() -> None:
    told = event("failure", "Bad", 2.0)
    told["ScenarioFinished"]["recorder"]["interactions"]["a"]["response"] = {"status_code": 431}
    seen = Seen()
    seen.read([told])
    assert seen.failures == []
    told["ScenarioFinished"]["recorder"]["interactions"]["a"]["response"] = {"status_code": 400}
    seen.read([told])
    assert len(seen.failures) == 1


def test_a_failure_about_a_path_has_one_key_whatever_operation_it_is_told_of() -> None:
    seen = Seen()
    seen.read([event("failure", "Wrong method", 1.0, "unsupported_method")])
    assert seen.failures[0].key == "unsupported_method · /v1/x · Wrong method"


def test_lines_are_given_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    lines = Lines(path)
    assert lines.new() == []
    path.write_text('{"a": 1}\n{"b"')
    assert lines.new() == [{"a": 1}]
    with path.open("a") as stream:
        stream.write(": 2}\n")
    assert lines.new() == [{"b": 2}]
    assert lines.new() == []


@pytest.mark.parametrize(
    ("budget", "arrivals", "found", "ended"),
    [
        (Budget(0.3, 9), [], False, "time"),
        (Budget(60, 2), [1.0, 2.0], False, "requests"),
        (Budget(60, 9), [], True, "found"),
    ],
)
def test_a_process_is_stopped_at_the_end_of_its_budget(
    tmp_path: Path, budget: Budget, arrivals: list[float], found: bool, ended: str
) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    ran = run_process(command, server(arrivals), budget, tmp_path, lambda: found)
    assert ran.ended == ended
    assert ran.seconds < 30
    assert ran.code != 0


def test_a_process_that_ends_by_itself_is_told_with_its_code(tmp_path: Path) -> None:
    ran = run_process([sys.executable, "-c", "print('hi'); raise SystemExit(3)"], server([]), Budget(60, 9), tmp_path)
    assert (ran.ended, ran.code, ran.printed.strip()) == ("finished", 3, "hi")


def test_requests_are_counted_without_a_change_in_what_is_said() -> None:
    from werkzeug.test import Client

    arrivals: list[float] = []
    plain = Client(create_app("dots")).get("/api/v2/payment-intents")
    counted = Client(create_app("dots", counting(policies_of("dots"), arrivals)))
    said = [counted.get("/api/v2/payment-intents") for _ in range(2)]
    assert len(arrivals) == 2
    assert {(one.status_code, one.data) for one in said} == {(plain.status_code, plain.data)}
