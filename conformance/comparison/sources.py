"""What can be compared: a certificate, what a run left behind, or a recorded run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.evidence.cassettes import CassetteError
from conformance.evidence.exchange import Exchange
from conformance.evidence.history import HistoryError, read_history
from conformance.target.recording import ABOUT, RecordingMissing, load_recording
from conformance.verdict import Certificate, CertificateError

CERTIFICATE, HISTORY = "certificate.json", Path("history") / "exchanges.jsonl"
Judge = Callable[[Path, str], Certificate]


class SourceError(ValueError):
    """Nothing that could be compared; the message names the file."""


@dataclass(frozen=True)
class Source:
    """One side of a comparison. Where ``certificate`` or ``exchanges`` is None, ``without`` says why."""

    name: str
    provider: str
    certificate: Certificate | None
    exchanges: Sequence[Exchange] | None
    without: str = ""


def read_source(path: Path, judge: Judge | None = None) -> Source:
    """Reads a certificate, a run's output folder, or the folder of a recording.

    ``judge`` gives the certificate of a recording, by its folder and its provider. Raises ``SourceError`` where there
    is none of these, or it cannot be read.
    """
    try:
        if (path / ABOUT).is_file():
            return _recording(path, judge)
        if path.is_dir():
            return _run(path)
        certificate = Certificate.read(path)
    except (CertificateError, CassetteError, RecordingMissing, HistoryError, OSError) as error:
        raise SourceError(str(error)) from error
    without = f"{path} is a certificate alone; the folder that it stands in holds the exchanges too"
    return Source(str(path), certificate.provider, certificate, None, without)


def _run(folder: Path) -> Source:
    if not (folder / CERTIFICATE).is_file():
        raise SourceError(f"{folder} holds neither {CERTIFICATE} nor {ABOUT}")
    certificate = Certificate.read(folder / CERTIFICATE)
    if not (folder / HISTORY).is_file():
        return Source(str(folder), certificate.provider, certificate, None, f"{folder} holds no {HISTORY}")
    return Source(str(folder), certificate.provider, certificate, _settled(read_history(folder / HISTORY)))


def _recording(folder: Path, judge: Judge | None) -> Source:
    recording = load_recording(folder)
    certificate = judge(folder, recording.provider) if judge else None
    without = "" if certificate else f"{folder} is a recording, which holds no verdicts"
    return Source(str(folder), recording.provider, certificate, _settled(recording.exchanges()), without)


def _settled(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """All but those that only asked for fewer requests."""
    return [one for one in exchanges if not one.put_off]
