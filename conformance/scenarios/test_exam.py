"""The exam: every frozen generated request of an operation, sent and judged by what it was generated to show."""

from __future__ import annotations

from typing import Any

from conformance.evidence.finding import Finding
from conformance.scenarios.acting import Actor, Table, for_each, told
from conformance.scenarios.arguments import takes
from conformance.scenarios.exam import ExamCase, read_exam
from conformance.scenarios.outcomes import Inapplicable, NonConformance
from conformance.sighting import Sighting
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
        sent += 1
        if wrong := judge_case(act, case, answer):
            raise NonConformance((wrong,))

    for_each(cases, attempt)
    if not sent:
        raise Inapplicable("the target lends too little for any case of the exam")


class Sitting:
    """Sends cases; a confirm case gets an intent, which refusals leave as it was and which then serves the next."""

    def __init__(self, act: Actor) -> None:
        self.act = act
        self.intent = ""

    def send(self, case: ExamCase) -> Sighting:
        """Sends one case with the target's own identifiers put in. Raises ``MissingInstrument``."""
        lent = self.act.instruments
        body = lent.fill(case.body) if case.mode == "positive" else lent.fill_for_refusal(case.body)
        if case.operation == "create":
            return self.act.seen(self.act.client.call("create", body=body, case=case.id))
        if not self.intent:
            self.intent = str(self.act.fresh()[self.act.id])
        answer = self.act.seen(self.act.client.call(case.operation, self.intent, body, case=case.id))
        if answer.succeeded or answer.response.status == 402:
            self.intent = ""
        return answer


def judge_case(act: Actor, case: ExamCase, answer: Sighting) -> Finding | None:
    """What contradicts the case: a sound request refused as invalid, or an unsound one not refused with a 4xx."""
    place = f"{case.location or 'the body'}: {case.why}"
    if case.mode == "negative":
        if act.refuses(answer):
            return None
        return answer.contradiction(f"a refusal ({place})", told(answer), case.location)
    declined = act.contract.error_kinds.get("declined")
    kind: Any = (answer.error or {}).get(act.contract.settings["errors"].get("type", "type"))
    if act.shows_intent(answer) or (declined and kind in declined.type):
        return None
    return answer.contradiction(f"accepted ({place})", told(answer), case.location)
