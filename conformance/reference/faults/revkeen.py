"""Faults of a server that claims RevKeen's contract, each with the requirements that it breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from conformance.reference.idempotency import Idempotency, always, per_account
from conformance.reference.policies import Policies
from conformance.reference.wire import Asked, Lie, Object, Said, Serve

from . import faltering, keys, listing
from .deeds import (
    accepting,
    acts,
    captured,
    coded,
    confirms_again,
    counting,
    failing,
    flattens,
    if_refused,
    in_html,
    in_status,
    instead_of_refusal,
    loses,
    refuses,
    refusing,
    remembers,
    showing,
    too_early,
    trusts,
    unchanged,
)
from .fault import altered, lying
from .lies import (
    OPERATIONS,
    Maker,
    anonymous,
    answers,
    both,
    drops,
    hears,
    inside,
    presents,
    reads,
    says,
    sets,
    shows,
    takes_method,
    tells,
    together,
    where,
)

KEY = {"x_api_key": "rk_sandbox_reference"}
CUSTOMER, CARD, DECLINED, AUTHENTICATION = (f"5e7f0000-0000-4000-8000-0000000000{n}" for n in ("01", "11", "12", "15"))
ALL = (*OPERATIONS, "list", "update", "capture")
REPLAYED = "Idempotency-Replayed"
UNCONFIRMED = ("requires_payment_method", "requires_confirmation")
_AMOUNTS = ("amount", "amount_capturable", "amount_received")


def _renamed(asked: Asked, serve: Serve) -> Said:
    """Calls its intents by another prefix."""
    heard = replace(asked, path=asked.path.replace("/intent_", "/pi_"), query=asked.query.replace("=intent_", "=pi_"))
    said = serve(heard)
    said.body = said.body.replace(b'"id": "pi_', b'"id": "intent_')
    return said


def _status_of_refused(code: str, status: int, *operations: str) -> Maker:
    """Gives refusals with this code another HTTP status."""

    def altered(asked: Asked, said: Said) -> None:
        if said.status == 400 and said.json["error"]["code"] == code:
            said.status = status

    return says(altered, *operations)


def _demanding_bodies(asked: Asked, serve: Serve) -> Said:
    """Has no use for a request that says nothing."""
    empty = asked.operation in ("confirm", "capture", "cancel") and not asked.body
    return refusing(asked, serve) if empty else serve(asked)


def _carrying_out_and_refusing(members: Object) -> Lie:
    """Carries out a request with these members, and refuses the one that was made."""

    def lie(asked: Asked, serve: Serve) -> Said:
        serve(asked.saying(members))
        return refusing(asked, serve)

    return lie


def _refused(*operations: str) -> Callable[[Asked, Said], object]:
    """For ``remembers``: one of these operations was refused."""
    return lambda asked, said: asked.operation in operations and said.status == 400


def _more_than_held(asked: Asked, serve: Serve) -> Said:
    """Collects what it is asked for, however much is held."""
    said = serve(asked.saying({}))
    said.json = {**said.json, "amount_received": (asked.members or {})["amount_to_capture"]}
    return said


def _taking_text_for_numbers(members: Object) -> None:
    amount = members.get("amount_to_capture")
    if isinstance(amount, str | float):
        members["amount_to_capture"] = int(float(amount)) if str(amount)[0].isdigit() else amount


def _captured_by(asked: Asked, said: Said) -> bool:
    return asked.operation == "capture" and said.succeeded


def _broken_by_limits(asked: Asked, said: Said) -> None:
    if int(listing.query_of(asked).get("limit", 0)) > 100:
        said.status = 500


def _exclusively(query: Object) -> None:
    """Takes the bounds of a time to be outside of it."""
    for bound, step in (("created_gte", 1), ("created_lte", -1)):
        if query.get(bound, "").isdigit():
            query[bound] = str(int(query[bound]) + step)


def _unheard(operation: str) -> Lie:
    """Answers an operation with the intent as it was, whatever is asked, and does nothing."""

    def lie(asked: Asked, serve: Serve) -> Said:
        if asked.operation != operation:
            return serve(asked)
        return showing(unchanged)(asked, serve)

    return lie


def _confirms_by_update(asked: Asked, serve: Serve) -> Said:
    """Takes an update for a confirm once it is done."""
    said = serve(asked)
    if asked.operation != "update" or not said.succeeded:
        return said
    path = f"{asked.path}/confirm"
    return serve(replace(asked, path=path).sending(idempotency_key=None).saying({"payment_method": CARD}))


def _told_in_the_body(said: Said) -> None:
    if said.succeeded:
        said.json = {**said.json, "replayed": True}


def _refused_for_the_key(said: Said) -> None:
    if not said.succeeded:
        said.status = 409


_FORGETTING = sets(metadata={}, description=None)
_VOID = where(
    lambda o: o["status"] == "succeeded", sets(status="canceled", amount_received=0, canceled_at="2026-01-01T00:00:00Z")
)


def _by(*operations: str) -> Callable[[Asked, Said], object]:
    """For ``remembers``: one of these operations went through."""
    return lambda asked, said: asked.operation in operations and said.succeeded


def _at_once(asked: Asked, serve: Serve) -> Said:
    """Charges a payment method as soon as it is named."""
    said = serve(asked)
    if asked.operation != "create" or not said.succeeded or said.json["payment_method"] is None:
        return said
    path = f"{asked.path}/{said.json['id']}/confirm"
    return serve(replace(asked, path=path).sending(idempotency_key=None).saying({}))


def _in_dollars(intent: Object) -> None:
    """Shows all amounts in major units, as text."""
    intent.update({name: f"{intent[name] / 100:.2f}" for name in _AMOUNTS})


def _with_fee(intent: Object) -> None:
    """Adds what the payment cost to what it brought."""
    if intent["amount_received"]:
        intent["amount_received"] += 30


def _in_a_list(asked: Asked, said: Said) -> None:
    """Has several errors for every refusal, the one that there is among them."""
    if said.status >= 400:
        said.json = {"errors": [said.json["error"]]}


def _with_nothing(asked: Asked, said: Said) -> None:
    """Sends the status alone."""
    if said.status == 404:
        said.body = b""


def _successfully(asked: Asked, said: Said) -> None:
    """Tells in the body alone that a request is refused."""
    if said.status == 400:
        said.status = 200
        said.json = {"success": False, **said.json}


def _already_reported(said: Said) -> None:
    """Has a status of its own for what was done before."""
    if said.succeeded:
        said.status = 208


def _by_amount(asked: Asked, serve: Serve, first: Said, refusal: Said) -> Said:
    """For ``in_conflict``: two requests for one amount are the same to it."""
    return first if (asked.members or {}).get("amount") == first.json.get("amount") else refusal


def _another_behind_replays(asked: Asked, serve: Serve) -> Said:
    """Gives the first answer again, and carries the request out again."""
    said = serve(asked)
    if REPLAYED in said.headers and asked.operation == "create":
        serve(asked.sending(idempotency_key=None))
    return said


def _one_more(query: Object) -> None:
    """Looks one intent ahead, and shows it too."""
    if query.get("limit", "") in map(str, range(1, 100)):
        query["limit"] = str(int(query["limit"]) + 1)


def _from_the_top(asked: Asked, serve: Serve) -> Said:
    """Turns back to the first page, whatever stands right before the cursor."""
    query = listing.query_of(asked)
    if asked.operation != "list" or "ending_before" not in query or "limit" not in query:
        return serve(asked)
    size = int(query["limit"])
    whole = serve(listing.asking(asked, {**query, "limit": "100"}))
    if whole.succeeded:
        whole.json = {**whole.json, "data": whole.json["data"][:size], "has_more": len(whole.json["data"]) > size}
    return whole


def _nested_metadata(members: Object) -> bool:
    """The metadata of a request holds an object or a list."""
    metadata = members.get("metadata")
    return isinstance(metadata, dict) and any(isinstance(value, dict | list) for value in metadata.values())


def _is_none_of_its_own(method: Any) -> bool:
    """A payment method that looks like one and is nobody's."""
    return isinstance(method, str) and len(method) == len(CARD) and not method.startswith(CARD[:8])


def _same_key_everywhere(policies: Policies) -> Policies:
    """Keeps one answer for a key, whatever operation and intent it came with."""
    return replace(policies, idempotency=Idempotency(per_account, always))


def _collecting_at_once(policies: Policies) -> Policies:
    """Does not look at how an intent is to be captured."""
    return replace(policies, lifecycle=replace(policies.lifecycle, captures_later=lambda intent: False))


def _holding(policies: Policies) -> Policies:
    """Holds the money of every intent until somebody captures it."""
    return replace(policies, lifecycle=replace(policies.lifecycle, captures_later=lambda intent: True))


def _creating_with_201(policies: Policies) -> Policies:
    """Answers a create as the books on HTTP have it."""
    return replace(policies, success={"create": 201})


_fault = partial(lying, "RVK")
_altered = partial(altered, "RVK")

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
    _fault("leaves_amount_received_out", shows(drops("amount_received")), "002 006 046 078a 083 085 086a 086b"),
    _fault(
        "shows_members_of_another_kind",
        shows(sets(object="payment", livemode="no", capture_method="later"), *ALL),
        "003 009 009a 011 011a 011b 012 053 085f 085g",
    ),
    _fault("has_ids_without_prefix", acts(_renamed), "005"),
    _fault("shows_created_as_text", shows(sets(created="2026-01-01T00:00:00Z")), "007 007a 168a"),
    _fault("counts_created_in_milliseconds", shows(lambda o: o.update(created=o["created"] * 1000)), "007a 063 168a"),
    _fault(
        "cancels_in_its_own_words",
        together(
            shows(sets(canceled_at=1767225600), status="canceled"),
            shows(sets(cancellation_reason="bored"), status="canceled"),
        ),
        "008 021 092a",
    ),
    _fault("shows_no_client_secret_on_retrieve", shows(drops("client_secret"), "retrieve"), "002 015"),
    _fault(
        "shows_customers_as_objects", shows(lambda o: o.update(customer={"id": o["customer"]})), "014a 016 085g 168a"
    ),
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
    _fault("shows_metadata_as_a_list", shows(sets(metadata=["order"])), "022 022a 168a"),
    _fault(
        "shows_descriptions_as_lists",
        shows(where(lambda o: o["description"], sets(description=["Order"]))),
        "023 098 156",
    ),
    _fault(
        "describes_what_was_not_described",
        shows(where(lambda o: not o["description"], sets(description="Payment"))),
        "023a",
    ),
    _fault("cancels_in_advance", shows(sets(canceled_at="2026-01-01T00:00:00Z"), "create"), "046a"),
    _fault(
        "leaves_ids_out_of_cancel",
        shows(drops("id"), "cancel"),
        "002 004 091a 091b 091c 091d 091e 091f 091g 091h 092a 093 093a 125 173",
    ),
    # -- transport
    _fault("has_other_statuses_for_success", answers(201, *ALL), "001 050 052 070 085b 091 098a"),
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
    _fault("asks_for_a_key_only_to_create", trusts(KEY, "list", "capture", "cancel", when=anonymous), "140c 140d 140e"),
    _fault("answers_401_as_403", answers(403, *ALL, when=401), "140 140c 140d 140e 141 141a 141b 141c"),
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
        "030 031 032 033 034 035 035a 036 037 038 039 040 041 042 043 113 113a 113b 115 115b 129 150 155",
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
    _fault("does_not_see_the_method_of_create", hears(drops("payment_method"), "create"), "035a 045 045a 071 071a 150"),
    _fault(
        "starts_in_processing",
        shows(sets(status="processing"), "create", status="requires_payment_method"),
        "044 153",
    ),
    # -- confirm
    _fault("refuses_return_urls", refuses(lambda members: "return_url" in members, "confirm"), "076 077 151 177"),
    _fault("charges_declined_cards", takes_method(DECLINED, CARD), "079 079a 079b"),
    _fault(
        "takes_whatever_confirm_is_sent",
        instead_of_refusal(accepting(payment_method=CARD), "confirm", kept=(401, 403, 404)),
        "072 072a 072b 073 073a 074 079 079a 079b 115a 152 177",
    ),
    _fault("answers_unknown_intents_400", answers(400, *ALL, when=404), "051 075 090 097 178 178a 178b 178c"),
    _fault(
        "answers_with_another_intent",
        shows(sets(id="pi_another"), "confirm"),
        "070a",
    ),
    _fault(
        "charges_twice",
        confirms_again(lambda o: o.update(amount_received=2 * o["amount"])),
        "081 081a 132 132a 158 177 179 201 212",
    ),
    _fault("confirms_canceled_intents", confirms_again(sets(status="succeeded"), "canceled"), "082 154"),
    _fault("answers_confirm_too_early", acts(too_early), "071 071a 076 078 078a 083 084 132 132a 177 179"),
    # -- retrieve
    _fault("retrieves_another_intent", shows(sets(id="pi_another"), "retrieve"), "050a"),
    _fault(
        "retrieves_an_earlier_creation",
        shows(lambda o: o.update(created=o["created"] - 60), "retrieve"),
        "050b 070c 091h 168a",
    ),
    _fault("notes_retrieves_in_the_description", counting(lambda o, n: o.update(description=f"seen {n}")), "160a"),
    _fault(
        "charges_for_retrieves",
        counting(lambda o, n: o.update(amount=o["amount"] + n)),
        "050b 157 160 160a 177",
    ),
    _fault(
        "retrieves_what_is_not_confirmed_as_canceled",
        shows(where(lambda o: o["status"] in UNCONFIRMED, sets(status="canceled")), "retrieve"),
        "072b 092 154 161 162 177",
    ),
    _fault(
        "retrieves_pending_actions_as_done",
        shows(sets(status="succeeded"), "retrieve", status="requires_action"),
        "154 163 177",
    ),
    _fault(
        "retrieves_holds_as_requires_capture",
        shows(where(lambda o: o["amount_capturable"], sets(status="requires_capture")), "retrieve"),
        "010a 164",
    ),
    _fault(
        "retrieves_the_status_late",
        shows(
            where(lambda o: o["status"] in ("succeeded", "canceled"), sets(status="requires_confirmation")), "retrieve"
        ),
        "080 091f 095b 096b 154 159 165 166 168a 177",
    ),
    # -- list
    _fault(
        "has_list_envelopes_of_its_own",
        together(
            listing.shows_envelope(sets(object="collection", has_more="no")), listing.shows_envelope(drops("url"))
        ),
        "052a 052c 052d 064",
    ),
    _fault(
        "lists_without_envelope",
        says(listing.unwrapped, "list"),
        "052e 052f 054 055 058 059 060 062 063 065 167 168 168a 169",
    ),
    _fault(
        "lists_ids_alone",
        listing.shows_page(lambda asked, items: [item["id"] for item in items]),
        "052b 054 060 062 063 168 169",
    ),
    _fault("lists_intents_in_short", shows(drops("client_secret", "amount_received"), "list"), "002 006 015 053"),
    _fault(
        "refuses_lists_without_limit",
        listing.hears_query(lambda query: query.setdefault("limit", "none")),
        "052f 055 169",
    ),
    _fault("ignores_limits", listing.hears_query(drops("limit")), "054 056"),
    _fault("lists_all_there_is", listing.hears_query(lambda query: query.setdefault("limit", "100")), "055"),
    _fault(
        "takes_a_limit_below_1_for_none", listing.hears_query(reads("limit", lambda value: value in ("0", "-1"))), "056"
    ),
    _fault("breaks_on_an_excessive_limit", says(_broken_by_limits, "list"), "057 155"),
    _fault("ignores_cursors", listing.hears_query(drops("starting_after", "ending_before")), "058 059"),
    _fault("repeats_an_intent_on_the_next_page", listing.pages(overlap=1), "058 059"),
    _fault("lists_the_oldest_first", listing.pages(lambda items: items[::-1]), "065"),
    _fault("leaves_the_newest_out", listing.pages(lambda items: items[1:]), "060 062 063 065 168"),
    _fault("takes_a_full_page_for_one_of_several", says(listing.full_page_means_more(20), "list"), "064"),
    _fault(
        "refuses_the_page_after_the_last", says(listing.no_page_after_the_last(code="resource_missing"), "list"), "167"
    ),
    _fault("ignores_the_filter_by_status", listing.hears_query(drops("status")), "060 061 061a 170"),
    _fault("ignores_the_filter_by_customer", listing.hears_query(drops("customer")), "062 170"),
    _fault("takes_bounds_of_time_as_exclusive", listing.hears_query(_exclusively), "063"),
    _fault(
        "takes_any_filter",
        listing.hears_query(
            both(
                reads("customer", lambda value: len(value) != 36),
                reads("created_gte", lambda value: not value.isdigit()),
                reads("created_lte", lambda value: not value.isdigit()),
            )
        ),
        "170",
    ),
    _fault("refuses_bounds_of_time", listing.hears_query(reads("created_gte", bool, "none")), "063 169"),
    # -- update
    _fault("updates_nothing", acts(_unheard("update")), "098 098c 098d 098e 098f 153 176"),
    _fault("confirms_by_update", acts(_confirms_by_update), "098b 098c 153 204"),
    _fault("keeps_the_method_it_has", hears(drops("payment_method"), "update"), "098c"),
    _fault(
        "updates_whatever_the_status",
        if_refused(coded("invalid_state"), showing(unchanged), "update"),
        "098d 098e 098f 153",
    ),
    _fault("takes_whatever_update_is_sent", if_refused(coded("validation_error"), showing(unchanged), "update"), "176"),
    _fault("refuses_updates_of_the_amount", refuses(lambda members: "amount" in members, "update"), "098b 175"),
    # -- capture
    _fault("loses_what_it_captured", remembers(sets(amount_received=0), _captured_by), "085 086a 086b 132b 179 212"),
    _fault(
        "captures_a_little_less_than_all",
        hears(lambda members: members.setdefault("amount_to_capture", 4999), "capture"),
        "085",
    ),
    _fault("captures_all_for_a_part", hears(drops("amount_to_capture"), "capture"), "086a 087 087a 088 088a 172"),
    _fault(
        "keeps_the_hold_after_capture",
        remembers(lambda o: o.update(amount_capturable=o["amount"]), _captured_by),
        "085d 132b 158 177 179",
    ),
    _fault(
        "refuses_partial_captures",
        refuses(lambda members: members.get("amount_to_capture") in (1, 2000, 2500), "capture"),
        "086 086a 086c 171",
    ),
    _fault(
        "captures_more_than_is_held",
        if_refused(coded("amount_too_large"), _more_than_held, "capture"),
        "088 088a 158 177",
    ),
    _fault("takes_text_for_amounts_to_capture", hears(_taking_text_for_numbers, "capture"), "087a"),
    _fault(
        "takes_whatever_capture_is_sent", if_refused(coded("validation_error"), accepting(), "capture"), "087 087a 172"
    ),
    _fault("answers_capture_with_another_intent", shows(sets(id="pi_another"), "capture"), "085c"),
    _fault(
        "shows_captured_intents_as_unconfirmed",
        shows(sets(status="requires_confirmation"), "capture"),
        "085a 086c 153 159 177",
    ),
    _fault(
        "captures_whatever_the_status",
        if_refused(coded("invalid_state"), showing(unchanged), "capture"),
        "089 089a 089b 089c 089d 089e 153",
    ),
    _fault(
        "answers_wrong_statuses_423", _status_of_refused("invalid_state", 423, "capture", "cancel"), "089a 095a 096a"
    ),
    _fault(
        "collects_by_a_refused_capture",
        remembers(lambda o: o.update(amount_received=o["amount"]), _refused("capture")),
        "092b 157 158 159 177 212",
    ),
    # -- cancel
    _fault("demands_bodies", acts(_demanding_bodies), "071a 085e 093a"),
    _fault(
        "cancels_nothing", acts(_unheard("cancel")), "091a 091b 091c 091d 091f 092a 094 096 096a 125 144c 153 174 177"
    ),
    _fault("keeps_what_waits_for_its_payer", in_status("requires_action", refusing, "cancel"), "091c 177"),
    _fault("captures_holds_on_cancel", in_status("processing", captured, "cancel"), "091d 153"),
    _fault("cancels_for_no_amount", shows(sets(amount=0), "cancel"), "091e 177"),
    _fault("forgets_when_it_canceled", shows(sets(canceled_at=None)), "092"),
    _fault("does_not_hear_why_to_cancel", hears(drops("cancellation_reason"), "cancel"), "092a 094 174"),
    _fault(
        "demands_reasons",
        hears(lambda members: members.setdefault("cancellation_reason", "none"), "cancel"),
        "093 093a",
    ),
    _fault("takes_whatever_cancel_is_sent", if_refused(coded("validation_error"), accepting(), "cancel"), "094 174"),
    _fault(
        "cancels_what_it_refuses",
        if_refused(coded("validation_error"), _carrying_out_and_refusing({}), "cancel"),
        "094a",
    ),
    _fault(
        "cancels_again",
        if_refused(coded("invalid_state"), showing(sets(status="canceled")), "cancel"),
        "092 092b 095 095a 096 096a 154 177",
    ),
    _fault(
        "reopens_by_a_refused_cancel",
        remembers(sets(status="requires_payment_method"), _refused("cancel")),
        "095b 096b 154 157 159 177",
    ),
    # -- money
    _fault(
        "collects_before_the_payer_has_acted",
        shows(lambda o: o.update(amount_received=o["amount"]), status="requires_action"),
        "159 177",
    ),
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
        keys.ignores_keys(),
        "129 180",
    ),
    _fault("ignores_keys_of_confirm", keys.ignores_keys("confirm"), "132 132a 179 201"),
    _fault("does_not_mark_replays", keys.leaves_unmarked(REPLAYED), "121 127 132a"),
    _fault("marks_first_answers", keys.marks_all(REPLAYED), "122 125"),
    _fault("says_in_the_body_that_it_replays", keys.alters_replays(REPLAYED, _told_in_the_body), "120a 132b 132c 179"),
    _fault("answers_repeated_refusals_409", keys.alters_replays(REPLAYED, _refused_for_the_key), "127a 127b"),
    _fault("forgets_refusals", keys.forgets(lambda said: said.status >= 400), "127 127b"),
    _fault("carries_out_conflicts", keys.in_conflict(keys.carried_out), "123 123a 123b 124 124a"),
    _fault("carries_out_what_conflicts_and_refuses", keys.in_conflict(keys.carried_out_and_refused), "124a"),
    _fault("shows_the_intent_of_the_key_in_conflicts", keys.in_conflict(keys.refused_with_intent), "124"),
    _fault(
        "answers_a_used_key_always_alike", keys.keeps(keys.any_operation, mark=REPLAYED), "123 123a 123b 124 125 130"
    ),
    _fault("shares_keys_between_credentials", keys.keeps(keys.whole_request, "create", mark=REPLAYED), "131 131a"),
    _fault("replays_retrieves", keys.keeps(keys.whole_request, "retrieve", mark=REPLAYED), "130"),
    _fault("knows_keys_late", keys.knows_keys_late(), "126"),
    _fault("refuses_short_keys", keys.rekeys(lambda key: key if len(key) > 1 else ""), "128"),
    _fault("cuts_long_keys", keys.rekeys(lambda key: key[:255]), "129"),
    _fault("demands_keys", keys.demands_keys("create"), "133"),
    # -- one operation against another
    _fault("lists_the_status_it_began_with", shows(sets(status="requires_payment_method"), "list"), "060 154 159 168a"),
    _fault("lists_nothing_as_received", shows(sets(amount_received=0), "list"), "168a"),
    _fault(
        "lists_customers_by_other_ids",
        shows(lambda o: o.update(customer=f"cus_{o['customer'][-12:]}"), "list"),
        "016 053 062 168a",
    ),
    _fault("confirms_in_another_currency", shows(sets(currency="EUR"), "confirm"), "070b"),
    _fault(
        "takes_the_amount_for_what_is_left",
        shows(lambda o: o.update(amount=o["amount"] - o["amount_received"]), "capture"),
        "085c 085f 158 177",
    ),
    _fault("forgets_the_order_with_confirm", remembers(_FORGETTING, _by("confirm")), "070c"),
    _fault(
        "forgets_the_order_with_cancel",
        together(shows(_FORGETTING, "cancel"), remembers(_FORGETTING, _by("cancel"))),
        "091g 091h",
    ),
    # -- what is not stored
    _fault("loses_canceled_intents", loses(_by("cancel")), "091f 091h 095a 132c 166 177 179 203 211"),
    _fault("loses_captured_intents", loses(_by("capture")), "085 085d 085g 086a 086b 132b 177 179 202 211"),
    # -- transitions
    _fault("keeps_intents_that_are_ready", in_status("requires_confirmation", refusing, "cancel"), "091b 177"),
    _fault("charges_methods_at_once", acts(_at_once), "045 071 071a 153"),
    _fault(
        "voids_what_has_succeeded",
        together(remembers(_VOID, _by("cancel")), in_status("succeeded", showing(_VOID), "cancel")),
        "096 096a 096b 154 177",
    ),
    # -- money
    _fault(
        "loses_a_cent_of_what_it_receives",
        shows(
            where(lambda o: o["amount_received"], lambda o: o.update(amount_received=o["amount_received"] - 1)), *ALL
        ),
        "078a 085 086a 086b",
    ),
    _fault("adds_its_fee_to_what_it_receives", shows(_with_fee, *ALL), "078a 085 086a 086b 158 177"),
    _fault(
        "shows_amounts_in_dollars",
        shows(_in_dollars, *ALL),
        "006 014 046 046b 053 078a 078b 083 085d 085f 085g 086a 086b 092b",
    ),
    _fault(
        "keeps_what_canceled_intents_held",
        shows(lambda o: o.update(amount_capturable=o["amount"]), *ALL, status="canceled"),
        "092b",
    ),
    _fault(
        "shows_what_it_gave_back_as_negative",
        shows(lambda o: o.update(amount_received=-o["amount"]), *ALL, status="canceled"),
        "092b",
    ),
    _fault(
        "holds_before_it_is_confirmed",
        shows(where(lambda o: o["status"] in UNCONFIRMED, lambda o: o.update(amount_capturable=o["amount"])), *ALL),
        "046b",
    ),
    # -- declines and actions
    _fault("breaks_on_declines", _status_of_refused("card_declined", 500, "confirm"), "079 155"),
    _fault(
        "charges_the_cards_it_declines",
        if_refused(coded("card_declined"), _carrying_out_and_refusing({"payment_method": CARD}), "confirm"),
        "079a 079b",
    ),
    _fault("does_not_say_why_it_declined", shows(sets(last_payment_error=None)), "079a"),
    _fault(
        "tells_declines_in_text",
        shows(where(lambda o: o["last_payment_error"], sets(last_payment_error="card_declined"))),
        "020 079a",
    ),
    _fault("charges_without_the_payer", takes_method(AUTHENTICATION, CARD), "076 177"),
    _fault(
        "sends_payers_to_a_path",
        shows(inside("next_action", inside("redirect_to_url", sets(url="authenticate")))),
        "019",
    ),
    _fault(
        "sends_payers_back_to_itself",
        shows(inside("next_action", inside("redirect_to_url", sets(return_url="https://pay.example.com/done")))),
        "077",
    ),
    # -- errors
    _fault("has_lists_of_errors", says(_in_a_list, *ALL), "110a 113 113a 113b 115 115a 115b 123a 140a 140b"),
    _fault("says_nothing_of_unknown_intents", says(_with_nothing, *ALL), "110 110a"),
    _fault(
        "refuses_with_200",
        says(_successfully, *ALL),
        "002 003 004 006 007 009 010 010a 011 015 016 030 031 032 033 034 035 035a 036 037 038 039 040 041 "
        "042 043 052a 052b 052c 052d 056 057 061 061a 072 072a 073 073a 074 079 081 082 087 087a 088 088a 089 "
        "089a 089b 089c 089d 089e 094 095 095a 096 096a 098d 098e 098f 113 113a 113b 115 115a 115b 129 150 "
        "152 156 170 172 174 176 177",
    ),
    _fault("has_errors_without_type", tells(drops("type")), "111 115 115a 140a"),
    _fault(
        "falls_over_bad_input",
        faltering.falls_over("create"),
        "030 031 032 033 034 035 035a 036 037 038 039 040 041 042 043 110 113 113a 113b 115 115b 117 129 150 155",
    ),
    # -- credentials
    _fault(
        "takes_any_key",
        trusts(KEY, *ALL),
        "131 131a 140 140a 140b 140c 140d 140e 141 141a 141b 141c 144 144a 144b 144c 178 178a 178b 178c 178d",
    ),
    _fault("takes_any_key_to_read", trusts(KEY, "retrieve", "list", when=presents("_0000")), "141 141a"),
    _fault(
        "takes_any_key_to_capture_and_cancel", trusts(KEY, "capture", "cancel", when=presents("_0000")), "141b 141c"
    ),
    _fault(
        "lets_readers_move_money",
        trusts(KEY, "confirm", "capture", "cancel", when=presents("read_only")),
        "144a 144b 144c",
    ),
    _fault(
        "finds_new_intents_late",
        faltering.stores_late(),
        "023 023a 050a 070c 085 085d 085g 086a 086b 091f 091h 098 161 162 163 164 165 166 177 211",
    ),
    # -- idempotency
    _fault("ignores_keys_of_captures", keys.ignores_keys("capture"), "132b 179 202"),
    _fault("ignores_keys_of_cancels", keys.ignores_keys("cancel"), "132c 179 203"),
    _fault("compares_amounts_alone", keys.in_conflict(_by_amount, "create"), "123b"),
    _fault(
        "answers_replays_208",
        keys.alters_replays(REPLAYED, _already_reported),
        "001 070 085b 091 098a 120 120a 132 132b 132c 179",
    ),
    _fault("makes_an_intent_behind_each_replay", acts(_another_behind_replays), "120b 200"),
    # -- lists
    _fault("shows_one_more_than_the_limit", listing.hears_query(_one_more), "054"),
    _fault("turns_back_to_the_first_page", acts(_from_the_top), "059"),
    _fault(
        "lists_every_intent_twice", listing.pages(lambda items: [item for item in items for _ in range(2)]), "058 059"
    ),
    _fault("knows_no_end_of_time", listing.hears_query(drops("created_lte")), "063 170"),
    # -- input
    _fault(
        "takes_negative_amounts",
        hears(reads("amount", lambda value: isinstance(value, int) and value < 0, 5000), "create"),
        "031 150",
    ),
    _fault(
        "demands_half_a_dollar", refuses(lambda members: members.get("amount") in range(1, 50), "create"), "031a 149"
    ),
    _fault(
        "charges_methods_that_are_none",
        hears(reads("payment_method", _is_none_of_its_own, CARD), "create", "confirm"),
        "035a 073a",
    ),
    _fault("has_flat_metadata", refuses(_nested_metadata, "create"), "022a"),
    _fault(
        "takes_one_descriptor_at_most",
        refuses(lambda m: {"statement_descriptor", "statement_descriptor_suffix"} <= {*m}, "create"),
        "023",
    ),
    # -- faltering
    _fault(
        "breaks_lists_off",
        faltering.breaks_off("list"),
        "052e 052f 054 055 058 059 060 062 063 065 110 110a 167 168 168a 169",
    ),
    _fault("is_down_for_every_second_confirm", faltering.flaps(503, "confirm"), "076 081 132 132a 146 147 152 155"),
    _fault(
        "retrieves_from_a_copy_that_lags",
        faltering.lags("confirm", "capture", "cancel"),
        "079a 080 091f 154 160 163 168a 177",
    ),
    # -- other policies
    _altered("keeps_one_answer_to_a_key", _same_key_everywhere, "125"),
    _altered("collects_at_once", _collecting_at_once, "083 085 085c 085d 085e 085f 085g 086 086a 086b 171"),
    _altered("collects_nothing_by_itself", _holding, "078b"),
    _altered("creates_with_201", _creating_with_201, "001"),
    _fault("answers_conflicts_422", answers(422, "create", when=409), "123 123b"),
    _fault(
        "sends_payers_to_no_url",
        shows(inside("next_action", inside("redirect_to_url", sets(url=None))), status="requires_action"),
        "019 077",
    ),
    _fault("has_more_after_an_empty_page", says(listing.more_after_an_empty_page, "list"), "064"),
    _fault(
        "filters_by_all_statuses_but_the_first",
        listing.hears_query(reads("status", lambda value: value == "requires_payment_method")),
        "060",
    ),
    _fault("replays_in_arrays", keys.alters_replays(REPLAYED, keys.in_an_array), "120a 132b 132c 156 179"),
    _fault("falls_over_all_but_one_of_creates_at_once", keys.at_once(failing, but_the_first=True), "126 155"),
    _fault("refuses_all_creates_at_once", keys.at_once(refusing), "126"),
]
