"""Certificates side by side: what differs, what is portable, and that no text of theirs is taken for markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conformance.contract import Contract, ErrorKind, Operation, Requirement, Source, Transition, load_contract
from conformance.contract import provider_names as contract_names
from conformance.contract.lifecycle import path_after
from conformance.evidence.finding import Finding, Outcome
from conformance.report.side_by_side import page_of, write_page
from conformance.report.side_by_side.asking import askings
from conformance.report.side_by_side.columns import Column, columns_of, find_certificates
from conformance.report.side_by_side.html import as_html
from conformance.report.side_by_side.page import Cell, Group, Page, Row, Section, Table, words
from conformance.report.side_by_side.stories import Story, ending, stories, story_of
from conformance.report.side_by_side.text import as_markdown
from conformance.verdict import Certificate, CertificateError, certify, judge

Make = Callable[..., Certificate]
MARKUP = "<script>alert(1)</script>\"'><b>&amp;|`x`"
VOID = {"meta", "wbr"}


class Read(HTMLParser):
    """The tags, attributes and text of a document; an end tag that closes no open one fails."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def written(certificate: Certificate, folder: Path) -> Path:
    folder.mkdir(parents=True)
    certificate.write(folder / "certificate.json")
    return folder


def beside(*certificates: Certificate) -> list[Column]:
    return [Column(one, None, f"{number} {one.target.name}") for number, one in enumerate(certificates)]


def named(certificate: Certificate, name: str) -> Certificate:
    return replace(certificate, target=replace(certificate.target, name=name))


def section(page: Page, heading: str) -> Section:
    return next(one for one in page.sections if one.heading == heading)


def told(cell: Cell) -> str:
    return " ".join(entry.text for entry in cell)


def rows(found: Section) -> dict[str, list[str]]:
    """The cells of a section's rows by what they are about, in words."""
    lines = (row for table in found.tables for group in table.groups for row in group.rows)
    return {told(row.head): [told(cell) for cell in row.cells] for row in lines}


# --- one provider


def test_where_targets_differ_comes_before_all_rows(make: Make) -> None:
    all_, some = make(), named(make("pass", "EX-waived"), "some")
    page = page_of(beside(all_, some))
    headings = [one.heading for one in page.sections]
    assert headings == ["Targets", "Where they differ", "What fails on all of them", "All requirements"]
    differ = rows(section(page, "Where they differ"))
    verdicts = {row.id: row.verdict for row in some.requirements}
    expected = {row.id for row in all_.requirements if row.verdict != verdicts[row.id]}
    assert {head.split()[0] for head in differ} == expected
    assert len(rows(section(page, "All requirements"))) == len(all_.requirements)


def test_the_failing_come_first_by_level_and_the_waived_last(make: Make) -> None:
    differ = list(rows(section(page_of(beside(make(), make("none"))), "Where they differ")))
    assert [head.split()[0] for head in differ[:5]] == [
        "EX-MUST-fail", "EX-SHOULD-fail", "EX-nasty", "EX-MAY-fail", "EX-waived",
    ]  # fmt: skip


def test_a_cell_says_its_verdict_in_words_and_what_was_found(make: Make) -> None:
    differ = rows(section(page_of(beside(make(), make("none"))), "Where they differ"))
    assert differ["EX-MUST-fail MUST Row of MUST that is fail."][0].startswith("✗ fail MUST: expected 402, got 400")
    waived = differ["EX-waived MUST A row that is waived."]
    assert waived[0].startswith("✗ fail, waived Waived until 2027-03-31 by Ann: fixed in phase 2")
    assert waived[1].startswith("? not run")
    stale = rows(section(page_of(beside(make(until=date(2026, 1, 1)), make("none"))), "Where they differ"))
    assert stale["EX-waived MUST A row that is waived."][0].startswith("✗ fail, stale waiver")


def test_what_is_the_same_everywhere_does_not_differ(make: Make) -> None:
    page = page_of(beside(make(), make()))
    differ = section(page, "Where they differ")
    assert rows(differ) == {}
    assert "same verdict" in differ.sentences[0]
    assert len(rows(section(page, "What fails on all of them"))) == make().totals["fail"]


def test_one_certificate_needs_no_comparison(make: Make) -> None:
    headings = [one.heading for one in page_of(beside(make())).sections]
    assert headings == ["Targets", "What fails", "All requirements"]


def test_the_totals_are_those_of_the_certificates(make: Make) -> None:
    one, other = make(), make("pass")
    for certificate, cells in zip((one, other), rows(page_of(beside(one, other)).sections[0]).values(), strict=True):
        totals = certificate.totals
        rest = len(certificate.requirements) - totals["pass"] - totals["fail"] - totals["inapplicable"]
        counts = [int(cell.replace("·", "0")) for cell in cells[1:6]]
        waived = sum(row.waived for row in certificate.requirements)
        assert counts == [totals["pass"], totals["fail"], totals["inapplicable"], rest, waived]


def test_rows_of_another_contract_are_told(make: Make) -> None:
    one = make()
    changed, *rest = one.requirements
    other = replace(one, requirements=(replace(changed, statement="It was another one."), *rest[:-1]))
    all_ = rows(section(page_of(beside(one, other)), "All requirements"))
    first, last = one.requirements[0], one.requirements[-1]
    asked_otherwise = all_[f"{first.id} {first.level} {first.statement}"][1]
    assert asked_otherwise.endswith(f"of another contract: {first.level} It was another one.")
    assert all_[f"{last.id} {last.level} {last.statement}"][1] == "no such row"


def test_areas_count_what_the_certificates_count(make: Make) -> None:
    one = make()
    areas = rows(section(page_of(beside(one), "area"), "Verdicts by area"))
    for area, totals in one.areas.items():
        found = {
            name: int(number)
            for number, name in re.findall(r"(\d+) (pass|fail|inapplicable|not judged)", areas[area][0])
        }
        rest = {"not judged": sum(totals[name] for name in ("inconclusive", "error", "not_run"))}
        judged = {name: totals[name] for name in ("pass", "fail", "inapplicable")}
        assert found == {name: count for name, count in (judged | rest).items() if count}
    assert areas["all"][0].endswith("1 of them waived")


# --- HTML and Markdown


def test_the_page_of_html_stands_alone(make: Make) -> None:
    text = as_html(page_of(beside(make(), make("pass"))))
    read = Read(text)
    assert not {"script", "link", "img", "iframe", "object"} & {*read.tags}
    assert all(value.startswith("#") for name, value in read.attributes if name in ("src", "href"))
    style = text.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style
    assert re.search(r"thead th \{[^}]*sticky[^}]*top: 0", style)
    assert re.search(r"tbody th \{[^}]*sticky[^}]*left: 0", style)
    assert {value for name, value in read.attributes if name == "href"} <= {
        f"#{value}" for name, value in read.attributes if name == "id"
    }


@pytest.mark.parametrize(
    "whole", ["STR-104a", "2026-11-29T16:00:27Z", "→ requires_payment_method", "✓ pass", "? not run"]
)
def test_what_is_read_as_one_stands_in_one_line(whole: str) -> None:
    text = as_html(
        Page("p", (Section("s", (), (Table([words("a")], [Group("", [Row(words(f"so: {whole}"), [])])]),)),))
    )
    assert f'so: <span class="whole">{whole}</span></div>' in text
    assert ".whole { white-space: nowrap; }" in text


def test_no_text_becomes_markup(make: Make, tmp_path: Path) -> None:
    hostile = replace(named(make(), MARKUP), provider_title=MARKUP, contract_version=MARKUP, suite_version=MARKUP)
    first, *rest = hostile.requirements
    hostile = replace(hostile, requirements=(replace(first, area=MARKUP, statement=MARKUP, reason=MARKUP), *rest))
    columns = [Column(hostile, None, MARKUP, (MARKUP,)), *beside(make("pass"))]
    html, markdown = write_page(page_of(columns), tmp_path / "new" / "folder")
    plain = Read(as_html(page_of([Column(make(), None, "plain", ("mark",)), *beside(make("pass"))])))
    read = Read(html.read_text(encoding="utf-8"))
    assert {*read.tags} == {*plain.tags}
    assert {name for name, _ in read.attributes} == {name for name, _ in plain.attributes}
    assert MARKUP in read.words
    assert any(MARKUP in value for name, value in read.attributes if name == "title")
    assert "\x1b" not in html.read_text(encoding="utf-8")
    told_ = markdown.read_text(encoding="utf-8")
    assert "<script" not in told_.replace(r"\<script", "")
    assert not re.search(r"(?<!\\)<(?!br>)", told_)
    assert not re.search(r"(?<!\\)`", told_)


def test_markdown_tells_what_html_tells(make: Make) -> None:
    page = page_of(beside(make(), make("pass")))
    text = as_markdown(page)
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [one.heading for one in page.sections]
    tables = [table for one in page.sections for table in one.tables]
    blocks = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == len(tables)
    for block, table in zip(blocks, tables, strict=True):
        lines = block.splitlines()
        assert len(lines) == 2 + sum(bool(group.name) + len(group.rows) for group in table.groups)
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {len(table.head) + 1}
    html = as_html(page)
    assert html.count("<tr>") == sum(len(block.splitlines()) - 1 for block in blocks)


# --- the columns


def test_certificates_are_found_in_files_runs_and_folders_of_runs(make: Make, tmp_path: Path) -> None:
    one, other = written(make(), tmp_path / "runs" / "one"), written(make(), tmp_path / "runs" / "other")
    files = [one / "certificate.json", other / "certificate.json"]
    assert find_certificates([tmp_path / "runs"]) == files
    assert find_certificates([other, one / "certificate.json", tmp_path / "runs" / ".." / "runs"]) == files[::-1]


def test_a_folder_without_a_certificate_is_named(make: Make, tmp_path: Path) -> None:
    written(make(), tmp_path / "one")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CertificateError, match=r"empty: no certificate\.json"):
        find_certificates([tmp_path / "one", tmp_path / "empty"])


def test_equal_names_are_told_apart(make: Make, tmp_path: Path) -> None:
    earlier = replace(make(), started_at="2026-01-01T00:00:00Z")
    files = [
        written(one, tmp_path / name) / "certificate.json"
        for name, one in {"a": make(), "b": earlier, "c": earlier, "d": named(make(), "another")}.items()
    ]
    names = [column.name for column in columns_of(files, {})]
    assert names == [
        f"acme | staging, {make().started_at}",
        f"acme | staging, 2026-01-01T00:00:00Z, {files[1]}",
        f"acme | staging, 2026-01-01T00:00:00Z, {files[2]}",
        "another",
    ]


def test_columns_of_a_provider_stand_together(make: Make, tmp_path: Path) -> None:
    certificates = {"a": make(), "b": replace(make(), provider="other"), "c": make()}
    files = [written(one, tmp_path / name) / "certificate.json" for name, one in certificates.items()]
    assert [column.provider for column in columns_of(files, {})] == ["example", "example", "other"]


def test_another_contract_marks_its_column(make: Make, tmp_path: Path) -> None:
    dots = load_contract("dots")
    known = replace(make(), provider="dots", contract_digest=dots.digest)
    certificates = {"a": known, "b": replace(known, contract_digest="sha256:00"), "c": make()}
    files = [written(one, tmp_path / name) / "certificate.json" for name, one in certificates.items()]
    columns = columns_of(files, {"dots": dots})
    assert [bool(column.marks) for column in columns] == [False, True, True]
    page = as_markdown(page_of(columns))
    assert "⚠ made with another contract than the installed one" in page
    assert "⚠ its contract is not installed" in page


# --- what is portable, on two contracts made here


def operation(name: str) -> Operation:
    path = "/intents" if name == "create" else f"/intents/{{id}}/{name}"
    schema = "create.request" if name == "create" else ""
    return Operation(name, "POST", path, "application/json", schema, "payment_intent", (200,), re.compile(path))


def contract(name: str, held: str, member: str, amount: int, ways: Sequence[Transition], **more: Any) -> Contract:
    """A small contract: create, and whatever ``ways`` lead on. ``held`` is what it calls a held payment."""
    moves = [Transition("made", "create", to=("open",)), *ways]
    return Contract(
        name=name,
        title=name.title(),
        folder=Path(name),
        digest=f"sha256:{name}",
        settings={
            "members": {"payment_method": member},
            "requests": {"create": {"amount": amount}},
            "capabilities": {"success": "one that is charged; lend a list"},
        },
        operations={one: operation(one) for one in dict.fromkeys(move.operation for move in moves)},
        security={},
        statuses=("open", held, "paid", "ended"),
        terminal=frozenset({"ended"}),
        passing=(),
        transitions={move.id: move for move in moves},
        error_kinds={"state": ErrorKind("state", (409,))},
        requirements=more.get("requirements", {}),
        schemas={"create.request": {"properties": more.get("properties", {"manual": {"default": False}})}},
    )


def row(id: str, check: str, **args: Any) -> Requirement:
    return Requirement(id, "MUST", "create", f"Statement of {id}.", (Source("S", "S", ""),), check, args)


def alpha(*rows: Requirement) -> Contract:
    """Holds under the name ``held``; capturing twice is refused."""
    return contract("alpha", "held", "method", 2000, [
        Transition("pays", "confirm", ("open",), method="success", to=("paid",)),
        Transition("holds", "confirm", ("open",), method="success", create={"manual": True}, to=("held",)),
        Transition("takes", "capture", ("held",), to=("paid",)),
        Transition("takes_part", "capture", ("held",), send={"amount_to_capture": 500}, to=("paid",)),
        Transition("takes_twice", "capture", ("paid",), after="takes", refused="state"),
        Transition("never_held", "capture", ("open",), create={"manual": False}, refused="state"),
        Transition("ends", "cancel", ("open",), to=("ended",)),
        Transition("looks", "retrieve", ("open",), stays=True),
    ], requirements={one.id: one for one in rows})  # fmt: skip


def beta(*rows: Requirement, **more: Any) -> Contract:
    """Holds under the name ``pending``, captures a part otherwise, and says nothing of a second capture."""
    return contract("beta", "pending", "method_id", 700, [
        Transition("pays", "confirm", ("open",), method="success", to=("paid",)),
        Transition("authorises", "confirm", ("open",), method="success", create={"manual": True}, to=("pending",)),
        Transition("collects", "capture", ("pending",), after="authorises", to=("paid",)),
        Transition("collects_part", "capture", ("pending",), send={"amount_to_capture": 699}, to=("pending",)),
        Transition("ends", "cancel", ("open",), refused="state"),
        Transition("looks", "retrieve", ("open",), stays=True),
    ], requirements={one.id: one for one in rows}, **more)  # fmt: skip


def the(contract: Contract, move: str) -> Story:
    story = story_of(contract, contract.transitions[move])
    assert story
    return story


def test_a_story_is_followed_whatever_its_statuses_are_called() -> None:
    ends = ending(beta(), the(alpha(), "takes"))
    assert [move.id for move in ends.moves] == ["collects"]
    assert ends.agrees(ending(alpha(), the(alpha(), "takes")))
    assert ends.told(beta()) == "→ paid"


def test_another_outcome_does_not_agree() -> None:
    part = the(alpha(), "takes_part")
    assert part == the(beta(), "collects_part")  # a part is a part, whatever the amounts
    assert not ending(alpha(), part).agrees(ending(beta(), part))
    ends = the(alpha(), "ends")
    assert ending(beta(), ends).told(beta()) == "refused (409 state)"
    assert not ending(alpha(), ends).agrees(ending(beta(), ends))


def test_silence_is_not_documented() -> None:
    twice = the(alpha(), "takes_twice")
    assert ending(alpha(), twice).told(alpha()) == "refused (409 state)"
    assert ending(beta(), twice).told(beta()) == "not documented"
    without = beta(properties={})
    assert ending(without, the(alpha(), "takes")).told(without) == "not documented: create takes no manual"
    assert ending(without, the(alpha(), "pays")).moves
    less = replace(beta(), operations={"create": operation("create"), "confirm": operation("confirm")})
    assert ending(less, twice).told(less) == "no operation capture"


def test_an_outcome_after_one_transition_is_none_after_another() -> None:
    paid_at_once = Story((*the(alpha(), "pays").steps, the(alpha(), "takes_twice").last))
    assert ending(alpha(), paid_at_once).told(alpha()) == "not documented"


def test_a_possible_refusal_is_another_outcome() -> None:
    ends = the(alpha(), "ends")
    either = alpha()
    move = replace(either.transitions["ends"], refused="state")
    either = replace(either, transitions={**either.transitions, "ends": move})
    assert ending(either, ends).told(either) == "→ ended, or refused (409 state)"
    assert not ending(either, ends).agrees(ending(alpha(), ends))


def test_where_to_return_to_makes_no_other_story() -> None:
    one = alpha()
    move = replace(one.transitions["pays"], send={"return_url": "https://example.com/return"})
    assert the(replace(one, transitions={**one.transitions, "pays": move}), "pays") == the(beta(), "pays")


def test_a_default_is_no_other_creation_but_contradicts_one() -> None:
    assert the(alpha(), "never_held").created == ()
    held_first = Story((*the(alpha(), "looks").steps[:-1], the(alpha(), "never_held").last), (("manual", "true"),))
    assert not ending(alpha(), held_first).moves


def test_an_ending_that_depends_on_the_way_says_so() -> None:
    vague = alpha()
    vague = replace(
        vague, transitions={**vague.transitions, "made": Transition("made", "create", to=("open", "ended"))}
    )
    assert ending(vague, the(alpha(), "ends")).told(vague) == "→ ended, or not documented"


@pytest.mark.parametrize("name", contract_names())
def test_every_contract_ends_its_own_stories(name: str) -> None:
    own = load_contract(name)
    for move in own.transitions.values():
        story = story_of(own, move)
        if story is None:
            assert not path_after(own, move)
        else:
            assert move.id in {one.id for one in ending(own, story).moves}, story
    assert all(ending(own, story).moves for story in stories([own]))


def test_rows_compare_by_what_they_send() -> None:
    one, other = alpha(), beta()
    pairs: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = [
        ({"send": {"method": 5}}, {"send": {"method_id": 5}}),
        ({"omit": ["method"]}, {"omit": ["method_id"]}),
        ({"send": {"amount": 2000}}, {"send": {"amount": 700}}),
        ({"send": {"amount": 1}}, {"send": {"amount": 49}}),
        ({"send": {"currency": "zzz"}}, {"send": {"currency": "ZZZ"}, "judge": "status", "status": [400]}),
        ({"after": "holds"}, {"after": "authorises"}),
    ]
    for here, there in pairs:
        assert askings(one, row("A", "refuses", **here)) == askings(other, row("B", "refuses", **there)), here
    unlike: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = [
        ({"send": {"amount": 1}}, {"send": {"amount": 99999}}),
        ({"send": {"amount": 0}}, {"send": {"amount": -1}}),
        ({"send": {"amount": True}}, {"send": {"amount": 1}}),
        ({"status": "paid"}, {"status": "ended"}),
        ({"operation": "confirm"}, {"operation": "cancel"}),
    ]
    for here, there in unlike:
        assert askings(one, row("A", "refuses", **here)) != askings(one, row("B", "refuses", **there)), here


def test_a_row_about_several_requests_asks_each() -> None:
    both = askings(
        alpha(), row("A", "refuses", send_each=[{"amount": 0}, {"amount": -1}], operations=["create", "list"])
    )
    assert len(both) == 4
    assert askings(alpha(), row("B", "refuses", send={"amount": 0}, operation="list"))[0] in both
    assert askings(alpha(), row("C", "transition", transition="pays")) == []


def certified(contract: Contract, failing: Sequence[str] = ()) -> Column:
    outcomes = [
        Outcome(id, "fail", findings=(Finding("this", "that", exchanges=(1,)),))
        if id in failing
        else Outcome(id, "pass")
        for id in contract.requirements
    ]
    judgement = judge(contract, outcomes, today=date(2026, 11, 20), selected=set(contract.requirements))
    more: dict[str, Any] = {"mode": "live", "seed": 1, "started": 0.0, "duration_s": 1.0, "requests": 1}
    certificate = certify(contract, judgement, target="t", base_url="", **more)
    return Column(certificate, contract, "t")


def pair(*failing: str) -> Page:
    one = alpha(
        row("A-1", "refuses", send={"amount": 0}),
        row("A-2", "refuses", omit=["method"]),
        row("A-3", "transition", transition="pays"),
        row("A-4", "transition", transition="ends"),
    )
    other = beta(
        row("B-1", "refuses", send_each=[{"amount": 0}, {"amount": -1}]),
        row("B-2", "transition", transition="pays"),
    )
    return page_of([certified(one, failing), certified(other, failing)])


def headings(page: Page) -> Iterator[str]:
    return (one.heading for one in page.sections)


def test_differences_come_before_what_is_interchangeable() -> None:
    page = pair()
    found = list(headings(page))
    differing, same = "The same requests, another outcome", "The same outcome everywhere"
    assert found.index("What is portable") < found.index(differing) < found.index(same)
    ends = rows(section(page, differing))["cancel after create"]
    assert ends == ["→ ended MUST ✓ pass: A-4", "refused (409 state)"]
    assert rows(section(page, same))["confirm with method success after create"] == [
        "→ paid MUST ✓ pass: A-3", "→ paid MUST ✓ pass: B-2",
    ]  # fmt: skip


def test_what_a_target_contradicts_is_not_interchangeable() -> None:
    page, broken = pair("B-2", "A-1"), "The same outcome documented, and contradicted by a target"
    assert broken not in headings(pair())
    assert rows(section(page, broken))["confirm with method success after create"] == [
        "→ paid MUST ✓ pass: A-3", "→ paid MUST ✗ fail: B-2",
    ]  # fmt: skip
    assert "confirm with method success after create" not in rows(section(page, "The same outcome everywhere"))
    shaky = rows(section(page, "Asked of all, and not shown to hold everywhere"))
    assert shaky == {"send amount = 0": ["A-1 MUST ✗ fail Statement of A-1.", "B-1 MUST ✓ pass Statement of B-1."]}
    assert "send amount = 0" in rows(section(pair(), "Asked of all, and holds on all"))


def test_moving_is_counted_from_left_to_top() -> None:
    table = section(pair(), "What is portable").tables[0]
    cells = {told(row.head): [told(cell) for cell in row.cells] for row in table.groups[0].rows}
    here = [(ending(alpha(), one), ending(beta(), one)) for one in stories([alpha(), beta()])]
    same = sum(bool(one.moves and other.moves and one.agrees(other)) for one, other in here)
    another = sum(bool(one.moves and other.moves) for one, other in here) - same
    silent = sum(bool(one.moves and not other.moves) for one, other in here)
    assert cells == {
        "Alpha": ["", f"{same} the same {another} another outcome {silent} not documented"],
        "Beta": [f"{same} the same {another} another outcome", ""],
    }


def test_stories_of_the_same_outcomes_share_a_row() -> None:
    readied = Transition("readied", "create", method="success", to=("open",))
    one, other = (replace(own, transitions={**own.transitions, "readied": readied}) for own in (alpha(), beta()))
    again = Transition("again", "cancel", ("open",), after="readied", to=("ended",))
    one = replace(one, transitions={**one.transitions, "again": again})
    differing = rows(section(page_of([certified(one), certified(other)]), "The same requests, another outcome"))
    assert "cancel after create or after create with method success" in differing


def test_methods_are_explained_without_instructions() -> None:
    assert "Methods: success is one that is charged." in section(pair(), "What is portable").sentences


def test_operations_and_statuses_stand_beside_each_other() -> None:
    facts = rows(section(pair(), "Operations, statuses and keys"))
    assert facts["capture"] == ["POST /intents/{id}/capture"] * 2
    assert facts["held"] == ["yes", "none"]
    assert facts["ended"] == ["final", "final"]


def test_nothing_is_portable_without_a_second_contract() -> None:
    unknown = replace(certified(beta()), contract=None)
    assert "What is portable" not in headings(page_of([certified(alpha()), unknown]))
