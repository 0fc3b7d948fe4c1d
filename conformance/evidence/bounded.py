"""Streams that cannot fill the memory."""

from __future__ import annotations

from typing import BinaryIO

# No exchange that is judged comes near.
MAX_BYTES = 64 * 1024 * 1024


class Bounded:
    """A stream that hands out no more than ``MAX_BYTES`` for one item; ``begin`` says that the next one begins."""

    def __init__(self, stream: BinaryIO, item: str) -> None:
        self._stream, self._item, self._read = stream, item, 0

    def begin(self) -> None:
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        """As of any stream. Raises ValueError where one item does not come to its end."""
        chunk = self._stream.read(min(size, MAX_BYTES) if size >= 0 else MAX_BYTES)
        self._read += len(chunk)
        if self._read > MAX_BYTES:
            raise ValueError(f"{self._item} is longer than {MAX_BYTES} bytes")
        return chunk
