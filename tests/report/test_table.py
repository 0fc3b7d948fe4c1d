"""The terminal's table counts what the certificate counts; failures are told with all that a reader needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from io import StringIO

from rich.console import Console

from conformance.evidence.exchange import Exchange
from conformance.report.phrases import VERDICTS
from conformance.report.table import failures, render
from conformance.verdict import Certificate, Waiver

WAIVER = Waiver("EX-MUST-pass", "fixed in phase 2", "", date(2027, 3, 31))


def recorder(width: int = 200) -> Console:
    return Console(width=width, record=True, file=StringIO())


def printed(certificates: list[Certificate], width: int = 200) -> str:
    console = recorder(width)
    console.print(render(certificates))
    return console.export_text()


def told(certificate: Certificate, exchanges: dict[int, Exchange] | None = None) -> str:
    console = recorder(60)
    failures(certificate, console, exchanges)
    return console.export_text()


def test_the_table_counts_the_rows(certificate: Certificate) -> None:
    lines = [line.split() for line in printed([certificate, certificate]).splitlines() if line.strip()]
    cells = {line[-7]: [int(cell.replace("·", "0")) for cell in line[-6:]] for line in lines[2:] if len(line) >= 7}
    for area, expected in certificate.areas.items():
        assert cells[area] == [expected[verdict] for verdict in VERDICTS]
    assert cells["conformant"] == [certificate.totals[verdict] for verdict in VERDICTS]  # "not conformant"
    assert sum(cells["conformant"]) == len(certificate.requirements)


def test_the_table_fits_a_terminal(certificate: Certificate) -> None:
    assert all(len(line) <= 80 for line in printed([certificate], 80).splitlines())
    assert "inconclusive" in printed([certificate], 80)


def test_failures_are_told_in_order_with_a_line_that_shows_them_again(
    certificate: Certificate, exchanges: dict[int, Exchange]
) -> None:
    text = told(certificate, exchanges)
    order = [text.index(id) for id in ("EX-MUST-fail", "EX-SHOULD-fail (", "EX-MAY-fail", "EX-waived") if id in text]
    assert order == sorted(order)
    for line in (
        "EX-MUST-fail MUST Row of MUST that is fail.",
        "expected  402",
        "actual    400",
        "source    https://docs.example/create",
        "EX-SHOULD-fail SHOULD (warning)",
        "EX-waived MUST (waived)",
        "waiver    waived until 2027-03-31 by Ann: fixed in phase 2",
        "and 27 more findings",
        '"Authorization: Bearer $API_KEY"',
        "[red]g[/red]",
    ):
        assert line in text
    assert "\x1b" not in text
    assert "curl" not in told(certificate)


def test_a_stale_waiver_of_a_pass_is_told_and_a_clean_run_says_nothing(make: Callable[..., Certificate]) -> None:
    clean = make("pass")
    assert told(clean) == ""
    rows = [replace(row, waiver=WAIVER, stale="is no longer needed: remove it") for row in clean.requirements[3:4]]
    assert rows[0].verdict == "pass"
    assert told(replace(clean, requirements=tuple(rows))).startswith(
        "EX-MUST-pass stale waiver: it is no longer needed"
    )
