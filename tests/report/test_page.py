"""The page says what the certificate says, needs nothing else, and shows hostile text as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest

from conformance.contract.model import Source
from conformance.evidence.finding import Finding
from conformance.report.page import page
from conformance.report.phrases import VERDICTS
from conformance.verdict import Certificate, CertifiedTarget, Digests

VOID = {"meta"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></title></code><svg/onload=alert(1)>",
    "&lt;b&gt; \x00\x1b[31m",
]


class Reader(HTMLParser):
    """The elements of a page, their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def rows(text: str) -> Iterator[tuple[str, list[int]]]:
    for name, cells in re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', text, re.DOTALL):
        yield unescape(name), [int(one.replace("·", "0")) for one in re.findall(r"<td[^>]*>(.*?)</td>", cells)]


def test_the_tables_count_the_rows(certificate: Certificate) -> None:
    counted = dict(rows(page(certificate)))
    wanted = {**certificate.areas, "all": certificate.totals, **certificate.levels}
    assert counted == {name: [counts[verdict] for verdict in VERDICTS] for name, counts in wanted.items()}


def test_the_page_says_what_a_reader_needs(certificate: Certificate) -> None:
    digests = Digests(f"sha256:{1:064}", f"sha256:{2:064}", {"a.yaml": f"sha256:{3:064}", "b.yaml": f"sha256:{4:064}"})
    text = Reader(page(replace(certificate, digests=digests))).text
    for told in (
        "acme | staging",
        "Not conformant",
        "Example 2026-01",
        "http://127.0.0.1:8080",
        "live, over HTTP; 30 requests, seed 7",
        "1 MUST requirement fails: EX-MUST-fail.",
        "EX-MUST-fail MUST",
        "Row of MUST that is fail.",
        "EX-SHOULD-fail SHOULD (warning)",
        "EX-waived MUST (waived)",
        "and 27 more in certificate.json",
        "waived until 2027-03-31 by Ann: fixed in phase 2 (https://tracker.example/12)",
        "not run: because of not_run (EX-MUST-not_run, EX-SHOULD-not_run, EX-MAY-not_run)",
        "inapplicable: no black-box run can judge it: it is private (EX-private)",
        "sha256:0",
        digests.suite,
        digests.history,
        "2 files, each with its digest in certificate.json",
    ):
        assert told in " ".join(text.split()), told
    assert '<a href="https://docs.example/create" rel="noopener noreferrer">Create an intent</a>' in page(certificate)


def test_code_in_a_statement_is_code(certificate: Certificate) -> None:
    rows = tuple(replace(row, statement="`id` is a `<b>`, not `.") for row in certificate.requirements)
    text = page(replace(certificate, requirements=rows))
    assert "<p><code>id</code> is a <code>&lt;b&gt;</code>, not `.</p>" in text


def test_a_clean_run_has_no_empty_sections(make: Callable[..., Certificate]) -> None:
    titles = re.findall(r"<h2>(.*?)</h2>", page(replace(make("MUST-pass"), exploration=())))
    assert titles == ["Coverage", "Waivers", "Not judged", "Digests"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(certificate: Certificate, text: str) -> None:
    plain = Reader(page(certificate))
    told = replace(
        certificate,
        provider_title=text,
        contract_version=text,
        suite_version=text,
        started_at=text,
        contract_digest=text,
        target=CertifiedTarget(text, text),
        reasons=(text,),
        exploration=(Finding(text, text, text),),
        requirements=tuple(
            replace(
                row,
                id=text,
                area=text,
                statement=text,
                reason=text,
                sources=(Source("S", text, f"https://x.example/{text}"), Source("T", text, f"javascript:{text}")),
                findings=tuple(Finding(text, text, text, one.exchanges) for one in row.findings),
                waiver=row.waiver and replace(row.waiver, reason=text, link=text, by=text),
            )
            for row in certificate.requirements
        ),
    )
    shown = page(told)
    read = Reader(shown)
    assert read.open == []
    assert set(read.tags) <= set(plain.tags)
    assert {name for name, _ in read.attributes} <= {name for name, _ in plain.attributes}
    assert {value.partition(":")[0] for name, value in read.attributes if name == "href"} == {"https"}
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", shown)
    assert read.text.count(re.sub(r"[\x00\x1b]", "\ufffd", text)) > len(certificate.requirements)


def test_the_page_needs_nothing_but_itself(certificate: Certificate) -> None:
    shown = page(certificate)
    read = Reader(shown)
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & set(read.tags)
    assert not [name for name, _ in read.attributes if name.startswith("on") or name in ("src", "style")]
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in read.attributes
    style = shown.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style
