"""The action and the example workflows as data, and their shell steps as GitHub's runner would start them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
GITHUB = sorted((ROOT / "examples" / "github").glob("*.yml"))
GITLAB = ROOT / "examples" / "gitlab" / ".gitlab-ci.yml"


def load(path: Path) -> dict[str, Any]:
    """The document of a file; ``on`` is a key, as in YAML 1.2, though to PyYAML it means true."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in document.items()}


def gitlab_jobs() -> dict[str, Any]:
    """GitLab's document with each job's ``extends`` carried out, since the schema looks at no hidden job."""
    document = load(GITLAB)
    return {
        name: {**document[job["extends"]], **job} if isinstance(job, dict) and "extends" in job else job
        for name, job in document.items()
    }


def action_step(name: str) -> dict[str, Any]:
    """The step of the action with that id."""
    step: dict[str, Any] = next(step for step in load(ACTION)["runs"]["steps"] if step["id"] == name)
    return step


def workflow_steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in load(path)["jobs"].values():
        yield from job["steps"]


@dataclass(frozen=True)
class Done:
    """What a step left: exit code, what it printed, its outputs, and what it added to the path."""

    code: int
    printed: str
    outputs: dict[str, str]
    path: list[str]


def run_step(script: str, folder: Path, environment: Mapping[str, str], workspace: Path | None = None) -> Done:
    """Runs a script as ``shell: bash`` does, in ``workspace``; what the runner lends it lies in ``folder``."""
    files = {name: folder / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
    for file in files.values():
        file.write_text("", encoding="utf-8")
    (folder / "step.sh").write_text(script, encoding="utf-8")
    lent = {name: str(file) for name, file in files.items()}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(folder / "step.sh")],
        cwd=workspace or folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "RUNNER_TEMP": str(folder), **lent, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    outputs = (line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines())
    return Done(
        code=done.returncode,
        printed=done.stdout,
        outputs=dict(outputs),
        path=files["GITHUB_PATH"].read_text(encoding="utf-8").splitlines(),
    )
