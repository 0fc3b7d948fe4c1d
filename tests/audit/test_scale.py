"""One pass over any number of exchanges, in memory that does not grow with them."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

from conformance.contract import load_contract

# In a process of its own, which has never needed more memory than the audit does.
AUDIT = """
import resource, sys
from pathlib import Path
from conformance import audit
from conformance.contract import load_contract
audit.write_all = lambda *given: None
done = audit.audit_recordings(load_contract("stripe"), [Path(sys.argv[1])], Path(sys.argv[2]))
print(done.certificate.result, done.coverage.judged, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
HEADERS = [["Content-Type", "application/json"], ["Request-Id", "req_1"], ["Stripe-Version", "2025-08-27.basil"]]


def write_many(path: Path, count: int) -> None:
    """So many exchanges: of each intent a create with a key of its own, and a retrieve."""
    contract = load_contract("stripe")
    sample = json.loads((contract.folder / "examples" / "payment_intent.requires_payment_method.json").read_text())
    with gzip.open(path, "wt", compresslevel=1) as stream:
        for number in range(count):
            identifier = f"pi_{number // 2:024d}"
            body = {**sample, "id": identifier, "client_secret": f"{identifier}_secret_[redacted:0a1b2c3d]"}
            path_of = "/v1/payment_intents" if number % 2 == 0 else f"/v1/payment_intents/{identifier}"
            exchange = {
                "history": 1,
                "number": number + 1,
                "request": {
                    "method": "GET" if number % 2 else "POST",
                    "url": "https://api.example.com" + path_of,
                    "headers": [["Idempotency-Key", f"order-{number}"]],
                    "body": "" if number % 2 else "amount=2000&currency=usd",
                },
                "response": {"status": 200, "headers": HEADERS, "body": json.dumps(body)},
            }
            stream.write(json.dumps(exchange) + "\n")


def peak_of(folder: Path, count: int) -> int:
    """The most memory in MB that an audit of so many exchanges takes."""
    path = folder / f"{count}.jsonl.gz"
    write_many(path, count)
    done = subprocess.run(
        [sys.executable, "-c", AUDIT, path, folder / "audit"], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    result, judged, peak = done.stdout.split()
    assert (result, int(judged)) == ("conformant", count)
    return int(peak)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    few, many = peak_of(tmp_path, 2_000), peak_of(tmp_path, 12_000)
    # What rules remember of intents is bounded, but not yet full at the smaller number.
    assert many <= 1.2 * few + 16
