"""The Allure report as a reader meets it: built by the real generator, opened from its file in Chromium."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from conformance.reference import policies_of, provider_names
from conformance.run import Selection
from conformance.session import act
from conformance.verdict import Certificate
from tests.faults.certification import prepared

NEEDED = ("chromium", "chromedriver", "node", "npm")
FAULT, ROW = "captures_more_than_is_held", "STR-204"
PATIENCE = 60  # seconds
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1400,2400"
)

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)) and not os.environ.get("CI"),
    reason=f"a report is built and looked at with {', '.join(NEEDED)}",
)


def conformance(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "conformance", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All four reference servers' runs, and that of a faulty one of Stripe's."""
    folder = tmp_path_factory.mktemp("runs")
    done = conformance("certify", "--output", folder)
    assert done.returncode == 0, done.stdout + done.stderr
    run = prepared("stripe", policies_of("stripe", FAULT), folder / "stripe-faulty")
    run.target, run.mode = replace(run.target, name="faulty"), "in-process"
    run.preflight()
    act(run)
    run.finish()
    return folder


@pytest.fixture(scope="module")
def page(runs: Path) -> Path:
    done = conformance("report", runs, "--no-open")
    assert done.returncode == 0, done.stdout + done.stderr
    return runs / "allure-report" / "index.html"


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
        assert driver.get_log("browser") == [], "nothing may fail in the page"
    finally:
        driver.quit()


@pytest.fixture
def wait(browser: webdriver.Chrome, page: Path) -> Callable[[Callable[[webdriver.Chrome], Any]], Any]:
    browser.get(page.as_uri())
    return lambda condition: WebDriverWait(browser, PATIENCE).until(condition)


def with_text(text: str) -> Callable[[webdriver.Chrome], WebElement | None]:
    """The innermost element that shows a text."""
    path = f"//*[contains(text(), {json.dumps(text)})]"
    return lambda driver: next((one for one in driver.find_elements(By.XPATH, path) if one.is_displayed()), None)


def data(page: Path) -> dict[str, Any]:
    """What the page holds, by the name of the file that it stands for."""
    held = re.findall(r'"((?:widgets|data/test-results)/[^"]+\.json)","([^"]*)"', page.read_text(encoding="utf-8"))
    return {name: json.loads(base64.b64decode(content)) for name, content in held}


def test_every_verdict_is_counted_once(page: Path, runs: Path) -> None:
    rows = [row.verdict for folder in runs.glob("*/certificate.json") for row in Certificate.read(folder).requirements]
    counted = data(page)["widgets/statistic.json"]
    assert counted["total"] == len(rows)
    assert counted["failed"] == rows.count("fail")
    assert counted["passed"] == rows.count("pass")
    assert counted["skipped"] == rows.count("inapplicable") + rows.count("not_run")
    assert len(list(runs.glob("*/certificate.json"))) == len(provider_names()) + 1


def test_a_reader_finds_what_failed_and_how_to_see_it_again(
    browser: webdriver.Chrome, wait: Callable[[Callable[[webdriver.Chrome], Any]], Any]
) -> None:
    row = wait(with_text(f"{ROW} "))
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", row)
    row.click()
    wait(with_text("MUST: expected amount_received + amount_capturable at most the amount 2000, got 3000"))
    frame = wait(
        lambda driver: next(
            (one for one in driver.find_elements(By.CSS_SELECTOR, "iframe") if one.size["height"] > 100), None
        )
    )
    browser.switch_to.frame(frame)
    told = browser.find_element(By.TAG_NAME, "body").text
    browser.switch_to.default_content()
    for words in (
        "MUST What was received and what can be captured never exceed the amount together.",
        "Promised in: The PaymentIntent object",
        '>   "amount_received": 3000,',
        "curl -sS -i ",
        "--data-raw amount_to_capture=3000",
        f"conformance certify --provider stripe --only {ROW}",
        f"--conformance-only {ROW}",
    ):
        assert words in told, told


def test_an_exchange_opens(browser: webdriver.Chrome, wait: Callable[[Callable[[webdriver.Chrome], Any]], Any]) -> None:
    row = wait(with_text(f"{ROW} "))
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", row)
    row.click()
    wait(with_text("exchange #")).click()
    wait(with_text("amount_to_capture = 3000"))


def test_a_second_report_of_a_run_adds_nothing_to_its_history(page: Path, runs: Path) -> None:
    history = runs / "allure-history.jsonl"
    before = history.read_text(encoding="utf-8").splitlines()
    assert len(before) == 1
    assert conformance("report", runs, "--no-open").returncode == 0
    assert len(history.read_text(encoding="utf-8").splitlines()) == 1


# -- one run after another ---------------------------------------------------------------------------------------------

FOLLOWED = "DOT-009"  # what fails where a server shows no status


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the third of three runs of one server, each reported in its turn: right, wrong, and wrong again."""
    folder = tmp_path_factory.mktemp("followed") / "dots-acme"
    for fault in ("", "shows_no_status", "shows_no_status"):
        run = prepared("dots", policies_of("dots", fault), folder)
        run.target, run.mode = replace(run.target, name="acme"), "in-process"
        run.rows = Selection(ids=frozenset({"DOT-001", FOLLOWED})).of(run.contract)
        run.started = time.time()
        run.preflight()
        act(run)
        certificate = run.finish()
        assert [row.id for row in certificate.requirements if row.verdict == "fail"] == [FOLLOWED] * bool(fault)
        done = conformance("report", folder, "--no-open")
        assert done.returncode == 0, done.stdout + done.stderr
        time.sleep(1.1)  # runs are told apart by the second in which they began
    return folder / "allure-report" / "index.html"


def told_of(page: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """What the followed requirement was before, the latest first, and the counts of each report, the oldest first."""
    held = data(page)
    (row,) = (one for name, one in held.items() if "test-results/" in name and one["name"].startswith(FOLLOWED))
    charts = held["widgets/charts.json"]["general"].values()
    (trend,) = (one["data"] for one in charts if one["type"] == "statusDynamics")
    return [one["status"] for one in row["history"]], [point["statistic"] for point in trend]


def test_a_page_tells_of_the_runs_before_and_each_is_a_point_of_the_trend(followed: Path) -> None:
    history, trend = told_of(followed)
    assert history == ["failed", "passed"]
    assert [(point.get("failed", 0), point["passed"]) for point in trend] == [(0, 2), (1, 1), (1, 1)]


def test_a_run_that_is_reported_again_is_not_before_itself(followed: Path) -> None:
    lines = (followed.parents[1] / "allure-history.jsonl").read_bytes()
    before = told_of(followed)
    assert conformance("report", followed.parents[1], "--no-open").returncode == 0
    assert told_of(followed) == before
    assert (followed.parents[1] / "allure-history.jsonl").read_bytes() == lines
    assert lines.count(b"\n") == 3


def test_a_reader_sees_since_when_it_fails(browser: webdriver.Chrome, followed: Path) -> None:
    wait = WebDriverWait(browser, PATIENCE).until
    browser.get(followed.as_uri())
    wait(with_text(f"{FOLLOWED} ")).click()
    frame = wait(
        lambda driver: next(
            (one for one in driver.find_elements(By.CSS_SELECTOR, "iframe") if one.size["height"] > 100), None
        )
    )
    browser.switch_to.frame(frame)
    told = browser.find_element(By.TAG_NAME, "body").text
    day = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    assert re.match(rf"Fails since {day}, in 2 runs; before, it passed on {day}\.\n", told), told
    for line in browser.find_elements(By.CSS_SELECTOR, "pre"):  # none is cut off
        assert line.get_property("scrollWidth") <= line.get_property("clientWidth")
    browser.switch_to.default_content()
    browser.find_element(By.CSS_SELECTOR, "[data-testid=test-result-tab-history]").click()
    items = wait(lambda driver: driver.find_elements(By.CSS_SELECTOR, "[data-testid=test-result-history-item]"))
    marks = [one.find_element(By.CSS_SELECTOR, "[data-testid^=tree-leaf-status-]") for one in items]
    assert [mark.get_attribute("data-testid") for mark in marks] == [
        "tree-leaf-status-failed",
        "tree-leaf-status-passed",
    ]
    assert len({mark.find_element(By.TAG_NAME, "circle").value_of_css_property("fill") for mark in marks}) == 2
    assert all(one.is_displayed() and re.search(r"\d at \d", one.text) for one in items)


def test_nobody_is_told_who_reads_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "googletagmanager" not in text
