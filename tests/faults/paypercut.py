"""Faults of a server that claims Paypercut's contract, each with the requirements that it breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .deeds import (
    accepting,
    acts,
    charging_all_the_same,
    confirms_again,
    confirms_unknown,
    in_html,
    instead_of_refusal,
    nests,
    refuses,
    remembers,
    too_early,
    trusts,
)
from .faulty import Asked, Fault, Object, Said, Serve, ids, presents
from .lies import answers, drops, hears, inside, reads, says, sets, shows, tells, together, where

KEY = {"authorization": "Bearer sk_test_reference"}
SOUND = {"amount": 2000, "currency": "EUR"}
CARD, DECLINED, AUTHENTICATION, FOREIGN = (f"01K600000000000000000000{n}" for n in ("11", "12", "15", "16"))
THREE_D_SECURE = {"flow": "challenge", "idempotency_key": "1", "status_url": "https://example.com/3ds", "challenge": {}}


def _fault(name: str, lie: Any, breaks: str = "") -> Fault:
    return Fault(name, lie, ids("PPC", breaks))


def _method(wrong: str, instead: str) -> Any:
    return hears(reads("payment_method", lambda value: value == wrong, instead), "create", "confirm")


def _three_d_secure(**changes: Any) -> Any:
    """Has the payer authenticate by 3DS, described with these members (None: without them)."""
    members = {name: value for name, value in {**THREE_D_SECURE, **changes}.items() if value is not None}
    return shows(sets(next_action={"type": "three_d_secure", "three_d_secure": members}), status="requires_action")


def _not_expanding(asked: Asked, serve: Serve) -> Said:
    return serve(replace(asked, query="") if asked.operation == "retrieve" else asked)


def _declined(error: Object) -> bool:
    return bool(error["type"] == "card_error")


def _broken_by_declines(asked: Asked, said: Said) -> None:
    if said.status >= 400 and _declined(said.json):
        said.status = 500


def _needing_a_method(asked: Asked, serve: Serve) -> Said:
    if asked.operation == "confirm" and "payment_method" not in (asked.members or {}):
        return serve(asked.saying({"payment_method": ""}))
    return serve(asked)


def _as_manual(asked: Asked, said: Said) -> None:
    """Shows manual capture where automatic was asked for."""
    if said.succeeded and (asked.members or {}).get("capture_method") == "automatic":
        said.json = {**said.json, "capture_method": "manual"}


FAULTS = [
    _fault("charges_although_it_refuses", acts(charging_all_the_same("payment_method", CARD)), "146"),
    # -- the object
    _fault(
        "names_a_status_of_its_own", shows(sets(status="open"), status="requires_payment_method"), "008 040 041 073"
    ),
    _fault("shows_amounts_as_text", shows(lambda o: o.update(amount=str(o["amount"]))), "004 084"),
    _fault("shows_currency_as_text", shows(lambda o: o.update(currency=o["currency"]["iso"])), "005 006 007 007a"),
    _fault("leaves_livemode_out", shows(drops("livemode")), "002 010"),
    _fault(
        "shows_members_of_another_kind",
        together(
            shows(sets(livemode=True)), shows(sets(created=1767225600)), shows(sets(statement_descriptor="x" * 101))
        ),
        "009 010a 026",
    ),
    _fault(
        "numbers_methods",
        shows(where(lambda o: isinstance(o["payment_method"], str), sets(payment_method=5))),
        "011 042a 079",
    ),
    _fault("leaves_unset_methods_out", shows(where(lambda o: not o["payment_method"], drops("payment_method"))), "012"),
    _fault(
        "shows_words_of_its_own",
        together(shows(sets(capture_method="later")), shows(sets(setup_future_usage="always"))),
        "014 014a 014b 015 086",
    ),
    _fault(
        "cancels_in_its_own_words",
        together(
            shows(sets(canceled_at=1767225600), status="canceled"),
            shows(sets(cancellation_reason="bored"), status="canceled"),
            shows(sets(amount_received="0"), status="requires_payment_method"),
        ),
        "016 017 018",
    ),
    _fault("has_actions_without_type", shows(inside("next_action", drops("type"))), "019"),
    _fault("redirects_to_a_number", shows(inside("next_action", inside("redirect_to_url", sets(url=5)))), "020"),
    _fault("has_three_d_secure_without_flow", _three_d_secure(flow=None), "021"),
    _fault("has_challenges_without_challenge", _three_d_secure(challenge=None), "022"),
    _fault("has_origins_in_text", _three_d_secure(message={"allowed_origins": "https://example.com"}), "023"),
    _fault("asks_for_an_action_without_saying_which", shows(drops("next_action")), "072a"),
    _fault("numbers_payments", shows(where(lambda o: o["latest_payment"], sets(latest_payment=5))), "143"),
    _fault("expands_customers_without_created", shows(inside("customer", drops("created"))), "013 024"),
    _fault(
        "shows_the_card_number",
        shows(where(lambda o: o["payment_method"], sets(card_number="4242424242424242"))),
        "029",
    ),
    _fault("leaves_ids_out_of_cancel", shows(drops("id"), "cancel"), "002 003"),
    # -- transport
    _fault("answers_create_202", answers(202, "create"), "001a"),
    # -- authentication
    _fault("takes_basic", trusts(KEY, "create", "retrieve", "confirm", when=presents("Basic")), "131 131a"),
    _fault("answers_401_as_403", answers(403, when=401), "130 131 132"),
    _fault("tells_the_key", tells(lambda e: e.update(message="no such key: sk_test_reference"), "create"), "118"),
    # -- create
    _fault(
        "takes_whatever_create_is_sent",
        instead_of_refusal(accepting(**SOUND), "create"),
        "030 030a 030b 031 031a 032 033 034 035 036 036a 037 039 046 047 048 049 050 052 053 054 055 056 "
        "057 058 059 121 121a 137",
    ),
    _fault("takes_any_currency", hears(reads("currency", lambda value: value == "ZZZ", "EUR"), "create"), "037"),
    _fault("does_not_know_crowns", refuses(lambda members: members.get("currency") == "CZK", "create"), "038"),
    _fault("takes_any_confirm", hears(reads("confirm", lambda value: value == "yes"), "create"), "048"),
    _fault(
        "refuses_setup_future_usage",
        refuses(lambda members: "setup_future_usage" in members, "create", "confirm"),
        "136 138",
    ),
    _fault(
        "does_not_see_the_method_of_create",
        hears(drops("payment_method"), "create"),
        "025 042 042a 043 044 051 053 078 137",
    ),
    _fault(
        "confirms_every_create",
        hears(where(lambda m: "payment_method" in m, sets(confirm=True)), "create"),
        "027 040a 042 078 140",
    ),
    _fault(
        "breaks_on_bad_input",
        answers(500, "create", when=400),
        "030 030a 030b 031 031a 032 033 034 035 036 036a 037 039 045 046 047 048 049 050 052 053 054 055 "
        "056 057 058 059 137 142",
    ),
    # -- confirm
    _fault("charges_declined_cards", _method(DECLINED, CARD), "073 074 087"),
    _fault("numbers_its_reasons", tells(where(_declined, sets(decline_code=51))), "076"),
    _fault("breaks_on_declines", says(_broken_by_declines), "142"),
    _fault(
        "takes_whatever_confirm_is_sent",
        instead_of_refusal(accepting(payment_method=CARD), "confirm", kept=(401, 404, 409, 422)),
        "080 088 139",
    ),
    _fault("confirms_unknown_intents", acts(confirms_unknown(SOUND)), "081 081a"),
    _fault(
        "confirms_canceled_intents",
        confirms_again(
            lambda o: o.update(status="succeeded", amount_received=o["amount"]), "canceled", "payment_method"
        ),
        "082 087 116 117 141",
    ),
    _fault(
        "has_no_word_for_no_method",
        shows(where(lambda o: not o["payment_method"], sets(payment_method="")), "create"),
        "012a",
    ),
    _fault(
        "wants_another_confirm_after_the_action",
        remembers(
            where(lambda o: o["status"] == "succeeded", sets(status="requires_confirmation")),
            lambda asked, said: b"requires_action" in said.body,
        ),
        "077",
    ),
    _fault("pays_twice", confirms_again(sets(latest_payment="second")), "083 083a"),
    _fault("answers_canceled_intents_404", answers(404, "confirm", when=409), "116"),
    _fault("holds_nothing", shows(sets(amount_capturable=0)), "085"),
    _fault("answers_confirm_too_early", acts(too_early), "028 070 071 072 078 086 140 145"),
    _fault(
        "reopens_succeeded_intents",
        remembers(
            sets(status="requires_payment_method"),
            lambda a, s: a.operation == "retrieve" and s.succeeded and s.json["status"] == "succeeded",
        ),
        "083 141",
    ),
    # -- errors
    _fault("nests_its_errors", says(nests), "030b 031 031a 036a 075 075a 110a 111 114 115 117 121 130a 131a 132a"),
    _fault("has_errors_in_html", says(in_html), "001b 030b 031 031a 036a 075 075a 110 117 121 130a 131a 132a 144"),
    _fault("numbers_its_errors", tells(sets(code=1001), "create"), "031 036a 112 130a 131a 132a"),
    _fault("names_parameters_in_lists", tells(sets(param=["amount"]), "create", status=400), "031a 113"),
    # -- idempotency
    _fault(
        "ignores_idempotency_keys",
        acts(lambda asked, serve: serve(asked.sending(idempotency_key=None))),
        "120 121 121a",
    ),
]
