"""The place in a JSON body that a finding speaks of, as lines in which it is marked."""

from __future__ import annotations

import json
from typing import Any

_AROUND = 3  # lines shown on each side
_LONGEST = 160  # characters of a line
_PLACE = "\N{OBJECT REPLACEMENT CHARACTER}the place"


def excerpt(document: Any, at: str) -> list[str]:
    """The laid-out lines around what stands at the JSON pointer ``at``, whose first line begins with ``>``.

    Where nothing stands there, what it would stand in is marked, and a line says what is missing. There are no lines
    where the document is nested too deeply to be laid out.
    """
    try:
        return _lines(document, at)
    except RecursionError:
        return []


def _lines(document: Any, at: str) -> list[str]:
    path: list[str | int] = []
    value, missing = document, ""
    for part in at.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            path.append(name)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            path.append(int(name))
        else:
            missing = name
            break
        value = value[path[-1]]
    placed = json.dumps(_replaced(document, path), indent=2, ensure_ascii=False).splitlines()
    marked = next(index for index, line in enumerate(placed) if _PLACE in line)  # what comes before it is the same
    lines = json.dumps(document, indent=2, ensure_ascii=False).splitlines()
    first = max(marked - _AROUND, 0)
    shown = [_line(">" if index == marked else " ", line) for index, line in enumerate(lines)]
    if missing:
        indent = " " * (len(lines[marked]) - len(lines[marked].lstrip()) + 2)
        shown.insert(marked + 1, _line(">", f"{indent}(no {missing})"))
    return shown[first : marked + _AROUND + 1]


def _replaced(document: Any, path: list[str | int]) -> Any:
    """The document with a mark instead of what stands at the path."""
    if not path:
        return _PLACE
    first, *rest = path
    if isinstance(document, dict):
        return {name: _replaced(value, rest) if name == first else value for name, value in document.items()}
    return [_replaced(value, rest) if index == first else value for index, value in enumerate(document)]


def _line(mark: str, text: str) -> str:
    return f"{mark} {text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'}".rstrip()
