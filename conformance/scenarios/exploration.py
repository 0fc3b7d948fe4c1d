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

OPERATIONS = ("create", "confirm")
MOST_CASES = 10_000


def explore(run: Run, seconds: float) -> list[Finding]:
    """Sends fresh cases of create and confirm in turn for so many seconds, and gives what contradicts them.

    Stops early when the target gives no answer or asks to slow down.
    """
    run.client.scenario = "exploration"
    act = Actor(run.contract, run.client, run.instruments)
    until, found = time.monotonic() + seconds, dict[tuple[str, str], Finding]()
    streams = [fresh_cases(run.contract.folder, operation, run.seed) for operation in OPERATIONS]
    sitting = Sitting(act)
    for _ in range(MOST_CASES):
        for stream in streams:
            if time.monotonic() > until:
                return list(found.values())
            case = next(stream, None)
            if case is None:
                continue
            try:
                wrong = judge_case(act, case, sitting.send(case))
            except (MissingInstrument, Inapplicable):
                continue
            except (Unanswered, Inconclusive, TargetSilent) as stopped:
                found[("stopped", "")] = Finding("an answer", f"exploration stopped: {stopped}")
                return list(found.values())
            if wrong:
                found.setdefault((wrong.expected, wrong.at), wrong)
    return list(found.values())
