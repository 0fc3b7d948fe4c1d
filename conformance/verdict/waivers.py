"""Waivers: known failures that the owner of a target accepts until a date."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

_KEYS = {"requirement", "reason", "link", "until", "by"}
_PLACEHOLDERS = {
    "a reason", "because", "changeme", "fixme", "known", "known issue", "later", "n/a", "na", "none", "placeholder",
    "reason", "tba", "tbc", "tbd", "test", "to be decided", "to be done", "todo", "unknown", "waived", "why",
    "wip", "xxx",
}  # fmt: skip


class WaiverError(Exception):
    """The waivers are wrong; the message names each row and what to change. Nothing has been sent."""


@dataclass(frozen=True)
class Waiver:
    """One failure that the target's owner (``by``) accepts up to and including the day ``until``."""

    requirement: str
    reason: str
    link: str
    until: date
    by: str = ""


def read_waivers(rows: Iterable[Mapping[str, Any]], known: Collection[str]) -> tuple[Waiver, ...]:
    """The waivers of a target file's ``[[waiver]]`` rows.

    ``known`` are the ids of the contract's requirements. ``until`` is a TOML date, or the same written as a string.
    Raises ``WaiverError`` with every problem found: an unknown key or id, a duplicate, a reason that is missing or says
    nothing, a missing date.
    """
    waivers, problems = [], []
    for row in rows:
        wrong = _problems(row)
        if wrong:
            problems += [f"waiver of {row.get('requirement') or '(no requirement)'}: {problem}" for problem in wrong]
        else:
            texts = {key: str(row.get(key, "")).strip() for key in ("requirement", "reason", "link", "by")}
            waivers.append(Waiver(until=_date(row["until"]) or date.min, **texts))
    problems += _misdirected(waivers, known)
    if problems:
        raise WaiverError("\n".join(problems))
    return tuple(waivers)


def check_waivers(waivers: Iterable[Waiver], known: Collection[str]) -> None:
    """Raises ``WaiverError`` where a waiver names an unknown requirement, or two name the same one."""
    problems = _misdirected(waivers, known)
    if problems:
        raise WaiverError("\n".join(problems))


def _misdirected(waivers: Iterable[Waiver], known: Collection[str]) -> list[str]:
    problems, seen = [], set()
    for waiver in waivers:
        if waiver.requirement not in known:
            problems.append(f"waiver of {waiver.requirement}: the contract has no such requirement")
        if waiver.requirement in seen:
            problems.append(f"waiver of {waiver.requirement}: stands twice; keep one")
        seen.add(waiver.requirement)
    return problems


def _problems(row: Mapping[str, Any]) -> list[str]:
    """What is wrong with a row by itself."""
    problems = [f"unknown key {key!r}; known: {', '.join(sorted(_KEYS))}" for key in sorted(set(row) - _KEYS)]
    for key in ("requirement", "reason", "link", "by"):
        if not isinstance(row.get(key, ""), str):
            problems.append(f"{key} = {row[key]!r} is no text")
    if not row.get("requirement"):
        problems.append("requirement is missing: the id of the requirement that fails")
    if isinstance(row.get("reason", ""), str) and _says_nothing(row.get("reason", "")):
        problems.append(f"reason = {row.get('reason', '')!r} gives none: say what the target does instead, and why")
    if "until" not in row:
        problems.append("until is missing: the last day on which the failure is accepted, as until = 2027-03-31")
    elif _date(row["until"]) is None:
        problems.append(f"until = {row['until']!r} is no date; write until = 2027-03-31")
    return problems


def _says_nothing(reason: str) -> bool:
    words = reason.strip().strip(".…-–—?!:<>[]()\"'").strip().lower()
    speaks = any(mark.isalpha() for mark in words)
    return not speaks or words in _PLACEHOLDERS or words.startswith(("todo", "fixme", "tbd"))


def _date(value: Any) -> date | None:
    if isinstance(value, datetime):  # a datetime is a date to Python, but a waiver ends with a day
        return None
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, date) else None
