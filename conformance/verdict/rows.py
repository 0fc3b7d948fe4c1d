"""The rows of a certificate as JSON: requirements, their findings and the matrix, there and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from conformance.contract.model import Source
from conformance.evidence.finding import Cell, Finding
from conformance.verdict.judgement import RequirementVerdict
from conformance.verdict.waivers import Waiver


def row_to_json(row: RequirementVerdict) -> dict[str, Any]:
    waiver = row.waiver
    return {
        "id": row.id,
        "level": row.level,
        "area": row.area,
        "verdict": row.verdict,
        "reason": row.reason,
        "statement": row.statement,
        "source": [{"key": source.key, "title": source.title, "url": source.url} for source in row.sources],
        "check": row.check,
        "findings": [finding_to_json(finding) for finding in row.findings],
        "exchanges": list(row.exchanges),
        "judged": row.judged,
        "waiver": waiver
        and {
            "reason": waiver.reason,
            "link": waiver.link,
            "until": waiver.until.isoformat(),
            "by": waiver.by,
            "stale": row.stale,
        },
    }


def row_from_json(row: Mapping[str, Any]) -> RequirementVerdict:
    waiver = row["waiver"]
    return RequirementVerdict(
        id=row["id"],
        level=row["level"],
        area=row["area"],
        verdict=row["verdict"],
        statement=row["statement"],
        sources=tuple(Source(source["key"], source["title"], source["url"]) for source in row["source"]),
        check=row["check"],
        reason=row["reason"],
        findings=tuple(finding_from_json(finding) for finding in row["findings"]),
        exchanges=tuple(row["exchanges"]),
        judged=row["judged"],
        waiver=waiver
        and Waiver(row["id"], waiver["reason"], waiver["link"], date.fromisoformat(waiver["until"]), waiver["by"]),
        stale=waiver["stale"] if waiver else "",
    )


def finding_to_json(finding: Finding) -> dict[str, Any]:
    return {
        "expected": finding.expected,
        "actual": finding.actual,
        "at": finding.at,
        "exchanges": list(finding.exchanges),
        "scenario": finding.scenario,
        "sequence": finding.sequence,
    }


def finding_from_json(finding: Mapping[str, Any]) -> Finding:
    return Finding(
        expected=finding["expected"],
        actual=finding["actual"],
        at=finding["at"],
        exchanges=tuple(finding["exchanges"]),
        scenario=finding["scenario"],
        sequence=finding["sequence"],
    )


def cell_to_json(cell: Cell) -> dict[str, Any]:
    return {
        "operation": cell.operation,
        "status": cell.status,
        "request": cell.request,
        "documented": cell.documented,
        "observed": cell.observed,
        "exchanges": list(cell.exchanges),
    }


def cell_from_json(cell: Mapping[str, Any]) -> Cell:
    return Cell(
        operation=cell["operation"],
        status=cell["status"],
        request=cell["request"],
        documented=cell["documented"],
        observed=cell["observed"],
        exchanges=tuple(cell["exchanges"]),
    )
