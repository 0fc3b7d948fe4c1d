"""Tells a reader why no order explains some answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations

from conformance.contract import Contract
from conformance.linearizability.calls import Shown
from conformance.linearizability.model import Model, Objection, Shape, State
from conformance.linearizability.search import Timed

_LONGEST = 290
_NAMED = 4  # answers, and reasons; of more answers the orders are not told
_STATES = 100
_CHECKED = ("", "key", "status", "id", "amount", "payment", "received", "capturable")  # in this order
_MEMBERS = {"received": "amount_received", "capturable": "amount_capturable"}


def tell(
    contract: Contract, model: Model, answers: Sequence[Timed], after: Shown | None, others: Sequence[Timed]
) -> tuple[str, str, str]:
    """(expected, actual, JSON pointer) of answers, and a final look where ``after`` is given, that nothing explains.

    ``others`` are the calls of whose answers nothing is assumed.
    """
    if after is None and (told := _one_of_two(contract, answers)):
        return told
    shown = [f"{one.shape.operation} (exchange {one.number}) {_answer(one)}" for one in answers[:_NAMED]]
    shown += [f"{len(answers) - _NAMED} more"] if len(answers) > _NAMED else []
    end = f"the end {_seen(after)}" if after else ""
    calls = "one order of the calls" if len(answers) != 1 else "an order of the calls"
    explains = ", ".join([*shown, end] if end else shown)
    objections = _objections(model, answers, after, {one.shape: None for one in others})
    reasons = list(dict.fromkeys(_reason(one) for one in objections))
    times = list(_times(answers))
    reasons[_NAMED:] = ["…"] if len(reasons) > _NAMED else []
    actual = "none" + (": " + "; ".join([*reasons, *times]) if reasons or times else "")
    members = {objection.member for _, objection in objections}
    member = members.pop() if len(members) == 1 else ""
    return _short(f"{calls} that explains {explains}"), _short(actual), _pointer(contract, member)


def _one_of_two(contract: Contract, answers: Sequence[Timed]) -> tuple[str, str, str] | None:
    """The words for two successes that show two of what there is one of."""
    if len(answers) != 2 or any(one.shape.answer.kind != "shown" for one in answers):
        return None
    one, other = answers
    first, second = one.shape.answer.shown, other.shape.answer.shown
    if one.shape.key and (one.shape.key, one.shape.request) == (other.shape.key, other.shape.request):
        for name in ("id", "payment", "status", "amount", "received", "capturable"):
            mine, theirs = getattr(first, name), getattr(second, name)
            if mine is not None and theirs is not None and mine != theirs:
                what = {"id": "one intent", "payment": "one payment"}.get(name, f"one answer ({name})")
                return f"{what} for one key", _both(mine, one, theirs, other), _pointer(contract, name)
    if first.payment and second.payment and first.payment != second.payment and first.status == second.status:
        text = "at most one successful payment of an intent"
        return text, _both(first.payment, one, second.payment, other), _pointer(contract, "payment")
    return None


def _both(mine: object, one: Timed, theirs: object, other: Timed) -> str:
    return _short(f"{mine} (exchange {one.number}), {theirs} (exchange {other.number})")


def _objections(
    model: Model, answers: Sequence[Timed], after: Shown | None, others: Iterable[Shape]
) -> list[tuple[Timed | None, Objection]]:
    """Where each order of these answers comes to its end, whatever the others do; None for the final look."""
    found: list[tuple[Timed | None, Objection]] = []
    if len(answers) > _NAMED:
        return found
    for order in permutations(answers):
        if any(later.ended < earlier.started for index, earlier in enumerate(order) for later in order[index + 1 :]):
            continue
        states = _reached(model, [model.start], others)
        for one in order:
            stuck = [objection for state in states for objection in model.objections(state, one.shape)]
            results = [result for state in states for result in model.steps(state, one.shape)]
            if not results:
                found += [(one, objection) for objection in _closest(stuck)]
                break
            states = _reached(model, results, others)
        else:
            ends = [model.objections_to_end(state, after) for state in states] if after else []
            found += [(None, objection) for objection in _closest([one for end in ends for one in end])]
    return found


def _reached(model: Model, states: Iterable[State], others: Iterable[Shape]) -> list[State]:
    """The states, and those to which the others may bring the intent from there; not all, where they are many."""
    found = dict.fromkeys(states)
    new = list(found)
    while new and len(found) < _STATES:
        state = new.pop(0)
        more = {result: None for shape in others for result in model.steps(state, shape)}
        new += [one for one in more if one not in found]
        found |= more
    return list(found)


def _closest(objections: Sequence[Objection]) -> list[Objection]:
    """The objections in the states that come closest."""
    last = max((_CHECKED.index(objection.member) for objection in objections), default=0)
    return [objection for objection in objections if _CHECKED.index(objection.member) == last]


def _reason(told: tuple[Timed | None, Objection]) -> str:
    one, objection = told
    if one is None:
        return f"in the end {objection.text}"
    if objection.member == "status":
        return objection.text
    return f"before exchange {one.number}, {objection.text}"


def _times(answers: Sequence[Timed]) -> Iterator[str]:
    for one in answers:
        for other in answers:
            if one.ended < other.started:
                yield f"exchange {one.number} had ended before exchange {other.number} started"


def _answer(one: Timed) -> str:
    answer = one.shape.answer
    if answer.kind == "shown":
        return _seen(answer.shown)
    return "was refused for the intent's status" if answer.claims_state else "was refused"


def _seen(shown: Shown) -> str:
    money = [f"{name} {value}" for name in ("amount", "received") if (value := getattr(shown, name)) is not None]
    return f"showed {shown.status}" + (f" ({', '.join(money)})" if money else "")


def _pointer(contract: Contract, member: str) -> str:
    if member in ("", "key"):
        return ""
    name = _MEMBERS.get(member, member)
    return f"/{contract.settings['members'].get(name, name)}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
