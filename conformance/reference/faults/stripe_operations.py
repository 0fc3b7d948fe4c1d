"""Faults of a server that claims Stripe's contract, beyond creating and confirming an intent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from conformance.reference.lifecycle import Lifecycle
from conformance.reference.model import Answer, Call, Intent
from conformance.reference.operations import OPERATIONS
from conformance.reference.policies import Policies, Task
from conformance.reference.store import Store
from conformance.reference.wire import Asked, Lie, Object, Said, Serve

from . import keys, listing
from .deeds import (
    accepting,
    acts,
    counting,
    failing,
    if_refused,
    in_status,
    instead_of_refusal,
    refuses,
    remembers,
    showing,
    trusts,
    unchanged,
)
from .fault import Change, altered, lying
from .lies import (
    Maker,
    anonymous,
    answers,
    both,
    drops,
    error_of,
    hears,
    presents,
    reads,
    says,
    sets,
    shows,
    tells,
    together,
    where,
)

KEY = {"authorization": "Bearer sk_test_reference"}
CARD = "pm_card_visa"
OPERATIONS_ON_INTENTS = ("create", "retrieve", "update", "confirm", "capture", "cancel")
FEE = 60
HELD = 2000  # what an intent holds that is created without further ado
REPLAYED = "Idempotent-Replayed"
UNEXPECTED, TOO_LARGE = "payment_intent_unexpected_state", "amount_too_large"
UNCONFIRMED = ("requires_payment_method", "requires_confirmation")


def _for_its_state(said: Said) -> bool:
    return said.status == 400 and error_of(said.json).get("code") == UNEXPECTED


def _for_its_amount(said: Said) -> bool:
    return said.status == 400 and error_of(said.json).get("code") == TOO_LARGE


def _for_its_members(said: Said) -> bool:
    error = error_of(said.json)
    return said.status == 400 and error.get("code") != UNEXPECTED and error["type"] != "idempotency_error"


def _refused(operation: str, status: str) -> Callable[[Asked, Said], object]:
    """For ``remembers``: the operation was refused as the intent has this status."""

    def seen(asked: Asked, said: Said) -> bool:
        intent = error_of(said.json).get("payment_intent") if said.status == 400 else None
        return bool(intent and asked.operation == operation and intent["status"] == status)

    return seen


def _after_refusal(why: Callable[[Said], object], operation: str, then: str, **members: Any) -> Maker:
    """Refuses an operation for such a reason, and carries out another one (``then``, "" for update)."""

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation == operation and said.status == 400 and why(said):
            path = "/".join(filter(None, [asked.retrieving().path, then]))
            serve(replace(asked, path=path).sending(idempotency_key=None).saying(members))
        return said

    return acts(lie)


def _refusing(asked: Asked, serve: Serve) -> Said:
    """Refuses, for a member that nobody knows."""
    return serve(asked.saying({"unheard_of": "1"}))


def _too_early(operation: str) -> Maker:
    """Answers an operation before it is done: with the intent as it was."""

    def lie(asked: Asked, serve: Serve) -> Said:
        before = serve(asked.retrieving()) if asked.operation == operation else None
        said = serve(asked)
        return replace(before, headers=said.headers) if before and said.succeeded else said

    return acts(lie)


# -- list ------------------------------------------------------------------------------------------------------------


def _limit(asked: Asked) -> int:
    text = listing.query_of(asked).get("limit", "10")
    return int(text) if text.isdigit() else 10


def _fills_any_page() -> Maker:
    """Shows as many items as are asked for."""
    return together(
        listing.shows_page(
            lambda asked, items: (items * _limit(asked))[: _limit(asked)] if _limit(asked) > 100 else items
        ),
        listing.hears_query(reads("limit", lambda value: value.isdigit() and int(value) > 100, "100")),
    )


def _one_more(query: Object) -> None:
    """Counts from nought to the limit."""
    query["limit"] = str(min(int(query["limit"]) + 1, 100)) if query.get("limit", "").isdigit() else "11"


def _before_from_the_start() -> Lie:
    """Begins the page before an intent with the newest of all."""

    def lie(asked: Asked, serve: Serve) -> Said:
        query = listing.query_of(asked)
        if asked.operation != "list" or "ending_before" not in query or "starting_after" in query:
            return serve(asked)
        said = serve(listing.asking(asked, {**query, "limit": "100"}))
        if said.succeeded:
            items, size = said.json["data"], int(query.get("limit", "10"))
            said.json = {**said.json, "data": items[:size], "has_more": len(items) > size}
        return said

    return lie


def _exclusively(query: Object) -> None:
    """Takes the first second of a time to be outside of it."""
    if query.get("created[gte]", "").isdigit():
        query["created[gte]"] = str(int(query["created[gte]"]) + 1)


def _not_of_the_list(name: str) -> bool:
    return not name.startswith("data.")


# -- update ----------------------------------------------------------------------------------------------------------


def _replaces_metadata(asked: Asked, serve: Serve) -> Said:
    """Has only that metadata which the last update has brought."""
    if asked.operation == "update" and "metadata[" in str(asked.members):
        serve(asked.sending(idempotency_key=None).saying({"metadata": ""}))
    return serve(asked)


def _keeps_empty(members: Object) -> None:
    """Does not see metadata without a value."""
    for name in [name for name, value in members.items() if name.startswith("metadata") and not value]:
        del members[name]


def _confirms_by_update(asked: Asked, serve: Serve) -> Said:
    """Takes a payment method for the wish to pay with it."""
    said = serve(asked)
    if asked.operation != "update" or not said.succeeded or not (asked.members or {}).get("payment_method"):
        return said
    return serve(replace(asked, path=f"{asked.path}/confirm").sending(idempotency_key=None).saying({}))


def _keeps_last_errors() -> Lie:
    """Shows the last error of an intent until it is confirmed anew."""
    errors: dict[str, Any] = {}

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation == "confirm":
            errors.pop(asked.intent, None)
            if said.status == 402:
                errors[asked.intent] = {
                    key: value for key, value in said.json["error"].items() if key != "payment_intent"
                }
        elif asked.intent in errors and said.succeeded:
            said.json = {**said.json, "last_payment_error": errors[asked.intent]}
        return said

    return lie


# -- capture, increment ----------------------------------------------------------------------------------------------


def _has_metadata(members: Object) -> bool:
    return any(name.startswith("metadata") for name in members)


def _a_part(members: Object) -> bool:
    text = members.get("amount_to_capture", "")
    return text.isdigit() and int(text) < HELD


def _keeps_the_rest() -> Lie:
    """Holds on to what a partial capture has left."""
    rest: dict[str, int] = {}

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.intent and said.succeeded:
            body = said.json
            if asked.operation == "capture":
                rest[asked.intent] = body["amount"] - body["amount_received"]
            if asked.intent in rest:
                said.json = {**body, "amount_capturable": rest[asked.intent]}
        return said

    return lie


def _receives_what_it_is_told(asked: Asked, serve: Serve) -> Said:
    """Captures what it is asked for, however much is held."""
    said = serve(asked.saying({}))
    said.json = {**said.json, "amount_received": int((asked.members or {})["amount_to_capture"])}
    return said


# -- idempotency -----------------------------------------------------------------------------------------------------


def _for_one_operation(asked: Asked, serve: Serve) -> Said:
    """Counts a key for one operation alone."""
    key = asked.headers.get(keys.KEY)
    return serve(asked.sending(idempotency_key=f"{key}-here") if key and asked.operation != "create" else asked)


def _makes_one_behind_replays(asked: Asked, serve: Serve) -> Said:
    """Carries out a repeated create, although it gives the first answer again."""
    said = serve(asked)
    if asked.operation == "create" and REPLAYED in said.headers:
        serve(asked.sending(idempotency_key=None))
    return said


def _with_another_charge(said: Said) -> None:
    body = said.json
    if said.succeeded and body.get("latest_charge"):
        said.json = {**body, "latest_charge": "ch_another"}


def _with_another_secret(said: Said) -> None:
    if said.succeeded:
        said.json = {**said.json, "client_secret": f"{said.json['id']}_secret_again"}


def _bound_included(query: Object) -> None:
    if "created[lt]" in query:
        query["created[lte]"] = query.pop("created[lt]")


# -- what the server itself does -------------------------------------------------------------------------------------

Step = Callable[[Intent], Intent]


def _then(step: Step, *operations: str) -> Change:
    """Carries these operations out and leaves their intents otherwise than they should be."""

    def changed(policies: Policies) -> Policies:
        honest = {**OPERATIONS, **policies.operations}

        def done(operation: str, task: Task) -> Any:
            outcome = honest[operation](task)
            return step(outcome) if isinstance(outcome, Intent) else outcome

        lies = {operation: partial(done, operation) for operation in operations}
        return replace(policies, operations={**policies.operations, **lies})

    return changed


def _storing(stored: Callable[[Store, Call, Answer, Intent], object]) -> Change:
    """Answers as it should; what it then remembers is up to ``stored``, which is told how the intent was."""

    def changed(policies: Policies) -> Policies:
        def once(store: Store, call: Call, now: float, execute: Callable[[], Answer]) -> Answer:
            before = store.intents.get(call.intent_id)
            answer = policies.idempotency(store, call, now, execute)
            if before is not None:
                stored(store, call, answer, before)
            return answer

        return replace(policies, idempotency=once)

    return changed


def _loses(*operations: str) -> Change:
    """Does not store what these operations have done."""

    def stored(store: Store, call: Call, answer: Answer, before: Intent) -> None:
        if call.operation in operations and answer.status == 200:
            store.save(before)

    return _storing(stored)


def _deletes(operation: str, status: int) -> Change:
    """Does not know an intent any more after such an answer."""

    def stored(store: Store, call: Call, answer: Answer, before: Intent) -> None:
        if call.operation == operation and answer.status == status:
            del store.intents[before.id]

    return _storing(stored)


@dataclass(frozen=True)
class _Collecting(Lifecycle):
    """The life of an intent whose money, once it is there, is counted in some way of its own."""

    counting: Step = lambda intent: intent

    def collect(self, intent: Intent) -> Intent:
        return self.counting(super().collect(intent))


def _collects(counting: Step) -> Change:
    """Counts the money of a paid or held intent otherwise."""
    return lambda policies: replace(
        policies, lifecycle=_Collecting(**{**vars(policies.lifecycle), "counting": counting})
    )


def _with_a_fee(intent: Intent) -> Intent:
    """Adds to the amount, and to what is received or held."""
    received, held = (part and part + FEE for part in (intent.amount_received, intent.amount_capturable))
    return replace(intent, amount=intent.amount + FEE, amount_received=received, amount_capturable=held)


def _one_less(intent: Intent) -> Intent:
    """Rounds down."""
    return replace(intent, amount_received=max(intent.amount_received - 1, 0))


def _amount_of_yen_in_hundredths(intent: Intent) -> Intent:
    """Multiplies by a hundred what is to be paid."""
    return replace(intent, amount=intent.amount * 100) if intent.currency == "jpy" else intent


def _in_major_units(intent: Object) -> None:
    """Divides by a hundred, as if there were no cents."""
    if "amount_received" in intent:
        intent["amount_received"] //= 100


def _yen_in_hundredths(intent: Intent) -> Intent:
    """Multiplies by a hundred what has no hundredths."""
    return replace(intent, amount_received=intent.amount_received * 100) if intent.currency == "jpy" else intent


def _lists_what_was_created() -> Lie:
    """Lists intents as create has answered them."""
    created: dict[str, Object] = {}

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation == "create" and said.succeeded:
            created[said.json["id"]] = {name: said.json[name] for name in ("status", "amount", "amount_received")}
        elif asked.operation == "list" and said.succeeded:
            body = said.json
            said.json = {**body, "data": [{**item, **created.get(item["id"], {})} for item in body["data"]]}
        return said

    return lie


def _as_created(said: Said) -> None:
    """Calls the replay of a success a creation."""
    said.status = 201 if said.succeeded else said.status


def _more_after_the_first_page(asked: Asked, said: Said) -> None:
    """Takes it that a first page is never the only one."""
    if said.succeeded and "starting_after" not in asked.query and said.json["data"]:
        said.json = {**said.json, "has_more": True}


def _with_another_whole_charge(intent: Object) -> None:
    if isinstance(intent.get("latest_charge"), dict):
        intent["latest_charge"] = {**intent["latest_charge"], "id": "ch_another"}


_fault = partial(lying, "STR")
_altered = partial(altered, "STR")

FAULTS = [
    # -- transport and authentication
    _fault(
        "answers_all_but_create_and_confirm_201",
        answers(201, "retrieve", "list", "update", "capture", "cancel"),
        "199 200 201 202 203",
    ),
    _fault(
        "lets_anyone_list_and_change_intents",
        trusts(KEY, "list", "update", "capture", "cancel", when=anonymous),
        "008a",
    ),
    _fault("lists_for_publishable_keys", trusts(KEY, "list", when=presents("pk_test")), "011a"),
    # -- retrieve
    _fault("retrieves_another_intent", shows(sets(id="pi_another"), "retrieve"), "034 060"),
    _fault("notes_retrieves_in_the_description", counting(lambda o, n: o.update(description=f"seen {n} times")), "207"),
    _fault("charges_for_retrieves", counting(lambda o, n: o.update(amount=o["amount"] + n)), "163 163a 207 208 228"),
    _fault(
        "retrieves_what_is_not_confirmed_as_canceled",
        shows(where(lambda o: o["status"] in UNCONFIRMED, sets(status="canceled")), "retrieve"),
        "029 060 060a 060b 092 101c 104d 120 121 124 191 228",
    ),
    _fault(
        "retrieves_pending_actions_as_done",
        shows(sets(status="succeeded"), "retrieve", status="requires_action"),
        "028 037 060c 191 228",
    ),
    _fault(
        "retrieves_debits_as_pending_actions",
        shows(sets(status="requires_action"), "retrieve", status="processing"),
        "060d 099a",
    ),
    _fault(
        "retrieves_holds_as_captured",
        shows(sets(status="succeeded"), "retrieve", status="requires_capture"),
        "060e 135b 191 195 228",
    ),
    _fault(
        "retrieves_the_status_late",
        shows(where(lambda o: o["status"] in ("succeeded", "canceled"), sets(status="requires_capture")), "retrieve"),
        "030 060f 060g 084e 107d 122 123 129 133a 146 146a 191 228",
    ),
    _fault(
        "answers_unknown_intents_400",
        answers(400, "retrieve", "update", "capture", "cancel", when=404),
        "061 217 221 226 270a",
    ),
    _fault(
        "has_its_own_words_for_unknown_intents",
        tells(sets(type="api_error", code="missing", param="id"), "retrieve", status=404),
        "062 062a 062b",
    ),
    _fault(
        "expands_on_confirm_alone",
        together(
            hears(drops("expand[]"), "create"),
            listing.hears_query(drops("expand[]"), "retrieve", "list"),
        ),
        "181 182a 183 183a 184",
    ),
    _fault(
        "expands_to_any_depth",
        listing.hears_query(reads("expand[]", lambda path: path.count(".") > 3), "retrieve"),
        "184",
    ),
    # -- list and search
    _fault(
        "has_list_envelopes_of_its_own",
        together(
            listing.shows_envelope(sets(object="collection", has_more="no", url="/v1/intents")),
            listing.shows_envelope(sets(object="list", next_page=2), "search"),
        ),
        "063 064 073a 073b 209",
    ),
    _fault(
        "lists_without_envelope",
        says(listing.unwrapped, "list"),
        "063a 063b 066 066a 068 068a 069 070 071 072 183 210 211",
    ),
    _fault(
        "lists_intents_in_short", shows(drops("created", "livemode", "payment_method_types"), "list"), "019 024 065"
    ),
    _fault("lists_all_there_is", listing.hears_query(lambda query: query.setdefault("limit", "100")), "066"),
    _fault("takes_an_exclusive_bound_for_an_inclusive_one", listing.hears_query(_bound_included), "070"),
    _fault("ignores_limits", listing.hears_query(drops("limit")), "066a"),
    _fault("fills_pages_of_any_size", _fills_any_page(), "067"),
    _fault("ignores_cursors", listing.hears_query(drops("starting_after", "ending_before")), "068 068a"),
    _fault("repeats_an_intent_on_the_next_page", listing.pages(overlap=1), "068 068a"),
    _fault("shows_one_more_than_the_limit", listing.hears_query(_one_more), "066 066a"),
    _fault("takes_the_page_before_from_the_start", _before_from_the_start, "068a"),
    _fault("skips_an_intent_between_pages", listing.pages(overlap=-1), "068 068a"),
    _fault("lists_no_intents_of_customers", listing.hides(lambda item: item["customer"]), "069"),
    _fault(
        "lists_only_what_was_confirmed", listing.hides(lambda item: item["status"] in UNCONFIRMED), "069 070 071 210"
    ),
    _fault("lists_the_oldest_first", listing.pages(lambda items: items[::-1]), "071"),
    _fault("leaves_the_newest_out", listing.pages(lambda items: items[1:]), "069 070 071 210"),
    _fault("never_has_more", listing.shows_envelope(sets(has_more=False)), "209"),
    _fault("takes_a_full_page_for_one_of_several", says(listing.full_page_means_more(10), "list"), "209"),
    _fault("refuses_the_page_after_the_last", says(listing.no_page_after_the_last(), "list"), "072"),
    _fault("lists_all_customers_intents", listing.hears_query(drops("customer")), "069"),
    _fault("takes_bounds_of_time_as_exclusive", listing.hears_query(_exclusively), "070"),
    _fault("refuses_times", listing.hears_query(reads("created", bool, "none")), "211"),
    _fault(
        "lists_whatever_it_is_asked",
        listing.hears_query(
            both(
                *[
                    reads(f"created{bound}", lambda text: not text.isdigit())
                    for bound in ("", "[gt]", "[gte]", "[lt]", "[lte]")
                ]
            )
        ),
        "212",
    ),
    _fault("expands_without_data", listing.hears_query(reads("expand[]", _not_of_the_list)), "183a"),
    _fault(
        "searches_without_query",
        listing.hears_query(lambda query: query.setdefault("query", "amount>0"), "search"),
        "073c 230",
    ),
    _fault("does_not_understand_searches", listing.hears_query(sets(query="?"), "search"), "073 074 229"),
    # -- update
    _fault("answers_update_too_early", _too_early("update"), "076 076a 083a 228 238"),
    _fault("confirms_by_update", acts(_confirms_by_update), "075 076 076a 190"),
    _fault("keeps_the_method_it_has", hears(drops("payment_method"), "update"), "076 076a 083 083a 084g"),
    _fault(
        "keeps_the_method_rather_than_none", hears(reads("payment_method", lambda v: v == ""), "update"), "083 083a"
    ),
    _fault(
        "keeps_the_amount_it_has",
        hears(drops("amount"), "update"),
        "077 084 084a 084b 084c 084d 084f 085 085a 085b 190 216 228",
    ),
    _fault(
        "forgets_the_method_with_any_update",
        hears(lambda m: m.setdefault("payment_method", ""), "update"),
        "077a 078a 078b 086",
    ),
    _fault("does_not_store_what_update_tells", hears(drops("description", "receipt_email"), "update"), "213"),
    _fault(
        "refuses_updates_while_an_action_is_pending",
        in_status("requires_action", _refusing, "update"),
        "076a 077b 078b",
    ),
    _fault("refuses_updates_of_succeeded_intents", in_status("succeeded", _refusing, "update"), "084b 084c 084d 086"),
    _fault("replaces_metadata", acts(_replaces_metadata), "078 079"),
    _fault("keeps_metadata_that_is_emptied", hears(_keeps_empty, "update"), "079 080"),
    _fault("keeps_last_errors", _keeps_last_errors, "082"),
    _fault("refuses_future_usage", refuses(lambda members: "setup_future_usage" in members, "update"), "087"),
    _fault("does_not_change_capture_methods", refuses(lambda members: "capture_method" in members, "update"), "215"),
    _fault(
        "takes_whatever_update_is_sent",
        if_refused(_for_its_members, showing(unchanged), "update"),
        "081 081a 081b 081c 087a 214 216",
    ),
    _fault(
        "updates_whatever_the_status",
        if_refused(_for_its_state, showing(unchanged), "update"),
        "084 084a 084b 084c 084d 084f 084g 085 085a 085b 190 228",
    ),
    _fault("updates_what_it_refuses", _after_refusal(_for_its_members, "update", "", amount="2500"), "163b"),
    _fault(
        "changes_amounts_it_refuses_to_change", remembers(sets(amount=2500), _refused("update", "succeeded")), "163 228"
    ),
    _fault(
        "reopens_by_a_refused_update",
        remembers(sets(status="requires_payment_method"), _refused("update", "succeeded")),
        "033 084e 163 191 205 228",
    ),
    # -- confirm
    _fault(
        "confirms_what_it_refuses", _after_refusal(_for_its_members, "confirm", "confirm", payment_method=CARD), "163a"
    ),
    _fault("confirms_processing_intents", in_status("processing", showing(unchanged), "confirm"), "109a"),
    # -- capture
    _fault("answers_capture_too_early", _too_early("capture"), "130 130a 131 132 133 176a 228 238"),
    _fault(
        "captures_in_the_background",
        shows(sets(status="processing"), "capture", status="succeeded", inside_errors=False),
        "130a",
    ),
    _fault("captures_less_than_all", hears(lambda m: m.setdefault("amount_to_capture", "1999"), "capture"), "131 132"),
    _fault(
        "captures_all_for_a_part", hears(drops("amount_to_capture"), "capture"), "133a 134 135 135a 135b 218 220 228"
    ),
    _fault("keeps_the_rest_of_a_partial_capture", _keeps_the_rest, "133a 195"),
    _fault("refuses_partial_captures", refuses(_a_part, "capture"), "133 133a 219 228"),
    _fault(
        "captures_more_than_is_held",
        if_refused(_for_its_amount, _receives_what_it_is_told, "capture"),
        "134 135 135a 135b 204 228 292",
    ),
    _fault(
        "releases_a_hold_that_is_too_small",
        _after_refusal(_for_its_amount, "capture", "cancel"),
        "135b 163 228",
    ),
    _fault("captures_once_for_all", hears(reads("final_capture", lambda v: v == "false"), "capture"), "218"),
    _fault(
        "refuses_metadata_of_captures_and_increments",
        refuses(_has_metadata, "capture", "increment_authorization"),
        "219 231",
    ),
    _fault(
        "takes_whatever_capture_is_sent",
        if_refused(_for_its_members, accepting(), "capture"),
        "134 135 135a 135b 220 228",
    ),
    _fault(
        "captures_whatever_the_status",
        if_refused(_for_its_state, showing(unchanged), "capture"),
        "136 136a 136b 136c 136d 137 137a 137b 137c 138 190 228",
    ),
    _fault(
        "collects_from_canceled_intents",
        remembers(sets(status="succeeded"), _refused("capture", "canceled")),
        "028 030 146a 163 191 228",
    ),
    # -- increment
    _fault("increments_nothing", _too_early("increment_authorization"), "223"),
    _fault("captures_by_increment", shows(sets(status="succeeded"), "increment_authorization"), "190 191 195 222 228"),
    _fault("holds_more_than_the_amount", shows(sets(amount=HELD), "increment_authorization"), "204 223 228"),
    _fault(
        "takes_whatever_increment_is_sent",
        if_refused(_for_its_members, showing(unchanged), "increment_authorization"),
        "148 150 150a 232",
    ),
    _fault(
        "increments_whatever_the_status",
        if_refused(_for_its_state, showing(unchanged), "increment_authorization"),
        "149 149a 149b 149c 149d 228",
    ),
    # -- cancel
    _fault("answers_cancel_too_early", _too_early("cancel"), "139 139a 139b 139c 140 176b 190 228 238"),
    _fault("forgets_why_it_canceled", shows(sets(cancellation_reason=None), "cancel"), "140"),
    _fault(
        "has_reasons_of_its_own",
        shows(
            where(lambda o: not o["cancellation_reason"], sets(cancellation_reason="abandoned")),
            "cancel",
            status="canceled",
        ),
        "141",
    ),
    _fault(
        "keeps_what_canceled_intents_hold",
        shows(lambda o: o.update(amount_capturable=o["amount"]), "cancel"),
        "142 195 228",
    ),
    _fault("takes_whatever_cancel_is_sent", if_refused(_for_its_members, accepting(), "cancel"), "147 225"),
    _fault(
        "cancels_whatever_the_status",
        if_refused(_for_its_state, showing(unchanged), "cancel"),
        "143 144 145 145a 145b 145c 228",
    ),
    _fault("does_not_abandon", refuses(lambda m: m.get("cancellation_reason") == "abandoned", "cancel"), "140 224"),
    # -- refusals of all these
    _fault(
        "refuses_for_reasons_of_its_own",
        tells(
            where(lambda e: e.get("code") in (UNEXPECTED, TOO_LARGE), sets(code="processing_error")),
            "update",
            "capture",
            "cancel",
        ),
        "084b 085b 135a 137a 137c 145a 145c",
    ),
    _fault(
        "answers_refusals_409", answers(409, "update", "capture", "cancel", when=400), "084a 085a 135 137 137b 145 145b"
    ),
    _fault("does_not_say_what_it_refuses", tells(drops("param", "payment_intent"), "update"), "084c 084d"),
    # -- customer balance, microdeposits
    _fault("applies_balances_to_cards", instead_of_refusal(showing(unchanged), "apply_customer_balance"), "151"),
    _fault("answers_verification_too_early", _too_early("verify_microdeposits"), "152 152a 190"),
    _fault(
        "asks_for_no_microdeposits",
        hears(lambda m: [m.pop(n) for n in list(m) if n.startswith("payment_method_options")], "confirm"),
        "127a 152d 189",
    ),
    _fault(
        "takes_any_microdeposits",
        instead_of_refusal(accepting(descriptor_code="SM11AA"), "verify_microdeposits"),
        "152b 152c 153 153a",
    ),
    _fault("verifies_canceled_intents", in_status("canceled", showing(unchanged), "verify_microdeposits"), "227"),
    _fault(
        "has_one_word_for_microdeposits",
        tells(sets(code="payment_method_microdeposit_failed"), "verify_microdeposits"),
        "152b 152c 153",
    ),
    # -- money
    _fault(
        "collects_before_the_payer_has_acted",
        shows(lambda o: o.update(amount_received=o["amount"]), "confirm", "retrieve", status="requires_action"),
        "205 228",
    ),
    _altered("adds_a_fee_to_what_it_charges", _collects(_with_a_fee), "132 228 233 234 234b"),
    _altered("receives_one_less_than_it_charges", _collects(_one_less), "233 234b"),
    _altered("takes_yen_for_hundredths", _collects(_yen_in_hundredths), "204 233 234b"),
    _altered("stores_yen_in_hundredths", _then(_amount_of_yen_in_hundredths, "create"), "197 233 234b"),
    _fault(
        "shows_what_was_received_in_major_units",
        shows(_in_major_units, *OPERATIONS_ON_INTENTS),
        "131 132 133a 233 234b",
    ),
    _altered("charges_in_its_own_currency", _then(lambda i: replace(i, currency="eur"), "confirm"), "234 234b"),
    _fault("answers_confirms_in_the_currency_of_the_account", shows(sets(currency="usd"), "confirm"), "234"),
    _altered(
        "lowers_the_amount_to_what_it_captures",
        _then(lambda i: replace(i, amount=i.amount_received), "capture"),
        "204 228",
    ),
    _altered("lowers_the_amount_of_canceled_intents", _then(lambda i: replace(i, amount=0), "cancel"), "228 236"),
    # -- idempotency
    _fault("makes_an_intent_behind_each_replay", acts(_makes_one_behind_replays), "165 260"),
    _fault("takes_repeated_updates_for_others", keys.collides("update"), "176c 238 264"),
    _fault(
        "ignores_keys_of_operations_on_intents",
        keys.ignores_keys("update", "confirm", "capture", "cancel"),
        "169 169a 170 176 176a 176b 238 261 262 263 264",
    ),
    _fault("does_not_mark_replays", keys.leaves_unmarked(REPLAYED), "166"),
    _fault("marks_first_answers", keys.marks_all(REPLAYED), "166a"),
    _fault(
        "charges_again_where_it_replays",
        keys.alters_replays(REPLAYED, _with_another_charge),
        "176 176a 238 261 262 265",
    ),
    _fault("replays_with_another_secret", keys.alters_replays(REPLAYED, _with_another_secret), "164a 238"),
    _fault("counts_keys_for_one_operation", acts(_for_one_operation), "169 169a"),
    _fault("carries_out_conflicts", keys.in_conflict(keys.carried_out), "167 167a 168 240"),
    _fault("forgets_declines", keys.forgets(lambda said: said.status == 402), "170 238"),
    _fault(
        "keeps_what_failed_validation", keys.keeps(keys.any_body, "create", when=lambda said: said.status == 400), "171"
    ),
    _fault("replays_retrieves", keys.keeps(keys.whole_request, "retrieve"), "172"),
    _fault("knows_keys_late", keys.knows_keys_late(), "175"),
    _fault("refuses_long_keys", keys.rekeys(lambda key: key if len(key) < 255 else ""), "173"),
    _fault("cuts_long_keys", keys.rekeys(lambda key: key[:255]), "174"),
    # -- memory
    _altered("answers_captures_without_storing_them", _loses("capture"), "133a 138 191 228"),
    _altered(
        "answers_cancels_without_storing_them",
        _loses("cancel"),
        "060g 085 085a 085b 108 144 145b 145c 146 146a 191 228",
    ),
    _altered("answers_updates_without_storing_them", _loses("update"), "077 078 079 080 082 083 213 228"),
    _altered("loses_declined_intents", _deletes("confirm", 402), "098 291"),
    _altered("loses_canceled_intents", _deletes("cancel", 200), "060g 085a 085b 137b 137c 145b 145c 228 291"),
    _altered("forgets_metadata_when_it_confirms", _then(lambda i: replace(i, metadata={}), "confirm"), "234a"),
    _altered(
        "forgets_the_description_when_it_confirms",
        _then(lambda i: replace(i, details={**i.details, "description": None}), "confirm"),
        "234a",
    ),
    _altered(
        "dates_intents_by_their_last_change",
        _then(lambda i: replace(i, created=i.created + 60), "update", "confirm", "capture", "cancel"),
        "234 234b 235 236 237",
    ),
    _fault("lists_intents_as_they_were_created", _lists_what_was_created, "030 033 191 204"),
    _fault("has_more_after_every_first_page", says(_more_after_the_first_page, "list"), "209"),
    _fault("has_more_after_an_empty_page", says(listing.more_after_an_empty_page, "list"), "209"),
    _fault(
        "lists_all_customers_intents_without_naming_them",
        together(shows(drops("customer"), "list"), listing.hears_query(drops("customer"))),
        "023 069",
    ),
    _fault(
        "replays_with_another_success",
        keys.alters_replays(REPLAYED, _as_created),
        "002 164 164a 176 176a 176b 176c 194 201 202 203 238",
    ),
    _fault("replays_in_arrays", keys.alters_replays(REPLAYED, keys.in_an_array), "164a 193 238"),
    _fault("falls_over_all_but_one_of_creates_at_once", keys.at_once(failing, but_the_first=True), "175 192"),
    _fault("refuses_all_creates_at_once", keys.at_once(_refusing), "175"),
    _fault("expands_another_charge", shows(_with_another_whole_charge, "retrieve"), "181"),
]
