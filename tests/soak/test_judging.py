"""What workers leave is judged whole, or it is said what is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.history import HistoryError, read_grouped, to_line
from conformance.run import HISTORY
from conformance.sighting import Sighting
from conformance.soak.judging import ENOUGH, Pulse, SoakError, judge_soak, read_soak
from conformance.soak.ledger import Ledger
from conformance.soak.messages import ROOM, SOAK, WORKER, user_of
from tests.faults.certification import contract_of
from tests.soak.acting import Shop, play, shop


@pytest.fixture(scope="module")
def acted(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    with shop("dots", tmp_path_factory.mktemp("acted"), users=2) as there:
        play(there.users, 6)
    return there


def left(there: Shop, folder: Path) -> Path:
    """The folder of one worker that has acted all."""
    (folder / HISTORY).parent.mkdir(parents=True)
    (folder / HISTORY).write_bytes((there.folder / HISTORY).read_bytes())
    (folder / WORKER).write_text(json.dumps({"soak": "a-soak", "worker": 1, "exchanges": 1}))
    return folder


def test_a_worker_that_was_killed_is_judged_and_told(acted: Shop, tmp_path: Path) -> None:
    worker = left(acted, tmp_path / "1")
    (worker / WORKER).unlink()
    lines = (worker / HISTORY).read_bytes()
    (worker / HISTORY).write_bytes(lines[:-40])
    done = judge_soak(acted.soak(1), acted.contract, [worker], tmp_path / "judged")
    assert done.requests == lines.count(b"\n") - 1
    assert done.missing == [f"{worker}: the worker was ended before its time; what it has written is judged"]


@pytest.mark.parametrize(
    ("of", "change", "message"),
    [
        (2, {}, "the soak had 2 workers, and 1 folders are here"),
        (1, {"soak": "another"}, "is of another soak"),
        (1, {"worker": None}, "is not what a soak's worker leaves"),
    ],
)
def test_what_does_not_belong_together(acted: Shop, tmp_path: Path, of: int, change: dict, message: str) -> None:
    worker = left(acted, tmp_path / "1")
    (worker / WORKER).write_text(json.dumps({"soak": "a-soak", "worker": 1, **change}))
    with pytest.raises(SoakError, match=message):
        judge_soak(acted.soak(of), acted.contract, [worker], tmp_path / "judged")


def test_one_worker_twice_and_one_without_anything(acted: Shop, tmp_path: Path) -> None:
    first, second = left(acted, tmp_path / "1"), left(acted, tmp_path / "2")
    with pytest.raises(SoakError, match="are of the same worker"):
        judge_soak(acted.soak(2), acted.contract, [first, second], tmp_path / "judged")
    with pytest.raises(SoakError, match="holds nothing of a soak's worker"):
        judge_soak(acted.soak(1), acted.contract, [tmp_path / "none"], tmp_path / "judged")


def test_another_contract(acted: Shop, tmp_path: Path) -> None:
    soak = acted.soak(1)
    with pytest.raises(SoakError, match="another contract"):
        judge_soak(
            replace(soak, common=replace(soak.common, contract_digest="x")), acted.contract, [], tmp_path / "judged"
        )


def test_a_soak_is_read_as_it_was_written(acted: Shop, tmp_path: Path) -> None:
    soak = acted.soak(1)
    soak.write(tmp_path)
    assert read_soak(tmp_path) == soak
    (tmp_path / SOAK).write_text("{}")
    with pytest.raises(SoakError, match="is no soak"):
        read_soak(tmp_path)
    with pytest.raises(SoakError, match="`conformance soak` leaves it"):
        read_soak(tmp_path / "none")


def test_no_secret_is_written(acted: Shop, tmp_path: Path) -> None:
    acted.soak(1).write(tmp_path)
    for path in (tmp_path / SOAK, acted.folder / HISTORY):
        assert b"reference-key" not in path.read_bytes()


def exchange(number: int, started: float = 1.0, took: float = 0.01) -> Exchange:
    request = Request("GET", "https://host.example/v1/payment_intents/pi_1")
    return Exchange(number, request, Response(200, (), b"{}"), "x", "test", started=started, ended=started + took)


def test_histories_are_read_user_after_user(tmp_path: Path) -> None:
    numbers = [ROOM + 1, 2 * ROOM + 1, ROOM + 2, 2 * ROOM + 2, ROOM + 3]
    path = tmp_path / "history.jsonl"
    path.write_bytes(b"".join(to_line(exchange(number)) for number in numbers) + b'{"history":1,"number":9')
    assert [one.number for one in read_grouped([path], user_of)] == sorted(numbers)
    path.write_bytes(b"nonsense\n")
    with pytest.raises(HistoryError, match=r"history\.jsonl, byte 0: not an exchange of a history"):
        list(read_grouped([path], user_of))


def test_an_operation_that_becomes_slower_is_told() -> None:
    contract, pulse = contract_of("stripe"), Pulse()
    for number in range(5 * ENOUGH):
        slow = exchange(number + 1, started=float(number), took=0.010 + number * 0.0001)
        pulse.add(Sighting(contract, slow, "retrieve", "pi_1"))
        pulse.add(Sighting(contract, exchange(number + 1, started=float(number)), "create", ""))
    (slower,) = pulse.slower()
    assert slower.operation == "retrieve"
    assert slower.line.startswith("retrieve takes 2.6 times as long at the end as at the beginning: 32 ms, 12 ms")


def test_a_few_requests_say_nothing_of_slowness() -> None:
    contract, pulse = contract_of("stripe"), Pulse()
    for number in range(ENOUGH):
        late = exchange(number + 1, started=float(number), took=0.01 * number)
        pulse.add(Sighting(contract, late, "retrieve", "pi_1"))
    assert pulse.slower() == []


def test_the_ledger_is_a_mapping() -> None:
    ledger = Ledger()
    ledger[b"a"], ledger[b"b"] = (b"x", 1), (b"y", 2 * ROOM)
    ledger[b"a"] = (b"z", 3)
    assert dict(ledger) == {b"a": (b"z", 3), b"b": (b"y", 2 * ROOM)}
    assert (len(ledger), b"c" in ledger, ledger.get(b"c")) == (2, False, None)
    del ledger[b"a"]
    with pytest.raises(KeyError):
        ledger[b"a"]
    with pytest.raises(KeyError):
        del ledger[b"a"]
    ledger.close()
