"""A certificate as a signed statement: in-toto's test result, in a DSSE envelope, by Ed25519.

The one module that speaks to the library cryptography, which is imported when it is asked for: only who signs, and who
checks a signature, needs it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.verdict import Certificate
from conformance.verdict.judgement import RequirementVerdict

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ENVELOPE_SUFFIX = ".intoto.jsonl"
STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
_PAYLOAD = "application/vnd.in-toto+json"
_MAKE_KEYS = "openssl genpkey -algorithm ed25519 -out private.pem; openssl pkey -in private.pem -pubout -out public.pem"


class KeyFileError(Exception):
    """A key cannot be used; the message names its file, never what stands in it, or the library that is missing."""


class EnvelopeError(Exception):
    """An envelope that attests nothing; the message says why."""


def envelope_of(certificate: Path) -> Path:
    """Where the envelope of a certificate's file stands: ``certificate.intoto.jsonl`` beside ``certificate.json``."""
    return certificate.with_name(certificate.stem + ENVELOPE_SUFFIX)


def statement(certificate: Certificate, name: str, content: bytes, url: str = "") -> dict[str, Any]:
    """The in-toto statement on a certificate, read from a file of that ``name`` and ``content``.

    ``url`` is where the run can be looked at, if anywhere. The result is PASSED, WARNED where a requirement fails that
    does not decide, and FAILED otherwise: where a run could not be judged, too, because nobody may rely on it.
    """
    tests: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    for row in certificate.requirements:
        if kind := _kind(certificate, row):
            tests[kind].append(row.id)
    result = "FAILED" if certificate.result != "conformant" else "WARNED" if tests["warnedTests"] else "PASSED"
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}],
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": result,
            "configuration": _configuration(certificate),
            **({"url": url} if url else {}),
            **tests,
        },
    }


def _kind(certificate: Certificate, row: RequirementVerdict) -> str:
    """Which list of tests a row stands in; empty where it was not judged."""
    if row.stale or (row.verdict == "fail" and certificate.decides(row) and not row.waived):
        return "failedTests"
    return {"pass": "passedTests", "fail": "warnedTests"}.get(row.verdict, "")


def _configuration(certificate: Certificate) -> list[dict[str, Any]]:
    named = {f"contract {certificate.provider} {certificate.contract_version}": certificate.contract_digest}
    if certificate.digests:
        named[f"payment-intents-conformance {certificate.suite_version}"] = certificate.digests.suite
    return [{"name": name, "digest": {"sha256": told.removeprefix("sha256:")}} for name, told in named.items()]


def sign(statement: Mapping[str, Any], key: Path) -> bytes:
    """The line of JSON that is the statement's envelope, signed by the private key in the file ``key``.

    Raises ``KeyFileError`` where that is no Ed25519 key in PEM without a password.
    """
    private = _private_key(key)
    payload = json.dumps(statement, ensure_ascii=False).encode()
    envelope = {
        "payloadType": _PAYLOAD,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {
                "keyid": key_id(private.public_key()),
                "sig": base64.b64encode(private.sign(_encoded(_PAYLOAD, payload))).decode(),
            }
        ],
    }
    return json.dumps(envelope).encode() + b"\n"


def read_statement(envelope: bytes) -> dict[str, Any]:
    """What an envelope says, whoever signed it. Raises ``EnvelopeError`` where it is none of a test result."""
    return _statement(*_opened(envelope)[:2])


def signed_statement(envelope: bytes, key: Path) -> dict[str, Any]:
    """What an envelope says that the public key in the file ``key`` has signed.

    Raises ``EnvelopeError`` where it has signed nothing of it, ``KeyFileError`` where it is no Ed25519 key in PEM.
    """
    public = load_public_key(key)
    from cryptography.exceptions import InvalidSignature

    kind, payload, signatures = _opened(envelope)
    for signature in signatures:
        try:
            public.verify(signature, _encoded(kind, payload))
        except InvalidSignature:
            continue
        return _statement(kind, payload)
    raise EnvelopeError(f"no signature in it is by {key} (key {key_id(public)[:16]}) on what it says")


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 over the public key as DER, in hexadecimal digits."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def load_public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a file. Raises ``KeyFileError``."""
    _need_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_content(path))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        # Nothing of what was read may be told: it may be the private key.
        raise KeyFileError(f"{path} holds no public Ed25519 key in PEM; make a pair with: {_MAKE_KEYS}")
    return key


def _private_key(path: Path) -> Ed25519PrivateKey:
    _need_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_content(path), password=None)
    except TypeError:
        raise KeyFileError(f"{path} is locked by a password; unlock it with: openssl pkey -in {path}") from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} holds no private Ed25519 key in PEM; make a pair with: {_MAKE_KEYS}")
    return key


def _need_library() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise KeyFileError(
            "signatures need the library cryptography: pip install payment-intents-conformance[sign]"
        ) from error


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}") from error


def _opened(envelope: bytes) -> tuple[str, bytes, list[bytes]]:
    """Payload type, payload and signatures of an envelope."""
    try:
        told = json.loads(envelope)
        signatures = [_decoded(one["sig"]) for one in told["signatures"]]
        return str(told["payloadType"]), _decoded(told["payload"]), signatures
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EnvelopeError("it is no DSSE envelope") from error


def _decoded(text: str) -> bytes:
    return base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)  # DSSE allows both alphabets


def _statement(kind: str, payload: bytes) -> dict[str, Any]:
    try:
        told = json.loads(payload)
        known = kind == _PAYLOAD and (told["_type"], told["predicateType"]) == (STATEMENT, TEST_RESULT)
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        raise EnvelopeError("what it holds is no in-toto statement on a test result")
    return dict(told)


def _encoded(kind: str, payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding of payload type and payload."""
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)
