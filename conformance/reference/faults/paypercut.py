"""Faults of a server that claims Paypercut's contract, each with the requirements that it breaks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Any

from conformance.reference.model import Intent
from conformance.reference.operations import cancel, confirm, create
from conformance.reference.policies import Policies, Task
from conformance.reference.rendering import ACTIONS
from conformance.reference.wire import Asked, Lie, Object, Said, Serve

from . import keys
from .deeds import (
    accepting,
    acts,
    captured,
    charging_all_the_same,
    confirms_again,
    confirms_unknown,
    counting,
    failing,
    if_refused,
    in_html,
    instead_of_refusal,
    keeps_to_stored,
    loses,
    nests,
    refuses,
    refusing,
    remembers,
    showing,
    too_early,
    trusts,
    unchanged,
    with_status,
)
from .faltering import breaks_off, falls_over, flaps, lags, stores_late
from .fault import Change as PolicyChange
from .fault import altered, living, lying
from .lies import (
    OPERATIONS,
    Maker,
    anonymous,
    answers,
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

KEY = {"authorization": "Bearer sk_test_reference"}
SOUND = {"amount": 2000, "currency": "EUR"}
CARD, DECLINED, AUTHENTICATION, FOREIGN = (f"01K600000000000000000000{n}" for n in ("11", "12", "15", "16"))
FEE = 30
ALL = (*OPERATIONS, "capture")
CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")
THREE_D_SECURE = {"flow": "challenge", "idempotency_key": "1", "status_url": "https://example.com/3ds", "challenge": {}}


def _three_d_secure(**changes: Any) -> Any:
    """Has the payer authenticate by 3DS, described with these members (None: without them)."""
    members = {name: value for name, value in {**THREE_D_SECURE, **changes}.items() if value is not None}
    return shows(sets(next_action={"type": "three_d_secure", "three_d_secure": members}), status="requires_action")


def _asking(change: Callable[[str], str], *operations: str) -> Maker:
    """Reads another query than was sent with these operations."""

    def lie(asked: Asked, serve: Serve) -> Said:
        return serve(replace(asked, query=change(asked.query)) if asked.operation in operations else asked)

    return acts(lie)


def _declined(error: Object) -> bool:
    return bool(error["type"] == "card_error")


def _broken_by_declines(asked: Asked, said: Said) -> None:
    if said.status >= 400 and _declined(said.json):
        said.status = 500


def _refuse(said: Said, status: int, message: str) -> None:
    said.status = status
    said.json = {"type": "invalid_request_error", "message": message, "code": "parameter_invalid", "trace_id": "1"}


def _refusing_expansions(asked: Asked, serve: Serve) -> Said:
    """Refuses to expand what it does not know."""
    said = serve(asked)
    if asked.operation == "retrieve" and asked.query in ("expand=", "expand=zzz"):
        _refuse(said, 400, "this cannot be expanded")
    return said


def _broken_by_long_ids(asked: Asked, said: Said) -> None:
    if len(asked.intent) > 200:
        said.status = 500


def _making_one_up(asked: Asked, serve: Serve) -> Said:
    """Answers with an intent that it makes for the purpose."""
    path = asked.path.split("/payment_intents")[0] + "/payment_intents"
    return serve(replace(asked, method="POST", path=path, query="").saying(SOUND))


def _in_status(statuses: Collection[str], otherwise: Lie, *operations: str) -> Maker:
    """Does something else where these operations come upon an intent in one of the statuses."""

    def lie(asked: Asked, serve: Serve) -> Said:
        if asked.operation in operations:
            found = serve(asked.retrieving())
            if found.succeeded and found.json["status"] in statuses:
                return otherwise(asked, serve)
        return serve(asked)

    return acts(lie)


def _carrying_out_and_refusing(asked: Asked, serve: Serve) -> Said:
    """Carries out what it is asked for without its members, and refuses it."""
    serve(asked.saying({}))
    return refusing(asked, serve)


def _more_than_held(asked: Asked, serve: Serve) -> Said:
    """Collects what it is asked for, however much is held; refuses what is no amount."""
    amount = (asked.members or {}).get("amount_to_capture")
    if type(amount) is not int:
        return refusing(asked, serve)
    said = serve(asked.saying({}))
    said.json = {**said.json, "amount_received": amount}
    return said


def _refused_cancel(asked: Asked, said: Said) -> bool:
    """For ``remembers``: the status of the intent forbade a cancel."""
    return asked.operation == "cancel" and said.status == 409


def _paid(intent: Object) -> bool:
    return bool(intent["amount_received"])


def _hiding_canceled(asked: Asked, said: Said) -> None:
    """Finds no intent that is canceled."""
    if said.succeeded and said.json["status"] == "canceled":
        _refuse(said, 404, "there is no such intent")


def _keeps_the_rest() -> Lie:
    """Holds on to all that was held when a part of it is captured."""
    rest: dict[str, int] = {}

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.intent and said.succeeded:
            body = said.json
            if asked.operation == "capture" and body["amount_capturable"]:
                rest[asked.intent] = body["amount"]
            body["amount_capturable"] = rest.get(asked.intent, body["amount_capturable"])
            said.json = body
        return said

    return lie


def _with_the_intent(asked: Asked, serve: Serve, first: Said, refusal: Said) -> Said:
    """For ``keys.in_conflict``: refused with the members of the first intent beside those of the error."""
    refusal.json = {**first.json, **refusal.json}
    return refusal


def _operating(**functions: Callable[[Task], Intent]) -> PolicyChange:
    """Carries these operations out in another way."""
    return lambda policies: replace(policies, operations={**policies.operations, **functions})


def _wording(kind: str, **members: Any) -> PolicyChange:
    """Words one kind of refusal otherwise."""

    def change(policies: Policies) -> Policies:
        kinds = policies.errors.kinds
        worded = {**kinds, kind: replace(kinds[kind], **members)}
        return replace(policies, errors=replace(policies.errors, kinds=worded))

    return change


def _confirming_at_a_fee(task: Task) -> Intent:
    """Has the payer pay for the payment as well."""
    paid = confirm(task)
    whole = paid.amount + FEE
    return replace(paid, amount=whole, amount_received=whole) if paid.amount_received else paid


def _holding_more(task: Task) -> Intent:
    """Holds the amount and something to be sure."""
    held = confirm(task)
    return replace(held, amount_capturable=held.amount + FEE) if held.amount_capturable else held


def _receiving_twice(task: Task) -> Intent:
    """Books what it receives twice."""
    paid = confirm(task)
    return replace(paid, amount_received=2 * paid.amount_received)


def _creating_whole_forints(task: Task) -> Intent:
    """Takes an amount in forint for one without decimals."""
    params = task.params
    factor = 100 if params["currency"] == "huf" else 1
    return create(replace(task, params={**params, "amount": params["amount"] * factor}))


def _keeping_the_hold(task: Task) -> Intent:
    """Books what it held as received when it cancels."""
    return replace(cancel(task), amount_received=task.subject.amount_capturable)


def _in_major_units(intent: Object) -> None:
    for member in ("amount", "amount_received", "amount_capturable"):
        intent[member] //= 100


def _paid_in_full(intent: Object) -> None:
    intent.update(status="succeeded", amount_received=intent["amount"], amount_capturable=0)


def _paid_now(asked: Asked, said: Said) -> bool:
    """For ``_loses``: a confirm has just been paid."""
    return asked.operation == "confirm" and said.succeeded and bool(said.json["amount_received"])


def _just_declined(asked: Asked, said: Said) -> bool:
    """For ``remembers`` and ``_closes``: a payment has just been declined."""
    return asked.operation == "confirm" and said.status == 422


def _closes(seen: Callable[[Asked, Said], object], *operations: str) -> Maker:
    """Refuses these operations once an exchange about the intent was ``seen``."""

    def make() -> Lie:
        closed: set[str] = set()

        def lie(asked: Asked, serve: Serve) -> Said:
            if asked.intent in closed and asked.operation in operations:
                return refusing(asked, serve)
            said = serve(asked)
            if asked.intent and seen(asked, said):
                closed.add(asked.intent)
            return said

        return lie

    return make


def _confirming_on_paper(asked: Asked, serve: Serve) -> Said:
    """Says of a good card that it was charged, and does not charge it; a request that says more is carried out."""
    members = asked.members
    if asked.operation == "confirm" and members is not None and members.keys() <= {"payment_method"}:
        found = serve(replace(asked.retrieving(), query=asked.query))
        intent = found.json
        open_to_it = found.succeeded and intent["status"] in ("requires_payment_method", "requires_confirmation")
        named = members.get("payment_method") or intent.get("payment_method")
        if open_to_it and intent["capture_method"] == "automatic" and named == CARD:
            _paid_in_full(intent)
            found.json = intent
            return found
    return serve(asked)


def _paid_without_the_payer(asked: Asked, serve: Serve) -> Said:
    """Takes a payer who failed to authenticate for one who did."""
    if ACTIONS in asked.path:
        return serve(replace(asked, query=asked.query.replace("failure", "success")))
    return serve(asked)


def _in_lists(asked: Asked, said: Said) -> None:
    """Has a list of errors where one is promised."""
    if said.status >= 400:
        said.json = [said.json]


def _as_problems(asked: Asked, said: Said) -> None:
    """Has errors as another standard wants them."""
    if said.status >= 400:
        said.json = {"type": "about:blank", "title": said.json["message"], "status": said.status}
        said.headers["Content-Type"] = "application/problem+json"


def _leniently(members: Object) -> None:
    """Makes a whole number of an amount that is text or has a fraction."""
    amount = members.get("amount")
    if isinstance(amount, float) or (isinstance(amount, str) and amount.isdigit()):
        members["amount"] = int(amount)


def _of_another_customer(intent: Object) -> None:
    if isinstance(intent.get("customer"), dict):
        intent["customer"] = {**intent["customer"], "id": "01K70000000000000000000099"}


_fault = partial(lying, "PPC")
_altered = partial(altered, "PPC")


def _with_key(asked: Asked, said: Said) -> None:
    """Tells in a header who has asked."""
    said.headers["X-Authenticated-As"] = asked.headers.get("authorization", "")


FAULTS = [
    _fault("charges_although_it_refuses", acts(charging_all_the_same("payment_method", CARD)), "146 147"),
    # -- the object
    _fault("dates_everything_to_1970", shows(sets(created="1970-01-01T00:00:00Z"), *ALL), "009a"),
    _fault(
        "lags_behind_itself",
        lags("confirm", "capture", "cancel"),
        "073 077 079 086a 090a 092a 095b 098b 099b 099c 141 150b 150c 150d 151 156",
    ),
    _fault(
        "stores_late",
        stores_late(),
        ("060 060a 060b 063 065 077 077a 079 086a 090a 092a 095b 098b 099b 099c 106 150 150a 150b 150c 150d 156 201"),
    ),
    _fault(
        "names_a_status_of_its_own",
        shows(sets(status="open"), status="requires_payment_method"),
        "008 040 041 073 077a",
    ),
    _fault("shows_amounts_as_text", shows(lambda o: o.update(amount=str(o["amount"])), *ALL), "004 004a 004b 084 090a"),
    _fault(
        "shows_currency_as_text", shows(lambda o: o.update(currency=o["currency"]["iso"]), *ALL), "005 006 007 007a"
    ),
    _fault("leaves_livemode_out", shows(drops("livemode"), *ALL), "002 010"),
    _fault(
        "shows_members_of_another_kind",
        together(
            shows(sets(created=1767225600), *ALL),
            shows(sets(statement_descriptor="x" * 101)),
        ),
        "009 009a 026",
    ),
    _fault(
        "numbers_methods",
        shows(where(lambda o: isinstance(o["payment_method"], str), sets(payment_method=5))),
        "011 042a 064 079",
    ),
    _fault("leaves_unset_methods_out", shows(where(lambda o: not o["payment_method"], drops("payment_method"))), "012"),
    _fault(
        "shows_words_of_its_own",
        together(shows(sets(capture_method="later")), shows(sets(setup_future_usage="always"))),
        "014 014a 014b 015 086 086a",
    ),
    _fault(
        "cancels_in_its_own_words",
        together(
            shows(sets(canceled_at=1767225600), status="canceled"),
            shows(sets(cancellation_reason="bored"), status="canceled"),
            shows(sets(amount_received="0"), status="requires_payment_method"),
        ),
        "016 017 018 099 099b",
    ),
    _fault("has_actions_without_type", shows(inside("next_action", drops("type"))), "019"),
    _fault("redirects_to_a_number", shows(inside("next_action", inside("redirect_to_url", sets(url=5)))), "020"),
    _fault("has_three_d_secure_without_flow", _three_d_secure(flow=None), "021"),
    _fault("has_challenges_without_challenge", _three_d_secure(challenge=None), "022"),
    _fault("has_origins_in_text", _three_d_secure(message={"allowed_origins": "https://example.com"}), "023"),
    _fault("asks_for_an_action_without_saying_which", shows(drops("next_action")), "072a"),
    _fault("numbers_payments", shows(where(lambda o: o["latest_payment"], sets(latest_payment=5))), "064 064a 143 202"),
    _fault("expands_customers_without_created", shows(inside("customer", drops("created"))), "013 024 064b"),
    _fault(
        "shows_the_card_number",
        shows(where(lambda o: o["payment_method"], sets(card_number="4242424242424242"))),
        "029",
    ),
    _fault(
        "leaves_ids_out_of_cancel",
        shows(drops("id"), "cancel"),
        "002 003 095 095a 095b 095c 096 097 098 098b 099 099b 099c 100 128b",
    ),
    _fault("names_an_action_that_it_does_not_hold", shows(inside("next_action", drops("redirect_to_url"))), "019a"),
    _fault("shows_amounts_in_major_units", shows(_in_major_units, *ALL), "004a 004b 092a"),
    _fault(
        "shows_cards_without_brand",
        shows(inside("payment_method", inside("card", drops("brand"))), *ALL),
        "011 025 064c 064d",
    ),
    _fault("shows_payments_without_status", shows(inside("latest_payment", drops("status")), *ALL), "064a 143"),
    # -- transport
    _fault("has_other_statuses_for_success", answers(202, *ALL), "001a 001c 001d 001e"),
    # -- authentication
    _fault("takes_basic", trusts(KEY, "create", "retrieve", "confirm", when=presents("Basic")), "131 131a"),
    _fault("answers_401_as_403", answers(403, *ALL, when=401), "130 130b 130c 131 132 132b 132c"),
    _fault("asks_for_a_key_only_to_create", trusts(KEY, "capture", "cancel", when=anonymous), "130b 130c"),
    _fault("lets_any_key_cancel", trusts(KEY, "cancel", when=presents("belongsToNobody")), "132b"),
    _fault("tells_the_key", tells(lambda e: e.update(message="no such key: sk_test_reference"), "create"), "118"),
    _fault("sends_the_key_back_in_a_header", says(_with_key, *ALL), "118"),
    _fault("shows_intents_to_anybody", trusts(KEY, "retrieve", when=anonymous), "130 130a"),
    _fault(
        "takes_any_bearer_key",
        trusts(KEY, *ALL, when=presents("Bearer")),
        "132 132a 132b 132c 190 190a 191 192 193 194",
    ),
    _fault("lets_any_key_capture", trusts(KEY, "capture", when=presents("belongsToNobody")), "132c"),
    # -- create
    _fault(
        "takes_whatever_create_is_sent",
        instead_of_refusal(accepting(**SOUND), "create"),
        "030 030a 030b 031 031a 032 033 034 035 036 036a 037 039 046 047 048 049 050 052 053 054 055 "
        "056 057 058 059 121 121a 122 124 137",
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
        "042 042a 043 044 051 053 078 137 156 157",
    ),
    _fault(
        "confirms_every_create",
        hears(where(lambda m: "payment_method" in m, sets(confirm=True)), "create"),
        "027 040a 042 078 140 157",
    ),
    _fault(
        "breaks_on_bad_input",
        answers(500, "create", when=400),
        "030 030a 030b 031 031a 032 033 034 035 036 036a 037 039 045 046 047 048 049 050 052 053 054 "
        "055 056 057 058 059 124 137 142",
    ),
    _fault(
        "only_holds_what_create_confirms",
        hears(where(lambda m: m.get("confirm") is True, sets(capture_method="manual")), "create"),
        "043 157",
    ),
    _altered("takes_forints_for_whole_ones", _operating(create=_creating_whole_forints), "004b"),
    _fault("forgets_the_customer", shows(sets(customer=None), *ALL), "042b"),
    _fault("reads_amounts_leniently", hears(_leniently, "create"), "033"),
    _fault("takes_negative_amounts", hears(reads("amount", lambda v: type(v) is int and v < 0, 2000), "create"), "034"),
    _fault("passes_over_3ds_options", hears(drops("payment_method_options"), "create"), "054 055 056 057 137"),
    _fault("demands_capital_letters", refuses(lambda m: str(m.get("currency", "")).islower(), "create"), "136"),
    # -- confirm
    _fault("charges_declined_cards", takes_method(DECLINED, CARD), "073 074 087"),
    _fault("numbers_its_reasons", tells(where(_declined, sets(decline_code=51))), "076"),
    _fault("breaks_on_declines", says(_broken_by_declines), "142"),
    _fault(
        "takes_whatever_confirm_is_sent",
        instead_of_refusal(accepting(payment_method=CARD), "confirm", kept=(401, 404, 409, 422)),
        "080 088 139",
    ),
    _fault("confirms_unknown_intents", acts(confirms_unknown(SOUND)), "081 081a 191"),
    _fault(
        "confirms_canceled_intents",
        confirms_again(
            lambda o: o.update(status="succeeded", amount_received=o["amount"]), "canceled", "payment_method"
        ),
        "082 087 116 117 141 156",
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
        "077 149",
    ),
    _fault("pays_twice", confirms_again(sets(latest_payment="second")), "083 083a 116c 127 181 202"),
    _fault("answers_canceled_intents_404", answers(404, "confirm", when=409), "116 116c"),
    _fault("holds_nothing", shows(sets(amount_capturable=0)), "085"),
    _fault("answers_confirm_too_early", acts(too_early), "028 064c 070 071 072 073a 078 086 127 140 145 156 157"),
    _fault(
        "reopens_succeeded_intents",
        remembers(
            sets(status="requires_payment_method"),
            lambda a, s: a.operation == "retrieve" and s.succeeded and s.json["status"] == "succeeded",
        ),
        "083 102a 141 149 151",
    ),
    _fault("answers_confirm_with_another_intent", shows(sets(id="another"), "confirm"), "158"),
    _altered("adds_a_fee_on_confirm", _operating(confirm=_confirming_at_a_fee), "156 157 158a"),
    _altered("holds_more_than_the_amount", _operating(confirm=_holding_more), "090a 091 148 156"),
    _altered("receives_twice_the_amount", _operating(confirm=_receiving_twice), "084 148 156 157"),
    _fault(
        "only_says_that_it_confirms", acts(_confirming_on_paper), "028 079 083a 102 102a 116a 116c 117a 141 150d 156"
    ),
    _altered(
        "confirms_only_what_is_ready",
        living(confirmable=frozenset({"requires_confirmation"})),
        "028 070 071 072 073a 075 075a 086 086a 087 128a 138 145 156 158 158a",
    ),
    _fault("keeps_to_the_stored_method", keeps_to_stored("payment_method"), "156"),
    _fault("loses_paid_intents", loses(_paid_now), "079 086a 116a 116c 127 150d 156 181 201"),
    _fault("skips_authentication", takes_method(AUTHENTICATION, CARD), "072 156"),
    _fault("pays_without_the_payer", acts(_paid_without_the_payer), "077a"),
    _fault("charges_what_it_declines", remembers(_paid_in_full, _just_declined), "073 087 202"),
    _fault("closes_declined_intents", _closes(_just_declined, "confirm"), "073a 087"),
    _altered("leaves_declined_intents_ready", living(declined="requires_confirmation"), "073 077a"),
    _fault("answers_declines_200", answers(200, "confirm", when=422), "002 003 004 005 008 009 010 012 074"),
    _altered(
        "tells_declines_as_bad_requests",
        _wording("declined", type="invalid_request_error", code="parameter_invalid"),
        "075 075a",
    ),
    # -- retrieve
    _fault("retrieves_another_intent", shows(sets(id="another"), "retrieve"), "060 063 065"),
    _fault("retrieves_creation_of_another_day", shows(sets(created="2026-01-01T00:00:00Z"), "retrieve"), "060a"),
    _fault(
        "makes_up_the_intents_it_lacks",
        if_refused(with_status(404), _making_one_up, "retrieve", "capture", "cancel"),
        "061 061a 062 105 105a 152 152a 190 190a 192 193",
    ),
    _fault("answers_unknown_intents_400", answers(400, *ALL, when=404), "061a 081a 105a 152a 190a"),
    _fault("breaks_on_long_ids", says(_broken_by_long_ids), "062 142"),
    _fault("refuses_unknown_expansions", acts(_refusing_expansions), "063 065"),
    _fault("expands_methods_unasked", _asking(lambda query: query or "expand=payment_method", *ALL), "064"),
    _fault("expands_nothing", _asking(lambda query: "", *ALL), "024 025 064a 064b 064c 064d"),
    _fault(
        "retrieves_what_is_open_as_ready",
        shows(sets(status="requires_confirmation"), "retrieve", status="requires_payment_method"),
        "073 077a 150",
    ),
    _fault(
        "retrieves_what_is_ready_as_open",
        shows(sets(status="requires_payment_method"), "retrieve", status="requires_confirmation"),
        "150a",
    ),
    _fault(
        "retrieves_pending_actions_as_done",
        shows(sets(status="succeeded"), "retrieve", status="requires_action"),
        "150b",
    ),
    _fault(
        "retrieves_holds_as_paid",
        shows(sets(status="succeeded"), "retrieve", status="requires_capture"),
        "091a 150c",
    ),
    _fault(
        "retrieves_payments_as_holds",
        shows(sets(status="requires_capture"), "retrieve", status="succeeded"),
        "077 090a 102a 141 150d 156",
    ),
    _fault("finds_no_canceled_intents", says(_hiding_canceled, "retrieve"), "095b 098b 099b 099c 106 201"),
    _fault("charges_for_retrieves", counting(lambda o, n: o.update(amount=o["amount"] + n)), "146 147 151 151a 156"),
    _fault("notes_retrieves", counting(lambda o, n: o.update(statement_descriptor=f"seen {n}")), "151a"),
    _fault(
        "retrieves_defaults", shows(sets(capture_method="automatic", setup_future_usage=None), "retrieve"), "060b 086a"
    ),
    _fault(
        "retrieves_nothing_of_a_cancel", shows(drops("cancellation_reason", "canceled_at"), "retrieve"), "099b 099c"
    ),
    _fault("expands_nothing_that_it_retrieves", _asking(lambda query: "", "retrieve"), "024 025 064a"),
    _fault("is_away_every_second_time", flaps(503, "retrieve"), "106 142 190a?"),
    # -- capture
    _fault(
        "captures_nothing",
        _in_status(("requires_capture",), showing(unchanged), "capture"),
        "090 090a 091 092a 094 154",
    ),
    _fault(
        "captures_less_than_all",
        shows(where(_paid, lambda o: o.update(amount_received=o["amount_received"] - 2)), *ALL),
        "084 090a 092a",
    ),
    _fault("answers_capture_with_another_intent", shows(sets(id="another"), "capture", status="succeeded"), "090b"),
    _fault("captures_all_for_a_part", hears(drops("amount_to_capture"), "capture"), "091 091a 092a 154"),
    _fault("keeps_the_rest_of_a_partial_capture", _keeps_the_rest, "148 156"),
    _fault(
        "refuses_partial_captures",
        hears(where(lambda m: m.get("amount_to_capture") not in (None, 2000), sets(amount_to_capture=0)), "capture"),
        "092 092a 153",
    ),
    _fault(
        "captures_more_than_is_held", if_refused(with_status(400), _more_than_held, "capture"), "091 091a 148 156 202"
    ),
    _fault(
        "captures_what_it_refuses",
        if_refused(with_status(400), _carrying_out_and_refusing, "capture"),
        "091a 094a 147 156",
    ),
    _fault("takes_whatever_capture_is_sent", if_refused(with_status(400), accepting(), "capture"), "091 091a 094 154"),
    _fault(
        "captures_whatever_the_status",
        if_refused(with_status(409), showing(unchanged), "capture"),
        "093 093a 093b 093c 093d 093e 104 104a 140 156",
    ),
    _fault(
        "only_says_that_it_captures",
        _in_status(("requires_capture",), showing(_paid_in_full), "capture"),
        "090a 091 092a 094 141 154 156",
    ),
    _fault(
        "refuses_final_captures_of_an_amount",
        hears(where(lambda m: {"final_capture", "amount_to_capture"} <= {*m}, sets(amount_to_capture=0)), "capture"),
        "153",
    ),
    # -- cancel
    _fault(
        "cancels_nothing",
        _in_status(CANCELABLE, showing(unchanged), "cancel"),
        "064d 095 095b 096 097 098 098b 099 099b 099c 101 140 155 156",
    ),
    _fault(
        "only_says_that_it_cancels",
        _in_status(CANCELABLE, showing(sets(status="canceled")), "cancel"),
        "064d 082 095b 098a 098b 099 099a 099b 099c 101 103 106 116 116b 117 117b 141 155 156",
    ),
    _fault("keeps_what_waits_for_its_payer", _in_status(("requires_action",), refusing, "cancel"), "097 156"),
    _fault("captures_holds_on_cancel", _in_status(("requires_capture",), captured, "cancel"), "098 098b 140 156"),
    _fault(
        "keeps_holds_of_canceled_intents",
        shows(
            where(lambda o: o["latest_payment"], lambda o: o.update(amount_capturable=o["amount"])), status="canceled"
        ),
        "098a",
    ),
    _fault("answers_cancel_with_another_intent", shows(sets(id="another"), "cancel"), "095a"),
    _fault("forgets_when_it_canceled", shows(sets(canceled_at=None)), "099a 099c"),
    _fault("forgets_why_it_canceled", shows(sets(cancellation_reason=None)), "099 099b"),
    _fault(
        "demands_reasons",
        hears(where(lambda m: not m.get("cancellation_reason"), sets(cancellation_reason="none")), "cancel"),
        "095 095a 095b 095c 096 097 098 098b 099c 100 128b 156",
    ),
    _fault("takes_whatever_cancel_is_sent", if_refused(with_status(400), accepting(), "cancel"), "101 155"),
    _fault("cancels_what_it_refuses", if_refused(with_status(400), _carrying_out_and_refusing, "cancel"), "101a"),
    _fault(
        "cancels_whatever_the_status",
        if_refused(with_status(409), showing(sets(status="canceled")), "cancel"),
        "099a 102 103 116a 116b 117a 117b 141 156",
    ),
    _fault(
        "cancels_payments_although_it_refuses", remembers(sets(status="canceled"), _refused_cancel), "102a 141 147 156"
    ),
    _fault("answers_wrong_statuses_423", answers(423, *ALL, when=409), "093d 104a 116 116a 116b 116c 121a"),
    _fault(
        "blames_cards_for_wrong_statuses",
        tells(sets(type="card_error"), "confirm", "capture", "cancel", status=409),
        "093e 117 117a 117b",
    ),
    _altered("keeps_what_is_ready", living(cancelable=frozenset({*CANCELABLE} - {"requires_confirmation"})), "096 156"),
    _altered("keeps_what_it_held", _operating(cancel=_keeping_the_hold), "098b"),
    _fault("answers_cancel_in_another_currency", shows(inside("currency", sets(iso="usd")), "cancel"), "095c"),
    _fault(
        "refuses_null_reasons",
        hears(reads("cancellation_reason", lambda value: value is None, "none"), "cancel"),
        "100",
    ),
    _fault(
        "breaks_off_its_cancels",
        breaks_off("cancel"),
        "095 095a 095b 095c 096 097 098 098b 099 099b 099c 100 110 117a 128b 143 144 156",
    ),
    _fault(
        "answers_wrong_statuses_200",
        answers(200, "confirm", "capture", "cancel", when=409),
        "002 003 004 005 008 009 010 012 082 083a 093 093a 093b 093c 093d 093e 102 103 104 104a 116 116a "
        "116b 116c 117 117a 117b 156",
    ),
    _fault(
        "falls_over_wrong_statuses",
        falls_over("confirm", "capture", "cancel", when=409),
        "082 083a 093 093a 093b 093c 093d 093e 102 103 104 104a 110 116 116a 116b 116c 117 117a 117b 142",
    ),
    # -- errors
    _fault(
        "nests_its_errors", says(nests), "030b 031 031a 036a 075 075a 110a 111 114 115 117 117a 117b 121 130a 131a 132a"
    ),
    _fault(
        "has_errors_in_html", says(in_html), "001b 030b 031 031a 036a 075 075a 110 117 117a 117b 121 130a 131a 132a 144"
    ),
    _fault("numbers_its_errors", tells(sets(code=1001), "create"), "031 036a 112 130a 131a 132a"),
    _fault("names_parameters_in_lists", tells(sets(param=["amount"]), "create", status=400), "031a 113"),
    _fault(
        "has_errors_in_lists",
        says(_in_lists, *ALL),
        "030b 031 031a 036a 075 075a 093e 110 117 117a 117b 121 130a 131a 132a 144",
    ),
    _fault(
        "has_problems_for_errors",
        says(_as_problems, *ALL),
        "001b 030b 031 031a 036a 075 075a 093e 110a 111 114 117 117a 117b 121 130a 131a 132a",
    ),
    _fault("leaves_messages_out", tells(drops("message"), *ALL), "110a"),
    _fault("makes_types_up", tells(sets(type="validation_error"), *ALL, status=400), "030b 111"),
    # -- idempotency
    _fault("ignores_idempotency_keys", keys.ignores_keys(), "124 160"),
    _fault("ignores_keys_of_cancel", keys.ignores_keys("cancel"), "120a 183"),
    _fault("ignores_keys_of_capture", keys.ignores_keys("capture"), "120b 182"),
    _fault("ignores_keys_of_confirm", keys.ignores_keys("confirm"), "127 181"),
    _fault("shows_the_intent_of_the_key_in_conflicts", keys.in_conflict(_with_the_intent), "122"),
    _fault("refuses_long_keys", keys.rekeys(lambda key: key if len(key) < 255 else ""), "123"),
    _fault("cuts_long_keys", keys.rekeys(lambda key: key[:255]), "124"),
    _fault("replays_retrieves", keys.keeps(keys.whole_request, "retrieve"), "125 141"),
    _fault("knows_keys_late", keys.knows_keys_late(), "126"),
    _fault("demands_keys", keys.demands_keys("create"), "128"),
    _fault("demands_keys_after_create", keys.demands_keys("confirm", "capture", "cancel"), "128a 128b"),
    _fault("replays_whatever_create_is_sent", keys.keeps(keys.any_body, "create"), "121 121a 122"),
    _fault("carries_conflicts_out", keys.in_conflict(keys.carried_out), "121 121a 122"),
    _fault(
        "refuses_replays", keys.collides("create", "confirm", "capture", "cancel"), "120 120a 120b 127 180 181 182 183"
    ),
    _altered(
        "tells_conflicts_as_bad_requests", _wording("key_conflict", status=400, type="invalid_request_error"), "121"
    ),
    _fault("falls_over_all_but_one_of_creates_at_once", keys.at_once(failing, but_the_first=True), "126 142"),
    _fault("refuses_all_creates_at_once", keys.at_once(refusing), "126"),
    _fault("expands_another_customer", shows(_of_another_customer, "retrieve"), "024"),
]
