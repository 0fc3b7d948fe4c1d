"""The page of Markdown counts what the certificate counts, and shows hostile text as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from conformance.report.phrases import VERDICTS
from conformance.report.summary import summary
from conformance.verdict import Certificate


def counts(page: str, name: str) -> list[int]:
    line = next(line for line in page.splitlines() if line.startswith(f"| {name} |"))
    return [int(cell.strip().replace("·", "0")) for cell in line.split("|")[2:-1]]


def test_the_tables_count_the_rows(certificate: Certificate) -> None:
    page = summary(certificate, {})
    assert counts(page, "**all**") == [certificate.totals[verdict] for verdict in VERDICTS]
    for area, expected in certificate.areas.items():
        assert counts(page, area) == [expected[verdict] for verdict in VERDICTS]
    for level, totals in certificate.levels.items():
        assert counts(page, level) == [totals[verdict] for verdict in VERDICTS]
    assert sum(counts(page, "**all**")) == len(certificate.requirements)


def test_the_page_says_what_a_reader_needs(certificate: Certificate) -> None:
    page = summary(certificate, {})
    for told in (
        "# Example: not conformant",
        "`http://127.0.0.1:8080`",
        "- 1 MUST requirement fails: EX-MUST-fail.",
        "- **EX-MUST-fail** MUST: Row of MUST that is fail. [Create an intent](https://docs.example/create)",
        "  - expected `402`, got `400`",
        "- **EX-SHOULD-fail** SHOULD (warning): ",
        "- **EX-waived** MUST (waived): ",
        "## Waivers",
        "waived until 2027-03-31 by Ann: fixed in phase 2",
        "- inapplicable, because of inapplicable: EX-MUST-inapplicable, EX-SHOULD-inapplicable, EX-MAY-inapplicable",
        "- inapplicable, no black-box run can judge it: it is private: EX-private",
        "- expected `4xx`, got `500`",
    ):
        assert told in page


def test_failures_come_by_level_and_the_waived_last(certificate: Certificate) -> None:
    page = summary(certificate, {})
    failing = page.partition("## Failures")[2].partition("## Waivers")[0]
    assert re.findall(r"^- \*\*(\S+)\*\*", failing, re.MULTILINE) == [
        "EX-MUST-fail", "EX-SHOULD-fail", "EX-nasty", "EX-MAY-fail", "EX-waived",
    ]  # fmt: skip


def test_hostile_text_stays_text(certificate: Certificate) -> None:
    page = summary(certificate, {})
    assert r"a\|b \`c\` \<b\>d\</b\> \[e\](f)" in page
    assert "``a|b `c` <b>d</b>" in page  # inside a code span nothing is markup


def test_a_remark_is_told_with_its_requirement(certificate: Certificate) -> None:
    page = summary(certificate, {})
    assert "## Remarks" in page
    assert "- **EX-MAY-pass** (pass) Row of MAY that is pass. Ten at once: in some order." in page


def test_a_clean_run_has_no_empty_sections(make: Callable[..., Certificate]) -> None:
    page = summary(make("MUST-pass", until=date(2027, 3, 31)), {})
    assert "## Failures" not in page
    assert "## Remarks" not in page
    assert "# Example: conformant" in page
