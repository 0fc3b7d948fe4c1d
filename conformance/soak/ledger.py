"""A memory for what all users of a soak have been given, which may be more than fits into memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, MutableMapping

Entry = tuple[bytes, int]


class Ledger(MutableMapping[bytes, Entry]):
    """A mapping in a temporary file, gone when it is closed: few bytes by few bytes, and a number."""

    def __init__(self) -> None:
        self._opened = sqlite3.connect("", isolation_level=None)
        self._opened.execute("PRAGMA journal_mode = OFF")
        self._opened.execute("CREATE TABLE entry (place BLOB PRIMARY KEY, told BLOB, number INTEGER) WITHOUT ROWID")

    def close(self) -> None:
        self._opened.close()

    def __getitem__(self, place: bytes) -> Entry:
        row = self._opened.execute("SELECT told, number FROM entry WHERE place = ?", (place,)).fetchone()
        if row is None:
            raise KeyError(place)
        return row[0], row[1]

    def __setitem__(self, place: bytes, entry: Entry) -> None:
        self._opened.execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", (place, *entry))

    def __delitem__(self, place: bytes) -> None:
        if not self._opened.execute("DELETE FROM entry WHERE place = ?", (place,)).rowcount:
            raise KeyError(place)

    def __iter__(self) -> Iterator[bytes]:
        return (row[0] for row in self._opened.execute("SELECT place FROM entry"))

    def __len__(self) -> int:
        return int(self._opened.execute("SELECT count(*) FROM entry").fetchone()[0])
