"""Faults of a server that claims Dots' contract, each with the requirements that it breaks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID, uuid5

from conformance.reference.wire import Asked, Lie, Object, Said, Serve

from .deeds import (
    accepting,
    acts,
    answers_with,
    charging_all_the_same,
    confirms_again,
    confirms_unknown,
    in_html,
    instead_of_refusal,
    refuses,
    remembers,
    takes_repeats_for_one,
    trusts,
)
from .fault import lying
from .keys import KEY as IDEMPOTENCY_KEY
from .lies import anonymous, answers, drops, hears, reads, says, sets, shows, tells, together, where
from .listing import hides, wrapped

KEY = {"authorization": "Basic cmVmZXJlbmNlLWNsaWVudDpyZWZlcmVuY2Uta2V5"}
SOUND = {"amount": 123, "currency": "usd"}
CARD, DECLINED, AUTHENTICATION = (f"d0750000-0000-4000-8000-0000000000{n}" for n in ("11", "12", "15"))
NOT_FOUND = {"error": "not-found", "message": "Nothing is served here"}
UNKNOWN_HEADER = {"error": "invalid-input", "message": "Idempotency-Key is not known"}
NOBODYS = "5b0d1f5e-52a7-4c0a-9f54-3f3a1f6f2c11"


def _method(wrong: str, instead: str) -> Any:
    return hears(reads("payment_method_id", lambda value: value == wrong, instead), "create", "confirm")


def _not_uuid(value: Any) -> bool:
    return bool(value == "x")


def _renamed(asked: Asked, serve: Serve) -> Said:
    """Puts a prefix before its ids."""
    said = serve(replace(asked, path=asked.path.replace("/pi_", "/")))
    said.body = said.body.replace(b'"id": "', b'"id": "pi_')
    return said


def _in_lists(asked: Asked, said: Said) -> None:
    if said.succeeded:
        said.json = [said.json]


def _confirming(asked: Asked, serve: Serve) -> Said:
    """Shows every new intent as one that is paid."""
    said = serve(asked)
    if asked.operation == "create" and said.succeeded:
        said.json = {**said.json, "status": "succeeded"}
    return said


def _shows_another() -> Lie:
    """Answers a retrieve with the intent that was made before the one asked for."""
    made: list[str] = []

    def lie(asked: Asked, serve: Serve) -> Said:
        if asked.operation == "retrieve" and asked.intent in made[1:]:
            other = made[made.index(asked.intent) - 1]
            return serve(replace(asked, path=asked.path.replace(asked.intent, other)))
        said = serve(asked)
        if asked.operation == "create" and said.succeeded:
            made.append(said.json["id"])
        return said

    return lie


def _counts_views() -> Lie:
    """Says with each retrieve how many there have been."""
    views = count(1)

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation == "retrieve" and said.succeeded:
            said.json = {**said.json, "views": next(views)}
        return said

    return lie


def _adds_interest() -> Lie:
    """Has a cent more to pay with each retrieve."""
    cents = count(1)
    return shows(lambda o: o.update(amount=o["amount"] + next(cents)), "retrieve")()


def _key_with_amount(members: Object) -> None:
    """Takes a key for another one where the amount is another."""
    if "idempotency_key" in members:
        members["idempotency_key"] = str(uuid5(UUID(members["idempotency_key"]), str(members.get("amount"))))


def _listing(asked: Asked) -> bool:
    return asked.operation == "list"


def _refused_confirm(asked: Asked, said: Said) -> bool:
    return asked.operation == "confirm" and said.status == 400


_fault = partial(lying, "DOT")

FAULTS = [
    # -- the object
    _fault(
        "names_a_status_of_its_own", shows(sets(status="open"), status="requires_payment_method"), "008 038 077 136"
    ),
    _fault("shows_no_status", shows(drops("status")), "009"),
    _fault("shows_amounts_as_text", shows(lambda o: o.update(amount=str(o["amount"]))), "005 006"),
    _fault("leaves_currency_out", shows(drops("currency")), "002 007 070a"),
    _fault("shows_currency_in_capitals", shows(sets(currency="USD")), "007"),
    _fault("has_ids_with_prefix", acts(_renamed), "004 096"),
    _fault("shows_metadata_as_a_boolean", shows(where(lambda o: "metadata" in o, sets(metadata=True))), "010 059a"),
    _fault(
        "shows_references_of_another_kind",
        together(
            shows(where(lambda o: "user_id" in o, sets(user_id="pat"))),
            shows(where(lambda o: "transfer_id" in o, sets(transfer_id=5))),
            shows(where(lambda o: "payment_method_id" in o, sets(payment_method_id="pm_1"))),
        ),
        "011 012 013 044 044a 047 074",
    ),
    _fault("numbers_secrets", shows(sets(client_secret=5), "create"), "014"),
    _fault("has_no_secrets", shows(drops("client_secret")), "015"),
    _fault(
        "shows_secrets_for_ever",
        together(shows(sets(client_secret="secret"), "retrieve"), shows(sets(client_secret="secret"), "confirm")),
        "016 017",
    ),
    _fault("shows_null_for_unset", shows(lambda o: o.setdefault("user_id", None)), "018"),
    _fault(
        "shows_the_card_number",
        shows(where(lambda o: "payment_method_id" in o, sets(card="4242 4242 4242 4242"))),
        "020",
    ),
    _fault("answers_with_lists", says(_in_lists, "confirm"), "132"),
    # -- transport
    _fault("has_other_statuses_for_success", together(answers(201, "create"), answers(202, "confirm")), "001 070"),
    _fault(
        "serves_confirm_by_get",
        acts(
            lambda asked, serve: (
                serve(asked)
                if asked.method == "POST" or not asked.path.endswith("/confirm")
                else serve(asked.retrieving())
            )
        ),
        "083",
    ),
    # -- authentication
    _fault("lets_anyone_confirm", trusts(KEY, "confirm", when=anonymous), "121 121a"),
    _fault("lets_anyone_list", trusts(KEY, "list", when=anonymous), "121b 121c"),
    _fault(
        "takes_anything",
        trusts(KEY, "create", "retrieve", "confirm", "list"),
        "121 121a 121b 121c 122 122a 122b 123 124 125",
    ),
    _fault("knows_no_organisations", acts(lambda asked, serve: serve(asked.sending(api_app_id=None))), "126"),
    # -- create
    _fault("refuses_small_amounts", refuses(lambda members: members.get("amount") == 1, "create"), "035 128"),
    _fault("takes_any_currency", hears(reads("currency", lambda value: value != "usd", "usd"), "create"), "036 129"),
    _fault("confirms_every_create", acts(_confirming), "038 133 134 136 136a 140"),
    _fault("does_not_confirm_at_create", hears(drops("confirm"), "create"), "039 040 041 129"),
    _fault(
        "refuses_payment_method_types", refuses(lambda members: "payment_method_types" in members, "create"), "048 128"
    ),
    _fault(
        "refuses_setup_future_usage", refuses(lambda members: "setup_future_usage" in members, "create"), "051 051a"
    ),
    _fault(
        "refuses_fees",
        refuses(lambda members: members.get("application_fee_amount") in (0, 1), "create"),
        "053 053a 128",
    ),
    _fault("refuses_metadata", refuses(lambda members: "metadata" in members, "create"), "058 059 059a 060"),
    _fault("takes_repeated_creates_for_one", takes_repeats_for_one, "062"),
    _fault(
        "breaks_on_bad_input",
        answers(500, "create", when=400),
        "030 031 032 033 034 036 037 039 042 043 045 046 049 050 052 054 055 056 057 061 063 103 129",
    ),
    # -- confirm
    _fault("charges_declined_cards", _method(DECLINED, CARD), "084 085 085a"),
    _fault("never_asks_for_authentication", _method(AUTHENTICATION, CARD), "135"),
    _fault(
        "takes_null_for_a_method",
        hears(reads("payment_method_id", lambda value: value is None, CARD), "confirm"),
        "076a 130",
    ),
    _fault(
        "takes_whatever_confirm_is_sent",
        instead_of_refusal(accepting(payment_method_id=CARD), "confirm"),
        "075 076 076a 077 078 130",
    ),
    _fault(
        "refuses_good_methods",
        refuses(lambda members: members.get("payment_method_id") == CARD, "confirm"),
        "070a 071 072 073 086 131 140",
    ),
    _fault("confirms_unknown_intents", acts(confirms_unknown(SOUND)), "079 079a 080"),
    _fault("answers_unknown_intents_400", answers(400, "confirm", "retrieve", when=404), "079a 092"),
    _fault("words_the_404_otherwise", tells(sets(error="not found"), "retrieve", status=404), "093"),
    _fault("transfers_twice", confirms_again(sets(transfer_id=NOBODYS)), "082"),
    _fault("charges_although_it_refuses", acts(charging_all_the_same("payment_method_id", CARD)), "077 081"),
    _fault(
        "cancels_declined_payments",
        shows(sets(status="canceled"), "confirm", "retrieve", "list", status="failed"),
        "085",
    ),
    # -- retrieve
    _fault("shows_another_intent", _shows_another, "074 077 090 137 137a 137b 139 140"),
    _fault("has_another_status_for_retrieve", answers(203, "retrieve"), "090a"),
    _fault("shows_hundredfold_amounts", shows(lambda o: o.update(amount=o["amount"] * 100), "retrieve"), "091 139 140"),
    _fault(
        "lets_intents_go_stale", shows(sets(status="created"), "retrieve", status="requires_payment_method"), "137 140"
    ),
    _fault(
        "forgets_payments",
        shows(sets(status="requires_confirmation"), "retrieve", status="succeeded"),
        "086 134 137a 139 140",
    ),
    _fault("gives_up_on_payers", shows(sets(status="failed"), "retrieve", status="requires_action"), "137b 139"),
    _fault("adds_interest", _adds_interest, "081 091 138 138a 139 140"),
    _fault("counts_views", _counts_views, "138a"),
    # -- list
    _fault("has_no_list", answers_with(404, NOT_FOUND, _listing), "094 097"),
    _fault("has_another_status_for_lists", answers(206, "list"), "094a"),
    _fault("wraps_lists", says(wrapped, "list"), "094 095 097"),
    _fault("lists_intents_without_currency", shows(drops("currency"), "list"), "002 007 096"),
    _fault("lists_intents_without_status", shows(drops("status"), "list"), "009 096a"),
    _fault("lists_secrets", shows(sets(client_secret="secret"), "list"), "016a"),
    _fault("lists_paid_intents_only", hides(lambda intent: intent["status"] != "succeeded"), "097"),
    _fault("lists_old_statuses", shows(sets(status="requires_confirmation"), "list", status="succeeded"), "134"),
    # -- lifecycle
    _fault(
        "cancels_what_it_refuses_to_confirm",
        remembers(sets(status="canceled"), _refused_confirm),
        "081 082 134 139 140",
    ),
    _fault("opens_paid_intents_again", confirms_again(sets(status="requires_action")), "082 134 140"),
    # -- idempotency
    _fault("refuses_keys", refuses(lambda members: "idempotency_key" in members, "create"), "110"),
    _fault("ignores_keys", hears(drops("idempotency_key"), "create"), "111"),
    _fault("takes_another_amount_for_another_key", hears(_key_with_amount, "create"), "112"),
    _fault(
        "refuses_keys_in_headers",
        answers_with(400, UNKNOWN_HEADER, lambda asked: IDEMPOTENCY_KEY in asked.headers),
        "113",
    ),
    # -- errors
    _fault("has_errors_in_html", says(in_html), "100"),
    _fault("says_nothing_in_errors", tells(drops("error", "message")), "093a 101 104"),
    _fault("has_errors_of_several_shapes", tells(sets(code="bad"), "confirm"), "102 104"),
]
