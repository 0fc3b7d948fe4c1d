"""Faults of a server that claims Dots' contract, each with the requirements that it breaks."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID, uuid4, uuid5

from werkzeug.wrappers import Request

from conformance.reference.authentication import credentials
from conformance.reference.model import Caller, Path
from conformance.reference.policies import Policies
from conformance.reference.providers.dots import VALIDATION
from conformance.reference.validation import Check, Members, anything, bounded, integer, invalid, one_of, text
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
    keeps_to_stored,
    nests,
    refuses,
    remembers,
    takes_repeats_for_one,
    too_early,
    trusts,
)
from .faltering import breaks_off, falls_over, flaps, lags, stores_late
from .fault import Change, altered, living, lying
from .keys import KEY as IDEMPOTENCY_KEY
from .lies import (
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
from .listing import hides, pages, shows_page, wrapped

KEY = {"authorization": "Basic cmVmZXJlbmNlLWNsaWVudDpyZWZlcmVuY2Uta2V5"}
SOUND = {"amount": 123, "currency": "usd"}
CARD, DECLINED, AUTHENTICATION = (f"d0750000-0000-4000-8000-0000000000{n}" for n in ("11", "12", "15"))
NOT_FOUND = {"error": "not-found", "message": "Nothing is served here"}
UNKNOWN_HEADER = {"error": "invalid-input", "message": "Idempotency-Key is not known"}
SHOWING = ("confirm", "retrieve", "list")
EVERYTHING = ("create", "retrieve", "confirm", "list", "")  # what is no operation, too
NOBODYS = "5b0d1f5e-52a7-4c0a-9f54-3f3a1f6f2c11"


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


def _key_for_all(members: Object) -> None:
    """Takes every key for the same."""
    if "idempotency_key" in members:
        members["idempotency_key"] = NOBODYS


def _of_the_client(asked: Asked) -> bool:
    """The request names the right client and has some password."""
    scheme, _, value = asked.headers.get("authorization", "").partition(" ")
    with suppress(ValueError):
        client, _, password = b64decode(value).decode().partition(":")
        return scheme == "Basic" and client == "reference-client" and password != ""
    return False


def _key_with_amount(members: Object) -> None:
    """Takes a key for another one where the amount is another."""
    if "idempotency_key" in members:
        members["idempotency_key"] = str(uuid5(UUID(members["idempotency_key"]), str(members.get("amount"))))


def _listing(asked: Asked) -> bool:
    return asked.operation == "list"


def _refused_confirm(asked: Asked, said: Said) -> bool:
    return asked.operation == "confirm" and said.status == 400


def _checking(operation: str, **checks: Check) -> Change:
    """Reads members of an operation's requests in another way."""
    members = VALIDATION.members[operation]
    other = replace(members, fields={**members.fields, **checks})
    validation = replace(VALIDATION, members={**VALIDATION.members, operation: other})
    return lambda policies: replace(policies, validation=validation)


def _bearer_too(policies: Policies) -> Policies:
    """Takes the pair of client and key as a Bearer token, too."""

    def authenticate(request: Request) -> Caller:
        scheme, value = credentials(request)
        if scheme == "bearer":
            request.environ["HTTP_AUTHORIZATION"] = f"Basic {b64encode(value.encode()).decode()}"
        return policies.authentication(request)

    return replace(policies, authentication=authenticate)


def _any_notation(value: Any, path: Path) -> int:
    """Whatever can be made a number of: text, a fraction without what follows the point."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise invalid(path, "must be a number") from None
    return bounded(number, path, 1, None)


def _without_sign(members: Object) -> None:
    if isinstance(members.get("amount"), int):
        members["amount"] = abs(members["amount"])


def _in_dollars(members: Object) -> None:
    """Leaves the cents out."""
    if isinstance(members.get("amount"), int):
        members["amount"] = members["amount"] // 100 * 100


def _less_the_fee(members: Object) -> None:
    """Takes the application's fee off a sound amount."""
    amount, fee = members.get("amount"), members.get("application_fee_amount")
    if isinstance(amount, int) and isinstance(fee, int) and 0 < fee < amount:
        members["amount"] = amount - fee


def _paying_at_once(members: Object) -> None:
    """Confirms what has a method, asked or not."""
    if "payment_method_id" in members:
        members.setdefault("confirm", True)


def _with_a_card(members: Object) -> None:
    """Names a card where the request is to pay and names none."""
    if members.get("confirm") is True or "amount" not in members:
        members.setdefault("payment_method_id", CARD)


def _as_text(metadata: Object) -> None:
    """Makes text of every value."""
    metadata.update({name: str(value) for name, value in metadata.items()})


def _mending(asked: Asked, serve: Serve) -> Said:
    """Takes a create that is no JSON for a sound one."""
    try:
        json.loads(asked.body or b"{}")
    except ValueError:
        return serve(asked.saying(SOUND) if asked.operation == "create" else asked)
    return serve(asked)


def _paid(intent: Object) -> bool:
    return "transfer_id" in intent


def _as_transfer(intent: Object) -> None:
    """Shows the id of the transfer for that of the intent."""
    intent["id"] = intent["transfer_id"]


def _with_new_transfer(intent: Object) -> None:
    intent["transfer_id"] = str(uuid4())


def _with_fee(intent: Object) -> None:
    intent["amount"] += 30


def _as_dollars(intent: Object) -> None:
    intent["amount"] /= 100


def _nothing(asked: Asked, said: Said) -> None:
    """Says of a success that there is nothing to say."""
    if said.succeeded:
        said.status, said.body = 204, b""


def _charging_declined(asked: Asked, serve: Serve) -> Said:
    """Declines a card, and books the payment."""
    members = asked.members or {}
    if asked.operation != "confirm" or members.get("payment_method_id") != DECLINED:
        return serve(asked)
    said = serve(asked.saying({"payment_method_id": CARD}))
    if said.succeeded:
        said.status, said.json = 402, {"error": "invalid-transaction", "message": "the payment method was declined"}
    return said


def _losing_paid(asked: Asked, serve: Serve) -> Said:
    """Does not find an intent that is paid."""
    said = serve(asked)
    if asked.operation == "retrieve" and said.succeeded and said.json["status"] == "succeeded":
        return serve(replace(asked, path=asked.path.replace(asked.intent, NOBODYS)))
    return said


def _null_for_unknown(asked: Asked, said: Said) -> None:
    if said.status == 404:
        said.status, said.json = 200, None


def _keeping_first_list() -> Lie:
    """Lists for ever what stood in its first list."""
    kept: list[bytes] = []

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation == "list" and said.succeeded:
            kept.append(said.body)
            said.body = kept[0]
        return said

    return lie


def _falling_over_undecodable(asked: Asked, said: Said) -> None:
    if said.status == 401 and said.json["message"] == "the credentials are not Base64":
        said.status, said.json = 500, {"error": "internal", "message": "Invalid base64-encoded string"}


def _login_page(asked: Asked, said: Said) -> None:
    """Has a page for those who are not known."""
    if said.status == 401:
        said.status, said.body, said.headers["Content-Type"] = 200, b"<h1>Log in</h1>", "text/html"


def _login_redirect(asked: Asked, said: Said) -> None:
    """Sends those who are not known to another place."""
    if said.status == 401:
        said.status, said.body, said.headers["Location"] = 302, b"", "/login"


def _key_of(asked: Asked) -> str:
    """The key of a create, empty where it has none."""
    key = (asked.members or {}).get("idempotency_key") if asked.operation == "create" else ""
    return key if isinstance(key, str) else ""


def _failing_on_used_keys() -> Lie:
    """Comes upon a key that its table has already, and knows no answer to that."""
    used: set[str] = set()

    def lie(asked: Asked, serve: Serve) -> Said:
        key = _key_of(asked)
        if key and key in used:
            return Said(500, {"Content-Type": "application/json"}, b'{"error": "internal", "message": "duplicate key"}')
        used.add(key)
        return serve(asked)

    return lie


def _replaying_what_stands_now() -> Lie:
    """Answers a used key with the intent as a retrieve shows it, not with the first answer."""
    made: dict[str, str] = {}

    def lie(asked: Asked, serve: Serve) -> Said:
        key = _key_of(asked)
        if key in made:
            return serve(replace(asked, method="GET", path=f"{asked.path}/{made[key]}", body=b""))
        said = serve(asked)
        if key and said.succeeded:
            made[key] = said.json["id"]
        return said

    return lie


def _well_anyway(asked: Asked, said: Said) -> None:
    """Gives refusals the status of a success."""
    if said.status >= 400:
        said.status = 200


def _refusing_in_silence(asked: Asked, said: Said) -> None:
    """Refuses without a body."""
    if said.status >= 400:
        said.body = b""


def _listing_errors(asked: Asked, said: Said) -> None:
    """Has a list of errors, always of one."""
    if said.status >= 400:
        said.json = [said.json]


_fault = partial(lying, "DOT")
_altered = partial(altered, "DOT")

FAULTS = [
    # -- the object
    _fault(
        "names_a_status_of_its_own", shows(sets(status="open"), status="requires_payment_method"), "008 038 077 136"
    ),
    _fault("shows_no_status", shows(drops("status")), "009"),
    _fault("shows_amounts_as_text", shows(lambda o: o.update(amount=str(o["amount"]))), "005 006 053b 097a"),
    _fault("leaves_currency_out", shows(drops("currency")), "002 007 070a"),
    _fault("shows_currency_in_capitals", shows(sets(currency="USD")), "007 097a"),
    _fault("has_ids_with_prefix", acts(_renamed), "004 096"),
    _fault(
        "shows_metadata_as_a_boolean",
        shows(where(lambda o: "metadata" in o, sets(metadata=True))),
        "010 059a 059b 059c",
    ),
    _fault(
        "shows_references_of_another_kind",
        together(
            shows(where(lambda o: "user_id" in o, sets(user_id="pat"))),
            shows(where(lambda o: "transfer_id" in o, sets(transfer_id=5))),
            shows(where(lambda o: "payment_method_id" in o, sets(payment_method_id="pm_1"))),
        ),
        "011 012 013 044 044a 047 047a 074",
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
        "121 121a 121b 121c 122 122a 122b 122c 123 124 125 170 171 172",
    ),
    _fault("knows_no_organisations", acts(lambda asked, serve: serve(asked.sending(api_app_id=None))), "126"),
    _fault("asks_for_the_client_id_alone", trusts(KEY, "create", "retrieve", "confirm", when=_of_the_client), "122c"),
    _fault("lets_anyone_retrieve", trusts(KEY, "retrieve", when=anonymous), "121 121a"),
    _fault("takes_unknown_keys_for_lists", trusts(KEY, "list", when=presents("Basic")), "122b 172"),
    _fault(
        "checks_keys_at_create_only",
        trusts(KEY, "retrieve", "confirm", "list"),
        "121 121a 121b 121c 122 122a 122b 122c 123 124 125 170 171 172",
    ),
    _altered("takes_keys_as_bearer_tokens", _bearer_too, "123"),
    _fault("falls_over_undecodable_credentials", says(_falling_over_undecodable, *EVERYTHING), "103 124"),
    _fault(
        "shows_a_page_to_log_in",
        says(_login_page, *EVERYTHING),
        "095 121 121a 121b 121c 122 122a 122b 122c 123 124 125 132",
    ),
    _fault("redirects_to_a_page_to_log_in", says(_login_redirect, *EVERYTHING), "121a 121c 122a 124"),
    # -- create
    _fault("refuses_small_amounts", refuses(lambda members: members.get("amount") == 1, "create"), "035 128"),
    _fault("takes_any_currency", hears(reads("currency", lambda value: value != "usd", "usd"), "create"), "036 129"),
    _fault("confirms_every_create", acts(_confirming), "038 038a 133 134 136 136a 140"),
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
        "053 053a 053b 128",
    ),
    _fault("refuses_metadata", refuses(lambda members: "metadata" in members, "create"), "058 059 059a 059b 059c 060"),
    _fault("takes_repeated_creates_for_one", takes_repeats_for_one, "062"),
    _fault(
        "breaks_on_bad_input",
        answers(500, "create", when=400),
        "030 031 032 033 034 036 037 039 042 043 045 046 049 050 052 054 055 056 057 061 063 103 129",
    ),
    _fault("assumes_dollars", hears(lambda members: members.setdefault("currency", "usd"), "create"), "031 129"),
    _altered("takes_euros", _checking("create", currency=one_of("usd", "eur")), "007 036 096"),
    _altered("keeps_the_case_of_currencies", _checking("create", currency=one_of("usd", "USD")), "007 037 096"),
    _altered("takes_amounts_in_any_notation", _checking("create", amount=_any_notation), "034"),
    _altered("takes_payments_of_nothing", _checking("create", amount=integer(0)), "032 129"),
    _fault("drops_the_sign_of_amounts", hears(_without_sign, "create"), "033 129"),
    _altered("refuses_more_than_five_hundred_dollars", _checking("create", amount=integer(1, 50_000)), "128"),
    _fault("counts_in_whole_dollars", hears(_in_dollars, "create"), "006 035 053b 128"),
    _fault("takes_the_fee_off_the_amount", hears(_less_the_fee, "create"), "053b"),
    _altered("takes_negative_fees", _checking("create", application_fee_amount=integer()), "054 129"),
    _altered(
        "reads_any_other_confirm_as_false", _checking("create", confirm=lambda value, path: value is True), "039 129"
    ),
    _fault("pays_at_once_where_it_is_given_a_method", hears(_paying_at_once, "create"), "038a 133 136a"),
    _fault("charges_a_card_of_its_own", hears(_with_a_card, "create", "confirm"), "042 075 078"),
    _altered(
        "takes_any_reference",
        _checking("create", user_id=text(), customer_id=text(), transfer_data=Members({}, closed=False)),
        "011 043 045 056 096 129",
    ),
    _altered("passes_over_transfers_that_it_cannot_read", _checking("create", transfer_data=anything), "056 057 129"),
    _altered("takes_any_payment_method_types", _checking("create", payment_method_types=anything), "049 050 129"),
    _altered("takes_any_description", _checking("create", description=anything), "061 129"),
    _altered(
        "saves_methods_for_off_session_use",
        _checking("create", setup_future_usage=one_of("on_session", "off_session")),
        "052",
    ),
    _fault("stores_metadata_as_text", hears(inside("metadata", _as_text), "create"), "059c"),
    _fault("mends_what_is_no_json", acts(_mending), "063"),
    # -- confirm
    _fault("charges_declined_cards", takes_method(DECLINED, CARD, "payment_method_id"), "084 085 085a"),
    _fault("never_asks_for_authentication", takes_method(AUTHENTICATION, CARD, "payment_method_id"), "135"),
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
        "070a 071 072 072a 073 074a 086 086a 131 140",
    ),
    _fault("confirms_unknown_intents", acts(confirms_unknown(SOUND)), "079 079a 080 171"),
    _fault("answers_unknown_intents_400", answers(400, "confirm", "retrieve", when=404), "079a 092"),
    _fault("words_the_404_otherwise", tells(sets(error="not found"), "retrieve", status=404), "093"),
    _fault("transfers_twice", confirms_again(sets(transfer_id=NOBODYS)), "082 161 182"),
    _fault("charges_although_it_refuses", acts(charging_all_the_same("payment_method_id", CARD)), "077 081"),
    _fault(
        "cancels_declined_payments",
        shows(sets(status="canceled"), "confirm", "retrieve", "list", status="failed"),
        "085",
    ),
    _fault("answers_confirms_with_the_transfer", shows(where(_paid, _as_transfer), "confirm"), "071"),
    _fault("answers_confirms_too_early", acts(too_early), "073 074a 086a 133 135 140"),
    _fault(
        "answers_confirms_with_nothing",
        says(_nothing, "confirm"),
        "070 070a 071 072 072a 073 074a 086 086a 131 132 135 140",
    ),
    _fault(
        "breaks_off_confirms",
        breaks_off("confirm", when=lambda said: said.succeeded),
        "070a 071 072 072a 073 074a 086 086a 131 132 135 140",
    ),
    _fault("flaps_on_confirm", flaps(503, "confirm"), "103 130"),
    _fault(
        "answers_confirms_with_a_copy_of_the_method",
        shows(where(_paid, sets(payment_method_id=NOBODYS)), "confirm"),
        "086a",
    ),
    _fault("adds_a_fee_to_what_is_paid", shows(_with_fee, *SHOWING, status="succeeded"), "072 140"),
    _fault("shows_paid_amounts_in_dollars", shows(_as_dollars, *SHOWING, status="succeeded"), "005 072 096"),
    _fault("loses_metadata_with_confirm", shows(drops("metadata"), *SHOWING, status="succeeded"), "072a"),
    _fault("loses_methods_with_confirm", shows(drops("payment_method_id"), *SHOWING, status="succeeded"), "074"),
    _fault("charges_the_method_it_has", keeps_to_stored("payment_method_id"), "074a 085a 135"),
    _fault("charges_cards_that_it_declines", acts(_charging_declined), "084 085"),
    _fault("declines_with_a_server_error", answers(502, "confirm", when=402), "085a 103"),
    # -- retrieve
    _fault("shows_another_intent", _shows_another, "077 090 090b 097a 137 137a 137b 140"),
    _fault("has_another_status_for_retrieve", answers(203, "retrieve"), "090a"),
    _fault(
        "shows_hundredfold_amounts",
        shows(lambda o: o.update(amount=o["amount"] * 100), "retrieve"),
        "086a 091 097a 140",
    ),
    _fault(
        "lets_intents_go_stale", shows(sets(status="created"), "retrieve", status="requires_payment_method"), "137 140"
    ),
    _fault(
        "forgets_payments",
        shows(sets(status="requires_confirmation"), "retrieve", status="succeeded"),
        "086 097a 134 137a 140",
    ),
    _fault("gives_up_on_payers", shows(sets(status="failed"), "retrieve", status="requires_action"), "137b"),
    _fault("adds_interest", _adds_interest, "081 086a 091 097a 138 138a 138b 139 140"),
    _fault("counts_views", _counts_views, "138a 138b"),
    _fault("reads_from_a_copy_that_lags", lags("confirm"), "074 086 086a 097a 134 137a 137b 138 138b 140"),
    _fault("loses_paid_intents", acts(_losing_paid), "074 090b 137a 140 181"),
    _fault("forgets_who_pays", shows(drops("user_id"), "retrieve"), "044a"),
    _fault("forgets_metadata", shows(drops("metadata"), "retrieve"), "059b"),
    _fault(
        "forgets_methods_until_confirm",
        shows(drops("payment_method_id"), "retrieve", status="requires_confirmation"),
        "047a",
    ),
    _fault("makes_up_a_transfer_for_each_look", shows(where(_paid, _with_new_transfer), *SHOWING), "082 138 138b 182"),
    _fault("falls_over_unknown_intents", falls_over("retrieve", "confirm", when=404), "079 079a 080 092 100 103"),
    _fault("shows_null_for_unknown_intents", says(_null_for_unknown, "retrieve"), "092 132 170"),
    # -- list
    _fault("has_no_list", answers_with(404, NOT_FOUND, _listing), "094 097 097a"),
    _fault("has_another_status_for_lists", answers(206, "list"), "094a"),
    _fault("wraps_lists", says(wrapped, "list"), "094 095 097 097a"),
    _fault("lists_intents_without_currency", shows(drops("currency"), "list"), "002 007 096"),
    _fault("lists_intents_without_status", shows(drops("status"), "list"), "009 096a"),
    _fault("lists_secrets", shows(sets(client_secret="secret"), "list"), "016a"),
    _fault("lists_paid_intents_only", hides(lambda intent: intent["status"] != "succeeded"), "097"),
    _fault("lists_old_statuses", shows(sets(status="requires_confirmation"), "list", status="succeeded"), "097a 134"),
    _fault("lists_amounts_in_dollars", shows(_as_dollars, "list"), "005 096 097a"),
    _fault("lists_hundredfold_amounts", shows(lambda o: o.update(amount=o["amount"] * 100), "list"), "097a"),
    _fault("lists_ids_alone", shows_page(lambda asked, items: [item["id"] for item in items]), "095 097"),
    _fault("lists_the_oldest_ten", pages(lambda items: items[::-1][:10]), "097"),
    _fault("keeps_its_first_list", _keeping_first_list, "097"),
    _fault("breaks_lists_off", breaks_off("list", when=lambda said: said.succeeded), "094 095 097 097a"),
    # -- lifecycle
    _fault(
        "cancels_what_it_refuses_to_confirm",
        remembers(sets(status="canceled"), _refused_confirm),
        "081 082 134 139 140 161",
    ),
    _fault("opens_paid_intents_again", confirms_again(sets(status="requires_action")), "082 134 140 161"),
    _altered(
        "cannot_confirm_what_has_a_method",
        living(confirmable=frozenset({"requires_payment_method"})),
        "040 041 073 074a 135 140",
    ),
    _altered("holds_what_nobody_can_capture", living(captures_later=lambda intent: True), "041 073 074a 133 140"),
    _altered(
        "asks_every_payer_to_authenticate", living(verification=lambda intent: "redirect"), "041 073 074a 085 085a 140"
    ),
    # -- idempotency
    _fault("refuses_keys", refuses(lambda members: "idempotency_key" in members, "create"), "110"),
    _fault("ignores_keys", hears(drops("idempotency_key"), "create"), "111 141"),
    _fault("takes_another_amount_for_another_key", hears(_key_with_amount, "create"), "112"),
    _fault(
        "refuses_keys_in_headers",
        answers_with(400, UNKNOWN_HEADER, lambda asked: IDEMPOTENCY_KEY in asked.headers),
        "113",
    ),
    _fault("takes_all_keys_for_one", hears(_key_for_all, "create"), "111a 180"),
    _fault("fails_on_used_keys", _failing_on_used_keys, "103 111 112"),
    _fault("replays_what_stands_now", _replaying_what_stands_now, "015"),
    # -- errors
    _fault("has_errors_in_html", says(in_html), "100"),
    _fault("says_nothing_in_errors", tells(drops("error", "message")), "093a 101 104"),
    _fault("has_errors_of_several_shapes", tells(sets(code="bad"), "confirm"), "102 104"),
    _fault(
        "answers_200_whatever_happens",
        says(_well_anyway, *EVERYTHING),
        (
            "002 004 005 007 009 030 031 032 033 034 036 037 039 042 043 045 046 049 050 052 054 055 056 057 "
            "061 063 075 076 076a 078 079 079a 080 083 085a 092 095 121 121a 121b 121c 122 122a 122b 122c "
            "123 124 125 129 130 170 171"
        ),
    ),
    _fault("nests_errors", says(nests, *EVERYTHING), "093 093a 101"),
    _fault("has_errors_without_body", says(_refusing_in_silence, *EVERYTHING), "100"),
    _fault("lists_its_errors", says(_listing_errors, *EVERYTHING), "100"),
    _fault("finds_new_intents_late", stores_late(), "044a 047a 059b 074 090 090b 091 137 137a 137b 140 181"),
]
