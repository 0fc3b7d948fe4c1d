"""Generates exam cases from a provider's contract: the one module that knows Schemathesis, private names included."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain, count
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity
from schemathesis import GenerationMode

from conformance.scenarios.alone import alone
from conformance.scenarios.exam import ExamCase, Mode, canonical, write_exam
from conformance.scenarios.exam_schema import Schema, accept, plain, request_of, without
from conformance.scenarios.exam_sieve import Candidate, Reading, choose, negatives, positives

MODES: tuple[Mode, ...] = ("positive", "negative")
SEED = 20250827
# A generated value is a function of these; other versions freeze another exam.
GENERATORS = ("hypothesis", "jsonschema-rs", "schemathesis")
# Names outside the published interface, also of ``alone``: (owner, attribute). A test asserts that each still exists.
PRIVATE_NAMES = (
    ("schemathesis.specs.openapi.schemas:OpenApiSchema", "iter_coverage_cases"),
    ("schemathesis.config:ProjectConfig", "generation_for"),
    ("schemathesis.core", "NOT_SET"),
    ("schemathesis.generation.meta:CoveragePhaseData", "parameter_location"),
    ("schemathesis.generation.meta:FuzzingPhaseData", "parameter_location"),
    ("schemathesis.schemas:APIOperation", "as_strategy"),
    ("hypothesis.configuration", "set_hypothesis_home_dir"),
    ("hypothesis.internal.conjecture.providers", "_get_local_constants"),
    ("hypothesis.internal.conjecture.providers", "CONSTANTS_CACHE"),
    ("hypothesis.internal.conjecture.providers", "Constants"),
)
_FUZZED = 150  # examples drawn for each operation and mode, beside the enumerated ones
_IDLE_ROUNDS = 20
_KEYS = {"after", "cases", "no_negatives", "no_unknown", "omit", "values"}  # of an [exam.<operation>]


@dataclass(frozen=True)
class _Plan:
    """What to generate for one operation, and how to judge it.

    ``enumerated`` is generated from systematically, ``fuzzed`` at random; ``cases`` are limits that the contract sets.
    """

    operation: str
    reading: Reading
    enumerated: dict[Mode, Schema]
    fuzzed: dict[Mode, Schema]
    cases: Mapping[Mode, int]

    @property
    def limits(self) -> dict[Mode, int]:
        """How many cases at most: the more members a request has, the longer its exam."""
        members = {mode: len(schema["properties"]) for mode, schema in self.enumerated.items()}
        return {
            "positive": min(40, max(15, 2 * members["positive"])),
            "negative": min(90, max(40, 6 * members["negative"])),
            **self.cases,
        }


def freeze(folder: Path) -> str:
    """The text of ``exam.jsonl`` for a provider's folder; the same for the same contract and library versions.

    Raises ValueError where the folder's base requests contradict its schemas, or an ``[exam.<operation>]`` is wrong.
    """
    plans = [_plan(folder, operation) for operation in _settings(folder).get("exam", {})]
    cases = [
        ExamCase(
            f"{plan.operation}-{mode[0]}-{number:03}", plan.operation, mode, chosen.body, chosen.location, chosen.why
        )
        for plan in plans
        for mode in MODES
        for number, chosen in enumerate(_frozen(plan, mode), 1)
    ]
    head = {
        "contract": f"sha256:{hashlib.sha256(canonical([_plan_digest(plan) for plan in plans]).encode()).hexdigest()}",
        "generators": {name: version(name) for name in GENERATORS},
        "seed": SEED,
    }
    return write_exam(head, cases)


def fresh_cases(folder: Path, operation: str, seed: int) -> Iterator[ExamCase]:
    """Cases beyond the exam, positive and negative in turn, none twice, until the caller stops.

    The same seed gives the same cases in the same order. Ends by itself only where nothing new can be generated.
    """
    plan = _plan(folder, operation)
    seen: set[str] = set()
    numbers = count(1)
    idle = 0
    for attempt in count():
        fresh = 0
        for mode in MODES:
            for chosen in list(_sifted(plan, mode, _fuzzed(plan.fuzzed[mode], mode, seed + attempt))):
                text = canonical(chosen.body)
                if text not in seen:
                    seen.add(text)
                    fresh += 1
                    name = f"{operation}-fresh-{seed}-{next(numbers):04}"
                    yield ExamCase(name, operation, mode, chosen.body, chosen.location, chosen.why)
        idle = 0 if fresh else idle + 1
        if idle == _IDLE_ROUNDS:
            return


def _frozen(plan: _Plan, mode: Mode) -> list[Candidate]:
    bodies = chain(_enumerated(plan.enumerated[mode], mode), _fuzzed(plan.fuzzed[mode], mode, SEED))
    chosen = choose(_sifted(plan, mode, bodies), plan.limits[mode])
    return sorted(chosen, key=lambda case: (case.location, case.why, canonical(case.body)))


def _sifted(plan: _Plan, mode: Mode, bodies: Iterator[Any]) -> Iterator[Candidate]:
    sieve = positives if mode == "positive" else negatives
    for body in bodies:
        yield from sieve(plan.reading, body)


def _settings(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "provider.toml").read_text(encoding="utf-8"))


def _plan(folder: Path, operation: str) -> _Plan:
    settings = _settings(folder)
    exam = settings["exam"][operation]
    if unknown := sorted(set(exam) - _KEYS):
        raise ValueError(f"{folder / 'provider.toml'}: [exam.{operation}] has unknown keys: {', '.join(unknown)}")
    travel, schema = request_of(folder, operation)
    method = settings.get("members", {}).get("payment_method", "")
    method = method if method in schema.get("properties", {}) else ""
    base = dict(settings.get("requests", {}).get(operation, {}))
    if operation == "confirm" and method:
        base.setdefault(method, "{success}")
    values = exam.get("values", {})
    offered = {
        name: [base[name], *values.get(name, ())] if name in base else values[name] for name in {**base, **values}
    }
    placeholders = {name: [value for value in offers if _is_placeholder(value)] for name, offers in offered.items()}
    schema = accept(schema, placeholders)
    pinned = {name for name, value in {**base, method: "{success}"}.items() if _is_placeholder(value)} - set(values)
    omit, untouched = set(exam.get("omit", ())), set(exam.get("no_negatives", ()))
    reading = Reading(
        schema=schema,
        travel=travel,
        base=base,
        untouched=frozenset(untouched),
        pinned=frozenset(pinned),
        values=values,
        method=method,
        unknown_allowed=bool(exam.get("no_unknown")),
    )
    if not reading.documented.is_valid(base) or not reading.arrives_valid(base):
        reasons = "; ".join(error.message for error in reading.documented.iter_errors(base))
        raise ValueError(f"{folder / 'provider.toml'}: [requests.{operation}] is not a valid request: {reasons}")
    tame = plain(without(schema, omit | pinned), values)
    # Violations of members that need an account's context are as good as others, but random ones deep inside the
    # many forms of payment methods take minutes to draw.
    return _Plan(
        operation=operation,
        reading=reading,
        enumerated={"positive": tame, "negative": without(schema, untouched)},
        fuzzed={"positive": tame, "negative": without(schema, omit | untouched)},
        cases=exam.get("cases", {}),
    )


def _plan_digest(plan: _Plan) -> list[Any]:
    """All that generation reads of the contract; a comment or another operation does not change it."""
    reading = plan.reading
    judged = [reading.schema, reading.travel, reading.base, sorted(reading.untouched), reading.unknown_allowed]
    return [plan.operation, plan.enumerated, plan.fuzzed, plan.limits, *judged]


def _is_placeholder(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("{") and value.endswith("}")


def _operation(schema: Schema) -> Any:
    """A Schemathesis operation whose only input is a JSON body of this schema: encodings are judged by us."""
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    post = {"requestBody": body, "responses": {"200": {"description": "any"}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "exam", "version": "1"},
        "paths": {"/exam": {"post": post}},
    }
    generation = {"database": "none", "allow-x00": False}
    config = schemathesis.Config.from_dict({"seed": SEED, "generation": generation, "cache": {"enabled": False}})
    return schemathesis.openapi.from_dict(document, config=config)["/exam"]["POST"]


def _enumerated(schema: Schema, mode: Mode) -> Iterator[Any]:
    """The bodies of the coverage phase: boundaries and violations, enumerated."""
    operation = _operation(schema)
    wanted = GenerationMode(mode)
    with alone():
        cases = operation.schema.iter_coverage_cases(
            operation,
            generation_modes=[wanted],
            generation_config=operation.schema.config.generation_for(operation=operation, phase="coverage"),
        )
        bodies = [case.body for case in cases if case.method == "POST" and _is_body(case)]
    yield from bodies


def _fuzzed(schema: Schema, mode: Mode, seed: int) -> Iterator[Any]:
    """Bodies drawn at random, from the seed alone."""
    operation = _operation(schema)
    bodies: list[Any] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=_FUZZED,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=GenerationMode(mode)))
    def collect(case: Any) -> None:
        if _is_body(case):
            bodies.append(case.body)

    with alone():
        collect()
    yield from bodies


def _is_body(case: Any) -> bool:
    """Whether the case is about its body: probes of content types and methods belong to scenarios of their own."""
    data = case.meta.phase.data
    about = getattr(data, "parameter_location", None)
    return not isinstance(case.body, type(schemathesis.core.NOT_SET)) and (about is None or about.name == "BODY")
