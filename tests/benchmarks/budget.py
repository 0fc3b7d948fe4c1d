"""What a budget finds: the share of known faults that a tenth of a run's requests still tells, beside the whole run.

Run as ``python -m tests.benchmarks.budget [every]``; judges nothing. Every so many-th fault of each provider is tried,
the 12th without a number. The rows are chosen twice: by all faults, as ``certify --budget`` does, and by all but those
that are tried, which is what a server that is wrong in a way of its own has to expect.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from conformance import report
from conformance.embedded import embedded_server, embedded_target
from conformance.plan import choose, rehearse
from conformance.reference import policies_of, provider_names
from conformance.run import Budget, PreflightError, Run, Selection
from conformance.session import act
from tests.faults.certification import contract_of, in_memory, verdicts

EVERY, PART = 12, 10


def found(provider: str, fault: str, budget: Budget) -> tuple[bool, int]:
    """Whether a run within the budget tells of the fault, and how many requests it sent."""
    contract = contract_of(provider)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(
            contract=contract,
            target=embedded_target(contract),
            folder=Path(folder),
            mode="in-process",
            budget=budget,
            **embedded_server(provider, policies_of(provider, fault)),
        )
        try:
            run.preflight()
            act(run)
            return bool(verdicts(run.finish(), "fail")), run.client.allowance.sent
        except PreflightError:
            return True, run.client.allowance.sent
        finally:
            run.close()


def main() -> None:
    every = int(sys.argv[1]) if len(sys.argv) > 1 else EVERY
    report.write_all = lambda *given: None
    told, tried = {"all faults": 0, "all others": 0}, 0
    for provider in provider_names():
        contract, faults = contract_of(provider), in_memory(provider)
        sample = list(faults)[::every]
        whole = rehearse(contract, embedded_target(contract)).total
        most = whole // PART
        others = [fault for name, fault in faults.items() if name not in sample]
        tried += len(sample)
        for known, by in (("all faults", list(faults.values())), ("all others", others)):
            budget = choose(contract, embedded_target(contract), Selection(), most, by)
            results = {name: found(provider, name, budget) for name in sample}
            hits, sent = sum(hit for hit, _ in results.values()), max(count for _, count in results.values())
            assert sent <= most
            told[known] += hits
            missed = ", ".join(name for name, (hit, _) in results.items() if not hit)
            print(
                f"{provider}: {most} of {whole} requests, {len(budget.acts)} scenarios chosen by {known}: "
                f"{hits} of {len(sample)} found; missed: {missed or 'none'}",
                flush=True,
            )
    for known, hits in told.items():
        print(f"in all, chosen by {known}: {hits} of {tried} ({100 * hits / tried:.0f} %)")


if __name__ == "__main__":
    main()
