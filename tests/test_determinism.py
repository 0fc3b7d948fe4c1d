"""What a run sends follows from the contract, the seed and the target's answers: from no clock, hash or random number.

A recording can be replayed only so. Two runs are made in processes of their own, months apart and in another time zone,
with other hash seeds; of what they send, only that which the server has given them may differ.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.contract import load_contract, provider_names

# A server whose walk contradicts: making it short is the one thing a run does that depends on what it has found.
FAULTS = {
    "stripe": "cancels_paid_intents",
    "revkeen": "cancels_nothing",
    "paypercut": "cancels_whatever_the_status",
    "dots": "opens_paid_intents_again",
}
PROGRAM = """
import itertools, json, pathlib, sys, types
from conformance.reference import policies_of
from conformance.session import act
from conformance.target import clock
from tests.faults.certification import prepared

# How fast this machine is decides which intents a second's list holds: here each look at the clock takes as long.
ticks = itertools.count(float(sys.argv[2]), 0.001)
tick = lambda: next(ticks)
clock.time = types.SimpleNamespace(time=tick, monotonic=tick)
for name in json.loads(sys.argv[3]):
    provider, _, fault = name.partition(" ")
    folder = pathlib.Path(sys.argv[1]) / name
    run = prepared(provider, policies_of(provider, fault), folder)
    if fault:
        run.rows = {row.id: row for row in run.rows.values() if row.check == "walk"}
    run.preflight()
    act(run)
    lines = [
        [one.scenario, one.case, one.credential, one.request.method, one.request.url, list(one.request.headers),
         one.request.body.decode("utf-8", "replace"), one.response.body.decode() if one.response else one.failure]
        for one in run.history
    ]
    run.close()
    (folder / "sent.json").write_text(json.dumps(lines))
"""
RUNS = [name for provider in provider_names() for name in (provider, f"{provider} {FAULTS[provider]}")]
STARTS = (1_750_000_000, 1_765_586_560)  # half a year later, at another time of day
_WORD = re.compile(r"[A-Za-z0-9-]{10,}")
_TURNED = str.maketrans(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "5678901234defabcqrstuvwxyzghijklmnopNOPQRSTUVWXYZABCDEFGHIJKLM",
)


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Any, Any]]:
    """``two_runs(name)``: what the two runs of ``RUNS`` with this name have sent and were answered."""
    folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), str(start), json.dumps(RUNS)],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder, start, seed, zone in zip(folders, STARTS, ("1", "2024"), ("UTC", "Pacific/Kiritimati"), strict=True)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors

    def read(name: str) -> tuple[Any, Any]:
        first, second = (json.loads((folder / name / "sent.json").read_text()) for folder in folders)
        return first, second

    return read


def unified(lines: list[list[Any]], start: int) -> Iterator[tuple[str, str]]:
    """The scenario and the request of each line, in order, without what is the server's.

    What it has given before stands by its order of use, and a time by the seconds since the ``start`` of the run.
    """
    given: set[str] = set()
    asked: set[str] = set()  # what a run has made up is not given by an answer, whichever of a burst that stands in
    used: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        word = match[0]
        if len(word) == 10 and word.isdigit() and 0 <= int(word) - start < 3600:
            return f"<start + {int(word) - start}>"
        return used.setdefault(word, f"<given {len(used)}>") if word in given else word

    for scenario, *request, answer in lines:
        text = json.dumps(request)
        yield scenario, _WORD.sub(named, text)
        asked |= {word for word in _WORD.findall(text) if word not in given}
        for word in _WORD.findall(answer):
            # Ids and secrets; the scenarios make an id that is nobody's by turning the end of one.
            given |= {word, word[:-12] + word[-12:].translate(_TURNED)} - asked


@pytest.mark.parametrize("name", RUNS)
def test_two_runs_with_the_same_seed_send_the_same(name: str, two_runs: Callable[[str], tuple[Any, Any]]) -> None:
    first, second = (list(unified(lines, start)) for lines, start in zip(two_runs(name), STARTS, strict=True))
    assert first
    for number, (one, other) in enumerate(zip(first, second, strict=False), 1):
        assert one == other, f"request {number}"
    assert len(first) == len(second)


@pytest.mark.parametrize("provider", provider_names())
def test_the_faulty_servers_are_such_whose_walk_is_made_short(
    provider: str, two_runs: Callable[[str], tuple[Any, Any]]
) -> None:
    (row,) = (row.id for row in load_contract(provider).requirements.values() if row.check == "walk")
    frozen, sent = (
        [
            (method, url.rpartition("/")[2][:10])
            for scenario, _, _, method, url, *_ in two_runs(name)[0]
            if row in scenario
        ]
        for name in (provider, f"{provider} {FAULTS[provider]}")
    )
    met = next(number for number, (one, other) in enumerate(zip(frozen, sent, strict=False)) if one != other)
    assert sent[met:], "after the walk that contradicts others are played than the frozen ones"


def test_what_a_run_makes_up_itself_is_not_taken_for_given() -> None:
    made_up = ["one", "", "test", "POST", "/v1/things", [["Idempotency-Key", "{}"]], "", '{"echo": "{}"}']

    def run(key: str, given: str) -> list[tuple[str, str]]:
        lines = json.loads(json.dumps([made_up, made_up]).replace("{}", key))
        lines += [["one", "", "test", "GET", f"/v1/things/{given}", [], "", ""]]
        lines[1][-1] += f' {{"id": "{given}"}}'
        return list(unified(lines, STARTS[0]))

    assert run("key-0123456789", "thing-0123456789") == run("key-0123456789", "thing-9876543210")
    assert run("key-0123456789", "thing-0123456789") != run("key-9876543210", "thing-0123456789")
