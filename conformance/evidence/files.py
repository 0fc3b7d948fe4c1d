"""Files that are there whole or not at all, whenever the process that writes them is ended."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes a file beside its place and then puts it there, in place of an earlier one; text as UTF-8.

    Whoever reads it sees the earlier file or the new one, never a part. The folder must exist. Raises OSError, and
    leaves what was there before, where it cannot be written. A process that is killed here leaves the beginning of a
    file under a name that begins with a dot and ends with ``.part``.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
