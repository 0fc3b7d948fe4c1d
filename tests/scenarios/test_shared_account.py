"""An account that others use too, as a sandbox often is: what they make must not be held against the server."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from pathlib import Path

import httpx
import pytest

from conformance.contract import Contract, load_contract
from conformance.embedded import embedded_target
from conformance.evidence.forms import encode_form
from conformance.reference import create_app
from conformance.reference.wire import Asked, Lie, Lying, Said, Serve
from conformance.run import Run, Selection
from conformance.session import act
from conformance.target.client import FORM
from conformance.target.values import Instruments

EARLIER = 120  # intents of others that are there already; more than a page
LISTED = ("same_key_one_effect", "key_reuse_creates_nothing")  # beside all checks that are named after the list


def busy(contract: Contract) -> Lie:
    """Before each list somebody else makes an intent."""
    others = count()
    members = Instruments(embedded_target(contract).instruments).fill(contract.settings["requests"]["create"])
    media_type = contract.operations["create"].media_type
    body = encode_form(members) if media_type == FORM else json.dumps(members).encode()

    def lie(asked: Asked, serve: Serve) -> Said:
        if asked.operation == "list":
            made = replace(asked, method="POST", query="", body=body)
            for _ in range(1 if next(others) else EARLIER):
                assert serve(made.sending(idempotency_key=None, content_type=media_type)).succeeded
        return serve(asked)

    return lie


@pytest.mark.parametrize("provider", ["stripe", "revkeen"])
def test_what_others_make_is_no_fault(provider: str, tmp_path: Path) -> None:
    contract = load_contract(provider)
    rows = contract.requirements.values()
    about = frozenset(row.id for row in rows if row.check.startswith("list_") or row.check in LISTED)
    assert about
    run = Run(
        contract=contract,
        target=embedded_target(contract),
        folder=tmp_path,
        selection=Selection(ids=about),
        transport=httpx.WSGITransport(app=Lying(create_app(provider), busy(contract))),
    )
    run.preflight()
    act(run)
    certificate = run.finish()
    told = {row.id: row.verdict for row in certificate.requirements if row.id in about}
    assert {name: verdict for name, verdict in told.items() if verdict != "pass"} == {}
