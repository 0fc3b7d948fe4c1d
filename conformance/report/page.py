"""A certificate as one page of HTML to be shown, printed and attached to a release; it needs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from conformance.evidence.finding import Finding, VerdictName
from conformance.report.phrases import RESULTS, VERDICTS, fails, printable, tone, verdict_words, waiver_line
from conformance.verdict.certificate import Certificate
from conformance.verdict.judgement import RequirementVerdict

_FINDINGS = 3  # of one requirement; the certificate holds them all
_MODES = {
    "live": "live, over HTTP",
    "in-process": "in process, on the reference server in memory",
    "replayed": "replayed from a recording",
    "recorded": "audit of recordings that others made",
    "soak": "soak, many users at once over HTTP",
}
# No script runs and nothing is loaded, whatever a text of the target's should smuggle in.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --soft: #5a6375; --line: #d5d9e2; --back: #fff; --box: #f4f5f8;
  --good: #14663a; --bad: #a3201d; --open: #7a5200; --link: #1f4fa3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ee; --soft: #a2abbd; --line: #3a4252; --back: #14181f;
  --box: #1d232d; --good: #6fd39b; --bad: #ff938c; --open: #ecc15c; --link: #8fb6ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 56rem; padding: 2rem 1.25rem 3rem; background: var(--back); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0; }
p, ul { margin: .5rem 0; }
ul { padding-left: 1.25rem; }
a { color: var(--link); }
code { font: .875em/1.4 ui-monospace, monospace; unicode-bidi: isolate; }
bdi { unicode-bidi: isolate; }
.kicker, .soft { color: var(--soft); }
.kicker { margin: 0 0 .25rem; }
.verdict { display: inline-block; margin: 0 0 .5rem; padding: .25rem .75rem; border: 2px solid; border-radius: .5rem;
  font-size: 1.15rem; font-weight: 700; }
.conformant { color: var(--good); } .non_conformant { color: var(--bad); } .inconclusive { color: var(--open); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 1rem 0; }
dt { color: var(--soft); } dd { margin: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; min-width: 46em; margin: .5rem 0 1rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .5rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; } thead th { color: var(--soft); font-weight: 400; }
th:first-child { text-align: left; width: 18%; }
tr.all th, tr.all td { border-top: 2px solid var(--line); font-weight: 600; }
td.fail { color: var(--bad); font-weight: 700; } td.error, td.inconclusive { color: var(--open); font-weight: 700; }
article { margin: .75rem 0; padding: .75rem 1rem; background: var(--box); border-left: 4px solid var(--line); }
article.decides { border-color: var(--bad); }
article dl { gap: .125rem 1rem; margin: .5rem 0; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } article, tr { break-inside: avoid; }
  h2 { break-after: avoid; } .scroll { overflow: visible; }
  a[href]::after { content: " (" attr(href) ")"; color: var(--soft); font-size: .85em; } }
@media print { :root { --ink: #000; --soft: #444; --line: #bbb; --back: #fff; --box: #fff; --good: #14663a;
  --bad: #a3201d; --open: #7a5200; --link: #000; } }
@media (max-width: 36rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
"""


def page(certificate: Certificate) -> str:
    """The page: target and result, coverage, failures, waivers, what was not judged and why, digests."""
    title = f"{certificate.provider_title}: {RESULTS[certificate.result]}"
    blocks = [
        _head(certificate),
        _coverage(certificate),
        *_failures(certificate),
        *_waivers(certificate.requirements),
        *_not_judged(certificate),
        *_exploration(certificate),
        _digests(certificate),
    ]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_text(_POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{_text(title)} ({_text(certificate.target.name)})</title>
<style>{_STYLE}</style>
</head>
<body>
{_lines(blocks)}
</body>
</html>
"""


def _text(text: str) -> str:
    """Any text such that a browser shows it as it is, between tags and within attributes."""
    return escape(printable(text))


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>"


def _statement(text: str) -> str:
    """A statement: what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _text(text))


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    """A list of names, and values that are HTML already; what has no value is left out."""
    return f"<dl>{_lines(f'<dt>{_text(name)}</dt><dd>{value}</dd>' for name, value in facts if value)}</dl>"


def _list(items: Iterable[str]) -> str:
    """A list of items that are HTML already."""
    return f"<ul>{_lines(f'<li>{item}</li>' for item in items)}</ul>"


def _section(title: str, *blocks: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{_lines(blocks)}</section>"


def _link(title: str, url: str) -> str:
    """A link where ``url`` is one of the web, else its text."""
    if not url.startswith(("https://", "http://")):
        return _text(f"{title} ({url})" if url and url != title else title)
    return f'<a href="{_text(url)}" rel="noopener noreferrer">{_text(title)}</a>'


def _head(certificate: Certificate) -> str:
    target = certificate.target
    facts = [
        ("Contract", f"{_text(certificate.provider_title)} {_text(certificate.contract_version)}"),
        ("Address", _code(target.base_url) if target.base_url else ""),
        ("Evidence", f"{_text(_MODES[certificate.mode])}; {certificate.requests} requests, seed {certificate.seed}"),
        ("Made", f"{_text(certificate.started_at)}, in {certificate.duration_s:.1f} s"),
        ("Judged by", f"Payment Intents Conformance {_text(certificate.suite_version)}"),
        ("Decided by", "MUST and SHOULD requirements (strict)" if certificate.strict else "MUST requirements"),
    ]
    return _lines(
        [
            '<header><p class="kicker">Conformance certificate</p>',
            f"<h1><bdi>{_text(target.name)}</bdi></h1>",
            f'<p class="verdict {certificate.result}">{_text(RESULTS[certificate.result]).capitalize()}</p>',
            *(f"<p>{_text(reason)}</p>" for reason in certificate.reasons),
            _facts(facts),
            "</header>",
        ]
    )


def _coverage(certificate: Certificate) -> str:
    return _section(
        "Coverage",
        _table("Area", certificate.areas.items(), certificate.totals),
        _table("Level", certificate.levels.items()),
    )


def _table(
    what: str,
    rows: Iterable[tuple[str, Mapping[VerdictName, int]]],
    totals: Mapping[VerdictName, int] | None = None,
) -> str:
    head = "".join(f'<th scope="col">{_text(verdict_words(verdict))}</th>' for verdict in VERDICTS)
    body = [f"<tr>{_counts(name, counts)}</tr>" for name, counts in rows]
    if totals is not None:
        body.append(f'<tr class="all">{_counts("all", totals)}</tr>')
    return (
        f'<div class="scroll"><table><thead><tr><th scope="col">{what}</th>{head}</tr></thead>'
        f"<tbody>{_lines(body)}</tbody></table></div>"
    )


def _counts(name: str, counts: Mapping[VerdictName, int]) -> str:
    cells = "".join(
        f'<td class="{verdict}">{counts[verdict]}</td>' if counts[verdict] else "<td>·</td>" for verdict in VERDICTS
    )
    return f'<th scope="row">{_text(name)}</th>{cells}'


def _failures(certificate: Certificate) -> list[str]:
    failing = fails(certificate)
    return [_section("Failures", *(_failure(certificate, row) for row in failing))] if failing else []


def _failure(certificate: Certificate, row: RequirementVerdict) -> str:
    weight = tone(certificate, row)
    note = "" if weight == "decides" else f' <span class="soft">({weight})</span>'
    more = len(row.findings) - _FINDINGS
    sources = ", ".join(_link(source.title, source.url) for source in row.sources)
    return _lines(
        [
            f'<article class="{weight}"><h3>{_text(row.id)} {row.level}{note}</h3>',
            f"<p>{_statement(row.statement)}</p>",
            *(_finding(finding) for finding in row.findings[:_FINDINGS]),
            f'<p class="soft">and {more} more in certificate.json</p>' if more > 0 else "",
            f'<p class="soft">Source: {sources}</p></article>',
        ]
    )


def _finding(finding: Finding) -> str:
    numbers = ", ".join(f"#{number}" for number in finding.exchanges[:5])
    return _facts(
        [
            ("expected", _code(finding.expected)),
            ("actual", _code(finding.actual)),
            ("at", _code(finding.at) if finding.at else ""),
            ("exchanges", numbers + (" …" if len(finding.exchanges) > 5 else "")),
        ]
    )


def _waivers(rows: Iterable[RequirementVerdict]) -> list[str]:
    waived = [row for row in rows if row.waiver]
    if not waived:
        return []
    told = "Failures that the owner of the target accepts until a date. A waiver never changes a verdict."
    items = (f"<b>{_text(row.id)}</b> ({verdict_words(row.verdict)}): {_text(waiver_line(row))}" for row in waived)
    return [_section("Waivers", f'<p class="soft">{told}</p>', _list(items))]


def _not_judged(certificate: Certificate) -> list[str]:
    reasons = sorted(certificate.not_judged.items(), key=lambda item: VERDICTS.index(item[0][0]))
    if not reasons:
        return []
    return [_section("Not judged", _list(_silence(verdict, reason, ids) for (verdict, reason), ids in reasons))]


def _silence(verdict: VerdictName, reason: str, ids: Sequence[str]) -> str:
    return f'<b>{verdict_words(verdict)}</b>: {_text(reason)} <span class="soft">({_text(", ".join(ids))})</span>'


def _exploration(certificate: Certificate) -> list[str]:
    if not certificate.exploration:
        return []
    told = "Beyond the fixed exam; it decides nothing."
    return [_section("Found by exploring", f'<p class="soft">{told}</p>', *map(_finding, certificate.exploration))]


def _digests(certificate: Certificate) -> str:
    digests = certificate.digests
    recorded = len(digests.recording) if digests else 0
    facts = [
        ("Contract", _code(certificate.contract_digest)),
        ("Suite", _code(digests.suite) if digests else ""),
        ("History", _code(digests.history) if digests and digests.history else ""),
        ("Recording", f"{recorded} files, each with its digest in certificate.json" if recorded else ""),
    ]
    told = "Whoever has these files notices with <code>conformance verify certificate.json</code> if one was changed."
    return _section("Digests", _facts(facts), f'<p class="soft">{told}</p>')
