"""One run against one target: preflight, acting, judging, and what it leaves behind."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.attestation.digests import file_digest, folder_digests, suite_digest
from conformance.contract import Contract, Requirement
from conformance.evidence.exchange import TOO_MANY, Exchange
from conformance.evidence.exposure import guard_logs
from conformance.evidence.finding import Finding, Outcome
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.parts.shares import Share
from conformance.scenarios.memory import Memory
from conformance.sighting import Sighting, read_history
from conformance.target.client import Client, LiveMoney
from conformance.target.clock import Clock
from conformance.target.settings import SettingsError, Target
from conformance.target.tls import advice
from conformance.target.values import Instruments, MissingInstrument
from conformance.verdict import Certificate, Digests, Mode, Waiver, certify, judge
from conformance.verdict.judgement import LEFT_OUT

if TYPE_CHECKING:
    import httpx

    from conformance.target.journal import Journal
    from conformance.target.recording import Recording
    from conformance.target.replay import Replay


PREFLIGHT = "preflight"
INTERRUPTED = "interrupted"  # why a row was not run
HISTORY = "history/exchanges.jsonl"
PART = "part.json"


class PreflightError(Exception):
    """The target cannot be judged; the message speaks of settings and network, not of conformance."""


class SuiteError(Exception):
    """The suite itself could not run its scenarios; the message says why."""


@dataclass(frozen=True)
class Selection:
    """Which requirements a run is to judge; an empty field selects all."""

    ids: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    levels: frozenset[str] = frozenset()

    def of(self, contract: Contract) -> dict[str, Requirement]:
        """The selected rows. Raises ``SettingsError`` where an id is unknown or nothing is selected."""
        unknown = self.ids - contract.requirements.keys()
        if unknown:
            raise SettingsError(f"--only {', '.join(sorted(unknown))}: no such requirement of {contract.name}")
        rows = {
            row.id: row
            for row in contract.requirements.values()
            if (not self.ids or row.id in self.ids)
            and (not self.areas or row.area in self.areas)
            and (not self.levels or row.level in self.levels)
        }
        if not rows:
            areas = sorted({row.area for row in contract.requirements.values()})
            raise SettingsError(f"the selection matches no requirement of {contract.name}; areas: {', '.join(areas)}")
        return rows


@dataclass(frozen=True)
class Budget:
    """A part of the scenarios: ``acts`` are the ids of their rows in the order in which they are acted.

    Rules judge whatever that shows. ``left_out`` are those that are not acted for it. No more than so many ``requests``
    are sent (None: any number).
    """

    requests: int | None
    acts: tuple[str, ...]
    left_out: frozenset[str]


@dataclass
class Run:
    """Acts on ``target`` through one client, collects outcomes, and judges.

    ``folder`` is where it leaves history, certificate and reports. ``transport`` replaces the network. ``record`` is
    the folder that receives what is recorded, ``recording`` what is replayed instead of acting on the target.
    ``share`` is the part of the scenarios that it acts, None for all; a part is not judged by itself. Every text that
    leaves the run is redacted first. ``budget`` chooses scenarios and limits what is sent, None for all.
    """

    contract: Contract
    target: Target
    folder: Path
    seed: int = 1
    strict: bool = False
    mode: Mode = "live"
    selection: Selection = field(default_factory=Selection)
    waivers: tuple[Waiver, ...] = ()
    transport: httpx.BaseTransport | None = None
    clock: Clock = field(default_factory=Clock)
    record: Path | None = None
    recording: Recording | None = None
    share: Share | None = None
    budget: Budget | None = None

    def __post_init__(self) -> None:
        self.rows = self.selection.of(self.contract)
        self.redactor = Redactor(self.target.secrets(), names=self.target.redact_names, texts=self.target.redact_texts)
        guard_logs()
        self.folder.mkdir(parents=True, exist_ok=True)
        # A certificate of an earlier run must not stand for this one, should this one be cut short.
        for earlier in ("certificate.json", "certificate.html", "certificate.intoto.jsonl", PART, HISTORY):
            (self.folder / earlier).unlink(missing_ok=True)
        before = self.share.numbers_before if self.share else 0
        self.history = History(self.redactor, self.folder / HISTORY, before=before)
        self.replay = self._replay(self.recording) if self.recording else None
        if self.replay:
            self.transport, self.clock = self.replay, self.replay.clock
        # In memory nothing is left behind, and a replay makes nothing.
        self.journal = None if self.transport or self.mode != "live" else self._journal()
        self.reached = False  # the preflight has found a target that can be judged
        self.interrupted = False  # somebody stopped it before all was acted
        self.client = Client(
            self.contract,
            self.target,
            self.history,
            seed=self.seed,
            transport=self.transport,
            clock=self.clock,
            replaying=self.replay is not None,
            journal=self.journal,
        )
        self.client.allowance.requests = self.budget.requests if self.budget else None
        lent = self.target.instruments
        self.instruments = Instruments(self.share.of_instruments(lent) if self.share else lent)
        self.memory = Memory()
        self.outcomes: list[Outcome] = []
        self.exploration: list[Finding] = []
        self.started = time.time()
        self.ended: float | None = None  # None: when it is judged

    def acts_for(self, row: Requirement, rule_names: Iterable[str]) -> bool:
        """Whether a scenario row is to be acted: it is selected, or a selected rule needs evidence to judge.

        A replay acts what was recorded, whatever is selected: scenarios share what they bring about. A part acts its
        share.
        """
        if self.share and row.id not in self._shared_rows:
            return False
        if self.budget:
            return row.id in self.budget.acts
        return self._acts_for(row, rule_names)

    def _acts_for(self, row: Requirement, rule_names: Iterable[str]) -> bool:
        chosen = self.recorded_rows if self.replay else self.rows
        return row.id in chosen or any(one.check in rule_names for one in chosen.values())

    @cached_property
    def _shared_rows(self) -> frozenset[str]:
        """The rows whose scenarios this part of a run acts."""
        from conformance.rules.judge import rules

        assert self.share is not None  # it acts a part
        known = rules()
        rows = [row for row in self.contract.requirements.values() if row.check and row.check not in known]
        return self.share.rows(self.contract, [row for row in rows if self._acts_for(row, known)])

    @property
    def recorded_rows(self) -> dict[str, Requirement]:
        """The rows that the recorded run was to judge."""
        asked = self.recording.requirements if self.recording else None
        known = self.contract.requirements
        return dict(known) if asked is None else {name: known[name] for name in asked if name in known}

    def network(self) -> AbstractContextManager[None]:
        """Within it the run may reach its target; a replay may reach nothing."""
        if not self.replay:
            return nullcontext()
        from conformance.target.replay import no_network

        return no_network()

    def _replay(self, recording: Recording) -> Replay:
        from conformance.target.replay import Replay

        header = self.contract.settings.get("idempotency", {}).get("header", "")
        return Replay(recording, self.redactor, header, contract_digest=self.contract.digest, seed=self.seed)

    def _journal(self) -> Journal:
        from conformance.target.journal import begun

        name, address = self.target.name, self.target.base_url
        return begun(self.contract, self.redactor, self.folder, target=name, base_url=address, started=time.time())

    # -- preflight -----------------------------------------------------------------------------------------------

    def preflight(self) -> None:
        """One create and one retrieve. Raises ``PreflightError`` where they show that nothing can be judged.

        One that does not follow its recording says nothing of the others: it is kept as a trouble of the replay.
        """
        with self.network():
            if not self.replay:
                try:
                    self._preflight()
                except LiveMoney as live:
                    raise PreflightError(str(live)) from live
                self.reached = True
                return
            from conformance.target.replay import RecordAgain

            with suppress(RecordAgain):
                self._preflight()
            self.replay.trouble(PREFLIGHT)

    def reach(self) -> None:
        """One retrieve of nothing. Raises ``PreflightError`` where the target gives no answer or refuses the key."""
        self.client.scenario = PREFLIGHT
        self._answered(self.client.call("retrieve", "nothing"))
        self.reached = True

    def _preflight(self) -> None:
        # The parts of a run have a preflight each, and each needs keys of its own.
        self.client.scenario = f"{PREFLIGHT} {self.share}" if self.share else PREFLIGHT
        contract, target = self.contract, self.target
        try:
            body = self.instruments.fill(contract.settings["requests"]["create"])
        except MissingInstrument as missing:
            raise SettingsError(f"every create of {contract.name} needs it: {missing}") from missing
        created = self._answered(self.client.call("create", body=body))
        if created.response.status == 404 and contract.settings.get("unavailable"):
            raise PreflightError(f"{target.base_url} answers 404 to create: {contract.settings['unavailable']}")
        intent = self._intent(created, "create")
        identifier = str(intent[contract.settings["members"]["id"]])
        self._intent(self._answered(self.client.call("retrieve", identifier)), "retrieve")

    def _answered(self, exchange: Exchange) -> Sighting:
        if exchange.response is None:
            raise PreflightError(
                f"{self.target.base_url} gives no answer ({self.redactor.text(exchange.failure)}); "
                + (advice(exchange.failure) or "check base_url, and that the server runs")
            )
        status = exchange.response.status
        if status in (401, 403):
            raise PreflightError(
                f"{self.target.base_url} answers {status} to the key given; check api_key "
                "([target] api_key in the target file, or --api-key)"
            )
        if status == TOO_MANY:
            raise PreflightError("the target answers 429; lower [target] requests_per_second")
        return read_history(self.contract, [exchange])[0]

    def _intent(self, sighting: Sighting, operation: str) -> Mapping[str, object]:
        name = self.contract.settings["members"]["id"]
        for intent in sighting.intents:
            if isinstance(intent.get(name), str) and intent[name]:
                return intent
        body = sighting.response.body[:200].decode("utf-8", "replace").strip() or "an empty body"
        raise PreflightError(
            f"{self.target.base_url} answers {operation} with HTTP {sighting.response.status} and no intent: "
            f"{self.redactor.text(body)!r}; check base_url, and the [instruments] that a {operation} needs"
        )

    # -- judging -------------------------------------------------------------------------------------------------

    def refuse_live_money(self) -> None:
        """Raises ``PreflightError`` where the target has said that it moves real money: nothing is judged then."""
        if self.client.live:
            raise PreflightError(self.client.live)

    def finish(self) -> Certificate:
        """Judges all that was seen and writes history, certificate and reports into ``folder``.

        Raises ``PreflightError`` where the target has said that it moves real money: what it owes to a test key is
        then nothing to judge it by.
        """
        from conformance.report import write_all

        self.refuse_live_money()

        outcomes = [*self.outcomes, *self._inapplicable(), *self._judged_by_rules(), *self._not_recorded()]
        missed = self._not_acted(outcomes)
        verdicts = judge(
            self.contract,
            [self.redactor.outcome(outcome) for outcome in (*outcomes, *missed, *self._left_out())],
            waivers=self.waivers,
            today=datetime.now(UTC).date(),
            strict=self.strict,
            selected=set(self.rows),
            unsound=(self.replay.mismatch() if self.replay else "") or self._partial(len(missed)),
        )
        certificate = certify(
            self.contract,
            verdicts,
            target=self.redactor.prose(self.target.name),
            base_url=self.redactor.url(self.target.base_url),
            mode=self.mode,
            seed=self.seed,
            started=self.started,
            duration_s=(self.ended or time.time()) - self.started,
            requests=len(self.history),
            exploration=[self.redactor.finding(finding) for finding in self.exploration],
            matrix=[self.redactor.cell(cell) for cell in self.memory.cells],
            digests=Digests(
                suite=suite_digest(),
                history=file_digest(self.folder / HISTORY),
                recording=folder_digests(self.recording.folder) if self.recording else {},
            ),
        )
        write_all(certificate, self.history.redacted(), self.folder)
        self.close()
        return certificate

    def _not_acted(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """The selected rows that an interrupted run came to no outcome of."""
        if not self.interrupted:
            return []
        told = {outcome.requirement for outcome in outcomes}
        rows = [row for row in self.rows.values() if row.check and row.id not in told]
        return [Outcome(row.id, "not_run", INTERRUPTED) for row in rows]

    def _left_out(self) -> list[Outcome]:
        """The rows that a budget does not pay for."""
        if not self.budget:
            return []
        reason = f"{LEFT_OUT}budget of {self.budget.requests} requests"
        return [Outcome(name, "not_run", reason) for name in sorted(self.budget.left_out)]

    def _partial(self, missed: int) -> str:
        """Why the run decides nothing where it was cut short; empty where it was not."""
        if not self.interrupted:
            return ""
        return (
            f"The run was interrupted, so that this report is partial and decides nothing: {missed} of the "
            f"{len(self.rows)} selected requirements were not run; the verdicts of the others stand on what was seen."
        )

    def close(self) -> None:
        """Lets go of connections and files."""
        self.client.close()
        self.history.close()

    def lacking(self, row: Requirement) -> str:
        """Why a row does not apply to the target; empty where it does."""
        return self.target.missing(self.contract, row.needs)

    def _inapplicable(self) -> list[Outcome]:
        return [
            Outcome(row.id, "inapplicable", reason)
            for row in self.contract.requirements.values()
            if row.check and (reason := self.lacking(row))
        ]

    def _judged_by_rules(self) -> list[Outcome]:
        from conformance.rules.judge import judge_history

        rows = [row for row in self.contract.requirements.values() if not self.lacking(row)]
        outcomes = judge_history(self.contract, self.history.exchanges, rows, secrets=self.target.secrets())
        return self.replay.doubted(outcomes) if self.replay else outcomes

    def _not_recorded(self) -> list[Outcome]:
        """Rows that are to be judged now and were not when the run was recorded."""
        missing = self.rows.keys() - self.recorded_rows.keys() if self.replay else ()
        reason = "record again: it was not selected when the recording was made"
        return [Outcome(name, "inconclusive", reason) for name in sorted(missing)]
