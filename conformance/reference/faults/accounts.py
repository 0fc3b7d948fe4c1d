"""Faults of servers that look too little at whose key it is: another account's, one that only reads, a publishable one.

A provider has those that its table names, with the ids of the requirements that each breaks.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace

from conformance.reference.idempotency import Idempotency, whole_request
from conformance.reference.model import Call, Intent
from conformance.reference.policies import Policies
from conformance.reference.providers import dots, paypercut, revkeen, stripe
from conformance.reference.wire import Asked, Said, Serve

from .deeds import trusts
from .fault import Change, Fault, altered, tells
from .lies import Maker, error_of, presents, says

_WRITES = ("update", "confirm", "capture", "cancel", "increment_authorization")
When = Callable[[Asked], bool]


def _carries_out_what_it_refuses(right: Mapping[str, str], when: When, *operations: str) -> Maker:
    """Refuses these operations as it should, and carries them out all the same."""

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.operation in operations and when(asked) and said.status >= 400:
            serve(asked.sending(**right))
        return said

    return lambda: lie


def _shows_what_it_refuses(right: Mapping[str, str], when: When) -> Maker:
    """Refuses, and tells in the error what the intent is like."""

    def lie(asked: Asked, serve: Serve) -> Said:
        said = serve(asked)
        if asked.intent and when(asked) and said.status == 404:
            body = said.json
            error_of(body)["payment_intent"] = serve(asked.sending(**right).retrieving()).json
            said.json = body
        return said

    return lambda: lie


def _answers(wrong: int, when: When, right: int) -> Maker:
    """Gives refusals with the status ``right`` another one."""

    def altered_status(asked: Asked, said: Said) -> None:
        if when(asked) and said.status == right:
            said.status = wrong

    return says(altered_status, "create", "retrieve", *_WRITES)


def _one_set_of_keys(policies: Policies) -> Policies:
    """Takes an idempotency key for the same whoever sends it."""
    idempotency = policies.idempotency
    assert isinstance(idempotency, Idempotency)

    def scope(call: Call) -> tuple[str, ...]:
        return tuple(part for part in idempotency.scope(call) if part != call.caller.key)

    return replace(policies, idempotency=replace(idempotency, scope=scope))


def _keys_of_others_are_taken(policies: Policies) -> Policies:
    """Takes an idempotency key that somebody else has used for one that was used with another request."""

    def asked(call: Call) -> str:
        return json.dumps([call.caller.key, whole_request(call)])

    shared = _one_set_of_keys(policies)
    assert isinstance(shared.idempotency, Idempotency)
    return replace(shared, idempotency=replace(shared.idempotency, asked=asked))


def _any_intents_secret(policies: Policies) -> Policies:
    """Opens an intent with the client secret of any other."""

    def access(call: Call, intent: Intent | None) -> None:
        secret = str(call.params.get("client_secret", ""))
        another = intent is not None and "_secret_" in secret and not secret.startswith(intent.id)
        right = {"client_secret": intent.client_secret} if intent and another else {}
        policies.access(replace(call, params={**call.params, **right}), intent)

    return replace(policies, access=access)


def _asks_for_client_secrets_alone(right: Mapping[str, str]) -> Maker:
    """Lets whoever brings a client secret capture and cancel."""

    def lie(asked: Asked, serve: Serve) -> Said:
        members = asked.members or {}
        if asked.operation in ("capture", "cancel") and members.pop("client_secret", ""):
            return serve(asked.sending(**right).saying(members))
        return serve(asked)

    return lambda: lie


def _of_strangers(right: Mapping[str, str], stranger: str) -> dict[str, Change]:
    """What is wrong about the key of another account."""
    strange = presents(stranger)
    return {
        "shows_strangers_every_intent": tells(trusts(right, "retrieve", when=strange)),
        "answers_strangers_409": tells(_answers(409, strange, 404)),
        "lets_strangers_confirm": tells(trusts(right, "confirm", when=strange)),
        "lets_strangers_capture": tells(trusts(right, "capture", when=strange)),
        "lets_strangers_cancel": tells(trusts(right, "cancel", when=strange)),
        "lets_strangers_capture_and_cancel": tells(trusts(right, "capture", "cancel", when=strange)),
        "lets_strangers_update": tells(trusts(right, "update", when=strange)),
        "lets_strangers_increment": tells(trusts(right, "increment_authorization", when=strange)),
        "carries_out_what_it_refuses_strangers": tells(_carries_out_what_it_refuses(right, strange, *_WRITES)),
        "shows_strangers_what_it_refuses": tells(_shows_what_it_refuses(right, strange)),
        "lists_for_strangers": tells(trusts(right, "list", when=strange)),
        "searches_for_strangers": tells(trusts(right, "search", when=strange)),
        "has_one_set_of_keys_for_all_accounts": _one_set_of_keys,
        "takes_keys_of_others_for_used": _keys_of_others_are_taken,
    }


def _of_readers(right: Mapping[str, str], reader: str) -> dict[str, Change]:
    """What is wrong about a key that only reads."""
    reads = presents(reader)
    return {
        "takes_restricted_keys_for_secret_ones": tells(trusts(right, "create", *_WRITES, when=reads)),
        "answers_restricted_keys_401": tells(_answers(401, reads, 403)),
        "carries_out_what_it_refuses_readers": tells(_carries_out_what_it_refuses(right, reads, *_WRITES)),
        "keeps_restricted_keys_from_reading": tells(trusts(dict.fromkeys(right, "nobody's"), "retrieve", when=reads)),
    }


def _of_publishable_keys(right: Mapping[str, str]) -> dict[str, Change]:
    """What is wrong about a publishable key and client secrets."""
    publishable = presents("pk_test")
    return {
        "lets_publishable_keys_capture_and_cancel": tells(trusts(right, "capture", "cancel", when=publishable)),
        "asks_for_client_secrets_alone": tells(_asks_for_client_secrets_alone(right)),
        "opens_intents_with_any_client_secret": _any_intents_secret,
        "charges_what_it_refuses_publishable_keys": tells(_carries_out_what_it_refuses(right, publishable, "confirm")),
    }


def _faults(prefix: str, changes: Mapping[str, Change], breaks: Mapping[str, str]) -> list[Fault]:
    return [altered(prefix, name, changes[name], ids) for name, ids in breaks.items()]


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _basic(key: str) -> str:
    return f"Basic {b64encode(key.encode()).decode()}"


STRIPE = _faults(
    "STR",
    {
        **_of_strangers(_bearer(stripe.API_KEY), stripe.STRANGER_KEY),
        **_of_readers(_bearer(stripe.API_KEY), stripe.RESTRICTED_KEY),
        **_of_publishable_keys(_bearer(stripe.API_KEY)),
    },
    {
        "shows_strangers_every_intent": "270 270a",
        "answers_strangers_409": "270a",
        "lets_strangers_confirm": "271",
        "lets_strangers_capture": "272",
        "lets_strangers_cancel": "273",
        "lets_strangers_update": "274",
        "lets_strangers_increment": "275",
        "carries_out_what_it_refuses_strangers": "271 272 273 274 275",
        "shows_strangers_what_it_refuses": "270 271 272 273 274 275",
        "lists_for_strangers": "276",
        "searches_for_strangers": "276a",
        "has_one_set_of_keys_for_all_accounts": "277",
        "takes_keys_of_others_for_used": "277",
        "takes_restricted_keys_for_secret_ones": "280 280a 281 282 283 284",
        "answers_restricted_keys_401": "280a",
        "carries_out_what_it_refuses_readers": "281 282 283 284",
        "keeps_restricted_keys_from_reading": "285",
        "lets_publishable_keys_capture_and_cancel": "011b 011c",
        "asks_for_client_secrets_alone": "011b 011c",
        "opens_intents_with_any_client_secret": "014b 014c",
        "charges_what_it_refuses_publishable_keys": "014c 119 127 127a",
    },
)
REVKEEN = _faults(
    "RVK",
    {
        **_of_strangers({"x_api_key": revkeen.API_KEY}, revkeen.STRANGER_KEY),
        **_of_readers({"x_api_key": revkeen.API_KEY}, revkeen.READ_ONLY_KEY),
    },
    {
        "lists_for_strangers": "178d",
        "shows_strangers_every_intent": "178",
        "answers_strangers_409": "178 178a 178b 178c",
        "lets_strangers_confirm": "178a",
        "lets_strangers_capture_and_cancel": "178b 178c",
        "carries_out_what_it_refuses_strangers": "178a 178b 178c",
        "shows_strangers_what_it_refuses": "178 178a 178b 178c",
        "has_one_set_of_keys_for_all_accounts": "131 131a",
        "takes_keys_of_others_for_used": "131 131a",
        "carries_out_what_it_refuses_readers": "144a 144b 144c",
    },
)
PAYPERCUT = _faults(
    "PPC",
    _of_strangers(_bearer(paypercut.API_KEY), paypercut.STRANGER_KEY),
    {
        "shows_strangers_every_intent": "190 190a",
        "answers_strangers_409": "190a",
        "lets_strangers_confirm": "191",
        "lets_strangers_capture": "192",
        "lets_strangers_cancel": "193",
        "carries_out_what_it_refuses_strangers": "191 192 193",
        "shows_strangers_what_it_refuses": "190 191 192 193",
        "has_one_set_of_keys_for_all_accounts": "194",
    },
)
DOTS = _faults(
    "DOT",
    _of_strangers({"authorization": _basic(dots.API_KEY)}, _basic(dots.STRANGER_KEY)),
    {
        "shows_strangers_every_intent": "170",
        "lets_strangers_confirm": "171",
        "carries_out_what_it_refuses_strangers": "171",
        "shows_strangers_what_it_refuses": "104 170 171",
        "lists_for_strangers": "172",
    },
)
