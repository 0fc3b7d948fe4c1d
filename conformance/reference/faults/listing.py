"""Lies about lists and search, be an answer an object with the items as ``data`` or the array of them alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from conformance.reference.wire import Asked, Object, Said, Serve

from .lies import Change, Maker, says

Items = list[Object]


def query_of(asked: Asked) -> dict[str, str]:
    """The parameters of a request by their names as sent (``created[gte]``)."""
    return dict(parse_qsl(asked.query, keep_blank_values=True))


def asking(asked: Asked, query: dict[str, str]) -> Asked:
    """The same request with another query."""
    return replace(asked, query=urlencode(query))


def items_of(body: Any) -> Items:
    """The items of a list."""
    items: Items = body if isinstance(body, list) else body["data"]
    return items


def hears_query(change: Change, *operations: str) -> Maker:
    """Alters the parameters of lists (or of these operations) before the server reads them."""

    def lie(asked: Asked, serve: Serve) -> Said:
        if asked.operation not in (operations or ("list",)):
            return serve(asked)
        query = query_of(asked)
        change(query)
        return serve(asked if query == query_of(asked) else asking(asked, query))

    return lambda: lie


def shows_page(change: Callable[[Asked, Items], Items], *operations: str) -> Maker:
    """Gives other items on a page of lists (or of these operations), and leaves all else of it as it is."""

    def altered(asked: Asked, said: Said) -> None:
        if said.succeeded:
            body = said.json
            items = change(asked, items_of(body))
            said.json = items if isinstance(body, list) else {**body, "data": items}

    return says(altered, *(operations or ("list",)))


def shows_envelope(change: Change, *operations: str) -> Maker:
    """Alters the object around the items of lists (or of these operations)."""

    def altered(asked: Asked, said: Said) -> None:
        if said.succeeded:
            body = said.json
            change(body)
            said.json = body

    return says(altered, *(operations or ("list",)))


def wrapped(asked: Asked, said: Said) -> None:
    """Puts an array of items into an object."""
    if said.succeeded:
        said.json = {"object": "list", "data": said.json, "has_more": False}


def unwrapped(asked: Asked, said: Said) -> None:
    """Answers with the items alone."""
    if said.succeeded:
        said.json = items_of(said.json)


def pages(arrange: Callable[[Items], Items] = list, *, default: int = 10, overlap: int = 0) -> Maker:
    """Lists all that the filters let through as ``arrange`` has it: in another order, with some left out or twice.

    Pages are cut anew, of ``default`` items where no limit is asked for; the last ``overlap`` items of a page open the
    one that follows it.
    """

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation == "list" and said.succeeded:
            said.json = _page(said.json, query_of(asked), arrange(_all(asked, serve)), default, overlap)
        return said

    return lambda: lie


def _all(asked: Asked, serve: Serve) -> Items:
    """The items of all pages in the server's order."""
    query = {name: value for name, value in query_of(asked).items() if name not in ("limit", *_CURSORS)}
    items: Items = []
    while True:
        after = {"starting_after": items[-1]["id"]} if items else {}
        body = serve(asking(asked, {**query, **after})).json
        items += items_of(body)
        if isinstance(body, list) or not items_of(body):
            return items


_CURSORS = ("starting_after", "ending_before")


def _page(body: Any, query: dict[str, str], items: Items, default: int, overlap: int) -> Any:
    """The page that the query asks for of these items, in the envelope of the server's own."""
    if isinstance(body, list):
        return items
    size, ids = int(query.get("limit", default)), [item["id"] for item in items]
    after, before = (query.get(cursor) for cursor in _CURSORS)
    first = ids.index(after) + 1 - overlap if after in ids else 0
    last = ids.index(before) + overlap if before in ids else len(items)
    found = items[first:last]
    shown = found[-size:] if before and not after else found[:size]
    return {**body, "data": shown, "has_more": len(shown) < len(found)}


def hides(when: Callable[[Object], object], **paging: int) -> Maker:
    """Leaves some intents out of the list."""
    return pages(lambda items: [item for item in items if not when(item)], **paging)


def full_page_means_more(default: int) -> Callable[[Asked, Said], None]:
    """Takes it that more intents follow wherever a page is as full as it may be."""

    def altered(asked: Asked, said: Said) -> None:
        if said.succeeded:
            text = query_of(asked).get("limit", "")
            most = int(text) if text.isdigit() else default
            said.json = {**said.json, "has_more": len(said.json["data"]) == most}

    return altered


def no_page_after_the_last(**members: str) -> Callable[[Asked, Said], None]:
    """Refuses a cursor that nothing stands behind; ``members`` are further ones of the error."""

    def altered(asked: Asked, said: Said) -> None:
        if said.succeeded and "starting_after" in asked.query and not said.json["data"]:
            said.status = 404
            said.json = {"error": {"type": "invalid_request_error", "message": "no such page", **members}}

    return altered


def more_after_an_empty_page(asked: Asked, said: Said) -> None:
    """Has more behind a page with nothing on it."""
    if said.succeeded and not said.json["data"]:
        said.json = {**said.json, "has_more": True}
