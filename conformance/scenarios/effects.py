"""Effects as a black box shows them: intents that bear a mark in the list, and what stands after an operation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NoReturn

from conformance.scenarios.acting import Actor, Table
from conformance.scenarios.listing import patiently, walk
from conformance.scenarios.outcomes import Inconclusive, NonConformance
from conformance.sighting import Sighting


def marked(mark: str) -> Table:
    """Members of a create by which its intents can be told from all others."""
    return {"metadata": {"conformance_mark": mark}}


def lists(act: Actor) -> bool:
    """Whether effects can be looked for in a list: the contract has one, and the target claims it."""
    needs = act.contract.settings.get("needs", {}).get("list", ())
    return "list" in act.contract.operations and not act.client.target.missing(act.contract, tuple(needs))


def bearing(act: Actor, own: Mapping[str, Collection[str]]) -> dict[str, dict[str, Sighting]]:
    """For each mark the intents in the list that bear it, by id, with the page that shows each.

    ``own`` has for each mark the ids of intents that bear it. The list is read until all of these and their neighbours,
    the others of the same moment, are seen; again where it does not show them yet. Raises ``Inconclusive`` where it
    never does.
    """
    return patiently(act, lambda: _shown(act, own)) or _missing()


def _missing() -> NoReturn:
    raise Inconclusive("the list does not show the intent that was made, or not its metadata")


def _shown(act: Actor, own: Mapping[str, Collection[str]]) -> dict[str, dict[str, Sighting]] | None:
    """What ``bearing`` gives, or None where the list does not show all of ``own``."""
    wanted = {identifier for ids in own.values() for identifier in ids}
    found: dict[str, dict[str, Sighting]] = {mark: {} for mark in own}
    ids: list[str] = []
    try:
        for current in walk(act):
            ids += current.ids
            for item in current.items:
                if (mark := _mark_of(item)) in found:
                    found[mark][str(item.get(act.id))] = current.sighting
            if wanted <= {*ids[:-1]}:
                break
    except NonConformance as wrong:
        raise Inconclusive(f"the list cannot be read: {wrong}") from wrong
    return found if all({*ids} <= found[mark].keys() for mark, ids in own.items()) else None


def expect_marked(act: Actor, own: str, mark: str, count: int) -> None:
    """So many intents with the mark stand in the list, ``own`` among them. Raises as ``bearing`` does."""
    found = bearing(act, {mark: (own,)})[mark]
    if len(found) != count:
        *_, sighting = found.values()
        act.contradict(sighting, f"{count} intent with this metadata", f"{len(found)}: {', '.join(found)}")


def money(act: Actor) -> tuple[str, ...]:
    """The members that tell how often money was moved: amounts, and the id of the payment."""
    members = act.contract.settings["members"]
    return tuple(members[name] for name in ("amount_received", "amount_capturable", "payment") if name in members)


def otherwise(before: Table, after: Table, members: Iterable[str]) -> list[str]:
    """The members that both show, and not alike."""
    return [name for name in members if name in before and name in after and before[name] != after[name]]


def _mark_of(item: Mapping[str, Any]) -> Any:
    metadata = item.get("metadata")
    mark = metadata.get("conformance_mark") if isinstance(metadata, Mapping) else None
    return mark if isinstance(mark, str) else None
