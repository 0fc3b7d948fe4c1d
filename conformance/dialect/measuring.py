"""The measurement: every experiment in its order, each failing by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from conformance.contract.dialect import AXES, Word
from conformance.dialect import answers, keys, operations
from conformance.dialect.model import MOST_REQUESTS, Dialect, Found
from conformance.dialect.probe import BoundedClient, Probe, Reader, Spent
from conformance.scenarios.outcomes import Inapplicable, Inconclusive, Unanswered
from conformance.target.client import TargetSilent

if TYPE_CHECKING:
    from conformance.run import Run

LONGEST_TEXT = 300  # characters of an evidence
Result = Found | Mapping[str, Found]


@dataclass(frozen=True)
class Experiment:
    """What finds the values of some axes; a lone value is that of the first. ``needs`` must have been found before."""

    axes: tuple[str, ...]
    perform: Callable[[Probe], Result]
    needs: Mapping[str, Word] = field(default_factory=lambda: {"create": "honoured"})


EXPERIMENTS = (
    Experiment(("carrier", "create"), operations.carrier, {}),
    Experiment(("marker",), answers.marker),
    Experiment(("success",), answers.success),
    Experiment(("other_body", "other_body_status", "other_body_error"), answers.other_body),
    Experiment(("update",), operations.updating, {"carrier": "found"}),
    *(
        Experiment((name,), partial(operations.honoured, operation=name), {"carrier": "found"})
        for name in ("confirm", "capture", "cancel")
    ),
    Experiment(("retrieve",), operations.reading, {"carrier": "found"}),
    Experiment(("other_operation",), operations.other_operation),
    Experiment(("other_intent",), operations.other_intent, {"carrier": "found"}),
    Experiment(("other_credential",), operations.other_credential),
    Experiment(("refusal",), answers.refusal),
    Experiment(("decline",), answers.decline, {"confirm": "honoured"}),
    Experiment(("failure_before",), partial(answers.failure, moment="before")),
    Experiment(("failure_after",), partial(answers.failure, moment="after")),
    Experiment(("in_flight", "in_flight_status", "in_flight_error"), keys.in_flight),
    Experiment(("kept_at_least", "forgotten_after"), keys.retention),
    Experiment(("empty",), keys.empty),
    Experiment(("punctuation",), keys.punctuation),
    Experiment(("letter_case",), keys.letter_case),
    Experiment(("shortest",), keys.shortest),
    Experiment(("longest", "beyond_longest"), keys.longest),
)


def measure(run: Run) -> Dialect:
    """The dialect of a run's target, by at most ``MOST_REQUESTS`` requests, which the run's history keeps.

    Nothing is raised: what cannot be measured says why. A preflight should have passed.
    """
    client = BoundedClient(
        run.contract, run.target, run.history, seed=run.seed, transport=run.transport, clock=run.clock
    )
    probe = Probe(Reader(run.contract, client, run.instruments), client)
    try:
        for experiment in EXPERIMENTS:
            client.scenario = f"dialect: {experiment.axes[0]}"
            probe.found |= _performed(probe, experiment)
    finally:
        client.close()
    return Dialect({name: _shown(run, probe.found[name]) for name in AXES}, client.requests)


def _shown(run: Run, found: Found) -> Found:
    """What was found without secrets, in texts of bounded length: the target has its say in them."""
    value = run.redactor.prose(found.value)[:LONGEST_TEXT] if isinstance(found.value, str) else found.value
    return replace(found, value=value, evidence=run.redactor.prose(found.evidence)[:LONGEST_TEXT])


def _performed(probe: Probe, experiment: Experiment) -> dict[str, Found]:
    lacking = _lacking(probe, experiment)
    reason = lacking or "it does not arise"
    found: Result = {}
    if not lacking:
        try:
            found = experiment.perform(probe)
        except (Inapplicable, Inconclusive, TargetSilent) as problem:
            reason = str(problem)
        except Unanswered as problem:
            reason = f"no answer: {problem}"
        except Spent:
            reason = f"the {MOST_REQUESTS} requests of a measurement were used up"
        except Exception as problem:  # one answer that nobody can read must not cost the other axes
            reason = f"the answers cannot be read ({type(problem).__name__})"
    if isinstance(found, Found):
        found = {experiment.axes[0]: found}
    return {axis: found.get(axis, Found(None, reason)) for axis in experiment.axes}


def _lacking(probe: Probe, experiment: Experiment) -> str:
    """Why an experiment would tell nothing; empty where it may."""
    for axis, wanted in experiment.needs.items():
        value = probe.value(axis)
        if value is None:
            return f"{axis} was not measured: {probe.found[axis].evidence}"
        if value == "none":
            return "no place for a key was found"
        if wanted != "found" and value != wanted:
            return f"{axis}: keys are {value}"
    return ""
