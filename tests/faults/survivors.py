"""Shows that every assertion of the checks matters: takes each out in turn, and asks whether some fault notices.

``python -m tests.faults.survivors`` first certifies every fault with all assertions in place, which tells what each
sets off. Then it takes out one assertion at a time and certifies the faults that set it off, the cheapest first, until
one of them no longer breaks just the requirements that it broke. An assertion that none of them misses is a survivor,
as is one that no fault ever sets off: a fault is missing, or the assertion can go.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from conformance.contract import provider_names
from conformance.reference.faults import faults_of

from .assertions import ROOT, SWITCH, Site, install, read_modules

Result = TypeVar("Result")


@dataclass(frozen=True)
class Pass:
    """One fault certified: the ids that failed and those that ended in an error, and the assertions that fired.

    ``trouble`` says why it could not be certified at all.
    """

    provider: str
    fault: str
    failed: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    fired: tuple[str, ...] = ()
    seconds: float = 0.0
    trouble: str = ""

    @property
    def name(self) -> str:
        return f"{self.provider}:{self.fault}"

    @property
    def result(self) -> tuple[Any, ...]:
        """What of it is compared."""
        return self.failed, self.errors, self.trouble

    @property
    def sound(self) -> bool:
        """Whether the fault breaks just what its table says, so that a difference would be noticed."""
        return self.result == (tuple(sorted(faults_of(self.provider)[self.fault].breaks)), (), "")


@dataclass(frozen=True)
class Fate:
    """What became of an assertion: the faults that it fired in, and the one that missed it (empty: none did)."""

    site: Site
    fired_in: tuple[str, ...]
    noticed_by: str = ""


# -- in a process of its own -----------------------------------------------------------------------------------------


def prepare() -> None:
    """Loads the suite with its switches, in a process that has not loaded it yet; keeps it silent."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    install(read_modules())
    from conformance import report

    report.write_all = lambda *given: None


def certify(provider: str, fault: str, removed: str = "") -> Pass:
    """Certifies a fault, with an assertion taken out (by its key), or with none."""
    from .certification import certified, verdicts

    SWITCH.removed, SWITCH.fired = removed, set()
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            certificate = certified(provider, fault, Path(folder))
    except Exception as trouble:
        return Pass(provider, fault, trouble=f"{type(trouble).__name__}: {trouble}")
    failed, errors = (tuple(sorted(verdicts(certificate, verdict))) for verdict in ("fail", "error"))
    return Pass(provider, fault, failed, errors, tuple(sorted(SWITCH.fired)), round(time.monotonic() - started, 2))


def try_without(site: Site, passes: Sequence[Pass]) -> Fate:
    """Takes the assertion out and certifies these faults again, until one of them ends otherwise."""
    names = tuple(one.name for one in passes)
    for one in passes:
        if certify(one.provider, one.fault, site.key).result != one.result:
            return Fate(site, names, one.name)
    return Fate(site, names)


# -- what is asked of these processes --------------------------------------------------------------------------------


def reached(site: Site, passes: Iterable[Pass]) -> list[Pass]:
    """The faults that set an assertion off, those first that cost little and set off few others."""
    fired = [one for one in passes if one.sound and site.key in one.fired]
    return sorted(fired, key=lambda one: (one.seconds * len(one.fired), one.name))


def chosen(sites: Iterable[Site], patterns: Sequence[str]) -> list[Site]:
    """The assertions with one of these texts in their file, line, function or code; all without any."""
    return [
        site
        for site in sites
        if not patterns or any(text in f"{site.file}:{site.line} {site.function} {site.code}" for text in patterns)
    ]


def digest(provider: str) -> str:
    """Stands for all that the certificates of a provider's faults follow from."""
    others = set(provider_names()) - {provider}
    sources = [path for path in ROOT.rglob("*.py") if not any(path.stem.startswith(other) for other in others)]
    data = [path for path in (ROOT.parent / "schemas" / provider).rglob("*") if path.is_file()]
    told = hashlib.sha256()
    for path in sorted([*sources, *data]):
        told.update(str(path.relative_to(ROOT.parent)).encode())
        told.update(path.read_bytes())
    return told.hexdigest()


def read_passes(file: Path | None) -> dict[str, Pass]:
    """The passes that a file keeps of providers that have not changed since, by their names."""
    if file is None or not file.exists():
        return {}
    kept = json.loads(file.read_text(encoding="utf-8"))
    fresh = {provider for provider, told in kept["digests"].items() if told == digest(provider)}
    passes = [Pass(**{name: _frozen(value) for name, value in one.items()}) for one in kept["passes"]]
    return {one.name: one for one in passes if one.provider in fresh}


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def write_passes(file: Path, passes: Iterable[Pass], digests: Mapping[str, str]) -> None:
    """Keeps passes for the next time; ``digests`` are those of the providers from before they were certified."""
    kept = {"digests": dict(digests), "passes": [asdict(one) for one in passes]}
    half = file.with_name(f"{file.name}.part")
    half.write_text(json.dumps(kept), encoding="utf-8")
    half.replace(file)  # never a torn one


def tell(fates: Sequence[Fate], unsound: Sequence[Pass], whole: bool) -> tuple[str, bool]:
    """The report, and whether all is well. Unless the faults are ``whole``, what none of them reaches tells nothing."""
    lines = [f"not as its table says, and left aside: {one.name} {one.trouble}".rstrip() for one in unsound]
    survivors = [fate for fate in fates if not fate.noticed_by and (fate.fired_in or whole)]
    for fate in sorted(survivors, key=lambda one: one.site):
        site, count = fate.site, len(fate.fired_in)
        lines += [f"{site.file}:{site.line} {site.function} ({site.kind})", f"    {site.code}"]
        shown = ", ".join(fate.fired_in[:5]) + (f" and {count - 5} more" if count > 5 else "")
        lines.append(f"    fires in {shown}" if count else "    no fault reaches it")
    noticed = sum(bool(fate.noticed_by) for fate in fates)
    removed = len(fates) if whole else noticed + len(survivors)
    lines.append(f"{removed} assertions removed, {noticed} noticed, {len(survivors)} survivors")
    if removed < len(fates):
        lines.append(f"{len(fates) - removed} are reached by no fault of these providers")
    return "\n".join(lines), not survivors and not unsound


def _done(name: str, futures: Sequence[Future[Result]]) -> Iterator[Result]:
    """The results of jobs as they come, with a progress bar."""
    with click.progressbar(as_completed(futures), length=len(futures), label=name, file=sys.stderr) as done:
        for future in done:
            yield future.result()


@click.command()
@click.option("--provider", "providers", multiple=True, type=click.Choice(provider_names()), help="only its faults")
@click.option(
    "--site", "patterns", multiple=True, metavar="TEXT", help="only assertions with this text in place or code"
)
@click.option("--processes", type=int, default=os.cpu_count() or 1, show_default=True)
@click.option("--passes", "file", type=click.Path(path_type=Path), help="keeps the first pass for the next time")
def main(providers: tuple[str, ...], patterns: tuple[str, ...], processes: int, file: Path | None) -> None:
    """Takes out each assertion of the checks in turn; exits with 1 where no fault misses one."""
    from .certification import in_memory

    asked = providers or provider_names()
    sites = chosen((site for module in read_modules().values() for site in module.sites), patterns)
    faults = [(provider, fault) for provider in asked for fault in in_memory(provider)]
    known, digests = read_passes(file), {provider: digest(provider) for provider in provider_names()}
    spawning = multiprocessing.get_context("spawn")  # a process that inherits nothing has loaded nothing
    with ProcessPoolExecutor(processes, spawning, prepare) as pool:
        missing = [(provider, fault) for provider, fault in faults if f"{provider}:{fault}" not in known]
        for one in _done("faults", [pool.submit(certify, provider, fault) for provider, fault in missing]):
            known[one.name] = one
            if file:  # so that a run that is cut short is not lost
                write_passes(file, known.values(), digests)
        passes = [known[f"{provider}:{fault}"] for provider, fault in faults]
        jobs = [(site, reached(site, passes)) for site in sites]
        fates = list(_done("assertions", [pool.submit(try_without, site, fired) for site, fired in jobs]))
    text, well = tell(fates, [one for one in passes if not one.sound], whole=not providers)
    click.echo(text)
    raise SystemExit(0 if well else 1)


if __name__ == "__main__":
    main()
