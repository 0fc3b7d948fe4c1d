"""Faults of a server that claims Stripe's contract, each with the requirements that it breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from conformance.reference.model import Call, Intent
from conformance.reference.policies import Policies
from conformance.reference.wire import Asked, Lie, Said, Serve

from . import keys
from .deeds import (
    accepting,
    acts,
    answers_with,
    charging_all_the_same,
    confirms_again,
    declared_as_text,
    flattens,
    in_html,
    instead_of_refusal,
    keeps_to_stored,
    refuses,
    remembers,
    showing,
    takes_repeats_for_one,
    too_early,
    trusts,
    unchanged,
)
from .faltering import breaks_off, falls_over, flaps, lags, stores_late
from .fault import Change, altered, lying
from .lies import (
    OPERATIONS,
    anonymous,
    answers,
    drops,
    hears,
    inside,
    reads,
    says,
    sets,
    shows,
    takes_method,
    tells,
    together,
    where,
)

EVERYWHERE = (*OPERATIONS, "list", "update", "capture")
CHANGES = ("create", "update", "confirm", "capture", "cancel")
REPLAYED = "Idempotent-Replayed"
IN_USE = "idempotency_key_in_use"
MISSING_OR_UNKNOWN = ("parameter_missing", "parameter_unknown")
KEY = {"authorization": "Bearer sk_test_reference"}
SOUND = {"amount": "2000", "currency": "usd", "payment_method_types[]": "card"}
CARD = "pm_card_visa"
GENERIC = f"{CARD}_chargeDeclined"
AUTHENTICATION = "pm_card_authenticationRequired"


def _unknown(asked: Asked) -> bool:
    return "belongsToNobody" in asked.headers.get("authorization", "")


def _publishable(asked: Asked) -> bool:
    return "pk_test" in asked.headers.get("authorization", "")


def _one_answer_for_all(asked: Asked, serve: Serve) -> Said:
    said = serve(asked)
    if said.status == 402:
        body = said.json
        body["error"].update(code="card_declined", decline_code="do_not_honor")
        said.json = body
    return said


def _confirms_with_another_version(asked: Asked, said: Said) -> None:
    said.headers["Stripe-Version"] = "2020-08-27"


def _life(**parts: Any) -> Change:
    """Another life of an intent."""
    return lambda policies: replace(policies, lifecycle=replace(policies.lifecycle, **parts))


def _cancels(some: Callable[[frozenset[str]], frozenset[str]]) -> Change:
    """Cancels in other statuses."""
    return lambda policies: _life(cancelable=some(policies.lifecycle.cancelable))(policies)


def _as_conflict(said: Said) -> None:
    """Calls a replay a conflict with a request under way."""
    said.status = 409
    said.json = {"error": {"type": "idempotency_error", "code": IN_USE, "doc_url": IN_USE, "message": "in use"}}


def _few_yen(members: Any) -> bool:
    """Takes yen for hundredths: at least fifty of them it wants."""
    return bool(members.get("currency") == "jpy" and int(members["amount"]) < 5000)


def _authenticating_all(asked: Asked, serve: Serve) -> Said:
    """Takes a payer who failed to authenticate for one who did."""
    return serve(replace(asked, query=asked.query.replace("outcome=failure", "outcome=success")))


def _no_second_try() -> Lie:
    """Refuses to confirm an intent that was declined once."""
    declined: set[str] = set()

    def lie(asked: Asked, serve: Serve) -> Said:
        if asked.operation == "confirm" and asked.intent in declined:
            return serve(asked.saying({"unheard_of": "1"}))
        said = serve(asked)
        if said.status == 402:
            declined.add(asked.intent)
        return said

    return lie


def _empty(asked: Asked, said: Said) -> None:
    """Does not find, and says no more than that."""
    if said.status == 404:
        said.body = b""


def _in_a_list(asked: Asked, said: Said) -> None:
    """Has a list of errors."""
    if said.status >= 400:
        said.json = {"errors": [said.json["error"]]}


def _anyone_with_a_publishable_key(policies: Policies) -> Policies:
    """Does not ask for the client secret."""

    def access(call: Call, intent: Intent | None) -> None:
        secret = {"client_secret": intent.client_secret} if intent else {}
        policies.access(replace(call, params={**call.params, **secret}), intent)

    return replace(policies, access=access)


def _rounds(members: Any) -> None:
    """Takes the whole part of an amount."""
    whole, point, _ = str(members.get("amount")).partition(".")
    if point:
        members["amount"] = whole


def _now(asked: Asked, serve: Serve) -> Said:
    """Answers a repeated request with the intent as it stands."""
    said = serve(asked)
    if said.headers.get(REPLAYED) and asked.intent:
        return replace(serve(asked.retrieving()), headers=said.headers)
    return said


def _undecided(asked: Asked, said: Said) -> None:
    """Does not know itself whether to try again."""
    said.headers["Stripe-Should-Retry"] = "maybe"


def _basic_for_creates_alone(asked: Asked, serve: Serve) -> Said:
    """Knows HTTP Basic where an intent is made, and nowhere else."""
    basic = "Basic" in asked.headers.get("authorization", "")
    return serve(asked.sending(authorization=None) if basic and asked.operation != "create" else asked)


def _not_again() -> Lie:
    """Answers a second confirm, after the payer has acted, with the intent as it is."""
    acted: set[str] = set()

    def lie(asked: Asked, serve: Serve) -> Said:
        if asked.operation == "confirm" and asked.intent in acted:
            return serve(asked.retrieving())
        said = serve(asked)
        if asked.operation == "confirm" and said.succeeded and said.json["status"] == "requires_action":
            acted.add(asked.intent)
        return said

    return lie


_fault = partial(lying, "STR")
_altered = partial(altered, "STR")

FAULTS = [
    # -- the object
    _fault(
        "names_a_status_of_its_own",
        shows(sets(status="needs_method"), *EVERYWHERE, status="requires_payment_method"),
        "021 040 065 083a 092 096 101c 102b 124 161",
    ),
    _fault(
        "shows_members_of_another_kind",
        together(
            shows(lambda o: o.update(currency=o["currency"].upper()), inside_errors=False),
            shows(sets(capture_method="later"), inside_errors=False),
        ),
        "022 025 051 197 235",
    ),
    _fault(
        "counts_created_in_milliseconds",
        shows(lambda o: o.update(created=o["created"] * 1000), *EVERYWHERE),
        "070 198",
    ),
    _fault(
        "shows_metadata_as_numbers",
        shows(where(lambda o: o.get("metadata"), sets(metadata={"a": 1})), "retrieve"),
        "004 032 060 078 079 234a",
    ),
    _fault(
        "shows_descriptions_as_lists",
        shows(where(lambda o: o["description"], sets(description=["Order"]))),
        "053 193 213",
    ),
    _fault(
        "has_charges_the_wrong_way_round",
        together(shows(sets(latest_charge="ch_early"), "create"), shows(sets(latest_charge=None), "confirm")),
        "027 028",
    ),
    _fault(
        "dates_cancellations_the_wrong_way_round",
        together(
            shows(where(lambda o: o["status"] != "canceled", sets(canceled_at=1))),
            shows(sets(canceled_at=None), status="canceled"),
        ),
        "029 030",
    ),
    _fault("does_not_expand_on_confirm", hears(lambda o: o.pop("expand[]", None), "confirm"), "182"),
    _fault("expands_unasked", shows(where(lambda o: "review" in o, sets(review={"id": "prv_1"}))), "185"),
    _fault("shows_secrets_of_another_form", shows(sets(client_secret="secret_1"), "retrieve"), "034 060 234b"),
    _fault(
        "keeps_next_action_after_success",
        shows(sets(next_action={"type": "redirect_to_url"}), status="succeeded"),
        "036 037",
    ),
    _fault("asks_for_an_action_without_saying_which", shows(sets(next_action=None), status="requires_action"), "099a"),
    _fault(
        "has_actions_without_type", shows(inside("next_action", drops("type")), status="requires_action"), "035 161"
    ),
    _fault("embeds_another_intent", tells(inside("payment_intent", sets(id="pi_another"))), "161"),
    # -- transport
    _fault("has_other_statuses_for_success", together(answers(201, "create"), answers(202, "confirm")), "002 194"),
    _fault(
        "has_headers_of_its_own",
        together(
            says(declared_as_text),
            says(lambda asked, said: said.headers.pop("Request-Id")),
            says(_confirms_with_another_version),
        ),
        "003 016 017",
    ),
    _fault("answers_unknown_paths", answers_with(200, {}, lambda asked: "intentz" in asked.path), "018"),
    # -- faltering
    _fault(
        "falls_over_refused_confirms",
        falls_over("confirm"),
        "014c 104 104a 104b 104c 106 107 107a 107b 107c 108 109 109a 110 113 114 114a 115 116 189 192",
    ),
    _fault(
        "breaks_off_lists",
        breaks_off("list", when=lambda said: said.succeeded),
        "063a 063b 066 066a 068 068a 069 070 071 072 183 210 211",
    ),
    _fault(
        "breaks_off_declines",
        breaks_off("confirm", when=lambda said: said.status == 402),
        "091a 094 095a 095b 095c 095d 095e 095f 095g 095h 096 097 101b 103 154",
    ),
    _fault(
        "is_away_every_second_confirm",
        flaps(503, "confirm"),
        "016 017 098 106 107 107a 107b 107c 109 109a 114 121 123 170 176 189 192",
    ),
    # -- authentication
    _fault("lets_anyone_confirm", trusts(KEY, "confirm", when=anonymous), "008"),
    _fault("takes_unknown_keys", trusts(KEY, "create", when=_unknown), "009 010a"),
    _fault(
        "does_not_know_basic",
        acts(
            lambda asked, serve: serve(
                asked.sending(authorization=None) if "Basic" in asked.headers.get("authorization", "") else asked
            )
        ),
        "006",
    ),
    _fault(
        "takes_publishable_keys_for_secret_ones",
        trusts(KEY, "create", "retrieve", "confirm", when=_publishable),
        "011 012 012a 014 014a 014b 014c 015 119 127 127a",
    ),
    _fault(
        "keeps_publishable_keys_from_reading",
        acts(lambda asked, serve: serve(replace(asked, query="") if _publishable(asked) else asked)),
        "013",
    ),
    _fault(
        "takes_unknown_keys_for_all_but_create",
        trusts(KEY, "retrieve", "list", "update", "confirm", "capture", "cancel", when=_unknown),
        "009 009a 010a",
    ),
    _fault("answers_missing_keys_with_forbidden", answers(403, *EVERYWHERE, when=401), "008 008a 009 009a"),
    _altered("does_not_ask_for_client_secrets", _anyone_with_a_publishable_key, "014 014a 014b 014c"),
    # -- create
    _fault("takes_amounts_of_zero", hears(reads("amount", lambda value: value == "0", "2000"), "create"), "044 187"),
    _fault(
        "ignores_unknown_capture_methods",
        hears(reads("capture_method", lambda v: v == "later"), "create", "confirm"),
        "048 116 162",
    ),
    _fault(
        "refuses_metadata",
        refuses(lambda members: any(name.startswith("metadata") for name in members), "create"),
        "004 186",
    ),
    _fault("does_not_see_the_method_of_create", hears(drops("payment_method"), "create"), "041 042 111a 126 187 228"),
    _fault("takes_any_currency", hears(reads("currency", lambda v: v == "zzz", "usd"), "create"), "046"),
    _fault("rounds_amounts", hears(_rounds, "create"), "043 043a"),
    _fault(
        "cuts_long_descriptions",
        hears(lambda m: m.update(description=m["description"][:1000]) if "description" in m else None, "create"),
        "054 187",
    ),
    _fault("wants_descriptions_to_be_short", refuses(lambda m: len(m.get("description", "")) > 500, "create"), "053"),
    _fault("overlooks_unknown_members", hears(drops("foo"), "create"), "047 047a"),
    _fault("wants_letters_to_be_ascii", refuses(lambda m: not str(m).isascii(), "create", "update"), "186"),
    _fault("wants_fifty_yen_in_hundredths", refuses(_few_yen, "create"), "197"),
    # -- confirm
    _fault("charges_declined_cards", takes_method(GENERIC, CARD), "091 091a 092 093 094 095a 096 097 123"),
    _fault("answers_declines_400", answers(400, when=402), "091 101a 102a"),
    _fault(
        "answers_declines_200",
        answers(200, when=402),
        "019 020 021 022 023 023a 024 025 091 091a 094 095a 095b 095c 095d 095e 095f 095g 095h 096 097 101 101a "
        "101b 102 102a 103",
    ),
    _fault(
        "answers_declines_with_the_failed_intent",
        instead_of_refusal(showing(unchanged), "confirm", kept=(400, 401, 403, 404)),
        "091 091a 094 095a 095b 095c 095d 095e 095f 095g 095h 096 097 101 101a 101b 102 102a 103 190 228",
    ),
    _fault("captures_at_once", hears(drops("capture_method"), "create"), "048 089 162 187 228"),
    _fault(
        "has_amounts_the_wrong_way_round",
        together(
            shows(sets(amount_capturable=0), *EVERYWHERE, status="requires_capture"),
            shows(lambda o: o.update(amount_capturable=o["amount"]), *EVERYWHERE, status="succeeded"),
        ),
        "090 131 133a 195 204 228",
    ),
    _fault("confirms_succeeded_intents", confirms_again(unchanged), "106 107 107a 107b 107c"),
    _fault(
        "confirms_canceled_intents",
        confirms_again(
            sets(status="succeeded", canceled_at=None, cancellation_reason=None, latest_charge="ch_1"), "canceled"
        ),
        "108 123 146 191 228",
    ),
    _fault("confirms_held_intents", confirms_again(unchanged, "requires_capture"), "109"),
    _fault(
        "reopens_succeeded_intents",
        remembers(
            where(
                lambda intent: intent["status"] == "succeeded",
                sets(status="requires_payment_method", amount_received=0),
            ),
            lambda asked, said: asked.operation == "confirm" and said.status == 400,
        ),
        "105 107d 130 163 190 191",
    ),
    _fault("keeps_to_the_stored_method", keeps_to_stored("payment_method"), "111 176 238 261"),
    _fault(
        "answers_confirm_too_early",
        acts(too_early),
        "042 088 089 098 099 101d 111 111a 112 117 128 129 152d 176 182 190 228 233 238",
    ),
    _fault(
        "takes_whatever_confirm_is_sent",
        instead_of_refusal(accepting(payment_method=CARD), "confirm", kept=(401, 402, 403, 404)),
        "104 104a 104b 104c 104d 110 113 114 114a 115 116 189 250?",
    ),
    _fault("confirms_unknown_intents_400", answers(400, "confirm", when=404), "196"),
    _fault(
        "has_no_automatic_confirmation",
        hears(sets(confirmation_method="manual"), "create"),
        "049 050 122 152 152a 187 190",
    ),
    _fault("has_no_manual_confirmation", hears(drops("confirmation_method"), "create"), "049 119 120 121 187"),
    _fault("charges_although_it_refuses", acts(charging_all_the_same("payment_method", CARD)), "104d 163 163a"),
    _fault("refuses_return_urls", refuses(lambda members: "return_url" in members, "confirm"), "099 100 188 228"),
    _fault(
        "does_not_see_payment_method_data",
        hears(
            lambda members: drops(*[name for name in members if name.startswith("payment_method_data")])(members),
            "confirm",
        ),
        "112 113 114 115 152d 189",
    ),
    _fault(
        "has_received_before_confirm",
        shows(sets(amount_received=1), *EVERYWHERE, status="requires_payment_method"),
        "033 205 228",
    ),
    # -- declines
    _altered("cancels_declined_intents", _life(declined="canceled"), "029 092 096 098 101c 124"),
    _altered("leaves_declined_intents_processing", _life(declined="processing"), "092 096 098 101c 102b 123"),
    _fault("does_not_let_declined_payers_try_again", _no_second_try, "098 123 170 238"),
    _fault("does_not_record_declines", shows(sets(last_payment_error=None)), "093 094"),
    _fault(
        "gives_one_reason_for_all_declines",
        acts(_one_answer_for_all),
        "094 095a 095b 095c 095d 095e 095f 095g 095h 101b 103",
    ),
    # -- actions
    _fault(
        "charges_without_authentication",
        takes_method(AUTHENTICATION, CARD),
        "099 101 101a 101b 101c 102 102a 102b 103 228",
    ),
    _fault(
        "asks_absent_payers_to_authenticate",
        hears(drops("off_session", "error_on_requires_action"), "confirm"),
        "101 101a 101b 101c 101d 102 102a 102b 103 127 189 228",
    ),
    _fault("takes_failed_authentications_for_good_ones", acts(_authenticating_all), "124"),
    _fault(
        "has_actions_of_an_unpublished_type",
        shows(inside("next_action", sets(type="open_page")), status="requires_action"),
        "036",
    ),
    _fault(
        "sends_payers_nowhere",
        shows(inside("next_action", inside("redirect_to_url", sets(return_url=None))), status="requires_action"),
        "100",
    ),
    _fault("has_actions_as_text", shows(sets(next_action="redirect_to_url"), status="requires_action"), "035 161"),
    # -- transitions
    _altered("does_not_cancel_pending_payments", _cancels(lambda known: known - {"requires_action"}), "139b"),
    _altered("does_not_release_holds", _cancels(lambda known: known - {"requires_capture"}), "139c 228"),
    _altered("cancels_paid_intents", _cancels(lambda known: known | {"succeeded"}), "143 145 145a 191 228"),
    _fault(
        "charges_as_soon_as_there_is_a_method",
        hears(where(lambda m: "payment_method" in m, sets(confirm="true")), "create"),
        "027 041 042 083 111a 190",
    ),
    # -- errors
    _fault(
        "has_flat_errors",
        says(flattens),
        "010 010a 012 038b 038c 039b 039c 043a 045b 047a 062 062a 062b 091a 094 095a 095b 095c 095d 095e 095f "
        "095g 095h 096 097 101b 103 104b 104c 107a 107b 107c 145a 145c 154 162 167a 169a 196a",
    ),
    _fault("has_errors_without_type", tells(drops("type")), "010 010a 062 091a 094 107a 155 156 158 167a 169a"),
    _fault("has_errors_without_message", tells(drops("message")), "160"),
    _fault(
        "calls_everything_authentication", tells(sets(type="authentication_error"), "create", status=400), "155a 167a"
    ),
    _fault("calls_everything_rate_limit", tells(sets(type="rate_limit_error"), "create", status=400), "155b 167a"),
    _fault(
        "has_codes_of_its_own",
        tells(sets(code="bad_things_happened"), "create", status=400),
        "038b 039b 043a 045b 047a 157 159",
    ),
    _fault(
        "breaks_on_bad_input",
        answers(500, "create", when=400),
        "005 038 038a 038b 038c 039 039a 039b 039c 043 043a 044 045 045a 045b 046 047 047a 048 049 052 054 055 "
        "056 057 058 125 162 167 167a 168 174 187 192",
    ),
    _fault(
        "refuses_in_html",
        says(in_html, *EVERYWHERE),
        "003 010 010a 012 038b 038c 039b 039c 043a 045b 047a 062 062a 062b 084b 084c 084d 085b 091a 094 095a 095b "
        "095c 095d 095e 095f 095g 095h 096 097 101b 103 104b 104c 107a 107b 107c 135a 137a 137c 145a 145c 154 162 "
        "167a 169a 196a",
    ),
    _fault("does_not_find_intents_without_a_word", says(_empty, *EVERYWHERE), "062 062a 062b 154 196a"),
    _fault(
        "has_lists_of_errors",
        says(_in_a_list, "create"),
        "010 010a 012 038b 038c 039b 039c 043a 045b 047a 154 162 167a",
    ),
    _fault(
        "answers_refused_captures_and_cancels_with_success",
        answers(200, "capture", "cancel", when=400),
        "019 020 021 022 023 023a 024 025 134 135 135a 136 136a 136b 136c 136d 137 137a 137b 137c 138 143 144 145 "
        "145a 145b 145c 147 169 169a 220 225 228",
    ),
    _fault(
        "calls_refusals_errors_of_its_own",
        tells(sets(type="api_error"), "update", "confirm", "capture", "cancel", status=400),
        "107a 169a",
    ),
    _fault(
        "does_not_tell_missing_from_unknown",
        tells(where(lambda e: e.get("code") in MISSING_OR_UNKNOWN, sets(code="payment_intent_invalid_parameter"))),
        "038b 039b 047a",
    ),
    _fault("names_no_parameters", tells(drops("param")), "038c 039c 062b 162"),
    # -- idempotency
    _fault(
        "ignores_idempotency_keys",
        acts(lambda asked, serve: serve(asked.sending(idempotency_key=None))),
        "174 239",
    ),
    _fault("takes_repeated_creates_for_one", takes_repeats_for_one, "059"),
    _fault("ignores_keys_of_confirms", keys.ignores_keys("confirm"), "170 176 238 261"),
    _fault("replays_what_has_become_of_the_intent", acts(_now), "170 238"),
    _fault(
        "takes_replays_for_conflicts",
        keys.alters_replays(REPLAYED, _as_conflict),
        "164 164a 170 176 176a 176b 176c 241 260 261 262 263 264 265",
    ),
    _fault("counts_keys_whatever_the_body", keys.keeps(keys.any_body, "create", mark=REPLAYED), "167 167a 168 171"),
    _fault(
        "counts_keys_whatever_is_done",
        keys.keeps(keys.any_operation, *CHANGES, mark=REPLAYED),
        "167 167a 168 169 169a 171",
    ),
    _fault(
        "finds_new_intents_late",
        stores_late(),
        (
            "004 013 053 060 060a 060b 060c 060d 060e 060f 060g 077 078 079 080 083 120 121 122 124 133a 213 "
            "228 234a 234b 237 291"
        ),
    ),
    _fault(
        "retrieves_from_a_copy_that_lags",
        lags("confirm", "update", "cancel"),
        (
            "060c 060e 060f 060g 077 078 079 080 082 083 092 093 094 101c 120 121 122 129 133a 135b 184 191 "
            "208 213 228 234b"
        ),
    ),
    _fault("does_not_know_whether_to_try_again", says(_undecided, "create"), "179"),
    _fault("knows_basic_for_creates_alone", acts(_basic_for_creates_alone), "006"),
    _fault(
        "sends_payers_to_no_url",
        shows(inside("next_action", inside("redirect_to_url", sets(url=None))), status="requires_action"),
        "100",
    ),
    _fault("does_not_finish_after_the_action", _not_again, "121 190"),
]
