"""Experiments on where the key stands, which operations honour it, and what it is unique within."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.dialect.model import Found
from conformance.dialect.probe import MEMBER, MORE, Probe, seen
from conformance.scenarios.outcomes import Inapplicable, Inconclusive, Unanswered
from conformance.sighting import Sighting

OTHER_KEY = "other_api_key"  # the instrument
ON_INTENT = ("cancel", "confirm")  # operations that change an intent's status, the one that asks for less first


def carrier(probe: Probe) -> Mapping[str, Found]:
    """Create twice under one key, and once under another: by the header, then by the body's member."""
    executed: list[Sighting] = []
    for place, name in (("header", probe.header), ("body", MEMBER)):
        probe.carrier = place
        key = probe.key()
        first = probe.create(key)
        if place == "body" and not probe.accepted(first):
            executed.append(first)
            break
        second = probe.create(key)
        reuse = probe.reuse(first, second)
        if reuse == "executed":
            executed += [first, second]
            continue
        other = probe.create(probe.key())
        if probe.reuse(first, other) != "executed":
            raise Inconclusive(f"creates under two keys do not make two intents: {probe.brief(other)}")
        shown = f"two creates under one {name}: the second is {reuse}"
        return {
            "carrier": seen(place, shown, [first, second, other]),
            "create": seen("honoured", shown, [first, second]),
        }
    probe.carrier = "header"
    ignored = seen("ignored", "two creates under one key make two intents", executed)
    try:
        by_cancel = honoured(probe, "cancel")
    except (Inapplicable, Inconclusive, Unanswered):
        by_cancel = ignored
    if by_cancel.value == "honoured":
        return {"carrier": Found("header", by_cancel.evidence, by_cancel.exchanges), "create": ignored}
    return {"carrier": Found("none", ignored.evidence, ignored.exchanges), "create": ignored}


def honoured(probe: Probe, operation: str) -> Found:
    """Confirm, capture or cancel twice under one key, and once under another, which has to be refused."""
    probe.offer(operation)
    act = probe.act
    identifier = _ready(probe, operation)
    body = act.body(operation, method="success" if operation == "confirm" else "")
    key = probe.key()
    first = probe.ask(operation, identifier, body, key)
    made = act.made(first)
    if operation == "confirm":
        act.settled(made, act.contract.passing, act.success())
    second = probe.ask(operation, identifier, body, key)
    control = probe.ask(operation, identifier, body, probe.key())
    answers, again = [first, second, control], probe.accepted(second)
    if probe.accepted(control):
        marked = probe.marked(second)
        if marked is None:
            raise Inconclusive(f"a second {operation} succeeds under any key (exchange {control.number})")
        return seen("honoured" if marked else "ignored", "it succeeds under any key; the marker tells", answers)
    if again:
        return seen("honoured", "succeeds again under its key, is refused under another", answers)
    if probe.value("success") == "refused":
        if probe.refusal(second) == probe.refusal(control):
            raise Inconclusive(f"a repeat is refused under any key: {probe.brief(second)}")
        return seen("honoured", "refused under its key in another way than under a new one", answers)
    if probe.refusal(second) != probe.refusal(control):
        raise Inconclusive(f"a repeat is refused, but not as under another key: {probe.brief(second)}")
    return seen("ignored", f"refused under its key as under another: {probe.brief(second)}", answers)


def _ready(probe: Probe, operation: str) -> str:
    """An intent on which the operation succeeds."""
    act = probe.act
    if operation != "capture":
        return str(act.fresh()[act.id])
    from conformance.contract.lifecycle import path_after

    moves = [move for move in act.contract.transitions.values() if move.operation == operation and move.to]
    ways = [path_after(act.contract, move) for move in moves if not move.refused and not move.send]
    way = min((way for way in ways if len(way) > 1), key=len, default=())
    if not way:
        raise Inconclusive(f"no documented way leads to a {operation}")
    return str(act.after(way[-2].id)[act.id])


def updating(probe: Probe) -> Found:
    """An amount, another one, and the first again under its key: a repeat that is carried out brings it back."""
    probe.offer("update")
    act = probe.act
    intent = act.fresh()
    identifier, amount = str(intent[act.id]), int(intent["amount"])
    one, other = (act.body("update", {"amount": amount + more}) for more in (MORE, 2 * MORE))
    key = probe.key()
    answers = [probe.ask("update", identifier, one, key), probe.ask("update", identifier, other, probe.key())]
    for answer in answers:
        act.made(answer, "update the amount")
    answers.append(probe.ask("update", identifier, one, key))
    probe.accepted(answers[-1])
    look = act.retrieve(identifier)
    stands = act.made(look).get("amount")
    if stands == other["amount"]:
        return seen("honoured", "an earlier update, sent again, leaves the later one standing", [*answers, look])
    if stands == one["amount"]:
        return seen("ignored", "an earlier update, sent again, undoes the later one", [*answers, look])
    raise Inconclusive(f"the amount is {stands!r}, which no update gave (exchange {look.number})")


def reading(probe: Probe) -> Found:
    """A retrieve with a key, before and after a change."""
    if probe.carrier != "header":
        raise Inapplicable("a retrieve has no body that could hold a key")
    act = probe.act
    intent = act.fresh()
    identifier, headers = str(intent[act.id]), {probe.header: probe.key()}
    before = act.retrieve(identifier, headers=headers)
    was, now = act.made(before).get(act.status), changed(probe, identifier)
    after = act.retrieve(identifier, headers=headers)
    shown = act.made(after).get(act.status)
    if was == now or shown not in (was, now):
        raise Inconclusive(f"the status was {was}, is {now}, and is shown as {shown}")
    value = "ignored" if shown == now else "honoured"
    return seen(value, f"after a change the same retrieve shows {shown}", [before, after])


def changed(probe: Probe, identifier: str) -> str:
    """The status of a fresh intent after an operation that changes it. Raises where none does."""
    act = probe.act
    operation = "cancel" if "cancel" in act.contract.operations else "confirm"
    act.made(act.call(operation, identifier, method="success" if operation == "confirm" else ""))
    return probe.status(identifier)


# -- scope -----------------------------------------------------------------------------------------------------------


def _honouring(probe: Probe) -> str:
    """An operation on an intent that is known to honour keys. Raises ``Inconclusive`` where none is."""
    for operation in ON_INTENT:
        if probe.value(operation) == "honoured":
            return operation
    raise Inconclusive(f"neither {' nor '.join(ON_INTENT)} is known to honour keys")


def other_operation(probe: Probe) -> Found:
    """The key of a create, on the intent that it made."""
    operation, key = _honouring(probe), probe.key()
    created = probe.create(key)
    return _used_key(probe, operation, probe.identifier(created), key, [created])


def other_intent(probe: Probe) -> Found:
    """One key for the same operation on two intents."""
    operation, key, act = _honouring(probe), probe.key(), probe.act
    one, other = (str(act.fresh()[act.id]) for _ in range(2))
    body = act.body(operation, method="success" if operation == "confirm" else "")
    first = probe.ask(operation, one, body, key)
    act.made(first)
    return _used_key(probe, operation, other, key, [first])


def _used_key(probe: Probe, operation: str, identifier: str, key: str, before: list[Sighting]) -> Found:
    """What an operation under a used key does to an intent: whether its status moves tells, not what is answered."""
    act, was = probe.act, probe.status(identifier)
    body = act.body(operation, method="success" if operation == "confirm" else "")
    answer = probe.ask(operation, identifier, body, key)
    accepted, moved = probe.accepted(answer), probe.status(identifier) != was
    if accepted:
        value = "executed" if moved else "replayed"
        return seen(value, f"{operation} succeeds and {'moves' if moved else 'does not move'} it", [*before, answer])
    control = probe.ask(operation, identifier, body, probe.key())
    if moved or not probe.accepted(control):
        raise Inconclusive(f"{operation} is refused, and so it is under a new key: {probe.brief(control)}")
    return seen(
        "refused", f"{operation}: {probe.brief(answer)}; under a new key it succeeds", [*before, answer, control]
    )


def other_credential(probe: Probe) -> Found:
    """The same create under the same key with two API keys."""
    if not probe.client.target.instruments.get(OTHER_KEY):
        raise Inapplicable(f"the target lends no second API key ([instruments] {OTHER_KEY})")
    credential, key = OTHER_KEY.removesuffix("_key"), probe.key()
    probe.identifier(probe.create(probe.key(), credential=credential))
    first, second = probe.create(key), probe.create(key, credential=credential)
    probe.identifier(first)
    reuse = probe.reuse(first, second)
    return seen(reuse, f"under the other API key it is {reuse}", [first, second])
