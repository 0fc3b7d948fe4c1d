"""One run against one target: preflight, acting, judging, and what it leaves behind."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.attestation.digests import file_digest, folder_digests, suite_digest
from conformance.contract import Contract, Requirement
from conformance.evidence.exchange import Exchange
from conformance.evidence.exposure import guard_logs
from conformance.evidence.finding import Finding, Outcome
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.scenarios.memory import Memory
from conformance.sighting import Sighting, read_history
from conformance.target.client import Client
from conformance.target.clock import Clock
from conformance.target.settings import SettingsError, Target
from conformance.target.values import Instruments, MissingInstrument
from conformance.verdict import Certificate, Digests, Mode, Waiver, certify, judge

if TYPE_CHECKING:
    import httpx

    from conformance.target.recording import Recording
    from conformance.target.replay import Replay


PREFLIGHT = "preflight"
HISTORY = "history/exchanges.jsonl"


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


@dataclass
class Run:
    """Acts on ``target`` through one client, collects outcomes, and judges.

    ``folder`` is where it leaves history, certificate and reports. ``transport`` replaces the network. ``record`` is
    the folder that receives what is recorded, ``recording`` what is replayed instead of acting on the target. Every
    text that leaves the run is redacted first.
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

    def __post_init__(self) -> None:
        self.rows = self.selection.of(self.contract)
        self.redactor = Redactor(self.target.secrets(), names=self.target.redact_names, texts=self.target.redact_texts)
        guard_logs()
        self.folder.mkdir(parents=True, exist_ok=True)
        # A certificate of an earlier run must not stand for this one, should this one be cut short.
        for earlier in ("certificate.json", "certificate.html", "certificate.intoto.jsonl", HISTORY):
            (self.folder / earlier).unlink(missing_ok=True)
        self.history = History(self.redactor, self.folder / HISTORY)
        self.replay = self._replay(self.recording) if self.recording else None
        if self.replay:
            self.transport, self.clock = self.replay, self.replay.clock
        self.client = Client(
            self.contract,
            self.target,
            self.history,
            seed=self.seed,
            transport=self.transport,
            clock=self.clock,
            replaying=self.replay is not None,
        )
        self.instruments = Instruments(self.target.instruments)
        self.memory = Memory()
        self.outcomes: list[Outcome] = []
        self.exploration: list[Finding] = []
        self.started = time.time()

    def acts_for(self, row: Requirement, rule_names: Iterable[str]) -> bool:
        """Whether a scenario row is to be acted: it is selected, or a selected rule needs evidence to judge.

        A replay acts what was recorded, whatever is selected: scenarios share what they bring about.
        """
        chosen = self.recorded_rows if self.replay else self.rows
        return row.id in chosen or any(one.check in rule_names for one in chosen.values())

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

    # -- preflight -----------------------------------------------------------------------------------------------

    def preflight(self) -> None:
        """One create and one retrieve. Raises ``PreflightError`` where they show that nothing can be judged.

        One that does not follow its recording says nothing of the others: it is kept as a trouble of the replay.
        """
        with self.network():
            if not self.replay:
                self._preflight()
                return
            from conformance.target.replay import RecordAgain

            with suppress(RecordAgain):
                self._preflight()
            self.replay.trouble(PREFLIGHT)

    def reach(self) -> None:
        """One retrieve of nothing. Raises ``PreflightError`` where the target gives no answer or refuses the key."""
        self.client.scenario = PREFLIGHT
        self._answered(self.client.call("retrieve", "nothing"))

    def _preflight(self) -> None:
        self.client.scenario = PREFLIGHT
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
                "check base_url, and that the server runs"
            )
        status = exchange.response.status
        if status in (401, 403):
            raise PreflightError(
                f"{self.target.base_url} answers {status} to the key given; check api_key "
                "([target] api_key in the target file, or --api-key)"
            )
        if status == 429:
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

    def finish(self) -> Certificate:
        """Judges all that was seen and writes history, certificate and reports into ``folder``."""
        from conformance.report import write_all

        outcomes = [*self.outcomes, *self._inapplicable(), *self._judged_by_rules(), *self._not_recorded()]
        verdicts = judge(
            self.contract,
            [self.redactor.outcome(outcome) for outcome in outcomes],
            waivers=self.waivers,
            today=datetime.now(UTC).date(),
            strict=self.strict,
            selected=set(self.rows),
            unsound=self.replay.mismatch() if self.replay else "",
        )
        certificate = certify(
            self.contract,
            verdicts,
            target=self.redactor.prose(self.target.name),
            base_url=self.redactor.url(self.target.base_url),
            mode=self.mode,
            seed=self.seed,
            started=self.started,
            duration_s=time.time() - self.started,
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
