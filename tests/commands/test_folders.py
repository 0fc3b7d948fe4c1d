"""Where a run leaves its reports: a folder that any system can have, beside those of other targets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.order import Order, prepare_runs


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("acme", "dots-acme"),
        ("acme: the second", "dots-acme_ the second"),
        ("../../../outside", "dots-.._.._.._outside"),
        ("C:\\shop", "dots-C__shop"),
        ("Bücher", "dots-Bücher"),
    ],
)
def test_a_targets_name_is_a_folder_of_its_own(
    name: str, folder: str, target_file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    target = target_file("dots", "http://127.0.0.1:1", name=name)
    (run,) = prepare_runs(Order(target=str(target)))
    run.close()
    assert run.folder == Path("reports") / folder
    assert [path.name for path in Path("reports").iterdir()] == [folder]


def test_so_is_an_ipv6_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (run,) = prepare_runs(Order(("dots",), "http://[::1]:8080", "key_1"))
    run.close()
    assert [path.name for path in Path("reports").iterdir()] == ["dots-ipv6-__1-8080"]
