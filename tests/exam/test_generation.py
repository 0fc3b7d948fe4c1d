"""What is frozen is sound, varied and the same each time."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from itertools import islice, product
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from conformance.contract import contract_root, load_contract, provider_names
from conformance.evidence.forms import decode_form, encode_form
from conformance.scenarios import generation
from conformance.scenarios.exam import FILE_NAME, Exam, ExamCase, read_exam
from conformance.scenarios.exam_schema import request_of, resolve
from conformance.target.values import Instruments

OPERATIONS = ("create", "confirm", "capture", "list")
PACKAGE = Path(generation.__file__).parents[1]
INSTRUMENTS = Instruments({"success": "pm_fine", "customer": "3c1b8f0e-7a54-4c43-9d0c-0c6c5d1d2b11"})


def places(exam: Exam, operation: str, mode: Any) -> set[tuple[str, str]]:
    return {(case.location, case.why) for case in exam.select(operation, mode)}


def is_valid(folder: Path, case: ExamCase) -> bool:
    """The second validator's opinion of the body that a target would get."""
    _, schema = request_of(folder, case.operation)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return bool(jsonschema.Draft202012Validator(schema, format_checker=checker).is_valid(INSTRUMENTS.fill(case.body)))


def test_positives_are_valid_and_negatives_are_not(folder: Path) -> None:
    for case in read_exam(folder).cases:
        assert is_valid(folder, case) == (case.mode == "positive"), case


def test_cases_try_every_member_that_they_may(folder: Path) -> None:
    exam = read_exam(folder)
    tried = {location for location, _ in places(exam, "create", "positive")}
    members = ["amount", "capture_method", "confirm", "currency", "description", "flow", "receipt_email", "shipping"]
    assert tried >= {f"/{member}" for member in members}
    assert not any(location.startswith(("/account", "/customer", "/payment_method/")) for location in tried)
    violated = places(exam, "create", "negative")
    assert violated >= {
        ("/amount", "required member missing"),
        ("/amount", "wrong type: string"),
        ("/amount", "below the minimum"),
        ("/capture_method", "not a documented value"),
        ("/description", "too long"),
        ("/receipt_email", "not of the documented form"),
        ("/x-schemathesis-unknown-property", "unknown member"),
    }
    assert places(exam, "confirm", "negative") >= {
        ("/payment_method", "wrong type: array"),
        ("/shipping/address", "required member missing"),
    }


def test_every_operation_that_the_contract_names_has_cases_of_both_modes(folder: Path) -> None:
    exam = read_exam(folder)
    assert {(case.operation, case.mode) for case in exam.cases} == set(product(OPERATIONS, generation.MODES))
    # The contract limits those of capture.
    assert [len(exam.select("capture", mode)) for mode in generation.MODES] == [2, 3]


def test_query_parameters_are_tried_as_text(folder: Path) -> None:
    exam = read_exam(folder)
    tried = exam.select("list", "positive")
    assert all(case.body["status"] in ("open", "paid") for case in tried)  # required, and of [requests.list]
    assert {json.dumps(case.body.get("created")) for case in tried} == {"null", "5", '{"gte": 5}'}
    assert {case.body["customer"] for case in tried if "customer" in case.body} == {"{customer}"}
    assert {"/limit", "/status"} <= {case.location for case in tried}
    assert not any("starting_after" in case.body or "Version" in case.body for case in exam.select("list", "positive"))
    assert places(exam, "list", "negative") >= {
        ("/created", "wrong type: string"),
        ("/created/gte", "wrong type: string"),
        ("/customer", "not of the documented form"),
        ("/limit", "above the maximum"),
        ("/limit", "below the minimum"),
        ("/limit", "wrong type: string"),
        ("/status", "not a documented value"),
        ("/status", "required member missing"),
    }
    for case in exam.select("list", "negative"):
        text = encode_form(INSTRUMENTS.fill(case.body)).decode()
        # Unknown parameters are nobody's concern, and any text will do as a cursor.
        assert set(case.body) <= {"created", "customer", "limit", "status"}
        assert "[]" not in text
        assert "[0]" not in text
        # As text, a whole number in bounds is one, whatever it was generated as.
        assert not (case.location == "/limit" and re.search(r"limit=[1-9]\d?(&|$)", text)), case


def test_a_negative_case_violates_one_thing(folder: Path) -> None:
    base = {"amount": 2000, "currency": "usd", "customer": "{customer}"}
    for case in read_exam(folder).select("create", "negative"):
        if isinstance(case.body, dict):
            changed = {name for name in {**base, **case.body} if case.body.get(name) != base.get(name)}
            assert changed == {case.location.split("/")[1]}, case


def test_what_the_contract_leaves_open_is_not_held_against_a_target(folder: Path) -> None:
    exam = read_exam(folder)
    violated = places(exam, "create", "negative")
    assert not any(location.startswith("/metadata") for location, _ in violated)
    assert ("/flow", "not a documented value") not in violated
    assert not any(location == "/statement" and why == "wrong type: null" for location, why in violated)
    assert not any(
        why == "unknown member" for location, why in places(exam, "confirm", "negative") if location.count("/") == 1
    )
    optional = [case for case in exam.select("create", "negative") if case.location in ("/description", "/confirm")]
    assert optional
    assert all(case.body[case.location[1:]] is not None for case in optional)


def test_chosen_values_are_the_only_ones_in_positive_cases(folder: Path) -> None:
    cases = read_exam(folder).select("create", "positive")
    assert {case.body["currency"] for case in cases} == {"usd", "eur"}
    assert {case.body.get("customer") for case in cases} == {"{customer}"}


def test_a_method_is_given_where_one_is_needed(folder: Path) -> None:
    exam = read_exam(folder)
    assert all(case.body["payment_method"] == "{success}" for case in exam.select("confirm", "positive"))
    for case in exam.select("create", "positive"):
        assert ("payment_method" in case.body) == (case.body.get("confirm") is True), case


def test_nothing_odd_is_sent(folder: Path) -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            assert all(key and not set("[]") & set(key) for key in value)
            list(map(walk, value.values()))
        elif isinstance(value, list):
            list(map(walk, value))
        elif isinstance(value, str):
            assert value.isprintable()
        elif isinstance(value, float):
            assert not value.is_integer()
        elif value is not None:
            assert abs(value) <= 2**53

    for case in read_exam(folder).cases:
        walk(case.body)


def test_query_cases_differ_from_each_other_on_the_wire(folder: Path) -> None:
    cases = [case for mode in generation.MODES for case in read_exam(folder).select("list", mode)]
    assert len({encode_form(INSTRUMENTS.fill(case.body)) for case in cases}) == len(cases)


def test_form_cases_differ_from_each_other_and_from_valid_ones_on_the_wire(folder: Path) -> None:
    if "x-www-form" not in (folder / "openapi.json").read_text(encoding="utf-8"):
        return
    exam = read_exam(folder)
    for operation in ("create", "confirm", "capture"):
        cases = exam.select(operation, "negative")
        wires = [json.dumps(decode_form(encode_form(INSTRUMENTS.fill(case.body))), sort_keys=True) for case in cases]
        assert len(set(wires)) == len(wires)
        assert all(isinstance(case.body, dict) for case in cases)
    # As strings, these are what the schema asks for.
    scalar = (str, int, float)
    for member in ("description", "payment_method", "statement"):
        plain = [case for case in exam.select("create", "negative") if case.location == f"/{member}"]
        assert not any(isinstance(case.body[member], scalar) and "wrong type" in case.why for case in plain)


def test_only_json_cases_hold_bodies_that_are_no_objects(folder: Path) -> None:
    exam = read_exam(folder)
    bodies = [case.body for case in exam.select("create", "negative") if not isinstance(case.body, dict)]
    assert bool(bodies) == ("application/json" in (folder / "openapi.json").read_text(encoding="utf-8"))
    assert not any(body in (None, "", []) for body in bodies)


def test_where_no_member_is_needed_a_body_without_any_is_no_violation(folder: Path) -> None:
    exam = read_exam(folder)
    optional = [case.body for name in ("confirm", "capture") for case in exam.select(name, "negative")]
    assert not any(isinstance(body, list) or not body for body in optional)
    wholes = [case.body for case in exam.select("confirm", "negative") if not isinstance(case.body, dict)]
    assert bool(wholes) == ("application/json" in (folder / "openapi.json").read_text(encoding="utf-8"))


def test_the_same_each_time_whoever_asks(folder: Path) -> None:
    here = (folder / FILE_NAME).read_text(encoding="utf-8")
    program = (
        "import sys, pathlib; from conformance.scenarios.generation import freeze; "
        "sys.stdout.write(freeze(pathlib.Path(sys.argv[1])))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "CI": "true", "PYTHONPATH": str(PACKAGE.parent)}
    command = [sys.executable, "-c", program, str(folder)]
    there = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=folder).stdout
    assert here == there
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


def test_the_head_changes_with_what_matters_only(
    make_provider: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "_frozen", lambda plan, mode: [])  # the head says nothing of the cases themselves

    def contract(cases: int = 5, **changed: Any) -> Any:
        tables = f'[requests.list]\nstatus = "open"\n[exam.confirm]\n[exam.list]\ncases = {{ positive = {cases} }}\n'
        text = generation.freeze(make_provider("application/json", tables, **changed))
        return json.loads(text.splitlines()[0])["contract"]

    first = contract()
    address = {"type": "string", "format": "uri"}
    assert contract(return_url={**address, "description": "in other words"}) == first
    assert contract(return_url={**address, "maxLength": 500}) != first
    assert contract(limit={"type": "integer", "minimum": 1, "maximum": 50}) != first
    assert contract(cases=4) != first


def test_an_unsound_base_is_refused(make_provider: Callable[..., Path]) -> None:
    folder = make_provider("application/json", "[requests.create]\namount = 1\n[exam.create]\n")
    with pytest.raises(ValueError, match=r"\[requests.create\] is not a valid request"):
        generation.freeze(folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("[exam.create]\nno_negative = []", r"\[exam.create\] has unknown keys: no_negative"),
        ("[exam.refund]", "no operation 'refund'"),
        ("[exam.retrieve]", "no operation 'retrieve' with a request body or query parameters"),
    ],
)
def test_a_wrong_table_is_refused(settings: str, message: str, make_provider: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match=message):
        generation.freeze(make_provider("application/json", settings))


def test_fresh_cases_go_on_and_depend_on_the_seed(folder: Path) -> None:
    def first(seed: int) -> list[ExamCase]:
        return list(islice(generation.fresh_cases(folder, "create", seed), 120))

    cases = first(1)
    assert len({json.dumps(case.body, sort_keys=True) for case in cases}) == len(cases) == 120
    assert {case.mode for case in cases} == {"positive", "negative"}
    assert cases == first(1)
    assert [case.body for case in cases] != [case.body for case in first(2)]
    assert all(is_valid(folder, case) == (case.mode == "positive") for case in cases)


def test_fresh_cases_of_a_query_are_sound_too(folder: Path) -> None:
    cases = list(islice(generation.fresh_cases(folder, "list", 1), 150))
    assert {case.mode for case in cases} == {"positive", "negative"}
    assert all(is_valid(folder, case) == (case.mode == "positive") for case in cases)


def test_a_schema_that_contains_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tree.schema.json"
    path.write_text(json.dumps({"properties": {"child": {"$ref": "#"}}}), encoding="utf-8")
    with pytest.raises(ValueError, match="contains itself"):
        resolve(path)


@pytest.mark.parametrize(("owner", "name"), generation.PRIVATE_NAMES)
def test_private_names_still_exist(owner: str, name: str) -> None:
    module, _, attribute = owner.partition(":")
    found = importlib.import_module(module)
    assert hasattr(getattr(found, attribute) if attribute else found, name)


def test_one_module_knows_the_generators() -> None:
    def imported(path: Path) -> set[str]:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        return {name.split(".")[0] for name in names}

    knowing = {path.name: imported(path) & {"schemathesis", "hypothesis"} for path in PACKAGE.rglob("*.py")}
    assert [name for name, known in knowing.items() if "schemathesis" in known] == ["generation.py"]
    assert {name for name, known in knowing.items() if known} == {"alone.py", "generation.py", "walk_machine.py"}


@pytest.mark.parametrize("provider", provider_names())
def test_the_exams_in_the_contracts_are_what_is_generated(provider: str) -> None:
    folder = contract_root() / provider
    exam = read_exam(folder)
    installed = {name: version(name) for name in generation.GENERATORS}
    if installed != exam.head["generators"]:
        pytest.skip(f"frozen with {exam.head['generators']}, installed are {installed}")
    assert (folder / FILE_NAME).read_text(encoding="utf-8") == generation.freeze(folder), "run `conformance freeze`"


@pytest.mark.parametrize("provider", provider_names())
def test_every_case_in_the_contracts_is_asked_for_by_a_row(provider: str) -> None:
    contract = load_contract(provider)
    asked = {(row.args["operation"], row.args["mode"]) for row in contract.requirements.values() if row.check == "exam"}
    assert asked == {(case.operation, case.mode) for case in read_exam(contract.folder).cases}
