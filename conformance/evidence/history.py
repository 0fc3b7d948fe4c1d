"""The exchanges of one run, in order: kept whole in memory for judging, redacted in a file that survives a crash."""

from __future__ import annotations

import base64
import json
import re
import threading
import weakref
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from conformance.evidence.exchange import Exchange, Headers, Request, Response
from conformance.evidence.redaction import Redactor

_FORMAT = 1
_NUMBER = re.compile(rb'\{"history":\d+,"number":(\d+)[,}]')  # how each line begins


class HistoryError(ValueError):
    """A file that should hold a history and does not; the message names file and line."""


class History:
    """The exchanges of one run. Thread-safe.

    ``file`` receives each exchange, redacted, as one JSON line the moment it is added; its folders are made, and it is
    appended to where it exists. One process writes a file: runs over several processes have a file each. Numbers begin
    after ``before``, so that those of several histories need not collide. One that is not ``kept`` holds nothing in
    memory, and may share a ``stream`` with others, which is left open.
    """

    def __init__(
        self,
        redactor: Redactor,
        file: Path | None = None,
        *,
        before: int = 0,
        kept: bool = True,
        stream: BinaryIO | None = None,
    ) -> None:
        self._redactor = redactor
        self._lock = threading.Lock()
        self._last = before
        self._kept = kept
        self._exchanges: dict[int, Exchange] = {}
        self._redacted: dict[int, Exchange] = {}
        self._numbers: defaultdict[str, list[int]] = defaultdict(list)  # by scenario
        self._shared = stream
        self._stream: BinaryIO | None = appendable(file) if file else stream
        if self._stream and not stream:
            weakref.finalize(self, self._stream.close)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All exchanges as they were, secrets included, by number; for judging, never for writing."""
        with self._lock:
            return tuple(self._exchanges[number] for number in sorted(self._exchanges))

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self.exchanges)

    def __len__(self) -> int:
        return len(self._exchanges)

    @property
    def last(self) -> int:
        """The highest number given out so far; where none was, that before the first."""
        with self._lock:
            return self._last

    def next_number(self) -> int:
        """A number that no other exchange of this history has."""
        with self._lock:
            self._last += 1
            return self._last

    def add(self, exchange: Exchange) -> Exchange:
        """Keeps an exchange and writes it, and returns it as kept: number 0 becomes the next one.

        Raises ValueError where the number is taken, OSError where the file cannot be written.
        """
        if exchange.number == 0:
            exchange = replace(exchange, number=self.next_number())
        redacted = self._redactor.exchange(exchange)
        line = to_line(redacted) if self._stream else b""
        with self._lock:
            if exchange.number in self._exchanges:
                raise ValueError(f"exchange {exchange.number} is in the history already")
            self._last = max(self._last, exchange.number)
            if self._kept:
                self._exchanges[exchange.number] = exchange
                self._redacted[exchange.number] = redacted
                self._numbers[exchange.scenario].append(exchange.number)
            if self._stream:
                self._stream.write(line)
                self._stream.flush()
        return exchange

    def numbers(self, scenario: str) -> list[int]:
        """The numbers of the exchanges of one scenario, in ascending order."""
        with self._lock:
            return sorted(self._numbers.get(scenario, ()))

    def redacted(self) -> Mapping[int, Exchange]:
        """All exchanges by number without their secrets; for reports."""
        with self._lock:
            return {number: self._redacted[number] for number in sorted(self._redacted)}

    def close(self) -> None:
        """Closes the file, as the end of the history does too; the exchanges stay."""
        with self._lock:
            if self._stream and not self._shared:
                self._stream.close()
            self._stream = None


def read_history(path: Path) -> Iterator[Exchange]:
    """The exchanges of a history file in the order they were written, one at a time.

    A last line that a crash cut off is left out. Raises HistoryError where another line is no exchange, OSError where
    the file cannot be read.
    """
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                yield from_line(json.loads(line))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                if line.endswith(b"\n"):
                    raise HistoryError(f"{path}, line {number}: not an exchange of a history ({error})") from error


def read_grouped(paths: Iterable[Path], group: Callable[[int], int]) -> Iterator[Exchange]:
    """The exchanges of several history files, group after group, each in the order it was written, one at a time.

    ``group`` says to which one an exchange of that number belongs; one group's stand in one file. Memory holds eight
    bytes for each exchange, and no exchange. Raises as ``read_history``.
    """
    with ExitStack() as opened:
        groups: dict[int, tuple[BinaryIO, Path, array[int]]] = {}
        for path in paths:
            file: BinaryIO = opened.enter_context(path.open("rb"))
            for place, number in _places(file, path):
                groups.setdefault(group(number), (file, path, array("Q")))[2].append(place)
        for _, (stream, path, places) in sorted(groups.items(), key=lambda item: item[0]):
            for place in places:
                stream.seek(place)
                try:
                    yield from_line(json.loads(stream.readline()))
                except (ValueError, TypeError, KeyError, RecursionError) as error:
                    raise HistoryError(f"{path}, byte {place}: not an exchange of a history ({error})") from error


def _places(stream: BinaryIO, path: Path) -> Iterator[tuple[int, int]]:
    """Where each exchange stands, in bytes, and its number; without a last line that a crash cut off."""
    place = 0
    for line in stream:
        if not line.endswith(b"\n"):
            break
        if not (number := _NUMBER.match(line)):
            raise HistoryError(f"{path}, byte {place}: not an exchange of a history")
        yield place, int(number[1])
        place += len(line)


def to_line(exchange: Exchange) -> bytes:
    """One exchange as a line of JSON; empty members are left out. The caller has redacted it."""
    request, response = exchange.request, exchange.response
    line: dict[str, Any] = {
        "history": _FORMAT,
        "number": exchange.number,
        "scenario": exchange.scenario,
        "credential": exchange.credential,
        "case": exchange.case,
        "failure": exchange.failure,
        "started": exchange.started,
        "ended": exchange.ended,
        "origin": exchange.origin,
        "request": {"method": request.method, "url": request.url, **_message(request.headers, request.body)},
        "response": response and {"status": response.status, **_message(response.headers, response.body)},
    }
    return json.dumps({name: value for name, value in line.items() if value}, separators=(",", ":")).encode() + b"\n"


def from_line(line: Any) -> Exchange:
    """The exchange of a decoded line. Raises ValueError, TypeError or KeyError where it is none of ours."""
    if line["history"] != _FORMAT:
        raise ValueError(f"written in format {line['history']!r}, this version reads format {_FORMAT}")
    request, response = line["request"], line.get("response")
    return Exchange(
        number=int(line["number"]),
        request=Request(str(request["method"]), str(request["url"]), *_read_message(request)),
        response=response and Response(int(response["status"]), *_read_message(response)),
        scenario=str(line.get("scenario", "")),
        credential=str(line.get("credential", "")),
        case=str(line.get("case", "")),
        failure=str(line.get("failure", "")),
        started=float(line.get("started", 0.0)),
        ended=float(line.get("ended", 0.0)),
        origin={str(name): str(value) for name, value in line.get("origin", {}).items()},
    )


def _message(headers: Headers, body: bytes) -> dict[str, Any]:
    shown: dict[str, Any] = {"headers": [list(pair) for pair in headers]}
    if body:
        try:
            shown["body"] = body.decode("utf-8")
        except UnicodeDecodeError:
            shown["body_base64"] = base64.b64encode(body).decode()
    return shown


def _read_message(message: Any) -> tuple[Headers, bytes]:
    headers = tuple((str(name), str(value)) for name, value in message["headers"])
    if "body_base64" in message:
        return headers, base64.b64decode(message["body_base64"], validate=True)
    return headers, message.get("body", "").encode("utf-8")


def appendable(file: Path) -> BinaryIO:
    """The file open for appending, without the end of a line that a crash cut off."""
    file.parent.mkdir(parents=True, exist_ok=True)
    stream = file.open("a+b")
    end = stream.seek(0, 2)
    while end and (stream.seek(end - 1), stream.read(1))[1] != b"\n":
        end -= 1
    stream.truncate(end)
    stream.seek(end)
    return stream
