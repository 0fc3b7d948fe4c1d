"""Lost replies: the answer gets lost on its way, the request is sent again as the guides say, and has one effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from conformance.evidence.exchange import Exchange
from conformance.evidence.finding import Finding
from conformance.scenarios.acting import NOTHING, Actor, Table, for_each
from conformance.scenarios.acting import told as in_words
from conformance.scenarios.arguments import takes
from conformance.scenarios.effects import bearing, lists, marked, money, otherwise
from conformance.scenarios.expecting import differences
from conformance.scenarios.outcomes import Inapplicable, Inconclusive, NonConformance
from conformance.scenarios.performing import (
    KEYED,
    counted_body_key,
    intent_for,
    repeatable,
    request_of,
    submit,
)
from conformance.sighting import Sighting
from conformance.target.proxy import MISHAPS, Told, told

PAUSES = (0.0, 0.5, 1.0)  # seconds before each retry
UNDER_WAY = 409  # the first request is not over yet


@dataclass(frozen=True)
class Course:
    """What became of one request: the exchanges it took, what the target answered first, and the client's answer."""

    mishap: str
    intent: str
    first: Told
    numbers: tuple[int, ...]
    answer: Sighting


@dataclass(frozen=True)
class Wrong:
    """A member that is not as it has to be."""

    member: str
    expected: str
    actual: Any


@takes(*KEYED, "mishaps", "member", "without_key", "or_refused", "between", "marked")
def test_lost_reply(act: Actor, args: Table) -> None:
    """After each of ``mishaps`` (or all of ``proxy.MISHAPS``) the request is sent again, is answered, and acts once.

    The answer is a success that shows the intent as it was at first; with ``or_refused`` an answer without one
    will do, unless it is a 5xx. The key
    stands in the header, or in ``member`` of the body; with ``without_key`` there is none. ``marked``: creates bear a
    mark and are counted in the list, where the target has one. ``between`` are the members of an update between mishap
    and retry, which the retry has to leave alone.
    """
    if "member" in args:
        counted_body_key(act, args)
    creates: dict[str, Course] = {}
    steps: list[Callable[[], None]] = [
        partial(_expect_once, act, args, mishap, creates) for mishap in args.get("mishaps", MISHAPS)
    ]
    if args.get("marked") and lists(act):
        steps.append(partial(_expect_listed_once, act, creates))
    for_each(steps, lambda step: step())


def _expect_once(act: Actor, args: Table, mishap: str, creates: dict[str, Course]) -> None:
    """One mishap; a marked create is left in ``creates``, by its mark."""
    asked = repeatable(act, args)
    operation, intent, body = asked.operation, asked.intent, asked.body
    mark = act.client.fresh("mark") if args.get("marked") else ""
    if mark:
        body |= marked(mark)
    send = partial(act.client.call, operation, intent, body, idempotency_key=asked.key)
    lost = send(mishap=mishap)
    first = _first(act, operation, intent, lost)
    made = [lost]
    between = args.get("between", NOTHING) if lost.response is None else NOTHING
    if between:
        made.append(_updated(act, intent, between).exchange)
    answer = act.seen(_answered(act, lost, send, made))
    course = Course(mishap, str(first.members[act.id]), first, tuple(one.number for one in made), answer)
    if mark:
        creates[mark] = course
    _expect_answer(act, args, course)
    if operation != "create":
        _expect_effect(act, args, course, between)


def _first(act: Actor, operation: str, intent: str, lost: Exchange) -> Told:
    """What the target had answered. Raises ``Inconclusive`` where that was no success, or nothing got lost."""
    first = told(lost)
    if first is None:
        raise Inconclusive(f"exchange {lost.number} met with no mishap of ours: {lost.failure or 'it was answered'}")
    if act.contract.operations[operation].inferred and first.status in (404, 405):
        raise Inapplicable(f"the target does not serve {operation} at a path that no document names")
    if not 200 <= first.status < 300:
        raise Inconclusive(
            f"{operation} was refused before anything got lost: HTTP {first.status} (exchange {lost.number})"
        )
    if not isinstance(first.members.get(act.id), str) or intent not in ("", first.members[act.id]):
        raise Inconclusive(
            f"{operation} showed no intent, or another, before anything got lost (exchange {lost.number})"
        )
    return first


def _answered(act: Actor, lost: Exchange, send: Callable[..., Exchange], made: list[Exchange]) -> Exchange:
    """The exchange that ends it; all retries are added to ``made``. What was answered is not sent again."""
    current = lost
    for pause in PAUSES:
        answer = current.response
        if answer and answer.status < 500 and answer.status != UNDER_WAY:
            break
        if pause:
            act.clock.sleep(pause)
        current = send()
        made.append(current)
    return current


def _updated(act: Actor, intent: str, between: Table) -> Sighting:
    """The other update that comes in between, with a key of its own. Raises ``Inconclusive`` where it does nothing."""
    sighting = submit(act, "update", intent, act.body("update", between))
    if differences(between, act.made(sighting)):
        raise Inconclusive(f"an update does not show what it changes (exchange {sighting.number})")
    return sighting


def _expect_answer(act: Actor, args: Table, course: Course) -> None:
    """The client has its answer: the intent that was answered at first."""
    answer, first = course.answer, course.first
    if not act.shows_intent(answer):
        if args.get("or_refused") and answer.response.status < 500:
            return
        expected = f"the intent {course.intent}, as first answered with HTTP {first.status}"
        raise NonConformance((_finding(course, answer, expected, in_words(answer)),))
    shown = answer.intents[0][act.id]
    if shown != course.intent:
        expected = f"{act.id} as first answered: {course.intent!r}"
        raise NonConformance((_finding(course, answer, expected, shown, f"/{act.id}"),))


def _expect_effect(act: Actor, args: Table, course: Course, between: Table) -> None:
    """Answer and retrieve show one effect: status and money as first answered, and the update in between.

    Where a retrieve shows another, a second one decides, as a copy that is read may be behind; and what the target
    shows otherwise than it answers even without a mishap is for other rows.
    """
    first, shown = course.first.members, course.answer
    wrong = _unlike(first, shown.intents[0], _members(act, first, money(act))) if act.shows_intent(shown) else []
    if not wrong:
        shown, wrong = _look(act, course.intent, first, between)
        if wrong:
            shown, wrong = _look(act, course.intent, first, between)
    if not wrong:
        return
    usual = _usually_wrong(act, args, between)
    if shared := [one.member for one in wrong if one.member in usual]:
        raise Inconclusive(f"{shared[0]} does not stay as it was answered, even where no answer is lost")
    raise NonConformance(tuple(_finding(course, shown, one.expected, one.actual, f"/{one.member}") for one in wrong))


def _members(act: Actor, first: Table, members: Sequence[str]) -> Sequence[str]:
    """Of these members those that do not change by themselves: none where the status is a passing one."""
    return () if first.get(act.status) in act.contract.passing else members


def _unlike(first: Table, shown: Table, members: Sequence[str]) -> list[Wrong]:
    return [
        Wrong(member, f"{member} as first answered: {first[member]!r}", shown[member])
        for member in otherwise(first, shown, members)
    ]


def _look(act: Actor, intent: str, first: Table, between: Table) -> tuple[Sighting, list[Wrong]]:
    """A retrieve, and what it shows otherwise than the operation's answer did, but for what came in between."""
    sighting = act.retrieve(intent)
    shown = act.looked(sighting)
    if shown[act.id] != intent:
        raise Inconclusive(f"a retrieve shows another intent (exchange {sighting.number})")
    wrong = _unlike(first, shown, _members(act, first, (act.status, *money(act))))
    for at, expected, actual in differences(between, shown):
        member = at.split("/")[1]
        wrong.append(Wrong(member, f"{at[1:]} = {expected!r}, as the update in between made it", actual))
    return sighting, wrong


def _usually_wrong(act: Actor, args: Table, between: Table) -> set[str]:
    """The members that a retrieve shows otherwise than they were answered when nothing gets lost."""
    operation = args["operation"]
    intent = str(intent_for(act, operation, args)[act.id])
    answer = act.made(submit(act, operation, intent, request_of(act, operation, args)), operation)
    if between:
        _updated(act, intent, between)
    _, wrong = _look(act, intent, answer, between)
    return {one.member for one in wrong}


def _expect_listed_once(act: Actor, creates: dict[str, Course]) -> None:
    """Of each create one intent stands in the list."""
    if not creates:
        return
    findings = []
    for mark, listed in bearing(act, {mark: (course.intent,) for mark, course in creates.items()}).items():
        if len(listed) > 1:
            *_, page = listed.values()
            actual = f"{len(listed)}: {', '.join(listed)}"
            findings.append(_finding(creates[mark], page, "one intent with this metadata in the list", actual))
    if findings:
        raise NonConformance(tuple(findings))


def _finding(course: Course, shown: Sighting, expected: str, actual: object, at: str = "") -> Finding:
    """The finding, which names the mishap and all exchanges of the course; ``shown`` is the last of them."""
    numbers = tuple(dict.fromkeys((*course.numbers, shown.number)))
    contradiction = shown.contradiction(f"after {course.mishap}: {expected}", actual, at)
    return replace(contradiction, exchanges=numbers, sequence=True)
