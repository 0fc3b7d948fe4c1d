"""One recorded run of a Dots server that is wrong in one way, which is waived; and the commands on copies of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from conformance import report
from conformance.cli import main
from conformance.contract import load_contract
from conformance.embedded import embedded_server, embedded_target
from conformance.recorder import keep
from conformance.reference import policies_of
from conformance.run import Run, Selection
from conformance.session import act
from conformance.verdict import Certificate, Waiver

FAULT, BROKEN = "takes_payments_of_nothing", "DOT-032"
# Few scenarios, so that a replay takes a moment: three MUST, of which one is broken, a SHOULD and a MAY.
SELECTED = ("DOT-030", "DOT-031", BROKEN, "DOT-040", "DOT-037")
Command = Callable[..., Result]


@dataclass(frozen=True)
class Kept:
    """What a recorded run left: its certificate, its history and the folder of its recording."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "out" / "certificate.json"

    @property
    def certificate(self) -> Certificate:
        return Certificate.read(self.path)

    @property
    def history(self) -> Path:
        return self.folder / "out" / "history" / "exchanges.jsonl"

    @property
    def recording(self) -> Path:
        return self.folder / "cassettes" / "dots" / "reference"


def record(folder: Path, fault: str, selected: tuple[str, ...], waivers: tuple[Waiver, ...] = ()) -> Kept:
    """Certifies the reference server in memory, and records it."""
    contract = load_contract("dots")
    run = Run(
        contract=contract,
        target=embedded_target(contract),
        folder=folder / "out",
        mode="in-process",
        selection=Selection(ids=frozenset(selected)),
        waivers=waivers,
        record=folder / "cassettes" / "dots" / "reference",
        **embedded_server("dots", policies_of("dots", fault)),
    )
    run.preflight()
    act(run)
    keep(run, run.finish())
    return Kept(folder)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    waiver = Waiver(BROKEN, "takes zero until phase 2", "https://tracker.example/12", date(2999, 12, 31), "Ann")
    return record(tmp_path_factory.mktemp("made"), FAULT, SELECTED, (waiver,))


@pytest.fixture
def kept(made: Kept, tmp_path: Path) -> Kept:
    """A copy of the run, to be tampered with."""
    shutil.copytree(made.folder, tmp_path / "kept")
    return Kept(tmp_path / "kept")


@pytest.fixture
def command() -> Command:
    """Runs a command in this process; one that fails without a reason of its own fails the test."""

    def invoked(*arguments: object) -> Result:
        result = CliRunner().invoke(main, [str(one) for one in arguments])
        assert "the suite failed" not in result.output, result.output
        return result

    return invoked


@pytest.fixture
def verify(command: Command, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs ``verify`` on the copy; the reports of what is judged again, which nobody sees, would take long."""
    monkeypatch.setattr(report, "write_all", lambda *given: None)
    return lambda *more: command("verify", kept.path, "--recording", kept.recording, *more)


@dataclass(frozen=True)
class Keys:
    private: Path
    public: Path


@pytest.fixture
def keys(tmp_path: Path) -> Callable[[str], Keys]:
    """Makes a pair of keys, by name."""

    def pair(name: str) -> Keys:
        key, found = Ed25519PrivateKey.generate(), Keys(tmp_path / f"{name}.pem", tmp_path / f"{name}.pub.pem")
        found.private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = key.public_key()
        found.public.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return found

    return pair
