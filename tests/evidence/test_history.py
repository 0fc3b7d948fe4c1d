"""A history numbers and keeps exchanges from many threads, and what it wrote is read back, without its secrets."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.history import History, HistoryError, read_history
from conformance.evidence.redaction import Redactor

KEY = "sk_test_canary0123456789"


def exchange(number: int = 0, body: bytes = b"", answer: bytes | None = b'{"id":"pi_1"}', **other: Any) -> Exchange:
    headers = (("Content-Type", "application/json"), ("X-Twice", "1"), ("X-Twice", "2"))
    request = Request("POST", "https://h.example/v1/payment_intents?expand[]=customer", headers, body)
    return Exchange(number, request, None if answer is None else Response(200, headers, answer), **other)


def test_it_tells_the_numbers_of_a_scenario() -> None:
    history = History(Redactor({}))
    for number, scenario in ((3, "a"), (2, "b"), (1, "a")):  # as threads may add them
        history.add(exchange(number, scenario=scenario))
    assert (history.numbers("a"), history.numbers("b"), history.numbers("none")) == ([1, 3], [2], [])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "history" / "exchanges.jsonl"


def test_what_is_written_is_read_back(file: Path) -> None:
    history = History(Redactor({}), file)
    history.add(exchange(body="é".encode(), scenario="test_a", credential="test", case="case-1"))
    history.add(exchange(body=bytes(range(256)), answer=b"\xff\x00", scenario="test_b"))
    history.add(exchange(answer=None, failure="ConnectError"))
    history.add(Exchange(0, Request("GET", "/"), Response(204), started=1.5, ended=2.25, origin={"file": "a"}))
    assert list(read_history(file)) == list(history) == list(history.redacted().values())
    assert [kept.number for kept in history] == [1, 2, 3, 4]
    assert len(history) == 4


def test_memory_keeps_secrets_for_judging_and_the_file_gets_none(file: Path) -> None:
    history = History(Redactor({"api_key": KEY}), file)
    kept = history.add(exchange(body=json.dumps({"echo": KEY}).encode()))
    assert KEY.encode() in kept.request.body
    assert history.exchanges == (kept,)
    assert KEY not in file.read_text()
    assert KEY.encode() not in history.redacted()[1].request.body
    assert list(read_history(file)) == list(history.redacted().values())


def test_each_line_is_on_disk_when_add_returns(file: Path) -> None:
    history = History(Redactor({}), file)
    for count in (1, 2, 3):
        history.add(exchange())
        assert file.read_bytes().count(b"\n") == count


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    History(Redactor({})).add(exchange())
    assert list(tmp_path.iterdir()) == []


def test_threads_get_different_numbers_and_whole_lines(file: Path) -> None:
    history = History(Redactor({}), file)
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        for turn in range(25):
            number = history.next_number() if turn % 2 else 0
            history.add(exchange(number, body=b"x" * 20_000))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [kept.number for kept in history] == list(range(1, 201))
    assert sorted(kept.number for kept in read_history(file)) == list(range(1, 201))


def test_numbers_do_not_collide_when_threads_interrupt_each_other() -> None:
    before = sys.getswitchinterval()
    history, given = History(Redactor({})), list[int]()
    threads = [
        threading.Thread(target=lambda: given.extend([history.next_number() for _ in range(5000)])) for _ in range(4)
    ]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert sorted(given) == list(range(1, 20_001))


def test_a_number_is_given_once() -> None:
    history = History(Redactor({}))
    history.add(exchange(7))
    assert history.next_number() == 8
    with pytest.raises(ValueError, match="7 is in the history already"):
        history.add(exchange(7))
    assert len(history) == 1


def test_exchanges_come_by_number_whatever_ended_first() -> None:
    history = History(Redactor({}))
    first, second = history.next_number(), history.next_number()
    history.add(exchange(second))
    history.add(exchange(first))
    assert [kept.number for kept in history.exchanges] == [1, 2]


@pytest.mark.parametrize("cut", [1, 20, -1])
def test_a_line_that_a_crash_cut_off_harms_no_other(file: Path, cut: int) -> None:
    history = History(Redactor({}), file)
    history.add(exchange())
    history.add(exchange())
    history.close()
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    file.write_bytes(whole[: first + cut] if cut > 0 else whole[:cut])
    # A cut that takes no more than the line's end leaves an exchange that can be read.
    assert [kept.number for kept in read_history(file)] == ([1] if cut > 0 else [1, 2])
    after = History(Redactor({}), file)
    after.add(exchange(3))
    assert [kept.number for kept in read_history(file)] == [1, 3]


NO_EXCHANGES = ['{"cut', "[]", "null", '{"history": 1}', '{"history": 2, "number": 1}', '{"method": "GET"}']


@pytest.mark.parametrize("line", NO_EXCHANGES)
def test_a_line_that_is_no_exchange_is_named(file: Path, line: str) -> None:
    history = History(Redactor({}), file)
    history.add(exchange())
    history.close()
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(HistoryError, match=r"exchanges\.jsonl, line 2: not an exchange"):
        list(read_history(file))
