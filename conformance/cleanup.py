"""Cleans up what a run has left at its target: what can still be canceled, by the documented lifecycle, is."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance.contract import Contract
from conformance.evidence.exchange import TOO_MANY, Exchange
from conformance.evidence.history import History
from conformance.sighting import Sighting, members_of, resolve, sighted
from conformance.target.client import Client, TargetSilent
from conformance.target.credentials import STRANGER
from conformance.target.journal import GONE, Create, Intent, Journal
from conformance.target.values import Instruments, MissingInstrument

if TYPE_CHECKING:
    from conformance.evidence.redaction import Redactor
    from conformance.run import Run
    from conformance.target.settings import Target

SCENARIO = "clean-up"
MARK = "conformance_mark"  # the member of metadata by which a scenario tells its own intents in a list
KEPT = 86400  # seconds that a key is taken to be kept where nobody documents it
TRIES = 5  # of a request that the target puts off
PAUSE = 0.5  # seconds before each of them, where the target names none
LONGEST_PAUSE = 30.0
LOOKS = 2  # at an intent that leaves its status by itself
LOOK_EVERY = 0.5  # seconds
MOST_PAGES = 50  # of a list in which an intent is sought
SILENCES = 2  # requests in a row without an answer, after which no more are sent
_NAMED = 5  # intents named in a sentence before it only counts the rest


class _Unreachable(Exception):
    """The target gives no answer any more."""


@dataclass
class Cleaned:
    """What became of the intents of a run.

    ``intents`` counts them all, with the creates of which nobody knows what came; ``final`` were so before, or are
    gone; ``passing`` are in a status that they leave by themselves, and neither cancel nor capture is documented from
    there. ``left`` says of the others why, by id or, for a create, by its number. ``uncancelable`` says why nothing can
    be canceled at the target, so that only what is not final is counted; it is empty where something can.
    """

    intents: int = 0
    final: int = 0
    canceled: int = 0
    passing: list[str] = field(default_factory=list)
    left: dict[str | int, str] = field(default_factory=dict)
    uncancelable: str = ""
    unreachable: bool = False
    capturable: bool = True  # whether a capture is documented at all

    @property
    def remains(self) -> bool:
        """Whether something may be left that can still be captured or canceled."""
        return bool(self.left) and (self.capturable or not self.uncancelable)

    @property
    def counts(self) -> dict[str, Any]:
        return {
            **({"uncancelable": self.uncancelable} if self.uncancelable else {}),
            "intents": self.intents,
            "final": self.final,
            "canceled": self.canceled,
            "passing": len(self.passing),
            "left": len(self.left),
        }

    def lines(self, redactor: Redactor) -> list[str]:
        """What is told of it: the counts, and what is left and why."""
        if self.uncancelable:
            return [f"clean-up: {self.intents} intents cannot be canceled: {self.uncancelable}"] if self.intents else []
        if not self.intents:
            return []
        under_way = f", {len(self.passing)} still under way" if self.passing else ""
        lines = [
            f"clean-up: {self.intents} intents, {self.final} were final, {self.canceled} canceled{under_way}, "
            f"{len(self.left)} left"
        ]
        reasons: dict[str, list[str]] = {}
        for name, why in self.left.items():
            reasons.setdefault(why, []).append(f"create {name}" if isinstance(name, int) else name)
        if self.passing:
            reasons["under way, and no cancel is documented from there"] = self.passing
        for why, names in reasons.items():
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            lines.append(redactor.prose(f"clean-up: {', '.join(names[:_NAMED])}{more}: {why}"))
        return lines


def clean_after(run: Run) -> list[str]:
    """Cleans up after a run that is over, outside of its history, and returns what is told of it.

    Nothing is done where the run kept no journal, or the target's settings leave all as it is; nor where the preflight
    has found nothing that speaks the contract and shows an intent, for whoever answers there knows no cancel.
    """
    journal = run.journal
    if journal is None:
        return []
    try:
        if run.client.live or not run.target.cleanup:
            journal.left_alone()
            return []
        if not (run.reached or journal.intents):
            return []
        client = client_for(run.contract, run.target, run.redactor)
        try:
            return clean(journal, client).lines(run.redactor)
        finally:
            client.close()
    finally:
        journal.close()


def client_for(contract: Contract, target: Target, redactor: Redactor) -> Client:
    """A client whose exchanges are nobody's evidence, with keys that no run has used."""
    return Client(contract, target, History(redactor), seed=secrets.randbelow(2**31))


def clean(journal: Journal, client: Client, *, alone: bool = False) -> Cleaned:
    """Finds the intents of creates that were never answered, cancels what can be canceled, and writes how all ended.

    Only intents whose last known status is not final are asked for. A create whose answer is not known is sent again
    under its key while the key is kept, and what then comes back is canceled like all else; without a key its intent
    is sought in the list, by the mark that it bears or, where the run was ``alone`` with the account, by its amount
    and currency. One that pays at once is not sent again, because no payment could be canceled. Doing it again does no
    harm. Nothing is raised for what the target does or does not.
    """
    return _Cleaning(journal, client, alone).clean()


class _Cleaning:
    """One clean-up of one journal."""

    def __init__(self, journal: Journal, client: Client, alone: bool) -> None:
        self._journal, self._client, self._alone = journal, client, alone
        self._contract, self._target = client.contract, client.target
        self._members = client.contract.settings["members"]
        moves = client.contract.transitions.values()
        self._cancelable = {
            status for move in moves if move.operation == "cancel" and move.to for status in move.sources
        }
        self._capturable = {
            status for move in moves if move.operation == "capture" and move.to for status in move.sources
        }
        self._silences = 0
        client.scenario = SCENARIO
        self._result = Cleaned(capturable=bool(self._capturable))

    def clean(self) -> Cleaned:
        result, journal = self._result, self._journal
        result.uncancelable = self._no_cancel()
        if result.uncancelable:
            result.left = {intent.id: result.uncancelable for intent in journal.open}
            result.left |= {create.number: create.why for create in journal.unanswered}
            result.intents = len(result.left)
        else:
            self._each(journal.unanswered, self._find)
            before = len(journal.open)
            self._each(journal.open, self._cancel)
            self._wait()
            result.left |= {create.number: self._lost(create) for create in journal.unanswered}
            result.intents = len(journal.intents) + len(journal.unanswered)
            result.final = len(journal.intents) - before + self._gone
        journal.ended(result.left, result.counts)
        return result

    _gone = 0  # intents that were final by themselves when they were looked at

    def _no_cancel(self) -> str:
        """Why nothing can be canceled at this target; empty where something can."""
        if "cancel" not in self._contract.operations or not self._cancelable:
            return f"{self._contract.title} documents no cancel"
        return self._target.missing(self._contract, self._needs("cancel"))

    def _needs(self, operation: str) -> tuple[str, ...]:
        return tuple(self._contract.settings.get("needs", {}).get(operation, ()))

    def _each(self, what: list[Any], act: Callable[[Any], None]) -> None:
        """Does it for each, until the target gives no answer any more."""
        for one in what:
            if self._result.unreachable:
                name = one.id if isinstance(one, Intent) else one.number
                self._result.left[name] = "the target gives no answer"
                continue
            try:
                act(one)
            except (_Unreachable, TargetSilent):
                self._result.unreachable = True
                name = one.id if isinstance(one, Intent) else one.number
                self._result.left[name] = "the target gives no answer"

    # -- creates whose answer nobody knows -----------------------------------------------------------------------

    def _find(self, create: Create) -> None:
        asked = self._credential(create.credential)  # another account has keys of its own
        for other in self._journal.creates.values():
            same = (other.key, _sent(other)) == (create.key, _sent(create))
            if other.made and other.key and same and self._credential(other.credential) == asked:
                self._journal.found(create, [], f"create {other.number} has the same key")
                return
        pays = self._pays(create)
        if create.key and create.whole and not self._expired(create) and not pays:
            self._send_again(create)
        if not create.known:
            self._seek(create)
        if not create.known and pays:
            self._journal.found(create, [], "not sent again: it pays at once, and nothing could be canceled then")

    def _pays(self, create: Create) -> bool:
        """Whether a create confirms at once, and is documented to end final: sent again it could only pay once more."""
        sent = {name: str(value).lower() for name, value in members_of(create.request).items()}
        if sent.get("confirm") != "true":
            return False
        lent, documented = self._target.instruments.items(), self._contract.transitions.values()
        named = {name for name, value in lent if isinstance(value, str) and value.lower() in sent.values()}
        created = {status for move in documented if move.operation == "create" for status in move.to}
        moves = [
            (len(asked), move)
            for move in documented
            if move.operation == "confirm" and move.method in named and created.intersection(move.sources)
            for asked in [{**move.create, **move.send}]
            if all(sent.get(name) == str(value).lower() for name, value in asked.items())
        ]
        closest = [move for count, move in moves if count == max(most for most, _ in moves)]
        final = self._contract.terminal
        return bool(closest) and all(move.to and not move.refused and final.issuperset(move.to) for move in closest)

    def _expired(self, create: Create) -> bool:
        dialect = self._contract.settings.get("idempotency", {}).get("dialect", {})
        return self._client.clock.time() - create.at > float(dialect.get("kept_at_least", KEPT))

    def _send_again(self, create: Create) -> None:
        """Sends it once more under its key: what had come of it is answered, or comes of it now."""
        request = create.request
        base = urlsplit(self._target.base_url).path
        address = urlsplit(request.url)
        if not address.path.startswith(base):
            return
        exchange = self._patiently(
            lambda: self._client.send(
                request.method,
                address.path.removeprefix(base) + (f"?{address.query}" if address.query else ""),
                content=request.body,
                media_type=request.header("content-type") or "",
                idempotency_key=create.key,
                credential=self._credential(create.credential),
            )
        )
        shown = self._shown(exchange)
        status = exchange.response.status if exchange.response else 0
        if shown or (400 <= status < 500 and status not in (409, TOO_MANY)):
            self._journal.found(create, shown, f"sent again: HTTP {status}")
        else:
            self._result.left[create.number] = f"{create.why}, and sent again it is answered {_told(exchange)}"

    def _seek(self, create: Create) -> None:
        """Looks for it in the list, where one is documented."""
        sent = members_of(create.request)
        metadata = sent.get("metadata")
        mark = metadata.get(MARK) if isinstance(metadata, Mapping) else None
        listed = "list" in self._contract.operations and not self._target.missing(self._contract, self._needs("list"))
        if not listed or not (mark or self._alone):
            return
        found = []
        for item in self._listed(self._credential(create.credential)):
            identifier = item.get(self._members["id"])
            status = str(item.get(self._members["status"]))
            if not isinstance(identifier, str) or identifier in self._journal.intents:
                continue
            if status in self._contract.terminal:
                continue
            theirs = item.get("metadata")
            marked = bool(mark) and isinstance(theirs, Mapping) and theirs.get(MARK) == mark
            if marked or (self._alone and _alike(create, sent, item)):
                found.append((identifier, status))
        self._journal.found(create, found, "by its mark" if mark else "by its amount and currency")
        self._result.left.pop(create.number, None)

    def _listed(self, credential: str) -> Iterator[Mapping[str, Any]]:
        """The items of the list, newest first as a rule, so far as it is walked."""
        lists = self._contract.settings["lists"]
        query = {lists["limit"]: lists["most"]} if "limit" in lists else {}
        known: set[str] = set()
        for _ in range(MOST_PAGES):
            exchange = self._patiently(partial(self._client.call, "list", query=dict(query), credential=credential))
            body = exchange.response.json if exchange.response else None
            items = resolve(body, lists["items"])
            page = [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
            ids = [str(item.get(self._members["id"])) for item in page]
            if not ids or known.issuperset(ids):
                return
            yield from page
            known.update(ids)
            if "after" not in lists:
                return
            query[lists["after"]] = ids[-1]

    def _lost(self, create: Create) -> str:
        """Why nobody knows what came of a create."""
        if create.number in self._result.left:
            return self._result.left[create.number]
        why = f"{create.why}; an intent of it, if there is one, was not found: "
        if not create.key:
            return why + "it was sent without a key"
        if not create.whole:
            return why + "it held a secret, which is not written, so that it cannot be sent again"
        return why + ("its key is too old" if self._expired(create) else "sending it again did not tell")

    # -- intents that are not final ------------------------------------------------------------------------------

    def _cancel(self, intent: Intent) -> None:
        """Brings an intent to an end, or says why it is not at one."""
        why = ""
        if intent.status in self._cancelable:
            why = self._canceled(intent)
            if not why:
                return
        if not self._look(intent):
            self._gone += 1
            return
        if intent.status in self._cancelable and not why:
            why = self._canceled(intent)
            if not why:
                return
        self._result.left[intent.id] = f"{intent.status}: " + (why or "no cancel is documented from there")

    def _canceled(self, intent: Intent) -> str:
        """Cancels it; why that did not bring it to an end, or empty where it did."""
        try:
            body = Instruments(self._target.instruments).fill(self._contract.settings["requests"].get("cancel", {}))
        except MissingInstrument as missing:
            return str(missing)
        exchange = self._patiently(
            lambda: self._client.call("cancel", intent.id, body, credential=self._credential(intent.credential))
        )
        for identifier, status in self._shown(exchange):
            if identifier == intent.id:
                self._journal.saw(intent.id, status)
        answered = exchange.response is not None and 200 <= exchange.response.status < 300
        if answered and intent.status in self._contract.terminal:
            self._result.canceled += 1
            return ""
        return f"cancel is answered {_told(exchange)}"

    def _look(self, intent: Intent) -> bool:
        """Retrieves it; whether it is still there, and not final."""
        exchange = self._patiently(
            lambda: self._client.call("retrieve", intent.id, credential=self._credential(intent.credential))
        )
        for identifier, status in self._shown(exchange):
            if identifier == intent.id:
                self._journal.saw(intent.id, status)
        gone = exchange.response is not None and exchange.response.status == 404
        if gone:
            self._journal.saw(intent.id, GONE)
        return not gone and intent.status not in self._contract.terminal

    def _wait(self) -> None:
        """Looks again at what leaves its status by itself; what stays there and cannot be captured is under way."""
        by_id = self._journal.intents
        passing = {*self._contract.passing}

        def those(statuses: set[str]) -> list[Intent]:
            return [
                by_id[name] for name in self._result.left if isinstance(name, str) and by_id[name].status in statuses
            ]

        for _ in range(LOOKS):
            waited_for = those(passing)
            if not waited_for or self._result.unreachable:
                break
            self._client.clock.sleep(LOOK_EVERY)
            for intent in waited_for:
                del self._result.left[intent.id]
            self._each(waited_for, self._cancel)
        for intent in those(passing - self._capturable - self._cancelable):
            del self._result.left[intent.id]
            self._result.passing.append(intent.id)

    # -- requests ------------------------------------------------------------------------------------------------

    def _patiently(self, send: Callable[[], Exchange]) -> Exchange:
        """The exchange; sent again while the target puts it off. Raises ``_Unreachable`` where no answer comes."""
        exchange = send()
        for _ in range(TRIES - 1):
            response = exchange.response
            self._silences = 0 if response else self._silences + 1
            if self._silences >= SILENCES:
                raise _Unreachable
            if response and response.status not in (409, TOO_MANY) and response.status < 500:
                break
            self._client.clock.sleep(_pause(exchange))
            exchange = send()
        return exchange

    def _credential(self, name: str) -> str:
        """The class of credential to ask with: the target's own, unless it is another account that made the intent."""
        return STRANGER if name == STRANGER and self._target.instruments.get(f"{name}_key") else "test"

    def _shown(self, exchange: Exchange) -> list[tuple[str, str]]:
        """Id and status of the intents that an answer is about."""
        sighting = sighted(self._contract, exchange) if exchange.response else None
        found = [*sighting.intents, sighting.embedded] if isinstance(sighting, Sighting) else []
        return [
            (one[self._members["id"]], str(one.get(self._members["status"])))
            for one in found
            if one and isinstance(one.get(self._members["id"]), str)
        ]


def _sent(create: Create) -> tuple[str, bytes]:
    return urlsplit(create.request.url).path, create.request.body


def _alike(create: Create, sent: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    """Whether an item of the list may be what came of a create: not older, of the same amount and currency."""
    created = item.get("created")
    if isinstance(created, int | float) and created < create.at - 60:  # clocks differ
        return False
    return all(
        name not in item or str(sent[name]).lower() == str(item[name]).lower()
        for name in ("amount", "currency")
        if name in sent
    )


def _pause(exchange: Exchange) -> float:
    """Seconds to wait before a request is sent again."""
    named = (exchange.response.header("retry-after") if exchange.response else None) or ""
    return min(float(named), LONGEST_PAUSE) if named.isdigit() else PAUSE


def _told(exchange: Exchange) -> str:
    return f"with HTTP {exchange.response.status}" if exchange.response else "with nothing"
