"""What parts of a run make together is what one run makes; and what is no whole is refused."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conformance.attestation.verifying import verify
from conformance.parts.part import Part, PartError, leave, read
from conformance.parts.shares import Share
from conformance.run import Run, SuiteError
from conformance.verdict import Certificate
from conformance.verdict.waivers import read_waivers
from tests.faults.certification import contract_of
from tests.parts.acting import acted, in_parts, judged, verdicts

# One that rules alone see, one of keys on which other rows rest, one of a list; one of the lifecycle.
FAULTS = [
    ("dots", "says_nothing_in_errors"),
    ("dots", "ignores_keys"),
    ("dots", "wraps_lists"),
    ("paypercut", "cancels_whatever_the_status"),
]
FEW = ("DOT-049", "DOT-050")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Certificate, Run]:
    run = acted("paypercut", tmp_path_factory.mktemp("one"))
    return run.finish(), run


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Part]:
    return in_parts("paypercut", tmp_path_factory.mktemp("parts"), 5)


@pytest.fixture(scope="module")
def merged(parts: list[Part], tmp_path_factory: pytest.TempPathFactory) -> tuple[Certificate, Run]:
    return judged(parts, tmp_path_factory.mktemp("merged"))


# -- equal to the whole ------------------------------------------------------------------------------------------------


def test_five_parts_make_the_whole(whole: tuple[Certificate, Run], merged: tuple[Certificate, Run]) -> None:
    one, five = whole[0], merged[0]
    assert verdicts(five) == verdicts(one)
    assert (five.result, five.reasons) == (one.result, one.reasons)
    assert [_told(cell) for cell in five.matrix] == [_told(cell) for cell in one.matrix]
    assert (five.seed, five.mode, five.target, five.contract_digest) == (
        one.seed,
        one.mode,
        one.target,
        one.contract_digest,
    )


def _told(cell: Any) -> tuple[str, ...]:
    return cell.operation, cell.status, cell.request, cell.documented, cell.observed


def test_it_leaves_what_one_run_leaves(whole: tuple[Certificate, Run], merged: tuple[Certificate, Run]) -> None:
    one, five = whole[1].folder, merged[1].folder
    assert sorted(path.name for path in five.iterdir()) == sorted(path.name for path in one.iterdir())
    results = [len(list((folder / "allure-results").glob("*-result.json"))) for folder in (one, five)]
    assert results[0] == results[1] > 200


def test_the_certificate_can_be_verified(merged: tuple[Certificate, Run]) -> None:
    path = merged[1].folder / "certificate.json"
    certificate, contract = Certificate.read(path), contract_of("paypercut")
    done = verify(path, certificate, contract, history=None, recording=None, key=None)
    assert done.differences == []
    assert "the history fits it" in done.confirmed


def test_parts_are_about_as_large(parts: list[Part], whole: tuple[Certificate, Run]) -> None:
    sizes = [part.requests for part in parts]
    assert max(sizes) < 1.3 * sum(sizes) / len(sizes), sizes
    assert sum(sizes) < 1.1 * whole[0].requests  # what rows share is made again in few parts


def test_no_two_parts_share_a_key(parts: list[Part]) -> None:
    used: Counter[str] = Counter()
    for part in parts:
        exchanges = [json.loads(line)["request"] for line in part.history_file.read_text().splitlines()]
        found = {value for asked in exchanges for name, value in asked["headers"] if name.lower() == "idempotency-key"}
        assert len(found) > 20
        used.update(found)
    assert {key: count for key, count in used.items() if count > 1} == {}


def test_parts_and_whole_hold_no_key(
    whole: tuple[Certificate, Run], parts: list[Part], merged: tuple[Certificate, Run]
) -> None:
    key = whole[1].target.api_key
    written = [path for folder in (merged[1].folder, parts[0].folder) for path in folder.rglob("*.json*")]
    assert parts[0].history_file in written
    assert key
    assert [path for path in written if key in path.read_text()] == []


@pytest.mark.parametrize(("provider", "fault"), FAULTS)
def test_what_fails_in_one_run_fails_in_parts(provider: str, fault: str, tmp_path: Path) -> None:
    one = acted(provider, tmp_path / "one", fault=fault).finish()
    four, run = judged(in_parts(provider, tmp_path / "parts", 4, fault=fault), tmp_path / "merged")
    failing = [row.id for row in one.requirements if row.verdict == "fail"]
    assert failing
    assert [row.id for row in four.requirements if row.verdict == "fail"] == failing
    assert four.result == one.result
    exchanges = run.history.redacted()
    for row in four.requirements:
        for finding in row.findings:
            assert {exchanges[number].scenario for number in finding.exchanges} >= {finding.scenario}
            named = re.findall(r"exchange (\d+)", f"{finding.expected} {finding.actual}")
            assert {int(number) for number in named} <= exchanges.keys()


def test_what_the_settings_say_goes_with_the_parts(tmp_path: Path) -> None:
    waiver = {"requirement": "DOT-094", "reason": "it is being mended", "link": "https://example.com/1"}
    rows = ({**waiver, "until": "2999-12-31"},)
    settings = {
        "target": {"lacks": {"list": "phase 2"}, "waivers": rows},
        "waivers": read_waivers(rows, contract_of("dots").requirements),
        "strict": True,
        "only": (*FEW, "DOT-094", "DOT-096"),
    }
    one = acted("dots", tmp_path / "one", **settings).finish()
    two, _ = judged(in_parts("dots", tmp_path / "parts", 2, **settings), tmp_path / "merged")
    assert two.strict
    assert [(row.id, row.verdict, row.reason, row.waiver) for row in two.requirements] == [
        (row.id, row.verdict, row.reason, row.waiver) for row in one.requirements
    ]
    assert {row.waiver.until.year for row in two.requirements if row.waiver} == {2999}


def test_the_whole_lasts_from_the_first_part_to_the_last(tmp_path: Path) -> None:
    early, late = in_parts("dots", tmp_path / "parts", 2, only=FEW)
    _change(late, lambda told: told.update(started=told["started"] + 3600))
    certificate, _ = judged([early, read(late.folder)], tmp_path / "merged")
    assert certificate.duration_s == pytest.approx(3600 + late.started + late.duration_s - early.started, abs=0.01)
    assert datetime.fromisoformat(certificate.started_at) == datetime.fromtimestamp(int(early.started), UTC)


# -- what was cut short ------------------------------------------------------------------------------------------------


def test_an_interrupted_part_makes_a_partial_whole(tmp_path: Path) -> None:
    first, second = in_parts("dots", tmp_path / "parts", 2, only=FEW)
    (row,) = second.scenarios
    run = acted("dots", tmp_path / "cut", share=Share(2, 2), only=FEW)
    run.outcomes.clear()
    run.interrupted = True
    certificate, _ = judged([first, leave(run)], tmp_path / "merged")
    assert certificate.result == "inconclusive"
    assert verdicts(certificate)[row] == "not_run"


def test_a_part_that_lacks_an_outcome_is_not_left(tmp_path: Path) -> None:
    run = acted("dots", tmp_path, share=Share(1, 2), only=FEW)
    run.outcomes.clear()
    with pytest.raises(SuiteError, match="not complete"):
        leave(run)
    assert not (tmp_path / "part.json").exists()


# -- what does not belong together -------------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path) -> list[Part]:
    return in_parts("dots", tmp_path / "parts", 2, only=FEW)


def _change(part: Part, change: Callable[[dict[str, Any]], object]) -> None:
    told = json.loads(part.file.read_text())
    change(told)
    part.file.write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 2}, "they differ in seed"),
        ({"strict": True}, "they differ in strict"),
        ({"mode": "live"}, "they differ in mode"),
        ({"of": 3}, "they differ in of"),
        ({"contract_digest": "sha256:0"}, "they differ in contract digest"),
        ({"suite_digest": "sha256:0"}, "they differ in suite digest"),
        ({"selection": {"ids": [], "areas": [], "levels": []}}, "they differ in selection"),
        ({"target": {"name": "another"}}, "they differ in target"),
        ({"number": 1}, "part 1 was given twice; part 2 of 2 is missing"),
        ({"outcomes": []}, "has not acted just its share: DOT-0"),
        ({"scenarios": []}, "has not acted just its share: DOT-0"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_of_another_run_is_refused(
    change: dict[str, Any], message: str, two: list[Part], tmp_path: Path
) -> None:
    _change(two[1], lambda told: told.update(change))
    with pytest.raises(PartError, match=message):
        judged([two[0], read(two[1].folder)], tmp_path / "merged")
    assert not (tmp_path / "merged" / "certificate.json").exists()


def test_all_parts_have_to_be_there(two: list[Part], tmp_path: Path) -> None:
    with pytest.raises(PartError, match="part 2 of 2 is missing"):
        judged(two[:1], tmp_path / "merged")


@pytest.mark.parametrize("digest", ["contract_digest", "suite_digest"])
def test_what_this_installation_has_not_acted_is_refused(digest: str, two: list[Part], tmp_path: Path) -> None:
    for part in two:
        _change(part, lambda told: told.update({digest: "sha256:0"}))
    with pytest.raises(PartError, match=f"by another {digest.partition('_')[0]}"):
        judged([read(part.folder) for part in two], tmp_path / "merged")


def test_a_changed_history_is_refused(two: list[Part]) -> None:
    with two[0].history_file.open("a") as file:
        file.write("\n")
    with pytest.raises(PartError, match="is not the history"):
        read(two[0].folder)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"part": 2}', "null", '{"part": 1, "of": "x"}'])
def test_what_is_no_part_is_refused(text: str, two: list[Part]) -> None:
    two[0].file.write_text(text)
    with pytest.raises(PartError, match=re.escape(str(two[0].file))):
        read(two[0].folder)


def test_the_whole_does_not_replace_a_part(two: list[Part]) -> None:
    with pytest.raises(PartError, match="holds a part"):
        judged(two, two[0].folder)
    assert read(two[0].folder) == two[0]
