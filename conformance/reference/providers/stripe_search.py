"""Stripe's search queries: clauses joined by AND, each of which compares one member of an intent."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

from conformance.reference.listing import Listing, Matcher
from conformance.reference.model import Intent, Params
from conformance.reference.validation import invalid

_CLAUSE = re.compile(
    r"""(?:
        (?P<number>amount|created) (?P<operator>>=|<=|>|<|:) (?P<than>[0-9]{1,18})
        | (?: (?P<word>currency|customer|status) | metadata\[(?P<mark>["'])(?P<key>[^"']+)(?P=mark)\] )
          : (?P<quote>["']) (?P<value>[^"']*) (?P=quote)
    ) (?: (?P<more>\s+AND\s+) | \s*\Z )""",
    re.VERBOSE,
)
_OPERATORS: Mapping[str, Callable[[int, int], bool]] = {
    ":": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def matching(params: Params) -> Matcher:
    """What a search looks for. Raises Refusal where its query cannot be read."""
    clauses: list[re.Match[str]] = []
    while not clauses or clauses[-1]["more"]:
        clause = _CLAUSE.match(params["query"], clauses[-1].end() if clauses else 0)
        if clause is None:
            raise invalid(("query",), "cannot be read")
        clauses.append(clause)
    return lambda intent: all(_holds(clause, intent) for clause in clauses)


def _holds(clause: re.Match[str], intent: Intent) -> bool:
    if clause["number"]:
        number = intent.amount if clause["number"] == "amount" else int(intent.created)
        return _OPERATORS[clause["operator"]](number, int(clause["than"]))
    if clause["key"]:
        return bool(intent.metadata.get(clause["key"]) == clause["value"])
    words = {"currency": intent.currency, "customer": intent.customer, "status": intent.status}
    return words[clause["word"]] == clause["value"]


SEARCH = Listing(10, matching, after="page")
