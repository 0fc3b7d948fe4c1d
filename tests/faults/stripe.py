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
    hears,
    inside,
    instead_of_refusal,
    keeps_to_stored,
    reads,
    refuses,
    remembers,
    says,
    sets,
    showing,
    shows,
    takes_repeats_for_one,
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
    _fault("is_live", shows(sets(livemode=True))),
    _fault(
        "shows_currency_in_capitals", shows(lambda o: o.update(currency=o["currency"].upper()), inside_errors=False)
    ),
    _fault("shows_an_unpublished_capture_method", shows(sets(capture_method="later"), inside_errors=False)),
    _fault("shows_metadata_as_numbers", shows(where(lambda o: o.get("metadata"), sets(metadata={"a": 1})), "retrieve")),
    _fault("shows_descriptions_as_lists", shows(where(lambda o: o["description"], sets(description=["Order"])))),
    _fault("has_a_charge_before_confirm", shows(sets(latest_charge="ch_early"), "create")),
    _fault("dates_cancellations_in_advance", shows(where(lambda o: o["status"] != "canceled", sets(canceled_at=1)))),
    _fault("does_not_date_cancellations", shows(sets(canceled_at=None), status="canceled")),
    _fault("shows_no_charge", shows(sets(latest_charge=None), inside_errors=False)),
    _fault("shows_secrets_of_another_form", shows(sets(client_secret="secret_1"), "retrieve")),
    _fault("keeps_next_action_after_success", shows(sets(next_action={"type": "redirect_to_url"}), status="succeeded")),
    _fault("asks_for_an_action_without_saying_which", shows(sets(next_action=None), status="requires_action")),
    _fault("has_actions_without_type", shows(inside("next_action", drops("type")), status="requires_action")),
    _fault("embeds_another_intent", tells(inside("payment_intent", sets(id="pi_another")))),
    # -- transport
    _fault("answers_create_201", answers(201, "create")),
    _fault("answers_confirm_202", answers(202, "confirm")),
    _fault("declares_text", says(declared_as_text)),
    _fault("has_no_request_id", says(lambda asked, said: said.headers.pop("Request-Id"))),
    _fault("answers_in_another_version", says(_confirms_with_another_version)),
    _fault("answers_unknown_paths", answers_with(200, {}, lambda asked: "intentz" in asked.path)),
    # -- authentication
    _fault("lets_anyone_confirm", trusts(KEY, "confirm", when=_none)),
    _fault("takes_unknown_keys", trusts(KEY, "create", when=_unknown)),
    _fault(
        "does_not_know_basic",
        acts(
            lambda asked, serve: serve(
                asked.sending(authorization=None) if "Basic" in asked.headers.get("authorization", "") else asked
            )
        ),
    ),
    _fault("takes_publishable_keys_for_secret_ones", trusts(KEY, "create", "retrieve", "confirm", when=_publishable)),
    _fault(
        "keeps_publishable_keys_from_reading",
        acts(lambda asked, serve: serve(replace(asked, query="") if _publishable(asked) else asked)),
    ),
    # -- create
    _fault("takes_amounts_of_zero", hears(reads("amount", lambda value: value == "0", "2000"), "create")),
    _fault(
        "ignores_unknown_capture_methods", hears(reads("capture_method", lambda v: v == "later"), "create", "confirm")
    ),
    _fault("refuses_metadata", refuses(lambda members: any(name.startswith("metadata") for name in members), "create")),
    _fault("does_not_see_the_method_of_create", hears(drops("payment_method"), "create")),
    # -- confirm
    _fault("charges_declined_cards", _method(GENERIC, CARD)),
    _fault("answers_declines_400", answers(400, when=402)),
    _fault("answers_declines_200", answers(200, when=402)),
    _fault(
        "answers_declines_with_the_failed_intent",
        instead_of_refusal(showing(unchanged), "confirm", kept=(400, 401, 403, 404)),
    ),
    _fault("captures_at_once", hears(drops("capture_method"), "create")),
    _fault("holds_nothing", shows(sets(amount_capturable=0), status="requires_capture")),
    _fault("holds_what_it_has_received", shows(lambda o: o.update(amount_capturable=o["amount"]), status="succeeded")),
    _fault("confirms_succeeded_intents", confirms_again(unchanged)),
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
            where(lambda intent: intent["status"] == "succeeded", sets(status="requires_payment_method")),
            lambda asked, said: asked.operation == "confirm" and said.status == 400,
        ),
    ),
    _fault("keeps_to_the_stored_method", keeps_to_stored("payment_method")),
    _fault("answers_confirm_too_early", acts(too_early)),
    _fault(
        "takes_whatever_confirm_is_sent",
        instead_of_refusal(accepting(payment_method=CARD), "confirm", kept=(401, 402, 403, 404)),
    ),
    _fault("confirms_unknown_intents_400", answers(400, "confirm", when=404)),
    _fault("has_no_automatic_confirmation", hears(sets(confirmation_method="manual"), "create")),
    _fault("has_no_manual_confirmation", hears(drops("confirmation_method"), "create")),
    _fault("charges_although_it_refuses", acts(charging_all_the_same("payment_method", CARD))),
    _fault("refuses_return_urls", refuses(lambda members: "return_url" in members, "confirm")),
    _fault(
        "does_not_see_payment_method_data",
        hears(
            lambda members: drops(*[name for name in members if name.startswith("payment_method_data")])(members),
            "confirm",
        ),
    ),
    # -- errors
    _fault("has_flat_errors", says(flattens)),
    _fault("has_errors_without_type", tells(drops("type"))),
    _fault("has_errors_without_message", tells(drops("message"))),
    _fault("calls_everything_authentication", tells(sets(type="authentication_error"), "create", status=400)),
    _fault("calls_everything_rate_limit", tells(sets(type="rate_limit_error"), "create", status=400)),
    _fault("has_codes_of_its_own", tells(sets(code="bad_things_happened"), "create", status=400)),
    _fault("breaks_on_bad_input", answers(500, "create", when=400)),
    # -- idempotency
    _fault("ignores_idempotency_keys", acts(lambda asked, serve: serve(asked.sending(idempotency_key=None)))),
    _fault("takes_repeated_creates_for_one", takes_repeats_for_one),
]
