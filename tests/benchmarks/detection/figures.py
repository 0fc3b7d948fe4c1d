"""From the rows of the jobs to the document that is published: ``detection.json``."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .jobs import LOCALSTRIPE, TRAFFIC, Row
from .registry import OURS

Document = dict[str, Any]

_SHOWN = 5  # of what a run told that it does not tell of the fault-free server


def document(
    head: Mapping[str, Any],
    rows: Sequence[Row],
    faults: Mapping[str, Mapping[str, Sequence[str]]],
    levels: Mapping[str, tuple[str, str]],
    confirmed: Iterable[str],
) -> Document:
    """All that was measured.

    ``head`` says what was run, with ``providers`` and ``tools`` in the order to show them. ``faults`` are the ids that
    each fault of each provider breaks; ``levels`` gives level and area of an id. ``confirmed`` are the MUST ids that
    localstripe is known to break.
    """
    results = [result_of(row, faults[row["provider"]][row["server"]], levels) for row in rows if _of_a_fault(row)]
    results.sort(key=lambda result: (result["provider"], list(faults[result["provider"]]).index(result["fault"])))
    tools, providers = list(head["tools"]), list(head["providers"])
    clean = [row for row in rows if not row["server"]]
    return {
        **head,
        "faults": {
            provider: {
                fault: {
                    "breaks": sorted(faults[provider][fault]),
                    "areas": list(dict.fromkeys(levels[name][1] for name in sorted(faults[provider][fault]))),
                    "levels": sorted({levels[name][0] for name in faults[provider][fault]}),
                }
                for fault in dict.fromkeys(r["fault"] for r in results if r["provider"] == provider)
            }
            for provider in providers
        },
        "summary": [summary(tool, provider, results, clean) for provider in providers for tool in tools],
        "clean": [clean_figures(tool, provider, clean) for provider in providers for tool in tools],
        "localstripe": [localstripe_figures(row, frozenset(confirmed)) for row in rows if row["server"] == LOCALSTRIPE],
        "traffic": next((row for row in rows if row["server"] == TRAFFIC), None),
        "results": results,
        "clean_runs": [{name: value for name, value in row.items() if name not in ("keys", "new")} for row in clean],
    }


def _of_a_fault(row: Row) -> bool:
    return row["server"] not in ("", LOCALSTRIPE, TRAFFIC)


def result_of(row: Row, breaks: Iterable[str], levels: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """What one tool made of one fault. ``must`` and ``exact`` are told of ours alone, for no other knows our rows."""
    result = {"provider": row["provider"], "fault": row["server"], "tool": row["tool"]}
    if "did_not_run" in row:
        return {**result, "found": False, "did_not_run": row["did_not_run"]}
    result |= {name: row[name] for name in ("first", "requests", "seconds", "ended")}
    result |= {"found": bool(row["new"]), "told": len(row["new"]), "new": row["new"][:_SHOWN]}
    if row["tool"] == OURS:
        failing = row["details"]["failing"]
        result["must"] = any(key.startswith("MUST ") for key in row["new"])
        result["exact"] = set(failing) == set(breaks)
        result["not_expected"] = sorted(set(failing) - set(breaks))
        result["not_seen"] = sorted(set(breaks) - set(failing))
    return result


def summary(tool: str, provider: str, results: Sequence[Mapping[str, Any]], clean: Sequence[Row]) -> dict[str, Any]:
    """One tool on one provider's faults, in figures."""
    mine = [one for one in results if one["tool"] == tool and one["provider"] == provider]
    ran = [one for one in mine if "did_not_run" not in one]
    found = [one for one in ran if one["found"]]
    firsts = [one["first"] for one in found if one["first"]]
    alarms = clean_figures(tool, provider, clean)
    return {
        "tool": tool,
        "provider": provider,
        "faults": len(ran),
        "did_not_run": len(mine) - len(ran),
        "found": len(found),
        "found_by_must": sum(one["must"] for one in found) if tool == OURS else None,
        "exact": sum(one["exact"] for one in ran) if tool == OURS else None,
        "median_requests": median(first["requests"] for first in firsts),
        "median_seconds": median(first["seconds"] for first in firsts),
        "false_alarms": alarms["told"],
    }


def clean_figures(tool: str, provider: str, clean: Sequence[Row]) -> dict[str, Any]:
    """What a tool told of the fault-free server: all different failures of all its runs; None where none ran."""
    runs = [row for row in clean if row["tool"] == tool and row["provider"] == provider and "did_not_run" not in row]
    told = sorted({key for row in runs for key in row["keys"]})
    return {
        "tool": tool,
        "provider": provider,
        "runs": len(runs),
        "told": len(told) if runs else None,
        "keys": told,
        "median_requests": median(row["requests"] for row in runs),
        "median_seconds": median(row["seconds"] for row in runs),
        "could_not_generate": sorted({name for row in runs for name in row["details"].get("could_not_generate", [])}),
    }


def localstripe_figures(row: Row, confirmed: frozenset[str]) -> dict[str, Any]:
    """What a tool told of localstripe. Ours is held against what was tried by hand; the others' is only counted."""
    if "did_not_run" in row:
        return {"tool": row["tool"], "did_not_run": row["did_not_run"]}
    figures = {"tool": row["tool"], "told": len(row["keys"]), "keys": row["keys"], "false_alarms": None}
    if row["tool"] == OURS:
        failing = [key.removeprefix("MUST ") for key in row["keys"] if key.startswith("MUST ")]
        figures |= {"told": len(failing), "false_alarms": sorted(set(failing) - confirmed)}
    return figures


def median(values: Iterable[float]) -> float | None:
    """The median; None of nothing."""
    held = list(values)
    return statistics.median(held) if held else None
