"""Certificates for the terminal: a table of provider by area, and the failures one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.evidence.exchange import Exchange
from conformance.evidence.finding import VerdictName
from conformance.report.attachments import again
from conformance.report.phrases import RESULTS, VERDICTS, fails, printable, tone, verdict_words, waiver_line
from conformance.verdict.certificate import Certificate
from conformance.verdict.judgement import RequirementVerdict, Result

_STYLES: Mapping[VerdictName, str] = {
    "pass": "green",
    "fail": "red",
    "inapplicable": "dim",
    "inconclusive": "yellow",
    "error": "magenta",
    "not_run": "dim",
}
_RESULT_STYLES: Mapping[Result, str] = {
    "conformant": "bold green",
    "non_conformant": "bold red",
    "inconclusive": "bold yellow",
}
_TONES = {"decides": "bold red", "warning": "bold yellow", "information": "bold blue", "waived": "bold dim"}
_FINDINGS = 3  # of one requirement; the certificate holds them all


def render(certificates: Iterable[Certificate]) -> Table:
    """One row for each area of each certificate's provider, and below them one with the result and the totals."""
    table = Table(box=box.SIMPLE_HEAD, padding=0)  # such that every verdict's name fits 80 columns
    table.add_column("provider", no_wrap=True)
    table.add_column("area", no_wrap=True)
    for verdict in VERDICTS:
        table.add_column(verdict_words(verdict), justify="right", no_wrap=True)
    for certificate in certificates:
        title: str | Text = Text(certificate.provider_title)
        for area, counts in certificate.areas.items():
            table.add_row(title, Text(area), *_cells(counts))
            title = ""
        result = Text(RESULTS[certificate.result], style=_RESULT_STYLES[certificate.result])
        table.add_row("", result, *_cells(certificate.totals), style="bold", end_section=True)
    return table


def _cells(counts: Mapping[VerdictName, int]) -> list[Text]:
    return [
        Text(str(counts[verdict]), style=_STYLES[verdict]) if counts[verdict] else Text("·", style="dim")
        for verdict in VERDICTS
    ]


def failures(certificate: Certificate, console: Console, exchanges: Mapping[int, Exchange] | None = None) -> None:
    """Prints every fail, MUST first and the waived last, and every stale waiver; nothing where nothing fails.

    Each with id, level, statement, expected, actual and source, and where ``exchanges`` (redacted, by number) are
    given, the shell lines that show it again. Lines are left whole, so that they can be copied.
    """
    blocks = [_failure(certificate, row, exchanges or {}) for row in fails(certificate)]
    blocks += [
        Text.assemble((f"{row.id} ", "bold"), printable(waiver_line(row)), "\n")
        for row in certificate.requirements
        if row.stale and row.verdict != "fail"
    ]
    for block in blocks:
        console.print(block, soft_wrap=True)


def _failure(certificate: Certificate, row: RequirementVerdict, exchanges: Mapping[int, Exchange]) -> Text:
    weight = tone(certificate, row)
    note = "" if weight == "decides" else f" ({weight})"
    text = Text.assemble((f"{row.id} {row.level}{note} ", _TONES[weight]), (printable(row.statement), "bold"), "\n")
    for finding in row.findings[:_FINDINGS]:
        at = f" at {finding.at}" if finding.at else ""
        text.append(printable(f"  expected  {finding.expected}\n  actual    {finding.actual}{at}\n"))
    if len(row.findings) > _FINDINGS:
        text.append(f"  and {len(row.findings) - _FINDINGS} more findings\n", style="dim")
    for source in row.sources:
        text.append(f"  source    {source.url or source.title}\n")
    if row.waiver:
        text.append(printable(f"  waiver    {waiver_line(row)}\n"))
    heading = "again"
    for line in again(row.findings[0], exchanges) if row.findings else ():
        text.append(printable(f"  {heading:<9} {line}\n"), style="dim")
        heading = ""
    return text
