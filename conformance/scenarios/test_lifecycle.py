"""The lifecycle: each documented move from each status it starts from, and every operation from every other status."""

from __future__ import annotations

from conformance.contract import Transition
from conformance.contract.lifecycle import moves_from, reachable
from conformance.evidence.finding import Cell
from conformance.scenarios.acting import Actor, Table, told
from conformance.scenarios.arguments import REFUSAL, takes
from conformance.scenarios.expecting import expect_refusal, expect_status
from conformance.scenarios.outcomes import Inapplicable, Inconclusive, NonConformance
from conformance.scenarios.trials import Trial, attempted, brought_about, changed_by_refusal, tried


@takes("transition", *REFUSAL)
def test_transition(act: Actor, args: Table) -> None:
    """Performs the operation from each status from which the transition starts, and compares with what is documented.

    ``judge`` is ``to`` (the status of a success), ``leaves`` (the status after a refusal), or a word on refusals.
    """
    move = act.contract.transitions[args["transition"]]
    reasons: list[str] = []
    wrong: list[NonConformance] = []
    for status in move.sources or ("",):
        try:
            trial = tried(act, move, status)
            _judge(act, move, trial, args)
        except Inconclusive as reason:
            reasons.append(f"{status}: {reason}")
        except NonConformance as found:
            wrong.append(found)
    if wrong:
        raise NonConformance(tuple(finding for found in wrong for finding in found.findings))
    if len(reasons) == len(move.sources or ("",)):
        raise Inconclusive("; ".join(reasons))


def _judge(act: Actor, move: Transition, trial: Trial, args: Table) -> None:
    status, answer = str(trial.before.get(act.status, "")), trial.answer
    succeeds = bool(move.to or move.stays)
    judge = args.get("judge", "to" if succeeds else "refusal")
    from_status = f" from {status}" if status else ""
    if judge == "leaves":
        after = trial.after(act)
        leaves = move.leaves or (status,)
        expect_status(act, after, act.settled(act.looked(after), move.via, leaves), leaves)
    elif judge == "to":
        if move.refused and act.refuses(answer):
            return
        wanted = move.targets(status)
        result = act.intent(answer, f"{move.operation}{from_status} succeeds with status {' or '.join(wanted)}")
        expect_status(act, answer, act.settled(result, move.via, wanted), wanted)
    elif not (succeeds and answer.succeeded):
        expect_refusal(act, answer, args, move.refused, f"{move.operation}{from_status}")


@takes()
def test_matrix(act: Actor, args: Table) -> None:
    """Every operation from every status that can be reached; what is refused leaves status and amounts as they were.

    Each cell is kept for the report. What the provider documents is judged by the rows that cite its transitions.
    """
    wrong: list[NonConformance] = []
    count = 0
    for status in reachable(act.contract):
        for operation in act.contract.operations.values():
            if not operation.on_intent:
                continue
            documented = moves_from(act.contract, operation.name, status)
            for move in documented or [Transition(f"{operation.name} from {status}", operation.name, (status,))]:
                request = _request(move)
                words = _documented(move, status) if documented else ""
                try:
                    trial = tried(act, move, status)
                except (Inapplicable, Inconclusive) as reason:
                    act.memory.cells.append(Cell(operation.name, status, request, words, f"not tried: {reason}"))
                    continue
                count += 1
                observed = _observed(act, trial)
                act.memory.cells.append(Cell(operation.name, status, request, words, observed, (trial.answer.number,)))
                try:
                    _unchanged_if_refused(act, move, trial)
                except NonConformance as found:
                    wrong.append(found)
                except (Inapplicable, Inconclusive):
                    continue  # the same could not be brought about a second time
    if wrong:
        raise NonConformance(tuple(finding for found in wrong for finding in found.findings))
    if not count:
        raise Inconclusive("no status could be brought about")


def _unchanged_if_refused(act: Actor, move: Transition, trial: Trial) -> None:
    """A refusal leaves status and amounts alone, unless another status is documented or the intent moves by itself."""
    before = trial.before.get(act.status)
    if not 400 <= trial.answer.response.status < 500 or before in act.contract.passing:
        return
    if move.leaves and move.leaves != (before,):
        return
    after = trial.after(act)
    if not act.shows_intent(after):
        return  # whether it can be read is for other rows
    if any(after.intents[0].get(member) != trial.before.get(member) for member in act.watched):
        made = brought_about(act, move, str(before))
        changed_by_refusal(act, made, lambda: attempted(act, move, made), f"the refused {move.operation}")


def _request(move: Transition) -> str:
    """What a move sends and what its intent was created with, in a few words."""
    sent = [f"{name} = {value}" for name, value in move.send.items()]
    created = [f"created with {name} = {value}" for name, value in move.create.items()]
    after = f"after {move.after}" if move.after else ""
    return ", ".join(filter(None, [move.method, *sent, *created, after]))


def _documented(move: Transition, status: str) -> str:
    allowed = " or ".join(move.targets(status))
    refused = f"refused: {move.refused}" if move.refused else ""
    return ", or ".join(filter(None, [allowed, refused]))


def _observed(act: Actor, trial: Trial) -> str:
    shown = trial.answer.intents[0].get(act.status) if trial.answer.intents else None
    return str(shown) if isinstance(shown, str) else told(trial.answer)
