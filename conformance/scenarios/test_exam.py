"""The exam: every frozen generated request of an operation, sent and judged by what it was generated to show."""

from __future__ import annotations

import json
from typing import Any

from conformance.evidence.finding import Finding
from conformance.evidence.forms import encode_form
from conformance.scenarios.acting import Actor, Table, for_each, told
from conformance.scenarios.arguments import takes
from conformance.scenarios.exam import ExamCase, read_exam
from conformance.scenarios.outcomes import Inapplicable, NonConformance
from conformance.sighting import Sighting, resolve
from conformance.target.client import FORM
from conformance.target.values import MissingInstrument


@takes("operation", "mode")
def test_exam(act: Actor, args: Table) -> None:
    cases = read_exam(act.contract.folder).select(args["operation"], args["mode"])
    sitting, sent = Sitting(act), 0

    def attempt(case: ExamCase) -> None:
        nonlocal sent
        try:
            answer = sitting.send(case)
        except MissingInstrument:
            return  # single-use instruments run out; what was sent is judged
        except Inapplicable:
            if not sent:
                raise
            return
        sent += 1
        if wrong := judge_case(act, case, answer):
            raise NonConformance((wrong,))

    for_each(cases, attempt)
    if not sent:
        raise Inapplicable("the target lends too little for any case of the exam")


class Sitting:
    """Sends cases. One on an intent gets an intent, which refusals leave as it was and which then serves the next."""

    def __init__(self, act: Actor) -> None:
        self.act = act
        self.intents: dict[str, str] = {}  # by the transition that has brought them about

    def send(self, case: ExamCase) -> Sighting:
        """Sends one case with the target's own identifiers put in.

        Raises ``MissingInstrument``, and ``Inapplicable`` where the target cannot do the operation at all.
        """
        act, asked = self.act, self.act.contract.operations[case.operation]
        lent = act.instruments
        body = lent.fill(case.body) if case.mode == "positive" else lent.fill_for_refusal(case.body)
        if asked.reads:
            return act.call(case.operation, "", body, case=case.id)
        if not asked.on_intent:
            return act.seen(act.client.call(case.operation, body=body, case=case.id))
        after = str(act.contract.settings["exam"][case.operation].get("after", ""))
        if after not in self.intents:
            self.intents[after] = str((act.after(after) if after else act.fresh())[act.id])
        raw = encode_form(body) if asked.media_type == FORM else json.dumps(body).encode()
        answer = act.call(case.operation, self.intents[after], raw=raw, case=case.id)
        if not self.act.leaves_intent(answer):
            del self.intents[after]
        return answer


def judge_case(act: Actor, case: ExamCase, answer: Sighting) -> Finding | None:
    """What contradicts the case: a sound request refused as invalid, or an unsound one not refused with a 4xx."""
    place = f"{case.location or 'the request'}: {case.why}"
    if case.mode == "negative":
        if act.refuses(answer):
            return None
        return answer.contradiction(f"a refusal ({place})", told(answer), case.location)
    return None if _accepts(act, answer) else answer.contradiction(f"accepted ({place})", told(answer), case.location)


def _accepts(act: Actor, answer: Sighting) -> bool:
    """Whether the answer takes the request as a sound one: with the intent, a list of intents, or a decline."""
    settings = act.contract.settings
    if not act.contract.operations[answer.operation].shows_one:
        items = resolve(answer.body, settings["lists"]["items"]) if answer.succeeded else None
        return isinstance(items, list) and all(isinstance(item, dict) and act.id in item for item in items)
    declined = act.contract.error_kinds.get("declined")
    kind: Any = (answer.error or {}).get(settings["errors"].get("type", "type"))
    return act.shows_intent(answer) or bool(declined and kind in declined.type)
