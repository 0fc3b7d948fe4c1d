"""A certificate as SARIF 2.1.0, for code scanning: a rule per requirement, a result per finding of one that fails.

Levels are as in JUnit: what decides the result is an ``error``, a SHOULD that only warns a ``warning``, all else a
``note``. A waived finding is a note that is suppressed, since GitHub reads no suppressions. What could not be judged is
no result; the invocation tells of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from conformance.contract.loading import contract_root
from conformance.evidence.files import write_whole
from conformance.evidence.finding import Finding
from conformance.report.phrases import finding_line, markdown, markdown_link, printable, tone, waiver_line
from conformance.verdict.certificate import Certificate, exit_code
from conformance.verdict.judgement import RequirementVerdict

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Mapping[str, str] = {"MUST": "error", "SHOULD": "warning", "MAY": "note"}
_TONES: Mapping[str, str] = {"decides": "error", "warning": "warning", "information": "note", "waived": "note"}
_ROW = re.compile(r'id = "([^"]+)"$')  # the line of requirements.toml that begins a row


def write_sarif(certificate: Certificate, path: Path) -> None:
    """Writes the certificate as SARIF to ``path``."""
    write_whole(path, json.dumps(sarif(certificate), indent=2) + "\n")


def sarif(certificate: Certificate) -> dict[str, Any]:
    """The SARIF document: one run, whose category (``automationDetails``) is the provider and the target."""
    target = certificate.target
    run = {
        "tool": {
            "driver": {
                "name": "payment-intents-conformance",
                "semanticVersion": certificate.suite_version,
                "rules": [_rule(certificate, row) for row in certificate.requirements],
            }
        },
        "automationDetails": {"id": f"conformance/{certificate.provider}/{target.name}/"},
        "invocations": [_invocation(certificate)],
        "results": _results(certificate),
        "properties": {
            "target": target.name,
            "baseUrl": target.base_url,
            "result": certificate.result,
            "contractVersion": certificate.contract_version,
            "contractDigest": certificate.contract_digest,
            "mode": certificate.mode,
            "seed": certificate.seed,
            "strict": certificate.strict,
        },
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(certificate: Certificate, row: RequirementVerdict) -> dict[str, Any]:
    rule = {
        "id": row.id,
        "shortDescription": {"text": row.statement},
        "fullDescription": {"text": f"{row.level} {row.statement}"},
        "defaultConfiguration": {"level": _LEVELS[row.level]},
        "help": {
            "text": "\n".join([row.statement, *(f"{source.title}: {source.url}" for source in row.sources)]),
            "markdown": "\n\n".join(
                [markdown(row.statement), *(markdown_link(source.title, source.url) for source in row.sources)]
            ),
        },
        "properties": {"tags": [certificate.provider, row.area, row.level]},
    }
    pages = [source.url for source in row.sources if source.url.startswith(("https://", "http://"))]
    return rule | ({"helpUri": pages[0]} if pages else {})


def _invocation(certificate: Certificate) -> dict[str, Any]:
    ended = datetime.fromisoformat(certificate.started_at) + timedelta(seconds=certificate.duration_s)
    return {
        "executionSuccessful": certificate.result != "inconclusive",
        "exitCode": exit_code(certificate),
        "exitCodeDescription": " ".join(certificate.reasons),
        "startTimeUtc": certificate.started_at,
        "endTimeUtc": ended.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


def _results(certificate: Certificate) -> list[dict[str, Any]]:
    results = []
    places = _places(certificate.provider)
    for index, row in enumerate(certificate.requirements):
        same: Counter[str] = Counter()
        for finding in row.findings if row.verdict == "fail" else ():
            mark = _fingerprint(row.id, finding.at, finding.scenario)
            same[mark] += 1
            results.append(
                _result(certificate, row, index, f"{row.statement} Found: {finding_line(finding)}", places)
                | {
                    "level": _TONES[tone(certificate, row)],
                    "partialFingerprints": {"primaryLocationLineHash": f"{mark}:{same[mark]}"},
                    "properties": _evidence(finding),
                }
            )
        if row.stale:
            waiver = waiver_line(row)
            results.append(
                _result(certificate, row, index, waiver[0].upper() + waiver[1:], places)
                | {
                    "level": "error",
                    "partialFingerprints": {"primaryLocationLineHash": f"{_fingerprint(row.id, 'stale waiver')}:1"},
                }
            )
    return results


def _result(
    certificate: Certificate, row: RequirementVerdict, index: int, message: str, places: Mapping[str, tuple[int, int]]
) -> dict[str, Any]:
    return {
        "ruleId": row.id,
        "ruleIndex": index,
        # What a server answered must not become a link, as [text](address) does in a message.
        "message": {"text": printable(message).replace("](", "] (")},
        "locations": [_location(certificate, *places.get(row.id, (1, 1)))],
        "suppressions": _suppressions(row),
    }


def _places(provider: str) -> dict[str, tuple[int, int]]:
    """The line of each row's id in the contract, and its length; empty for a contract that is not the suite's own."""
    path = contract_root() / provider / "requirements.toml"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found = [(_ROW.match(line), number, len(line)) for number, line in enumerate(lines, 1)]
    return {match[1]: (number, length) for match, number, length in found if match}


def _location(certificate: Certificate, line: int, length: int) -> dict[str, Any]:
    """Where the contract holds the requirement: code scanning shows no result without a file and a region."""
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": f"schemas/{certificate.provider}/requirements.toml"},
            "region": {"startLine": line, "startColumn": 1, "endLine": line, "endColumn": length + 1},
        }
    }


def _suppressions(row: RequirementVerdict) -> list[dict[str, Any]]:
    """The waiver that stands, if any; an empty list says of a result that it is not suppressed."""
    if not row.waived or row.waiver is None:
        return []
    return [{"kind": "external", "status": "accepted", "justification": waiver_line(row)}]


def _evidence(finding: Finding) -> dict[str, Any]:
    return {
        "expected": finding.expected,
        "actual": finding.actual,
        "at": finding.at,
        "scenario": finding.scenario,
        "exchanges": list(finding.exchanges),
    }


def _fingerprint(*parts: str) -> str:
    """The same for the same finding of every run: nothing of it that an answer, a seed or a count can change."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]
