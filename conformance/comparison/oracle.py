"""A recorded run as the measure of another server: its requests are sent anew, and the answers compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from conformance.comparison.chance import UNANSWERED, bursts
from conformance.comparison.compare import Comparison, Seen, began, moment, origin
from conformance.comparison.differences import Difference, delivered
from conformance.comparison.pairing import Unit, by_scenario, units_of
from conformance.comparison.unify import times_in, tokens
from conformance.contract import Contract
from conformance.evidence.exchange import Exchange
from conformance.target import proxy
from conformance.target.client import Client, TargetSilent
from conformance.target.credentials import default_scheme, present, scheme_name

PATIENCE = 10.0  # seconds within which a read that shows something else may settle
_PAUSE = 0.1
_MOST_AT_ONCE = 32
# What the client sends by itself, and what was the transport's.
_OWN_HEADERS = frozenset(
    {"host", "accept-encoding", "connection", "content-length", "content-type", "user-agent", "authorization"}
)
_CLASSES = frozenset({"test", "none", "unknown", "bearer", "basic", "empty_password", "wrong_password", "not_base64"})
_ABILITY = "complete_action"  # what a target lends that serves the addresses of pending actions


class Unsendable(Exception):
    """A recorded request that cannot be made of this target; the message is the reason."""


def hold_to(
    recorded: Sequence[Exchange], contract: Contract, client: Client, lent: Mapping[str, Any], *, name: str = ""
) -> Comparison:
    """Sends the requests of a recorded run through ``client``, in their order, and compares the answers.

    ``recorded`` are the run's exchanges without their secrets; ``lent`` are the instruments that the recorded target
    lent, which are replaced by those of the client's own target. Ids in requests are replaced by what the target has
    given in their place, idempotency keys by fresh ones. Only behaviour is compared: neither ids and times nor how
    messages are worded. What cannot be sent is counted by reason. ``name`` names the recording in the comparison.
    """
    return _Oracle(recorded, contract, client, lent).held(name or "the recording")


class _Oracle:
    def __init__(
        self, recorded: Sequence[Exchange], contract: Contract, client: Client, lent: Mapping[str, Any]
    ) -> None:
        self._recorded, self._contract, self._client = recorded, contract, client
        self._seen = Seen(contract, behaviour=True)
        self._unifier = self._seen.unifier
        self._base = _base_of(recorded, contract)
        self._keys: dict[str, str] = {}
        self._links: dict[str, str] = {}  # addresses that answers gave, there and here
        self._secrets: dict[str, str] = {}  # texts with a secret taken out, and whole
        self._given: set[str] = set()  # ids that the recorded answers gave
        self._missing: dict[Any, str] = {}
        for exchange in recorded:
            self._seen.differ.courses.note(0, exchange)
        own = client.target.instruments
        for instrument, value in lent.items():
            self._exchange_instrument(instrument, value, own.get(instrument))

    def _exchange_instrument(self, name: str, theirs: Any, own: Any) -> None:
        theirs, own = (value if isinstance(value, list) else [value] for value in (theirs, own))
        for place, value in enumerate(theirs):
            if not isinstance(value, str) or name.endswith("_key"):
                continue
            if place < len(own) and isinstance(own[place], str) and own[place]:
                if value != own[place]:
                    self._unifier.alias(value, own[place])
            else:
                self._missing[value] = name

    def held(self, name: str) -> Comparison:
        """What the target does otherwise than the run of this name."""
        scenarios = by_scenario(self._recorded)
        left = len(self._recorded)
        self._begun = (began(self._recorded), self._client.clock.time())
        first = self._recorded[0].request.url if self._recorded else ""
        self._origins = (origin(first), origin(self._client.target.base_url))
        try:
            for scenario, exchanges in scenarios.items():
                self._client.scenario = scenario
                for group in self._groups(exchanges):
                    self._repeat(group)
                    left -= len(group) if isinstance(group, list) else len(group.exchanges)
        except TargetSilent:
            self._seen.skip("the target gives no answer any more", left)
        return self._seen.comparison(name, self._client.target.name)

    # -- one request, or equal ones ----------------------------------------------------------------------------------

    def _groups(self, exchanges: Sequence[Exchange]) -> Iterator[Unit | list[Exchange]]:
        """The exchanges of one scenario in turn: those that were sent at once as lists, all others as units."""
        alone: list[Exchange] = []
        for group in bursts(exchanges):
            if len(group) == 1:
                alone += group
                continue
            yield from units_of(self._seen.differ.asked, alone)
            alone = []
            yield group
        yield from units_of(self._seen.differ.asked, alone)

    def _repeat(self, group: Unit | list[Exchange]) -> None:
        if isinstance(group, list):
            self._together(group)
            return
        recorded = group.exchanges
        try:
            send = self._prepared(recorded[0])
        except Unsendable as reason:
            self._leave(reason, recorded)
            return
        if group.polls and len({self._seen.differ.outcome(one) for one in recorded}) > 1:
            self._compare(recorded[-1], send)
        else:
            for exchange in recorded:
                self._compare(exchange, send)

    def _together(self, recorded: Sequence[Exchange]) -> None:
        """Sends at once what was sent at once, so far as the target allows it."""
        senders = []
        for exchange in recorded:
            try:
                senders.append((exchange, self._prepared(exchange)))
            except Unsendable as reason:
                self._leave(reason, [exchange])
        with ThreadPoolExecutor(max(1, min(_MOST_AT_ONCE, self._client.target.burst))) as threads:
            answers = [threads.submit(send) for _, send in senders]
        for (exchange, _), answered in zip(senders, answers, strict=True):
            answer = answered.result()
            self._face(exchange, answer)
            self._seen.groups.extend(self._seen.at_once(exchange, self._shown(answer)))
            self._learn(exchange, answer)

    def _leave(self, reason: Unsendable, recorded: Sequence[Exchange]) -> None:
        """Counts what cannot be sent."""
        self._seen.skip(f"not sent: {reason}", len(recorded))
        for exchange in recorded:
            self._note_given(exchange)

    def _compare(self, recorded: Exchange, send: Callable[[], Exchange]) -> None:
        """Compares one answer. A read that shows something else is asked again for a while, once for each cause.

        Where an answer was lost on purpose, the target had the request nevertheless, so it is sent here, too, and what
        is known of the answer is compared; what was delivered twice is sent twice. Of what was never answered nobody
        knows whether it was carried out: it is sent, and it and what follows from it are not compared.
        """
        if recorded.response is not None and proxy.told(recorded):
            send()
        mark = self._unifier.mark()
        answer = send()
        self._face(recorded, answer)
        shown = self._shown(answer)
        unanswered = UNANSWERED if delivered(recorded) is None else ""
        if reason := self._seen.chance(recorded, shown) or unanswered:
            if unanswered:
                self._seen.doubt(UNANSWERED, recorded, shown)
            self._seen.leave_out(reason, recorded, shown)
            self._learn(recorded, answer)
            return
        found = self._differences(recorded, answer)
        if recorded.request.method == "GET" and any(one not in self._seen.groups for one in found):
            clock = self._client.clock
            until, pause = clock.monotonic() + PATIENCE, _PAUSE
            while found and clock.monotonic() < until:
                clock.sleep(pause)
                pause = min(pause * 2, 2.0)
                self._unifier.forget(mark)
                answer = send()
                self._face(recorded, answer)
                found = self._differences(recorded, answer)
        self._seen.pairs += 1
        self._seen.groups.extend(found)
        self._learn(recorded, answer)

    def _face(self, recorded: Exchange, answer: Exchange) -> None:
        """Sets the moments of what is compared next, and keeps the statuses that the answer shows."""
        moments = (moment(recorded, self._begun[0]), moment(answer, self._begun[1]))
        self._unifier.between(moments, self._origins)
        self._seen.differ.courses.note(1, answer)

    def _differences(self, recorded: Exchange, answer: Exchange) -> list[Difference]:
        return self._seen.differences(recorded, self._shown(answer))

    def _shown(self, answer: Exchange) -> Exchange:
        """An answer without its secrets, as the recorded ones are."""
        return self._client.history.redacted()[answer.number]

    def _learn(self, recorded: Exchange, answer: Exchange) -> None:
        """Keeps what the target has given that later requests name."""
        self._note_given(recorded)
        if recorded.response is None or answer.response is None:
            return
        shown = self._shown(answer).response
        assert shown is not None  # it is that of an answer
        for here, whole in _in_step(shown.json, answer.response.json):
            if here != whole:
                self._secrets[here] = whole
        for there, here in _in_step(recorded.response.json, answer.response.json):
            if there.startswith(("http://", "https://")):
                self._links[there] = here

    def _note_given(self, recorded: Exchange) -> None:
        """Keeps the ids that a recorded answer gave: a request that names one needs its partner."""
        if recorded.response is not None:
            given = (token for text in _texts(recorded.response.json) for token in tokens(text)[1::2])
            self._given.update(token for token in given if self._unifier.is_id(token))

    # -- requests ----------------------------------------------------------------------------------------------------

    def _prepared(self, recorded: Exchange) -> Callable[[], Exchange]:
        """What sends the request as this target has to be asked. Raises ``Unsendable``."""
        request = recorded.request
        path, credential = self._place(request.url), self._credential(recorded)
        kind = request.header("content-type") or ""
        content, scheme = self._body(request.body, kind), self._scheme(recorded)
        headers = self._headers(recorded, credential, scheme)

        def send() -> Exchange:
            return self._client.send(
                request.method,
                path,
                content=content,
                media_type=kind,
                credential=credential,
                scheme=scheme,
                idempotency_key=None,
                headers=headers,
                case=recorded.case,
            )

        return send

    def _place(self, url: str) -> str:
        """The path below the base URL, or the whole of an address that an answer gave."""
        place, mark, query = url.partition("?")
        query = "&".join(self._field(field) for field in query.split("&")) if query else ""
        if self._base and (place == self._base or place.startswith(f"{self._base}/")):
            segments = place[len(self._base) :].split("/")
            return "/".join(self._requoted(segment, unquote, _quoted) for segment in segments) + mark + query
        if not self._client.target.instruments.get(_ABILITY):
            raise Unsendable(f"the target lends no {_ABILITY}")
        if place not in self._links:
            raise Unsendable("an address that no answer of the target has given")
        return self._links[place] + mark + query

    def _credential(self, recorded: Exchange) -> str:
        found = recorded.credential or ("test" if self._used(recorded) else "none")
        if found in _CLASSES:
            return found
        if not self._client.target.instruments.get(f"{found}_key"):
            raise Unsendable(f"the target lends no {found}_key")
        return found

    def _scheme(self, recorded: Exchange) -> str:
        """The name of the scheme that the recorded request used, where it is not the one that is preferred."""
        if recorded.credential not in ("", "test"):
            return ""
        used = self._used(recorded)
        return "" if not used or scheme_name(self._contract.security[used]) == default_scheme(self._contract) else used

    def _used(self, recorded: Exchange) -> str:
        """The name of the scheme under which the recorded request shows a credential; empty where it shows none."""
        value = (recorded.request.header("authorization") or "").lower()
        for name, definition in self._contract.security.items():
            scheme = scheme_name(definition)
            header = scheme.partition(":")[2]
            if recorded.request.header(header) if header else value.startswith(f"{scheme} "):
                return name
        return ""

    def _headers(self, recorded: Exchange, credential: str, scheme: str) -> dict[str, str]:
        """Those that the client does not send by itself."""
        settings, target = self._contract.settings, self._client.target
        key = settings.get("idempotency", {}).get("header", "").lower()
        keys = {"api_key": target.api_key, **target.instruments}
        own = {*present(self._contract, credential, keys, scheme), settings.get("versioning", {}).get("header", "")}
        left_out = _OWN_HEADERS | {name.lower() for name in own}
        return {
            name: self._key(value) if name.lower() == key else self._text(value)
            for name, value in recorded.request.headers
            if name.lower() not in left_out
        }

    def _key(self, recorded: str) -> str:
        """A fresh idempotency key, of the same length, and the same one for the same."""
        if recorded not in self._keys:
            fresh = self._client.fresh("oracle")
            self._keys[recorded] = (fresh * (len(recorded) // len(fresh) + 1))[: len(recorded)]
            self._unifier.keys(recorded, self._keys[recorded])
        return self._keys[recorded]

    def _body(self, body: bytes, kind: str) -> bytes:
        """The body with ids and instruments replaced; as it is where it names none."""
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return body
        if kind.startswith("application/x-www-form-urlencoded"):
            shown = "&".join(self._field(field) for field in text.split("&"))
            return body if shown == text else shown.encode()
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return self._text(text).encode()
        replaced = self._value(document)
        return body if replaced == document else json.dumps(replaced, ensure_ascii=False).encode()

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self._value(entry) for entry in value]
        if isinstance(value, dict):
            return {name: self._value(entry) for name, entry in value.items()}
        return value

    def _field(self, field: str) -> str:
        name, equals, value = field.partition("=")
        return name + equals + self._requoted(value, unquote_plus, quote_plus)

    def _requoted(self, text: str, unquoted: Callable[[str], str], quoted: Callable[[str], str]) -> str:
        plain = unquoted(text)
        shown = self._text(plain)
        return text if shown == plain else quoted(shown)

    def _text(self, text: str) -> str:
        """A text of a recorded request as this target has to be told. Raises ``Unsendable``."""
        if text in self._missing:
            raise Unsendable(f"the target lends no {self._missing[text]}")
        shown = self._unifier.translated(text)
        if "[redacted" in shown:
            if shown not in self._secrets:
                raise Unsendable("it holds a secret that neither the recording nor the target has given")
            return self._secrets[shown]
        if shown == text:
            for token in tokens(text)[1::2]:
                if token in self._given and self._unifier.partner(token) is None:
                    raise Unsendable("it names what only the recorded server has")
            return self._times(text)
        return shown

    def _times(self, text: str) -> str:
        """A time that the recorded server gave, as the time that the target gave in its place."""
        if not text.isdigit():
            return text
        here = next((self._seen.time_there(time) for time in times_in(text)), None)
        return text if here is None else str(int(here))


def _base_of(recorded: Sequence[Exchange], contract: Contract) -> str:
    """The URL below which the recorded target served the contract's paths."""
    operation = contract.operations["create"]
    for exchange in recorded:
        url = exchange.request.url.partition("?")[0]
        if exchange.request.method == operation.method and operation.pattern.search(exchange.request.path):
            return url[: url.rindex(operation.path)]
    return ""


def _in_step(a: Any, b: Any) -> Iterator[tuple[str, str]]:
    """The texts that stand in the same places of two bodies."""
    if isinstance(a, str) and isinstance(b, str):
        yield a, b
    elif isinstance(a, dict) and isinstance(b, dict):
        for name in a.keys() & b.keys():
            yield from _in_step(a[name], b[name])
    elif isinstance(a, list) and isinstance(b, list):
        for one, other in zip(a, b, strict=False):
            yield from _in_step(one, other)


def _texts(body: Any) -> Iterator[str]:
    return (one for one, _ in _in_step(body, body))


def _quoted(segment: str) -> str:
    return quote(segment, safe="")
