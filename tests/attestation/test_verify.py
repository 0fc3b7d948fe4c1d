"""Whoever changes a certificate, or what it rests on, is noticed, and ``verify`` names what differs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from conformance import __version__
from conformance.attestation.digests import file_digest, folder_digests, suite_digest
from conformance.contract import load_contract
from conformance.contract.loading import contract_root
from conformance.contract.model import Source
from conformance.evidence.cassettes import read_cassette, write_cassette
from conformance.evidence.finding import Cell, Finding
from conformance.evidence.history import read_history, to_line
from conformance.verdict import Certificate, CertifiedTarget, Digests, RequirementVerdict, Waiver, decide
from tests.attestation.conftest import BROKEN, Command, Kept, record

Forge = Callable[[Certificate], Certificate]


def row(identifier: str, **changed: Any) -> Forge:
    """A certificate whose counts, result and reasons are made to fit a row that was changed."""

    def forged(certificate: Certificate) -> Certificate:
        rows = tuple(replace(one, **changed) if one.id == identifier else one for one in certificate.requirements)
        return fitted(certificate, rows)

    return forged


def fitted(certificate: Certificate, rows: tuple[RequirementVerdict, ...]) -> Certificate:
    result, reasons = decide(rows, certificate.strict)
    return replace(certificate, requirements=rows, result=result, reasons=reasons)


def finding(**changed: Any) -> Forge:
    def forged(certificate: Certificate) -> Certificate:
        (broken,) = (one for one in certificate.requirements if one.id == BROKEN)
        return row(BROKEN, findings=(replace(broken.findings[0], **changed),))(certificate)

    return forged


def waiver(**changed: Any) -> Forge:
    def forged(certificate: Certificate) -> Certificate:
        (broken,) = (one for one in certificate.requirements if one.id == BROKEN)
        assert broken.waiver
        return row(BROKEN, waiver=replace(broken.waiver, **changed))(certificate)

    return forged


def member(**changed: Any) -> Forge:
    return lambda certificate: replace(certificate, **changed)


def digest(**changed: Any) -> Forge:
    def forged(certificate: Certificate) -> Certificate:
        assert certificate.digests
        return replace(certificate, digests=replace(certificate.digests, **changed))

    return forged


def without(identifier: str) -> Forge:
    return lambda told: fitted(told, tuple(one for one in told.requirements if one.id != identifier))


def twice(identifier: str) -> Forge:
    def forged(told: Certificate) -> Certificate:
        return fitted(told, (*told.requirements, *(one for one in told.requirements if one.id == identifier)))

    return forged


ADDED = Waiver("DOT-030", "answers 500 on Sundays", "", date(2999, 1, 1))
ELSEWHERE = (Source("S1", "Another page", "https://docs.example/other"),)
SHOWS = Finding("402", "400")


CONTRACTS = {"dots": load_contract("dots")}


# -- what was not tampered with ----------------------------------------------------------------------------------------


def test_an_untampered_certificate_is_verified(verify: Command) -> None:
    done = verify()
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == "verified"
    assert "same verdicts" in done.output
    assert "differs" not in done.output


def test_a_whole_run_and_its_replay_are_verified_where_they_stand(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("certify", "--provider", "dots", "--record", "--output", "live").exit_code == 0
    assert command("certify", "--provider", "dots", "--replay", "--area", "create", "--output", "again").exit_code == 0
    for folder in ("live", "again"):
        done = command("verify", f"{folder}/certificate.json")
        assert (done.exit_code, done.output.splitlines()[-1]) == (0, "verified"), done.output
        assert f"from {Path('cassettes', 'dots', 'reference')}: same verdicts" in done.output


def test_findings_that_quote_secrets_are_those_of_the_recording(command: Command, tmp_path: Path) -> None:
    """A live run saw the digits, a replay sees what redaction left of them."""
    broken = record(tmp_path, "numbers_secrets", ("DOT-014",))
    assert [one.id for one in broken.certificate.requirements if one.verdict == "fail"] == ["DOT-014"]
    done = command("verify", broken.path, "--recording", broken.recording)
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "verified"), done.output


def test_the_certificate_names_what_it_rests_on(made: Kept) -> None:
    digests = made.certificate.digests
    assert digests == Digests(suite_digest(), file_digest(made.history), folder_digests(made.recording))
    assert {"recording.json", "preflight.yaml", "DOT-030.yaml"} <= digests.recording.keys()


# -- what was ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forge", "named"),
    [
        # Verdicts and their evidence, with counts and result made to fit.
        (row(BROKEN, verdict="pass", findings=(), waiver=None), f"{BROKEN}: verdict is 'pass', judged again 'fail'"),
        (row(BROKEN, verdict="not_run", reason="not selected", findings=()), f"{BROKEN}: verdict is 'not_run', judged"),
        (row("DOT-030", verdict="fail", findings=(SHOWS,)), "DOT-030: verdict is 'fail', judged again 'pass'"),
        (row("DOT-037", verdict="inapplicable", reason="phase 2"), "DOT-037: verdict is 'inapplicable', judged again"),
        (row("DOT-030", reason="seen a thousand times"), "DOT-030: reason is"),
        (row("DOT-030", judged=1000), "DOT-030: judged is 1000"),
        (row("DOT-030", exchanges=(1,)), "DOT-030: exchanges is [1]"),
        (finding(actual="HTTP 422"), f"{BROKEN}: findings is"),
        (finding(exchanges=(1,)), f"{BROKEN}: findings is"),
        # What the contract says of a requirement.
        (row(BROKEN, level="MAY"), f'{BROKEN}: level is "MAY", where the contract has "MUST"'),
        (row("DOT-030", statement="All is well."), 'DOT-030: statement is "All is well."'),
        (row("DOT-030", sources=ELSEWHERE), "DOT-030: source is"),
        (row("DOT-030", area="list"), 'DOT-030: area is "list"'),
        (row("DOT-030", check="exam"), 'DOT-030: check is "exam"'),
        (row("DOT-031", id="DOT-999"), "DOT-999: the contract has no such requirement"),
        (without(BROKEN), f"{BROKEN}: the contract requires it"),
        (twice("DOT-030"), "a requirement stands in it twice"),
        # The result.
        (
            member(result="non_conformant"),
            "the result is 'non_conformant', where its requirements make it 'conformant'",
        ),
        (member(result="inconclusive"), "the result is 'inconclusive'"),
        (member(reasons=("All is well.",)), "the reasons are"),
        (member(strict=True), "the reasons are"),
        # Waivers.
        (lambda told: replace(row(BROKEN, waiver=None)(told), result=told.result), "make it 'non_conformant'"),
        (row("DOT-030", waiver=ADDED), "the waiver of DOT-030 is said to stand, where it is no longer needed"),
        (waiver(until=date(2020, 1, 1)), f"the waiver of {BROKEN} is said to stand, where it ended on 2020-01-01"),
        (row(BROKEN, stale="ended on 2020-01-01: remove it"), f"the waiver of {BROKEN} ended on 2020-01-01"),
        (waiver(reason="n/a"), f"waiver of {BROKEN}: reason = 'n/a' gives none"),
        # The run.
        (member(seed=2), "seed is 2, where the recording shows 1"),
        (member(mode="live"), "mode is 'live', where the recording is of a reference server"),
        (member(mode="recorded"), "mode is 'recorded', where the recording is of a reference server"),
        (member(mode="replayed"), "mode 'replayed' and start"),
        (member(started_at="2999-01-01T00:00:00Z"), "and start 2999-01-01T00:00:00Z do not fit the exchanges"),
        (member(started_at="2001-01-01T00:00:00Z"), "and start 2001-01-01T00:00:00Z do not fit the exchanges"),
        (member(requests=10_000), "requests are 10000, where the history holds"),
        (member(target=CertifiedTarget("acme", "http://reference.invalid/api")), 'target is {"name": "acme"'),
        (member(target=CertifiedTarget("reference", "https://api.acme.example")), "https://api.acme.example"),
        (member(exploration=(SHOWS,)), "exploration is"),
        (member(matrix=(Cell("cancel", "succeeded", "", "", "canceled"),)), "matrix is"),
        # What it was judged by, and rests on.
        (member(provider_title="Stripe"), 'provider_title is "Stripe"'),
        (member(contract_version="v3"), 'contract_version is "v3"'),
        (member(contract_digest=f"sha256:{0:064}"), f"the contract is sha256:{0:064}"),
        (member(suite_version="9.0"), f"the suite is 9.0, {suite_digest()}"),
        (digest(suite=f"sha256:{0:064}"), f"the suite is {__version__}, sha256:{0:064}"),
        (digest(history=f"sha256:{0:064}"), "exchanges.jsonl was changed"),
        (digest(recording={"DOT-030.yaml": f"sha256:{0:064}"}), "DOT-030.yaml was changed"),
    ],
)
def test_an_edited_certificate_is_noticed(
    kept: Kept, verify: Command, forge: Forge, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.order.known_contracts", lambda further: CONTRACTS)  # loading them takes a while
    forge(kept.certificate).write(kept.path)
    done = verify()
    assert done.exit_code == 1, done.output
    differing = [line for line in done.output.splitlines() if line.startswith("differs: ")]
    assert any(named in line for line in differing), done.output
    assert done.output.splitlines()[-1] == "not verified: it differs"


@pytest.mark.parametrize("counts", ["totals", "levels", "not_judged"])
def test_counts_that_are_not_those_of_the_rows_are_noticed(kept: Kept, verify: Command, counts: str) -> None:
    document = json.loads(kept.path.read_bytes())
    {
        "totals": lambda told: told.update({"fail": 0}),
        "levels": lambda told: told["MUST"].update({"fail": 0}),
        "not_judged": lambda told: told.pop(),
    }[counts](document[counts])
    kept.path.write_text(json.dumps(document), encoding="utf-8")
    done = verify()
    assert (done.exit_code, f"differs: {kept.path}: {counts} does not agree" in done.output) == (1, True), done.output


# -- what the certificate rests on -------------------------------------------------------------------------------------


def edit(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


def swap(one: Path, other: Path) -> None:
    spare = one.with_suffix(".spare")
    one.rename(spare)
    other.rename(one)
    spare.rename(other)


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (lambda kept: edit(kept.recording / "DOT-032.yaml", b"code: 2", b"code: 4"), ["DOT-032.yaml was changed"]),
        (lambda kept: (kept.recording / "DOT-032.yaml").unlink(), ["the recording lacks DOT-032.yaml"]),
        (
            lambda kept: shutil.copy(kept.recording / "DOT-032.yaml", kept.recording / "DOT-034.yaml"),
            ["the recording holds DOT-034.yaml, which the certificate does not name"],
        ),
        (
            lambda kept: swap(kept.recording / "DOT-030.yaml", kept.recording / "DOT-032.yaml"),
            ["DOT-030.yaml was changed", "DOT-032.yaml was changed"],
        ),
        (
            lambda kept: edit(kept.recording / "recording.json", b'"seed": 1', b'"seed": 2'),
            ["recording.json was changed"],
        ),
        (lambda kept: edit(kept.history, b'"status":200', b'"status":402'), ["exchanges.jsonl was changed"]),
        (lambda kept: kept.history.write_bytes(kept.history.read_bytes()[:-1000]), ["exchanges.jsonl was changed"]),
        (lambda kept: kept.history.write_bytes(b""), ["exchanges.jsonl was changed"]),
    ],
)
def test_tampered_evidence_is_noticed(
    kept: Kept, verify: Command, tamper: Callable[[Kept], object], named: list[str]
) -> None:
    tamper(kept)
    done = verify()
    assert done.exit_code == 1, done.output
    for what in named:
        assert any(line.startswith("differs: ") and what in line for line in done.output.splitlines()), done.output


def test_a_cassette_edited_with_all_its_digests_is_judged_otherwise(kept: Kept, verify: Command) -> None:
    path = kept.recording / "DOT-030.yaml"
    head, exchanges = read_cassette(path)
    refused = [replace(one, response=one.response and replace(one.response, status=500)) for one in exchanges]
    write_cassette(path, head, refused)
    digest(recording=folder_digests(kept.recording))(kept.certificate).write(kept.path)
    done = verify()
    assert done.exit_code == 1, done.output
    assert "differs: DOT-030: verdict is 'pass', judged again" in done.output


def test_a_history_cut_short_with_its_digest_does_not_fit(kept: Kept, verify: Command) -> None:
    kept.history.write_bytes(b"".join(kept.history.read_bytes().splitlines(keepends=True)[:-3]))
    digest(history=file_digest(kept.history))(kept.certificate).write(kept.path)
    done = verify()
    assert (done.exit_code, "differs: requests are" in done.output) == (1, True), done.output


def test_another_contract_is_noticed(
    verify: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Kept
) -> None:
    shutil.copytree(contract_root(), tmp_path / "schemas")
    edit(tmp_path / "schemas" / "dots" / "create.request.schema.json", b'"currency"', b'"currencies"')
    monkeypatch.setattr("conformance.contract.loading.contract_root", lambda: tmp_path / "schemas")
    done = verify()
    assert done.exit_code == 1, done.output
    assert f"differs: the contract is {made.certificate.contract_digest}, where this installation" in done.output


def test_a_further_contract_is_held_to_its_digest(kept: Kept, verify: Command, tmp_path: Path) -> None:
    further = tmp_path / "contracts"
    shutil.copytree(contract_root() / "dots", further / "acme")
    replace(kept.certificate, provider="acme", contract_digest=load_contract("acme", further).digest).write(kept.path)
    unknown = verify()
    assert (unknown.exit_code, "no contract for provider 'acme'; known: dots" in unknown.output) == (2, True)
    assert "the contract is" not in verify("--contracts", further).output
    edit(further / "acme" / "lifecycle.toml", b"\n", b"\n\n")
    done = verify("--contracts", further)
    assert (done.exit_code, "differs: the contract is" in done.output) == (1, True), done.output


def test_another_suite_of_the_same_version_is_noticed(verify: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.attestation.verifying.suite_digest", lambda: f"sha256:{1:064}")
    done = verify()
    assert (done.exit_code, "one of both was changed" in done.output) == (1, True), done.output


@pytest.mark.parametrize(("seconds", "differs"), [(0.0, True), (8.0, True), (10.5, False), (10_000.0, False)])
def test_a_live_run_took_no_less_than_its_exchanges(
    kept: Kept, command: Command, seconds: float, differs: bool
) -> None:
    """How long it took beyond them, nothing shows."""
    exchanges = list(read_history(kept.history))
    started = float(int(exchanges[0].started))
    late = replace(exchanges[-1], ended=started + 10.5)
    kept.history.write_bytes(b"".join(map(to_line, [*exchanges[:-1], late])))
    digest(history=file_digest(kept.history), recording={})(
        replace(
            kept.certificate,
            mode="live",
            started_at=datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            duration_s=seconds,
        )
    ).write(kept.path)
    done = command("verify", kept.path)
    told = f"differs: duration_s is {seconds:.1f}, where the last exchange ended 10.5 seconds after the start"
    assert (told in done.output.splitlines()) == differs, done.output
    assert done.exit_code == (1 if differs else 3), done.output


def test_what_only_a_signature_holds_is_said(kept: Kept, verify: Command) -> None:
    of_times = "started_at and duration_s, as far as the times of the exchanges allow"
    held = f"nothing else holds the reason, link, name and date of the waivers of {BROKEN}; {of_times}"
    assert held in verify().output
    row(BROKEN, waiver=None)(kept.certificate).write(kept.path)
    assert f"nothing else holds {of_times}" in verify().output


# -- what cannot be judged again ---------------------------------------------------------------------------------------


def test_without_a_recording_nothing_is_judged_again(kept: Kept, command: Command) -> None:
    digest(recording={})(kept.certificate).write(kept.path)
    done = command("verify", kept.path)
    assert done.exit_code == 3, done.output
    assert "not judged again: it rests on no recording" in done.output
    assert done.output.splitlines()[-1] == "not verified: its verdicts could not be judged again"


def test_a_recording_that_is_not_there_is_asked_for(
    kept: Kept, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(kept.folder)
    assert command("verify", "out/certificate.json").exit_code == 0
    shutil.rmtree(kept.recording)
    done = command("verify", "out/certificate.json")
    assert (done.exit_code, "--recording says where it is" in done.output) == (3, True), done.output


def test_tampering_outranks_what_cannot_be_judged_again(kept: Kept, command: Command) -> None:
    member(reasons=("All is well.",))(digest(recording={})(kept.certificate)).write(kept.path)
    assert command("verify", kept.path).exit_code == 1


def test_a_certificate_of_an_earlier_version_is_judged_again(kept: Kept, verify: Command, command: Command) -> None:
    member(digests=None)(kept.certificate).write(kept.path)
    assert "digests" not in json.loads(kept.path.read_bytes())
    done = verify()
    assert (done.exit_code, "remark: it names no digests" in done.output) == (0, True), done.output
    assert command("verify", kept.path).exit_code == 3


def test_a_history_that_is_not_there_is_remarked(kept: Kept, verify: Command) -> None:
    kept.history.unlink()
    done = verify()
    assert (done.exit_code, f"remark: there is no history {kept.history}" in done.output) == (0, True), done.output


def test_a_recording_of_another_provider_is_no_evidence(kept: Kept, command: Command) -> None:
    stripe = contract_root().parent / "cassettes" / "stripe" / "reference"
    done = command("verify", kept.path, "--recording", stripe)
    assert (done.exit_code, "is of stripe" in done.output) == (1, True), done.output


def test_an_audit_rests_on_no_recording(kept: Kept, command: Command, tmp_path: Path) -> None:
    command("audit", kept.history, "--provider", "dots", "--output", tmp_path / "audit")
    done = command("verify", tmp_path / "audit" / "certificate.json")
    assert (done.exit_code, "it rests on no recording" in done.output) == (3, True), done.output


# -- what is wrong with the invocation ---------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b"\xff"])
def test_a_file_that_is_no_certificate_is_refused(command: Command, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "certificate.json"
    if content is not None:
        path.write_bytes(content)
    done = command("verify", path)
    assert (done.exit_code, str(path) in done.output) == (2, True)


@pytest.mark.parametrize("name", ["suite", "history", "recording"])
def test_digests_that_are_none_are_refused(kept: Kept, verify: Command, name: str) -> None:
    document = json.loads(kept.path.read_bytes())
    document["digests"][name] = {"DOT-030.yaml": "md5:0"} if name == "recording" else "md5:0"
    kept.path.write_text(json.dumps(document), encoding="utf-8")
    done = verify()
    assert (done.exit_code, f"no certificate of this suite: digests/{name}" in done.output) == (2, True), done.output


@pytest.mark.parametrize("option", ["--recording", "--history", "--key", "--contracts"])
def test_a_file_that_is_not_there_is_named(kept: Kept, command: Command, tmp_path: Path, option: str) -> None:
    done = command("verify", kept.path, option, tmp_path / "nowhere")
    assert (done.exit_code, str(tmp_path / "nowhere") in done.output) == (2, True), done.output


def test_a_certificate_cannot_speak_as_the_command(kept: Kept, verify: Command) -> None:
    hostile = CertifiedTarget("acme\nverified\x1b[2J", "")
    member(target=hostile)(kept.certificate).write(kept.path)
    done = verify()
    assert done.exit_code == 1
    assert "verified" not in done.output.splitlines()
    assert "\x1b" not in done.output


def test_a_run_over_an_earlier_one_leaves_no_signature_of_that(tmp_path: Path) -> None:
    for name in ("certificate.intoto.jsonl", "certificate.html"):
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text("of an earlier run", encoding="utf-8")
    record(tmp_path, "", ("DOT-030",))
    assert "certificate.intoto.jsonl" not in os.listdir(tmp_path / "out")
    assert "of an earlier run" not in (tmp_path / "out" / "certificate.html").read_text(encoding="utf-8")


def test_digests_notice_a_name_and_a_content(tmp_path: Path) -> None:
    def digests(files: Mapping[str, bytes]) -> dict[str, str]:
        shutil.rmtree(tmp_path / "folder", ignore_errors=True)
        (tmp_path / "folder").mkdir()
        for name, content in files.items():
            (tmp_path / "folder" / name).write_bytes(content)
        return folder_digests(tmp_path / "folder")

    abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of FIPS 180-2
    assert digests({"a": b"abc"}) == {"a": abc}
    assert digests({"a": b"abd"})["a"] != abc
    assert digests({"b": b"abc"}) == {"b": abc}
