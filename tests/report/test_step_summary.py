"""The page of a step on GitHub: all summaries one after the other, within the limit, no block of code cut open."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt

from conformance.commands.common import show_results
from conformance.evidence.exchange import Exchange
from conformance.report.step_summary import LIMIT, append_summaries, shortened
from conformance.report.summary import summary
from conformance.verdict import Certificate

TEXT = "# Head\n\n- one\n\n    ```sh\n    first\n    second\n    ```\n- two\n\n````\n```\ncode\n````\nend\n"
NOTE = "\n\nCut.\n"


def blocks(text: str) -> list[str]:
    """The blocks of code of a page of Markdown, those that nobody closes among them."""
    return [token.content for token in MarkdownIt().parse(text) if token.type in ("fence", "code_block")]


def test_what_fits_is_left_as_it_is() -> None:
    assert shortened(TEXT, len(TEXT), NOTE) == TEXT


@pytest.mark.parametrize("room", range(len(TEXT)))
def test_what_is_cut_is_within_the_limit_ends_with_the_note_and_opens_no_block(room: int) -> None:
    cut = shortened(TEXT, room, NOTE)
    assert len(cut.encode()) <= room
    assert not cut or cut.endswith(NOTE)
    assert set(blocks(cut)) <= set(blocks(TEXT))


def test_as_much_as_possible_is_kept() -> None:
    assert "first" in shortened(TEXT, TEXT.index("- two") + len(NOTE), NOTE)
    assert "first" not in shortened(TEXT, TEXT.index("- two") + len(NOTE) - 1, NOTE)
    assert "first" in shortened(TEXT, len(TEXT) - 1, NOTE)


def test_the_limit_counts_bytes() -> None:
    text = "ü" * 10 + "\n" + "é" * 10 + "\n"
    assert shortened(text, 30 + len(NOTE), NOTE) == "ü" * 10 + NOTE


def test_summaries_follow_what_the_step_wrote_before(
    certificate: Certificate, exchanges: dict[int, Exchange], tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n", encoding="utf-8")
    append_summaries([(certificate, exchanges, tmp_path)] * 2, page)
    text = "\n" + summary(certificate, exchanges)
    assert page.read_text(encoding="utf-8") == "before\n" + text + text


def test_the_page_never_outgrows_the_limit(
    certificate: Certificate, exchanges: dict[int, Exchange], tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text("x" * (LIMIT - 2000), encoding="utf-8")
    append_summaries([(certificate, exchanges, tmp_path / "run")] * 3, page)
    assert LIMIT - 2000 < page.stat().st_size <= LIMIT
    assert "run/summary.md` has it all." in page.read_text(encoding="utf-8")


def shown(results: list[tuple[Certificate, dict[int, Exchange], Path]], page: str | None) -> tuple[str, str]:
    """What a command that shows these results prints, and complains of."""
    command = click.command()(lambda: show_results(results))
    told = CliRunner().invoke(command, [], env={"GITHUB_STEP_SUMMARY": page}, catch_exceptions=False)
    assert told.exit_code == 0
    return told.stdout, told.stderr


def test_commands_tell_github_only_where_it_asks(
    certificate: Certificate, exchanges: dict[int, Exchange], tmp_path: Path
) -> None:
    results = [(certificate, exchanges, tmp_path / "run")]
    page = tmp_path / "page.md"
    shown(results, None)
    assert not page.exists()
    shown(results, str(page))
    assert "Example: not conformant" in page.read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_spoils_nothing(
    certificate: Certificate, exchanges: dict[int, Exchange], tmp_path: Path
) -> None:
    page = tmp_path / "missing" / "page.md"
    out, complaint = shown([(certificate, exchanges, tmp_path / "run")], str(page))
    assert "report: " in out
    assert complaint == f"conformance: GITHUB_STEP_SUMMARY {page}: No such file or directory\n"
