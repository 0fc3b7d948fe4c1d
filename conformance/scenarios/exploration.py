"""Goes beyond the fixed exam with fresh requests until a time is up. Its findings are told apart, never judged."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from conformance.evidence.finding import Finding
from conformance.scenarios.acting import Actor
from conformance.scenarios.generation import fresh_cases
from conformance.scenarios.outcomes import Inapplicable, Inconclusive, Unanswered
from conformance.scenarios.test_exam import Sitting, judge_case
from conformance.target.client import TargetSilent
from conformance.target.values import MissingInstrument

if TYPE_CHECKING:
    from conformance.run import Run

MOST_CASES = 10_000


def explore(run: Run, seconds: float) -> list[Finding]:
    """Sends fresh cases of each operation of the exam in turn for so many seconds, and gives what contradicts them.

    Stops early when the target gives no answer, and leaves out an operation that it cannot do or is not to do so fast.
    """
    run.client.scenario = "exploration"
    act = Actor(run.contract, run.client, run.instruments)
    until, found = time.monotonic() + seconds, dict[tuple[str, ...], Finding]()
    streams = {name: fresh_cases(run.contract.folder, name, run.seed) for name in run.contract.settings["exam"]}
    sitting = Sitting(act)
    for _ in range(MOST_CASES):
        for name, stream in list(streams.items()):
            if time.monotonic() > until:
                return list(found.values())
            case = next(stream, None)
            if case is None:
                del streams[name]
                continue
            try:
                wrong = judge_case(act, case, sitting.send(case))
            except MissingInstrument:
                continue
            except Inapplicable:
                del streams[name]
                continue
            except Inconclusive as stopped:
                del streams[name]
                found[("stopped", name)] = Finding("an answer", f"exploration of {name} stopped: {stopped}")
                continue
            except (Unanswered, TargetSilent) as stopped:
                found[("stopped",)] = Finding("an answer", f"exploration stopped: {stopped}")
                return list(found.values())
            if wrong:
                found.setdefault((name, wrong.expected, wrong.at), wrong)
    return list(found.values())
