"""What a page holds, in plain text: the same for HTML and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# How an entry is coloured, where there is colour; its words say the same.
Tone = Literal["", "good", "bad", "waived", "open", "quiet", "strong", "code"]


@dataclass(frozen=True)
class Entry:
    """A few words of a cell, on a line of their own; ``title`` tells more to who asks for it."""

    text: str
    tone: Tone = ""
    title: str = ""


Cell = tuple[Entry, ...]


@dataclass(frozen=True)
class Row:
    """One line of a table: what it is about, and a cell for each further column."""

    head: Cell
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Group:
    """Rows under a name of their own; an empty name is not shown."""

    name: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Table:
    """``head`` begins with what the rows' heads are about."""

    head: Sequence[Cell]
    groups: Sequence[Group]


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and tables."""

    heading: str
    sentences: Sequence[str] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Page:
    title: str
    sections: Sequence[Section]


def words(text: str, tone: Tone = "", title: str = "") -> Cell:
    """A cell of one entry."""
    return (Entry(text, tone, title),)
