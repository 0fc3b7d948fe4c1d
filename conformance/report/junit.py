"""A certificate as JUnit XML, such that a CI dashboard is red exactly when the run's exit code is.

A dashboard knows passed, failed, in error and skipped, and turns red for the second and third. So only what decides the
result is one of these two:

- ``<failure>``: a requirement whose level decides (MUST, with strict also SHOULD) fails unwaived, or a waiver is stale;
- ``<error>``: a requirement whose level decides could not be judged (error, inconclusive);
- ``<skipped>``: all else that did not pass. Its message begins with ``warning`` (SHOULD), ``information`` (MAY),
  ``waived``, ``inapplicable`` or ``not run``; the findings of a fail stand in its ``<system-out>``.

Where no single row makes the run inconclusive (nothing that decides passed), one further test case, ``result``, carries
the error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from conformance.evidence.exchange import Exchange
from conformance.evidence.files import write_whole
from conformance.report.attachments import again
from conformance.report.phrases import RESULTS, finding_line, tone, verdict_words, waiver_line, why
from conformance.verdict.certificate import Certificate
from conformance.verdict.judgement import RequirementVerdict

# What XML 1.0 cannot hold, not even escaped.
_UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(certificate: Certificate, exchanges: Mapping[int, Exchange], path: Path) -> None:
    """Writes the certificate as JUnit XML to ``path``; ``exchanges`` are redacted, by number."""
    document = junit(certificate, exchanges)
    ElementTree.indent(document)
    write_whole(path, ElementTree.tostring(document, encoding="utf-8", xml_declaration=True))


def junit(certificate: Certificate, exchanges: Mapping[int, Exchange]) -> ElementTree.Element:
    """The ``testsuites`` element: one suite for the provider, one test case per requirement.

    A finding that is a sequence comes with the curl lines of its ``exchanges``.
    """
    suite = ElementTree.Element("testsuite", name=certificate.provider)
    properties = ElementTree.SubElement(suite, "properties")
    told = {
        "target": certificate.target.name,
        "base_url": certificate.target.base_url,
        "result": certificate.result,
        "contract_version": certificate.contract_version,
        "contract_digest": certificate.contract_digest,
        "suite_version": certificate.suite_version,
        "mode": certificate.mode,
        "seed": str(certificate.seed),
        "strict": str(certificate.strict).lower(),
    }
    for name, value in told.items():
        ElementTree.SubElement(properties, "property", name=name, value=_speakable(value))
    for row in certificate.requirements:
        suite.append(_case(certificate, row, exchanges))
    red = [*suite.iter("failure"), *suite.iter("error")]
    if certificate.result != "conformant" and not red:
        case = ElementTree.SubElement(suite, "testcase", classname=certificate.provider, name="result", time="0")
        message = f"{RESULTS[certificate.result]}: {' '.join(certificate.reasons)}"
        ElementTree.SubElement(case, "error", message=_speakable(message), type=certificate.result)
    counts = {
        "tests": len(suite.findall("testcase")),
        "failures": len(suite.findall("testcase/failure")),
        "errors": len(suite.findall("testcase/error")),
        "skipped": len(suite.findall("testcase/skipped")),
    }
    root = ElementTree.Element("testsuites", name="payment-intents-conformance")
    for element in (root, suite):
        for name, count in counts.items():
            element.set(name, str(count))
        element.set("time", f"{certificate.duration_s:.3f}")
    del root.attrib["skipped"]  # which Jenkins' schema allows of a suite only
    suite.set("timestamp", certificate.started_at.removesuffix("Z"))
    root.append(suite)
    return root


def _case(certificate: Certificate, row: RequirementVerdict, exchanges: Mapping[int, Exchange]) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase",
        classname=_speakable(f"{certificate.provider}.{row.area}"),
        name=_speakable(f"{row.id} {row.statement}"),
        time="0",  # a requirement has no time of its own: one exchange serves many
    )
    kind, label = _outcome(certificate, row)
    if not kind:
        return case
    detail = why(row, findings=1)
    message = detail if detail.lower().startswith(label.lower()) else f"{label}: {detail}"
    mark = ElementTree.SubElement(case, kind, message=_speakable(message))
    if kind != "skipped":
        mark.set("type", "stale_waiver" if row.stale else row.verdict)
        mark.text = _speakable(_details(row, exchanges))
    elif row.findings:
        ElementTree.SubElement(case, "system-out").text = _speakable(_details(row, exchanges))
    return case


def _outcome(certificate: Certificate, row: RequirementVerdict) -> tuple[str, str]:
    """The element that a row gets ("" for none), and the first word of its message."""
    if row.stale:
        return "failure", "Stale waiver"
    if row.verdict == "pass":
        return "", ""
    if row.verdict == "fail":
        weight = tone(certificate, row)
        return ("failure", row.level) if weight == "decides" else ("skipped", weight)
    if row.verdict in ("error", "inconclusive"):
        return ("error", row.verdict) if certificate.decides(row) else ("skipped", tone(certificate, row))
    return "skipped", verdict_words(row.verdict)


def _details(row: RequirementVerdict, exchanges: Mapping[int, Exchange]) -> str:
    lines = [f"{row.id} {row.level} {row.statement}"]
    lines += [f"source: {source.title} {source.url}" for source in row.sources]
    for finding in row.findings:
        lines += [finding_line(finding), *(again(finding, exchanges) if finding.sequence else ())]
    lines += [line for line in (row.reason, waiver_line(row)) if line]
    return "\n".join(lines)


def _speakable(text: str) -> str:
    return _UNSPEAKABLE.sub("\ufffd", text)
