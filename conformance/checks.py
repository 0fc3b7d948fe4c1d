"""All checks by name, rules and scenarios alike, and what is wrong with a catalogue that cites them."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conformance.contract import CatalogueError, Contract, Requirement
from conformance.rules.judge import rules


def scenarios() -> Mapping[str, Callable[..., Any]]:
    """The scenario functions by the name that rows cite: the test's name without ``test_``."""
    found = {}
    for path in sorted((Path(__file__).parent / "scenarios").glob("test_*.py")):
        module = importlib.import_module(f"conformance.scenarios.{path.stem}")
        for name, value in vars(module).items():
            if name.startswith("test_") and inspect.isfunction(value) and value.__module__ == module.__name__:
                found[name.removeprefix("test_")] = value
    return found


def check_catalogue(contract: Contract) -> None:
    """Raises ``CatalogueError`` where a row cites no known check or gives it arguments that it does not take."""
    acting, judging = scenarios(), rules()
    for row in contract.requirements.values():
        if row.check in judging:
            problem = _unbound(judging[row.check], row)
        elif row.check in acting:
            unknown = set(row.args) - acting[row.check].takes  # type: ignore[attr-defined]
            problem = f"gives {row.check} arguments it does not take: {', '.join(sorted(unknown))}" if unknown else ""
        else:
            problem = f"cites the unknown check {row.check!r}" if row.check else ""
        if problem:
            raise CatalogueError(f"{contract.folder / 'requirements.toml'}: {row.id} {problem}")


def _unbound(rule: Callable[..., Any], row: Requirement) -> str:
    try:
        inspect.signature(rule).bind((), None, **row.args)
    except TypeError as error:
        return f"gives {row.check} arguments that do not fit: {error}"
    return ""
