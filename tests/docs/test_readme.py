"""What the README shows of a run is what a run shows."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.faults.certification import certified

README = Path(__file__).parents[2] / "README.md"
VERDICTS = ("pass", "fail", "inapplicable", "inconclusive", "error", "not_run")


def test_the_counts_are_those_of_the_reference_server(tmp_path: Path) -> None:
    rows = certified("stripe", "", tmp_path).requirements
    counts = Counter((name, row.verdict) for row in rows for name in (row.area, "conformant"))
    shown = re.findall(
        r"^ (?:Stripe|      )    (\w+) +((?:[\d·]+ *){6})$", README.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert [name for name, _ in shown] == ["create", "confirm", "idempotency", "conformant"]
    for name, told in shown:
        assert [int(one.replace("·", "0")) for one in told.split()] == [counts[name, verdict] for verdict in VERDICTS]
