"""Experiments on the key itself: how long it may be, which characters count, how long it is kept, and in flight."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.contract.dialect import documented
from conformance.dialect.answers import told_refusal
from conformance.dialect.model import Found
from conformance.dialect.probe import Probe, seen
from conformance.scenarios.outcomes import Inapplicable, Inconclusive
from conformance.sighting import Sighting

LENGTHS = (255, 256, 1024)
ODD = " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}~"
MINUTE, HOUR, DAY = 60, 3600, 86400
AGES = (10 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 30 * DAY)
BURSTS, CROWD = 3, 5


def _used(probe: Probe) -> str:
    """What the repeat of a create is: ``replayed``, or ``refused`` where the target refuses every repeat."""
    return "refused" if probe.value("success") == "refused" else "replayed"


def _kind(probe: Probe, key: str, other: str) -> tuple[str, list[Sighting]]:
    """What a key is to the target: ``refused``, ``ignored``, ``counts``; ``cut`` where ``other`` is the same to it."""
    first = probe.create(key)
    if not probe.accepted(first):
        if probe.refusal(first) == (probe.value("other_body_status"), probe.value("other_body_error") or ""):
            raise Inconclusive(f"the key of {len(key)} characters was used before (exchange {first.number})")
        return "refused", [first]
    second = probe.create(key)
    reuse = probe.reuse(first, second)
    if reuse == "executed":
        return "ignored", [first, second]
    if reuse != _used(probe):
        raise Inconclusive(f"the repeat is answered {probe.brief(second)} (exchange {second.number})")
    third = probe.create(other)
    reuse = probe.reuse(first, third)
    if reuse not in ("executed", _used(probe)):
        raise Inconclusive(f"another key is answered {probe.brief(third)} (exchange {third.number})")
    return "counts" if reuse == "executed" else "cut", [first, second, third]


def _of_length(probe: Probe, length: int) -> tuple[str, list[Sighting]]:
    """What a key of so many characters is to the target; the last one is to be told apart."""
    digits = probe.client.fresh("length")
    long = (digits * (length // len(digits) + 1))[:length]
    last = "0123456789abcdef"[(int(long[-1], 16) + 1) % 16]
    return _kind(probe, long, long[:-1] + last)


def _between(
    probe: Probe, good: int, bad: int, kind: str, answers: list[Sighting]
) -> tuple[int, int, str, list[Sighting]]:
    """The last length that counts and the first that does not, next to each other, and what that one is.

    ``kind`` and ``answers`` are those of ``bad``, the length from which the search begins.
    """
    while abs(bad - good) > 1:
        middle = (good + bad) // 2
        is_, shown = _of_length(probe, middle)
        if is_ == "counts":
            good = middle
        else:
            bad, kind, answers = middle, is_, shown
    return good, bad, kind, answers


def longest(probe: Probe) -> Mapping[str, Found]:
    """Keys of more and more characters, and then the length between those that count and those that do not."""
    wanted = [int(value) for value in documented(probe.act.contract.settings).get("longest", ())]
    good = len(probe.key())
    answers: list[Sighting] = []
    for length in sorted({*LENGTHS, *wanted, *(value + 1 for value in wanted)}):
        kind, shown = _of_length(probe, length)
        if kind != "counts":
            good, bad, kind, shown = _between(probe, good, length, kind, shown)
            return {
                "longest": seen(good, f"{bad} characters are {kind}", answers or shown),
                "beyond_longest": seen(kind, f"of {bad} characters", shown),
            }
        good, answers = length, shown
    return {
        "longest": seen(good, "longer keys were not tried", answers),
        "beyond_longest": Found(None, f"every length up to {good} counts"),
    }


def shortest(probe: Probe) -> Found:
    """A key of one character, and then the length between those that do not count and those that do."""
    kind, shown = _of_length(probe, 1)
    if kind == "counts":
        return seen(1, "one character counts", shown)
    good, bad, kind, shown = _between(probe, len(probe.key()), 1, kind, shown)
    return seen(good, f"a key of {bad} characters is {kind}", shown)


def empty(probe: Probe) -> Found:
    first = probe.create("")
    if not probe.accepted(first):
        return seen("refused", probe.brief(first), [first])
    second = probe.create("")
    reuse = probe.reuse(first, second)
    if reuse not in ("executed", _used(probe)):
        raise Inconclusive(f"the repeat is answered {probe.brief(second)} (exchange {second.number})")
    counts = reuse != "executed"
    return seen("counts" if counts else "ignored", f"two creates make {'one' if counts else 'two'}", [first, second])


def punctuation(probe: Probe) -> Found:
    start = probe.key() + ODD
    kind, shown = _kind(probe, f"{start}a", f"{start}b")
    return seen(kind, f"with {ODD.strip()}", shown)


def letter_case(probe: Probe) -> Found:
    key = probe.key() if probe.carrier == "body" else f"case-{probe.key()}"
    first, second = probe.create(key.lower()), probe.create(key.upper())
    probe.identifier(first)
    reuse = probe.reuse(first, second)
    if reuse not in ("executed", _used(probe)) or key.lower() == key.upper():
        raise Inconclusive(f"the same key in capitals is answered {probe.brief(second)} (exchange {second.number})")
    return seen("told_apart" if reuse == "executed" else "folded", f"in capitals it is {reuse}", [first, second])


# -- time ------------------------------------------------------------------------------------------------------------


def in_flight(probe: Probe) -> Mapping[str, Found]:
    """Bursts of equal creates under one key."""
    crowd = min(CROWD, probe.client.target.burst)
    if crowd < 2:
        raise Inapplicable("the target allows no bursts ([target] burst)")
    probe.client.need(BURSTS * crowd + 1)
    answers: list[Sighting] = []
    for _ in range(BURSTS):
        key = probe.key()
        request = {"operation": "create", **probe.arguments(probe.act.body("create"), key)}
        burst = [probe.act.seen(exchange) for exchange in probe.client.together([request] * crowd)]
        answers += burst
        made = [one for one in burst if probe.accepted(one)]
        intents = {probe.identifier(one) for one in made}
        if len(intents) > 1:
            return {"in_flight": seen("executed", f"{crowd} at once make {len(intents)} intents", burst)}
        if not made:
            raise Inconclusive(f"none of {crowd} creates at once succeeds: {probe.brief(burst[0])}")
        refused = [one for one in burst if one not in made]
        if refused:
            repeat = probe.create(key)
            if not probe.accepted(repeat):
                raise Inconclusive(f"a repeat is refused when nothing is in flight, too: {probe.brief(repeat)}")
            return told_refusal(probe, "in_flight", refused[0], [*made, *refused])
        first = min(burst, key=lambda one: one.exchange.ended)
        if not any(one.exchange.started < first.exchange.ended for one in burst if one is not first):
            raise Inconclusive("no two of the creates were in flight at once")
    return {"in_flight": seen("waits", f"{BURSTS} times {crowd} at once give one intent each", answers)}


def retention(probe: Probe) -> Mapping[str, Found]:
    """Creates repeated at some age, a little before and a little after each of ``AGES`` and those documented."""
    clock, words = probe.client.clock, documented(probe.act.contract.settings)
    if not clock.skips:
        raise Inapplicable("time cannot be moved here")
    wanted = [int(value) for axis in ("kept_at_least", "forgotten_after") for value in words.get(axis, ())]
    ages = sorted({*AGES, *wanted})
    points = [age + more for age in ages for more in (-MINUTE, MINUTE)]
    kept, gone = -1, len(points)  # the last point at which a key is known, and the first at which it is new
    shown: dict[int, list[Sighting]] = {}
    while gone - kept > 1:
        middle = (kept + gone) // 2
        key = probe.key()
        first = probe.create(key)
        probe.identifier(first)
        clock.sleep(points[middle])
        second = probe.create(key)
        reuse = probe.reuse(first, second)
        if reuse not in ("executed", _used(probe)):
            raise Inconclusive(f"a repeat after {points[middle]} s is answered {probe.brief(second)}")
        shown[middle] = [first, second]
        kept, gone = (kept, middle) if reuse == "executed" else (middle, gone)
    least = Found(0, f"new again after {points[0]} s", tuple(one.number for one in shown.get(0, ())))
    if kept >= 0:
        least = seen(ages[kept // 2], f"known after {points[kept]} s", shown[kept])
    most = Found(None, f"known even after {points[-1]} s")
    if gone < len(points):
        most = seen(ages[gone // 2], f"new again after {points[gone]} s", shown[gone])
    return {"kept_at_least": least, "forgotten_after": most}
