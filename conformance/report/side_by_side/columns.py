"""The certificates that stand side by side: found, read, told apart, and marked where they cannot be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from conformance.contract import Contract
from conformance.report import CERTIFICATE
from conformance.report.side_by_side.page import Cell, Entry
from conformance.verdict.certificate import Certificate, CertificateError
from conformance.verdict.judgement import RequirementVerdict


@dataclass(frozen=True)
class Column:
    """One certificate. ``contract`` is the installed one of its provider, None where there is none.

    ``name`` tells it from every other column; ``marks`` are sentences on why it is not quite like the others.
    """

    certificate: Certificate
    contract: Contract | None
    name: str
    marks: tuple[str, ...] = ()

    @property
    def provider(self) -> str:
        return self.certificate.provider

    @cached_property
    def rows(self) -> Mapping[str, RequirementVerdict]:
        return {row.id: row for row in self.certificate.requirements}

    @property
    def head(self) -> Cell:
        """The heading of the column in every table."""
        marked = (Entry(f"⚠ {mark}", "waived") for mark in self.marks)
        return (Entry(self.certificate.provider_title, "strong"), Entry(self.name), *marked)


def find_certificates(paths: Iterable[Path]) -> list[Path]:
    """The files that ``paths`` name: certificates, output folders of runs, or folders of such folders; each once.

    Raises ``CertificateError`` where one of them holds none.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        files = sorted(path.rglob(CERTIFICATE)) if path.is_dir() else [path]
        if not files:
            raise CertificateError(
                f"{path}: no {CERTIFICATE} here or below; `conformance certify --output DIR` leaves one"
            )
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def columns_of(files: Sequence[Path], contracts: Mapping[str, Contract]) -> list[Column]:
    """A column for each certificate, those of a provider together, in the order in which they were given.

    Raises ``CertificateError`` where a file is none.
    """
    read = [(file, Certificate.read(file)) for file in files]
    providers = list(dict.fromkeys(certificate.provider for _, certificate in read))
    read.sort(key=lambda one: providers.index(one[1].provider))
    certificates = [certificate for _, certificate in read]
    named, dated = Counter(map(_named, certificates)), Counter(map(_dated, certificates))
    columns = []
    for file, certificate in read:
        name = certificate.target.name
        if named[_named(certificate)] > 1:
            name += f", {certificate.started_at}"
        if dated[_dated(certificate)] > 1:
            name += f", {file}"
        contract = contracts.get(certificate.provider)
        columns.append(Column(certificate, contract, name, _marks(certificate, contract)))
    return columns


def _named(certificate: Certificate) -> tuple[str, str]:
    return certificate.provider, certificate.target.name


def _dated(certificate: Certificate) -> tuple[str, str, str]:
    return *_named(certificate), certificate.started_at


def _marks(certificate: Certificate, contract: Contract | None) -> tuple[str, ...]:
    if contract is None:
        return ("its contract is not installed, so that it is left out of what is portable",)
    if certificate.contract_digest != contract.digest:
        return ("made with another contract than the installed one",)
    return ()
