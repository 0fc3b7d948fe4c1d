"""The assertions of the checks, found in their source, and modules made so that any one of them can be taken out.

An assertion is a place that makes a finding: a call that contradicts, a ``raise NonConformance``, a rule's ``finding``,
a call of a helper that does one of these, and each check as a whole. ``install`` has the checks' modules loaded with a
switch at every such place; ``SWITCH`` then says which of them found something, and can make one of them find nothing.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import conformance
from conformance.scenarios.outcomes import NonConformance

ROOT = Path(conformance.__file__).parent
FOLDERS = ("rules", "scenarios")

# What looks like an assertion and makes no verdict of its own: a file, or a function in one.
LEFT_OUT = {
    "scenarios/acting.py Actor.contradict": "how a contradiction is told; every call of it is an assertion",
    "scenarios/acting.py for_each": "passes on what its attempts found",
    "scenarios/walk.py Walker._contradict": "how a walk's contradiction is told; every call of it is an assertion",
    "scenarios/test_lifecycle.py test_transition": "passes on what was found from each status",
    "scenarios/test_lifecycle.py test_matrix": "passes on what was found in each cell",
    "scenarios/test_walk.py test_walk": "passes on what a walk found, told by a shorter one",
    "scenarios/walk_machine.py": "chooses the walks that are frozen",
    "scenarios/walk_shortening.py": "looks for a shorter telling of what a walk has found",
    "rules/judge.py finding": "how a rule's finding is told; every call of it is an assertion",
}

_CONTRADICT = ("contradict", "_contradict")
_SWITCH = "_switch_of_assertions"


@dataclass(frozen=True, order=True)
class Site:
    """One assertion: where it stands, the function it stands in, what ``kind`` it is, and its first line.

    ``kind`` is ``contradict``, ``raise``, ``finding``, ``call`` (of a helper that asserts) or ``check`` (all of one).
    """

    file: str
    line: int
    column: int
    function: str
    kind: str
    code: str

    @property
    def key(self) -> str:
        return f"{self.file}:{self.line}:{self.column} {self.kind}"


@dataclass
class Switch:
    """``removed`` is the key of the assertion that is taken out (empty: none), ``fired`` those that found something."""

    removed: str = ""
    fired: set[str] = field(default_factory=set)

    def stands(self, key: str) -> bool:
        """Notes that an assertion finds something. Whether it is still there to say so."""
        self.fired.add(key)
        return key != self.removed

    def heard(self, key: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Makes a function, or a rule's generator, find nothing where the assertion is taken out."""

        def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(function)
            def called(*given: Any, **named: Any) -> Any:
                try:
                    result = function(*given, **named)
                except NonConformance:
                    if self.stands(key):
                        raise
                    return None
                return self._judgements(key, result) if inspect.isgenerator(result) else result

            return called

        return decorated

    def _judgements(self, key: str, judgements: Iterator[Any]) -> Iterator[tuple[int, Any]]:
        for number, found in judgements:
            yield number, found if found is not None and self.stands(key) else None


SWITCH = Switch()


@dataclass(frozen=True)
class Module:
    """A module of the checks: its source as a tree, with a switch at each of its ``sites``."""

    file: str
    tree: ast.Module
    sites: tuple[Site, ...]
    left_out: frozenset[str]  # the entries of ``LEFT_OUT`` by which assertions were left alone


def read_modules(left_out: Mapping[str, str] = LEFT_OUT) -> dict[str, Module]:
    """Every module of rules and scenarios by its name.

    Raises ``ValueError`` where something is left out that is not there, or two assertions cannot be told apart.
    """
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.py"))]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    modules = rewrite(texts, left_out)
    return {f"{ROOT.name}.{module.file.removesuffix('.py').replace('/', '.')}": module for module in modules}


def rewrite(texts: Mapping[str, str], left_out: Mapping[str, str]) -> list[Module]:
    """The modules of these sources (by file name). Raises ``ValueError`` as ``read_modules`` does."""
    helpers = _Helpers({file: ast.parse(text) for file, text in texts.items()}, left_out)
    modules = []
    for file, text in texts.items():
        writer = _Writer(file, text, helpers, left_out)
        tree = ast.fix_missing_locations(writer.visit(ast.parse(text)))
        modules.append(Module(file, tree, tuple(writer.sites), frozenset(writer.left_alone)))
    idle = left_out.keys() - frozenset[str]().union(*(module.left_out for module in modules))
    if idle:
        raise ValueError(f"left out, but there is no assertion: {', '.join(sorted(idle))}")
    twice = [key for key, count in Counter(site.key for one in modules for site in one.sites).items() if count > 1]
    if twice:
        raise ValueError(f"two assertions in one place: {', '.join(twice)}")
    return modules


def install(modules: Mapping[str, Module]) -> None:
    """Has these modules loaded with their switches. Raises ``RuntimeError`` where one of them is loaded already."""
    early = [name for name, module in modules.items() if module.sites and name in sys.modules]
    if early:
        raise RuntimeError(f"loaded before their switches could be set: {', '.join(early)}")
    sys.meta_path.insert(0, _Finder(modules))


# -- the source ------------------------------------------------------------------------------------------------------


class _Scoped(ast.NodeTransformer):
    """Walks a module and knows the function it is in: ``Actor.intent``, ``test_exam.attempt``."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.scope: tuple[str, ...] = ()

    @property
    def function(self) -> str:
        return ".".join(self.scope)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self.inside(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self.inside(node)

    def inside(self, node: ast.ClassDef | ast.FunctionDef) -> ast.AST:
        outer, self.scope = self.scope, (*self.scope, node.name)
        self.generic_visit(node)
        self.scope = outer
        return node

    def left_out(self, table: Mapping[str, str]) -> str:
        """The entry of the table that speaks of this place; empty where none does."""
        return next((entry for entry in (self.file, f"{self.file} {self.function}") if entry in table), "")


Function = tuple[str, tuple[str, ...]]  # its file, and its name within all that it stands in


class _Reader(_Scoped):
    """Reads the functions of a module, what each calls, and which make a finding themselves."""

    def __init__(self, file: str, left_out: Mapping[str, str]) -> None:
        super().__init__(file)
        self._left_out = left_out
        self.functions: dict[tuple[str, ...], ast.FunctionDef] = {}
        self.methods: set[tuple[str, ...]] = set()
        self.imported: dict[str, Function] = {}
        self.calls: list[tuple[tuple[str, ...], ast.Call]] = []
        self.finding: set[tuple[str, ...]] = set()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        file = (node.module or "").removeprefix(f"{ROOT.name}.").replace(".", "/") + ".py"
        self.imported |= {one.asname or one.name: (file, (one.name,)) for one in node.names}
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.methods |= {(*self.scope, node.name, one.name) for one in node.body if isinstance(one, ast.FunctionDef)}
        return super().visit_ClassDef(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.functions[(*self.scope, node.name)] = node
        return super().visit_FunctionDef(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if not self.left_out(self._left_out):
            self.calls.append((self.scope, node))
            if called(node) in (*_CONTRADICT, "finding"):
                self.finding.add(self.scope)
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if _raises(node) and not self.left_out(self._left_out):
            self.finding.add(self.scope)
        return self.generic_visit(node)


class _Helpers:
    """The functions that can make a finding, by themselves or by what they call."""

    def __init__(self, trees: Mapping[str, ast.Module], left_out: Mapping[str, str]) -> None:
        self._modules = {file: _Reader(file, left_out) for file in trees}
        for file, tree in trees.items():
            self._modules[file].visit(tree)
        self._asserting = {(file, scope) for file, module in self._modules.items() for scope in module.finding}
        calls: dict[Function, set[Function]] = {}
        for file, module in self._modules.items():
            for scope, call in module.calls:
                calls.setdefault((file, scope), set()).update(self._targets(file, scope, call))
        while more := {one for one, others in calls.items() if others & self._asserting} - self._asserting:
            self._asserting |= more

    def asserts(self, file: str, scope: tuple[str, ...], call: ast.Call, *, only: bool = False) -> bool:
        """Whether the call, made there, can make a finding. ``only``: and gives nothing else."""
        targets = self._targets(file, scope, call) & self._asserting
        return bool(targets) and not (only and any(self._gives(*target) for target in targets))

    def _gives(self, file: str, name: tuple[str, ...]) -> bool:
        returns = self._modules[file].functions[name].returns
        return not (isinstance(returns, ast.Constant) and returns.value is None)

    def _targets(self, file: str, scope: tuple[str, ...], call: ast.Call) -> set[Function]:
        """The functions that a call may be of: those in sight by that name, or every method with that name."""
        module, name = self._modules[file], called(call)
        if isinstance(call.func, ast.Attribute):
            return {
                (one, method) for one in self._modules for method in self._modules[one].methods if method[-1] == name
            }
        for depth in range(len(scope), -1, -1):
            if name in _parameters(module.functions.get(scope[:depth])):
                return set()
            if (*scope[:depth], name) in module.functions:
                return {(file, (*scope[:depth], name))}
        return {module.imported[name]} if name in module.imported else set()


def _parameters(function: ast.FunctionDef | None) -> set[str]:
    return {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)} if function else set()


class _Writer(_Scoped):
    """Puts a switch at each assertion."""

    def __init__(self, file: str, text: str, helpers: _Helpers, left_out: Mapping[str, str]) -> None:
        super().__init__(file)
        self._lines, self._helpers, self._left_out = text.splitlines(), helpers, left_out
        self.sites: list[Site] = []
        self.left_alone: set[str] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        super().visit_FunctionDef(node)
        if is_check(self.file, node):
            node.decorator_list.append(_ask("heard", self._found(node, "check", node.name)))
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        key = self._assertion(node, "raise") if _raises(node) else ""
        self.generic_visit(node)
        return ast.copy_location(ast.If(_ask("stands", key), [node], []), node) if key else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        node.value = self._discarded(node.value)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        node.body = self._discarded(node.body, only=True)
        return node

    def _discarded(self, value: ast.expr, only: bool = False) -> ast.expr:
        """A value that nobody looks at: a call of a helper is there for what it asserts."""
        call = value.value if isinstance(value, ast.YieldFrom) else value
        key = ""
        if isinstance(call, ast.Call) and called(call) not in _CONTRADICT:  # that is an assertion as it stands
            key = self._assertion(call, "call") if self._helpers.asserts(self.file, self.scope, call, only=only) else ""
        visited: ast.expr = self.visit(value)
        if key:
            inner = visited.value if isinstance(visited, ast.YieldFrom) else visited
            assert isinstance(inner, ast.Call)
            inner.func = ast.copy_location(ast.Call(_ask("heard", key), [inner.func], []), inner)
        return visited

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = called(node)
        otherwise: ast.expr | None = None
        if name in (*_CONTRADICT, "contradiction"):
            kind, otherwise = "contradict", ast.Constant(None)
        elif name == "finding":
            kind, otherwise = "finding", ast.Call(ast.Name("held", ast.Load()), [node.args[0]], [])
        key = self._assertion(node, kind) if otherwise else ""
        self.generic_visit(node)
        return ast.copy_location(ast.IfExp(_ask("stands", key), node, otherwise), node) if key and otherwise else node

    def _assertion(self, node: ast.AST, kind: str) -> str:
        """Notes an assertion and gives its key; empty where it is left out."""
        entry = self.left_out(self._left_out)
        if entry:
            self.left_alone.add(entry)
        return "" if entry else self._found(node, kind, self.function)

    def _found(self, node: ast.AST, kind: str, function: str) -> str:
        line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
        self.sites.append(Site(self.file, line, column, function, kind, self._lines[line - 1].strip()))
        return self.sites[-1].key


def is_check(file: str, function: ast.FunctionDef) -> bool:
    """Whether rows can cite the function: a scenario's test, or a rule."""
    if file.startswith("scenarios/test_"):
        return function.name.startswith("test_")
    marks = [one.id for one in function.decorator_list if isinstance(one, ast.Name)]
    return file.startswith("rules/") and "rule" in marks


def called(call: ast.Call) -> str:
    """The bare name of what is called."""
    function = call.func
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _raises(node: ast.Raise) -> bool:
    return isinstance(node.exc, ast.Call) and called(node.exc) == NonConformance.__name__


def _ask(question: str, key: str) -> ast.Call:
    switch = ast.Attribute(ast.Name(_SWITCH, ast.Load()), question, ast.Load())
    return ast.Call(switch, [ast.Constant(key)], [])


# -- the loading -----------------------------------------------------------------------------------------------------


class _Finder(MetaPathFinder):
    def __init__(self, modules: Mapping[str, Module]) -> None:
        self._modules = modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        module = self._modules.get(fullname)
        if module is None or not module.sites:
            return None
        place = str(ROOT / module.file)
        return spec_from_file_location(fullname, place, loader=_Loader(fullname, place, module.tree))


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self._tree = tree

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._tree, self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        setattr(module, _SWITCH, SWITCH)
        super().exec_module(module)
