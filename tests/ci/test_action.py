"""The action's own step, run as GitHub runs it: its outputs and exit code against servers right, wrong and away."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import pytest

from conformance.reference import policies_of, serve, target_settings
from tests.ci.workflows import ROOT, Done, action_step, run_step

PROVIDER = "dots"
FAULT, BROKEN = "shows_no_status", "DOT-009"
KEY = target_settings(PROVIDER)["api_key"]
DEFAULTS = {"TARGET": "", "MODE": "live", "API_KEY_ENV": "", "OUTPUT": "out", "STRICT": "false"}
WRONG = 2


def run_action(folder: Path, **inputs: str) -> Done:
    """The step ``certify`` in ``folder``, with the command of this checkout in place of the installed one.

    ``inputs`` are what the step gets as environment, and whatever else is to stand there.
    """
    home = folder / "payment-intents-conformance" / "bin"
    home.mkdir(parents=True, exist_ok=True)
    for name, arguments in (("python", ""), ("conformance", "-m conformance")):
        (home / name).write_text(f'#!/usr/bin/env bash\nexec "{sys.executable}" {arguments} "$@"\n', encoding="utf-8")
        (home / name).chmod(0o755)
    environment = {"PATH": f"{home}:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    return run_step(action_step("certify")["run"], folder, {**environment, "PROVIDER": PROVIDER, **DEFAULTS, **inputs})


def test_the_step_is_given_what_is_run_here() -> None:
    assert action_step("certify")["env"].keys() == {"PROVIDER", *DEFAULTS}


@pytest.mark.parametrize(("fault", "code", "result"), [("", 0, "conformant"), (FAULT, 1, "non_conformant")])
def test_a_server_is_certified(fault: str, code: int, result: str, tmp_path: Path) -> None:
    with serve(PROVIDER, policies=policies_of(PROVIDER, fault)) as url:
        done = run_action(tmp_path, TARGET=url, API_KEY_ENV="TEST_KEY", TEST_KEY=KEY, STRICT="true")
    assert (done.code, done.outputs) == (code, {"result": result, "report": "out"}), done.printed
    certificate = json.loads((tmp_path / "out" / "certificate.json").read_text(encoding="utf-8"))
    assert (certificate["result"], certificate["mode"], certificate["strict"]) == (result, "live", True)
    assert (BROKEN in done.printed) == bool(fault)
    assert (tmp_path / "github_step_summary").read_text(encoding="utf-8").startswith("\n# Dots: ")
    assert KEY not in done.printed


def earlier_run(folder: Path) -> None:
    """A certificate in the output folder that must not speak for a run which leaves none."""
    (folder / "out").mkdir()
    (folder / "out" / "certificate.json").write_text('{"result": "conformant"}', encoding="utf-8")


def test_a_server_that_is_away_is_not_judged_whatever_an_earlier_run_found(tmp_path: Path) -> None:
    earlier_run(tmp_path)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and never listens
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = run_action(tmp_path, TARGET=url, API_KEY_ENV="TEST_KEY", TEST_KEY=KEY)
    assert (done.code, done.outputs) == (3, {"result": "inconclusive", "report": "out"})
    assert "gives no answer" in done.printed


def test_a_recording_is_replayed(tmp_path: Path) -> None:
    (tmp_path / "cassettes").symlink_to(ROOT / "cassettes")
    done = run_action(tmp_path, MODE="replay")
    assert (done.code, done.outputs) == (0, {"result": "conformant", "report": "out"}), done.printed
    certificate = json.loads((tmp_path / "out" / "certificate.json").read_text(encoding="utf-8"))
    assert certificate["mode"] == "replayed"


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"PROVIDER": ""}, "provider is missing"),
        ({"MODE": "dead"}, "mode is live, record or replay"),
        ({"STRICT": "yes"}, "strict is true or false"),
        ({"API_KEY_ENV": "NOT_SET"}, "api-key-env must name an environment variable that is set"),
        ({"API_KEY_ENV": "sk_test_4242"}, "api-key-env must name"),
        ({"API_KEY_ENV": "sk-test-4242"}, "api-key-env must name"),
        ({"OUTPUT": "out\nresult=conformant"}, "output is one folder"),
        ({"PROVIDER": "nobody"}, "--provider nobody"),
        ({"PROVIDER": "$(touch hacked)"}, "--provider $(touch hacked)"),
        ({"TARGET": "`touch hacked`; touch hacked"}, "touch hacked"),
        ({"MODE": "live --api-key=x; touch hacked"}, "mode is live, record or replay"),
        ({"API_KEY_ENV": "a[$(touch hacked)]"}, "api-key-env must name"),
    ],
)
def test_a_wrong_input_is_told_and_run_by_nobody(inputs: dict[str, str], told: str, tmp_path: Path) -> None:
    earlier_run(tmp_path)
    done = run_action(tmp_path, **inputs)
    assert done.code == WRONG, done.printed
    assert done.outputs["result"] == "inconclusive"
    assert told in done.printed
    assert "4242" not in done.printed
    assert not (tmp_path / "hacked").exists()
