"""How verdicts, findings and waivers are put into words: the same in every report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from conformance.evidence.finding import Finding, VerdictName
from conformance.verdict.certificate import Certificate
from conformance.verdict.judgement import RequirementVerdict, Result

# The order in which reports count the verdicts.
VERDICTS: tuple[VerdictName, ...] = ("pass", "fail", "inapplicable", "inconclusive", "error", "not_run")
RESULTS: Mapping[Result, str] = {
    "conformant": "conformant",
    "non_conformant": "not conformant",
    "inconclusive": "inconclusive",
}


def verdict_words(verdict: VerdictName) -> str:
    return verdict.replace("_", " ")


def finding_line(finding: Finding) -> str:
    """One finding in one line of plain text."""
    numbers = ", ".join(f"#{number}" for number in finding.exchanges[:5])
    more = f" and {len(finding.exchanges) - 5} more" if len(finding.exchanges) > 5 else ""
    places = [f"at {finding.at}" if finding.at else "", numbers + more]
    where = "; ".join(place for place in places if place)
    return f"expected {finding.expected}, got {finding.actual}{f' ({where})' if where else ''}"


def waiver_line(row: RequirementVerdict) -> str:
    """A row's waiver in one line of plain text; empty where there is none."""
    if row.waiver is None:
        return ""
    if row.stale:
        return f"stale waiver: it {row.stale} (its reason was: {row.waiver.reason})"
    given = f" by {row.waiver.by}" if row.waiver.by else ""
    link = f" ({row.waiver.link})" if row.waiver.link else ""
    return f"waived until {row.waiver.until.isoformat()}{given}: {row.waiver.reason}{link}"


def why(row: RequirementVerdict, findings: int = 3) -> str:
    """What a reader must know of a row at first sight, in plain text: its first findings, or why it was not judged.

    It begins with the level of a fail, with ``Waived`` for a waived one, with ``Stale waiver`` where one must go, and
    otherwise with the verdict; a pass has nothing to tell.
    """
    lines = []
    if row.stale or row.waived:
        waiver = waiver_line(row)
        lines.append(waiver[0].upper() + waiver[1:])
    if row.verdict == "fail":
        told = [finding_line(finding) for finding in row.findings[:findings]]
        lines += [f"{row.level}: {told[0]}", *told[1:]] if told else []
        if len(row.findings) > findings:
            lines.append(f"and {len(row.findings) - findings} more")
    elif row.verdict != "pass":
        lines.append(f"{verdict_words(row.verdict)}: {row.reason}")
    return "\n".join(lines)


def fails(certificate: Certificate) -> list[RequirementVerdict]:
    """The rows that fail, by level, the waived ones last."""
    levels = ("MUST", "SHOULD", "MAY")
    failing = [row for row in certificate.requirements if row.verdict == "fail"]
    return sorted(failing, key=lambda row: (row.waived, levels.index(row.level)))


def tone(certificate: Certificate, row: RequirementVerdict) -> str:
    """What a fail does to the result: it decides, is waived, warns or informs."""
    if row.waived:
        return "waived"
    if certificate.decides(row):
        return "decides"
    return "warning" if row.level == "SHOULD" else "information"


def printable(text: str) -> str:
    """Text whose control characters, with which an answer could speak to a terminal, are made visible.

    So are halves of characters, which no file can hold.
    """
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)


def markdown(text: str) -> str:
    """Plain text such that Markdown shows it as it is, in a paragraph or in a table's cell."""
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", text)


def markdown_code(text: str) -> str:
    """A value as a code span, whatever it contains; no line breaks."""
    flat = " ".join(text.split()) or " "
    fence = "`" * (max((len(run) for run in re.findall("`+", flat)), default=0) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def markdown_statement(text: str) -> str:
    """A statement as Markdown: what stands between backticks is code, all else is shown as it is."""
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    return "".join(markdown_code(part) if index % 2 else _escaped(part) for index, part in enumerate(parts))


def markdown_block(language: str, lines: Iterable[str]) -> str:
    """Lines as a fenced block of code, whatever they contain."""
    text = printable("\n".join(lines))
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return f"{fence}{language}\n{text}\n{fence}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *(f"| {' | '.join(row)} |" for row in rows)])


def markdown_link(title: str, url: str) -> str:
    """A link where ``url`` is one of the web, else its text."""
    if not url.startswith(("https://", "http://")):
        return markdown(f"{title} ({url})" if url and url != title else title)
    safe = url.replace("(", "%28").replace(")", "%29").replace(" ", "%20").replace("|", "%7C")
    return f"[{markdown(title)}]({safe})"
