"""Rolls the outcomes of checks up to one verdict per requirement, and these to the result of the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from typing import Literal

from conformance.contract.model import LEVELS, Contract, Level, Requirement, Source
from conformance.evidence.finding import RANKING, Finding, Outcome, VerdictName
from conformance.verdict.waivers import Waiver, check_waivers

Result = Literal["conformant", "non_conformant", "inconclusive"]

NOT_SELECTED = "not selected"
LEFT_OUT = "left out: "  # how the reason of a row begins that a part of a run does not act
NEVER_MET = "the run never met a situation in which it applies"
_NAMED = 10  # ids named in a sentence before it only counts the rest


@dataclass(frozen=True)
class RequirementVerdict:
    """What a run says of one requirement.

    ``reason`` says why it is neither pass nor fail, or remarks on a pass or fail. ``exchanges`` are the numbers of
    those that show it, those of the findings among them; ``judged`` counts all that were looked at.
    ``stale`` says why the waiver must go; it is empty for a waiver that stands, and where there is none.
    """

    id: str
    level: Level
    area: str
    verdict: VerdictName
    statement: str
    sources: tuple[Source, ...]
    check: str = ""
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    exchanges: tuple[int, ...] = ()
    judged: int = 0
    waiver: Waiver | None = None
    stale: str = ""

    @property
    def waived(self) -> bool:
        """It fails, and the target's owner accepts that for now."""
        return self.verdict == "fail" and self.waiver is not None and not self.stale


@dataclass(frozen=True)
class Judgement:
    """The verdicts of all requirements of a contract, in its order, and the result that they make."""

    result: Result
    reasons: tuple[str, ...]
    requirements: tuple[RequirementVerdict, ...]
    strict: bool


def judge(
    contract: Contract,
    outcomes: Iterable[Outcome],
    *,
    waivers: Iterable[Waiver] = (),
    today: date,
    strict: bool = False,
    selected: Collection[str],
    unsound: str = "",
) -> Judgement:
    """One verdict for every requirement of ``contract``: the worst of its outcomes, by ``RANKING``.

    ``selected`` are the ids that the run was to judge; outcomes of others are not looked at. ``strict`` lets SHOULD
    decide as MUST does. Waivers are held against the day ``today``. ``unsound`` says why the run as a whole decides
    nothing, whatever its verdicts; empty where it does. Raises ``WaiverError`` for a waiver of an unknown
    requirement or two of one, and ``ValueError`` for an outcome of an unknown requirement.
    """
    waivers = tuple(waivers)
    check_waivers(waivers, contract.requirements)
    waived = {waiver.requirement: waiver for waiver in waivers}
    by_requirement: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.requirement not in contract.requirements:
            raise ValueError(f"an outcome names {outcome.requirement!r}, which {contract.name} does not require")
        by_requirement[outcome.requirement].append(outcome)
    rows = tuple(
        _verdict(row, by_requirement[row.id], waived.get(row.id), today, row.id in selected)
        for row in contract.requirements.values()
    )
    rows = _resting(contract, rows)
    result, reasons = ("inconclusive", (unsound,)) if unsound else decide(rows, strict)
    return Judgement(result, reasons, rows, strict)


def deciding_levels(strict: bool) -> tuple[Level, ...]:
    """The levels of the requirements that decide conformance; the others warn or inform."""
    return ("MUST", "SHOULD") if strict else ("MUST",)


def decide(rows: Iterable[RequirementVerdict], strict: bool) -> tuple[Result, tuple[str, ...]]:
    """The result that these verdicts make, and sentences that say why it is what it is."""
    rows = tuple(rows)
    levels = deciding_levels(strict)
    stale = [f"The waiver of {row.id} {row.stale}." for row in rows if row.stale]
    failing = [_sentence(_unwaived(rows, level), "fail", level) for level in levels]
    against = [sentence for sentence in (*failing, *stale) if sentence]
    if against:
        return "non_conformant", tuple(against)

    deciding = [row for row in rows if row.level in levels]
    passed = [row for row in deciding if row.verdict == "pass"]
    named = " or ".join(levels)
    open_ = [
        _sentence([row for row in deciding if row.verdict == verdict], text, named)
        for verdict, text in (("error", "ended in an error"), ("inconclusive", "could not be brought about"))
    ]
    if not passed:
        open_.append(f"No {named} requirement passed, so nothing that decides conformance was shown to hold.")
    unsettled = [sentence for sentence in open_ if sentence]
    if unsettled:
        return "inconclusive", tuple(unsettled)

    remarks = [f"{_count(len(passed), named)} judged, and none contradicted."]
    remarks += [_sentence([row for row in rows if row.waived], "fail, but waived", "")]
    remarks += [_left_out(rows)]
    tones: tuple[tuple[Level, str], ...] = (("SHOULD", "fail, which warns"), ("MAY", "fail, which informs"))
    for level, tone in tones:
        if level not in levels:
            remarks.append(_sentence(_unwaived(rows, level), tone, level))
    return "conformant", tuple(sentence for sentence in remarks if sentence)


def _unwaived(rows: Iterable[RequirementVerdict], level: Level) -> list[RequirementVerdict]:
    return [row for row in rows if row.level == level and row.verdict == "fail" and not row.waived]


def _verdict(
    row: Requirement, outcomes: Sequence[Outcome], waiver: Waiver | None, today: date, selected: bool
) -> RequirementVerdict:
    verdict, reason = _worst(row, outcomes if selected else (), selected)
    told = outcomes if selected and not row.not_tested else ()
    findings = tuple(dict.fromkeys(chain.from_iterable(outcome.findings for outcome in told)))
    shown: list[Outcome | Finding] = [*told, *findings]
    return RequirementVerdict(
        id=row.id,
        level=row.level,
        area=row.area,
        verdict=verdict,
        statement=row.statement,
        sources=row.sources,
        check=row.check,
        reason=reason,
        findings=findings,
        exchanges=tuple(sorted(set(chain.from_iterable(one.exchanges for one in shown)))),
        judged=sum(outcome.judged for outcome in told),
        waiver=waiver,
        stale=stale(waiver, verdict, today) if waiver and selected else "",
    )


def _resting(contract: Contract, rows: Sequence[RequirementVerdict]) -> tuple[RequirementVerdict, ...]:
    """The verdicts; inapplicable is what rests on a failing requirement and fails, too, or could not be brought about.

    One defect is one red line.
    """
    failing = {row.id for row in rows if row.verdict == "fail"}
    settled = []
    for row in rows:
        broken = [name for name in contract.requirements[row.id].rests_on if name in failing]
        if row.verdict in ("fail", "inconclusive") and broken:
            reason = f"it rests on {broken[0]}, which fails"
            row = replace(row, verdict="inapplicable", reason=reason, findings=())
        settled.append(row)
    return tuple(settled)


def _worst(row: Requirement, outcomes: Sequence[Outcome], selected: bool) -> tuple[VerdictName, str]:
    """The verdict, and why it is neither pass nor fail; of those, what is remarked."""
    if not selected:
        return "not_run", NOT_SELECTED
    if row.not_tested:
        return "inapplicable", f"no black-box run can judge it: {row.not_tested}"
    sound = [_sound(outcome) for outcome in outcomes]
    if not sound:
        return "not_run", NEVER_MET
    worst = min((verdict for verdict, _ in sound), key=RANKING.index)
    reasons = dict.fromkeys(reason for verdict, reason in sound if verdict == worst and reason)
    if worst in ("pass", "fail"):
        return worst, "; ".join(reasons)
    return worst, "; ".join(reasons) or (NEVER_MET if worst == "not_run" else "the check gave no reason")


def _sound(outcome: Outcome) -> tuple[VerdictName, str]:
    """Only a finding makes a fail, and nothing that has one passes; an outcome that says otherwise is our own error."""
    if outcome.verdict == "fail" and not outcome.findings:
        return "error", f"the check failed without a finding{': ' + outcome.reason if outcome.reason else ''}"
    if outcome.verdict == "pass" and outcome.findings:
        return "error", "the check passed and yet has findings"
    return outcome.verdict, outcome.reason


def stale(waiver: Waiver, verdict: VerdictName, today: date) -> str:
    """Why a waiver must go on the day ``today``; empty while it stands."""
    if today > waiver.until:
        return f"ended on {waiver.until.isoformat()}: remove it"
    return "is no longer needed, since the requirement passes: remove it" if verdict == "pass" else ""


def _left_out(rows: Sequence[RequirementVerdict]) -> str:
    """That the result speaks of a part of the contract alone; empty where no row was left out of the run."""
    left = [row for row in rows if row.verdict == "not_run" and row.reason.startswith(LEFT_OUT)]
    if not left:
        return ""
    return f"Only a part was judged: {_count(len(left), '')} {left[0].reason.replace(LEFT_OUT, 'left out by the ', 1)}."


def _sentence(rows: Sequence[RequirementVerdict], what: str, level: str) -> str:
    if not rows:
        return ""
    ids = ", ".join(row.id for row in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    verb = what if len(rows) > 1 else what.replace("fail", "fails", 1)
    return f"{_count(len(rows), level)} {verb}: {ids}{more}."


def _count(number: int, level: str) -> str:
    return " ".join(part for part in (str(number), level, "requirement" if number == 1 else "requirements") if part)


def tally(verdicts: Iterable[VerdictName]) -> dict[VerdictName, int]:
    """How often each verdict occurs, every verdict named."""
    counts: dict[VerdictName, int] = dict.fromkeys(RANKING, 0)
    for verdict in verdicts:
        counts[verdict] += 1
    return counts


def by_level(rows: Iterable[RequirementVerdict]) -> dict[Level, dict[VerdictName, int]]:
    """``tally`` for each level."""
    rows = tuple(rows)
    return {level: tally(row.verdict for row in rows if row.level == level) for level in LEVELS}
