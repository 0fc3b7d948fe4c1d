"""A signature holds for one certificate and one key, and for nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)

from conformance.attestation import statement as stating
from conformance.verdict import Certificate
from tests.attestation.conftest import BROKEN, Command, Kept, Keys

MakeKeys = Callable[[str], Keys]


@pytest.fixture
def signed(kept: Kept, command: Command, keys: MakeKeys) -> Keys:
    """The copy is signed by these keys."""
    pair = keys("lab")
    done = command("sign", kept.path, "--key", pair.private)
    assert done.exit_code == 0, done.output
    return pair


def envelope_of(kept: Kept) -> Path:
    return kept.path.with_name("certificate.intoto.jsonl")


def read(kept: Kept) -> tuple[dict[str, Any], dict[str, Any]]:
    """The envelope and the statement in it."""
    envelope = json.loads(envelope_of(kept).read_bytes())
    return envelope, json.loads(base64.b64decode(envelope["payload"]))


def rewrite(kept: Kept, **members: Any) -> None:
    envelope_of(kept).write_text(json.dumps({**read(kept)[0], **members}), encoding="utf-8")


def payload(statement: dict[str, Any]) -> str:
    return base64.b64encode(json.dumps(statement).encode()).decode()


def rows(certificate: Certificate, **changed: Any) -> Certificate:
    """The certificate with members of the broken row's waiver changed."""
    return replace(
        certificate,
        requirements=tuple(
            replace(row, waiver=replace(row.waiver, **changed)) if row.waiver else row
            for row in certificate.requirements
        ),
    )


# -- what is signed ----------------------------------------------------------------------------------------------------


def test_a_signed_certificate_is_verified(verify: Command, signed: Keys, kept: Kept) -> None:
    done = verify("--key", signed.public)
    assert done.exit_code == 0, done.output
    assert f"confirmed: signed by {signed.public}" in done.output
    assert "no signature was checked" not in done.output


def test_the_statement_is_an_in_toto_test_result(signed: Keys, kept: Kept) -> None:
    envelope, told = read(kept)
    certificate = kept.certificate
    assert certificate.digests
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert (told["_type"], told["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://in-toto.io/attestation/test-result/v0.1",
    )
    content = kept.path.read_bytes()
    assert told["subject"] == [{"name": "certificate.json", "digest": {"sha256": hashlib.sha256(content).hexdigest()}}]
    predicate = told["predicate"]
    assert predicate["result"] == "WARNED"
    assert predicate["passedTests"] == ["DOT-030", "DOT-031", "DOT-037", "DOT-040"]
    assert (predicate["warnedTests"], predicate["failedTests"]) == ([BROKEN], [])
    assert {one["digest"]["sha256"] for one in predicate["configuration"]} == {
        certificate.contract_digest.removeprefix("sha256:"),
        certificate.digests.suite.removeprefix("sha256:"),
    }


def test_the_signature_is_one_that_any_tool_for_dsse_can_check(signed: Keys, kept: Kept) -> None:
    envelope, _ = read(kept)
    body = base64.b64decode(envelope["payload"])
    kind = b"application/vnd.in-toto+json"
    key = load_pem_public_key(signed.public.read_bytes())
    encoded = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(body)).encode(), body])
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), encoded)  # type: ignore[union-attr,call-arg]


def test_what_is_signed_is_the_specification_s_example() -> None:
    encoded = stating._encoded("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@pytest.mark.parametrize(
    ("changed", "result"),
    [
        ({"result": "conformant"}, "WARNED"),
        ({"result": "non_conformant"}, "FAILED"),
        ({"result": "inconclusive"}, "FAILED"),
    ],
)
def test_only_what_is_conformant_passes(made: Kept, changed: dict[str, Any], result: str) -> None:
    told = stating.statement(replace(made.certificate, **changed), "certificate.json", b"")
    assert told["predicate"]["result"] == result


def test_tests_are_told_by_what_they_do_to_the_result(made: Kept) -> None:
    def predicate(**changed: Any) -> Any:
        certificate = made.certificate
        told = (replace(row, **changed) if row.id == BROKEN else row for row in certificate.requirements)
        certificate = replace(certificate, requirements=tuple(told))
        return stating.statement(certificate, "certificate.json", b"")["predicate"]

    assert predicate(waiver=None)["failedTests"] == [BROKEN]
    assert predicate(waiver=None, level="SHOULD")["warnedTests"] == [BROKEN]
    assert predicate(stale="ended")["failedTests"] == [BROKEN]
    clean = predicate(waiver=None, verdict="pass", findings=())
    assert (clean["result"], clean["warnedTests"], clean["failedTests"]) == ("PASSED", [], [])


def test_the_run_s_address_is_told(kept: Kept, command: Command, keys: MakeKeys, verify: Command) -> None:
    pair, url = keys("lab"), "https://ci.example/runs/12"
    assert command("sign", kept.path, "--key", pair.private, "--url", url).exit_code == 0
    assert read(kept)[1]["predicate"]["url"] == url
    assert verify("--key", pair.public).exit_code == 0
    assert command("sign", kept.path, "--key", pair.private, "--url", "javascript:1").exit_code == 2


# -- what is not -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forge",
    [
        lambda told: rows(told, reason="takes zero until phase 3"),
        lambda told: rows(told, link="https://tracker.example/13"),
        lambda told: rows(told, by="Bob"),
        lambda told: replace(told, duration_s=told.duration_s + 1),
    ],
)
def test_what_no_evidence_shows_is_held_by_the_signature(
    kept: Kept, verify: Command, signed: Keys, forge: Callable[[Certificate], Certificate]
) -> None:
    forge(kept.certificate).write(kept.path)
    for more in ([], ["--key", signed.public]):
        done = verify(*more)
        assert done.exit_code == 1, done.output
        assert "is on another certificate, or this one was changed after it was signed" in done.output


def test_a_signature_by_another_key_is_noticed(verify: Command, signed: Keys, keys: MakeKeys) -> None:
    done = verify("--key", keys("stranger").public)
    assert (done.exit_code, "no signature in it is by" in done.output) == (1, True), done.output


def test_a_signature_of_another_certificate_is_noticed(
    kept: Kept, verify: Command, signed: Keys, command: Command, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "certificate.json"
    other.parent.mkdir()
    replace(kept.certificate, duration_s=1.0).write(other)
    assert command("sign", other, "--key", signed.private).exit_code == 0
    shutil.copy(other.with_name("certificate.intoto.jsonl"), envelope_of(kept))
    done = verify("--key", signed.public)
    assert (done.exit_code, "is on another certificate" in done.output) == (1, True), done.output


def test_a_signature_that_is_not_there_is_noticed(kept: Kept, verify: Command, signed: Keys) -> None:
    envelope_of(kept).unlink()
    done = verify("--key", signed.public)
    assert (done.exit_code, "differs: it is not signed" in done.output) == (1, True), done.output


def _edited_payload(kept: Kept) -> None:
    told = read(kept)[1]
    told["predicate"]["result"] = "PASSED"
    rewrite(kept, payload=payload(told))


def _flipped(kept: Kept) -> None:
    (signature,) = read(kept)[0]["signatures"]
    sig = bytearray(base64.b64decode(signature["sig"]))
    sig[0] ^= 1
    rewrite(kept, signatures=[{**signature, "sig": base64.b64encode(bytes(sig)).decode()}])


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (_edited_payload, "no signature in it is by"),
        (_flipped, "no signature in it is by"),
        (lambda kept: rewrite(kept, payloadType="text/plain"), "no signature in it is by"),
        (lambda kept: rewrite(kept, signatures=[]), "no signature in it is by"),
        (lambda kept: rewrite(kept, payload="?"), "it is no DSSE envelope"),
        (lambda kept: envelope_of(kept).write_bytes(b"[]"), "it is no DSSE envelope"),
        (lambda kept: envelope_of(kept).write_bytes(b"\xff"), "it is no DSSE envelope"),
    ],
)
def test_an_edited_envelope_is_noticed(
    kept: Kept, verify: Command, signed: Keys, tamper: Callable[[Kept], None], named: str
) -> None:
    tamper(kept)
    done = verify("--key", signed.public)
    assert (done.exit_code, named in done.output) == (1, True), done.output


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"predicate": {"result": "PASSED"}}, "says of this certificate what does not stand in it"),
        ({"subject": []}, "names no subject and result"),
        ({"predicateType": "https://example.com/other"}, "no in-toto statement on a test result"),
    ],
)
def test_a_signed_lie_is_noticed(
    kept: Kept, verify: Command, signed: Keys, changed: dict[str, Any], named: str
) -> None:
    """By whom holds the key, on the right certificate."""
    envelope_of(kept).write_bytes(stating.sign({**read(kept)[1], **changed}, signed.private))
    done = verify("--key", signed.public)
    assert (done.exit_code, named in done.output) == (1, True), done.output


def test_either_alphabet_of_base64_is_read(kept: Kept, verify: Command, signed: Keys) -> None:
    envelope = read(kept)[0]
    (signature,) = envelope["signatures"]
    urlsafe = str.maketrans("+/", "-_")
    rewrite(
        kept,
        payload=envelope["payload"].translate(urlsafe),
        signatures=[{**signature, "sig": signature["sig"].translate(urlsafe)}],
    )
    assert verify("--key", signed.public).exit_code == 0


# -- keys --------------------------------------------------------------------------------------------------------------


def _locked() -> bytes:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame"))


def _of_another_kind() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (_locked, "is locked by a password"),
        (_of_another_kind, "holds no private Ed25519 key"),
        (lambda: b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", "holds no private Ed25519 key"),
        (lambda: b"", "holds no private Ed25519 key"),
    ],
)
def test_a_key_that_cannot_sign_is_named_and_not_told(
    kept: Kept, command: Command, tmp_path: Path, content: Callable[[], bytes], named: str
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content())
    done = command("sign", kept.path, "--key", path)
    assert (done.exit_code, str(path) in done.output, named in done.output) == (2, True, True), done.output
    assert not envelope_of(kept).exists()
    for line in path.read_text(encoding="utf-8").splitlines()[1:-1]:
        assert line not in done.output


def test_the_wrong_half_of_a_pair_is_refused_and_not_told(kept: Kept, command: Command, signed: Keys) -> None:
    envelope_of(kept).unlink()
    for done in (
        command("verify", kept.path, "--key", signed.private),
        command("sign", kept.path, "--key", signed.public),
    ):
        assert (done.exit_code, "Ed25519 key in PEM" in done.output) == (2, True), done.output
        assert signed.private.read_text(encoding="utf-8").splitlines()[1] not in done.output


def test_a_certificate_that_contradicts_itself_is_not_signed(kept: Kept, command: Command, keys: MakeKeys) -> None:
    document = json.loads(kept.path.read_bytes())
    document["totals"]["fail"] = 0
    kept.path.write_text(json.dumps(document), encoding="utf-8")
    done = command("sign", kept.path, "--key", keys("lab").private)
    assert (done.exit_code, "totals does not agree" in done.output) == (2, True), done.output
    assert not envelope_of(kept).exists()


def test_the_missing_library_is_named(
    kept: Kept, command: Command, signed: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    for done in (
        command("sign", kept.path, "--key", signed.private),
        command("verify", kept.path, "--key", signed.public),
    ):
        assert done.exit_code == 2
        assert "pip install payment-intents-conformance[sign]" in done.output
