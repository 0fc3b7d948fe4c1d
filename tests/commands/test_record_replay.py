"""``certify --record`` and ``certify --replay``: the same verdicts without a connection, or no verdict at all."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from conformance.reference import provider_names, serve, target_settings
from conformance.target.replay import NetworkRefused, no_network
from conformance.verdict import Certificate

Certify = Callable[..., Result]


def certificate(folder: Path) -> Certificate:
    return Certificate.read(folder / "certificate.json")


def shown(made: Certificate) -> dict[str, tuple[Any, ...]]:
    """What a certificate says of each row, without what is another in each run."""
    return {
        row.id: (row.verdict, row.reason, row.judged, [(one.expected, one.actual, one.at) for one in row.findings])
        for row in made.requirements
    }


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of recordings: Dots on the reference server, with its certificate beside it."""
    folder = tmp_path_factory.mktemp("recorded")
    command = [sys.executable, "-m", "conformance", "certify", "--provider", "dots", "--record"]
    command += ["--cassettes", str(folder / "cassettes"), "--output", str(folder / "out")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture
def cassettes(recording: Path, tmp_path: Path) -> Path:
    """A copy of the recordings, to be spoiled."""
    shutil.copytree(recording / "cassettes", tmp_path / "cassettes")
    return tmp_path / "cassettes"


@pytest.fixture
def replay(certify: Certify, cassettes: Path) -> Certify:
    return lambda *more: certify("--provider", "dots", "--replay", "--cassettes", cassettes, *more)


# -- the same verdicts -----------------------------------------------------------------------------------------------


def test_a_replay_gives_the_verdicts_of_the_recorded_run(replay: Certify, recording: Path, tmp_path: Path) -> None:
    done = replay()
    assert done.exit_code == 0, done.output
    live, replayed = certificate(recording / "out"), certificate(tmp_path / "out")
    assert shown(replayed) == shown(live)
    assert (replayed.mode, live.mode) == ("replayed", "in-process")
    assert (replayed.seed, replayed.requests) == (live.seed, live.requests)
    assert [cell.observed for cell in replayed.matrix] == [cell.observed for cell in live.matrix]


@pytest.mark.parametrize("provider", provider_names())
def test_a_run_over_a_socket_replays_when_the_server_is_gone(
    certify: Certify, target_file: Callable[..., Path], tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a target file whose key is in the environment while recording, and is not when replaying."""
    monkeypatch.setenv("A_TEST_KEY", target_settings(provider)["api_key"])
    with serve(provider) as url:
        target = target_file(provider, url, api_key="env:A_TEST_KEY", name="acme")
        done = certify("--target", target, "--record", "--cassettes", tmp_path / "kept")
    assert done.exit_code == 0, done.output
    live = certificate(tmp_path / "out")
    monkeypatch.delenv("A_TEST_KEY")
    for arguments in (["--target", target], ["--provider", provider, "--target", "acme"]):
        done = certify(*arguments, "--replay", "--cassettes", tmp_path / "kept")
        assert done.exit_code == 0, done.output
        assert shown(certificate(tmp_path / "out")) == shown(live)


@pytest.mark.parametrize("fault", ["breaks_off_confirms", "shows_hundredfold_amounts", "transfers_twice"])
def test_a_faulty_server_fails_as_it_did(
    certify: Certify, target_file: Callable[..., Path], tmp_path: Path, fault: str
) -> None:
    from conformance.reference import policies_of

    with serve("dots", policies=policies_of("dots", fault)) as url:
        target = target_file("dots", url, name="acme")
        acted = certify("--target", target, "--record", "--cassettes", tmp_path / "kept")
    live = shown(certificate(tmp_path / "out"))
    assert "fail" in {row[0] for row in live.values()}
    done = certify("--target", target, "--replay", "--cassettes", tmp_path / "kept")
    assert done.exit_code == acted.exit_code, done.output
    assert shown(certificate(tmp_path / "out")) == live


def test_what_a_cassette_tells_of_itself(recording: Path) -> None:
    folder = recording / "cassettes" / "dots" / "reference"
    text = (folder / "DOT-049.yaml").read_text(encoding="utf-8")
    told = certificate(recording / "out")
    for line in (
        "provider: dots",
        "target: reference",
        "source: reference server",
        f"contract_digest: {told.contract_digest}",
        f"suite_version: {told.suite_version}",
        "seed: 1",
        "scenario: test_create.py::test_create_refuses[DOT-049]",
    ):
        assert f"\n  {line}\n" in text
    assert re.search(r"\n  recorded_at: '?20\d\d-\d\d-\d\dT", text)


def test_a_recording_names_the_kind_of_its_source(
    certify: Certify, target_file: Callable[..., Path], tmp_path: Path
) -> None:
    with serve("dots") as url:
        target = target_file("dots", url, name="acme")
        certify("--target", target, "--record", "--only", "DOT-049", "--cassettes", tmp_path / "kept")
    about = json.loads((tmp_path / "kept" / "dots" / "acme" / "recording.json").read_bytes())
    assert (about["source"], about["target"], about["requirements"]) == ("named server", "acme", ["DOT-049"])


def test_a_new_recording_takes_the_place_of_the_old_one(certify: Certify, cassettes: Path) -> None:
    folder = cassettes / "dots" / "reference"
    (folder / "stray.yaml").write_text("", encoding="utf-8")
    done = certify("--provider", "dots", "--record", "--only", "DOT-049", "--cassettes", cassettes)
    assert done.exit_code == 0, done.output
    assert {path.name for path in folder.iterdir()} == {"DOT-049.yaml", "preflight.yaml", "recording.json"}
    assert [path.name for path in folder.parent.iterdir()] == ["reference"]


def test_a_run_that_judges_nothing_leaves_the_old_recording(
    certify: Certify, cassettes: Path, target_file: Callable[..., Path]
) -> None:
    shutil.move(cassettes / "dots" / "reference", cassettes / "dots" / "acme")
    before = (cassettes / "dots" / "acme" / "recording.json").read_bytes()
    target = target_file("dots", "http://127.0.0.1:1", name="acme")
    assert certify("--target", target, "--record", "--cassettes", cassettes).exit_code == 3
    assert (cassettes / "dots" / "acme" / "recording.json").read_bytes() == before


@pytest.mark.parametrize("judged", [["--only", "DOT-049"], ["--area", "create"], ["--level", "should"]])
def test_part_of_a_recording_can_be_judged(replay: Certify, recording: Path, tmp_path: Path, judged: list[str]) -> None:
    done = replay(*judged)
    assert done.exit_code in (0, 3), done.output  # 3: no MUST among them
    live = shown(certificate(recording / "out"))
    found = {row.id: shown(certificate(tmp_path / "out"))[row.id] for row in certificate(tmp_path / "out").requirements}
    chosen = {name for name, row in found.items() if row[1] != "not selected" and row[0] != "not_run"}
    assert chosen
    assert {name: found[name] for name in chosen} == {name: live[name] for name in chosen}


def test_a_recorded_part_replays(certify: Certify, tmp_path: Path) -> None:
    kept = ["--provider", "dots", "--cassettes", tmp_path / "kept"]
    assert certify(*kept, "--record", "--area", "confirm").exit_code == 0
    live = shown(certificate(tmp_path / "out"))
    assert certify(*kept, "--replay", "--area", "confirm").exit_code == 0
    assert shown(certificate(tmp_path / "out")) == live


def test_what_was_not_recorded_cannot_be_judged(certify: Certify, tmp_path: Path) -> None:
    kept = ["--provider", "dots", "--cassettes", tmp_path / "kept"]
    assert certify(*kept, "--record", "--only", "DOT-049").exit_code == 0
    done = certify(*kept, "--replay")
    assert done.exit_code == 3, done.output
    found = shown(certificate(tmp_path / "out"))
    assert found["DOT-049"][0] == "pass"
    assert found["DOT-040"][:2] == ("inconclusive", "record again: it was not selected when the recording was made")


# -- no connection ---------------------------------------------------------------------------------------------------


def test_a_replay_opens_no_connection(replay: Certify, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda *given: opened.append(str(given[1])) or real(*given))
    assert replay().exit_code == 0
    assert opened == []


def test_whoever_tries_to_connect_during_a_replay_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with no_network(), pytest.raises(NetworkRefused):
            socket.create_connection(server.getsockname(), timeout=1)
        with no_network(), pytest.raises(NetworkRefused):
            socket.getaddrinfo("payments.invalid", 443)
        with socket.create_connection(server.getsockname(), timeout=5):
            pass  # and afterwards nobody is


def test_the_refusal_reaches_every_thread() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        refused: list[BaseException] = []

        def attempt() -> None:
            try:
                socket.create_connection(server.getsockname(), timeout=1).close()
            except OSError as error:
                refused.append(error)

        with no_network():
            thread = threading.Thread(target=attempt)
            thread.start()
            thread.join()
    assert [type(one) for one in refused] == [NetworkRefused]


# -- no verdict from what does not match -----------------------------------------------------------------------------


def _cut(folder: Path) -> None:
    path = folder / "DOT-049.yaml"
    path.write_bytes(path.read_bytes()[:-300])


def _edited(folder: Path) -> None:
    path = folder / "DOT-049.yaml"
    text = path.read_text(encoding="utf-8")
    assert "code: 400" in text
    path.write_text(text.replace("code: 400", "code: 402"), encoding="utf-8")


def _missing(folder: Path) -> None:
    (folder / "DOT-049.yaml").unlink()


def _swapped(folder: Path) -> None:
    shutil.copy(folder / "DOT-048.yaml", folder / "DOT-049.yaml")


def _hostile(folder: Path) -> None:
    path = folder / "DOT-049.yaml"
    text = path.read_text(encoding="utf-8")
    there = folder / "was-run"
    path.write_text(
        text.replace("interactions:", f"x: !!python/object/apply:os.system ['touch {there}']\ninteractions:")
    )


SPOILED: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut off": (_cut, "DOT-049.yaml: it is cut off"),
    "edited": (_edited, "DOT-049.yaml: it was changed by hand"),
    "missing": (_missing, "DOT-049.yaml is missing"),
    "of another scenario": (_swapped, "DOT-049.yaml has scenario"),
    "hostile": (_hostile, "DOT-049.yaml: it was changed by hand"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_cassette_gives_no_verdict(
    replay: Certify, cassettes: Path, recording: Path, tmp_path: Path, how: str
) -> None:
    spoil, message = SPOILED[how]
    folder = cassettes / "dots" / "reference"
    spoil(folder)
    done = replay()
    assert done.exit_code == 3, done.output
    made = certificate(tmp_path / "out")
    assert made.result == "inconclusive"
    found, live = shown(made), shown(certificate(recording / "out"))
    verdict, reason = found["DOT-049"][:2]
    assert verdict == "inconclusive"
    assert reason.startswith("record again: ")
    assert message in reason
    assert not (folder / "was-run").exists()
    # What rests on sound cassettes alone stands; what rests on all of them does not.
    assert found["DOT-041"] == live["DOT-041"]
    assert {found[name][0] for name in found} <= {"pass", "inconclusive", "inapplicable"}
    assert [name for name in found if found[name][0] == "pass" and live[name][0] != "pass"] == []


def test_a_spoiled_preflight_leaves_the_scenarios(replay: Certify, cassettes: Path, tmp_path: Path) -> None:
    (cassettes / "dots" / "reference" / "preflight.yaml").unlink()
    assert replay().exit_code == 3
    found = shown(certificate(tmp_path / "out"))
    assert found["DOT-049"][0] == "pass"
    assert found["DOT-001"][0] == "inconclusive"


def test_a_request_that_was_not_recorded(
    replay: Certify, cassettes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conformance.scenarios.acting import Actor

    real = Actor.body
    monkeypatch.setattr(
        Actor, "body", lambda self, operation, *a, **k: {**real(self, operation, *a, **k), **_more(self, operation)}
    )

    def _more(act: Actor, operation: str) -> dict[str, Any]:
        return {"description": "new"} if operation == "create" and "DOT-049" in act.client.scenario else {}

    assert replay().exit_code == 3
    verdict, reason = shown(certificate(tmp_path / "out"))["DOT-049"][:2]
    assert verdict == "inconclusive"
    assert "the recording has no such request of this scenario: POST /api/v2/payment-intents" in reason


def test_a_recording_from_another_contract(replay: Certify, cassettes: Path, tmp_path: Path) -> None:
    path = cassettes / "dots" / "reference" / "recording.json"
    about = json.loads(path.read_bytes())
    path.write_text(json.dumps({**about, "contract_digest": "sha256:0000"}), encoding="utf-8")
    done = replay()
    assert done.exit_code == 3
    assert "recorded from another contract (sha256:0000" in re.sub(r"\s+", " ", done.output)
    found = shown(certificate(tmp_path / "out"))
    assert {row[0] for row in found.values()} <= {"inconclusive", "inapplicable"}
    assert all(row[1].startswith("record again: ") for row in found.values() if row[0] == "inconclusive")


def test_a_recording_with_another_seed(replay: Certify, tmp_path: Path) -> None:
    done = replay("--seed", 2)
    assert done.exit_code == 3
    assert "was recorded with seed 1, and this run has seed 2" in re.sub(r"\s+", " ", done.output)
    assert {row[0] for row in shown(certificate(tmp_path / "out")).values()} <= {"inconclusive", "inapplicable"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"provider": "dots"}', b"\xff"])
def test_a_spoiled_list_of_cassettes_is_bad_input(replay: Certify, cassettes: Path, content: bytes) -> None:
    (cassettes / "dots" / "reference" / "recording.json").write_bytes(content)
    done = replay()
    assert done.exit_code == 2, done.output
    assert "recording.json was changed by hand or is cut off" in done.output


@pytest.mark.parametrize("burst", ["0", "2"])
def test_as_many_are_sent_at_once_as_when_it_was_recorded(certify: Certify, tmp_path: Path, burst: str) -> None:
    given = ["--provider", "dots", "--only", "DOT-151", "--cassettes", tmp_path / "kept"]
    done = certify(*given, "--record", "--burst", burst)
    assert "not recorded" not in done.output, done.output
    live = certificate(tmp_path / "out")
    done = certify(*given, "--replay")
    assert shown(certificate(tmp_path / "out")) == shown(live)
    assert shown(live)["DOT-151"][0] == ("pass" if burst == "2" else "inapplicable")


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--record", "--replay"], "--record and --replay exclude each other"),
        (["--replay", "--fuzz", "1"], "--fuzz draws fresh cases"),
        (["--record", "--fuzz", "1"], "--fuzz draws fresh cases"),
        (["--replay", "--target", "acme"], "needs --provider NAME"),
        (["--replay", "--target", "acme", "--provider", "dots"], "make it with --record"),
        (["--replay", "--target", "no-such.toml"], "there is no target file no-such.toml"),
        (["--replay", "--provider", "nobody"], "no such contract"),
    ],
)
def test_bad_input_is_told(certify: Certify, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = certify(*arguments, "--cassettes", tmp_path / "none")
    assert done.exit_code == 2, done.output
    assert message in re.sub(r"\s+", " ", done.output)
    assert not (tmp_path / "none").exists()


def test_a_targets_name_leads_out_of_no_folder(
    certify: Certify, target_file: Callable[..., Path], tmp_path: Path
) -> None:
    with serve("dots") as url:
        target = target_file("dots", url, name="../../../outside")
        done = certify("--target", target, "--record", "--only", "DOT-049", "--cassettes", tmp_path / "a" / "kept")
    assert done.exit_code == 0, done.output
    assert [path.name for path in (tmp_path / "a" / "kept" / "dots").iterdir()] == [".._.._.._outside"]
    done = certify("--target", target, "--replay", "--only", "DOT-049", "--cassettes", tmp_path / "a" / "kept")
    assert done.exit_code == 0, done.output


def test_vcrpy_is_loaded_only_by_who_needs_it() -> None:
    script = (
        "import sys, click.testing, conformance.cli as c\n"
        "done = click.testing.CliRunner().invoke(c.main, ['certify', '--provider', 'dots', '--output', sys.argv[1]])\n"
        "assert done.exit_code == 0, done.output\n"
        "assert 'vcr' not in sys.modules"
    )
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", script, folder], check=True, timeout=120)


def test_what_the_operator_names_is_kept_out_and_replays(
    certify: Certify, target_file: Callable[..., Path], tmp_path: Path
) -> None:
    redact = '[redact]\nnames = ["description"]\ntexts = ["acme-internal"]\n[lacks]\nsearch = "acme-internal has none"'
    with serve("stripe") as url:
        target = target_file("stripe", url, redact, name="acme")
        acted = certify("--target", target, "--record", "--area", "create", "--cassettes", tmp_path / "kept")
    assert acted.exit_code == 0, acted.output
    live = shown(certificate(tmp_path / "out"))
    (folder,) = (tmp_path / "kept" / "stripe").iterdir()
    texts = [path.read_text(encoding="utf-8") for path in [*folder.iterdir(), tmp_path / "out" / "certificate.json"]]
    assert not [text for text in texts if "acme-internal" in text]
    assert any("description=%5Bredacted%3A" in text for text in texts)
    kept = ["--replay", "--area", "create", "--cassettes", tmp_path / "kept"]
    done = certify(*kept, "--target", "acme", "--provider", "stripe")
    assert done.exit_code == 0, done.output
    assert shown(certificate(tmp_path / "out")) == live


def test_a_recording_that_could_not_be_judged_alike_is_not_kept(
    certify: Certify, target_file: Callable[..., Path], tmp_path: Path
) -> None:
    """An amount that is not to be written is 0 in the cassette, and no longer what create was told."""
    with serve("stripe") as url:
        kept = ["--record", "--area", "create", "--cassettes", tmp_path / "kept"]
        assert certify("--target", target_file("stripe", url, name="acme"), *kept).exit_code == 0
        before = (tmp_path / "kept" / "stripe" / "acme" / "recording.json").read_bytes()
        target = target_file("stripe", url, '[redact]\nnames = ["amount"]', name="acme")
        done = certify("--target", target, "--record", "--area", "create", "--cassettes", tmp_path / "kept")
    assert done.exit_code == 3, done.output
    assert "a replay would not say what the run said" in " ".join(done.output.split())
    assert (tmp_path / "kept" / "stripe" / "acme" / "recording.json").read_bytes() == before
    assert [path.name for path in (tmp_path / "kept" / "stripe").iterdir()] == ["acme"]
