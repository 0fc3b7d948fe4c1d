"""The certificate: the machine-readable outcome of one run against one target, and the one source of all reports."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from conformance import __version__
from conformance.contract.model import Contract, Level
from conformance.evidence.files import write_whole
from conformance.evidence.finding import Cell, Finding, VerdictName
from conformance.verdict.judgement import (
    Judgement,
    RequirementVerdict,
    Result,
    by_level,
    deciding_levels,
    tally,
)
from conformance.verdict.rows import (
    cell_from_json,
    cell_to_json,
    finding_from_json,
    finding_to_json,
    row_from_json,
    row_to_json,
)

Mode = Literal["live", "in-process", "replayed", "recorded", "soak"]

SCHEMA = "certificate.schema.json"
_EXIT_CODES: Mapping[Result, int] = {"conformant": 0, "non_conformant": 1, "inconclusive": 3}


class CertificateError(Exception):
    """A file is no certificate; the message names the file and what is wrong with it."""


class ContradictionError(CertificateError):
    """A certificate's counts are not those of its rows, so somebody changed one of both."""


@dataclass(frozen=True)
class CertifiedTarget:
    """The name and address of the target that a certificate speaks of; the address is empty for a recording."""

    name: str
    base_url: str = ""


@dataclass(frozen=True)
class Digests:
    """The digests of what a run was judged by and rests on, each ``sha256:`` and hexadecimal digits.

    ``suite`` is of the package that judged, ``history`` of the history's file, empty where the run left none.
    ``recording`` has those of the files of the recording that the run made or was replayed from, by name.
    """

    suite: str
    history: str = ""
    recording: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Certificate:
    """What a run found. ``started_at`` is RFC 3339 in UTC; ``requests`` counts those sent, or read from recordings.

    ``exploration`` holds what fuzzing found beyond the fixed exam, ``matrix`` what every operation did from every
    status: they decide nothing. ``digests`` are None in certificates of versions that knew none.
    """

    suite_version: str
    provider: str
    provider_title: str
    contract_version: str
    contract_digest: str
    target: CertifiedTarget
    mode: Mode
    seed: int
    started_at: str
    duration_s: float
    requests: int
    strict: bool
    result: Result
    reasons: tuple[str, ...]
    requirements: tuple[RequirementVerdict, ...]
    exploration: tuple[Finding, ...] = ()
    matrix: tuple[Cell, ...] = ()
    digests: Digests | None = None

    @property
    def totals(self) -> dict[VerdictName, int]:
        return tally(row.verdict for row in self.requirements)

    @property
    def levels(self) -> dict[Level, dict[VerdictName, int]]:
        return by_level(self.requirements)

    @property
    def areas(self) -> dict[str, dict[VerdictName, int]]:
        """The totals of each area, in the contract's order."""
        names = dict.fromkeys(row.area for row in self.requirements)
        return {name: tally(row.verdict for row in self.requirements if row.area == name) for name in names}

    @property
    def not_judged(self) -> dict[tuple[VerdictName, str], tuple[str, ...]]:
        """The ids of the requirements that neither passed nor failed, by verdict and reason."""
        found: dict[tuple[VerdictName, str], tuple[str, ...]] = {}
        for row in self.requirements:
            if row.verdict not in ("pass", "fail"):
                key = (row.verdict, row.reason)
                found[key] = (*found.get(key, ()), row.id)
        return found

    def decides(self, row: RequirementVerdict) -> bool:
        """Whether the row's level decides conformance in this run."""
        return row.level in deciding_levels(self.strict)

    def to_json(self) -> dict[str, Any]:
        """The document that ``certificate.schema.json`` describes."""
        return {
            "suite_version": self.suite_version,
            "provider": self.provider,
            "provider_title": self.provider_title,
            "contract_version": self.contract_version,
            "contract_digest": self.contract_digest,
            "target": {"name": self.target.name, "base_url": self.target.base_url},
            "mode": self.mode,
            "seed": self.seed,
            "started_at": self.started_at,
            "duration_s": self.duration_s,
            "requests": self.requests,
            "strict": self.strict,
            "result": self.result,
            "reasons": list(self.reasons),
            "totals": self.totals,
            "levels": self.levels,
            "requirements": [row_to_json(row) for row in self.requirements],
            "not_judged": [
                {"verdict": verdict, "reason": reason, "requirements": list(ids)}
                for (verdict, reason), ids in self.not_judged.items()
            ],
            "exploration": [finding_to_json(finding) for finding in self.exploration],
            "matrix": [cell_to_json(cell) for cell in self.matrix],
            **({"digests": asdict(self.digests)} if self.digests else {}),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Certificate:
        """The certificate of a document that has been held against the schema (``read`` does both).

        Raises ``ContradictionError`` where the document's counts are not those of its rows.
        """
        target, digests = document["target"], document.get("digests")
        certificate = cls(
            suite_version=document["suite_version"],
            provider=document["provider"],
            provider_title=document["provider_title"],
            contract_version=document["contract_version"],
            contract_digest=document["contract_digest"],
            target=CertifiedTarget(target["name"], target["base_url"]),
            mode=document["mode"],
            seed=document["seed"],
            started_at=document["started_at"],
            duration_s=document["duration_s"],
            requests=document["requests"],
            strict=document["strict"],
            result=document["result"],
            reasons=tuple(document["reasons"]),
            requirements=tuple(row_from_json(row) for row in document["requirements"]),
            exploration=tuple(finding_from_json(finding) for finding in document["exploration"]),
            matrix=tuple(cell_from_json(cell) for cell in document["matrix"]),
            digests=digests and Digests(digests["suite"], digests["history"], digests["recording"]),
        )
        derived = certificate.to_json()
        for name in ("totals", "levels", "not_judged"):
            if document[name] != derived[name]:
                raise ContradictionError(f"{name} does not agree with the verdicts of its requirements")
        return certificate

    def write(self, path: Path) -> None:
        """Writes the certificate whole or not at all; the folder must exist."""
        write_whole(path, json.dumps(self.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    @classmethod
    def read(cls, path: Path) -> Certificate:
        """Reads a certificate.

        Raises ``CertificateError`` where it is missing, no JSON, or against the schema, and ``ContradictionError``
        where it does not agree with itself.
        """
        import jsonschema_rs  # only readers pay for it

        from conformance.contract.loading import contract_root

        try:
            document = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise CertificateError(f"{path}: {error}") from error
        schema = json.loads((contract_root() / SCHEMA).read_bytes())
        for wrong in jsonschema_rs.Draft202012Validator(schema, validate_formats=True).iter_errors(document):
            place = "/".join(str(part) for part in wrong.instance_path) or "the document"
            raise CertificateError(f"{path}: no certificate of this suite: {place}: {wrong.message[:300]}")
        try:
            return cls.from_json(document)
        except ContradictionError as error:
            raise ContradictionError(f"{path}: {error}") from error


def certify(
    contract: Contract,
    judgement: Judgement,
    *,
    target: str,
    base_url: str,
    mode: Mode,
    seed: int,
    started: float,
    duration_s: float,
    requests: int,
    exploration: Iterable[Finding] = (),
    matrix: Iterable[Cell] = (),
    digests: Digests | None = None,
) -> Certificate:
    """The certificate of a judged run. ``target`` is the target's name; ``started`` is in seconds since the epoch."""
    return Certificate(
        suite_version=__version__,
        provider=contract.name,
        provider_title=contract.title,
        contract_version=str(contract.settings.get("version", "")),
        contract_digest=contract.digest,
        target=CertifiedTarget(target, _without_password(base_url)),
        mode=mode,
        seed=seed,
        started_at=datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        duration_s=round(duration_s, 3),
        requests=requests,
        strict=judgement.strict,
        result=judgement.result,
        reasons=judgement.reasons,
        requirements=judgement.requirements,
        exploration=tuple(exploration),
        matrix=tuple(matrix),
        digests=digests,
    )


def exit_code(certificate: Certificate) -> int:
    """0 conformant, 1 not conformant, 3 could not be judged."""
    return _EXIT_CODES[certificate.result]


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
