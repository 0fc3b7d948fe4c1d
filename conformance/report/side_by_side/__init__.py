"""Certificates side by side, as one page of HTML and one of Markdown. Nothing here decides anything.

``columns`` reads the certificates, ``requirements``, ``areas`` and ``portability`` say what the page holds,
``stories`` and ``asking`` make the contracts of several providers comparable, and ``html`` and ``text`` render a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from conformance.evidence.files import write_whole
from conformance.report.side_by_side.areas import by_area
from conformance.report.side_by_side.columns import Column
from conformance.report.side_by_side.html import as_html
from conformance.report.side_by_side.page import Page
from conformance.report.side_by_side.portability import portability
from conformance.report.side_by_side.requirements import by_requirement
from conformance.report.side_by_side.targets import targets
from conformance.report.side_by_side.text import as_markdown

__all__ = ["By", "page_of", "write_page"]

By = Literal["requirement", "area"]
HTML, MARKDOWN = "matrix.html", "matrix.md"


def page_of(columns: Sequence[Column], by: By | None = None) -> Page:
    """The page of at least one certificate.

    Verdicts stand ``by`` requirement or area; without a say by requirement for one provider, by area for several. What
    is portable from one provider to another is told where the contracts of several are known.
    """
    providers = list(dict.fromkeys(column.provider for column in columns))
    by = by or ("requirement" if len(providers) == 1 else "area")
    verdicts = by_requirement(columns) if by == "requirement" else by_area(columns)
    names = ", ".join(dict.fromkeys(column.certificate.provider_title for column in columns))
    several = portability([column for column in columns if column.contract])
    return Page(f"{names} side by side", (targets(columns), *several, *verdicts))


def write_page(page: Page, folder: Path) -> tuple[Path, Path]:
    """Writes ``matrix.html`` and ``matrix.md`` into ``folder``, and gives their paths. Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    html, markdown = folder / HTML, folder / MARKDOWN
    write_whole(html, as_html(page))
    write_whole(markdown, as_markdown(page))
    return html, markdown
