"""Lists: which intents a request wants to see, and which page of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import Refusal
from .model import Intent, Page, Params
from .rendering import View

Matcher = Callable[[Intent], bool]


def every(params: Params) -> Matcher:
    """For a provider whose lists have no filters."""
    return lambda intent: True


def bare(items: list[Mapping[str, Any]], page: Page, view: View) -> Any:
    """A list that is nothing but an array of its items."""
    return items


@dataclass(frozen=True)
class Listing:
    """How intents are listed.

    ``default`` is the size of a page for a request without ``limit``, None for all there are; ``matching`` reads the
    filters of a request; ``after`` and ``before`` name the parameters that hold an id to go on from.
    """

    default: int | None = None
    matching: Callable[[Params], Matcher] = every
    after: str = "starting_after"
    before: str = "ending_before"

    def __call__(self, intents: Sequence[Intent], params: Params) -> Page:
        """The page that checked parameters ask for, of intents in the list's order.

        Raises:
            Refusal: an id to go on from is nobody's.
        """
        first, last = 0, len(intents)
        if params.get(self.after) is not None:
            first = _position(intents, params, self.after) + 1
        if params.get(self.before) is not None:
            last = _position(intents, params, self.before)
        matches = self.matching(params)
        found = [intent for intent in intents[first:last] if matches(intent)]
        limit = params.get("limit", self.default) or len(found)
        backwards = params.get(self.before) is not None and params.get(self.after) is None
        items = found[-limit:] if backwards else found[:limit]
        total = sum(1 for intent in intents if matches(intent))
        return Page(tuple(items), len(items) < len(found), total)


def _position(intents: Sequence[Intent], params: Params, cursor: str) -> int:
    for position, intent in enumerate(intents):
        if intent.id == params[cursor]:
            return position
    raise Refusal("unknown_reference", f"no such payment intent: {params[cursor]}", param=(cursor,))
