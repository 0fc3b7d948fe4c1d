"""Faults of a server that claims RevKeen's contract, each with the requirements that it breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .faulty import Asked, Fault, Said, Serve, ids
from .lies import (
    accepting,
    acts,
    answers,
    confirms_again,
    drops,
    flattens,
    hears,
    in_html,
    inside,
    instead_of_refusal,
    reads,
    refuses,
    says,
    sets,
    shows,
    tells,
    too_early,
    trusts,
    where,
)

KEY = {"x_api_key": "rk_sandbox_reference"}
CUSTOMER, CARD, DECLINED, AUTHENTICATION = (f"5e7f0000-0000-4000-8000-0000000000{n}" for n in ("01", "11", "12", "15"))
SOUND = {"amount": 5000, "customer": CUSTOMER}


def _fault(name: str, lie: Any, breaks: str = "") -> Fault:
    return Fault(name, lie, ids("RVK", breaks))


def _method(wrong: str, instead: str) -> Any:
    return hears(reads("payment_method", lambda value: value == wrong, instead), "create", "confirm")


def _key(word: str) -> Any:
    return lambda asked: word in asked.headers.get("x-api-key", "")


def _none(asked: Asked) -> bool:
    return "x-api-key" not in asked.headers


def _renamed(asked: Asked, serve: Serve) -> Said:
    """Calls its intents by another prefix."""
    said = serve(replace(asked, path=asked.path.replace("/intent_", "/pi_")))
    said.body = said.body.replace(b'"id": "pi_', b'"id": "intent_')
    return said


def _broken_by_declines(asked: Asked, serve: Serve) -> Said:
    said = serve(asked)
    if said.status == 400 and said.json["error"]["code"] == "card_declined":
        said.status = 500
    return said


def _needing_a_method(asked: Asked, serve: Serve) -> Said:
    if asked.operation == "confirm" and "payment_method" not in (asked.members or {}):
        return serve(asked.saying({"payment_method": ""}))
    return serve(asked)


def _in_lists(asked: Asked, said: Said) -> None:
    if said.status >= 400:
        said.json = [said.json]


def _as_manual(asked: Asked, said: Said) -> None:
    """Shows manual capture where nothing was asked for."""
    if said.succeeded and "capture_method" not in (asked.members or {}):
        said.json = {**said.json, "capture_method": "manual"}


FAULTS = [
    # -- the object
    _fault("names_a_status_of_its_own", shows(sets(status="requires_source"), status="requires_payment_method")),
    _fault(
        "holds_in_requires_capture",
        shows(where(lambda o: o["amount_capturable"], sets(status="requires_capture")), status="processing"),
    ),
    _fault("has_no_status_before_confirm", shows(sets(status=None), status="requires_payment_method")),
    _fault("leaves_amount_received_out", shows(drops("amount_received"))),
    _fault("calls_it_a_payment", shows(sets(object="payment"))),
    _fault("has_ids_without_prefix", acts(_renamed)),
    _fault("shows_created_as_text", shows(sets(created="2026-01-01T00:00:00Z"))),
    _fault("counts_created_in_milliseconds", shows(lambda o: o.update(created=o["created"] * 1000))),
    _fault("shows_canceled_at_in_seconds", shows(sets(canceled_at=1767225600), status="canceled")),
    _fault("says_livemode_in_words", shows(sets(livemode="no"))),
    _fault("shows_an_unpublished_capture_method", shows(sets(capture_method="later"))),
    _fault("shows_no_client_secret_on_retrieve", shows(drops("client_secret"), "retrieve")),
    _fault("shows_customers_as_objects", shows(lambda o: o.update(customer={"id": o["customer"]}))),
    _fault("shows_methods_with_prefix", shows(where(lambda o: o["payment_method"], sets(payment_method="pm_1")))),
    _fault("has_actions_of_another_type", shows(inside("next_action", sets(type="redirect")))),
    _fault(
        "redirects_without_return_url", shows(inside("next_action", inside("redirect_to_url", drops("return_url"))))
    ),
    _fault("asks_for_an_action_without_saying_which", shows(sets(next_action=None))),
    _fault("has_last_errors_without_message", shows(inside("last_payment_error", drops("message")))),
    _fault("gives_reasons_of_its_own", shows(sets(cancellation_reason="bored"), status="canceled")),
    _fault("shows_metadata_as_a_list", shows(sets(metadata=["order"]))),
    _fault("shows_descriptions_as_lists", shows(where(lambda o: o["description"], sets(description=["Order"])))),
    _fault(
        "describes_what_was_not_described", shows(where(lambda o: not o["description"], sets(description="Payment")))
    ),
    _fault("cancels_in_advance", shows(sets(canceled_at="2026-01-01T00:00:00Z"), "create")),
    _fault("leaves_ids_out_of_cancel", shows(drops("id"), "cancel")),
    # -- transport
    _fault("answers_create_201", answers(201, "create")),
    _fault("answers_confirm_202", answers(202, "confirm")),
    _fault("names_no_version", says(lambda asked, said: said.headers.pop("RevKeen-Version"))),
    # -- authentication
    _fault("lets_readers_write", trusts(KEY, "create", when=_key("read_only"))),
    _fault("answers_401_as_403", answers(403, when=401)),
    _fault("does_not_challenge", says(lambda asked, said: said.headers.pop("WWW-Authenticate", None))),
    # -- create
    _fault(
        "takes_currencies_of_any_length",
        hears(reads("currency", lambda value: isinstance(value, str) and len(value) != 3, "USD"), "create"),
    ),
    _fault(
        "refuses_long_descriptions_too_soon",
        refuses(lambda members: len(str(members.get("description", ""))) > 255, "create"),
    ),
    _fault(
        "refuses_long_descriptors_too_soon",
        refuses(lambda m: 20 < len(str(m.get("statement_descriptor", ""))) < 23, "create"),
    ),
    _fault(
        "refuses_long_suffixes_too_soon",
        refuses(lambda m: 20 < len(str(m.get("statement_descriptor_suffix", ""))) < 23, "create"),
    ),
    _fault("answers_bad_input_422", answers(422, "create", when=400)),
    _fault("breaks_on_bad_input", answers(500, "create", when=400)),
    _fault("takes_euros_by_default", hears(lambda members: members.setdefault("currency", "EUR"), "create")),
    _fault("knows_one_currency", hears(reads("currency", lambda value: value == "EUR", "USD"), "create")),
    _fault("rounds_amounts", shows(lambda o: o.update(amount=round(o["amount"], -1)))),
    _fault("does_not_see_the_method_of_create", hears(drops("payment_method"), "create")),
    _fault("starts_in_processing", shows(sets(status="processing"), "create", status="requires_payment_method")),
    # -- confirm
    _fault("refuses_return_urls", refuses(lambda members: "return_url" in members, "confirm")),
    _fault("charges_declined_cards", _method(DECLINED, CARD)),
    _fault(
        "takes_whatever_confirm_is_sent",
        instead_of_refusal(accepting(payment_method=CARD), "confirm", kept=(401, 403, 404)),
    ),
    _fault("answers_unknown_intents_400", answers(400, "confirm", when=404)),
    _fault("answers_with_another_intent", shows(sets(id="pi_another"), "confirm")),
    _fault("charges_twice", confirms_again(lambda o: o.update(amount_received=2 * o["amount"]))),
    _fault("confirms_canceled_intents", confirms_again(sets(status="succeeded"), "canceled")),
    _fault("answers_confirm_too_early", acts(too_early)),
    # -- errors
    _fault("has_flat_errors", says(flattens)),
    _fault("has_errors_in_html", says(in_html)),
    _fault("has_errors_without_message", tells(drops("message"))),
    _fault("has_codes_of_its_own", tells(sets(code="bad_request"))),
    _fault("names_parameters_in_lists", tells(sets(param=["amount"]), "create", status=400)),
    _fault("explains_in_other_ways", tells(inside("details", sets(fields=["amount"])))),
    _fault("tells_the_key", tells(lambda e: e.update(message=f"key {KEY['x_api_key']} may not"), "create")),
    # -- idempotency
    _fault("ignores_idempotency_keys", acts(lambda asked, serve: serve(asked.sending(idempotency_key=None)))),
]
