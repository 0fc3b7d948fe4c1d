"""A finding that only a sequence shows is told by all its curl lines, in order, in every report."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.finding import Finding
from conformance.report.allure import write_allure
from conformance.report.attachments import again
from conformance.report.junit import junit
from conformance.report.summary import summary
from conformance.report.table import failures
from conformance.verdict import Certificate

BASE = "http://127.0.0.1:8080/v1/intents"
FOUND = Finding("still canceled", "succeeded", "/status", (1, 2, 3), sequence=True)
GUIDANCE = "# INTENT = the id in its answer"


def asked(number: int, path: str, body: bytes = b"a=1", answer: bytes = b'{"id": "pi_7", "object": "v1"}') -> Exchange:
    headers = (("Authorization", "Bearer [redacted:api_key]"), ("Content-Type", "application/x-www-form-urlencoded"))
    return Exchange(number, Request("POST", BASE + path, headers, body), Response(200, (), answer))


WALK = {1: asked(1, ""), 2: asked(2, "/pi_7/cancel"), 3: asked(3, "/pi_7/confirm?expand%5B%5D=customer")}


@pytest.fixture
def told(certificate: Certificate) -> Certificate:
    """One fail, shown by a sequence."""
    rows = [row for row in certificate.requirements if row.id == "EX-MUST-fail"]
    return replace(certificate, requirements=tuple(replace(row, findings=(FOUND,)) for row in rows))


def test_later_lines_leave_the_id_to_a_variable() -> None:
    create, guidance, cancel, confirm = again(FOUND, WALK)
    assert shlex.split(create)[3] == BASE
    assert guidance == GUIDANCE
    assert f'"{BASE}/$INTENT/cancel"' in cancel
    assert f'"{BASE}/$INTENT/confirm?expand%5B%5D=customer"' in confirm
    assert all('"Authorization: Bearer $API_KEY"' in line for line in (create, cancel, confirm))
    assert "pi_7" not in create + cancel + confirm


@pytest.mark.parametrize(
    "walk",
    [
        {1: replace(WALK[1], response=None), 2: WALK[2]},
        {1: asked(1, "", answer=b"no JSON"), 2: WALK[2]},
        {1: asked(1, "", answer=b'{"id": "pi_70"}'), 2: WALK[2]},
    ],
)
def test_an_id_that_the_first_answer_did_not_give_stays(walk: dict[int, Exchange]) -> None:
    _, cancel = again(FOUND, walk)
    assert f"{BASE}/pi_7/cancel" in cancel


def test_only_a_whole_segment_of_the_path_is_the_id() -> None:
    _, _, line = again(FOUND, {1: WALK[1], 2: asked(2, "/pi_7/pi_70?pi_7=$(id)")})
    assert f"{BASE}/\"$INTENT\"'/pi_70?pi_7=$(id)'" in line


def test_a_finding_that_one_exchange_shows_has_one_line() -> None:
    (line,) = again(replace(FOUND, sequence=False), WALK)
    assert f"{BASE}/pi_7/confirm" in line
    assert again(FOUND, {}) == []


def test_every_report_tells_all_lines_in_order(told: Certificate, tmp_path: Path) -> None:
    console = Console(width=60, record=True, file=StringIO())
    failures(told, console, WALK)
    write_allure(told, WALK, tmp_path)
    (result,) = (json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*-result.json"))
    (attached,) = result["attachments"]
    assert (attached["name"], attached["type"]) == ("finding 1, the calls", "image/svg+xml")
    assert (tmp_path / attached["source"]).read_text(encoding="utf-8").count("#1 POST /v1/intents<") == 1
    texts = {
        "terminal": console.export_text(),
        "summary": summary(told, WALK),
        "junit": next(junit(told, WALK).iter("failure")).text or "",
        "allure": result["description"],
    }
    for report, text in texts.items():
        places = [text.index(line) for line in again(FOUND, WALK)]
        assert places == sorted(places), report
    assert all("```sh\n" in texts[report] for report in ("summary", "allure"))


def test_allure_shows_every_exchange_of_a_sequence(told: Certificate, tmp_path: Path) -> None:
    long = replace(FOUND, exchanges=tuple(range(1, 15)))
    (row,) = told.requirements
    walk = {number: asked(number, "/pi_7") for number in long.exchanges}
    write_allure(replace(told, requirements=(replace(row, findings=(long,)),)), walk, tmp_path)
    (result,) = (json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*-result.json"))
    assert len(result["steps"]) == 14


def test_a_body_cannot_leave_its_block_of_the_page(told: Certificate) -> None:
    walk = {**WALK, 3: asked(3, "/pi_7", b"a=```\n# heading ````")}
    page = summary(told, walk)
    assert "    `````sh\n" in page
    assert "\n    # heading" in page


def test_halves_of_characters_do_not_keep_a_report_from_being_written(told: Certificate, tmp_path: Path) -> None:
    walk = {**WALK, 3: asked(3, "/pi_7/confirm", answer=b'{"id": "pi_7", "status": "\\ud800"}')}
    write_allure(told, walk, tmp_path)
    (result,) = (json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*-result.json"))
    assert '>   "status": "\N{REPLACEMENT CHARACTER}"' in result["description"]
