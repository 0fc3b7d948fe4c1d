"""The reference server in memory: as the target of a run, and as what the run acts on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.contract import Contract
from conformance.target.clock import SkippingClock
from conformance.target.settings import SettingsError, Target, make_target

if TYPE_CHECKING:
    from conformance.reference import Policies

EMBEDDED = "reference"  # the name of such a target


def embedded_target(contract: Contract) -> Target:
    """The reference server in memory, as a target. Raises ``SettingsError`` where it does not speak the contract."""
    from conformance.reference import provider_names as spoken
    from conformance.reference import target_settings

    if contract.name not in spoken():
        raise SettingsError(
            f"--provider {contract.name}: the embedded reference server speaks {', '.join(spoken())}; "
            "any other provider needs --target"
        )
    settings = target_settings(contract.name)
    return make_target(
        contract,
        name=EMBEDDED,
        base_url=f"http://reference.invalid{settings['base_path']}",
        api_key=settings["api_key"],
        instruments=settings["instruments"],
        requests_per_second=0,
        own_server=True,
    )


def embedded_server(provider: str, policies: Policies | None = None) -> dict[str, Any]:
    """What a run takes to act on the reference server in memory: ``transport`` and ``clock``, in which nobody waits."""
    import httpx

    from conformance.reference import create_app, policies_of

    clock = SkippingClock()
    policies = replace(policies or policies_of(provider), clock=clock.time)
    return {"transport": httpx.WSGITransport(app=create_app(provider, policies)), "clock": clock}
