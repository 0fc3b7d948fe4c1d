"""localstripe, a payment server that none of us wrote: started, described, and, as a program, recorded.

``python -m tests.peers.localstripe_peer`` makes ``cassettes/stripe/localstripe`` anew.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

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


@contextmanager
def serving() -> Iterator[str]:
    """Its base URL, as long as it is needed."""
    command = [sys.executable, str(Path(__file__).parent / "localstripe_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            with httpx.Client(transport=httpx.HTTPTransport(retries=5), trust_env=False) as client:
                client.get(url)  # the socket is bound before the server listens
            yield url
        finally:
            server.terminate()


def lent(url: str) -> dict[str, str]:
    """Payment methods made through its own API, by the name of the instrument that each is."""
    made = {}
    with httpx.Client(auth=(KEY, ""), trust_env=False, timeout=30) as client:
        for name, number in CARDS.items():
            card = {"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "123"}
            form = {"type": "card", **{f"card[{member}]": value for member, value in card.items()}}
            made[name] = str(client.post(f"{url}/v1/payment_methods", data=form).json()["id"])
    return made


def write_target(url: str, path: Path) -> Path:
    """A target file for it."""
    lines = ["[target]", 'name = "localstripe"', 'provider = "stripe"', f'base_url = "{url}"']
    lines += [f'api_key = "{KEY}"', "[instruments]", *(f'{name} = "{value}"' for name, value in lent(url).items())]
    lines += ["[lacks]", *(f'{name} = "localstripe has no such card"' for name in LACKS)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _record() -> int:
    with tempfile.TemporaryDirectory() as folder, serving() as url:
        target = write_target(url, Path(folder) / "conformance.toml")
        command = [sys.executable, "-m", "conformance", "certify", "--target", str(target), "--record", "--seed", "1"]
        code = subprocess.run([*command, "--output", folder], check=False).returncode
    return 0 if code == 1 else 1  # it is not conformant, and that is what is recorded


if __name__ == "__main__":
    raise SystemExit(_record())
