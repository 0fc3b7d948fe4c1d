"""Verifies a certificate: against itself, the contract, the files that it names, its recording and its signature."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from conformance.attestation.digests import file_digest, folder_digests, suite_digest
from conformance.attestation.statement import EnvelopeError, envelope_of, read_statement, signed_statement, statement
from conformance.contract import Contract
from conformance.evidence.cassettes import CassetteError
from conformance.evidence.exchange import Exchange
from conformance.evidence.history import HistoryError, read_history
from conformance.order import CASSETTES
from conformance.recorder import judge_recording
from conformance.run import HISTORY, PreflightError, Selection, SuiteError
from conformance.target.recording import REFERENCE, Recording, RecordingMissing, folder_of, load_recording
from conformance.target.replay import RECORD_AGAIN
from conformance.target.settings import SettingsError
from conformance.verdict import Certificate, RequirementVerdict, WaiverError, decide, read_waivers
from conformance.verdict.judgement import NOT_SELECTED, stale
from conformance.verdict.rows import row_to_json

_CLOCK_S = 1.0  # by which a machine's clock may be set back in a run
_SHOWN = 20  # requirements that differ; more of the same tells a reader nothing
# A replay finds placeholders where the run found secrets, and counts them anew.
_PLACEHOLDER = re.compile(r"\[redacted[^\[\]]*\]|redacted-[0-9a-f]{8}@redacted\.invalid")
# What a replay of the same recording has to say of the run as a whole, beside its requirements.
_OF_THE_RUN = ("provider_title", "contract_version", "target", "seed", "requests", "exploration", "matrix")
_OF_THE_CONTRACT = ("level", "area", "statement", "source", "check")


@dataclass
class Verification:
    """What came of verifying: ``confirmed`` and ``differences`` in sentences, ``remarks`` that contradict nothing.

    ``unjudged`` says why the verdicts were not judged again; empty where they were.
    """

    confirmed: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    unjudged: str = ""

    def check(self, what: str, differences: Iterator[str]) -> bool:
        """Whether nothing differs; then ``what`` is confirmed."""
        found = list(differences)
        self.differences += [one for one in found if one not in self.differences]
        if not found:
            self.confirmed.append(what)
        return not found


def verify(
    path: Path,
    certificate: Certificate,
    contract: Contract,
    *,
    history: Path | None,
    recording: Path | None,
    key: Path | None,
) -> Verification:
    """Verifies the ``certificate`` that was read from ``path``.

    ``history`` is its history's file, None for the one beside it; ``recording`` the folder of its recording, None for
    the usual one where it names any; ``key`` the file of the public key that has to have signed it, None where nobody
    asks. Sends nothing. Raises ``KeyFileError`` for a key that cannot be used, OSError where a file cannot be read.
    """
    done = Verification()
    done.check("it agrees with itself", _with_itself(certificate, contract))
    done.check("contract and suite are those of this installation", _with_the_suite(certificate, contract, done))
    _history(done, certificate, history or path.parent / HISTORY)
    _recording(done, certificate, contract, recording)
    _signature(done, path, certificate, key)
    return done


# -- the certificate by itself -----------------------------------------------------------------------------------------


def _with_itself(certificate: Certificate, contract: Contract) -> Iterator[str]:
    made = _made(certificate)
    for row in certificate.requirements:
        wanted = stale(row.waiver, row.verdict, made) if row.waiver and row.reason != NOT_SELECTED else ""
        if row.stale != wanted:
            yield f"the waiver of {row.id} {row.stale or 'is said to stand'}, where it {wanted or 'stands'}"
    waivers = [{"requirement": row.id, **_waiver(row)} for row in certificate.requirements if row.waiver]
    try:
        read_waivers(waivers, contract.requirements)
    except WaiverError as error:
        yield from str(error).splitlines()
    result, reasons = decide(certificate.requirements, certificate.strict)
    if _unsound(certificate):
        return
    if certificate.result != result:
        yield f"the result is {certificate.result!r}, where its requirements make it {result!r}"
    elif certificate.reasons != reasons:
        yield f"the reasons are {_told(certificate.reasons)}, where its requirements give {_told(reasons)}"


def _waiver(row: RequirementVerdict) -> dict[str, Any]:
    waiver: dict[str, Any] = row_to_json(row)["waiver"]
    return {name: value for name, value in waiver.items() if name != "stale"}


def _made(certificate: Certificate) -> date:
    """The day, in UTC, on which it was judged."""
    return (_started(certificate) + timedelta(seconds=certificate.duration_s)).date()


def _started(certificate: Certificate) -> datetime:
    return datetime.fromisoformat(certificate.started_at)


def _unsound(certificate: Certificate) -> bool:
    """Whether it is of a replay that did not follow its recording, and decides nothing."""
    return certificate.result == "inconclusive" and certificate.reasons[0].startswith(RECORD_AGAIN)


# -- what it was judged by ---------------------------------------------------------------------------------------------


def _with_the_suite(certificate: Certificate, contract: Contract, done: Verification) -> Iterator[str]:
    from conformance import __version__

    version = certificate.suite_version
    if certificate.contract_digest != contract.digest:
        yield (
            f"the contract is {certificate.contract_digest}, where this installation ({__version__}) has "
            f"{contract.digest}; to verify, install the version that judged: {version}"
        )
    else:
        yield from _with_the_contract(certificate, contract)
    if certificate.digests is None:
        done.remarks.append("it names no digests of suite, history and recording: an earlier version made it")
        return
    same = certificate.digests.suite == suite_digest()
    if same != (version == __version__):
        yield (
            f"the suite is {version}, {certificate.digests.suite}, where this installation is {__version__}, "
            f"{suite_digest()}: one of both was changed"
        )
    elif not same:
        done.remarks.append(f"suite {version} has judged; this is {__version__}")


def _with_the_contract(certificate: Certificate, contract: Contract) -> Iterator[str]:
    told = {row.id: row_to_json(row) for row in certificate.requirements}
    for name in [name for name in told if name not in contract.requirements]:
        yield f"{name}: the contract has no such requirement"
    if len(told) != len(certificate.requirements):
        yield "a requirement stands in it twice"
    for row in contract.requirements.values():
        if row.id not in told:
            yield f"{row.id}: the contract requires it, and the certificate does not hold it"
            continue
        wanted = {
            "level": row.level,
            "area": row.area,
            "statement": row.statement,
            "source": [{"key": source.key, "title": source.title, "url": source.url} for source in row.sources],
            "check": row.check,
        }
        for name in _OF_THE_CONTRACT:
            if told[row.id][name] != wanted[name]:
                yield f"{row.id}: {name} is {_told(told[row.id][name])}, where the contract has {_told(wanted[name])}"


# -- what it rests on --------------------------------------------------------------------------------------------------


def _history(done: Verification, certificate: Certificate, path: Path) -> None:
    wanted = certificate.digests.history if certificate.digests else ""
    if not wanted:
        done.remarks.append("it names no history, so none was looked at")
    elif not path.is_file():
        done.remarks.append(f"there is no history {path}, so none was looked at")
    elif done.check(f"the history is the one that it names: {path}", _digest_differs(path, wanted)):
        done.check("the history fits it", _with_the_history(certificate, path))


def _digest_differs(path: Path, wanted: str) -> Iterator[str]:
    found = file_digest(path)
    if found != wanted:
        yield f"the history {path} was changed: it is {found}, where the certificate names {wanted}"


def _with_the_history(certificate: Certificate, path: Path) -> Iterator[str]:
    try:
        exchanges = list(read_history(path))
    except HistoryError as error:
        yield str(error)
        return
    if len(exchanges) != certificate.requests:
        yield f"requests are {certificate.requests}, where the history holds {len(exchanges)}"
    yield from _with_times(certificate, exchanges)


def _with_times(certificate: Certificate, exchanges: list[Exchange]) -> Iterator[str]:
    """A run that acts does so after it started; one that replays started after what it replays."""
    if not exchanges:
        return
    first = min(one.started for one in exchanges)
    earliest = _started(certificate).timestamp()
    latest = earliest + 1 + certificate.duration_s  # the start is told in whole seconds
    acted = earliest <= first <= latest
    replayed = first < earliest  # the replayed run took longer than the second in which it began
    ended = max(one.ended for one in exchanges)
    if not (replayed if certificate.mode == "replayed" else acted):
        when = datetime.fromtimestamp(first, _started(certificate).tzinfo).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield (
            f"mode {certificate.mode!r} and start {certificate.started_at} do not fit the exchanges, "
            f"of which the first began at {when}"
        )
    elif certificate.mode == "live" and ended > latest + _CLOCK_S:  # of a run in memory, the clock skips
        yield (
            f"duration_s is {certificate.duration_s:.1f}, where the last exchange ended {ended - earliest:.1f} seconds "
            "after the start"
        )


def _recording(done: Verification, certificate: Certificate, contract: Contract, given: Path | None) -> None:
    if _unsound(certificate):
        done.unjudged = f"the certificate itself says so: {certificate.reasons[0]}"
        return
    named = certificate.digests.recording if certificate.digests else {}
    if not (named or given):
        done.unjudged = "it rests on no recording, without which what scenarios found cannot be judged"
        return
    folder = given or folder_of(Path(CASSETTES), certificate.provider, certificate.target.name)
    if not folder.is_dir():
        done.unjudged = f"there is no recording {folder}; --recording says where it is"
        return
    if named:
        done.check(
            f"the recording is the one that it names: {folder}, {len(named)} files", _files_differ(folder, named)
        )
    else:
        done.remarks.append(f"it does not name the files of the recording {folder}")
    try:
        recording = load_recording(folder)
        exchanges = recording.exchanges()
        done.check("the recording fits it", _with_the_recording(certificate, recording, exchanges))
        if recording.provider != contract.name:
            done.unjudged = f"the recording {folder} is of {recording.provider}"
            return
        again = judge_recording(folder, contract, _selection(certificate, recording))
    except (RecordingMissing, CassetteError, PreflightError, SuiteError, SettingsError) as error:
        done.unjudged = f"the recording cannot be replayed: {error}"
        return
    if _unsound(again):
        done.unjudged = f"the recording cannot be replayed: {again.reasons[0]}"
        return
    count = sum(row.verdict != "not_run" for row in again.requirements)
    done.check(f"judged again from {folder}: same verdicts ({count} requirements)", _judged_again(certificate, again))


def _files_differ(folder: Path, named: Mapping[str, str]) -> Iterator[str]:
    found = folder_digests(folder)
    for name in sorted({*found, *named}):
        if name not in found:
            yield f"the recording lacks {name}, which the certificate names"
        elif name not in named:
            yield f"the recording holds {name}, which the certificate does not name"
        elif found[name] != named[name]:
            yield f"the recording's {name} was changed: it is {found[name]}, where the certificate names {named[name]}"


def _with_the_recording(certificate: Certificate, recording: Recording, exchanges: list[Exchange]) -> Iterator[str]:
    embedded = recording.source == REFERENCE
    if certificate.mode in ("recorded", "soak") or (
        certificate.mode != "replayed" and (certificate.mode == "in-process") != embedded
    ):
        yield f"mode is {certificate.mode!r}, where the recording is of a {recording.source}"
    if recording.suite_version != certificate.suite_version and certificate.mode != "replayed":
        yield f"suite_version is {certificate.suite_version}, where {recording.suite_version} made the recording"
    yield from _with_times(certificate, exchanges)


def _selection(certificate: Certificate, recording: Recording) -> Selection:
    """What is to be judged again: what the recorded run judged, or what a replay of it was asked to."""
    if certificate.mode != "replayed":
        return Selection(ids=frozenset(recording.requirements or ()))
    return Selection(ids=frozenset(row.id for row in certificate.requirements if row.reason != NOT_SELECTED))


def _judged_again(certificate: Certificate, again: Certificate) -> Iterator[str]:
    told, found = certificate.to_json(), again.to_json()
    for name in _OF_THE_RUN:
        if _plain(told[name]) != _plain(found[name]):
            yield f"{name} is {_told(told[name])}, where the recording shows {_told(found[name])}"
    waived = {row.id: row.waiver for row in certificate.requirements}
    rows = {row.id: _row(replace(row, waiver=waived.get(row.id))) for row in again.requirements}
    differing = [
        difference
        for row in certificate.requirements
        if row.id in rows and (difference := _row_differs(row, rows[row.id]))
    ]
    yield from differing[:_SHOWN]
    if len(differing) > _SHOWN:
        yield f"and {len(differing) - _SHOWN} requirements more"


def _row(row: RequirementVerdict) -> dict[str, Any]:
    """A row without what is said of its waiver, which no recording knows."""
    return {name: value for name, value in row_to_json(row).items() if name != "waiver"}


def _row_differs(row: RequirementVerdict, wanted: dict[str, Any]) -> str:
    told = _row(row)
    names = [name for name in told if _plain(told[name]) != _plain(wanted[name])]
    if "verdict" in names:
        return f"{row.id}: verdict is {row.verdict!r}, judged again {wanted['verdict']!r}"
    return "; ".join(f"{row.id}: {name} is {_told(told[name])}, judged again {_told(wanted[name])}" for name in names)


def _plain(value: Any) -> str:
    return _PLACEHOLDER.sub("[redacted]", json.dumps(value, sort_keys=True))


def _told(value: Any) -> str:
    """A value in few words."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:100]}…"


# -- who signed it -----------------------------------------------------------------------------------------------------


def _signature(done: Verification, path: Path, certificate: Certificate, key: Path | None) -> None:
    envelope = envelope_of(path)
    if envelope.is_file():
        what = f"signed by {key}: {envelope}" if key else f"the statement {envelope} is on it"
        done.check(what, _with_the_envelope(path, certificate, envelope, key))
    elif key:
        done.differences.append(f"it is not signed: there is no {envelope}")
    if not key:
        done.remarks.append(
            f"no signature was checked (--key PUBLIC.pem does), and nothing else holds {_on_trust(certificate)}"
        )


def _on_trust(certificate: Certificate) -> str:
    """What of a certificate nothing but a signature holds, because no evidence shows it."""
    waived = [row.id for row in certificate.requirements if row.waiver]
    texts = f"the reason, link, name and date of the waivers of {', '.join(waived)}; " if waived else ""
    return f"{texts}started_at and duration_s, as far as the times of the exchanges allow"


def _with_the_envelope(path: Path, certificate: Certificate, envelope: Path, key: Path | None) -> Iterator[str]:
    content = envelope.read_bytes()
    try:
        told = signed_statement(content, key) if key else read_statement(content)
    except EnvelopeError as error:
        yield f"the signature {envelope}: {error}"
        return
    signed = path.read_bytes()
    try:
        digests = [subject["digest"]["sha256"] for subject in told["subject"]]
        wanted = statement(certificate, told["subject"][0]["name"], signed, told["predicate"].get("url", ""))
    except (KeyError, TypeError, IndexError, AttributeError):
        yield f"the signature {envelope} names no subject and result"
        return
    if digests != [hashlib.sha256(signed).hexdigest()]:
        yield f"the signature {envelope} is on another certificate, or this one was changed after it was signed"
    elif told != wanted:
        yield f"the signature {envelope} says of this certificate what does not stand in it"
