"""JUnit is red exactly when the run's exit code is, and its counters are those of its cases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from lxml import etree

from conformance.report.junit import junit, write_junit
from conformance.verdict import Certificate, exit_code

Make = Callable[..., Certificate]
SCHEMA = etree.XMLSchema(file=str(Path(__file__).with_name("junit.xsd")))


def case_of(root: ElementTree.Element, requirement: str) -> ElementTree.Element:
    return next(case for case in root.iter("testcase") if case.attrib["name"].split()[0] == requirement)


def test_the_counters_are_those_of_the_rows(certificate: Certificate) -> None:
    suite = junit(certificate, {})[0]
    assert suite.attrib["name"] == "example"
    assert int(suite.attrib["tests"]) == len(certificate.requirements)
    must = certificate.levels["MUST"]
    assert int(suite.attrib["failures"]) == must["fail"] - 1  # one of them is waived
    assert int(suite.attrib["errors"]) == must["error"] + must["inconclusive"]
    green = sum(len(case) == 0 for case in suite.iter("testcase"))
    assert green == certificate.totals["pass"]
    skipped = len(certificate.requirements) - green - int(suite.attrib["failures"]) - int(suite.attrib["errors"])
    assert int(suite.attrib["skipped"]) == skipped


@pytest.mark.parametrize(
    ("requirement", "element", "message"),
    [
        ("EX-MUST-fail", "failure", "MUST: expected 402, got 400"),
        ("EX-MUST-error", "error", "error: because of error"),
        ("EX-MUST-inconclusive", "error", "inconclusive: because"),
        ("EX-MUST-inapplicable", "skipped", "inapplicable: because"),
        ("EX-MUST-not_run", "skipped", "not run: because"),
        ("EX-SHOULD-fail", "skipped", "warning: SHOULD: expected 402"),
        ("EX-SHOULD-error", "skipped", "warning: error: because"),
        ("EX-MAY-fail", "skipped", "information: MAY: expected 402"),
        ("EX-waived", "skipped", "Waived until 2027-03-31"),
        ("EX-private", "skipped", "inapplicable: no black-box run can judge it: it is private"),
    ],
)
def test_what_a_row_becomes(certificate: Certificate, requirement: str, element: str, message: str) -> None:
    mark = case_of(junit(certificate, {}), requirement)[0]
    assert mark.tag == element
    assert mark.attrib["message"].startswith(message)


def test_strict_turns_a_warning_into_a_failure(make: Make) -> None:
    root = junit(make(strict=True), {})
    assert case_of(root, "EX-SHOULD-fail")[0].tag == "failure"
    assert case_of(root, "EX-SHOULD-error")[0].tag == "error"
    assert case_of(root, "EX-MAY-fail")[0].tag == "skipped"


def test_a_stale_waiver_is_a_failure(make: Make) -> None:
    mark = case_of(junit(make(until=date(2026, 1, 1)), {}), "EX-waived")[0]
    assert (mark.tag, mark.attrib["type"]) == ("failure", "stale_waiver")
    assert mark.attrib["message"].startswith("Stale waiver: it ended on 2026-01-01: remove it")


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "only",
    [
        (),
        ("pass",),
        ("MUST-pass", "waived"),
        ("MUST-pass", "SHOULD"),
        ("SHOULD-pass",),
        ("error",),
        ("private",),
        ("?",),
    ],
)
def test_junit_is_red_exactly_when_the_exit_code_is(make: Make, only: tuple[str, ...], strict: bool) -> None:
    certificate = make(*only, strict=strict)
    suite = junit(certificate, {})[0]
    red = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    assert bool(red) == bool(exit_code(certificate))


def test_the_file_can_be_read_whatever_a_server_answered(certificate: Certificate, tmp_path: Path) -> None:
    write_junit(certificate, {}, tmp_path / "junit.xml")
    root = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert len(list(root.iter("testcase"))) == len(certificate.requirements)
    assert "<b>d</b>" in (case_of(root, "EX-nasty").findtext("system-out") or "")


@pytest.mark.parametrize("only", [(), ("pass",), ("SHOULD-pass",), ("waived",), ("nasty",), ("?",)])
def test_jenkins_schema_accepts_the_file(make: Make, only: tuple[str, ...], tmp_path: Path) -> None:
    write_junit(make(*only), {}, tmp_path / "junit.xml")
    SCHEMA.assertValid(etree.parse(tmp_path / "junit.xml"))


@pytest.mark.parametrize(
    ("told", "otherwise"),
    [
        ("<testsuites ", '<testsuites skipped="1" '),
        ("<failure ", '<failure level="MUST" '),
        ("<system-out>", "<output></output><system-out>"),
        (' failures="', ' failed="'),
        (' time="1.500"', ' time="1.5 s"'),
        ("</testcase>", "</testcase>words"),
    ],
)
def test_the_schema_refuses_what_jenkins_refuses(
    certificate: Certificate, told: str, otherwise: str, tmp_path: Path
) -> None:
    write_junit(certificate, {}, tmp_path / "junit.xml")
    text = (tmp_path / "junit.xml").read_text(encoding="utf-8")
    assert told in text
    assert not SCHEMA.validate(etree.fromstring(text.replace(told, otherwise, 1).encode()))
