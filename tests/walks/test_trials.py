"""A move is tried once in a run; every row that speaks of it judges the same exchanges."""

from __future__ import annotations

from pathlib import Path

import httpx

from conformance.contract import load_contract
from conformance.embedded import embedded_target
from conformance.reference import create_app
from conformance.run import Run, Selection
from conformance.session import act


def test_rows_on_one_transition_share_its_exchanges(tmp_path: Path) -> None:
    contract = load_contract("stripe")
    rows = [
        row.id
        for row in contract.requirements.values()
        if row.check == "transition" and row.args["transition"] == "confirm_succeeded"
    ]
    assert len(rows) > 1
    run = Run(
        contract=contract,
        target=embedded_target(contract),
        folder=tmp_path,
        selection=Selection(frozenset(rows)),
        transport=httpx.WSGITransport(app=create_app("stripe")),
    )
    act(run)
    verdicts = [one for one in run.finish().requirements if one.id in rows]
    assert {one.verdict for one in verdicts} == {"pass"}
    first, *others = (set(one.exchanges) for one in verdicts)
    assert len(run.history) <= 4, "create, confirm, confirm again, and at most one retrieve"
    for other in others:
        assert first & other
