"""Experiments on what is kept of an answer, and on what another request under a used key gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.dialect.model import Found
from conformance.dialect.operations import changed
from conformance.dialect.probe import MORE, Probe, seen
from conformance.scenarios.outcomes import Inapplicable, Inconclusive
from conformance.sighting import Sighting

UNSOUND = {"amount": -1}  # members of a create that every contract refuses
FAILING = "server_error"  # the instrument: members of a create by which it fails, before and after it took effect
# Headers that tell of the connection or the moment, and may come and go.
_TRANSPORT = frozenset({
    "age", "alt-svc", "cache-control", "cf-ray", "connection", "content-encoding", "content-length", "content-type",
    "date", "etag", "expires", "keep-alive", "last-modified", "pragma", "server", "set-cookie", "transfer-encoding",
    "vary", "via",
})  # fmt: skip


def marker(probe: Probe) -> Found:
    """Two creates, each sent twice: a header that both repeats have, and neither first answer."""
    firsts, repeats = [], []
    for _ in range(2):
        key = probe.key()
        firsts.append(probe.create(key))
        repeats.append(probe.create(key))
        if probe.reuse(firsts[-1], repeats[-1]) != "replayed":
            raise Inconclusive("a repeat does not give the first answer")
    answers = [*firsts, *repeats]
    one, other = (_headers(repeat) for repeat in repeats)
    plain = [_headers(first) for first in firsts]
    new = [name for name in one if name in other and not any(name in first for first in plain)]
    told_by_value = [
        name
        for name in one
        if one[name] == "true" == other.get(name) and all(first.get(name, "") == "false" for first in plain)
    ]
    found = [*new, *told_by_value]
    if not found:
        return seen("none", "a repeat has no header that a first answer lacks", answers)
    documented = str(probe.act.contract.settings.get("idempotency", {}).get("replayed", ""))
    name = min(found, key=lambda each: (each != documented.lower(), one[each] != "true", each))
    spelt = documented if name == documented.lower() else name
    return seen(spelt, f"{spelt}: {one[name]} stands on both repeats", answers)


def _headers(sighting: Sighting) -> dict[str, str]:
    return {
        name.lower(): value.strip().lower()
        for name, value in sighting.response.headers
        if name.lower() not in _TRANSPORT
    }


def success(probe: Probe) -> Found:
    """A create, a change of its intent, and the create again: the first answer, or the intent as it is now."""
    act, key = probe.act, probe.key()
    first = probe.create(key)
    was, now = act.made(first).get(act.status), changed(probe, probe.identifier(first))
    second = probe.create(key)
    reuse = probe.reuse(first, second)
    if reuse == "refused":
        return seen("refused", f"the repeat: {probe.brief(second)}", [first, second])
    shown = act.made(second).get(act.status)
    if reuse == "executed" or was == now or shown not in (was, now):
        raise Inconclusive(f"the status was {was}, is {now}, and the repeat shows {shown} (exchange {second.number})")
    value = "stored" if shown == was else "current"
    return seen(value, f"the repeat shows {shown}, while the intent is {now}", [first, second])


def other_body(probe: Probe) -> Mapping[str, Found]:
    """A create, and one of another amount under its key; that the amount is sound shows under a new key."""
    key, amount = probe.key(), int(probe.act.body("create")["amount"])
    first, second = probe.create(key), probe.create(key, {"amount": amount + MORE})
    probe.identifier(first)
    reuse = probe.reuse(first, second)
    if reuse != "refused":
        return {"other_body": seen(reuse, f"the other amount is {reuse}", [first, second])}
    control = probe.create(probe.key(), {"amount": amount + MORE})
    probe.identifier(control)
    return told_refusal(probe, "other_body", second, [first, second, control])


def told_refusal(probe: Probe, axis: str, refused: Sighting, answers: list[Sighting]) -> dict[str, Found]:
    """``refused`` with its status and its error, as three axes."""
    status, error = probe.refusal(refused)
    return {
        axis: seen("refused", probe.brief(refused), answers),
        f"{axis}_status": seen(status, probe.brief(refused), [refused]),
        f"{axis}_error": seen(error, probe.brief(refused), [refused])
        if error
        else Found(None, "the refusal names no error"),
    }


# -- failures --------------------------------------------------------------------------------------------------------


def refusal(probe: Probe) -> Found:
    """A create that is refused for its members, and its mended form under the same key."""
    return _kept(probe, UNSOUND, failing=False)


def failure(probe: Probe, moment: str) -> Found:
    """A create that fails with a 5xx ``before`` or ``after`` it took effect, and its mended form under the same key."""
    lent = probe.client.target.instruments.get(FAILING)
    if not isinstance(lent, Mapping) or not isinstance(lent.get(moment), Mapping):
        raise Inapplicable(f"the target lends no way to a 5xx ([instruments] {FAILING}.{moment})")
    return _kept(probe, lent[moment], failing=True)


def _kept(probe: Probe, send: Mapping[str, Any], *, failing: bool) -> Found:
    key = probe.key()
    bad = probe.create(key, send)
    failed = bad.response.status >= 500 if failing else not probe.accepted(bad)
    if not failed:
        raise Inconclusive(f"the create that was to fail is answered {probe.brief(bad)} (exchange {bad.number})")
    again = probe.create(key, send)
    marked = probe.marked(again)
    if marked:
        return seen("stored", f"the repeat is a marked replay: {probe.brief(again)}", [bad, again])
    mended = probe.create(key)
    answers = [bad, again, mended]
    if probe.act.shows_intent(mended):
        if probe.value("other_body") not in ("refused", "replayed"):
            raise Inconclusive("a sound body under the key of a failed one succeeds, as another body always does")
        return seen("dropped", "its key serves a sound create", answers)
    if probe.refusal(mended) == probe.refusal(bad):
        if failing:
            probe.identifier(probe.create(probe.key()))
        return seen("stored", f"a sound create under its key is answered {probe.brief(mended)}", answers)
    conflict = probe.value("other_body_status"), probe.value("other_body_error") or ""
    if probe.refusal(mended) == conflict and marked is None:
        return seen("stored", f"a sound create under its key is a conflict: {probe.brief(mended)}", answers)
    raise Inconclusive(f"a sound create under the key is answered {probe.brief(mended)} (exchange {mended.number})")


def decline(probe: Probe) -> Found:
    """A declined confirm, a cancel, and the confirm again: the decline, or what a new confirm gives by then."""
    act = probe.act
    probe.offer("cancel")
    body, key = act.body("confirm", method="declined"), probe.key()
    identifier = str(act.fresh()[act.id])
    first = probe.ask("confirm", identifier, body, key)
    if probe.accepted(first):
        raise Inconclusive(f"a decline is no refusal here: {probe.brief(first)} (exchange {first.number})")
    act.made(act.call("cancel", identifier))
    control = probe.ask("confirm", identifier, body, probe.key())
    second = probe.ask("confirm", identifier, body, key)
    answers = [first, control, second]
    if probe.accepted(control) or probe.accepted(second):
        raise Inconclusive(f"a canceled intent can be confirmed (exchange {control.number})")
    if probe.marked(second):
        return seen("stored", f"the repeat is a marked replay: {probe.brief(second)}", answers)
    fresh, repeat, declined = (probe.refusal(one) for one in (control, second, first))
    if fresh == declined or repeat not in (fresh, declined):
        raise Inconclusive(f"the repeat is answered {probe.brief(second)}, a new confirm {probe.brief(control)}")
    value = "stored" if repeat == declined else "dropped"
    return seen(value, f"after a cancel the repeat is answered {probe.brief(second)}", answers)
