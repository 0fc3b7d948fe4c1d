"""The page that is published, ``detection.md``: written from ``detection.json`` alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .registry import OURS

_SHOWN = 40  # of a list; the rest is in the JSON


def page(document: Mapping[str, Any]) -> str:
    """The Markdown of a document."""
    parts = [head(document), summary(document), areas(document), differences(document), false_alarms(document)]
    return "\n\n".join(part for part in parts if part) + "\n"


def head(document: Mapping[str, Any]) -> str:
    plan, versions = document["plan"], document["versions"]
    each = "Each fault" if plan["every"] == 1 else f"**One fault in {plan['every']}** of those"
    budgets = ", ".join(f"{name} {count:,}" for name, count in document["requests"].items())
    lines = [
        "# What is found of faulty servers",
        f"Measured {document['date']}, this suite {versions[OURS]} on Python {document['python']}, "
        f"{document['cores']} cores, {document['processes']} jobs at a time. {document['note']}".strip(),
        f"{each} that the reference server has is served over a socket and given to each tool. **Found** means: it "
        "tells something that it does not tell of the fault-free server in any of its runs on it (ours: a failed "
        "requirement). Ours runs once, as it always does; any other tool may take up to "
        f"{plan['seconds']:g} seconds and {plan['times']:g} times the requests of our own run ({budgets}), and is "
        "stopped at its first finding. Requests are counted by the server. The time of a finding is when the last "
        "exchange that shows it was over, counted from the start of the process; ours tells at the end of its run. "
        "What another tool would tell of the fault-free server too, and by chance did not, counts for it.",
        "**How to read it.** The faults are ours and were written together with the checks: that ours finds them says "
        "that nothing has fallen over, not how good it is. What the others find of them says what of these contracts "
        "can be judged without knowing more than the OpenAPI document; they were not made for more. They get that "
        "document with the same credentials and, in the form that each can read, values known to work there: payment "
        "methods, customers, requests that a server accepts.",
        "| Tool | Version | Command |\n|---|---|---|\n"
        + "\n".join(f"| {tool} | {versions[tool]} | `{document['commands'][tool]}` |" for tool in document["tools"]),
        f"Again: `make benchmark`, or `{document['again']}`. All of it, fault by fault: `detection.json`.",
    ]
    return "\n\n".join(lines)


def summary(document: Mapping[str, Any]) -> str:
    rows = []
    for one in document["summary"]:
        share = f"{100 * one['found'] / one['faults']:.0f} %" if one["faults"] else "–"
        rows.append([
            one["provider"], one["tool"], f"{one['found']} of {one['faults']}", share, _number(one["found_by_must"]),
            _number(one["exact"]), _number(one["median_requests"]), _number(one["median_seconds"], 1),
            _number(one["false_alarms"]), _number(one["did_not_run"]),
        ])  # fmt: skip
    heads = ["Provider", "Tool", "Found", "Share", "By a MUST", "Exactly the rows broken", "Requests to the first"]
    heads += ["Seconds to the first", "Told of the fault-free server", "Did not run"]
    return f"## Summary\n\n{table(heads, rows)}\n\nRequests and seconds are medians of the faults found."


def headline(document: Mapping[str, Any]) -> str:
    """The figures of all providers together, a line a tool: what README.md quotes."""
    rows = []
    for tool in document["tools"]:
        mine = [one for one in document["results"] if one["tool"] == tool and "did_not_run" not in one]
        firsts = [one["first"] for one in mine if one["found"] and one["first"]]
        clean = [one["told"] for one in document["clean"] if one["tool"] == tool]
        rows.append([
            f"{tool} {document['versions'][tool]}",
            f"{sum(one['found'] for one in mine)} of {len(mine)}",
            _number(statistics.median(first["requests"] for first in firsts) if firsts else None),
            _number(statistics.median(first["seconds"] for first in firsts) if firsts else None, 1),
            _number(None if None in clean else sum(clean)),
        ])  # fmt: skip
    return table(["Tool", "Found", "Requests to the first finding", "Seconds", "Told of fault-free servers"], rows)


def areas(document: Mapping[str, Any]) -> str:
    """Found by area; a fault counts in each area of which it breaks a row."""
    tools = document["tools"]
    counted: dict[str, dict[str, int]] = {}
    places = {(p, f): told["areas"] for p, faults in document["faults"].items() for f, told in faults.items()}
    for areas_of in places.values():
        for area in areas_of:
            counted.setdefault(area, dict.fromkeys(["faults", *tools], 0))["faults"] += 1
    for one in document["results"]:
        if one["found"]:
            for area in places[one["provider"], one["fault"]]:
                counted[area][one["tool"]] += 1
    rows = [[area, str(of["faults"]), *(str(of[tool]) for tool in tools)] for area, of in counted.items()]
    note = "A fault counts in each area of which it breaks a row."
    return f"## By area of the rows broken\n\n{table(['Area', 'Faults', *tools], rows)}\n\n{note}"


def differences(document: Mapping[str, Any]) -> str:
    found: dict[tuple[str, str], set[str]] = {}
    for one in document["results"]:
        tools = found.setdefault((one["provider"], one["fault"]), set())
        if one["found"]:
            tools.add(one["tool"])
    theirs = [place for place, tools in found.items() if tools and OURS not in tools]
    nobodys = [place for place, tools in found.items() if not tools]
    alone = [place for place, tools in found.items() if tools == {OURS}]
    parts = ["## Differences"]
    if OURS in document["tools"]:
        parts.append(_told("Found by another tool and not by ours", theirs, "none."))
        if len(document["tools"]) > 1:
            parts.append(f"Found by ours alone: {len(alone)} of {len(found)}.{_kinds(document, alone)}")
    parts.append(_told("Found by no tool", nobodys, "none."))
    broken = [one for one in document["results"] if "did_not_run" in one]
    if broken:
        parts.append(
            "Did not run:\n\n"
            + "\n".join(
                f"- {one['tool']}, {one['provider']} `{one['fault']}`: {_one_line(one['did_not_run'])}"
                for one in broken[:_SHOWN]
            )
        )
    return "\n\n".join(parts)


def _kinds(document: Mapping[str, Any], places: Sequence[tuple[str, str]]) -> str:
    """A few examples, each of another area."""
    examples: dict[str, str] = {}
    for provider, fault in places:
        for area in document["faults"][provider][fault]["areas"][:1]:
            examples.setdefault(area, f"`{fault}` ({provider}, {area})")
    return f" For example {', '.join(examples.values())}." if examples else ""


def false_alarms(document: Mapping[str, Any]) -> str:
    rows = []
    for one in document["clean"]:
        rows.append([
            f"fault-free {one['provider']}", one["tool"], f"{one['runs']} seeds", _number(one["told"]),
            f"{_number(one['median_requests'])} requests, {_number(one['median_seconds'], 1)} s a run (median)"
            + "".join(f"; could not generate data: {name}" for name in one["could_not_generate"]),
        ])  # fmt: skip
    for one in document["localstripe"]:
        if "did_not_run" in one:
            rows.append(["localstripe", one["tool"], "did not run", "–", _one_line(one["did_not_run"])])
        elif one["false_alarms"] is None:
            rows.append(["localstripe", one["tool"], "1 run", "not examined", f"tells {one['told']} failures"])
        else:
            note = f"{one['told']} MUST rows fail, each tried by hand but for the false alarms"
            rows.append(["localstripe", one["tool"], "1 run", _listed(one["false_alarms"]), note])
    traffic = document["traffic"]
    if traffic is None:
        rows.append(["recorded traffic of Stripe's test mode", OURS, "not measured", "–", ""])
    elif "did_not_run" in traffic:
        rows.append(
            ["recorded traffic of Stripe's test mode", OURS, "did not run", "–", _one_line(traffic["did_not_run"])]
        )
    else:
        judged = f"{traffic['judged']:,} exchanges"
        rows.append(["recorded traffic of Stripe's test mode", OURS, judged, _listed(traffic["failing"]), "MUST rows"])
    heads = ["Told of", "Tool", "Runs", "False alarms", "Note"]
    note = (
        "On the fault-free server whatever is told is counted as false, each kind of failure (check, operation, title; "
        "ours: row) once over all seeds. Some of what others tell there is a matter of taste, not a mistake: a 405 "
        "without `Allow`, a request that fits the schema and is refused for a reason that no schema can state."
    )
    return f"## False alarms\n\n{table(heads, rows)}\n\n{note}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _told(what: str, places: Sequence[tuple[str, str]], otherwise: str) -> str:
    if not places:
        return f"{what}: {otherwise}"
    shown = [f"- {provider} `{fault}`" for provider, fault in places[:_SHOWN]]
    more = [f"- … and {len(places) - _SHOWN} more"] if len(places) > _SHOWN else []
    return f"{what}: {len(places)}.\n\n" + "\n".join([*shown, *more])


def _listed(names: Sequence[str]) -> str:
    return f"{len(names)}: {', '.join(names)}" if names else "0"


def _number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
