"""Lists as scenarios read them: pages of items, walked by the cursor, in an account that others may use too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from conformance.scenarios.acting import NOTHING, Actor, Table, told
from conformance.scenarios.outcomes import Inapplicable, Inconclusive
from conformance.scenarios.performing import once
from conformance.sighting import Sighting, read_history, resolve

Value = TypeVar("Value")
MOST_PAGES = 20  # that a walk asks for
LAG = 2.0  # seconds until a list has to show what was made


@dataclass(frozen=True)
class Page:
    """One answered page, its items and their ids, and the ``query`` that asked for it."""

    sighting: Sighting
    items: tuple[Mapping[str, Any], ...]
    ids: tuple[str, ...]
    query: Table

    @property
    def more(self) -> Any:
        """What the page says of a further one; None where it says nothing."""
        pointer = self.sighting.contract.settings["lists"].get("more", "")
        return resolve(self.sighting.body, pointer) if pointer else None


def ask(act: Actor, query: Table = NOTHING, operation: str = "list", omit: Iterable[str] = (), **call: Any) -> Sighting:
    """The answer to a list, or to another operation that shows intents without being on one (search)."""
    return act.seen(act.client.call(operation, query=act.body(operation, query, omit), **call))


def need_served(act: Actor, operation: str) -> None:
    """Raises ``Inconclusive`` where a sound request of the operation is refused too, so that refusals tell nothing."""
    answer = once(act, "served", {"operation": operation}, lambda: ask(act, operation=operation))
    if not answer.succeeded:
        raise Inconclusive(f"{operation} is refused even when it is sound: {told(answer)}")


def items_of(sighting: Sighting) -> list[Any] | None:
    """The items of a successful answer; None where it is none, or no list."""
    items = resolve(sighting.body, sighting.contract.settings["lists"]["items"]) if sighting.succeeded else None
    return items if isinstance(items, list) else None


def page(act: Actor, query: Table = NOTHING, operation: str = "list") -> Page:
    """A page that has to be one. Raises ``NonConformance`` where the answer is no list of intents."""
    sighting = ask(act, query, operation)
    pointer, items = act.contract.settings["lists"]["items"], items_of(sighting)
    if items is None:
        place = f"a list of intents at {pointer}" if pointer else "a list of intents as the body itself"
        act.contradict(sighting, place, told(sighting) if not sighting.succeeded else _members(sighting), pointer)
    shown = tuple(item for item in items if isinstance(item, Mapping))
    return Page(sighting, shown, tuple(str(item.get(act.id)) for item in shown), query)


def _members(sighting: Sighting) -> str:
    body = sighting.body
    return f"an object with {', '.join(sorted(body))}" if isinstance(body, Mapping) else f"a {type(body).__name__}"


def walk(act: Actor, query: Table = NOTHING) -> Iterator[Page]:
    """The pages, as large as they may be, by the cursor to the empty one that ends them; without a cursor only one.

    Raises ``Inconclusive`` after ``MOST_PAGES``, or where pages repeat themselves.
    """
    lists = act.contract.settings["lists"]
    size = {lists["limit"]: lists["most"]} if "limit" in lists else {}
    asked = {**query, **size}
    current = page(act, asked)
    yield current
    if "after" not in lists:
        return
    known = set(current.ids)
    for _ in range(MOST_PAGES):
        if not current.items:
            return
        current = page(act, {**asked, lists["after"]: current.ids[-1]})
        if known & set(current.ids):
            raise Inconclusive(f"the page of exchange {current.sighting.number} shows again what earlier ones showed")
        known |= set(current.ids)
        yield current
    raise Inconclusive(f"the list has more than {MOST_PAGES} pages")


def patiently(act: Actor, look: Callable[[], Value | None]) -> Value | None:
    """What a look at the list gives; looks again for ``LAG`` seconds while that is None, as a list may lag behind."""
    until = act.clock.monotonic() + LAG
    while True:
        seen = look()
        if seen is not None or act.clock.monotonic() > until:
            return seen
        act.clock.sleep(LAG / 4)


def found(act: Actor, identifier: str, query: Table = NOTHING) -> Page | None:
    """The page that shows an intent; None where the whole list does not."""
    return patiently(act, lambda: next((one for one in walk(act, query) if identifier in one.ids), None))


def made_before(act: Actor) -> list[Mapping[str, Any]]:
    """The intents that this run has made with its own key so far, each once, as their create answered, in order."""
    exchanges = [one for one in act.client.history.exchanges if one.credential == "test"]
    created: dict[str, Mapping[str, Any]] = {}
    for sighting in read_history(act.contract, exchanges):
        if sighting.operation == "create" and act.shows_intent(sighting):
            created.setdefault(str(sighting.intents[0][act.id]), sighting.intents[0])
    return list(created.values())


def make_up_to(act: Actor, count: int) -> None:
    """Sees to it that the run has made so many intents."""
    for _ in range(count - len(made_before(act))):
        act.fresh()


def need_cursor(act: Actor) -> Table:
    """The contract's words on lists. Raises ``Inapplicable`` where they have no cursor."""
    lists: Table = act.contract.settings["lists"]
    if "after" not in lists:
        raise Inapplicable("no cursor is documented for lists")
    return lists
