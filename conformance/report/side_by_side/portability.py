"""What is portable from one provider to another: operations, statuses, outcomes, keys, and what is asked of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from conformance.contract import Contract, Requirement
from conformance.contract.dialect import AXES, documented
from conformance.report.side_by_side.asking import Asking, alike, askings
from conformance.report.side_by_side.columns import Column
from conformance.report.side_by_side.page import Cell, Entry, Group, Row, Section, Table, Tone, words
from conformance.report.side_by_side.stories import Ending, Story, ending, stories
from conformance.report.side_by_side.verdicts import shown
from conformance.verdict.judgement import RequirementVerdict

Contracts = Mapping[str, Contract]
_SILENT = words("not documented", "quiet")


@dataclass(frozen=True)
class _Told:
    """A story and how each provider documents that it ends; ``fails``: a row that cites it fails on some target."""

    story: Story
    endings: Mapping[str, Ending]
    fails: bool

    @property
    def documented(self) -> list[Ending]:
        return [one for one in self.endings.values() if one.moves]

    @property
    def alike(self) -> bool:
        return all(one.agrees(self.documented[0]) for one in self.documented)

    @property
    def everywhere(self) -> bool:
        return len(self.documented) == len(self.endings)


@dataclass(frozen=True)
class _Asked:
    """A question, the rows that ask it by provider, and whether all of them pass on every target."""

    asking: Asking
    rows: Mapping[str, Sequence[Requirement]]
    everywhere: bool
    holds: bool


def portability(columns: Sequence[Column]) -> list[Section]:
    """The sections, for columns with a contract; none where these are of fewer than two providers."""
    contracts = {column.provider: column.contract for column in columns if column.contract}
    if len(contracts) < 2:
        return []
    told = [_told(story, columns, contracts) for story in stories(contracts.values())]
    asked = [_asked(asking, rows, columns, len(contracts)) for asking, rows in alike(contracts.values())]
    several = [one for one in told if len(one.documented) > 1]
    settled = [one for one in several if one.alike and not one.fails]
    found = [
        (
            "The same requests, another outcome",
            "What an abstraction has to hide: the documents of the providers do not agree on the outcome.",
            _outcomes(columns, [one for one in several if not one.alike]),
        ),
        (
            "The same outcome documented, and contradicted by a target",
            "Here the documents agree, and a target does otherwise.",
            _outcomes(columns, [one for one in several if one.alike and one.fails]),
        ),
        (
            "Asked of all, and not shown to hold everywhere",
            "The same check with comparable arguments: documented by each provider, failing or not judged somewhere.",
            _questions(columns, [one for one in asked if one.everywhere and not one.holds]),
        ),
        (
            "The same outcome, where it is documented",
            "No provider contradicts another, and some say nothing: there it is not to be relied on.",
            _outcomes(columns, [one for one in settled if not one.everywhere]),
        ),
        (
            "Asked of some only",
            "The same check with comparable arguments, cited by at least two of the providers. The others document "
            "nothing of it, or ask it in a way that does not compare.",
            _questions(columns, [one for one in asked if not one.everywhere]),
        ),
        (
            "The same outcome everywhere",
            "Interchangeable: all providers document the same outcome of these requests, and no target contradicts "
            "it. The kinds of errors that stand beside a refusal may differ.",
            _outcomes(columns, [one for one in settled if one.everywhere]),
        ),
        (
            "Asked of all, and holds on all",
            "The same check with comparable arguments: documented by each provider, and passed on each target. Each is "
            "held to its own documents; what is said alike is interchangeable.",
            _questions(columns, [one for one in asked if one.everywhere and one.holds]),
        ),
    ]
    sections = [Section(heading, (sentence,), [table]) for heading, sentence, table in found if table.groups]
    return [_glance(found, told, contracts), _vocabulary(contracts), *sections]


def _told(story: Story, columns: Sequence[Column], contracts: Contracts) -> _Told:
    endings = {name: ending(contract, story) for name, contract in contracts.items()}
    fails = any(row.verdict == "fail" for column in columns for row in _citing(column, endings[column.provider]))
    return _Told(story, endings, fails)


def _asked(
    asking: Asking, rows: Mapping[str, Sequence[Requirement]], columns: Sequence[Column], providers: int
) -> _Asked:
    verdicts = [_verdict(column, row) for column in columns for row in rows.get(column.provider, ())]
    return _Asked(asking, rows, len(rows) == providers, all(one and one.verdict == "pass" for one in verdicts))


def _verdict(column: Column, row: Requirement) -> RequirementVerdict | None:
    return column.rows.get(row.id)


def _citing(column: Column, end: Ending) -> list[RequirementVerdict]:
    """The verdicts of the rows that cite the transitions of an ending."""
    assert column.contract
    named = {move.id for move in end.moves}
    cited = (row for row in column.contract.requirements.values() if row.args.get("transition") in named)
    return [found for row in cited if row.check == "transition" and (found := _verdict(column, row))]


def _outcomes(columns: Sequence[Column], told: Sequence[_Told]) -> Table:
    """A table of stories, by the operation that they end with."""
    names = dict.fromkeys(one.story.last.operation for one in told)
    groups = [
        Group(name, _merged(_outcome(columns, one) for one in told if one.story.last.operation == name))
        for name in names
    ]
    return Table([words("what is sent"), *(column.head for column in columns)], groups)


def _outcome(columns: Sequence[Column], told: _Told) -> tuple[Entry, Entry, tuple[Cell, ...]]:
    cells = []
    for column in columns:
        assert column.contract
        end = told.endings[column.provider]
        text = Entry(end.told(column.contract), "" if end.moves else "quiet")
        cells.append((text, *_counted(_citing(column, end))))
    return Entry(str(told.story.last), "strong"), Entry(told.story.before), tuple(cells)


def _merged(rows: Iterable[tuple[Entry, Entry, tuple[Cell, ...]]]) -> list[Row]:
    """Rows of a title, a detail and cells; those with one title and the same cells are one row with several details."""
    found: dict[tuple[Entry, tuple[Cell, ...]], list[Entry]] = {}
    for title, detail, cells in rows:
        details = found.setdefault((title, cells), [])
        details.append(replace(detail, text=f"or {detail.text}") if title.text and details else detail)
    return [
        Row(tuple(entry for entry in (title, *details) if entry.text), cells)
        for (title, cells), details in found.items()
    ]


def _counted(rows: Sequence[RequirementVerdict]) -> list[Entry]:
    """The verdicts of rows in as few lines as there are levels and verdicts, with their ids."""
    found: dict[str, list[RequirementVerdict]] = {}
    for row in rows:
        found.setdefault(shown(row, row.level).text, []).append(row)
    return [
        Entry(
            f"{text}: {', '.join(row.id for row in same)}",
            shown(same[0]).tone,
            "\n".join(f"{row.id}: {shown(row).title}" for row in same),
        )
        for text, same in found.items()
    ]


def _questions(columns: Sequence[Column], asked: Sequence[_Asked]) -> Table:
    """A table of questions, by check."""
    checks = dict.fromkeys(one.asking.check for one in asked)
    groups = [
        Group(check.replace("_", " "), _merged(_question(columns, one) for one in asked if one.asking.check == check))
        for check in checks
    ]
    return Table([words("what is asked"), *(column.head for column in columns)], groups)


def _question(columns: Sequence[Column], asked: _Asked) -> tuple[Entry, Entry, tuple[Cell, ...]]:
    cells = tuple(_answers(column, asked.rows.get(column.provider, ())) for column in columns)
    return Entry(""), Entry(str(asked.asking) or "in general"), cells


def _answers(column: Column, rows: Iterable[Requirement]) -> Cell:
    entries = []
    for row in rows:
        found = _verdict(column, row)
        entries.append(shown(found, f"{row.id} {row.level}") if found else Entry(f"{row.id} not in its certificate"))
        entries.append(Entry(row.statement, "quiet"))
    return tuple(entries) or words("no comparable row", "quiet")


def _glance(found: Sequence[tuple[str, str, Table]], told: Sequence[_Told], contracts: Contracts) -> Section:
    """How much is portable: in numbers, and from each provider to each other one."""
    counts = [
        Row(words(heading), [words(str(sum(len(group.rows) for group in table.groups) or "·"))])
        for heading, _, table in found
    ]
    counts.append(
        Row(words("An outcome that one provider alone documents (not shown)"), [words(_alone(told))]),
    )
    counts.append(
        Row(words("Rows that ask what no other provider is asked (not shown)"), [words(_unlike(contracts))]),
    )
    titles = {name: words(contract.title, "strong") for name, contract in contracts.items()}
    pairs = [Row(titles[one], [_pair(told, one, other) for other in contracts]) for one in contracts]
    sentences = (
        "What a client sends is set side by side, as statuses are each provider's own words: the documented outcome of "
        "the same requests on one intent, and the rows of the same check with comparable arguments. Beside each stands "
        "how the target was judged.",
        f"Methods: {'; '.join(f'{name} is {meaning}' for name, meaning in _methods(told, contracts).items())}.",
        "The first table reads from left to top: of the requests of which the provider at the left documents an "
        "outcome, how many have the same with the provider at the top.",
    )
    return Section(
        "What is portable",
        sentences,
        (
            Table([words("moving from … to …"), *titles.values()], [Group("", pairs)]),
            Table([words("what"), words("rows")], [Group("", counts)]),
        ),
    )


def _methods(told: Sequence[_Told], contracts: Contracts) -> dict[str, str]:
    """What the payment methods are that the shown stories name, in the words of the first contract that has them."""
    named = dict.fromkeys(step.method for one in told if len(one.documented) > 1 for step in one.story.steps)
    meanings = [contract.settings.get("capabilities", {}) for contract in contracts.values()]
    return {name: next(one[name] for one in meanings if name in one).partition(";")[0] for name in named if name}


def _alone(told: Sequence[_Told]) -> str:
    return str(sum(len(one.documented) == 1 for one in told) or "·")


def _unlike(contracts: Contracts) -> str:
    shared = {asking for asking, _ in alike(contracts.values())}
    rows = [
        askings(contract, row) for contract in contracts.values() for row in contract.requirements.values() if row.check
    ]
    return str(sum(bool(asked) and not shared.intersection(asked) for asked in rows) or "·")


def _pair(told: Sequence[_Told], one: str, other: str) -> Cell:
    if one == other:
        return words("")
    counts = Counter(
        "not documented" if not there.moves else "the same" if here.agrees(there) else "another outcome"
        for story in told
        if (here := story.endings[one]).moves and (there := story.endings[other])
    )
    tones: Mapping[str, Tone] = {"the same": "good", "another outcome": "open", "not documented": "quiet"}
    return tuple(Entry(f"{counts[name]} {name}", tone) for name, tone in tones.items() if counts[name])


def _vocabulary(contracts: Contracts) -> Section:
    """Operations, statuses and what is documented of idempotency keys, a provider a column."""
    operations = dict.fromkeys(name for contract in contracts.values() for name in contract.operations)
    statuses = dict.fromkeys(name for contract in contracts.values() for name in contract.statuses)
    keys = {name: documented(contract.settings) for name, contract in contracts.items()}
    axes = [name for name in AXES if any(name in table for table in keys.values())]
    all_ = contracts.values()
    tables = (
        _facts("operation", contracts, [(name, [_path(one, name) for one in all_]) for name in operations]),
        _facts("status", contracts, [(name, [_status(one, name) for one in all_]) for name in statuses]),
        _facts(
            "idempotency key",
            contracts,
            [(AXES[axis].question, [_axis(table.get(axis)) for table in keys.values()]) for axis in axes],
        ),
    )
    return Section("Operations, statuses and keys", (), tables)


def _facts(what: str, contracts: Contracts, facts: Sequence[tuple[str, Sequence[Cell]]]) -> Table:
    titles = [words(contract.title, "strong") for contract in contracts.values()]
    return Table([words(what), *titles], [Group("", [Row(words(name, "strong"), cells) for name, cells in facts])])


def _path(contract: Contract, operation: str) -> Cell:
    found = contract.operations.get(operation)
    return words(f"{found.method} {found.path}", "code") if found else words("none", "quiet")


def _status(contract: Contract, status: str) -> Cell:
    if status not in contract.statuses:
        return words("none", "quiet")
    return words("final" if status in contract.terminal else "left by itself" if status in contract.passing else "yes")


def _axis(values: Sequence[object] | None) -> Cell:
    return words(" or ".join(str(value).replace("_", " ") for value in values)) if values else _SILENT
