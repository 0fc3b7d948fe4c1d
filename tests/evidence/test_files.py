"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conformance.evidence.files import write_whole


def test_it_is_written_in_place_of_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    write_whole(path, "first")
    write_whole(path, "second, “quoted”")
    assert path.read_text(encoding="utf-8") == "second, “quoted”"
    write_whole(path, b"\xff")
    assert path.read_bytes() == b"\xff"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_it_as_the_umask_allows(tmp_path: Path) -> None:
    earlier = os.umask(0o022)
    try:
        write_whole(tmp_path / "shown", "")
        os.umask(0o077)
        write_whole(tmp_path / "own", "")
    finally:
        os.umask(earlier)
    assert (tmp_path / "shown").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o600


def test_where_it_cannot_be_put_in_place_the_earlier_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.md"
    write_whole(path, "first")
    seen: list[str] = []

    def cut_short(source: Path, target: Path) -> None:
        seen.append(Path(source).read_text(encoding="utf-8"))  # it is complete before it takes the place
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", cut_short)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "second")
    assert seen == ["second"]
    assert path.read_text(encoding="utf-8") == "first"
    assert list(tmp_path.iterdir()) == [path]
