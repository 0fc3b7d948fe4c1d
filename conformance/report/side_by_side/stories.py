"""What the lifecycles of several contracts say of the same story: an intent created so, confirmed so, and then this.

Statuses are the providers' own words: what one calls ``requires_capture`` another calls ``processing``. What a client
does is the same everywhere. So each documented transition is told as the requests that lead to it and the one that it
speaks of, and the same requests are then followed through every other contract.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract import Contract, Transition
from conformance.contract.lifecycle import moves_from, path_after, path_to
from conformance.contract.loading import ANY_INTENT

Members = tuple[tuple[str, str], ...]
_NAMING = ("confirm", "update")  # whose transitions name the instrument that is sent; others name the intent's own


@dataclass(frozen=True)
class Step:
    """One request: the operation, the instrument it names, and the further members it sends."""

    operation: str
    method: str = ""
    sent: Members = ()

    def __str__(self) -> str:
        told = [self.method and f"with method {self.method}", *(f"{name} = {value}" for name, value in self.sent)]
        return f"{self.operation} {', '.join(filter(None, told))}".strip()


@dataclass(frozen=True)
class Story:
    """Requests on one intent, in turn; ``created`` are further members of its create.

    One that is ``unknown`` is a single request on an id that belongs to no intent.
    """

    steps: tuple[Step, ...]
    created: Members = ()
    unknown: bool = False

    @property
    def last(self) -> Step:
        return self.steps[-1]

    @property
    def before(self) -> str:
        """What goes before the last request, in words; empty for a create."""
        if self.unknown:
            return "on an id that belongs to no intent"
        made = "".join(f", {name} = {value}" for name, value in self.created)
        told = [f"{self.steps[0]}{made}", *map(str, self.steps[1:])]
        return f"after {'; '.join(told[:-1])}" if self.steps[1:] else made.removeprefix(", ")


@dataclass(frozen=True)
class Ending:
    """What a contract says of the end of a story.

    ``moves`` are the transitions that speak of it; without one nothing is documented. ``leads`` are the statuses that
    a success may show, ``stays`` says that it keeps the one before, ``refused`` that a refusal is documented. ``open``:
    the way there may end in a status of which nothing is documented. ``instead`` says why nothing is.
    """

    moves: tuple[Transition, ...] = ()
    leads: tuple[str, ...] = ()
    stays: bool = False
    refused: bool = False
    open: bool = False
    instead: str = ""

    def agrees(self, other: Ending) -> bool:
        """Whether both lead to the same; a status that is kept may have another name."""
        kept = self.stays and other.stays
        same = kept or (self.stays == other.stays and {*self.leads} == {*other.leads})
        return same and self.refused == other.refused and self.open == other.open

    def told(self, contract: Contract) -> str:
        """The ending in a few words."""
        if not self.moves:
            return self.instead or "not documented"
        kinds = [contract.error_kinds[name] for name in dict.fromkeys(move.refused for move in self.moves) if name]
        errors = ", ".join(" ".join([*map(str, kind.status[:1]), kind.name]) for kind in kinds)
        leads = " or ".join(self.leads)
        parts = [
            (f"keeps {leads}" if self.stays else f"→ {leads}") if leads else "",
            f"refused ({errors})" if self.refused else "",
            "not documented" if self.open else "",
        ]
        return ", or ".join(filter(None, parts))


@dataclass(frozen=True)
class _State:
    """Where an intent may be on the way: its status, its instrument, the transition that led here."""

    status: str
    method: str = ""
    moved: str = ""


def stories(contracts: Iterable[Contract]) -> list[Story]:
    """Every story that one of the contracts ends, each once, by operation in the order of the contracts'."""
    contracts = tuple(contracts)
    found = dict.fromkeys(story for contract in contracts for story in _stories(contract))
    operations = list(dict.fromkeys(name for contract in contracts for name in contract.operations))
    return sorted(found, key=lambda story: (operations.index(story.last.operation), len(story.steps)))


def ending(contract: Contract, story: Story) -> Ending:
    """What the contract says of the story."""
    for step in story.steps:
        if step.operation not in contract.operations:
            return Ending(instead=f"no operation {step.operation}")
    taken = _create_schema(contract).get("properties", {})
    for name, _ in story.created:
        if name not in taken:
            return Ending(instead=f"not documented: create takes no {name}")
    states = [_State(ANY_INTENT if story.unknown else "")]
    for step in story.steps[:-1]:
        states = list(dict.fromkeys(_followed(contract, story, step, states)))
        if not states:
            return Ending(instead=f"not documented that {step} succeeds here")
    ends = [(state, _documented(contract, story, story.last, state)) for state in states]
    moves = tuple({move.id: move for _, found in ends for move in found}.values())
    if not moves:
        return Ending()
    return Ending(
        moves=moves,
        leads=tuple(dict.fromkeys(to for state, found in ends for move in found for to in move.targets(state.status))),
        stays=all(move.stays or not move.to for move in moves),
        refused=any(move.refused for move in moves),
        open=not all(found for _, found in ends),
    )


def story_of(contract: Contract, move: Transition) -> Story | None:
    """The story that ends with the transition, by the shortest way to it; None where no way is documented."""
    if ANY_INTENT in move.sources:
        return _story(contract, (move,))
    path = path_after(contract, move)
    return _story(contract, path) if path else None


def _stories(contract: Contract) -> Iterator[Story]:
    for move in contract.transitions.values():
        if move.after or not {*move.sources} - {ANY_INTENT}:
            story = story_of(contract, move)
            if story:
                yield story
            continue
        for status in move.sources:
            before = path_to(contract, status)
            if before:
                yield _story(contract, (*before, move))


def _story(contract: Contract, path: tuple[Transition, ...]) -> Story:
    steps, method = [], ""
    for move in path:
        named = move.method if move.operation in ("create", *_NAMING) else ""
        # A confirm uses the instrument that the intent has; an update that names one says something with it.
        shown = "" if move.operation == "confirm" and named == method else named
        method = named or method
        steps.append(Step(move.operation, shown, _members(contract, move.send)))
    created = {name: value for move in path for name, value in move.create.items()}
    return Story(tuple(steps), _members(contract, _beyond_default(contract, created)), ANY_INTENT in path[-1].sources)


def _followed(contract: Contract, story: Story, step: Step, states: Iterable[_State]) -> Iterator[_State]:
    for state in states:
        for move in _documented(contract, story, step, state):
            for status in move.targets(state.status):
                yield _State(status, step.method or state.method, move.id)


def _documented(contract: Contract, story: Story, step: Step, state: _State) -> list[Transition]:
    """The transitions that tell where the step leads from here; those that speak of such a creation before others."""
    if state.status:
        candidates = moves_from(contract, step.operation, state.status)
    else:
        candidates = [
            move for move in contract.transitions.values() if not move.sources and move.operation == step.operation
        ]
    found = [
        move
        for move in candidates
        if _members(contract, move.send) == step.sent
        and move.after in ("", state.moved)
        and _created(contract, move, story)
        and _names(move, step, state)
    ]
    closest = max((len(_beyond_default(contract, move.create)) for move in found), default=0)
    return [move for move in found if len(_beyond_default(contract, move.create)) == closest]


def _created(contract: Contract, move: Transition, story: Story) -> bool:
    """Whether the story's intent was created as the transition has it: with its members, or none where default."""
    told, beyond = dict(story.created), _beyond_default(contract, move.create)
    return {*_members(contract, beyond)} <= {*story.created} and not (move.create.keys() - beyond.keys()) & told.keys()


def _names(move: Transition, step: Step, state: _State) -> bool:
    if move.operation == "confirm":
        return move.method == (step.method or state.method) or ANY_INTENT in move.sources
    return move.operation not in ("create", *_NAMING) or move.method == step.method


def _create_schema(contract: Contract) -> Mapping[str, Any]:
    return contract.schemas.get(contract.operations["create"].request_schema, {})


def _beyond_default(contract: Contract, created: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of a create that say something else than leaving them out does."""
    properties = _create_schema(contract).get("properties", {})
    return {name: value for name, value in created.items() if properties.get(name, {}).get("default") != value}


def _members(contract: Contract, sent: Mapping[str, Any]) -> Members:
    """Members in words that do not depend on a provider's amounts; an address to return to changes no outcome."""
    usual = contract.settings.get("requests", {}).get("create", {})
    told = []
    for name, value in sorted(sent.items()):
        if isinstance(value, str) and value.startswith("https://"):
            continue
        if isinstance(value, int) and not isinstance(value, bool) and "amount" in usual:
            amount = usual["amount"]
            other = "another" if name in usual else "less than the amount" if value < amount else "more than the amount"
            told.append((name, "the amount" if value == amount else other))
        else:
            told.append((name, value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)))
    return tuple(told)
