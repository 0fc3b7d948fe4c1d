"""From what was asked for on the command line to runs that are ready: contracts, targets, transports, folders."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.checks import check_catalogue
from conformance.contract import Contract, provider_names
from conformance.contract.loading import load_contracts
from conformance.contract.model import LEVELS
from conformance.embedded import EMBEDDED, embedded_server, embedded_target
from conformance.parts.shares import Share, ShareError
from conformance.run import Budget, Run, Selection
from conformance.target.settings import (
    SettingsError,
    Target,
    load_target,
    make_target,
    read_identity,
    refuse_live,
)
from conformance.verdict import Waiver, WaiverError, read_waivers

if TYPE_CHECKING:
    from conformance.target.recording import Recording

CASSETTES = "cassettes"
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f<>:"/\\|?*]')  # what a folder's name cannot hold on some system, or leads out
_NO_PARTS = ("oracle", "fuzz", "record", "replay", "budget")  # of a run whose scenarios are divided
# An option, those that it cannot be given with, and what is said then ({} is the other one). The names are those of
# ``Order``, or what ``certify`` alone calls its option.
_EXCLUSIONS = (
    ("processes", _NO_PARTS, "-n divides the scenarios of a run; it goes without {}"),
    ("shard", _NO_PARTS, "--shard divides the scenarios of a run; it goes without {}"),
    ("shard", ("processes",), "--shard acts one part of a run, in one process; it goes without {}"),
    (
        "oracle",
        ("record", "replay", "strict", "only", "areas", "levels", "budget", "fuzz"),
        "--oracle compares and judges nothing; it goes without {}",
    ),
    ("fuzz", ("record", "replay"), "--fuzz draws fresh cases, which no recording can hold; it goes without {}"),
    ("fuzz", ("budget",), "--fuzz sends what no budget was made for; it goes without {}"),
    ("plans", ("replay", "shard"), "--plan is of all that a run sends; it goes without {}"),
    ("record", ("replay",), "--record and {} exclude each other"),
    ("budget", ("record", "replay"), "--budget acts a part of the scenarios; it goes without {}"),
)
_FLAGS = {"processes": "-n", "areas": "--area", "levels": "--level"}  # whose option is not called as they are


@dataclass(frozen=True)
class Order:
    """What was asked for.

    ``target`` is a URL, a target file, or empty for the embedded reference server. ``contracts`` is a folder of further
    providers' folders, or empty. Without a ``seed`` each run of a target has a new one: a living server remembers the
    idempotency keys of earlier runs, and would answer with what it did then. ``record`` keeps each run as a recording
    in the folder ``cassettes``, ``replay`` takes it from there: ``target`` is then a recorded one's name or file.
    ``burst`` is how many requests may be sent at once, instead of what the target's settings say. ``own_server``: the
    host is one's own, and no real money moves there. ``no_cleanup`` leaves what a run creates as it is.
    ``shard`` as ``2/5`` acts the second of five parts; where the parts are ``processes_of_one`` machine they keep one
    pace together, else each keeps its part of it. ``budget`` is how many requests may be sent, the most telling first.
    """

    providers: tuple[str, ...] = ()
    target: str = ""
    api_key: str = ""
    seed: int | None = None
    output: str = ""
    strict: bool = False
    only: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    contracts: str = ""
    record: bool = False
    replay: bool = False
    cassettes: str = CASSETTES
    burst: int | None = None
    own_server: bool = False
    no_cleanup: bool = False
    shard: str = ""
    processes_of_one: bool = False
    budget: int | None = None


def known_contracts(further: str = "") -> dict[str, Contract]:
    """The contracts that come with the suite and those of the folder ``further``, their rows' checks looked up.

    Raises ``CatalogueError`` where the folder gives none or a contract contradicts itself.
    """
    contracts = load_contracts(Path(further) if further else None)
    for contract in contracts.values():
        check_catalogue(contract)
    return contracts


def refuse_exclusions(given: Mapping[str, Any]) -> None:
    """Raises ``SettingsError`` where two options exclude each other; ``given`` has their values, empty or not."""
    for option, others, told in _EXCLUSIONS:
        for other in others:
            if given.get(option) and given.get(other):
                raise SettingsError(told.format(_FLAGS.get(other, f"--{other}")))


def prepare_runs(order: Order) -> Iterator[Run]:
    """The runs of an order, each made when asked for; all settings are checked before the first.

    Raises ``SettingsError`` and ``CatalogueError``; nothing has been sent then.
    """
    refuse_exclusions(vars(order))
    share = _share(order)
    if order.budget is not None and order.budget < 1:
        raise SettingsError(f"--budget {order.budget} is no number of requests")
    contracts = known_contracts(order.contracts)
    recordings = _recordings(order, contracts) if order.replay else {}
    targets = [target for target, _ in recordings.values()] if order.replay else _targets(order, contracts)
    if order.own_server:
        targets = [replace(target, own_server=True) for target in targets]
    if order.no_cleanup:
        targets = [replace(target, cleanup=False) for target in targets]
    for target in targets:
        if not order.replay:  # which sends nothing
            refuse_live(target, contracts)
    if order.burst is not None:
        if order.burst < 0:
            raise SettingsError(f"--burst {order.burst} is no number of requests")
        targets = [replace(target, burst=order.burst) for target in targets]
    if share and not order.processes_of_one:
        targets = [replace(one, requests_per_second=one.requests_per_second / share.of) for one in targets]
    levels = frozenset(level.upper() for level in order.levels)
    if levels - set(LEVELS):
        raise SettingsError(f"--level {', '.join(sorted(levels - set(LEVELS)))}: levels are {', '.join(LEVELS)}")
    selection = Selection(frozenset(order.only), frozenset(order.areas), levels)
    chosen = _selected(targets, contracts, selection)
    folders = {target.provider: _folder(order, target, len(chosen) > 1) for target in chosen}
    waivers = {target.provider: _waivers(target, contracts[target.provider]) for target in chosen}

    def made() -> Iterator[Run]:
        for target in chosen:
            _, recording = recordings.get(target.provider, (target, None))
            embedded = not order.target and not recording
            yield Run(
                contract=contracts[target.provider],
                target=target,
                folder=folders[target.provider],
                seed=_seed(order, recording),
                strict=order.strict,
                mode="in-process" if embedded else "replayed" if recording else "live",
                selection=selection,
                waivers=waivers[target.provider],
                record=_record_folder(order, target),
                recording=recording,
                share=share,
                budget=_budget(order, contracts[target.provider], target, selection),
                **(embedded_server(target.provider) if embedded else {}),
            )

    return made()


def _budget(order: Order, contract: Contract, target: Target, selection: Selection) -> Budget | None:
    """What the order's budget pays for. Raises ``SettingsError`` where that is nothing, or cannot be known."""
    if order.budget is None:
        return None
    from conformance.plan import choose

    return choose(contract, target, selection, order.budget)


def _share(order: Order) -> Share | None:
    """The part that is to be acted. Raises ``SettingsError`` where it could not be put together with the others."""
    if not order.shard:
        return None
    if order.target and order.seed is None:
        raise SettingsError("--shard needs --seed NUMBER, the same for all parts of a run and another for each run")
    try:
        return Share.read(order.shard)
    except ShareError as error:
        raise SettingsError(f"--shard {error}") from error


def target_of(order: Order) -> tuple[Contract, Target]:
    """The one target of an order, its settings checked, and its contract.

    Raises ``SettingsError`` and ``CatalogueError``.
    """
    contracts = known_contracts(order.contracts)
    (target,) = _targets(order, contracts)
    if order.own_server:
        target = replace(target, own_server=True)
    refuse_live(target, contracts)
    return contracts[target.provider], target


def _seed(order: Order, recording: Recording | None) -> int:
    if order.seed is not None:
        return order.seed
    if recording:
        return recording.seed
    return secrets.randbelow(2**31) if order.target else 1


def _recordings(order: Order, contracts: Mapping[str, Contract]) -> dict[str, tuple[Target, Recording]]:
    """What is to be replayed, by provider. Raises ``SettingsError`` where there is no such recording."""
    from conformance.target.recording import RecordingMissing, folder_of, load_recording, recorded_target

    _check_providers(order, contracts)
    name, providers = order.target or EMBEDDED, order.providers or provider_names()
    waivers: tuple[Mapping[str, Any], ...] = ()
    if order.target.endswith(".toml"):
        name, provider, waivers = read_identity(Path(order.target), contracts)
        _check_named(order, provider)
        providers = (provider,)
    elif order.target and len(providers) != 1:
        raise SettingsError("--replay of a named target needs --provider NAME, the contract that it was held to")
    found = {}
    for provider in providers:
        try:
            recording = load_recording(folder_of(Path(order.cassettes), provider, name))
        except RecordingMissing as error:
            raise SettingsError(str(error)) from error
        found[provider] = recorded_target(recording, waivers), recording
    return found


def _record_folder(order: Order, target: Target) -> Path | None:
    if not order.record:
        return None
    from conformance.target.recording import folder_of  # vcrpy takes a while to load

    return folder_of(Path(order.cassettes), target.provider, target.name)


def _check_providers(order: Order, contracts: Mapping[str, Contract]) -> None:
    for name in order.providers:
        if name not in contracts:
            raise SettingsError(f"--provider {name}: no such contract; known: {', '.join(contracts)}")


def _check_named(order: Order, provider: str) -> None:
    if order.providers and order.providers != (provider,):
        raise SettingsError(f"--provider {order.providers[0]}: {order.target} names provider {provider}")


def _targets(order: Order, contracts: dict[str, Contract]) -> list[Target]:
    _check_providers(order, contracts)
    if not order.target:
        if order.api_key:
            raise SettingsError("--api-key goes with --target")
        return [embedded_target(contracts[name]) for name in order.providers or provider_names()]
    if "://" not in order.target:
        target = load_target(Path(order.target), contracts, api_key=order.api_key)
        _check_named(order, target.provider)
        return [target]
    if len(order.providers) != 1:
        raise SettingsError("--target URL needs --provider NAME, the contract to hold it to")
    if not order.api_key:
        raise SettingsError("--target URL needs --api-key KEY or --api-key env:NAME, a test key of the target")
    return [
        make_target(contracts[order.providers[0]], base_url=order.target, api_key=order.api_key, where="--target: ")
    ]


def _selected(targets: list[Target], contracts: dict[str, Contract], selection: Selection) -> list[Target]:
    """The targets whose contract has a selected row; of several an ``--only`` id may concern one alone."""
    chosen, problem = [], None
    for target in targets:
        try:
            selection.of(contracts[target.provider])
        except SettingsError as error:
            problem = error
        else:
            chosen.append(target)
    if problem and not chosen:
        raise problem
    return chosen


def _waivers(target: Target, contract: Contract) -> tuple[Waiver, ...]:
    try:
        return read_waivers(target.waivers, contract.requirements)
    except WaiverError as error:
        raise SettingsError(f"[[waiver]] {error}") from error


def folder_name(target: Target) -> str:
    """The name of the folder of a target's runs."""
    return _NOT_IN_NAMES.sub("_", f"{target.provider}-{target.name}")


def _folder(order: Order, target: Target, several: bool) -> Path:
    name = folder_name(target)
    folder = Path(order.output or "reports")
    if several or not order.output:
        folder /= name
    if order.shard and not order.output:
        folder = folder / "parts" / order.shard.replace("/", "-of-")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"--output {order.output or folder}: {error.strerror}") from error
    return folder
