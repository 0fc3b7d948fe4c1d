"""How likely a burst is to see a race, by the width of its window and by how many requests are sent at once.

Run as ``python -m tests.benchmarks.windows``: on servers that look a key up and mark it as used so much later, over a
socket, bursts of equal creates with one key are sent, and those that show two intents are counted. Beside it stands
what a run on the correct server says that it would have seen. The correct server then gets ``ALARMS`` bursts of every
kind, none of which may contradict. Writes ``reports/windows.md``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from statistics import mean, median

from conformance.contract import load_contract
from conformance.reference import policies_of, provider_names, serve, target_settings
from conformance.reference.faults.fault import Change
from conformance.reference.faults.key_policies import keyed
from conformance.reference.idempotency import Execute, Idempotency
from conformance.reference.model import Answer, Call
from conformance.reference.store import Kept, Place, Store
from conformance.run import Run
from conformance.scenarios.acting import Actor
from conformance.scenarios.outcomes import Inconclusive, NonConformance
from conformance.scenarios.test_bursts import explained
from conformance.scenarios.windows import WIDTHS, chance, gaps
from conformance.target.settings import make_target

BURSTS = {2: 200, 10: 100, 100: 20}  # for each width
ALARMS = {2: 7000, 10: 2900, 100: 100}
ONE_KEY = {"calls": [{"operation": "create"}], "one_key": True}
PAGE = Path(__file__).parents[2] / "reports" / "windows.md"
_HEAD = (
    "# Races that bursts see",
    "",
    "Written by `make windows`: bursts of equal creates with one idempotency key, over a socket, on servers that look",
    "a key up and mark it as used so much later, in the median as measured in the server. Each cell: the share of",
    "bursts that showed two intents; in brackets the probability that a run on the correct server states for such a",
    "window.",
    "",
)
ALONE = 100  # requests before the bursts, one after the other
WINDOWS = (0.0, *WIDTHS)  # seconds that a server sleeps between look and mark; both take some time beside
SWITCH = 1e-4  # seconds after which a server's thread lets others run; Python's own 5 ms would widen every window


def tell(line: str) -> None:
    """Writes a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def marks_keys_late(window: float, slept: list[float]) -> Change:
    """Looks a key up, and marks it as used ``window`` seconds later; whoever looks in between finds it free, too.

    ``slept`` receives how long that really took.
    """

    def wrong(right: Idempotency, place: Place, store: Store, call: Call, now: float, execute: Execute) -> Answer:
        with store.keys:
            if place in store.kept or place in store.under_way:
                return right(store, call, now, execute)
        looked = time.perf_counter()
        if window:
            time.sleep(window)
        with store.keys:
            slept.append(time.perf_counter() - looked)
            store.under_way[place] = right.asked(call)
        answer = execute()
        with store.keys:
            store.kept.setdefault(place, Kept(right.asked(call), answer, now))
        return answer

    return keyed(lambda: wrong)


def server(provider: str, window: float | None) -> None:
    """Serves until its standard input ends: known-good, or with a race window; tells address and width in seconds."""
    sys.setswitchinterval(SWITCH)
    policies, slept = policies_of(provider), [0.0]
    if window is not None:
        policies = marks_keys_late(window, slept)(policies)
    with serve(provider, policies=policies) as url:
        tell(url)
        sys.stdin.read()
    with suppress(BrokenPipeError):  # nobody may want to know
        tell(str(median(slept[1:] or slept)))


@contextmanager
def acting(provider: str, window: float | None, widths: list[float] | None = None) -> Iterator[tuple[Run, Actor]]:
    """What acts on such a server in a process of its own; ``widths`` receives how wide its window was in the median."""
    command = [sys.executable, "-c", f"from {__spec__.name} import server; server({provider!r}, {window!r})"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as served,
    ):
        assert served.stdout is not None
        assert served.stdin is not None
        contract, settings = load_contract(provider), target_settings(provider)
        target = make_target(
            contract,
            base_url=served.stdout.readline().strip(),
            api_key=settings["api_key"],
            instruments=settings["instruments"],
        )
        run = Run(contract=contract, target=target, folder=Path(folder))
        try:
            yield run, Actor(contract, run.client, run.instruments)
        finally:
            run.close()
            served.stdin.close()
            if widths is not None:
                widths.append(float(served.stdout.readline()))


def found(act: Actor, size: int, count: int) -> float:
    """The share of so many bursts that showed two intents."""
    seen = 0
    for _ in range(count):
        try:
            explained(act, ONE_KEY, ONE_KEY["calls"] * size)
        except NonConformance:
            seen += 1
    return seen / count


def table() -> list[str]:
    """The rows of the table, in Markdown."""
    drawn: dict[int, list[list[float]]] = {}
    seen: dict[tuple[int, int], float] = {}
    widths: list[float] = []
    with acting("stripe", None) as (_, act):
        intent = act.fresh()
        alone = [act.retrieve(str(intent[act.id])).exchange for _ in range(ALONE)]
        for size, count in BURSTS.items():
            drawn[size] = [gaps(explained(act, ONE_KEY, ONE_KEY["calls"] * size)[0], alone) for _ in range(count)]
    for column, window in enumerate(WINDOWS):
        with acting("stripe", window, widths) as (_, act):
            for size, count in BURSTS.items():
                seen[size, column] = found(act, size, count)
                tell(f"{count} bursts of {size}: {seen[size, column]:.0%} showed two intents")
    lines = [f"| at once | bursts | {' | '.join(map(_width, widths))} |"]
    lines.append(f"|---:|---:|{'---:|' * len(widths)}")
    for size, count in BURSTS.items():
        said = [mean(chance([one], width) for one in drawn[size]) for width in widths]
        cells = [f"{seen[size, column]:.0%} ({one:.0%})" for column, one in enumerate(said)]
        lines.append(f"| {size} | {count} | {' | '.join(cells)} |")
    return lines


def _width(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def alarms(sizes: dict[int, int]) -> tuple[int, int, int]:
    """How many bursts, of every kind that a contract has, contradicted on the correct servers; unsettled; all."""
    wrong = unsettled = done = 0
    for provider in provider_names():
        with acting(provider, None) as (run, act):
            rows = [row for row in run.contract.requirements.values() if row.check == "burst"]
            for size, count in sizes.items():
                for row, _ in zip(cycle(rows), range(count // len(provider_names())), strict=False):
                    done += 1
                    try:
                        explained(
                            act,
                            row.args,
                            [call for call, _ in zip(cycle(row.args["calls"]), range(size), strict=False)],
                        )
                    except NonConformance as alarm:
                        wrong += 1
                        tell(f"{row.id}, {size} at once: {alarm}")
                    except Inconclusive as reason:
                        unsettled += 1
                        tell(f"{row.id}, {size} at once: {reason}")
    return wrong, unsettled, done


def main() -> None:
    """Writes ``PAGE`` and prints it."""
    lines = [*_HEAD, *table()]
    started = time.perf_counter()
    wrong, unsettled, done = alarms(ALARMS)
    seconds = time.perf_counter() - started
    lines += ["", f"On the correct servers, {done:,} bursts of every kind and of these sizes: {wrong} alarms,"]
    lines.append(f"{unsettled} that could not be settled ({seconds:.0f} s).")
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    tell(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
