"""The assertions of the checks are all found, each can be taken out alone, and what nothing misses is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import checks
from conformance.reference.faults import faults_of
from conformance.rules.judge import rules
from conformance.scenarios.outcomes import NonConformance

from . import survivors
from .assertions import LEFT_OUT, ROOT, Module, Site, Switch, install, read_modules, rewrite
from .survivors import Fate, Pass, chosen, reached, read_passes, tell, try_without, write_passes

SCENARIO = """
from conformance.scenarios.helpers import expect, look, for_each
from conformance.scenarios.outcomes import NonConformance

def test_all(act, args):
    for_each([1], lambda value: expect(act, value))
    for_each([1], lambda value: look(act, value))
    seen = look(act, 1)
    expect(act, 1)
    if not seen:
        raise NonConformance(())
    raise ValueError

def test_with_its_own_words(act, expect):
    expect(act, 1)
"""
HELPERS = """
def expect(act, value) -> None:
    act.contradict(value, "other", value)

def look(act, value) -> int:
    expect(act, value)
    return value

def for_each(values, attempt) -> None:
    for value in values:
        attempt(value)
"""
RULE = """
@rule
def members(seen, bench):
    for sighting in seen:
        yield finding(sighting, "a", "b") if sighting else held(sighting)
    yield from _more(seen)

def _more(seen):
    for sighting in seen:
        yield finding(sighting, "c", "d")
"""


def invented(left_out: dict[str, str] | None = None) -> list[Module]:
    texts = {"scenarios/test_it.py": SCENARIO, "scenarios/helpers.py": HELPERS, "rules/members.py": RULE}
    return rewrite(texts, left_out or {})


def sites(modules: list[Module]) -> list[tuple[str, int, str]]:
    return [(site.function, site.line, site.kind) for module in modules for site in module.sites]


# -- finding them ----------------------------------------------------------------------------------------------------


def test_every_kind_of_assertion_is_found() -> None:
    assert sorted(sites(invented())) == [
        ("_more", 10, "finding"),
        ("expect", 3, "contradict"),
        ("look", 6, "call"),
        ("members", 3, "check"),
        ("members", 5, "finding"),
        ("members", 6, "call"),
        ("test_all", 5, "check"),
        ("test_all", 6, "call"),
        ("test_all", 9, "call"),
        ("test_all", 11, "raise"),
        ("test_with_its_own_words", 14, "check"),  # what it calls is a parameter, not the helper of that name
    ]


def test_what_is_left_out_is_no_assertion_and_makes_no_helper() -> None:
    left = sites(invented({"scenarios/helpers.py expect": "a reason", "rules/members.py": "a reason"}))
    assert [(function, kind) for function, _, kind in left if kind != "check"] == [("test_all", "raise")]


def test_an_entry_for_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"rules/members\.py nobody"):
        invented({"rules/members.py nobody": "a reason"})


def test_every_check_is_found() -> None:
    found = {
        site.function.removeprefix("test_") for one in read_modules().values() for site in one.sites if is_check(site)
    }
    assert found == {*checks.scenarios(), *rules()}


def is_check(site: Site) -> bool:
    return site.kind == "check"


@pytest.mark.parametrize(
    ("folder", "kind", "written"),
    [
        ("scenarios", "contradict", r"\b_?contradict\(|\.contradiction\("),
        ("scenarios", "raise", r"raise NonConformance\("),
        ("rules", "finding", r"(?<!def )\bfinding\("),
    ],
)
def test_every_assertion_is_found_or_left_out(folder: str, kind: str, written: str) -> None:
    everything = read_modules({}).values()
    lines = {
        (path.relative_to(ROOT).as_posix(), number)
        for path in (ROOT / folder).glob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(written, line) and "def " not in line
    }
    assert lines == {
        (site.file, site.line) for one in everything for site in one.sites if site.kind == kind and folder in site.file
    }
    kept = {site.key for one in read_modules().values() for site in one.sites}
    gone = [site for one in everything for site in one.sites if site.kind == kind and site.key not in kept]
    assert all({site.file, f"{site.file} {site.function}"} & LEFT_OUT.keys() for site in gone)


# -- taking them out -------------------------------------------------------------------------------------------------


class Act:
    """Acts as scenarios expect it: it contradicts."""

    def contradict(self, *given: object) -> None:
        raise NonConformance(())


def loaded(module: Module, switch: Switch, **given: Any) -> dict[str, Any]:
    """The names of a module that is run with such a switch."""
    names = {"_switch_of_assertions": switch, **given}
    tree = module.tree
    tree.body = [node for node in tree.body if type(node).__name__ != "ImportFrom"]
    exec(compile(tree, module.file, "exec"), names)
    return names


def scenario(removed: str) -> tuple[str, list[str]]:
    """How ``test_all`` ends without an assertion (its function and kind), and which fired."""
    module, helpers, _ = invented()
    keys = {site.key: f"{site.function} {site.kind}" for one in (module, helpers) for site in one.sites}
    switch = Switch(next((key for key, name in keys.items() if name == removed), ""))
    assisting = loaded(helpers, switch)
    names = loaded(module, switch, NonConformance=NonConformance, **assisting)
    try:
        names["test_all"](Act(), {})
        ended = "well"
    except (NonConformance, ValueError) as raised:
        ended = type(raised).__name__
    return ended, sorted({keys[key] for key in switch.fired})


def test_a_switch_that_takes_nothing_out_changes_nothing_and_notes_what_fired() -> None:
    assert scenario("") == ("NonConformance", ["expect contradict", "test_all call", "test_all check"])


def test_an_assertion_that_is_taken_out_finds_nothing_and_the_check_goes_on() -> None:
    assert scenario("expect contradict") == ("ValueError", ["expect contradict"])


def test_a_check_that_is_taken_out_passes() -> None:
    assert scenario("test_all check") == ("well", ["expect contradict", "test_all call", "test_all check"])


@pytest.mark.parametrize(
    ("removed", "findings", "fired"),
    [
        ("", ["a", "c"], {"members finding", "_more finding", "members call", "members check"}),
        ("members finding", [None, "c"], {"members finding", "_more finding", "members call", "members check"}),
        ("_more finding", ["a", None], {"members finding", "_more finding", "members check"}),
        ("members call", ["a", None], {"members finding", "_more finding", "members call", "members check"}),
        ("members check", [None, None], {"members finding", "_more finding", "members call", "members check"}),
    ],
)
def test_a_rule_goes_on_judging_without_its_finding(removed: str, findings: list[Any], fired: set[str]) -> None:
    *_, module = invented()
    keys = {site.key: f"{site.function} {site.kind}" for site in module.sites}
    switch = Switch(next((key for key, name in keys.items() if name == removed), ""))

    def finding(sighting: int, expected: str, actual: str) -> tuple[int, str | None]:
        return sighting, expected

    def held(sighting: int) -> tuple[int, None]:
        return sighting, None

    names = loaded(module, switch, finding=finding, held=held, rule=lambda function: function)
    judged: Iterator[tuple[int, str | None]] = names["members"]([7], None)
    assert list(judged) == [(7, one) for one in findings]
    assert {keys[key] for key in switch.fired} == fired


def test_modules_that_are_loaded_already_get_no_switches() -> None:
    assert checks.scenarios()
    with pytest.raises(RuntimeError, match=r"conformance\.scenarios\.test_walk"):
        install(read_modules())


# -- telling what became of them -------------------------------------------------------------------------------------

SITE = Site("rules/members.py", 5, 8, "members", "finding", "yield finding(…)")
OTHER = Site("scenarios/test_it.py", 9, 4, "test_all", "call", "expect(act, 1)")


def made(fault: str, *fired: Site, seconds: float = 1.0, failed: str = "") -> Pass:
    """A pass of a fault of Dots, which breaks what its table says unless ``failed`` is given."""
    ids = (failed,) if failed else tuple(sorted(faults_of("dots")[fault].breaks))
    return Pass("dots", fault, ids, (), tuple(site.key for site in fired), seconds)


@pytest.fixture
def three() -> tuple[str, str, str]:
    first, second, third, *_ = faults_of("dots")
    return first, second, third


def test_only_faults_that_set_it_off_are_tried_the_cheapest_first(three: tuple[str, str, str]) -> None:
    one, two, three_ = three
    passes = [made(one, SITE, OTHER), made(two, SITE, seconds=1.5), made(three_, OTHER, seconds=0.1)]
    assert [each.fault for each in reached(SITE, passes)] == [two, one]


def test_a_fault_that_is_not_as_its_table_says_notices_nothing(three: tuple[str, str, str]) -> None:
    assert reached(SITE, [made(three[0], SITE, failed="DOT-000")]) == []


def test_an_assertion_is_tried_until_a_fault_misses_it(
    three: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def certify(provider: str, fault: str, removed: str) -> Pass:
        tried.append((fault, removed))
        return made(fault, SITE, failed="DOT-000" if fault == three[1] else "")

    monkeypatch.setattr(survivors, "certify", certify)
    names = tuple(f"dots:{fault}" for fault in three)
    passes = [made(fault, SITE) for fault in three]
    assert try_without(SITE, passes) == Fate(SITE, names, names[1])
    assert tried == [(fault, SITE.key) for fault in three[:2]]
    assert try_without(SITE, passes[2:]) == Fate(SITE, names[2:], "")


def test_survivors_are_told_with_the_faults_that_did_not_miss_them() -> None:
    fates = [Fate(SITE, ("dots:one", "dots:two")), Fate(OTHER, ("dots:one",), "dots:one")]
    text, well = tell(fates, [], whole=True)
    assert text.splitlines() == [
        "rules/members.py:5 members (finding)",
        "    yield finding(…)",
        "    fires in dots:one, dots:two",
        "2 assertions removed, 1 noticed, 1 survivors",
    ]
    assert not well


def test_what_no_fault_reaches_survives_unless_faults_were_left_out() -> None:
    text, well = tell([Fate(SITE, ())], [], whole=True)
    assert "no fault reaches it" in text
    assert not well
    text, well = tell([Fate(SITE, ())], [], whole=False)
    assert text.splitlines() == [
        "0 assertions removed, 0 noticed, 0 survivors",
        "1 are reached by no fault of these providers",
    ]
    assert well


def test_a_fault_that_is_not_as_its_table_says_is_told() -> None:
    text, well = tell([Fate(SITE, ("dots:one",), "dots:one")], [Pass("dots", "two", trouble="it broke")], whole=True)
    assert "left aside: dots:two it broke" in text
    assert not well


def test_assertions_are_chosen_by_place_or_code() -> None:
    assert chosen([SITE, OTHER], []) == [SITE, OTHER]
    assert chosen([SITE, OTHER], ["members.py:5"]) == [SITE]
    assert chosen([SITE, OTHER], ["expect(", "nowhere"]) == [OTHER]


def test_kept_passes_are_read_again_until_something_changes(
    tmp_path: Path, three: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, one = tmp_path / "passes.json", made(three[0], SITE)
    assert read_passes(file) == {}
    write_passes(file, [one], {"dots": survivors.digest("dots")})
    assert read_passes(file) == {one.name: one}
    monkeypatch.setattr(survivors, "digest", lambda provider: "other")
    assert read_passes(file) == {}
