"""This suite as a tool: ``conformance certify`` as a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conformance import __version__
from conformance.evidence.exchange import Exchange
from conformance.evidence.history import read_history

from .tools import Budget, DidNotRun, First, Ran, Result, Server, run_process


class Ours:
    """Finds what the certificate says failed, of whatever level; a key is ``MUST STR-001``."""

    name = "this suite"
    command = "conformance certify --target {file} --seed {seed}"

    def version(self) -> str:
        return __version__

    def run(self, server: Server, budget: Budget, folder: Path, known: frozenset[str] | None) -> Result:
        target, output = folder / "target.toml", folder / "report"
        target.write_text(target_file(server), encoding="utf-8")
        options = ["--target", str(target), "--seed", str(budget.seed), "--output", str(output)]
        ran = run_process([sys.executable, "-m", "conformance", "certify", *options], server, budget, folder)
        written = output / "certificate.json"
        if ran.code not in (0, 1, 3) or not written.is_file():
            raise DidNotRun(f"certify ended with {ran.code} ({ran.ended}): {ran.printed[-500:].strip()}")
        certificate = json.loads(written.read_bytes())
        failed = [row for row in certificate["requirements"] if row["verdict"] == "fail"]
        told = {f"{row['level']} {row['id']}": row for row in failed}
        new = [row for key, row in told.items() if key not in (known or ())]
        return Result(
            keys=frozenset(told),
            first=first_evidence(new, list(read_history(output / "history" / "exchanges.jsonl")), ran, server),
            requests=server.requests() or certificate["requests"],
            seconds=ran.seconds,
            ended=ran.ended,
            details={
                "failing": sorted(row["id"] for row in failed),
                "error": sorted(row["id"] for row in certificate["requirements"] if row["verdict"] == "error"),
            },
        )


def target_file(server: Server) -> str:
    """What ``certify --target`` reads of the server."""
    lines = ["[target]", 'name = "benchmark"', f"provider = {json.dumps(server.provider)}"]
    lines += [f"base_url = {json.dumps(server.url)}", f"api_key = {json.dumps(server.settings['api_key'])}"]
    for section in ("instruments", "lacks"):
        lines += ["", f"[{section}]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in server.settings.get(section, {}).items()]
    return "\n".join(lines) + "\n"


def first_evidence(
    rows: Iterable[Mapping[str, Any]], exchanges: Iterable[Exchange], ran: Ran, server: Server
) -> First | None:
    """When the evidence of one of the rows' findings was complete for the first time; None where there is no row.

    A finding rests on the exchanges that it names, and its evidence is complete when the last of them has ended. One
    that names none rests on the whole run.
    """
    ended = {exchange.number: exchange.ended for exchange in exchanges}
    last = max(ended, default=0)
    findings = [finding for row in rows for finding in row.get("findings") or [{}]]
    if not findings:
        return None
    number = min(max(finding.get("exchanges") or [last]) for finding in findings)
    moment = ended.get(number, ran.started + ran.seconds)
    # Exchanges are sent one after the other but for a few scenarios, so that a number is a count where none is kept.
    return First(server.requests(moment) or number, round(moment - ran.started, 3))
