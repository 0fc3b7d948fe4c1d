"""The commands as a user meets them: cheap help, the catalogue, the reference server as a process of its own."""

from __future__ import annotations

import json
import os
import resource
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance import __version__
from conformance.cli import COMMANDS, main
from conformance.contract import load_contract, provider_names
from conformance.reference.faults import faults_of, load_faults_of

COMMAND = [sys.executable, "-c", "from conformance.cli import main; main()"]
HEAVY = ("httpx", "schemathesis", "hypothesis", "jsonschema_rs", "rich", "pytest", "yaml", "allure_commons", "werkzeug")


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_costs_nothing() -> None:
    before = cpu_of_children()
    told = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=30, check=True).stdout
    assert cpu_of_children() - before < 0.5
    for code in ("0 conformant", "1 not conformant", "2 wrong invocation", "3 not judged"):
        assert code in " ".join(told.split())
    for name in COMMANDS:
        assert f"  {name} " in told


def test_importing_the_commands_imports_nothing_heavy() -> None:
    script = f"import sys, conformance.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_fits_a_screen(name: str) -> None:
    told = CliRunner().invoke(main, [name, "--help"])
    assert told.exit_code == 0
    assert len(told.output.splitlines()) <= 30
    assert max(map(len, told.output.splitlines())) <= 80


def test_version() -> None:
    assert CliRunner().invoke(main, ["--version"]).output.split()[-1] == __version__


@pytest.mark.parametrize("arguments", [["dance"], ["certify", "surplus"], ["audit"], ["serve"]])
def test_wrong_use(arguments: list[str]) -> None:
    told = CliRunner().invoke(main, arguments)
    assert told.exit_code == 2
    assert "Usage:" in told.output


def test_requirements_counts_the_catalogue(run: Callable) -> None:
    told = run("requirements")
    assert told.exit_code == 0
    for name in provider_names():
        assert load_contract(name).title in told.output
    rows = load_contract("dots").requirements.values()
    counted = run("requirements", "--provider", "dots").output
    assert "Stripe" not in counted
    line = next(line for line in counted.splitlines() if "Dots" in line)
    assert str(sum(row.level == "MUST" for row in rows)) in line.replace("│", " ").split()


def test_requirements_explains_one(run: Callable) -> None:
    row = load_contract("dots").requirements["DOT-049"]
    told = run("requirements", "DOT-049")
    assert told.exit_code == 0
    flat = " ".join(told.output.split())
    for text in ("DOT-049", row.level, row.area, row.statement, row.check, row.sources[0].url, "--only DOT-049"):
        assert text in flat


@pytest.mark.parametrize("identifier", ["DOT-999", "dot", "STR-"])
def test_requirements_of_an_unknown_id(identifier: str, run: Callable) -> None:
    told = run("requirements", identifier)
    assert told.exit_code == 2
    assert f"{identifier}: no such requirement" in told.output


def test_requirements_of_an_unknown_provider(run: Callable) -> None:
    told = run("requirements", "--provider", "acme")
    assert told.exit_code == 2
    assert "acme" in told.output
    assert "dots" in told.output


@contextmanager
def served(*arguments: object) -> Iterator[str]:
    """``conformance serve`` while the block lasts; yields the line in which it says where it is."""
    command = [*COMMAND, "serve", *map(str, arguments)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),  # a shell's background job ignores it
    ) as process:
        try:
            assert process.stdout is not None
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ)
                assert selector.select(timeout=30), "the server says nothing"
            yield process.stdout.readline()
        finally:
            process.send_signal(signal.SIGINT)  # as Ctrl-C does
            out, err = process.communicate(timeout=30)
            assert process.returncode == 0, err
            assert "stopped" in out
            assert "Traceback" not in err


@pytest.mark.parametrize("provider", ["dots", "revkeen"])
def test_serve_and_certify_over_the_socket(provider: str, certify: Callable, tmp_path: Path) -> None:
    file = tmp_path / "target.toml"
    with served("--provider", provider, "--write-target", file) as line:
        assert f"{provider} reference server: http://127.0.0.1:" in line
        result = certify("--target", file)
    assert result.exit_code == 0, result.output
    certificate = json.loads((tmp_path / "out" / "certificate.json").read_text())
    assert (certificate["mode"], certificate["provider"]) == ("live", provider)
    assert certificate["target"] == {"name": f"{provider}-reference", "base_url": line.split()[-1]}


def test_a_served_target_is_judged_on_as_much_as_the_embedded_one(run: Callable, tmp_path: Path) -> None:
    file = tmp_path / "target.toml"
    with served("--provider", "stripe", "--write-target", file):
        assert run("certify", "--target", file, "--output", tmp_path / "socket").exit_code == 0
    assert run("certify", "--provider", "stripe", "--output", tmp_path / "memory").exit_code == 0
    socket, memory = (json.loads((tmp_path / how / "certificate.json").read_text()) for how in ("socket", "memory"))
    verdicts = [{row["id"]: row["verdict"] for row in one["requirements"]} for one in (socket, memory)]
    assert {row for row in verdicts[0] if verdicts[0][row] != verdicts[1][row]} == set()


def test_serve_with_a_fault(certify: Callable, tmp_path: Path) -> None:
    file, fault = tmp_path / "target.toml", faults_of("dots")["charges_declined_cards"]
    with served("--provider", "dots", "--fault", fault.name, "--write-target", file) as line:
        assert "which charges declined cards: http://127.0.0.1:" in line
        assert certify("--target", file, "--strict").exit_code == 1
    certificate = json.loads((tmp_path / "out" / "certificate.json").read_text())
    assert {row["id"] for row in certificate["requirements"] if row["verdict"] == "fail"} == fault.breaks


def test_serve_lists_faults(run: Callable) -> None:
    told = [line.split() for line in run("serve", "--list-faults").output.splitlines()]
    assert {provider for provider, *_ in told} == set(provider_names())
    assert ["dots", "charges_declined_cards", *sorted(faults_of("dots")["charges_declined_cards"].breaks)] in told
    assert ["stripe", "remembers_ten_thousand_keys", "STR-238", "under", "load"] in told
    known = len(faults_of("stripe")) + len(load_faults_of("stripe"))
    assert run("serve", "--list-faults", "--provider", "stripe").output.count("\n") == known


def test_serve_with_an_unknown_fault(run: Callable) -> None:
    told = run("serve", "--provider", "dots", "--fault", "charges_declined_card")
    assert told.exit_code == 2
    assert "charges_declined_cards" in told.output
    assert "--list-faults" in told.output


def test_serve_on_a_taken_port(listen: Callable) -> None:
    port = listen(b"").url.rpartition(":")[2]
    command = [*COMMAND, "serve", "--provider", "dots", "--port", port]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert told.returncode == 2
    assert f"--port {port}" in told.stderr
    assert "Traceback" not in told.stderr


def test_serve_an_unknown_provider(run: Callable) -> None:
    told = run("serve", "--provider", "acme")
    assert told.exit_code == 2
    assert "stripe" in told.output


def test_serve_writes_its_target_where_it_can(run: Callable, tmp_path: Path) -> None:
    told = run("serve", "--provider", "dots", "--write-target", tmp_path / "absent" / "target.toml")
    assert told.exit_code == 2
    assert "--write-target" in told.output


def test_certify_without_arguments_judges_every_provider(certify: Callable, tmp_path: Path) -> None:
    result = certify("--only", "DOT-049", "--only", "DOT-050")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "certificate.json").is_file()
    chosen = json.loads((tmp_path / "out" / "certificate.json").read_text())["requirements"]
    assert {row["id"] for row in chosen if row["verdict"] == "pass"} == {"DOT-049", "DOT-050"}


def test_what_pytest_takes_from_the_environment_is_not_meant_for_a_run(
    certify: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {"PYTEST_ADDOPTS": "-v --tb=short -k nothing", "PYTEST_PLUGINS": "nowhere.to.be.found"}
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    result = certify("--only", "DOT-049")
    assert result.exit_code == 0, result.output
    assert {name: os.environ.get(name) for name in theirs} == theirs
    assert "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ
