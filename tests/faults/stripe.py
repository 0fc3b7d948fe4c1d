"""Faults of a server that claims Stripe's contract, each with the requirements that it breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .faulty import Asked, Fault, Said, Serve, ids
from .lies import (
    accepting,
    acts,
    answers,
    answers_with,
    charging_all_the_same,
    confirms_again,
    declared_as_text,
    drops,
    flattens,
    has_default,
    hears,
    in_html,
    inside,
    instead_of_refusal,
    keeps_to_stored,
    one_for_all_without_key,
    reads,
    refuses,
    remembers,
    says,
    sets,
    showing,
    shows,
    tells,
    too_early,
    trusts,
    unchanged,
    where,
)

KEY = {"authorization": "Bearer sk_test_reference"}
SOUND = {"amount": "2000", "currency": "usd", "payment_method_types[]": "card"}
CARD = "pm_card_visa"
GENERIC = f"{CARD}_chargeDeclined"
AUTHENTICATION = "pm_card_authenticationRequired"


def _fault(name: str, lie: Any, breaks: str = "") -> Fault:
    return Fault(name, lie, ids("STR", breaks))


def _method(wrong: str, instead: str) -> Any:
    return hears(reads("payment_method", lambda value: value == wrong, instead), "create", "confirm")


def _unknown(asked: Asked) -> bool:
    return "belongsToNobody" in asked.headers.get("authorization", "")


def _none(asked: Asked) -> bool:
    return "authorization" not in asked.headers


def _publishable(asked: Asked) -> bool:
    return "pk_test" in asked.headers.get("authorization", "")


def _one_answer_for_all(asked: Asked, serve: Serve) -> Said:
    said = serve(asked)
    if said.status == 402:
        body = said.json
        body["error"].update(code="card_declined", decline_code="do_not_honor")
        body["error"].pop("payment_intent")
        said.json = body
    return said


def _confirms_with_another_version(asked: Asked, said: Said) -> None:
    said.headers["Stripe-Version"] = "2020-08-27"


FAULTS = [
    # -- the object
    _fault("names_a_status_of_its_own", shows(sets(status="needs_method"), status="requires_payment_method")),
    _fault("shows_amounts_as_text", shows(lambda o: o.update(amount=str(o["amount"])))),
    _fault("shows_created_as_text", shows(sets(created="2026-01-01T00:00:00Z"), inside_errors=False)),
    _fault("leaves_object_out", shows(drops("object"), inside_errors=False)),
    _fault("leaves_livemode_out", shows(drops("livemode"), inside_errors=False)),
    _fault("is_live", shows(sets(livemode=True))),
    _fault(
        "shows_currency_in_capitals", shows(lambda o: o.update(currency=o["currency"].upper()), inside_errors=False)
    ),
    _fault("shows_an_unpublished_capture_method", shows(sets(capture_method="later"), inside_errors=False)),
    _fault("shows_metadata_as_numbers", shows(where(lambda o: o.get("metadata"), sets(metadata={"a": 1})), "retrieve")),
    _fault("shows_descriptions_as_lists", shows(where(lambda o: o["description"], sets(description=["Order"])))),
    _fault("leaves_empty_members_out", shows(drops("review", "processing"))),
    _fault("has_a_charge_before_confirm", shows(sets(latest_charge="ch_early"), "create")),
    _fault("dates_cancellations_in_advance", shows(where(lambda o: o["status"] != "canceled", sets(canceled_at=1)))),
    _fault("does_not_date_cancellations", shows(sets(canceled_at=None), status="canceled")),
    _fault("shows_no_charge", shows(sets(latest_charge=None), inside_errors=False)),
    _fault("shows_secrets_of_another_form", shows(sets(client_secret="secret_1"), "retrieve")),
    _fault("keeps_next_action_after_success", shows(sets(next_action={"type": "redirect_to_url"}), status="succeeded")),
    _fault("asks_for_an_action_without_saying_which", shows(sets(next_action=None), status="requires_action")),
    _fault("has_actions_without_type", shows(inside("next_action", drops("type")), status="requires_action")),
    _fault("gives_another_return_url", shows(inside("next_action", inside("redirect_to_url", sets(return_url="x"))))),
    _fault("embeds_another_intent", tells(inside("payment_intent", sets(id="pi_another")))),
    _fault("embeds_a_broken_intent", tells(inside("payment_intent", drops("amount")))),
    # -- transport
    _fault("answers_create_201", answers(201, "create")),
    _fault("answers_confirm_202", answers(202, "confirm")),
    _fault("declares_text", says(declared_as_text)),
    _fault("has_no_request_id", says(lambda asked, said: said.headers.pop("Request-Id"))),
    _fault("answers_in_another_version", says(_confirms_with_another_version)),
    _fault(
        "takes_json",
        acts(
            lambda asked, serve: serve(
                asked.sending(content_type="application/x-www-form-urlencoded").saying(SOUND)
                if "json" in asked.headers.get("content-type", "")
                else asked
            )
        ),
    ),
    _fault(
        "does_not_know_brackets",
        hears(
            lambda members: drops(*[name for name in members if "[" in name and "[]" not in name])(members), "create"
        ),
    ),
    _fault("answers_unknown_paths", answers_with(200, {}, lambda asked: "intentz" in asked.path)),
    # -- authentication
    _fault("lets_anyone_retrieve", trusts(KEY, "retrieve", when=_none)),
    _fault("lets_anyone_confirm", trusts(KEY, "confirm", when=_none)),
    _fault("takes_unknown_keys", trusts(KEY, "create", when=_unknown)),
    _fault("answers_401_as_403", answers(403, when=401)),
    _fault("answers_401_with_another_type", tells(sets(type="api_error"), status=401)),
    _fault(
        "does_not_know_basic",
        acts(
            lambda asked, serve: serve(
                asked.sending(authorization=None) if "Basic" in asked.headers.get("authorization", "") else asked
            )
        ),
    ),
    _fault("takes_publishable_keys_for_secret_ones", trusts(KEY, "create", "retrieve", "confirm", when=_publishable)),
    _fault("answers_publishable_keys_as_invalid", tells(drops("code"), "create", status=403)),
    _fault("answers_publishable_keys_400", answers(400, "create", when=403)),
    _fault(
        "keeps_publishable_keys_from_reading",
        acts(lambda asked, serve: serve(replace(asked, query="") if _publishable(asked) else asked)),
    ),
    # -- create
    _fault("takes_whatever_create_is_sent", instead_of_refusal(accepting(**SOUND), "create")),
    _fault("takes_amounts_of_zero", hears(reads("amount", lambda value: value == "0", "2000"), "create")),
    _fault("takes_fractions", hears(reads("amount", lambda value: "." in str(value), "2000"), "create")),
    _fault("takes_any_amount_above_zero", hears(reads("amount", lambda value: value == "1", "50"), "create")),
    _fault("takes_any_currency", hears(reads("currency", lambda value: value == "zzz", "usd"), "create")),
    _fault(
        "has_a_default_currency",
        acts(
            lambda asked, serve: serve(
                asked.saying({"currency": "usd", **asked.members})
                if asked.operation == "create" and asked.members
                else asked
            )
        ),
    ),
    _fault("ignores_unknown_members", hears(drops("foo"), "create")),
    _fault(
        "ignores_unknown_capture_methods", hears(reads("capture_method", lambda v: v == "later"), "create", "confirm")
    ),
    _fault("takes_long_descriptions", hears(reads("description", lambda value: len(value) > 1000, "x"), "create")),
    _fault("refuses_metadata", refuses(lambda members: any(name.startswith("metadata") for name in members), "create")),
    _fault("forgets_descriptions", hears(drops("description"), "create")),
    _fault("does_not_see_the_method_of_create", hears(drops("payment_method"), "create")),
    _fault("confirms_every_create", hears(where(lambda m: "payment_method" in m, sets(confirm="true")), "create")),
    _fault("does_not_confirm_at_create", hears(drops("confirm"), "create")),
    _fault("names_no_parameter", tells(drops("param"))),
    _fault(
        "codes_every_refusal_alike", tells(where(lambda e: "code" in e, sets(code="payment_intent_invalid_parameter")))
    ),
    # -- confirm
    _fault("charges_declined_cards", _method(GENERIC, CARD)),
    _fault("answers_declines_400", answers(400, when=402)),
    _fault("answers_declines_200", answers(200, when=402)),
    _fault("answers_declines_500", answers(500, when=402)),
    _fault(
        "answers_declines_with_the_failed_intent",
        instead_of_refusal(showing(unchanged), "confirm", kept=(400, 401, 403, 404)),
    ),
    _fault("calls_declines_invalid", tells(sets(type="invalid_request_error"), status=402)),
    _fault("declines_without_reason", acts(_one_answer_for_all)),
    _fault("does_not_record_declines", shows(sets(last_payment_error=None))),
    _fault(
        "records_declines_vaguely",
        shows(inside("last_payment_error", sets(code="card_declined", decline_code="fraudulent"))),
    ),
    _fault(
        "keeps_declined_intents_ready",
        shows(
            where(lambda o: o["last_payment_error"], sets(status="requires_confirmation")),
            status="requires_payment_method",
        ),
    ),
    _fault("never_asks_for_authentication", _method(AUTHENTICATION, CARD)),
    _fault("does_not_hear_off_session", hears(drops("off_session"), "confirm")),
    _fault("does_not_hear_error_on_requires_action", hears(drops("error_on_requires_action"), "confirm")),
    _fault("captures_at_once", hears(drops("capture_method"), "create")),
    _fault("captures_at_once_when_confirm_says_manual", hears(drops("capture_method"), "confirm")),
    _fault("holds_nothing", shows(sets(amount_capturable=0), status="requires_capture")),
    _fault(
        "has_received_what_it_holds", shows(lambda o: o.update(amount_received=o["amount"]), status="requires_capture")
    ),
    _fault("holds_what_it_has_received", shows(lambda o: o.update(amount_capturable=o["amount"]), status="succeeded")),
    _fault("confirms_succeeded_intents", confirms_again(unchanged)),
    _fault(
        "charges_twice", confirms_again(lambda o: o.update(latest_charge="ch_second", amount_received=2 * o["amount"]))
    ),
    _fault(
        "confirms_canceled_intents",
        confirms_again(
            sets(status="succeeded", canceled_at=None, cancellation_reason=None, latest_charge="ch_1"), "canceled"
        ),
    ),
    _fault("confirms_held_intents", confirms_again(unchanged, "requires_capture")),
    _fault(
        "reopens_succeeded_intents",
        remembers(
            sets(status="requires_payment_method"),
            lambda a, s: a.operation == "retrieve" and s.succeeded and s.json["status"] == "succeeded",
        ),
    ),
    _fault("keeps_to_the_stored_method", keeps_to_stored("payment_method")),
    _fault("answers_confirm_too_early", acts(too_early)),
    _fault(
        "takes_whatever_confirm_is_sent",
        instead_of_refusal(accepting(payment_method=CARD), "confirm", kept=(401, 402, 403, 404)),
    ),
    _fault(
        "takes_methods_of_others",
        hears(reads("payment_method", lambda value: value == "pm_reference0002", CARD), "confirm"),
    ),
    _fault("confirms_unknown_intents_400", answers(400, "confirm", when=404)),
    _fault("has_no_automatic_confirmation", hears(sets(confirmation_method="manual"), "create")),
    _fault("has_no_manual_confirmation", hears(drops("confirmation_method"), "create")),
    _fault(
        "never_gives_up",
        shows(sets(status="requires_payment_method", canceled_at=None, cancellation_reason=None), status="canceled"),
    ),
    _fault("has_a_default_method", has_default("payment_method", CARD)),
    _fault("charges_although_it_refuses", acts(charging_all_the_same("payment_method", CARD))),
    _fault("refuses_return_urls", refuses(lambda members: "return_url" in members, "confirm")),
    _fault(
        "does_not_see_payment_method_data",
        hears(
            lambda members: drops(*[name for name in members if name.startswith("payment_method_data")])(members),
            "confirm",
        ),
    ),
    _fault("has_received_before_confirm", shows(sets(amount_received=1), status="requires_payment_method")),
    # -- errors
    _fault("has_flat_errors", says(flattens)),
    _fault("has_errors_in_html", says(in_html)),
    _fault("has_errors_without_type", tells(drops("type"))),
    _fault("has_errors_without_message", tells(drops("message"))),
    _fault("has_types_of_its_own", tells(sets(type="validation_error"), "create")),
    _fault("calls_everything_authentication", tells(sets(type="authentication_error"), "create", status=400)),
    _fault("calls_everything_rate_limit", tells(sets(type="rate_limit_error"), "create", status=400)),
    _fault("answers_402_to_anything", answers(402, "create", when=400)),
    _fault("gives_decline_codes_to_anything", tells(sets(decline_code="generic_decline"), "create")),
    _fault("has_codes_of_its_own", tells(sets(code="bad_things_happened"), "create", status=400)),
    _fault("breaks_on_bad_input", answers(500, "create", when=400)),
    # -- idempotency
    _fault("ignores_idempotency_keys", acts(lambda asked, serve: serve(asked.sending(idempotency_key=None)))),
    _fault(
        "takes_used_keys_for_other_requests", hears(reads("amount", lambda value: value == "2100", "2000"), "create")
    ),
    _fault(
        "calls_used_keys_invalid",
        tells(where(lambda e: e["type"] == "idempotency_error", sets(type="invalid_request_error"))),
    ),
    _fault("makes_one_intent_of_all_creates_without_key", one_for_all_without_key),
]
