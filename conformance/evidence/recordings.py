"""Other people's recordings, and our own, as exchanges: one at a time, whatever the size of the file."""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from conformance.evidence.exchange import Exchange
from conformance.evidence.recorded_har import NotHarError, entries, from_entry, left_out
from conformance.evidence.recorded_lines import from_recorded_line, is_hand_edited, lines
from conformance.evidence.recorded_yaml import from_interaction, interactions

HAND_EDITED = "edited by hand"
UNREADABLE = "unreadable exchange"
UNREADABLE_FILE = "unreadable file"


class RecordingError(ValueError):
    """A file that holds no recording we can read; the message names it and the formats known."""


@dataclass(frozen=True)
class _Format:
    title: str
    items: Callable[[BinaryIO], Iterator[Any]]
    exchange: Callable[[Any], Exchange]
    left_out: Callable[[Any], str] = lambda item: HAND_EDITED if is_hand_edited(item) else ""
    told_by_name: bool = True  # where a file's name does not tell, what is no recording is passed over in folders


_JSON_LINES = _Format("exchanges as JSON lines (.jsonl), our histories among them", lines, from_recorded_line)
_CASSETTE = _Format("VCR cassettes in YAML (.yaml, .yml) of vcrpy and Ruby's VCR", interactions, from_interaction)
_HAR = _Format("HAR 1.2 (.har, .json) of browsers, Polly.JS and mitmproxy", entries, from_entry, left_out)
_FORMATS = {
    ".jsonl": _JSON_LINES,
    ".yaml": _CASSETTE,
    ".yml": _CASSETTE,
    ".har": _HAR,
    ".json": replace(_HAR, told_by_name=False),
}
_COMPRESSIONS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".xz": lzma.open}
_KNOWN = "; ".join(dict.fromkeys(known.title for known in _FORMATS.values())) + "; each may end in .gz or .xz"


class Skipped(Counter[str]):
    """How many exchanges or files were left out, by reason."""

    def __str__(self) -> str:
        return ", ".join(f"{count} {reason}" for reason, count in sorted(self.items()))


def read_recordings(paths: Iterable[Path], skipped: Skipped | None = None) -> Iterator[Exchange]:
    """The exchanges of recordings, numbered from 1 in the order they are read; folders are walked by name.

    ``scenario`` is the recording's file, ``origin`` says where the exchange comes from: ``file`` (one intent's life is
    told within one file), ``recording`` (the file on disk), ``index`` and whatever else the recording tells of itself.
    ``skipped`` counts what is left out; in folders files of other kinds are passed over. Raises RecordingError where a
    path is missing or no recording, or where a folder holds none; OSError where a file cannot be opened.
    """
    skipped = Skipped() if skipped is None else skipped
    number = 0
    for path in paths:
        before = number + skipped.total()
        for exchange in _folder(path, skipped) if path.is_dir() else _file(path, skipped):
            number += 1
            yield replace(exchange, number=number)
        if number + skipped.total() == before:
            raise RecordingError(f"{path}: no exchange in it. Known are {_KNOWN}")


def _folder(folder: Path, skipped: Skipped) -> Iterator[Exchange]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        known = _format(path)
        if hidden or not path.is_file() or known is None:
            continue
        try:
            yield from _file(path, skipped)
        except RecordingError as error:
            if known.told_by_name or not isinstance(error.__cause__, NotHarError):
                skipped[UNREADABLE_FILE] += 1


def _file(path: Path, skipped: Skipped) -> Iterator[Exchange]:
    known = _format(path)
    if known is None:
        raise RecordingError(f"{path}: {'not a known format' if path.exists() else 'no such file'}. Known are {_KNOWN}")
    read, unreadable = False, 0
    try:
        with closing(_opened(path)) as stream:
            for index, item in enumerate(known.items(stream)):
                try:
                    reason = known.left_out(item)
                    exchange = None if reason else known.exchange(item)
                except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
                    unreadable += 1
                    continue
                read = True
                if exchange is None:
                    skipped[reason] += 1
                    continue
                yield _placed(exchange, path, index)
    except FileNotFoundError as error:
        raise RecordingError(f"{path}: no such file. Known are {_KNOWN}") from error
    except (ValueError, RecursionError, EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise RecordingError(f"{path}: {error or type(error).__name__}. Known are {_KNOWN}") from error
    if unreadable and not read:
        raise RecordingError(f"{path}: none of its {unreadable} entries is an exchange. Known are {_KNOWN}")
    if unreadable:
        skipped[UNREADABLE] += unreadable


def _placed(exchange: Exchange, path: Path, index: int) -> Exchange:
    origin = {"file": str(path), "index": str(index), "recording": str(path), **exchange.origin}
    if exchange.number:
        origin["number"] = str(exchange.number)
    return replace(exchange, scenario=exchange.scenario or origin["file"], origin=origin)


def _format(path: Path) -> _Format | None:
    suffix = Path(path.stem).suffix if path.suffix in _COMPRESSIONS else path.suffix
    return _FORMATS.get(suffix.lower())


def _opened(path: Path) -> BinaryIO:
    opener = _COMPRESSIONS.get(path.suffix)
    return cast(BinaryIO, opener(path)) if opener else path.open("rb")
