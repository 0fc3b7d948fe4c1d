"""The Markdown summaries of a command's certificates, on the page that GitHub shows of a step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance.evidence.exchange import Exchange
from conformance.report.phrases import markdown_code
from conformance.report.summary import summary
from conformance.verdict.certificate import Certificate

LIMIT = 1024 * 1024  # bytes; GitHub shows nothing of a step whose summary is longer
_FENCE = re.compile(r"\s*(`{3,})([^`]*)$")


def append_summaries(results: Sequence[tuple[Certificate, Mapping[int, Exchange], Path]], path: Path) -> None:
    """Appends the summary of each certificate to the file ``path``, as far as the limit allows.

    ``results`` are as ``show_results`` takes them; where a summary is cut, it says in which folder the whole is. Raises
    ``OSError`` where the file cannot be written.
    """
    for certificate, exchanges, folder in results:
        room = LIMIT - (path.stat().st_size if path.exists() else 0)
        whole = f"\n\nCut here: {markdown_code(str(folder / 'summary.md'))} has it all.\n"
        text = shortened("\n" + summary(certificate, exchanges), room, whole)
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)


def shortened(text: str, room: int, note: str) -> str:
    """``text`` where it takes no more than ``room`` bytes, else its first lines and then ``note``.

    A block of code is kept whole or left out. Where not even the note fits, nothing is left.
    """
    if len(text.encode()) <= room:
        return text
    room -= len(note.encode())
    kept: list[str] = []
    whole, fence = 0, ""  # lines that end outside of code; what opened the code that the last one is in
    for line in text.splitlines(keepends=True):
        room -= len(line.encode())
        if room < 0:
            break
        kept.append(line)
        mark = _FENCE.match(line.rstrip())
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not mark[2]:
            fence = ""
        if not fence:
            whole = len(kept)
    return "".join(kept[:whole]).rstrip("\n") + note if whole else ""
