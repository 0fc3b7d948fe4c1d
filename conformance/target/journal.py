"""The journal of a run: each create before it is sent, and what is known of the intents that came of it.

A file of JSON lines, appended to and flushed, so that a run that is killed leaves what has to be cleaned up:

- ``{"journal": 1, "provider", "target", "base_url", "started"}``, once, first;
- ``{"create": 7, "at", "scenario", "credential", "key", "request"}`` before a create is sent; ``whole`` is false where
  the request held a secret, so that it cannot be sent again;
- ``{"answer": 7, "exchange", "http", "intents": [{"id", "status"}]}`` when its answer is known, or ``failure``;
- ``{"intent", "status"}`` when a later answer shows another status;
- ``{"end", "status", "left"}`` of each intent, and of each create that was never answered, when all is cleaned up;
  ``left`` says why it is not final;
- ``{"cleaned": {"intents", "final", "canceled", "left", …}}``, last; or ``{"left_alone": true}``, where nothing is to
  be canceled.
"""

from __future__ import annotations

import base64
import json
import threading
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from conformance.contract import Contract
from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.history import appendable
from conformance.evidence.redaction import Redactor
from conformance.sighting import Sighting, sighted

JOURNAL = "history/intents.jsonl"
GONE = "(unknown)"  # the status of an intent that the target does not know any more
_FORMAT = 1
_TIMED_OUT = 408  # the one refusal after which the request may have been carried out


class JournalError(Exception):
    """The journal cannot be written, so that nothing may be created; or a file is no journal. The message names it."""


@dataclass
class Create:
    """One create that was sent, or was about to be.

    ``at`` is in seconds since the epoch. ``whole``: ``request`` is what was sent, so that it can be sent again.
    ``known``: its answer says which intents came of it, ``made``, or that none did; else ``why`` says what there was
    instead.
    """

    number: int
    at: float
    scenario: str
    credential: str
    key: str
    request: Request
    whole: bool
    known: bool = False
    why: str = "it was never answered"
    made: tuple[str, ...] = ()


@dataclass
class Intent:
    """An intent of the run: the last status that was seen of it, and the class of credential that created it."""

    id: str
    status: str
    credential: str


@dataclass
class Journal:
    """Writes the journal of one run, and knows what it says. Thread-safe.

    ``head`` is its first line. Ids and requests are kept as they are; what is written is redacted. Begin one with
    ``begun``, take one up again with ``resumed``.
    """

    contract: Contract
    redactor: Redactor
    path: Path
    head: Mapping[str, Any]
    creates: dict[int, Create] = field(default_factory=dict)
    intents: dict[str, Intent] = field(default_factory=dict)
    new: bool = False  # its file is still to be made

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._stream: BinaryIO | None = None

    def close(self) -> None:
        """Closes the file; what is written later opens it again."""
        with self._lock:
            if self._stream:
                self._stream.close()
                self._stream = None

    # -- while the run acts --------------------------------------------------------------------------------------

    def before(self, request: Request, *, at: float, scenario: str, credential: str) -> int:
        """Writes a create that is about to be sent, and returns its number; 0 where the request is no create.

        Raises ``JournalError`` where it cannot be written: then nothing must be sent.
        """
        create = self.contract.operations["create"]
        if request.method != create.method or not create.pattern.search(request.path):
            return 0
        header = self.contract.settings.get("idempotency", {}).get("header", "")
        key = (request.header(header) or "") if header else ""
        shown = self.redactor.exchange(Exchange(0, request, None, scenario)).request
        whole = (shown.url, shown.body) == (request.url, request.body) and self.redactor.text(key) == key
        with self._lock:
            number = len(self.creates) + 1
            self.creates[number] = Create(number, at, scenario, credential, key, request, whole)
            self._write(
                {
                    "create": number,
                    "at": round(at, 3),
                    "scenario": self.redactor.text(scenario),
                    "credential": credential,
                    "key": self.redactor.text(key),
                    "request": _written(shown),
                    **({} if whole else {"whole": False}),
                }
            )
        return number

    def after(self, number: int, exchange: Exchange) -> None:
        """Writes what an answer tells: of the create with this number, or (0) of intents that are known already."""
        from conformance.target.proxy import told

        sighting = sighted(self.contract, exchange)
        if sighting is None:
            return
        members = self.contract.settings["members"]
        shown = _shown(sighting) if exchange.response else []
        earlier = told(exchange)
        if earlier and 200 <= earlier.status < 300:
            shown.insert(0, earlier.members)  # what a proxy of ours has kept from the client
        pairs = [(str(one[members["id"]]), str(one.get(members["status"]))) for one in shown if _has_id(one, members)]
        with self._lock:
            if exchange.response and sighting.replayed:  # it shows what was
                pairs = [(name, self.intents[name].status if name in self.intents else was) for name, was in pairs]
            if number:
                self._answered(number, exchange, pairs)
            else:
                self._seen(pairs)

    def _answered(self, number: int, exchange: Exchange, pairs: list[tuple[str, str]]) -> None:
        create, response = self.creates[number], exchange.response
        why = _unknown(exchange, bool(pairs))
        self._made(number, pairs)
        create.known, create.why = not why, why
        told: dict[str, Any] = {"http": response.status} if response else {}
        if why:
            told["failure"] = self.redactor.prose(why)
        self._write({"answer": number, "exchange": exchange.number, **told, "intents": self._redacted(pairs)})

    def _made(self, number: int, pairs: list[tuple[str, str]]) -> None:
        self.creates[number].made = tuple(identifier for identifier, _ in pairs)
        for identifier, status in pairs:
            known = self.intents.setdefault(identifier, Intent(identifier, status, self.creates[number].credential))
            known.status = status

    def _seen(self, pairs: Iterable[tuple[str, str]]) -> None:
        for identifier, status in pairs:
            known = self.intents.get(identifier)
            if known and known.status != status:
                known.status = status
                (shown,) = self._redacted([(identifier, status)])
                self._write({"intent": shown["id"], "status": shown["status"]})

    # -- while it is cleaned up ----------------------------------------------------------------------------------

    @property
    def unanswered(self) -> list[Create]:
        """The creates of which no answer tells what came of them."""
        return [create for create in self.creates.values() if not create.known]

    @property
    def open(self) -> list[Intent]:
        """The intents whose last known status is not final."""
        final = self.contract.terminal | {GONE}
        return [intent for intent in self.intents.values() if intent.status not in final]

    def found(self, create: Create, pairs: Iterable[tuple[str, str]], how: str) -> None:
        """Writes which intents came of a create that was not answered; none: it is known that there are none."""
        pairs = list(pairs)
        with self._lock:
            self._made(create.number, pairs)
            create.known, create.why = True, ""
            self._write({"answer": create.number, "found": how, "intents": self._redacted(pairs)})

    def saw(self, identifier: str, status: str) -> None:
        """Writes the status that an intent is in now."""
        with self._lock:
            self._seen([(identifier, status)])

    def left_alone(self) -> None:
        """Writes that whoever started the run wants nothing to be canceled."""
        with self._lock:
            if not self.new:
                self._write({"left_alone": True})

    def ended(self, left: Mapping[str | int, str], counts: Mapping[str, Any]) -> None:
        """Writes how each intent ended, each create that was never found, and the counts.

        ``left`` says why an intent (by its id) or a create (by its number) is not final.
        """
        with self._lock:
            if self.new:
                return  # nothing was created
            for intent in self.intents.values():
                (shown,) = self._redacted([(intent.id, intent.status)])
                why = {"left": self.redactor.prose(left[intent.id])} if intent.id in left else {}
                self._write({"end": shown["id"], "status": shown["status"], **why})
            for create in self.unanswered:
                self._write({"end": create.number, "left": self.redactor.prose(left.get(create.number, create.why))})
            self._write({"cleaned": dict(counts)})

    # -- the file ------------------------------------------------------------------------------------------------

    def _redacted(self, pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
        """Ids and statuses as the history shows them: [redact] of the target may name them."""
        name = self.contract.settings["members"]
        ids, statuses = name["id"], name["status"]
        found = []
        for identifier, status in pairs:
            body = json.dumps({ids: identifier, statuses: status}).encode()
            answer = Response(200, (("Content-Type", "application/json"),), body)
            redacted = self.redactor.exchange(Exchange(0, Request("GET", ""), answer)).response
            shown = redacted.json if redacted else {}
            found.append({"id": str(shown[ids]), "status": str(shown[statuses])})
        return found

    def _opened(self) -> BinaryIO:
        """The file; a new one only now, so that a run that creates nothing leaves none, nor takes one away."""
        if self.new:
            if self.path.exists():
                _make_way(self.path)
            self.new = False
            self._write(self.head)
        if self._stream is None:
            self._stream = appendable(self.path)
            weakref.finalize(self, self._stream.close)
        return self._stream

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            stream = self._opened()
            stream.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            stream.flush()
        except OSError as error:
            raise JournalError(f"{self.path}: the journal of intents cannot be written: {error.strerror}") from error


def begun(
    contract: Contract, redactor: Redactor, folder: Path, *, target: str, base_url: str, started: float
) -> Journal:
    """The journal of a new run, in its ``folder``; ``started`` in seconds since the epoch.

    The file is made with the first create. One that an earlier run left there is kept under another name then, where
    somebody still has to clean up.
    """
    head = {
        "journal": _FORMAT,
        "provider": contract.name,
        "target": redactor.prose(target),
        "base_url": redactor.url(base_url),
        "started": round(started, 3),
    }
    return Journal(contract, redactor, folder / JOURNAL, head, new=True)


def resumed(contract: Contract, redactor: Redactor, path: Path) -> Journal:
    """The journal that a run has left, as it stands there, to be cleaned up.

    A last line that a crash cut off is left out. Raises ``JournalError`` where the file is no journal of ours.
    """
    head, *lines = _lines(path)
    journal = Journal(contract, redactor, path, head)
    try:
        for line in lines:
            _apply(journal, line)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        journal.close()
        raise JournalError(f"{path}: no journal of intents: {error!r}") from error
    return journal


def read_head(path: Path) -> Mapping[str, Any]:
    """The first line of a journal: which provider and target it is of. Raises ``JournalError``."""
    return _lines(path)[0]


def journals(folder: Path) -> list[Path]:
    """The journals in a run's folder, or in those of several runs; ``folder`` may be a journal itself."""
    if folder.is_file():
        return [folder]
    return sorted(folder.rglob(f"{Path(JOURNAL).parent}/intents*.jsonl"))


def _lines(path: Path) -> list[Mapping[str, Any]]:
    lines: list[Mapping[str, Any]] = []
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if not line.endswith(b"\n"):
                    break  # a crash cut it off
                try:
                    value = json.loads(line)
                except ValueError as error:
                    raise JournalError(f"{path}, line {number}: no line of a journal") from error
                if not isinstance(value, dict):
                    raise JournalError(f"{path}, line {number}: no line of a journal")
                lines.append(value)
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror}") from error
    if not lines or lines[0].get("journal") != _FORMAT:
        raise JournalError(f"{path}: no journal of intents that this version reads")
    return lines


def _apply(journal: Journal, line: Mapping[str, Any]) -> None:
    """What one line says. Raises KeyError, TypeError, ValueError or AttributeError where it is none of ours."""
    if "create" in line:
        number = int(line["create"])
        journal.creates[number] = Create(
            number,
            float(line["at"]),
            str(line["scenario"]),
            str(line["credential"]),
            str(line["key"]),
            _read(line["request"]),
            line.get("whole", True) is True,
        )
    elif "answer" in line:
        create = journal.creates[int(line["answer"])]
        journal._made(create.number, [(str(one["id"]), str(one["status"])) for one in line["intents"]])
        create.why = str(line.get("failure", ""))
        create.known = not create.why
    elif "intent" in line:
        journal.intents[str(line["intent"])].status = str(line["status"])


def _make_way(path: Path) -> None:
    """Removes the journal of an earlier run where it is settled, or else gives it another name."""
    with suppress(JournalError):
        _, *lines = _lines(path)
        last: Mapping[str, Any] = lines[-1] if lines else {"left_alone": True}
        cleaned: Mapping[str, Any] = last.get("cleaned", {"left": 1})
        if "left_alone" in last or not cleaned.get("left") or cleaned.get("uncancelable"):
            path.unlink()
            return
    number = 1
    while (kept := path.with_name(f"intents-{number}.jsonl")).exists():
        number += 1
    path.rename(kept)


def _shown(sighting: Sighting) -> list[Mapping[str, Any]]:
    """The intents that an answer is about; those of a list are only mentioned there."""
    operation = sighting.contract.operations.get(sighting.operation)
    if operation and not operation.shows_one:
        return []
    return [*sighting.intents, *([sighting.embedded] if sighting.embedded else [])]


def _has_id(one: Mapping[str, Any], members: Mapping[str, str]) -> bool:
    return isinstance(one.get(members["id"]), str) and bool(one[members["id"]])


def _unknown(exchange: Exchange, shows: bool) -> str:
    """Why a create's exchange does not tell what came of it; empty where it does."""
    response = exchange.response
    if shows:
        return ""
    if response is None:
        return exchange.failure or "it was not answered"
    if 200 <= response.status < 300:
        return f"it was answered with HTTP {response.status} and no intent"
    if response.status >= 500 or response.status == _TIMED_OUT:
        return f"it was answered with HTTP {response.status}"
    return ""


def _written(request: Request) -> dict[str, Any]:
    """A redacted request as a line has it: what sending it again takes."""
    address = urlsplit(request.url)
    shown: dict[str, Any] = {"path": address.path + (f"?{address.query}" if address.query else "")}
    kind = request.header("content-type")
    if kind:
        shown["type"] = kind
    try:
        shown["body"] = request.body.decode("utf-8")
    except UnicodeDecodeError:
        shown["body_base64"] = base64.b64encode(request.body).decode()
    return {"method": request.method, **shown}


def _read(written: Mapping[str, Any]) -> Request:
    body = (
        base64.b64decode(written["body_base64"], validate=True)
        if "body_base64" in written
        else str(written["body"]).encode("utf-8")
    )
    headers = (("Content-Type", str(written["type"])),) if "type" in written else ()
    return Request(str(written["method"]), str(written["path"]), headers, body)
