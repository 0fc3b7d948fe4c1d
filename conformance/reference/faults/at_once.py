"""Faults that show when requests come at once or again: one race each, or one way to take a repeat for something new.

A provider has those of ``_CHANGES`` that its table names, with the ids of the requirements that each breaks.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import key_policies, keys, races
from .deeds import failing
from .fault import Change, Fault, altered, both, tells
from .races import overlooks

_CHANGES: Mapping[str, Change] = {
    # -- a key is looked up, and acted on later
    "looks_up_keys_of_creates_100_ms_early": key_policies.looks_up_keys_early(0.1, "create"),
    "looks_up_all_keys_early": key_policies.looks_up_keys_early(keys.PAUSE),
    "looks_up_keys_of_confirms_early": key_policies.looks_up_keys_early(keys.PAUSE, "confirm"),
    "charges_twice_under_one_key": both(
        key_policies.looks_up_keys_early(0.0, "confirm"), overlooks("confirm", "confirm")
    ),
    "captures_twice_under_one_key": both(
        key_policies.looks_up_keys_early(0.0, "capture"), overlooks("capture", "capture")
    ),
    # -- what becomes of a key that is in use
    "answers_duplicates_with_an_id_alone": key_policies.spoils_duplicates(key_policies.an_id_alone),
    "answers_duplicates_with_nothing": key_policies.spoils_duplicates(key_policies.nothing_at_all),
    "answers_duplicates_with_another_intent": key_policies.spoils_duplicates(key_policies.another_intent, "create"),
    "falls_over_duplicates": key_policies.spoils_duplicates(key_policies.out_of_order),
    "keeps_conflicts_for_ever": key_policies.keeps_conflicts(),
    # -- what is kept for a key, and for how long
    "stores_keys_late": key_policies.stores_keys_late(1.0),
    "never_frees_keys_of_refused_requests": key_policies.never_frees_refused_keys(),
    "takes_repeated_failures_for_successes": key_policies.forgives_repeats(),
    "remembers_five_keys": key_policies.remembers_keys(5),
    "remembers_the_first_two_keys": key_policies.has_room_for_keys(2),
    "forgets_keys_after_one_replay": key_policies.forgets_keys_after_one_replay(),
    "updates_again_behind_replays": key_policies.acts_behind_replays("update"),
    "captures_again_behind_replays": key_policies.acts_behind_replays("capture"),
    "cuts_keys_at_32_characters": tells(keys.rekeys(lambda key: key[:32])),
    "ignores_keys_of_updates": tells(keys.ignores_keys("update")),
    "ignores_keys_of_captures": tells(keys.ignores_keys("capture")),
    "ignores_keys_of_cancels": tells(keys.ignores_keys("cancel")),
    "carries_out_what_conflicts_and_refuses": tells(keys.in_conflict(keys.carried_out_and_refused)),
    "keeps_keys_per_process": key_policies.per_process,
    # -- two operations on one intent
    "confirms_twice_at_once": overlooks("confirm", "confirm"),
    "captures_twice_at_once": overlooks("capture", "capture"),
    "collects_twice_at_once": overlooks("capture", "capture", writes=races.added_up),
    "charges_what_is_being_canceled": overlooks("confirm", "cancel"),
    "cancels_what_is_being_charged": overlooks("cancel", "confirm"),
    "cancels_what_is_being_charged_and_keeps_the_money": overlooks("cancel", "confirm", writes=races.what_it_changes),
    "captures_what_is_being_canceled": overlooks("capture", "cancel"),
    "cancels_what_is_being_captured": overlooks("cancel", "capture"),
    "loses_updates_while_it_charges": overlooks("confirm", "update"),
    "opens_what_is_being_charged_by_updating": overlooks("update", "confirm"),
    "changes_amounts_while_it_charges": overlooks("update", "confirm", writes=races.what_it_changes),
    "locks_confirms_and_cancels_apart": races.locks_kinds_apart("confirm", "cancel"),
    "locks_captures_and_cancels_apart": races.locks_kinds_apart("capture", "cancel"),
    "refuses_all_confirms_at_once": races.refuses_crowds("confirm"),
    "refuses_all_captures_at_once": races.refuses_crowds("capture"),
    "falls_over_all_but_one_of_confirms_at_once": tells(races.in_company(failing, "confirm")),
    # -- several creates
    "mixes_up_creates_at_once": races.mixes_up_creates,
    "loses_creates_at_once": tells(races.loses_creates()),
    "lists_no_repeated_creates": tells(races.lists_no_repeats()),
}


def _faults(prefix: str, breaks: Mapping[str, str]) -> list[Fault]:
    return [altered(prefix, name, _CHANGES[name], ids) for name, ids in breaks.items()]


STRIPE = _faults(
    "STR",
    {
        "looks_up_keys_of_creates_100_ms_early": "175",
        "looks_up_all_keys_early": "175 238 250 292?",
        "looks_up_keys_of_confirms_early": "238 250 292?",
        "charges_twice_under_one_key": "250 251 255? 292?",
        "captures_twice_under_one_key": "253 292?",
        "answers_duplicates_with_an_id_alone": "019 020 021 022 023 023a 024 025",
        "answers_duplicates_with_nothing": "175 193 250",
        "answers_duplicates_with_another_intent": "034 175",
        "falls_over_duplicates": "175 192 250",
        "keeps_conflicts_for_ever": "175 250",
        "stores_keys_late": "239 292?",
        "never_frees_keys_of_refused_requests": "171",
        "takes_repeated_failures_for_successes": "019 021 022 023 023a 024 025 170 238",
        "remembers_five_keys": "238 241",
        "updates_again_behind_replays": "264",
        "cuts_keys_at_32_characters": "174 242",
        "ignores_keys_of_updates": "264",
        "ignores_keys_of_captures": "176a 238 262",
        "ignores_keys_of_cancels": "169 169a 176b 238 263",
        "carries_out_what_conflicts_and_refuses": "240",
        "keeps_keys_per_process": "175 250 238? 292?",
        "confirms_twice_at_once": "251 255? 292?",
        "captures_twice_at_once": "253 292?",
        "charges_what_is_being_canceled": "252 292?",
        "cancels_what_is_being_charged": "191 252 292?",
        "cancels_what_is_being_charged_and_keeps_the_money": "191 252 292?",
        "captures_what_is_being_canceled": "254 292?",
        "cancels_what_is_being_captured": "191 254 292?",
        "loses_updates_while_it_charges": "255",
        "opens_what_is_being_charged_by_updating": "191 255 292?",
        "changes_amounts_while_it_charges": "190 255",
        "locks_confirms_and_cancels_apart": "191 252 254 255? 292?",
        "locks_captures_and_cancels_apart": "191 252 254 292?",
        "refuses_all_confirms_at_once": "251 255",
        "refuses_all_captures_at_once": "253",
        "falls_over_all_but_one_of_confirms_at_once": "192 250 255?",
        "mixes_up_creates_at_once": "256 290",
        "loses_creates_at_once": "175 256 291",
    },
)
REVKEEN = _faults(
    "RVK",
    {
        "looks_up_keys_of_creates_100_ms_early": "126",
        "looks_up_all_keys_early": "126 179 190 212?",
        "looks_up_keys_of_confirms_early": "179 190 212?",
        "charges_twice_under_one_key": "191 195? 212?",
        "answers_duplicates_with_an_id_alone": "002 003 006 007 009 010 010a 011 015 016 156",
        "answers_duplicates_with_nothing": "126 156 190",
        "answers_duplicates_with_another_intent": "126",
        "falls_over_duplicates": "126 155 190",
        "keeps_conflicts_for_ever": "126 190",
        "stores_keys_late": "180 212?",
        "takes_repeated_failures_for_successes": "002 004 006 007 009 010 010a 011 015 016 127 127a 127b 156",
        "remembers_five_keys": "179 181",
        "updates_again_behind_replays": "204",
        "cuts_keys_at_32_characters": "129 182",
        "ignores_keys_of_updates": "204",
        "keeps_keys_per_process": "126 190 179? 212?",
        "confirms_twice_at_once": "191 195? 212?",
        "collects_twice_at_once": "158 193 212?",
        "charges_what_is_being_canceled": "192 212?",
        "cancels_what_is_being_charged": "154 192 212?",
        "cancels_what_is_being_charged_and_keeps_the_money": "092b 154 192 212?",
        "captures_what_is_being_canceled": "194 212?",
        "cancels_what_is_being_captured": "154 194 212?",
        "loses_updates_while_it_charges": "195",
        "opens_what_is_being_charged_by_updating": "154 195 212?",
        "changes_amounts_while_it_charges": "153 158",
        "locks_confirms_and_cancels_apart": "154 192 194 195? 212?",
        "locks_captures_and_cancels_apart": "154 192 194 212?",
        "refuses_all_confirms_at_once": "191 195",
        "falls_over_all_but_one_of_confirms_at_once": "155 190 195?",
        "mixes_up_creates_at_once": "196 210",
        "loses_creates_at_once": "126 196 211",
        "lists_no_repeated_creates": "064",
    },
)
PAYPERCUT = _faults(
    "PPC",
    {
        "looks_up_keys_of_creates_100_ms_early": "126",
        "looks_up_all_keys_early": "126 170 202?",
        "looks_up_keys_of_confirms_early": "170 202?",
        "charges_twice_under_one_key": "170 171 202?",
        "captures_twice_under_one_key": "173 202?",
        "answers_duplicates_with_an_id_alone": "002 004 005 008 009 010 012",
        "answers_duplicates_with_nothing": "126 143 170",
        "answers_duplicates_with_another_intent": "126",
        "falls_over_duplicates": "126 142 170",
        "keeps_conflicts_for_ever": "126 170",
        "stores_keys_late": "160 202?",
        "forgets_keys_after_one_replay": "159 202?",
        "captures_again_behind_replays": "182 202?",
        "cuts_keys_at_32_characters": "124 161 200",
        "keeps_keys_per_process": "126 170 159? 202?",
        "confirms_twice_at_once": "171 202?",
        "captures_twice_at_once": "173 202?",
        "collects_twice_at_once": "148 173 202?",
        "charges_what_is_being_canceled": "172 202?",
        "cancels_what_is_being_charged": "141 172 202?",
        "cancels_what_is_being_charged_and_keeps_the_money": "141 172 202?",
        "captures_what_is_being_canceled": "174 202?",
        "cancels_what_is_being_captured": "141 174 202?",
        "locks_confirms_and_cancels_apart": "141 172 174 202?",
        "locks_captures_and_cancels_apart": "141 172 174 202?",
        "falls_over_all_but_one_of_confirms_at_once": "142 170",
        "mixes_up_creates_at_once": "175 200",
        "loses_creates_at_once": "126 175 201",
    },
)
DOTS = _faults(
    "DOT",
    {
        "stores_keys_late": "111 141 182?",
        "remembers_the_first_two_keys": "160",
        "forgets_keys_after_one_replay": "112 182?",
        "confirms_twice_at_once": "150 182?",
        "falls_over_all_but_one_of_confirms_at_once": "103",
        "mixes_up_creates_at_once": "151",
        "loses_creates_at_once": "151 181",
    },
)
