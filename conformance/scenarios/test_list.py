"""Lists and search: pages, their size and order, filters, expansion. Other people's intents may stand among ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from conformance.contract.lifecycle import path_to
from conformance.scenarios.acting import Actor, Table, for_each, told
from conformance.scenarios.arguments import REFUSAL, takes
from conformance.scenarios.expecting import expect_refusal
from conformance.scenarios.listing import (
    Page,
    ask,
    found,
    items_of,
    made_before,
    make_up_to,
    need_cursor,
    need_served,
    page,
    patiently,
    walk,
)
from conformance.scenarios.outcomes import Inconclusive, NonConformance
from conformance.scenarios.performing import lent, need_another_key, once, prepared, what
from conformance.sighting import Sighting

SEARCH_PATIENCE = 60.0  # seconds that a new intent may take to be found, unless a row says otherwise
MARK = "<marker>"  # stands in a row's search for a text that no other intent holds


@takes("query", "operation")
def test_list_succeeds(act: Actor, args: Table) -> None:
    """The ``operation`` (list, or search) with this ``query`` is answered with a list of intents."""
    page(act, args.get("query", {}), args.get("operation", "list"))


@takes("created", "send", "query", "exactly", "at_most", "operation")
def test_list_limit(act: Actor, args: Table) -> None:
    """Where ``created`` intents are there, a list with the parameters ``send`` shows so many items."""
    make_up_to(act, args.get("created", args.get("exactly", 0)))
    shown = page(act, {**args.get("query", {}), **args.get("send", {})}, args.get("operation", "list"))
    count = len(shown.items)
    if "exactly" in args and count != args["exactly"]:
        act.contradict(shown.sighting, f"{args['exactly']} items", f"{count} items")
    if "at_most" in args and count > args["at_most"]:
        act.contradict(shown.sighting, f"at most {args['at_most']} items", f"{count} items")


@takes("values", "most", "query", "operation")
def test_list_limit_bounded(act: Actor, args: Table) -> None:
    """A limit of each of ``values`` is refused, or at most ``most`` items are shown."""
    need_served(act, args.get("operation", "list"))

    def attempt(value: Any) -> None:
        query = {**args.get("query", {}), act.contract.settings["lists"]["limit"]: value}
        answer = ask(act, query, args.get("operation", "list"))
        items = items_of(answer)
        if not act.refuses(answer) and (items is None or len(items) > args["most"]):
            actual = told(answer) if items is None else f"{len(items)} items"
            act.contradict(answer, f"a refusal of limit {value}, or at most {args['most']} items", actual)

    for_each(args["values"], attempt)


@takes("query", "query_each", "operation", "omit", *REFUSAL)
def test_list_refuses(act: Actor, args: Table) -> None:
    """The ``operation`` with ``query``, or with each of ``query_each``, or without ``omit``, is refused as asked."""
    operation = args.get("operation", "list")
    queries, omit = args.get("query_each", [args.get("query", {})]), args.get("omit", ())
    need_served(act, operation)
    answers = once(act, "list_refuses", args, lambda: [ask(act, query, operation, omit) for query in queries])
    for_each(
        zip(queries, answers, strict=True),
        lambda pair: expect_refusal(act, pair[1], args, what=f"{operation} with {what(pair[0], args)}"),
    )


# -- pages -----------------------------------------------------------------------------------------------------------


@takes("direction")
def test_list_pages(act: Actor, args: Table) -> None:
    """Pages of one item, ``after`` or ``before`` the items of a page of three, show their neighbours."""
    lists, forward = need_cursor(act), args.get("direction", "after") == "after"
    whole = _three(act)
    wanted = list(pairwise(whole.ids))
    for earlier, later in wanted if forward else reversed(wanted):
        start, neighbour = (earlier, later) if forward else (later, earlier)
        shown = page(act, {lists["limit"]: 1, lists["after" if forward else "before"]: start})
        if shown.ids == (neighbour,):
            continue
        if page(act, whole.query).ids != whole.ids:
            raise Inconclusive("somebody else changes the list meanwhile")
        place = "after" if forward else "before"
        act.contradict(shown.sighting, f"{neighbour}, which stands {place} {start}", ", ".join(shown.ids) or "no item")


def _three(act: Actor) -> Page:
    """A page of three items. Raises ``Inconclusive`` where the list gives other than three."""

    def make() -> Page:
        make_up_to(act, 3)
        whole = page(act, {act.contract.settings["lists"]["limit"]: 3})
        if len(whole.ids) != 3:
            raise Inconclusive(f"a page of three has {len(whole.ids)} items (exchange {whole.sighting.number})")
        return whole

    return once(act, "three", {}, make)


@takes("query", "from", "around")
def test_list_exhausted(act: Actor, args: Table) -> None:
    """Followed to its end the list ends with an empty page, not with a refusal.

    ``query`` narrows what is walked; ``from`` names the parameter of a lower bound on the member ``around``
    (``created``), by which only the last three intents of the run, and what comes later, are walked.
    """
    need_cursor(act)
    if not any(one.items for one in _walked(act, args)):  # it goes on until a page is empty
        raise Inconclusive("the list showed nothing from the first page on")


@takes("query", "from", "around")
def test_list_has_more(act: Actor, args: Table) -> None:
    """Every page tells rightly whether a further one has items. ``query`` and ``from`` as in ``list_exhausted``."""
    lists = need_cursor(act)
    try:
        pages = _walked(act, args)
    except NonConformance as wrong:
        raise Inconclusive(f"the list could not be followed to its end: {wrong}") from wrong
    ids = [identifier for one in pages for identifier in one.ids]
    if len(ids) < 3:
        raise Inconclusive(f"the list has {len(ids)} items, too few")
    query = {**pages[0].query, lists["after"]: ids[-3]}
    shown = [(page(act, {**query, lists["limit"]: 1}), ids[-2:-1], True)]
    shown += [(page(act, {**query, lists["limit"]: 2}), ids[-2:], False)]
    for one, expected, more in shown:
        if list(one.ids) != expected:
            raise Inconclusive(f"the page of exchange {one.sighting.number} is not the one that follows")
        _expect_more(act, one, more)
    for one, following in pairwise(pages):
        _expect_more(act, one, bool(following.items))
    _expect_more(act, pages[-1], False)


def _expect_more(act: Actor, one: Page, more: bool) -> None:
    """The page says whether there is more. What follows is looked up where it does not, as others make intents too."""
    if one.more is more:
        return
    lists = need_cursor(act)
    following = page(act, {**one.query, lists["after"]: one.ids[-1]}).items if one.ids else ()
    if following:
        again = page(act, one.query)
        if again.more is True or again.ids != one.ids:
            return
        more = True
    pointer = lists["more"]
    act.contradict(one.sighting, f"{pointer.strip('/')} = {str(more).lower()}", one.more, pointer)


def _walked(act: Actor, args: Table) -> list[Page]:
    """All pages, the empty one at the end too."""

    def make() -> list[Page]:
        query = dict(args.get("query", {}))
        make_up_to(act, 3)
        if "from" in args:
            query[args["from"]] = made_before(act)[-3].get(args.get("around", "created"))
            if query[args["from"]] is None:
                raise Inconclusive("the intents made show no time that a walk could begin with")
        return list(walk(act, query))

    return once(act, "walked", args, make)


@takes()
def test_list_newest_first(act: Actor, args: Table) -> None:
    """Of two intents made in different seconds the later one stands first."""
    older = next(iter(made_before(act)[-1:]), None) or act.fresh()
    newer = act.fresh()
    if newer.get("created") == older.get("created"):
        act.clock.sleep(1.1)
        newer = act.fresh()
    one, other = str(older[act.id]), str(newer[act.id])
    wrong: list[Page] = []

    def look() -> bool | None:
        for current in walk(act):
            first = next((identifier for identifier in current.ids if identifier in (one, other)), "")
            if first == one:
                wrong.append(current)
            if first:
                return True if first == other else None
        return None

    if patiently(act, look):
        return
    if not wrong:
        raise Inconclusive("neither of the intents made stands in the list")
    act.contradict(wrong[-1].sighting, f"the newer {other} before the older {one}", f"{one} first")


@takes("query", "create")
def test_list_contains_new(act: Actor, args: Table) -> None:
    """An intent that has just been made is among the items."""
    created, shown = _listed_new(act, args)
    if shown is None:
        last = page(act, args.get("query", {}))
        act.contradict(last.sighting, f"the new intent {created[act.id]} among the items", "it is not there")


@takes("query", "create", "method", "confirmed", "members")
def test_list_equals_retrieve(act: Actor, args: Table) -> None:
    """The list shows ``members`` of a new intent, which comes about as in test_operation.py, as a retrieve does."""
    created, shown = _listed_new(act, args)
    identifier = str(created[act.id])
    if shown is None:
        raise Inconclusive(f"the list does not show the intent {identifier}")
    held = act.looked(act.retrieve(identifier))
    if _differing(shown, identifier, held, args["members"]):  # a list may lag behind
        again = patiently(act, lambda: _unless_differing(act, identifier, held, args))
        shown = again or found(act, identifier, args.get("query", {})) or shown
    at = f"{act.contract.settings['lists']['items']}/{shown.ids.index(identifier)}"
    for member, told_by_list in _differing(shown, identifier, held, args["members"]).items():
        expected = f"{member} as a retrieve shows it: {held.get(member)!r}"
        act.contradict(shown.sighting, expected, told_by_list, f"{at}/{member}")


def _listed_new(act: Actor, args: Table) -> tuple[Table, Page | None]:
    """A new intent, and the page that shows it, None where none does; made once in a run."""

    def make() -> tuple[Table, Page | None]:
        created = prepared(act, args)
        return created, found(act, str(created[act.id]), args.get("query", {}))

    return once(act, "listed_new", {key: value for key, value in args.items() if key != "members"}, make)


@takes("credential")
def test_list_hides(act: Actor, args: Table) -> None:
    """An intent that has just been made, and that our own list shows, is not shown to another ``credential``."""
    need_another_key(act, args["credential"])
    try:
        created, shown = _listed_new(act, {})
    except NonConformance as wrong:
        raise Inconclusive(f"our own list cannot be read: {wrong}") from wrong
    if shown is None:
        raise Inconclusive("our own list does not show the intent")
    lists = act.contract.settings["lists"]
    query = {lists["limit"]: lists["most"]} if "limit" in lists else {}  # as many as there may be, newest first or not
    _expect_hidden(act, ask(act, query, credential=args["credential"]), created, args["credential"])


def _expect_hidden(act: Actor, answer: Sighting, created: Table, credential: str) -> None:
    """The list that another credential was answered with does not show the intent. Raises ``Inconclusive``."""
    items = items_of(answer)
    if items is None:
        raise Inconclusive(f"no {answer.operation} for the credential {credential}: {told(answer)}")
    if any(isinstance(item, Mapping) and item.get(act.id) == created[act.id] for item in items):
        act.contradict(answer, f"no item {created[act.id]} with {lent(act, credential)}", "it is there")


def _unless_differing(act: Actor, identifier: str, held: Table, args: Table) -> Page | None:
    """The page that shows the intent as it is ``held``; None where the list shows it otherwise."""
    current = next((one for one in walk(act, args.get("query", {})) if identifier in one.ids), None)
    return current if current and not _differing(current, identifier, held, args["members"]) else None


def _differing(shown: Page, identifier: str, held: Table, members: Iterable[str]) -> dict[str, Any]:
    """The members of an item that are not as ``held``, with what the page shows; one that either lacks is no matter."""
    item = shown.items[shown.ids.index(identifier)]
    return {name: item[name] for name in members if name in item and name in held and item[name] != held[name]}


# -- filters ---------------------------------------------------------------------------------------------------------


@takes("query", "member", "equals", "fold_case", "create", "other", "around", "from", "to", "to_exclusive", "each")
def test_list_filter(act: Actor, args: Table) -> None:
    """A filter shows what it is to show, our own intent among it, and nothing else.

    ``query`` with ``member`` and ``equals``: every item has this value (with ``fold_case`` in any letter case); the
    intent of ``create`` is there, that of ``other`` is not. ``each``: a parameter and its values in turn, which are
    those of ``member``. ``around``: a time (seconds) of an intent; ``from`` and ``to`` (or ``to_exclusive``) are the
    parameters that bound it.
    """
    if "around" in args:
        _filter_by_time(act, args)
    elif "each" in args:
        _filter_by_each(act, args)
    else:
        own = act.fresh(args.get("create", {}))
        others = act.fresh(args["other"]) if "other" in args else {}
        fold = bool(args.get("fold_case"))
        _expect_only(act, args["query"], args["member"], args["equals"], own, others, fold)


def _expect_only(
    act: Actor, query: Table, member: str, value: Any, own: Table, others: Table, fold: bool = False
) -> None:
    """Every item has the value; ``own`` is among the items, ``others`` is not (each empty: not asked)."""

    def look() -> Page | None:
        for current in walk(act, query):
            for index, item in enumerate(current.items):
                at = f"{act.contract.settings['lists']['items']}/{index}"
                if others and item.get(act.id) == others[act.id]:
                    told = f"{others[act.id]}, which has another"
                    act.contradict(current.sighting, f"only {member} {value}", told, at)
                shown = item.get(member)
                shown = shown.get(act.id) if isinstance(shown, Mapping) else shown
                if member in item and shown != value and not (fold and str(shown).lower() == str(value).lower()):
                    act.contradict(current.sighting, f"{member} {value}", shown, f"{at}/{member}")
            if not own or str(own[act.id]) in current.ids:
                return current
        return None

    if patiently(act, look) is None:
        last = page(act, query)
        act.contradict(last.sighting, f"{own[act.id]}, whose {member} is {value}", "it is not in the list")


def _filter_by_each(act: Actor, args: Table) -> None:
    ((parameter, values),) = args["each"].items()
    plain = act.fresh()

    def attempt(value: str) -> None:
        own = plain if plain.get(args["member"]) == value and value not in act.contract.passing else {}
        if not own and args["member"] == act.status and _without_instruments(act, value):
            own = act.reach(value)
        _expect_only(act, {parameter: value}, args["member"], value, own, {} if own is plain else plain)

    for_each(values, attempt)


def _without_instruments(act: Actor, status: str) -> bool:
    """Whether the shortest way to a status takes nothing that a target has to lend."""
    path = path_to(act.contract, status)
    lacking = act.client.target.lacks
    return bool(path) and not any(move.method or move.send or move.create or move.operation in lacking for move in path)


def _filter_by_time(act: Actor, args: Table) -> None:
    member = args["around"]
    own = act.fresh()
    moment = own.get(member)
    if not isinstance(moment, int) or isinstance(moment, bool):
        raise Inconclusive(f"{member} is no number of seconds")
    for start, expected in ((moment, own), (moment - 1, {}), (moment + 1, {})):
        query = {args["from"]: start, **_until(args, start)}
        _expect_only(act, query, member, start, expected, {} if expected else own)


def _until(args: Table, moment: int) -> Table:
    return {args["to_exclusive"]: moment + 1} if "to_exclusive" in args else {args["to"]: moment}


# -- expansion and search --------------------------------------------------------------------------------------------


@takes("path", "member", "after", "create", "method")
def test_list_expands(act: Actor, args: Table) -> None:
    """Asked to expand ``path`` the list shows an object as ``member`` of each item that has one, and of ours."""
    member = args["member"]
    if "after" not in args and "method" not in args and member == act.method:
        args = {**args, "method": "success"}
    own = prepared(act, args)
    if own.get(member) is None:
        raise Inconclusive(f"the intent made has no {member}")
    current = found(act, str(own[act.id]), act.expansion(args["path"]))
    if current is None:
        raise Inconclusive("the intent made stands not in the list")
    for index, item in enumerate(current.items):
        shown = item.get(member)
        if not isinstance(shown, Mapping) and (shown is not None or item.get(act.id) == own[act.id]):
            at = f"{act.contract.settings['lists']['items']}/{index}/{member}"
            act.contradict(current.sighting, f"{member} is an object when expanded", shown, at)


@takes("query", "create", "within", "operation")
def test_search_finds(act: Actor, args: Table) -> None:
    """A new intent is found within so many seconds; the text ``<marker>`` in the row becomes one of its own."""
    _searched(act, args)


@takes("query", "create", "within", "operation", "credential")
def test_search_hides(act: Actor, args: Table) -> None:
    """What our own search finds, another ``credential`` does not find with the same ``query``."""
    need_another_key(act, args["credential"])
    try:
        own, query = _searched(act, {name: value for name, value in args.items() if name != "credential"})
    except NonConformance as wrong:
        raise Inconclusive(f"our own search cannot be read: {wrong}") from wrong
    answer = ask(act, query, args.get("operation", "search"), credential=args["credential"])
    _expect_hidden(act, answer, own, args["credential"])


def _searched(act: Actor, args: Table) -> tuple[Table, Table]:
    """A new intent, and the query that finds it. Raises ``Inconclusive`` where it is not found in time."""

    def make() -> tuple[Table, Table]:
        mark = act.client.fresh("marker")
        asked = args["query"] if isinstance(args["query"], Mapping) else {"query": args["query"]}
        query, create = _marked(asked, mark), _marked(args.get("create", {}), mark)
        own = act.fresh(create)
        until, pause = act.clock.monotonic() + float(args.get("within", SEARCH_PATIENCE)), 0.5
        while True:
            current = page(act, query, args.get("operation", "search"))
            if str(own[act.id]) in current.ids:
                return own, query
            if act.clock.monotonic() + pause > until:
                raise Inconclusive(f"not found in time; the last answer is exchange {current.sighting.number}")
            act.clock.sleep(pause)
            pause = min(pause * 2, 8.0)

    return once(act, "searched", args, make)


def _marked(value: Any, mark: str) -> Any:
    if isinstance(value, str):
        return value.replace(MARK, mark)
    if isinstance(value, Mapping):
        return {key: _marked(entry, mark) for key, entry in value.items()}
    return value
