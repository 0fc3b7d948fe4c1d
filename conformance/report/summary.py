"""A certificate on one page of Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from conformance.evidence.exchange import Exchange
from conformance.evidence.finding import VerdictName
from conformance.report.attachments import again
from conformance.report.matrix import grid
from conformance.report.phrases import (
    RESULTS,
    VERDICTS,
    fails,
    markdown,
    markdown_block,
    markdown_code,
    markdown_link,
    tone,
    verdict_words,
    waiver_line,
)
from conformance.verdict.certificate import Certificate
from conformance.verdict.judgement import RequirementVerdict

_FINDINGS = 3  # of one requirement; the certificate holds them all
_IDS = 12  # of those that share a reason


def summary(certificate: Certificate, exchanges: Mapping[int, Exchange]) -> str:
    """The page: target and result, counts, failures, waivers, remarks, the matrix, what was not judged and why.

    ``exchanges`` are redacted, by number: those of a sequence are shown as curl lines.
    """
    blocks = [
        _head(certificate),
        "\n".join(f"- {markdown(reason)}" for reason in certificate.reasons),
        "## Verdicts",
        _table("area", certificate.areas.items(), certificate.totals),
        _table("level", certificate.levels.items()),
        *_failures(certificate, exchanges),
        *_waivers(certificate.requirements),
        *_remarks(certificate.requirements),
        *_matrix(certificate),
        *_not_judged(certificate),
        *_exploration(certificate),
    ]
    return "\n\n".join(blocks) + "\n"


def _head(certificate: Certificate) -> str:
    target = certificate.target
    address = f" at {markdown_code(target.base_url)}" if target.base_url else ""
    seconds = f"{certificate.duration_s:.1f} s"
    strict = ", strict" if certificate.strict else ""
    return "\n".join(
        [
            f"# {markdown(certificate.provider_title)}: {RESULTS[certificate.result]}",
            "",
            f"**{markdown(target.name)}**{address}, {certificate.mode}{strict}, {certificate.started_at}, {seconds}, "
            f"{certificate.requests} requests, seed {certificate.seed}.",
            "",
            f"Contract {markdown_code(certificate.contract_version)} ({markdown_code(certificate.contract_digest)}), "
            f"suite {markdown(certificate.suite_version)}.",
        ]
    )


def _table(
    what: str,
    rows: Iterable[tuple[str, Mapping[VerdictName, int]]],
    totals: Mapping[VerdictName, int] | None = None,
) -> str:
    lines = [
        f"| {what} | {' | '.join(verdict_words(verdict) for verdict in VERDICTS)} |",
        f"|---|{'---:|' * len(VERDICTS)}",
    ]
    lines += [_counts(markdown(name), counts) for name, counts in rows]
    if totals is not None:
        lines.append(_counts("**all**", totals))
    return "\n".join(lines)


def _counts(name: str, counts: Mapping[VerdictName, int]) -> str:
    return f"| {name} | {' | '.join(str(counts[verdict] or '·') for verdict in VERDICTS)} |"


def _failures(certificate: Certificate, exchanges: Mapping[int, Exchange]) -> list[str]:
    failing = fails(certificate)
    if not failing:
        return []
    return ["## Failures", "\n".join(_failure(certificate, row, exchanges) for row in failing)]


def _failure(certificate: Certificate, row: RequirementVerdict, exchanges: Mapping[int, Exchange]) -> str:
    sources = ", ".join(markdown_link(source.title, source.url) for source in row.sources)
    weight = tone(certificate, row)
    note = "" if weight == "decides" else f" ({weight})"
    lines = [f"- **{row.id}** {row.level}{note}: {markdown(row.statement)} {sources}"]
    for finding in row.findings[:_FINDINGS]:
        at = f" at {markdown_code(finding.at)}" if finding.at else ""
        lines.append(f"  - expected {markdown_code(finding.expected)}, got {markdown_code(finding.actual)}{at}")
        if finding.sequence:
            lines.append(textwrap.indent(markdown_block("sh", again(finding, exchanges)), "    "))
    if len(row.findings) > _FINDINGS:
        lines.append(f"  - and {len(row.findings) - _FINDINGS} more")
    return "\n".join(lines)


def _waivers(rows: Iterable[RequirementVerdict]) -> list[str]:
    waived = [row for row in rows if row.waiver]
    if not waived:
        return []
    lines = [f"- **{row.id}** ({verdict_words(row.verdict)}): {markdown(waiver_line(row))}" for row in waived]
    return ["## Waivers", "\n".join(lines)]


def _remarks(rows: Iterable[RequirementVerdict]) -> list[str]:
    """What is to be known of verdicts beside pass or fail: how a burst is explained, and what it would have seen."""
    remarked = [row for row in rows if row.verdict in ("pass", "fail") and row.reason]
    lines = [
        f"- **{row.id}** ({verdict_words(row.verdict)}) {markdown(row.statement)} {markdown(row.reason)}"
        for row in remarked
    ]
    return ["## Remarks", "\n".join(lines)] if lines else []


def _matrix(certificate: Certificate) -> list[str]:
    if not certificate.matrix:
        return []
    legend = (
        "What each operation led to from each status. What stands in *italics* was observed and not judged, since the "
        "provider documents nothing of it. What was sent, and the answers in full, stand in certificate.json."
    )
    return ["## Transition matrix", legend, grid(certificate.matrix)]


def _not_judged(certificate: Certificate) -> list[str]:
    if not certificate.not_judged:
        return []
    lines = [
        f"- {verdict_words(verdict)}, {markdown(reason)}: {_some(ids)}"
        for (verdict, reason), ids in sorted(
            certificate.not_judged.items(), key=lambda item: VERDICTS.index(item[0][0])
        )
    ]
    return ["## Not judged", "\n".join(lines)]


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _IDS} more" if len(ids) > _IDS else ""
    return ", ".join(ids[:_IDS]) + more


def _exploration(certificate: Certificate) -> list[str]:
    if not certificate.exploration:
        return []
    lines = [
        f"- expected {markdown_code(finding.expected)}, got {markdown_code(finding.actual)}"
        for finding in certificate.exploration
    ]
    return ["## Found by exploring (decides nothing)", "\n".join(lines)]
