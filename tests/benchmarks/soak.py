"""What a soak costs and finds: ``python -m tests.benchmarks.soak [speed] [faults] [memory]``; all three without a word.

- ``speed``: requests a second of a soak, and of bare users of Locust who send the same requests to the same server, in
  turns, and the ratio of the medians;
- ``faults``: whether a soak tells of each fault that only load shows;
- ``memory``: the most memory that judging so many exchanges takes, and how long.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from conformance.contract import load_contract
from conformance.evidence.history import read_history, to_line
from conformance.reference import target_settings
from conformance.reference.faults import load_faults_of
from conformance.run import HISTORY
from conformance.sighting import sighted
from conformance.soak.judging import read_soak
from conformance.soak.messages import ROOM, SOAK, WORKER, user_of

USERS, WORKERS, SECONDS, ROUNDS = 10, 2, 15, 3
LOADED = 120  # seconds that a fault has to show
COUNTS = (10_000, 100_000, 1_000_000)
_HERE = Path(__file__).parent
_KEPT = ("content-type", "idempotency-key", "stripe-version", "accept")

JUDGE = """
import resource, sys, time
from pathlib import Path
from conformance.contract import load_contract
from conformance.soak import judging
judging.write_all = lambda *given: None
folder = Path(sys.argv[1])
soak, begun = judging.read_soak(folder), time.monotonic()
done = judging.judge_soak(soak, load_contract("stripe"), judging.folders_of(soak, folder), folder)
taken, most = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(done.certificate.result, done.requests, most, round(taken, 1))
"""


@contextmanager
def served(folder: Path, fault: str = "") -> Iterator[Path]:
    """The target file of a reference server in a process of its own."""
    file = folder / "target.toml"
    file.unlink(missing_ok=True)
    asked = ["serve", "--provider", "stripe", "--write-target", str(file), *(["--fault", fault] if fault else [])]
    server = subprocess.Popen([sys.executable, "-m", "conformance", *asked], stdout=subprocess.PIPE, text=True)
    assert server.stdout
    server.stdout.readline()  # it listens
    try:
        yield file
    finally:
        server.terminate()
        server.communicate()


def soaked(file: Path, folder: Path, seconds: float, users: int = USERS) -> int:
    """The exit code of a soak."""
    load = ("--users", users, "--workers", WORKERS, "--duration", seconds, "--no-cleanup", "--output", folder)
    asked = [sys.executable, "-m", "conformance", "soak", "--target", file, *load]
    return subprocess.run([str(one) for one in asked], stdout=subprocess.DEVNULL, check=False).returncode


def speed(folder: Path) -> None:
    soaks, bares = [], []
    for number in range(ROUNDS):
        with served(folder) as file:
            out = folder / f"soak-{number}"
            assert soaked(file, out, SECONDS) == 0
            soaks.append(read_soak(out).requests_per_second)
        with served(folder) as file:
            bares.append(bare(file, scripts(out, folder / "scripts.jsonl"), folder))
        print(f"round {number + 1}: soak {soaks[-1]:.0f} requests/s, bare Locust users {bares[-1]:.0f}")
    print(
        f"median: soak {median(soaks):.0f}, bare {median(bares):.0f}, ratio {median(soaks) / median(bares):.2f} "
        f"({USERS} users, {WORKERS} workers, server on the same machine)"
    )


def scripts(soak: Path, path: Path) -> Path:
    """What each user of a soak has sent, for bare users to send."""
    contract, users = load_contract("stripe"), defaultdict[int, list[dict[str, Any]]](list)
    for history in sorted((soak / "workers").glob(f"*/{HISTORY}")):
        for one in read_history(history):
            seen = sighted(contract, one) if one.response else None
            if seen is None:
                continue
            made = str(seen.intents[0].get("id", "")) if seen.operation == "create" and seen.intents else ""
            request = one.request
            users[user_of(one.number)].append(
                {
                    "method": request.method,
                    "path": request.path,
                    "headers": [(name, value) for name, value in request.headers if name.lower() in _KEPT],
                    "body": request.body.decode(),
                    "operation": seen.operation,
                    "intent": seen.intent,
                    "made": made,
                }
            )
    path.write_text("".join(json.dumps(script) + "\n" for script in users.values()), encoding="utf-8")
    return path


def bare(file: Path, requests: Path, folder: Path) -> float:
    """Requests a second of bare users."""
    url = next(line.split('"')[1] for line in file.read_text().splitlines() if line.startswith("base_url"))
    asked = [sys.executable, "-m", "locust", "-f", str(_HERE / "bare_user.py"), "--headless", "--only-summary"]
    asked += ["-u", str(USERS), "-r", str(USERS), "-t", f"{SECONDS}s", "--processes", str(WORKERS), "--host", url]
    asked += ["--csv", str(folder / "bare")]
    key = target_settings("stripe")["api_key"]
    environment = {**os.environ, "BARE_REQUESTS": str(requests), "BARE_KEY": key}
    subprocess.run(asked, env=environment, check=False, capture_output=True)
    *_, total = (folder / "bare_stats.csv").read_text().splitlines()
    head, *_ = (folder / "bare_stats.csv").read_text().splitlines()
    return float(total.split(",")[head.split(",").index("Requests/s")])


def faults(folder: Path) -> None:
    for name, fault in load_faults_of("stripe").items():
        out = folder / name
        with served(folder, name) as file:
            code = soaked(file, out, LOADED)
        certificate = json.loads((out / "certificate.json").read_text())
        failing = {row["id"] for row in certificate["requirements"] if row["verdict"] == "fail"}
        judged = subprocess.run(
            [sys.executable, "-m", "conformance", "soak", "--judge", str(out)],
            capture_output=True,
            text=True,
            check=False,
        )
        slower = [line for line in judged.stdout.splitlines() if line.startswith("slower: ")]
        found = fault.breaks <= failing if fault.breaks else bool(slower)
        told = f"fails {', '.join(sorted(failing))}" if failing else "fails nothing"
        print(f"{name}: {'found' if found else 'NOT found'}: exit {code}, {certificate['requests']} requests, {told}")
        for line in slower:
            print(f"  {line}")


def memory(folder: Path) -> None:
    with served(folder) as file:
        assert soaked(file, folder / "one", SECONDS) == 0
    for count in COUNTS:
        large = multiplied(folder / "one", folder / "large", count)
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", JUDGE, str(large)], capture_output=True, text=True, check=True
        ).stdout.split()
        print(
            f"{int(done[1]):>9} exchanges: {done[0]}, at most {done[2]} MB, judged in {done[3]} s "
            f"({time.monotonic() - begun:.0f} s with the start)"
        )


def multiplied(soak: Path, folder: Path, count: int) -> Path:
    """A soak of one worker with so many exchanges, made of another's: each copy has users, ids and keys of its own."""
    exchanges = [one for path in sorted((soak / "workers").glob(f"*/{HISTORY}")) for one in read_history(path)]
    users = {user: place for place, user in enumerate(sorted({user_of(one.number) for one in exchanges}))}
    lines = [(user_of(one.number), one.number % ROOM, to_line(one)) for one in exchanges]
    (folder / "workers" / "1" / HISTORY).parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with (folder / "workers" / "1" / HISTORY).open("wb") as stream:
        for copy in range(count // len(lines) + 1):
            tag = f"{copy:06d}".encode()
            for user, number, line in lines[: count - written]:
                fresh = (copy * len(users) + users[user]) * ROOM + number
                _, _, rest = line.partition(b',"scenario"')
                # Ids begin with pi_ and 24 characters, of which six become the copy's; so do keys of 32 digits.
                told = rest.replace(b"pi_", b"pi_" + tag).replace(b'"idempotency-key","', b'"idempotency-key","' + tag)
                stream.write(b'{"history":1,"number":%d,"scenario"' % fresh + told)
                written += 1
    told_of = json.loads((soak / SOAK).read_text())
    told_of["local"] = told_of["common"]["of"] = 1
    (folder / SOAK).write_text(json.dumps(told_of), encoding="utf-8")
    worker = {"soak": told_of["name"], "worker": 1, "exchanges": written}
    (folder / "workers" / "1" / WORKER).write_text(json.dumps(worker), encoding="utf-8")
    return folder


def main() -> None:
    asked = sys.argv[1:] or ["speed", "faults", "memory"]
    with tempfile.TemporaryDirectory() as folder:
        for name in asked:
            {"speed": speed, "faults": faults, "memory": memory}[name](Path(folder))


if __name__ == "__main__":
    main()
