"""Requests at the same moment: some order of them has to explain every answer and what is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

from conformance.contract import Contract
from conformance.evidence.exchange import TOO_MANY, Exchange
from conformance.evidence.finding import Finding
from conformance.linearizability import Call, Contradiction, Explanation, TooHard, explain
from conformance.scenarios.acting import Actor, Table, told
from conformance.scenarios.arguments import takes
from conformance.scenarios.effects import bearing, lists, marked
from conformance.scenarios.listing import patiently
from conformance.scenarios.outcomes import Inapplicable, Inconclusive, NonConformance
from conformance.scenarios.performing import prepared
from conformance.scenarios.windows import gaps
from conformance.scenarios.windows import told as chances_told
from conformance.sighting import Sighting, sighted

SIZES = (2, 10, 100)
BUSY = (TOO_MANY, 503)  # the target has too much to do: that is no answer to what is asked
SHOWN = 12  # calls of an order that are told one by one


@takes("calls", "after", "create", "method", "one_key", "sizes")
def test_burst(act: Actor, args: Table) -> None:
    """``calls``, in turn, so many at once as each of ``sizes`` says, on one intent: explained by some order of them.

    A call is an operation with the members it sends (``send``) and the instrument that it names (``method``);
    ``after``, ``create`` and ``method`` say how their intent comes about, as in test_operation.py. Without ``one_key``
    each call has a key of its own. Sizes that the target's settings do not allow are left out and named.
    """
    sizes, allowed = args.get("sizes", SIZES), act.client.target.burst
    tried = [size for size in sizes if size <= allowed]
    if not tried:
        raise Inapplicable(f"{min(sizes)} requests at once are not allowed: {_limit(act)}")
    drawn = []
    for size in tried:
        calls = [args["calls"][number % len(args["calls"])] for number in range(size)]
        try:
            exchanges, order = explained(act, args, calls)
        except NonConformance:
            _expect_sound_alone(act, args)
            raise
        drawn.append(gaps(exchanges, _alone(act)))
        act.remarks.append(f"{size} at once: {order}")
    act.remarks.append(chances_told(drawn))
    if len(tried) < len(sizes):
        act.remarks.append(f"{max(sizes)} at once were not tried: {_limit(act)}")


def _expect_sound_alone(act: Actor, args: Table) -> None:
    """Raises ``Inconclusive`` where the calls contradict even one after the other: other rows see to that."""
    kinds = args["calls"]
    for calls in permutations(kinds):
        try:
            explained(act, args, (*calls, *calls), at_once=False)
        except NonConformance as wrong:
            raise Inconclusive(f"the same calls contradict each other even one after the other: {wrong}") from wrong


def _limit(act: Actor) -> str:
    target = act.client.target
    if act.client.proxy:
        return "requests reach the target through the environment's proxy, and nobody knows when"
    pace = f", whose pace is {target.requests_per_second:g} a second" if target.requests_per_second else ""
    return f"the target{pace} allows {target.burst} ([target] burst, or --burst, says how many)"


def _alone(act: Actor) -> list[Exchange]:
    """The exchanges of the run that no other one overlapped: those of all scenarios but these."""
    return [one for one in act.client.history.exchanges if not one.scenario.startswith("test_bursts.py")]


def explained(act: Actor, args: Table, calls: Sequence[Table], *, at_once: bool = True) -> tuple[list[Exchange], str]:
    """The exchanges of one burst, and the order that explains them. Raises ``NonConformance`` where none does.

    With ``at_once`` false the calls are sent one after the other.
    """
    size = len(calls)
    creates = all(call["operation"] == "create" for call in calls)
    before = {} if creates else prepared(act, args)
    mark = act.client.fresh("mark") if creates else ""
    requests = [_request(act, call, str(before.get(act.id, "")), mark) for call in _keyed(act, calls, args)]
    exchanges = act.client.together(requests) if at_once else [act.client.call(**request) for request in requests]
    answers = [_answer(act, one) for one in exchanges if one.response is not None]
    if not answers:
        raise Inconclusive(f"none of {size} requests at once was answered ({exchanges[0].failure})")
    carried_out = [answer for answer in answers if act.shows_intent(answer)]
    if args.get("one_key"):
        _expect_one_carried_out(act, answers, carried_out)
    over = len(answers) == len(exchanges)  # of one without an answer nobody knows whether it is
    later = [_once_more(act, requests[0], carried_out[0])] if args.get("one_key") and carried_out and over else []
    all_calls = [Call.of(one, act.contract) for one in (*exchanges, *later)]
    found = _explanation(act, before, all_calls)
    if isinstance(found, Contradiction) and before:
        found = _explanation(act, before, all_calls)  # a copy that is read may be behind
    if isinstance(found, Contradiction):
        looked = (act.client.history.last,) if before else ()
        raise NonConformance((_finding(found, looked, exchanges[0].scenario),))
    if not carried_out:  # all were refused, as they may be
        raise Inconclusive(f"none of {size} requests at once was carried out ({told(answers[0])})")
    _expect_each_raced(calls, answers)
    if creates:
        _expect_found(act, carried_out[-1])
    if creates and lists(act):
        _expect_listed(act, mark, carried_out)
    return exchanges, _order(act, found, exchanges)


def _explanation(act: Actor, before: Table, calls: Sequence[Call]) -> Explanation | Contradiction:
    """What becomes of the calls beside a look at the intent, where there is one. Raises ``Inconclusive``."""
    after = _after(act, before) if before else None
    try:
        return explain(_as_lent(act), before or None, calls, after)
    except TooHard as error:
        raise Inconclusive(str(error)) from error


def _as_lent(act: Actor) -> Contract:
    """The contract with the instruments that the target lends: what is documented of a call depends on its method."""
    return replace(act.contract, settings={**act.contract.settings, "instruments": act.client.target.instruments})


def _expect_one_carried_out(act: Actor, answers: Sequence[Sighting], carried_out: Sequence[Sighting]) -> None:
    """Of a burst with one key one is carried out; the others get its answer, or a refusal with a 4xx status."""
    for answer in answers:
        if not act.shows_intent(answer) and not 400 <= answer.response.status < 500:
            act.contradict(answer, "the intent, or a refusal with a 4xx status", told(answer))
    if not carried_out:
        act.contradict(answers[0], f"one of {len(answers)} requests with one key succeeds", told(answers[0]))


def _once_more(act: Actor, request: Mapping[str, Any], first: Sighting) -> Exchange:
    """The request of a burst with one key again, when all are over: answered as the one that was carried out."""
    again = act.seen(act.client.call(**request))
    if not act.shows_intent(again):
        expected = f"the intent {first.intents[0][act.id]} again, as in exchange {first.number}, when all are over"
        finding = again.contradiction(expected, told(again))
        raise NonConformance((replace(finding, exchanges=(first.number, again.number), sequence=True),))
    return again.exchange


def _expect_each_raced(calls: Sequence[Table], answers: Sequence[Sighting]) -> None:
    """Raises ``Inconclusive`` where an operation was answered by errors of the server alone: it raced with nothing."""
    for operation in dict.fromkeys(call["operation"] for call in calls):
        own = [answer for answer in answers if answer.operation == operation]
        if all(answer.response.status >= 500 for answer in own):
            what = told(own[0]) if own else "not at all"
            raise Inconclusive(f"{operation} was answered {what}, which says nothing of what it does beside others")


def _expect_found(act: Actor, made: Sighting) -> None:
    """An intent that a burst of creates has made can be retrieved."""
    identifier = str(made.intents[0][act.id])
    looks: list[Sighting] = []

    def look() -> bool | None:
        looks.append(act.retrieve(identifier))
        return act.shows_intent(looks[-1]) or None

    if not patiently(act, look):
        finding = looks[-1].contradiction(
            f"the intent {identifier}, which exchange {made.number} made", told(looks[-1])
        )
        raise NonConformance((replace(finding, exchanges=(made.number, looks[-1].number), sequence=True),))


def _expect_listed(act: Actor, mark: str, carried_out: Sequence[Sighting]) -> None:
    """The list holds the intents of a burst of creates, and no other one that bears its mark."""
    made = {str(answer.intents[0][act.id]) for answer in carried_out}
    listed = bearing(act, {mark: made})[mark]
    if {*listed} != made:
        *_, page = listed.values()
        numbers = tuple(answer.number for answer in carried_out)
        finding = page.contradiction(f"in the list those that were made: {', '.join(sorted(made))}", ", ".join(listed))
        raise NonConformance((replace(finding, exchanges=(*numbers, page.number), sequence=True),))


def _keyed(act: Actor, calls: Sequence[Table], args: Table) -> list[dict[str, Any]]:
    """The calls with their idempotency keys: one for all, or one for each; none where the contract knows none."""
    if "idempotency" not in act.contract.settings:
        return [{**call, "idempotency_key": None} for call in calls]
    shared = act.client.fresh("one-key") if args.get("one_key") else ""
    return [{**call, "idempotency_key": shared or act.client.fresh("own-key")} for call in calls]


def _request(act: Actor, call: Mapping[str, Any], intent: str, mark: str) -> dict[str, Any]:
    operation, method = call["operation"], call.get("method", "")
    send = {**call.get("send", {}), **(marked(mark) if mark else {})}
    return {
        "operation": operation,
        "intent": intent,
        "body": act.body(operation, send, method=method),
        "idempotency_key": call["idempotency_key"],
    }


def _answer(act: Actor, exchange: Exchange) -> Sighting:
    """The answer as the contract reads it. Raises ``Inconclusive`` where the target has too much to do."""
    sighting = sighted(act.contract, exchange) or Sighting(act.contract, exchange, "", "")
    if sighting.response.status in BUSY:
        raise Inconclusive(f"the target answered {sighting.response.status}; lower [target] burst")
    return sighting


def _after(act: Actor, before: Table) -> dict[str, Any]:
    """The intent when all is over; one that was in a passing status before may stay there."""
    looked = act.looked(act.retrieve(str(before[act.id])))
    return looked if before.get(act.status) in act.contract.passing else act.settled(looked, act.contract.passing, ())


def _finding(found: Contradiction, looked: tuple[int, ...], scenario: str) -> Finding:
    """The finding: the answers that contradict each other, and the look at what was left."""
    numbers = (*found.exchanges, *looked)
    return Finding(found.expected, found.actual, found.at, numbers, scenario, sequence=len(numbers) > 1)


def _order(act: Actor, found: Explanation, exchanges: Sequence[Exchange]) -> str:
    """The order in words: how each call was answered."""
    by_number = {one.number: one for one in exchanges}
    answers = [
        f"{one.operation} {one.response.status}"
        for number in found.order
        if number in by_number and by_number[number].response and (one := _answer(act, by_number[number]))
    ]
    runs: list[tuple[str, int]] = []
    for answer in answers:
        if runs and runs[-1][0] == answer:
            runs[-1] = (answer, runs[-1][1] + 1)
        else:
            runs.append((answer, 1))
    shown = [answer if count == 1 else f"{answer} ({count} times)" for answer, count in runs]
    more = f", and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return "explained by " + ", ".join(shown[:SHOWN]) + more
