"""A measured dialect beside the documented ones: axis by axis, and which of them it is nearest to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from conformance.contract import Contract
from conformance.contract.dialect import AXES, Word, documented
from conformance.dialect.model import Dialect, Found

Result = Literal["agrees", "differs", "not documented", "not measured"]


@dataclass(frozen=True)
class Compared:
    """One axis: what is documented (alternatives, or nothing), what was found, and how the two stand."""

    axis: str
    documented: tuple[Word, ...]
    found: Found
    result: Result


def compare(words: Mapping[str, tuple[Word, ...]], dialect: Dialect) -> list[Compared]:
    """Every axis in its order; ``words`` are what ``documented`` gives of a contract."""
    rows = []
    for axis, found in dialect.found.items():
        result: Result = "not documented"
        if found.value is None:
            result = "not measured"
        elif axis in words:
            result = "agrees" if _agrees(axis, words[axis], found.value) else "differs"
        rows.append(Compared(axis, words.get(axis, ()), found, result))
    return rows


def _agrees(axis: str, words: tuple[Word, ...], value: Word) -> bool:
    meaning = AXES[axis].meaning
    if meaning == "at_least":
        return any(int(value) >= int(word) for word in words)
    if meaning == "at_most":
        return any(int(value) <= int(word) for word in words)
    if meaning == "names":
        return any(word in str(value).split() for word in words)
    return str(value).lower() in {str(word).lower() for word in words}


def named(dialect: Dialect, contracts: Iterable[Contract]) -> str:
    """Whose documented dialect was found, in a few words.

    It is a provider's where nothing differs on the axes that it documents and that were measured (of several such, of
    the one with which most agrees), or else nearest to the one with which most agrees after what differs is taken off.
    """
    standings = []
    for contract in contracts:
        rows = compare(documented(contract.settings), dialect)
        agreeing = sum(row.result == "agrees" for row in rows)
        differing = [row.axis for row in rows if row.result == "differs"]
        if agreeing or differing:
            standings.append((bool(differing), len(differing) - agreeing, contract.title, agreeing, differing))
    if not standings:
        return "nobody's: no axis that a provider documents was measured"
    _, _, title, agreeing, differing = min(standings)
    if not differing:
        return f"{title}'s: nothing differs on {agreeing} documented axes"
    return f"nearest to {title}'s; other: {', '.join(differing)}"


def to_json(rows: Iterable[Compared], name: str, requests: int) -> dict[str, Any]:
    """The document of ``dialect.json``, for the run to redact.

    ``name`` is the text of ``named``, ``requests`` the number sent. ``axes`` hold, in their order: ``axis`` and its
    ``question``; ``documented``, the values that are right, none where nothing is; ``found``, null where it was not
    measured; ``result``; ``evidence``, or why it was not measured; ``exchanges``, their numbers in the run's history.
    """
    return {
        "name": name,
        "requests": requests,
        "axes": [
            {
                "axis": row.axis,
                "question": AXES[row.axis].question,
                "documented": list(row.documented),
                "found": row.found.value,
                "result": row.result,
                "evidence": row.found.evidence,
                "exchanges": list(row.found.exchanges),
            }
            for row in rows
        ],
    }
