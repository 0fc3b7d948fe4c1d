"""Digests of files, as certificates name them: SHA-256 in hexadecimal digits, after ``sha256:``."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_NO_SUITE = {"__pycache__", "schemas"}  # what Python compiles; contracts, which have a digest each


def file_digest(path: Path) -> str:
    """The digest of a file's bytes, as ``sha256sum`` tells it. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def folder_digests(folder: Path) -> dict[str, str]:
    """The digests of the files that stand in a folder, by name. Raises OSError where one cannot be read."""
    return {path.name: file_digest(path) for path in sorted(folder.iterdir()) if path.is_file()}


@cache
def suite_digest() -> str:
    """The digest over the files of this package, names and contents, wherever it is installed; without contracts."""
    package = Path(__file__).resolve().parents[1]
    total = hashlib.sha256()
    for path in sorted(path for path in package.rglob("*") if path.is_file()):
        name = path.relative_to(package)
        if _NO_SUITE.isdisjoint(name.parts):
            total.update(f"{name.as_posix()} {file_digest(path)}\n".encode())
    return f"sha256:{total.hexdigest()}"
