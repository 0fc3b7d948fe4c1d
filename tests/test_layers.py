"""No modules of the suite import each other in a circle, imports within functions included."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

import conformance

PACKAGE = Path(conformance.__file__).parent
# What reads the settings tries the TLS files that they name, and whoever cannot use one raises an error of settings.
KNOWN = {frozenset({"conformance.target.settings", "conformance.target.tls"})}


def modules() -> dict[str, Path]:
    """The modules of the suite, by name."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in paths}


def imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports below a node, without those that are there for types alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        yield from imports(child)


def imported(name: str, path: Path, known: Collection[str]) -> Iterator[str]:
    """The known modules that a module imports: those that it names, or else takes something from."""
    for node in imports(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
            continue
        above = name.split(".")[: -node.level] if node.level else []
        module = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            full = f"{module}.{alias.name}"
            yield from (one for one in [full if full in known else module] if one in known)


def circles(paths: dict[str, Path]) -> set[frozenset[str]]:
    """The sets of modules each of which imports, at last, each other one of its set."""
    known = {name.removesuffix(".__init__"): name for name in paths}
    straight = {name: {known[one] for one in imported(name, path, known)} - {name} for name, path in paths.items()}
    reached = {}
    for name in straight:
        seen, left = set[str](), [name]
        while left:
            new = straight[left.pop()] - seen
            seen |= new
            left += new
        reached[name] = seen
    return {
        frozenset(one for one in reached[name] if name in reached[one]) for name in reached if name in reached[name]
    }


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(modules()) == KNOWN


def test_a_circle_is_seen_wherever_its_imports_stand(tmp_path: Path) -> None:
    texts = {
        "house.__init__": "",
        "house.a": "import house.b",
        "house.b": "def late():\n    from house import c",
        "house.c": "def late():\n    from .a import one",
        "house.d": "if TYPE_CHECKING:\n    from house.e import two\nfrom house.a import one",
        "house.e": "from house.d import three",
    }
    paths = {name: tmp_path / f"{name}.py" for name in texts}
    for name, text in texts.items():
        paths[name].write_text(text, encoding="utf-8")
    assert circles(paths) == {frozenset({"house.a", "house.b", "house.c"})}
