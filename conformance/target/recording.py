"""A recorded run: a folder of cassettes, one a scenario, and ``recording.json``, which tells what they share."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conformance import __version__
from conformance.contract import Contract
from conformance.evidence.cassettes import SUFFIX, CassetteError, Head, Origin, read_cassette, write_cassette
from conformance.evidence.exchange import Exchange
from conformance.evidence.redaction import Redactor
from conformance.target.settings import USUAL_BURST, Target
from conformance.target.values import lent_without_secrets

ABOUT = "recording.json"
REFERENCE, NAMED, SANDBOX = "reference server", "named server", "provider's sandbox"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]|^\.+$")
_REQUIREMENT = re.compile(r"\[([^\[\]]+)\]$")


class RecordingMissing(Exception):
    """There is no recording to replay; the message says how to make it."""


@dataclass(frozen=True)
class Recording(Origin):
    """What was recorded of one target, without its secrets.

    ``instruments``, ``lacks``, ``redact_names`` and ``burst`` are those of the target: they decide what is sent.
    ``requirements`` are the ids that the run was to judge, None for all; ``cassettes`` maps the name of a cassette's
    file to the number of its exchanges.
    """

    folder: Path
    base_url: str
    instruments: Mapping[str, Any] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)
    redact_names: tuple[str, ...] = ()
    burst: int = USUAL_BURST
    requirements: tuple[str, ...] | None = None
    cassettes: Mapping[str, int] = field(default_factory=dict)

    def head(self, scenario: str) -> Head:
        """The head that the cassette of a scenario has to have."""
        return Head(**{member.name: getattr(self, member.name) for member in fields(Origin)}, scenario=scenario)

    def read(self, scenario: str) -> tuple[Exchange, ...]:
        """The exchanges of a scenario; none where it sent nothing.

        Raises ``CassetteError`` where its cassette is missing, damaged, or from another run than this recording.
        """
        name = file_name(scenario)
        path = self.folder / name
        if name not in self.cassettes and not path.exists():
            return ()
        if not path.exists():
            raise CassetteError(f"{path} is missing")
        try:
            head, exchanges = read_cassette(path)
        except CassetteError as error:
            raise CassetteError(f"{path}: {error}") from error
        for member, wanted in asdict(self.head(scenario)).items():
            found = getattr(head, member)
            if found != wanted:
                raise CassetteError(
                    f"{path} has {member.replace('_', ' ')} {found!r} where the recording has {wanted!r}"
                )
        if len(exchanges) != self.cassettes.get(name):
            raise CassetteError(f"{path} is of another run: {ABOUT} does not count as many exchanges")
        return exchanges

    def exchanges(self) -> list[Exchange]:
        """All exchanges by number, each with its scenario. Raises ``CassetteError`` where a cassette cannot be read."""
        found: list[Exchange] = []
        for name in self.cassettes:
            try:
                head, exchanges = read_cassette(self.folder / name)
            except CassetteError as error:
                raise CassetteError(f"{self.folder / name}: {error}") from error
            found += [replace(exchange, scenario=head.scenario) for exchange in exchanges]
        return sorted(found, key=lambda one: one.number)


def folder_of(cassettes: Path, provider: str, target: str) -> Path:
    """Where the recording of a target is kept."""
    return cassettes / provider / _NOT_IN_NAMES.sub("_", target)


def file_name(scenario: str) -> str:
    """The name of a scenario's cassette: its requirement's id, or its own name where it has none."""
    named = _REQUIREMENT.search(scenario)
    return _NOT_IN_NAMES.sub("_", named[1] if named else scenario) + SUFFIX


def load_recording(folder: Path) -> Recording:
    """The recording in a folder. Raises ``RecordingMissing`` where there is none, or none that can be read."""
    path = folder / ABOUT
    try:
        about = json.loads(path.read_bytes())
        requirements = about["requirements"]
        return Recording(
            folder=folder,
            provider=str(about["provider"]),
            target=str(about["target"]),
            source=str(about["source"]),
            contract_digest=str(about["contract_digest"]),
            suite_version=str(about["suite_version"]),
            seed=int(about["seed"]),
            recorded_at=str(about["recorded_at"]),
            base_url=str(about["base_url"]),
            instruments=dict(about["instruments"]),
            lacks=dict(about["lacks"]),
            redact_names=tuple(str(one) for one in about["redact_names"]),
            burst=int(about.get("burst", USUAL_BURST)),  # earlier recordings have none
            requirements=None if requirements is None else tuple(str(one) for one in requirements),
            cassettes={str(name): int(count) for name, count in about["cassettes"].items()},
        )
    except OSError as error:
        raise RecordingMissing(f"there is no recording {folder}; make it with --record") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RecordingMissing(
            f"{path} was changed by hand or is cut off ({error}); make it anew with --record"
        ) from error


def save_recording(
    folder: Path,
    target: Target,
    contract: Contract,
    redactor: Redactor,
    exchanges: Iterable[Exchange],
    *,
    seed: int,
    embedded: bool,
    requirements: Iterable[str] | None,
    approve: Callable[[Path], None] = lambda made: None,
) -> Recording:
    """Writes the redacted exchanges of a run as the recording of its target, in place of an earlier one.

    The earlier one stays until the new one is there as a whole and ``approve``, given its folder, has not raised.
    Raises OSError where the folder cannot be written.
    """
    by_scenario: dict[str, list[Exchange]] = {}
    for exchange in exchanges:
        by_scenario.setdefault(exchange.scenario, []).append(exchange)
    recording = Recording(
        folder=folder,
        provider=contract.name,
        target=redactor.text(target.name),
        source=REFERENCE if embedded else _source(target, contract),
        contract_digest=contract.digest,
        suite_version=__version__,
        seed=seed,
        recorded_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        base_url=redactor.url(target.base_url),
        instruments=lent_without_secrets(target, redactor),
        lacks={name: redactor.text(reason) for name, reason in target.lacks.items()},
        redact_names=target.redact_names,
        burst=target.burst,
        requirements=None if requirements is None else tuple(sorted(requirements)),
        cassettes={file_name(scenario): len(found) for scenario, found in sorted(by_scenario.items())},
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        made.chmod(0o755)  # a temporary folder is its owner's alone; a recording is made to be shared
        for scenario, found in by_scenario.items():
            write_cassette(made / file_name(scenario), recording.head(scenario), found)
        about = {name: value for name, value in asdict(recording).items() if name != "folder"}
        (made / ABOUT).write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        approve(made)
        if folder.exists():
            shutil.rmtree(folder)
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return recording


def recorded_target(recording: Recording, waivers: tuple[Mapping[str, Any], ...] = ()) -> Target:
    """The target as it was when it was recorded, with placeholders for its secrets."""
    return Target(
        name=recording.target,
        provider=recording.provider,
        base_url=recording.base_url,
        api_key="[redacted:api_key]",
        instruments=recording.instruments,
        lacks=recording.lacks,
        waivers=waivers,
        redact_names=recording.redact_names,
        burst=recording.burst,
    )


def _source(target: Target, contract: Contract) -> str:
    host = (urlsplit(target.base_url).hostname or "").rstrip(".")
    return SANDBOX if host in contract.settings.get("sandbox_hosts", ()) else NAMED
