"""What we ship for CI systems is valid by the systems' schemas, fits the action, and lets no text become a script."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from click.testing import CliRunner

from conformance.cli import main
from tests.ci.workflows import ACTION, GITHUB, action_step, gitlab_jobs, load, run_step, workflow_steps

OURS = "your-organisation/payment-intents-conformance@"
Wrong = Callable[[str, Any], list[str]]


@pytest.fixture(scope="module")
def wrong() -> Wrong:
    """What is wrong with a document by the schema of that name which check-jsonschema keeps; nothing is fetched."""

    @cache
    def schema(name: str) -> jsonschema_rs.Draft7Validator:
        kept = files("check_jsonschema") / "builtin_schemas" / "vendor" / f"{name}.json"
        return jsonschema_rs.Draft7Validator(json.loads(kept.read_bytes()))

    return lambda name, document: [error.message for error in schema(name).iter_errors(document)]


def test_the_action_is_one(wrong: Wrong) -> None:
    action = load(ACTION)
    assert wrong("github-actions", action) == []
    del action["runs"]["steps"][1]["shell"]
    assert wrong("github-actions", action)


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_a_workflow_is_one(wrong: Wrong, path: Path) -> None:
    workflow = load(path)
    assert wrong("github-workflows", workflow) == []
    workflow["permissions"] = {"contents": "reed"}
    assert wrong("github-workflows", workflow)


def test_the_gitlab_pipeline_is_one(wrong: Wrong) -> None:
    pipeline = gitlab_jobs()
    assert wrong("gitlab-ci", pipeline) == []
    pipeline["server"]["artifacts"]["when"] = "ever"
    assert wrong("gitlab-ci", pipeline)


def test_every_example_is_looked_at() -> None:
    assert [path.name for path in GITHUB] == ["nightly.yml", "replay.yml", "server.yml"]


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_an_example_asks_the_action_for_what_it_has(path: Path) -> None:
    action, ours = load(ACTION), [step for step in workflow_steps(path) if step.get("uses", "").startswith(OURS)]
    assert ours
    for step in ours:
        assert step["with"].keys() <= action["inputs"].keys()
        required = {name for name, told in action["inputs"].items() if told.get("required")}
        assert required <= step["with"].keys()
        asked = set(re.findall(rf"steps\.{step['id']}\.outputs\.(\w+)", path.read_text(encoding="utf-8")))
        assert asked
        assert asked <= action["outputs"].keys()


@pytest.mark.parametrize("path", [ACTION, *GITHUB], ids=lambda path: path.name)
def test_no_expression_stands_in_a_script(path: Path) -> None:
    steps: list[dict[str, Any]] = load(path)["runs"]["steps"] if path == ACTION else list(workflow_steps(path))
    scripts = [step["run"] for step in steps if "run" in step]
    assert scripts or path.name == "replay.yml"
    assert not any("${{" in script for script in scripts)


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_a_workflow_may_only_read_but_for_what_its_job_says(path: Path) -> None:
    assert load(path)["permissions"] == {"contents": "read"}


def test_every_input_of_the_action_reaches_a_step() -> None:
    action = load(ACTION)
    told = "\n".join(str(step.get("env", "")) + str(step.get("with", "")) for step in action["runs"]["steps"])
    assert {name for name in action["inputs"] if f"inputs.{name} " in told} == action["inputs"].keys()
    assert "api-key" not in action["inputs"]


@pytest.mark.parametrize("job", ["server", "replay", "sandbox"])
def test_gitlab_asks_the_command_for_what_it_has(job: str) -> None:
    (script,) = [line for line in gitlab_jobs()[job]["script"] if line.startswith("conformance ")]
    _, command, *arguments = shlex.split(script)
    options = {argument for argument in arguments if argument.startswith("--")}
    known = {name for parameter in main.get_command(None, command).params for name in parameter.opts}
    assert options <= known
    output = arguments[arguments.index("--output") + 1]
    assert gitlab_jobs()[job]["artifacts"]["reports"]["junit"] == f"{output}/junit.xml"


def test_install_leaves_one_command_on_the_path(tmp_path: Path) -> None:
    """A server's own Python stays the first on its path."""
    python = tmp_path / "python"
    python.write_text(
        '#!/usr/bin/env bash\nif [[ "$2" == venv ]]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; '
        'else printf "%s\\n" "$@"; fi\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    told = {"PYTHON": str(python), "GITHUB_ACTION_PATH": "/the action's checkout"}
    done = run_step(action_step("install")["run"], tmp_path, {**told, "VERSION": ""})
    assert done.code == 0
    assert done.printed.splitlines()[-2:] == ["--", "/the action's checkout"]
    assert [entry.name for entry in Path(*done.path).iterdir()] == ["conformance"]
    hostile = "--index-url=https://example.com $(touch hacked)"
    done = run_step(action_step("install")["run"], tmp_path, {**told, "VERSION": hostile})
    assert done.printed.splitlines()[-2:] == ["--", hostile]
    assert not (tmp_path / "hacked").exists()


def test_the_nightly_comparison_tells_drift_from_none(tmp_path: Path) -> None:
    """``conformance`` is replaced by a program that ends with the exit code that ``compare`` would."""
    (script,) = [step["run"] for step in workflow_steps(GITHUB[0]) if step.get("id") == "compare"]

    def compared(code: int) -> tuple[int, dict[str, str]]:
        command = tmp_path / "conformance"
        command.write_text(f'#!/usr/bin/env bash\n[[ "$1" == compare && -d "$2" && -d "$3" ]] && exit {code}\nexit 9\n')
        command.chmod(0o755)
        done = run_step(script, tmp_path, {"RECORDING": "new", "PATH": f"{tmp_path}:/usr/bin:/bin"})
        return done.code, done.outputs

    assert compared(9) == (0, {"drifted": "0"})  # nothing was ever recorded
    (tmp_path / "new").mkdir()
    assert compared(9) == (0, {"drifted": "1"})  # the first recording
    (tmp_path / "committed").mkdir()
    assert compared(0) == (0, {"drifted": "0"})
    assert compared(1) == (0, {"drifted": "1"})
    assert compared(2) == (2, {})


def test_the_example_settings_of_the_nightly_are_settings(tmp_path: Path) -> None:
    comment = [line[2:] for line in GITHUB[0].read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    settings = "\n".join(line.strip() for line in comment if line.startswith("  "))
    (tmp_path / "conformance.toml").write_text(settings, encoding="utf-8")
    arguments = ["certify", "--target", str(tmp_path / "conformance.toml"), "--replay", "--cassettes", str(tmp_path)]
    told = CliRunner().invoke(main, arguments)
    assert told.exit_code == 2
    # It is read, and only the recording is missing, under the name that the workflow gives it.
    recording = load(GITHUB[0])["jobs"]["sandbox"]["env"]["RECORDING"].removeprefix("cassettes/")
    assert f"{tmp_path}/{recording}" in told.output.replace("\n", "")
