"""Replays a recorded run: a transport that answers from cassettes, and the time that went by when they were made."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import httpx

from conformance.evidence.cassettes import CassetteError, fingerprint, taken_out
from conformance.evidence.exchange import Exchange, Request
from conformance.evidence.finding import Outcome
from conformance.evidence.redaction import Redactor
from conformance.target.clock import Clock
from conformance.target.recording import Recording, file_name

RECORD_AGAIN = "record again"


class RecordAgain(Exception):
    """A request cannot be answered from the recording; the message says why. No verdict may rest on it."""


class RecordedFailure(httpx.TransportError):
    """The network gave no answer when this was recorded, and does not now; ``played`` is what was recorded."""

    def __init__(self, played: Exchange) -> None:
        super().__init__(played.failure)
        self.played = played


class RecordedClock(Clock):
    """The time of the recording: moved on by each exchange that is replayed, and by whoever would sleep."""

    def __init__(self) -> None:
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds

    def reach(self, moment: float) -> None:
        """Lets it be ``moment``, in seconds since the epoch, unless it is later already."""
        self._now = max(self._now, moment)


class Replay(httpx.BaseTransport):
    """Answers each request by what the recording has for it, in the order in which equal requests were sent.

    A request is looked for within its scenario, by method, path, query, decoded body and idempotency key, after
    ``redactor`` has taken its secrets out as it did when recording. Thread-safe. Opens no socket.
    """

    def __init__(self, recording: Recording, redactor: Redactor, key_header: str, *, contract_digest: str, seed: int):
        self.recording, self.clock = recording, RecordedClock()
        self.troubles: dict[str, str] = {}
        self._redactor, self._key_header = redactor, key_header
        self._refusal = _refusal(recording, contract_digest, seed)
        self._waiting: dict[str, dict[str, deque[Exchange]]] = {}
        self._ended: set[str] = set()
        self._sent: dict[str, str] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The recorded answer. Raises ``RecordAgain`` where there is none, ``RecordedFailure`` where none came."""
        scenario, asked = request.extensions["scenario"], request.extensions["asked"]
        with self._lock:
            try:
                played = self._next(scenario, asked)
            except (CassetteError, RecordAgain) as error:
                self.troubles.setdefault(scenario, str(error))
                raise RecordAgain(f"{RECORD_AGAIN}: {error}") from error
            self.clock.reach(played.ended)
        if played.response is None:
            raise RecordedFailure(played)
        status, headers, body = played.response.status, list(played.response.headers), self._restored(played, asked)
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body), extensions={"played": played})

    def trouble(self, scenario: str) -> str:
        """Why the scenario that has just ended did not follow its recording; empty where it did."""
        with self._lock:
            self._ended.add(file_name(scenario))
            left = self._left(scenario)
            if left:
                what = "recorded request was" if left == 1 else "recorded requests were"
                self.troubles.setdefault(scenario, f"{left} {what} not made")
            found = self.troubles.get(scenario, "")
        return f"{RECORD_AGAIN}: {found}" if found else ""

    def doubted(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Outcomes that rest on all exchanges of the run: inconclusive where some of these are missing."""
        doubt = self.mismatch()
        return [
            Outcome(one.requirement, "inconclusive", doubt) if doubt and one.verdict != "error" else one
            for one in outcomes
        ]

    def mismatch(self) -> str:
        """Why the replay as a whole does not show what was recorded, when all has ended; empty where it does."""
        with self._lock:
            unasked = self.recording.cassettes.keys() - self._ended
            troubles = dict(self.troubles)
        if unasked:
            troubles.setdefault(min(unasked), f"{min(unasked)} was not asked for")
        if not troubles:
            return ""
        first = next(iter(troubles.values()))
        others = f" (and {len(troubles) - 1} scenarios more)" if len(troubles) > 1 else ""
        return f"{RECORD_AGAIN}: the recording does not match this run: {first}{others}"

    def _left(self, scenario: str) -> int:
        """How many answered exchanges of a scenario's recording were not asked for."""
        if scenario in self._waiting:
            return sum(one.response is not None for queue in self._waiting[scenario].values() for one in queue)
        return 0 if self._refusal else self.recording.cassettes.get(file_name(scenario), 0)

    def _next(self, scenario: str, asked: Request) -> Exchange:
        if self._refusal:
            raise RecordAgain(self._refusal)
        if scenario not in self._waiting:
            self._waiting[scenario] = self._read(scenario)
        redacted = self._redactor.exchange(Exchange(0, asked, None)).request
        queue = self._waiting[scenario].get(fingerprint(redacted, self._key_header))
        if not queue:
            known = "has no such request" if self._waiting[scenario] else "has no request"
            again = "" if queue is None else " more often"
            raise RecordAgain(f"the recording {known} of this scenario{again}: {redacted.method} {redacted.path}")
        return queue.popleft()

    def _restored(self, played: Exchange, asked: Request) -> bytes:
        """The body of a recorded answer, with what this run itself sends where a placeholder stands for it.

        A scenario that looks for what it sent would miss it otherwise. A placeholder of several values stays.
        """
        assert played.response is not None  # the caller has seen to it
        with self._lock:
            for placeholder, value in taken_out(asked, played.request, self._key_header).items():
                if self._sent.setdefault(placeholder, value) != value:
                    self._sent[placeholder] = placeholder
            known = {placeholder: value for placeholder, value in self._sent.items() if placeholder != value}
        body = played.response.body
        for placeholder, value in known.items():
            body = body.replace(placeholder.encode(), value.encode())
        return body

    def _read(self, scenario: str) -> dict[str, deque[Exchange]]:
        waiting: dict[str, deque[Exchange]] = {}
        for exchange in self.recording.read(scenario):
            waiting.setdefault(fingerprint(exchange.request, self._key_header), deque()).append(exchange)
            if not self.clock.time():
                self.clock.reach(exchange.started)
        return waiting


def _refusal(recording: Recording, contract_digest: str, seed: int) -> str:
    """Why nothing of a recording can be replayed; empty where it can."""
    if recording.contract_digest != contract_digest:
        return (
            f"{recording.folder} was recorded from another contract ({recording.contract_digest}; "
            f"this one is {contract_digest})"
        )
    if recording.seed != seed:
        return f"{recording.folder} was recorded with seed {recording.seed}, and this run has seed {seed}"
    return ""


_OPENING = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg")
_offline = 0
_guarded = False


class NetworkRefused(OSError):
    """Something tried to reach the network during a replay."""


@contextmanager
def no_network() -> Iterator[None]:
    """Refuses every way out of this process by a socket, whoever tries. Raises ``NetworkRefused`` at the attempt."""
    global _offline, _guarded
    if not _guarded:
        import sys

        sys.addaudithook(_refuse)  # for good, which is why it only looks at a counter
        _guarded = True
    _offline += 1
    try:
        yield
    finally:
        _offline -= 1


def _refuse(event: str, _: object) -> None:
    if _offline and event in _OPENING:
        raise NetworkRefused(f"{event} during a replay, which opens no connection")
