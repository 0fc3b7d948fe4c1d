"""Allure results of a certificate: one result per requirement, with the exchanges that show its findings."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Attachment, Label, Link, Status, StatusDetails, TestResult, TestStepResult
from allure_commons.types import LabelType, LinkType, Severity

from conformance.contract.model import Level
from conformance.evidence.exchange import Exchange
from conformance.evidence.files import write_whole
from conformance.evidence.finding import Finding, VerdictName
from conformance.report.attachments import again, curl_line, diagram, excerpt, exchange_line, exchange_text
from conformance.report.matrix import as_csv
from conformance.report.phrases import (
    RESULTS,
    finding_line,
    markdown,
    markdown_block,
    markdown_code,
    markdown_link,
    markdown_statement,
    verdict_words,
    waiver_line,
    why,
)
from conformance.verdict.certificate import Certificate
from conformance.verdict.judgement import RequirementVerdict

STATUSES: Mapping[VerdictName, str] = {
    "pass": Status.PASSED,
    "fail": Status.FAILED,
    "inapplicable": Status.SKIPPED,
    "not_run": Status.SKIPPED,
    "inconclusive": Status.BROKEN,
    "error": Status.BROKEN,
}
SEVERITIES: Mapping[Level, Severity] = {
    "MUST": Severity.CRITICAL,
    "SHOULD": Severity.NORMAL,
    "MAY": Severity.MINOR,
}
_MEDIA_TYPES = {"txt": "text/plain", "csv": "text/csv", "svg": "image/svg+xml"}
_STEPS = 10  # exchanges shown of one requirement
_STEPS_OF_A_PASS = 3
_TRACED = 50  # findings listed in full
_OURS = ("*-result.json", "*-attachment.*", "environment.properties", "categories.json")

# The first word of a message names the category; `[\s\S]` because one reader of these patterns lacks the s flag.
_CATEGORIES = (
    ("Contradicts a MUST", (Status.FAILED,), r"MUST:[\s\S]*"),
    ("Contradicts a SHOULD", (Status.FAILED,), r"SHOULD:[\s\S]*"),
    ("Contradicts a MAY", (Status.FAILED,), r"MAY:[\s\S]*"),
    ("Waived", (Status.FAILED,), r"Waived[\s\S]*"),
    ("Stale waiver: remove it", tuple(dict.fromkeys(STATUSES.values())), r"Stale waiver[\s\S]*"),
    ("Inconclusive: the situation could not be brought about", (Status.BROKEN,), r"inconclusive:[\s\S]*"),
    ("Error of the suite, the network or the settings", (Status.BROKEN,), r"error:[\s\S]*"),
    ("Inapplicable: not claimed, or an instrument is missing", (Status.SKIPPED,), r"inapplicable:[\s\S]*"),
    ("Not run", (Status.SKIPPED,), r"not run:[\s\S]*"),
)


def write_allure(certificate: Certificate, exchanges: Mapping[int, Exchange], folder: Path) -> None:
    """Writes the results into ``folder``, in place of those of an earlier run; the reader's own files there stay.

    ``exchanges`` are redacted, by number; those that are missing are not shown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in _OURS:
        for path in folder.glob(pattern):
            path.unlink()
    for cut_short in folder.glob(".*.part"):  # by a run that was killed while it wrote
        shutil.rmtree(cut_short, ignore_errors=True)
    # Its logger writes each file where it belongs, bit by bit; so it writes elsewhere, and each is put there whole.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".", suffix=".part") as apart:
        logger: Any = AllureFileLogger(apart)  # type: ignore[no-untyped-call]
        results = _Results(certificate, exchanges, logger)
        for row in certificate.requirements:
            results.write(row)
        for made in Path(apart).iterdir():
            os.replace(made, folder / made.name)
    write_whole(folder / "environment.properties", _environment(certificate))
    write_whole(folder / "categories.json", json.dumps(categories(), indent=2) + "\n")


def categories() -> list[dict[str, Any]]:
    """What results that did not pass fall into, as Allure's settings have it; each falls into one."""
    return [
        {"name": name, "matchedStatuses": list(statuses), "messageRegex": pattern}
        for name, statuses, pattern in _CATEGORIES
    ]


class _Results:
    """Writes the results of one certificate.

    An exchange that several rows show is attached to each anew: Allure 3 knows an attachment of one result alone.
    """

    def __init__(self, certificate: Certificate, exchanges: Mapping[int, Exchange], logger: Any) -> None:
        self._certificate, self._exchanges, self._logger = certificate, exchanges, logger
        self._place = f"{certificate.provider}/{certificate.target.name}"

    def write(self, row: RequirementVerdict) -> None:
        shown, of = self._shown(row)
        status = STATUSES[row.verdict]
        title = self._certificate.provider_title
        full_name = f"{self._place}#{row.id}"
        result = TestResult(
            uuid=self._uuid(row.id),
            name=f"{row.id} {row.statement}",
            fullName=full_name,
            historyId=_stable(full_name),
            testCaseId=_stable(f"case {full_name}"),
            titlePath=[title, row.area],
            status=status,
            statusDetails=_details(row),
            stage="finished",
            description=self._description(row, len(shown), of),
            labels=_labels(row, title),
            links=_links(row),
            steps=[self._step(row, exchange) for exchange in shown],
            attachments=self._attached_to(row),
        )
        times = [(exchange.started, exchange.ended) for exchange in shown if exchange.started]
        if times:
            result.start = int(min(started for started, _ in times) * 1000)
            result.stop = int(max(ended for _, ended in times) * 1000)
        self._logger.report_result(result)

    def _shown(self, row: RequirementVerdict) -> tuple[list[Exchange], int]:
        """The exchanges that a reader of the row wants to see, and how many there are in all."""
        cited = dict.fromkeys(number for finding in row.findings for number in finding.exchanges)
        numbers = [number for number in (cited or row.exchanges) if number in self._exchanges]
        longest = max((len(finding.exchanges) for finding in row.findings if finding.sequence), default=0)
        limit = _STEPS_OF_A_PASS if row.verdict == "pass" else max(_STEPS, longest)
        return [self._exchanges[number] for number in numbers[:limit]], len(numbers)

    def _description(self, row: RequirementVerdict, shown: int, of: int) -> str:
        """Markdown: what was promised, what was expected and came, how to see it again, and what came of it."""
        sources = ", ".join(markdown_link(source.title, source.url) for source in row.sources)
        blocks = [
            f"**{row.level}** {markdown_statement(row.statement)}",
            f"Promised in: {sources}",
            f"Verdict: **{verdict_words(row.verdict)}**"
            + (f", {markdown(row.reason)}" if row.reason else "")
            + (f" ({row.judged} exchanges judged)" if row.judged else ""),
        ]
        if row.waiver:
            blocks.append(f"Waiver: {markdown(waiver_line(row))}")
        for finding in row.findings[:_STEPS]:
            blocks += self._finding(finding)
        if len(row.findings) > _STEPS:
            blocks.append(f"{len(row.findings) - _STEPS} more findings stand in certificate.json.")
        if row.verdict == "fail":
            blocks += ["Run again, this requirement alone:", markdown_block("sh", self._commands(row))]
        if shown < of:
            blocks.append(f"{shown} of {of} exchanges are shown below; the run's history holds them all.")
        return "\n\n".join(blocks)

    def _finding(self, finding: Finding) -> list[str]:
        """Expected and actual, the member that differs in its place, and the curl lines that ask the same again."""
        at = f" at {markdown_code(finding.at)}" if finding.at else ""
        numbers = ", ".join(f"#{exchange}" for exchange in finding.exchanges[:_STEPS])
        where = f" ({numbers})" if numbers else ""
        blocks = [
            f"- expected {markdown_code(finding.expected)}\n- got {markdown_code(finding.actual)}{at}{where}",
        ]
        last = self._exchanges.get(finding.exchanges[-1]) if finding.exchanges else None
        body = last.response.json if last and last.response else None
        if finding.at and isinstance(body, dict | list) and (marked := excerpt(body, finding.at)):
            blocks.append(markdown_block("", marked))
        if lines := again(finding, self._exchanges):
            blocks.append(markdown_block("sh", lines))
        return blocks

    def _commands(self, row: RequirementVerdict) -> list[str]:
        """The command line, and the line for plain pytest, that judge a row alone; the key is left to the reader."""
        certificate = self._certificate
        asked = {"provider": certificate.provider}
        if certificate.target.base_url and certificate.mode != "in-process":
            asked |= {"target": certificate.target.base_url, "api-key": "env:API_KEY"}
        asked |= {"only": row.id, "seed": str(certificate.seed)}
        return [
            " ".join([start, *(f"--{prefix}{name} {shlex.quote(value)}" for name, value in asked.items())])
            for start, prefix in (
                ("conformance certify", ""),
                ("pytest --pyargs conformance.scenarios", "conformance-"),
            )
        ]

    def _step(self, row: RequirementVerdict, exchange: Exchange) -> TestStepResult:
        fails = row.verdict == "fail"
        attachments = [self._attachment(row, f"exchange #{exchange.number}", exchange_text(exchange))]
        if fails:
            attachments.append(self._attachment(row, f"curl #{exchange.number}", curl_line(exchange.request) + "\n"))
        return TestStepResult(
            name=exchange_line(exchange),
            status=Status.FAILED if fails else Status.PASSED,
            stage="finished",
            start=int(exchange.started * 1000) or None,
            stop=int(exchange.ended * 1000) or None,
            attachments=attachments,
        )

    def _attached_to(self, row: RequirementVerdict) -> list[Attachment]:
        """What a row shows as a whole: sequences as pictures, and the matrix where the row is about it."""
        made = []
        for number, finding in enumerate(row.findings[:_STEPS], 1):
            shown = [self._exchanges[one] for one in finding.exchanges if one in self._exchanges]
            if finding.sequence and shown:
                made.append(self._attachment(row, f"finding {number}, the calls", diagram(shown), "svg"))
        if row.check == "matrix" and self._certificate.matrix:
            made.append(self._attachment(row, "transition matrix", as_csv(self._certificate.matrix), "csv"))
        return made

    def _attachment(self, row: RequirementVerdict, name: str, text: str, kind: str = "txt") -> Attachment:
        file_name = f"{self._uuid(f'{row.id} {name}')}-attachment.{kind}"
        self._logger.report_attached_data(text.encode("utf-8", errors="replace"), file_name)
        return Attachment(name=name, source=file_name, type=_MEDIA_TYPES[kind])

    def _uuid(self, name: str) -> str:
        """Names of files differ between runs, since results of several runs may be laid together."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._place}/{self._certificate.started_at}/{name}"))


def _stable(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, name).hex


def _details(row: RequirementVerdict) -> StatusDetails | None:
    message = why(row)
    if not message:
        return None
    trace = "\n".join(finding_line(finding) for finding in row.findings[:_TRACED]) if len(row.findings) > 1 else None
    return StatusDetails(message=message, trace=trace, known=True if row.waived else None)


def _labels(row: RequirementVerdict, title: str) -> list[Label]:
    tags = [row.level, verdict_words(row.verdict)]
    tags += ["waived"] if row.waived else []
    tags += ["stale waiver"] if row.stale else []
    return [
        Label(LabelType.EPIC, title),
        Label(LabelType.FEATURE, row.area),
        Label(LabelType.STORY, row.statement),
        Label(LabelType.SEVERITY, SEVERITIES[row.level].value),
        Label(LabelType.PARENT_SUITE, title),
        Label(LabelType.SUITE, row.area),
        Label(LabelType.FRAMEWORK, "payment-intents-conformance"),
        *(Label(LabelType.TAG, tag) for tag in tags),
    ]


def _links(row: RequirementVerdict) -> list[Link]:
    links = [Link(LinkType.LINK, source.url, source.title) for source in row.sources if source.url]
    if row.waiver and row.waiver.link:
        links.append(Link(LinkType.ISSUE, row.waiver.link, f"waiver until {row.waiver.until.isoformat()}"))
    return links


def _environment(certificate: Certificate) -> str:
    """A Java properties file: other than ASCII is escaped, a line break becomes a space."""
    values = {
        "Provider": certificate.provider_title,
        "Target": certificate.target.name,
        "Address": certificate.target.base_url,
        "Result": RESULTS[certificate.result],
        "Contract": certificate.contract_version,
        "Contract.digest": certificate.contract_digest,
        "Suite": certificate.suite_version,
        "Mode": certificate.mode,
        "Seed": str(certificate.seed),
        "Strict": "yes" if certificate.strict else "no",
        "Started": certificate.started_at,
        "Requests": str(certificate.requests),
    }
    return "".join(f"{name}={_property(value)}\n" for name, value in values.items() if value)


def _property(value: str) -> str:
    flat = " ".join(value.split()).replace("\\", "\\\\")
    units = flat.encode("utf-16-be")
    codes = (int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2))
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes)
