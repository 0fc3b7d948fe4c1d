"""Verdicts: what the outcomes of a run say of each requirement, and of the target. Stands on contract and evidence."""

from conformance.verdict.certificate import (
    Certificate,
    CertificateError,
    CertifiedTarget,
    ContradictionError,
    Digests,
    Mode,
    certify,
    exit_code,
)
from conformance.verdict.judgement import Judgement, RequirementVerdict, Result, decide, judge
from conformance.verdict.waivers import Waiver, WaiverError, read_waivers

__all__ = [
    "Certificate",
    "CertificateError",
    "CertifiedTarget",
    "ContradictionError",
    "Digests",
    "Judgement",
    "Mode",
    "RequirementVerdict",
    "Result",
    "Waiver",
    "WaiverError",
    "certify",
    "decide",
    "exit_code",
    "judge",
    "read_waivers",
]
