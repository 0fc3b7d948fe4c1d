"""What the rows say of themselves and of each other: every name in them leads somewhere, and no check is idle."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.checks import scenarios
from conformance.contract import Contract, Requirement, load_contract, provider_names
from conformance.contract.loading import ANY_INTENT
from conformance.evidence.exchange import Exchange, Request, Response
from conformance.rules.judge import each, rules
from conformance.scenarios.acting import Actor
from conformance.scenarios.expecting import JUDGED, expect_refusal
from conformance.sighting import read_history
from conformance.target.values import Instruments

OPERATED = {"create", "retrieve", "list", "update", "confirm", "capture", "cancel"}
AREAS = {
    *OPERATED,
    "shape",
    "lifecycle",
    "errors",
    "authentication",
    "idempotency",
    "concurrency",
    "retries",
    "protocol",
}
VAGUE = re.compile(r"\b(should|shall|verify that|test that|check that|ensure|must|properly|correctly)\b", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\{(\w+)\}")
CITED = {row.check for name in provider_names() for row in load_contract(name).requirements.values()}


@pytest.mark.parametrize("check", sorted({*rules(), *scenarios()}))
def test_every_check_is_cited(check: str) -> None:
    assert check in CITED, "a check that no row cites judges nothing"


def test_no_check_is_both_rule_and_scenario() -> None:
    assert not set(rules()) & set(scenarios())


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from texts(child)


def rows_of(contract: Contract, *checks: str) -> list[Requirement]:
    return [row for row in contract.requirements.values() if row.check in checks]


def reached(schema: Any, contract: Contract, member: str) -> bool:
    """Whether a member's path leads through the properties of a schema, whatever it refers to on the way."""
    here: list[Any] = [schema]
    for part in member.replace(".", "/").split("/"):
        here = [found["properties"][part] for found in unfolded(here, contract) if part in found.get("properties", {})]
    return bool(here)


def unfolded(schemas: list[Any], contract: Contract) -> Iterator[Any]:
    for schema in schemas:
        yield schema
        yield from unfolded(schema.get("anyOf", []), contract)
        file, _, fragment = schema.get("$ref", "").partition("#")
        if file or fragment:
            # A reference without a file stays within the schema that has such a definition.
            roots = [contract.schemas[file.removesuffix(".schema.json")]] if file else list(contract.schemas.values())
            parts = fragment.split("/")[1:]
            for root in roots:
                found: Any = root
                for part in parts:
                    found = found.get(part, {})
                yield from unfolded([found], contract)


def test_statements_are_facts(contract: Contract) -> None:
    for row in contract.requirements.values():
        assert not VAGUE.search(row.statement), row.id
        assert row.statement.endswith("."), row.id
    assert len({row.statement for row in contract.requirements.values()}) == len(contract.requirements)


def test_rows_are_complete(contract: Contract) -> None:
    for row in contract.requirements.values():
        assert row.area in AREAS, row.id
        assert re.fullmatch(r"[A-Z]{3}-[0-9]{3}[a-z]?", row.id), row.id
        assert all(source.url.startswith("https://") and source.title for source in row.sources), row.id
        assert row.check or row.not_tested.strip(), row.id
        assert not (row.not_tested and (row.args or row.needs)), row.id


def test_transitions_name_their_sources(contract: Contract) -> None:
    known = tomllib.loads((contract.folder / "requirements.toml").read_text())["sources"]
    for move in contract.transitions.values():
        assert move.source in known, move.id


def test_names_in_rows_lead_somewhere(contract: Contract) -> None:
    capabilities = contract.settings["capabilities"]
    for row in contract.requirements.values():
        args = row.args
        assert {*each(args.get("operation")), *each(args.get("operations"))} <= set(contract.operations), row.id
        assert args.get("kind", "not_found") in contract.error_kinds, row.id
        assert args.get("scheme", next(iter(contract.security))) in contract.security, row.id
        if row.check != "method_not_served":
            assert args.get("method", "success") in {"", *capabilities}, row.id
        for name in set(PLACEHOLDER.findall(" ".join(texts(dict(args))))) - {"id"}:
            assert name in capabilities, row.id
        if row.check in rules():
            assert all(status in contract.statuses for status in each(args.get("status"))), row.id


def test_instruments_of_a_row_are_among_its_needs(contract: Contract) -> None:
    for row in contract.requirements.values():
        method = row.args.get("method", "") if row.check != "method_not_served" else ""
        if method not in ("", "success"):
            assert method in row.needs, f"{row.id} uses {method}"
        for name in set(PLACEHOLDER.findall(" ".join(texts(dict(row.args))))) - {"id", "customer"}:
            assert name in row.needs, f"{row.id} sends {{{name}}}"


def test_the_fixed_requests_and_transitions_name_capabilities(contract: Contract) -> None:
    capabilities = contract.settings["capabilities"]
    fixed = [contract.settings["requests"], *(dict(m.send) | dict(m.create) for m in contract.transitions.values())]
    assert set(PLACEHOLDER.findall(" ".join(texts(fixed)))) <= set(capabilities)
    assert {move.method for move in contract.transitions.values()} <= {"", *capabilities}
    assert set(contract.settings.get("claimed", ())) <= set(capabilities)
    assert set(contract.settings["requests"]) <= set(contract.operations)
    assert set(contract.settings["exam"]) <= set(contract.operations)


def test_members_of_schema_rows_stand_in_the_schema(contract: Contract) -> None:
    envelope = contract.settings["errors"]["object"].strip("/")
    for row in rows_of(contract, "schema"):
        schema = contract.schemas[row.args["schema"]]
        assert bool(row.args.get("rest")) != bool(row.args.get("members")), row.id
        assert all(reached(schema, contract, member) for member in row.args.get("members", ())), row.id
    for row in rows_of(contract, "error_schema"):
        names = [f"{envelope}/{name}".lstrip("/") for name in row.args.get("members", ())]
        assert all(reached(contract.schemas["error"], contract, name) for name in names), row.id


def test_one_row_answers_for_the_rest(contract: Contract) -> None:
    (rest,) = (row for row in rows_of(contract, "schema") if row.args.get("rest"))
    assert rest.level == "MUST"
    errors = rows_of(contract, "error_schema")
    assert sum(bool(row.args.get("rest")) for row in errors) == bool(errors)


def test_members_of_rules_stand_in_the_intent(contract: Contract) -> None:
    names = ["member_set", "member_unset", "members_present", "members_not_null_when_present", "member_absent_after"]
    names += ["member_matches", "livemode_is_test", "created_is_now", "object_named_by"]
    for row in rows_of(contract, *names):
        members = {*each(row.args.get("members")), *each(row.args.get("member"))}
        assert all(reached(contract.schemas["payment_intent"], contract, member) for member in members), row.id
    for row in rows_of(contract, "amounts"):
        members = {*row.args.get("equal", {}), *row.args.get("positive", ())}
        assert all(reached(contract.schemas["payment_intent"], contract, member) for member in members), row.id


def test_lists_that_rows_point_to_exist(contract: Contract) -> None:
    for row in rows_of(contract, "error_member"):
        value: Any = contract.settings
        for part in row.args.get("values_from", "errors").split("."):
            value = value[part]
        assert value, row.id
        assert isinstance(value, list) == ("values_from" in row.args), row.id


def test_the_ends_are_statuses_that_no_success_leaves(contract: Contract) -> None:
    assert contract.terminal
    assert contract.terminal <= set(contract.statuses)
    for move in contract.transitions.values():
        ended = contract.terminal & set(move.sources)
        assert not ended or set(move.to) <= ended, move.id
        assert move.to or move.stays or move.refused, move.id
        assert move.sources != (ANY_INTENT,) or (move.refused == "not_found" and not move.to), move.id


def test_every_status_is_reached_or_cannot_be_asked_for(contract: Contract) -> None:
    """A transition starts only where another leads, so that a scenario can bring its start about."""
    reachable = {status for move in contract.transitions.values() for status in (*move.to, *move.via, *move.leaves)}
    wanted = {status for move in contract.transitions.values() for status in move.sources} - {ANY_INTENT}
    assert wanted <= reachable


@pytest.mark.parametrize("provider", provider_names())
def test_what_a_row_judges_of_a_refusal_is_known(provider: str) -> None:
    judged = {row.args["judge"] for row in load_contract(provider).requirements.values() if "judge" in row.args}
    assert judged <= {*JUDGED, "to", "leaves", "no_intent", "marker", "body"}


@pytest.mark.parametrize("judge", ["stauts", "type"])
def test_a_refusal_is_not_judged_by_nothing(judge: str) -> None:
    """A mistyped word, or a kind that documents no type, must not pass for any refusal."""
    contract = load_contract("dots")
    request = Request("POST", "https://host.example/api/v2/payment-intents")
    (refused,) = read_history(contract, [Exchange(1, request, Response(400, (), b"{}"))])
    actor = Actor(contract, None, Instruments({}))  # type: ignore[arg-type]  # nothing is sent
    with pytest.raises(ValueError, match=judge):
        expect_refusal(actor, refused, {"judge": judge})
