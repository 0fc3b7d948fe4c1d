"""What a shell is offered, through click's own completion; and the scripts, in the shells that are at hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.shell_completion import CompletionItem, ShellComplete

from conformance.cli import COMMANDS, main
from conformance.contract import load_contract, provider_names
from conformance.reference.faults import faults_of

INVENTED = Path(__file__).parents[1] / "invented" / "contracts"
HEAVY = ("httpx", "schemathesis", "hypothesis", "jsonschema_rs", "rich", "pytest", "yaml", "werkzeug", "allure_commons")
FORTIES = [row for row in load_contract("dots").requirements if row.startswith("DOT-04")]


def items(line: str) -> list[CompletionItem]:
    """What is offered for the last word of a line, which may be empty."""
    _, *words, incomplete = line.split(" ")
    return ShellComplete(main, {}, "conformance", "_CONFORMANCE_COMPLETE").get_completions(words, incomplete)


def offered(line: str) -> list[str]:
    return [item.value for item in items(line)]


def ids(*providers: str) -> list[str]:
    return [row for name in providers for row in load_contract(name).requirements]


def test_commands() -> None:
    assert offered("conformance ") == list(COMMANDS)


@pytest.mark.parametrize("command", ["init", "certify", "audit", "dialect", "serve", "requirements", "freeze"])
def test_providers(command: str) -> None:
    assert offered(f"conformance {command} --provider ") == list(provider_names())
    assert offered(f"conformance {command} --provider P") == ["paypercut"]


@pytest.mark.parametrize("command", ["init", "certify", "audit", "dialect", "freeze"])
def test_providers_of_further_contracts(command: str) -> None:
    assert offered(f"conformance {command} --contracts {INVENTED} --provider a") == ["acme"]


def test_requirement_ids() -> None:
    assert offered("conformance certify --only ") == ids(*provider_names())
    assert offered("conformance certify --provider dots --only ") == ids("dots")
    assert offered("conformance certify --provider dots --provider stripe --only ") == ids("dots", "stripe")
    assert offered("conformance certify --only dot-04") == FORTIES
    assert offered("conformance requirements DOT-04") == FORTIES
    assert offered(f"conformance certify --contracts {INVENTED} --provider acme --only ACM-001") == ["ACM-001"]
    (item,) = items("conformance certify --only DOT-049")
    assert item.help == load_contract("dots").requirements["DOT-049"].statement


@pytest.mark.parametrize("command", ["certify", "requirements"])
def test_areas(command: str) -> None:
    of_dots = {row.area for row in load_contract("dots").requirements.values()}
    found = offered(f"conformance {command} --provider dots --area ")
    assert (len(found), set(found)) == (len(of_dots), of_dots)
    assert offered(f"conformance {command} --provider dots --area can") == []
    assert offered(f"conformance {command} --area can") == ["cancel"]


@pytest.mark.parametrize("command", ["certify", "requirements"])
def test_levels(command: str) -> None:
    assert offered(f"conformance {command} --level ") == ["must", "should", "may"]
    assert offered(f"conformance {command} --level m") == ["must", "may"]


def test_faults() -> None:
    known = faults_of("dots")
    assert offered("conformance serve --provider dots --fault ") == list(known)
    (item,) = items("conformance serve --provider dots --fault charges_declined")
    assert (item.value, item.help) == ("charges_declined_cards", " ".join(sorted(known[item.value].breaks)))


@pytest.mark.parametrize(
    "line",
    [
        "conformance certify --provider acme --only ",
        "conformance certify --contracts nowhere --area ",
        "conformance requirements --provider acme --area ",
        "conformance serve --fault ",
        "conformance serve --provider acme --fault ",
    ],
)
def test_where_nothing_is_known_nothing_is_offered(line: str) -> None:
    assert offered(line) == []


@pytest.mark.parametrize("option", ["--only", "--area"])
def test_a_broken_contract_is_no_error(option: str, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "provider.toml").write_text("[")
    assert offered(f"conformance certify --contracts {tmp_path} {option} ") == []
    assert offered(f"conformance certify --contracts {tmp_path} --provider b") == ["broken"]


def test_no_option_of_these_names_is_without_its_completion() -> None:
    named = {"--provider", "--only", "--area", "--level", "--fault"}
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command
        for option in command.params:
            if named & set(option.opts) and not isinstance(option.type, click.Choice):
                assert option._custom_shell_complete, f"{name} {option.opts}"


def test_what_is_offered_costs_no_more_than_it_needs() -> None:
    line = "['certify', '--provider', 'dots', '--only'], 'DOT-049'"
    script = (
        "import sys; from click.shell_completion import ShellComplete; from conformance.cli import main;"
        f"print([one.value for one in ShellComplete(main, {{}}, 'conformance', 'X').get_completions({line})]);"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert told.stdout.splitlines() == ["['DOT-049']", "[]"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script(shell: str, run: Callable) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0, result.output
    assert f"_CONFORMANCE_COMPLETE={shell}_complete" in result.stdout
    assert "_conformance_completion" in result.stdout
    if at_hand := shutil.which(shell):
        syntax = subprocess.run([at_hand, "-n"], input=result.stdout, capture_output=True, text=True, timeout=30)
        assert (syntax.returncode, syntax.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [[], ["tcsh"]])
def test_wrong_use(arguments: list[str], run: Callable) -> None:
    result = run("completion", *arguments)
    assert result.exit_code == 2
    assert "bash" in result.output


def test_bash_completes(tmp_path: Path, run: Callable) -> None:
    """The script in a shell of its own, with the command on its path."""
    bash = shutil.which("bash")
    assert bash, "bash is where this suite is made"
    command = tmp_path / "conformance"
    command.write_text(f"#!{sys.executable}\nfrom conformance.cli import main\nmain(prog_name='conformance')\n")
    command.chmod(0o755)
    script = run("completion", "bash").stdout + (
        'COMP_WORDS=(conformance certify --provider dots --only DOT-04); COMP_CWORD=5; PATH="$1:$PATH"\n'
        '_conformance_completion conformance; echo "${COMPREPLY[*]}"\n'
    )
    told = subprocess.run(
        [bash, "--norc", "-c", script, "bash", str(tmp_path)], capture_output=True, text=True, timeout=30, check=True
    )
    assert told.stdout.split() == FORTIES
