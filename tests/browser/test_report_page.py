"""The Allure report as a reader meets it: built by the real generator, opened from its file in Chromium."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
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


def test_every_verdict_is_counted_once(page: Path, runs: Path) -> None:
    rows = [row.verdict for folder in runs.glob("*/certificate.json") for row in Certificate.read(folder).requirements]
    text = page.read_text(encoding="utf-8")
    start = text.index('"widgets/statistic.json","') + len('"widgets/statistic.json","')
    counted = json.loads(base64.b64decode(text[start : text.index('"', start)]))
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


def test_nobody_is_told_who_reads_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "googletagmanager" not in text
