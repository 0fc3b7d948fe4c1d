"""The walks: whatever order operations come in, each does what is documented and money is conserved."""

from __future__ import annotations

from conformance.scenarios.acting import Actor, Table
from conformance.scenarios.arguments import takes
from conformance.scenarios.outcomes import Inapplicable, Inconclusive, NonConformance
from conformance.scenarios.walk import Walker, decisive, read_walks
from conformance.scenarios.walk_shortening import shortest

MOST_REQUESTS = 200  # spent on making a contradiction short
PATIENCE = 30.0  # seconds spent on that


@takes("level")
def test_walk(act: Actor, args: Table) -> None:
    """Plays the contract's walks; what contradicts is told by the shortest sequence of requests that shows it."""
    judged, taken = decisive(act.contract, args.get("level", "MUST")), 0
    unsettled: Inconclusive | None = None
    for walk in read_walks(act.contract.folder):
        walker = Walker(act, judged)
        try:
            for step in walk:
                try:
                    walker.play(step)
                except Inapplicable:
                    if step.operation == "create":
                        break
        except Inconclusive as reason:
            unsettled = reason
        except NonConformance as wrong:
            shown = shortest(act, wrong.findings[0], walker.steps, judged, MOST_REQUESTS, PATIENCE)
            raise NonConformance((shown,)) from wrong
        taken += len(walker.steps)
    if unsettled or not taken:
        raise unsettled or Inapplicable("the target lends too little for any walk")
