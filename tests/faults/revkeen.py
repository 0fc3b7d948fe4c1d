"""Faults of a server that claims RevKeen's contract, each with the requirements that it breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .deeds import accepting, acts, confirms_again, flattens, in_html, instead_of_refusal, refuses, too_early, trusts
from .faulty import Asked, Fault, Said, Serve, ids, presents
from .lies import answers, drops, hears, inside, reads, says, sets, shows, tells, together, where

KEY = {"x_api_key": "rk_sandbox_reference"}
CUSTOMER, CARD, DECLINED, AUTHENTICATION = (f"5e7f0000-0000-4000-8000-0000000000{n}" for n in ("01", "11", "12", "15"))
SOUND = {"amount": 5000, "customer": CUSTOMER}


def _fault(name: str, lie: Any, breaks: str = "") -> Fault:
    return Fault(name, lie, ids("RVK", breaks))


def _method(wrong: str, instead: str) -> Any:
    return hears(reads("payment_method", lambda value: value == wrong, instead), "create", "confirm")


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
    _fault(
        "names_a_status_of_its_own",
        shows(sets(status="requires_source"), status="requires_payment_method"),
        "010 010a 044 079b",
    ),
    _fault(
        "holds_in_requires_capture",
        shows(where(lambda o: o["amount_capturable"], sets(status="requires_capture")), status="processing"),
        "010a 084",
    ),
    _fault(
        "has_no_status_before_confirm", shows(sets(status=None), status="requires_payment_method"), "010 010a 044 079b"
    ),
    _fault("leaves_amount_received_out", shows(drops("amount_received")), "002 006 046 078a 083"),
    _fault(
        "shows_members_of_another_kind",
        together(shows(sets(object="payment")), shows(sets(livemode="no")), shows(sets(capture_method="later"))),
        "003 009 009a 011 011a 011b 012",
    ),
    _fault("has_ids_without_prefix", acts(_renamed), "005"),
    _fault("shows_created_as_text", shows(sets(created="2026-01-01T00:00:00Z")), "007"),
    _fault("counts_created_in_milliseconds", shows(lambda o: o.update(created=o["created"] * 1000)), "007a"),
    _fault(
        "cancels_in_its_own_words",
        together(
            shows(sets(canceled_at=1767225600), status="canceled"),
            shows(sets(cancellation_reason="bored"), status="canceled"),
        ),
        "008 021",
    ),
    _fault("shows_no_client_secret_on_retrieve", shows(drops("client_secret"), "retrieve"), "002 015"),
    _fault("shows_customers_as_objects", shows(lambda o: o.update(customer={"id": o["customer"]})), "014a 016"),
    _fault(
        "shows_methods_with_prefix",
        shows(where(lambda o: o["payment_method"], sets(payment_method="pm_1"))),
        "017 045a",
    ),
    _fault("has_actions_of_another_type", shows(inside("next_action", sets(type="redirect"))), "018"),
    _fault(
        "redirects_without_return_url",
        shows(inside("next_action", inside("redirect_to_url", drops("return_url")))),
        "019 077",
    ),
    _fault("asks_for_an_action_without_saying_which", shows(sets(next_action=None)), "076a"),
    _fault("has_last_errors_without_message", shows(inside("last_payment_error", drops("message"))), "020"),
    _fault("shows_metadata_as_a_list", shows(sets(metadata=["order"])), "022 022a"),
    _fault(
        "shows_descriptions_as_lists", shows(where(lambda o: o["description"], sets(description=["Order"]))), "023 156"
    ),
    _fault(
        "describes_what_was_not_described",
        shows(where(lambda o: not o["description"], sets(description="Payment"))),
        "023a",
    ),
    _fault("cancels_in_advance", shows(sets(canceled_at="2026-01-01T00:00:00Z"), "create"), "046a"),
    _fault("leaves_ids_out_of_cancel", shows(drops("id"), "cancel"), "002 004"),
    # -- transport
    _fault("has_other_statuses_for_success", together(answers(201, "create"), answers(202, "confirm")), "001 070"),
    _fault(
        "has_headers_of_its_own",
        together(
            says(lambda asked, said: said.headers.pop("RevKeen-Version")),
            says(lambda asked, said: said.headers.pop("WWW-Authenticate", None)),
        ),
        "143 146 147",
    ),
    # -- authentication
    _fault("lets_readers_write", trusts(KEY, "create", when=presents("read_only")), "144"),
    _fault("answers_401_as_403", answers(403, when=401), "140 141"),
    # -- create
    _fault(
        "takes_currencies_of_any_length",
        hears(reads("currency", lambda value: isinstance(value, str) and len(value) != 3, "USD"), "create"),
        "036 113b 150",
    ),
    _fault(
        "counts_characters_wrongly",
        together(
            refuses(lambda members: len(str(members.get("description", ""))) > 255, "create"),
            refuses(lambda m: 20 < len(str(m.get("statement_descriptor", ""))) < 23, "create"),
            refuses(lambda m: 20 < len(str(m.get("statement_descriptor_suffix", ""))) < 23, "create"),
        ),
        "038a 039a 039b 149",
    ),
    _fault(
        "answers_bad_input_422", answers(422, "create", when=400), "030 031 032 033 034 036 037 038 039 040 041 042 043"
    ),
    _fault(
        "breaks_on_bad_input",
        answers(500, "create", when=400),
        "030 031 032 033 034 035 036 037 038 039 040 041 042 043 113 113a 113b 115 115b 150 155",
    ),
    _fault("takes_euros_by_default", hears(lambda members: members.setdefault("currency", "EUR"), "create"), "013"),
    _fault(
        "changes_what_it_was_sent",
        together(
            shows(lambda o: o.update(amount=round(o["amount"], -1))),
            hears(reads("currency", lambda value: value == "EUR", "USD"), "create"),
        ),
        "014 014b",
    ),
    _fault("does_not_see_the_method_of_create", hears(drops("payment_method"), "create"), "045 045a 071 071a 150"),
    _fault(
        "starts_in_processing", shows(sets(status="processing"), "create", status="requires_payment_method"), "044 153"
    ),
    # -- confirm
    _fault("refuses_return_urls", refuses(lambda members: "return_url" in members, "confirm"), "076 077 151"),
    _fault("charges_declined_cards", _method(DECLINED, CARD), "079 079a 079b"),
    _fault(
        "takes_whatever_confirm_is_sent",
        instead_of_refusal(accepting(payment_method=CARD), "confirm", kept=(401, 403, 404)),
        "072 072a 072b 073 074 079 079a 079b 115a 152",
    ),
    _fault("answers_unknown_intents_400", answers(400, "confirm", when=404), "075"),
    _fault("answers_with_another_intent", shows(sets(id="pi_another"), "confirm"), "070a"),
    _fault("charges_twice", confirms_again(lambda o: o.update(amount_received=2 * o["amount"])), "081 081a"),
    _fault("confirms_canceled_intents", confirms_again(sets(status="succeeded"), "canceled"), "082 154"),
    _fault("answers_confirm_too_early", acts(too_early), "071 071a 076 078 078a 080 083 084"),
    # -- errors
    _fault("has_flat_errors", says(flattens), "110a 113 113a 113b 115 115a 115b 123a 140a 140b"),
    _fault("has_errors_in_html", says(in_html), "001a 110 110a 113 113a 113b 115 115a 115b 123a 140a 140b"),
    _fault("has_errors_without_message", tells(drops("message")), "111"),
    _fault("has_codes_of_its_own", tells(sets(code="bad_request")), "115b 116 123a 140b"),
    _fault("names_parameters_in_lists", tells(sets(param=["amount"]), "create", status=400), "112 113 113a 113b"),
    _fault("explains_in_other_ways", tells(inside("details", sets(fields=["amount"]))), "114"),
    _fault("tells_the_key", tells(lambda e: e.update(message=f"key {KEY['x_api_key']} may not"), "create"), "117"),
    # -- idempotency
    _fault(
        "ignores_idempotency_keys",
        acts(lambda asked, serve: serve(asked.sending(idempotency_key=None))),
        "120 123 123a",
    ),
]
