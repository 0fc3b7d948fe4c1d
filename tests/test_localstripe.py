"""A real server that none of us wrote: localstripe. What it is said to break was tried by hand, row by row."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from conformance.verdict import Certificate

KEY = "sk_test_12345"
CARDS = {
    "success": "4242424242424242",
    "declined": "4000000000000341",
    "authentication": "4000002760003184",
}
# The documented test methods that localstripe has no card for: it declines others on attaching, not on charging.
LACKS = (
    "declined_insufficient_funds", "declined_lost_card", "declined_stolen_card", "declined_expired_card",
    "declined_incorrect_cvc", "declined_processing_error", "declined_velocity", "prepared_off_session", "bank_debit",
)  # fmt: skip
DIFFERENCES = set(
    """
    STR-004 STR-009 STR-019 STR-022 STR-025 STR-029 STR-193 STR-046 STR-053 STR-187 STR-088 STR-089
    STR-091 STR-091a STR-095a STR-098 STR-099 STR-101a STR-101b STR-101c STR-102a STR-108 STR-111 STR-117
    STR-129 STR-189 STR-156 STR-164 STR-167 STR-167a STR-185
    STR-024 STR-065 STR-067 STR-068a STR-070 STR-072 STR-077 STR-079 STR-080 STR-085 STR-087 STR-136 STR-136c STR-140
    STR-142 STR-164a STR-165 STR-176b STR-183 STR-213 STR-216 STR-228 STR-009a STR-237
    """.split()
)


@pytest.fixture(scope="module")
def localstripe() -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).parent / "peers" / "localstripe_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            with httpx.Client(transport=httpx.HTTPTransport(retries=5), trust_env=False) as client:
                client.get(url)  # the socket is bound before the server listens
            yield url
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def target_file(localstripe: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A target file that lends payment methods made through localstripe's own API."""
    lines = ["[target]", 'name = "localstripe"', 'provider = "stripe"', f'base_url = "{localstripe}"']
    lines += [f'api_key = "{KEY}"', "[instruments]"]
    with httpx.Client(auth=(KEY, ""), trust_env=False) as client:
        for name, number in CARDS.items():
            card = {"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "123"}
            form = {"type": "card", **{f"card[{member}]": value for member, value in card.items()}}
            made = client.post(f"{localstripe}/v1/payment_methods", data=form)
            lines.append(f'{name} = "{made.json()["id"]}"')
    lines += ["[lacks]", *(f'{name} = "localstripe has no such card"' for name in LACKS)]
    path = tmp_path_factory.mktemp("localstripe") / "conformance.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def certified(target_file: Path) -> tuple[int, Certificate, str]:
    output = target_file.parent / "report"
    command = [sys.executable, "-m", "conformance", "certify", "--target", str(target_file), "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, Certificate.read(output / "certificate.json"), done.stdout + done.stderr


def test_it_is_not_conformant_and_the_run_finishes(certified: tuple[int, Certificate, str]) -> None:
    code, certificate, printed = certified
    assert code == 1, printed
    assert certificate.result == "non_conformant"
    assert "Traceback" not in printed


def test_nothing_ends_in_an_error(certified: tuple[int, Certificate, str]) -> None:
    _, certificate, _ = certified
    assert [row.id for row in certificate.requirements if row.verdict == "error"] == []


def test_exactly_the_known_differences_are_found(certified: tuple[int, Certificate, str]) -> None:
    _, certificate, _ = certified
    failed = {row.id for row in certificate.requirements if row.level == "MUST" and row.verdict == "fail"}
    assert failed == DIFFERENCES


def test_each_failure_shows_its_evidence(certified: tuple[int, Certificate, str]) -> None:
    _, certificate, _ = certified
    for row in certificate.requirements:
        if row.verdict == "fail":
            assert all(finding.exchanges for finding in row.findings), row.id
