"""What is known of a target: where it is, how to authenticate, what it lends and what it lacks."""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from conformance.contract import Contract

_SECTIONS = {"target", "instruments", "lacks", "redact", "waiver"}
_REDACT_KEYS = {"names", "texts"}
TLS_KEYS = ("ca", "client_certificate", "client_key")
_TARGET_KEYS = {
    "name", "provider", "base_url", "api_key", "requests_per_second", "burst", "timeout", "i_own_this_server",
    "cleanup",
    *TLS_KEYS,
}  # fmt: skip
POLITE_PACE = 10.0  # requests a second, where a provider documents no limit
USUAL_BURST = 10  # requests released together, where nobody says more or fewer
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class SettingsError(Exception):
    """The settings are wrong; the message names the setting to change. Nothing has been sent."""


@dataclass(frozen=True)
class Target:
    """A running implementation that claims a contract.

    ``instruments`` are what it lends: names of payment methods, customers, further keys, abilities. ``lacks`` maps what
    it does not claim to the reason. ``requests_per_second`` of 0 means no limit; ``burst`` is how many requests may be
    sent at once, 0 forbids it; ``timeout`` is in seconds.
    ``redact_names`` are members, fields, parameters and headers whose value must not be written anywhere, beside those
    that are secret by any account; ``redact_texts`` are such values themselves. ``own_server``: whoever runs the suite
    says that the host is theirs and moves no real money. ``ca``, ``client_certificate`` and ``client_key`` are paths
    of PEM files, see ``target.tls``.
    """

    name: str
    provider: str
    base_url: str
    api_key: str = field(repr=False)
    instruments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    lacks: Mapping[str, str] = field(default_factory=dict)
    waivers: tuple[Mapping[str, Any], ...] = ()
    requests_per_second: float = 0.0
    burst: int = USUAL_BURST
    timeout: float = 30.0
    redact_names: tuple[str, ...] = ()
    redact_texts: tuple[str, ...] = field(default=(), repr=False)
    own_server: bool = False
    cleanup: bool = True
    ca: str = ""
    client_certificate: str = ""
    client_key: str = ""

    def missing(self, contract: Contract, needs: tuple[str, ...]) -> str:
        """Why a requirement with these needs does not apply to this target; empty where it does."""
        claimed = contract.settings.get("claimed", ())
        for name in needs:
            if name in self.lacks:
                return f"the target lacks {name}: {self.lacks[name]}"
            if name not in claimed and not self.instruments.get(name):
                return f"the target lends no {contract.described(name)}"
        return ""

    def secrets(self) -> dict[str, str]:
        """What must never be shown, by name."""
        keys = {name: value for name, value in self.instruments.items() if name.endswith("_key")}
        return {"api_key": self.api_key, **keys}


def load_target(path: Path, contracts: Mapping[str, Contract], *, api_key: str = "") -> Target:
    """Reads a target file. ``api_key`` replaces the one in the file.

    Raises ``SettingsError`` for an unknown or missing key, an unset environment variable, or a secret in plain text.
    """
    table, head = _checked(path, contracts)
    key = api_key or head.get("api_key", "")
    if not isinstance(key, str) or not key.strip():
        raise SettingsError(f'{path}: [target] lacks api_key; give it as "env:NAME" or with --api-key')
    return make_target(
        contracts[head["provider"]],
        name=str(head.get("name", path.stem)),
        base_url=head["base_url"],
        api_key=key,
        instruments=table.get("instruments", {}),
        lacks=table.get("lacks", {}),
        waivers=tuple(table.get("waiver", [])),
        requests_per_second=head.get("requests_per_second"),
        burst=head.get("burst"),
        timeout=head.get("timeout", 30.0),
        redact=table.get("redact", {}),
        own_server=head.get("i_own_this_server", False),
        cleanup=head.get("cleanup", True),
        tls={name: head[name] for name in TLS_KEYS if name in head},
        folder=path.parent,
        where=f"{path}: ",
    )


def read_identity(path: Path, contracts: Mapping[str, Contract]) -> tuple[str, str, tuple[Mapping[str, Any], ...]]:
    """Name, provider and waivers of a target file; no secret is looked up. Raises ``SettingsError``."""
    table, head = _checked(path, contracts)
    return str(head.get("name", path.stem)), head["provider"], tuple(table.get("waiver", []))


def _checked(path: Path, contracts: Mapping[str, Contract]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tables of a target file, and ``[target]`` of it, with their keys checked. Raises ``SettingsError``."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"there is no target file {path}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} is no readable TOML: {error}") from error
    _known(path, "", table, _SECTIONS)
    for section in ("target", "instruments", "lacks", "redact"):
        if not isinstance(table.get(section, {}), dict):
            raise SettingsError(f"{path}: [{section}] is no table")
    waivers = table.get("waiver", [])
    if not isinstance(waivers, list) or not all(isinstance(row, dict) for row in waivers):
        raise SettingsError(f"{path}: [[waiver]] is no list of tables")
    head = table.get("target", {})
    _known(path, "[target] ", head, _TARGET_KEYS)
    _known(path, "[redact] ", table.get("redact", {}), _REDACT_KEYS)
    for key in ("provider", "base_url"):
        if not isinstance(head.get(key), str) or not head[key]:
            raise SettingsError(f"{path}: [target] lacks {key}")
    if head["provider"] not in contracts:
        known = ", ".join(contracts)
        raise SettingsError(
            f"{path}: [target] provider = {head['provider']!r} is none of the contracts at hand: {known}"
        )
    return table, head


def make_target(
    contract: Contract,
    *,
    base_url: str,
    api_key: str,
    name: str = "",
    instruments: Mapping[str, Any] | None = None,
    lacks: Mapping[str, str] | None = None,
    waivers: tuple[Mapping[str, Any], ...] = (),
    requests_per_second: float | None = None,
    burst: int | None = None,
    timeout: float = 30.0,
    redact: Mapping[str, Any] | None = None,
    own_server: bool = False,
    cleanup: bool = True,
    tls: Mapping[str, Any] | None = None,
    folder: Path = Path(),
    where: str = "",
) -> Target:
    """A target with the provider's documented instruments filled in, its names checked, and live money refused.

    ``tls`` holds ``TLS_KEYS``, whose paths are relative to ``folder``.
    """
    address = _address(base_url, where)
    capabilities = contract.settings.get("capabilities", {})
    for section, given in (("instruments", instruments or {}), ("lacks", lacks or {})):
        for key in given:
            if key not in capabilities:
                known = ", ".join(sorted(capabilities))
                raise SettingsError(f"{where}[{section}] {key} is unknown; known to {contract.name}: {known}")
    for key, reason in (lacks or {}).items():
        if not isinstance(reason, str) or not reason.strip():
            raise SettingsError(f"{where}[lacks] {key} needs a reason")
    if not isinstance(cleanup, bool):
        raise SettingsError(f"{where}cleanup is true or false")
    if not isinstance(own_server, bool):
        raise SettingsError(f"{where}i_own_this_server is true or false")
    lent = {**contract.settings.get("instruments", {}), **(instruments or {})}
    local = is_local(str(address.hostname))
    documented_pace = float(contract.settings.get("requests_per_second", POLITE_PACE))
    pace = (
        _number(requests_per_second, f"{where}requests_per_second")
        if requests_per_second is not None
        else (0.0 if local else documented_pace)
    )
    return Target(
        name=name or _name_of(address),
        provider=contract.name,
        base_url=base_url.rstrip("/"),
        api_key=look_up(api_key, f"{where}api_key"),
        instruments={key: look_up(value, f"{where}{key}") for key, value in lent.items()},
        lacks=dict(lacks or {}),
        waivers=waivers,
        requests_per_second=pace,
        burst=_count(burst, f"{where}burst") if burst is not None else _usual_burst(contract, pace),
        timeout=_number(timeout, f"{where}timeout") or 30.0,
        redact_names=_texts((redact or {}).get("names", []), f"{where}[redact] names"),
        redact_texts=tuple(
            look_up(text, f"{where}[redact] texts")
            for text in _texts((redact or {}).get("texts", []), f"{where}[redact] texts")
        ),
        own_server=own_server,
        cleanup=cleanup,
        **_tls(tls or {}, folder, address, f"{where}[target] "),
    )


def refuse_live(target: Target, contracts: Mapping[str, Contract]) -> None:
    """Raises ``SettingsError`` where a credential or host could move real money.

    Credentials and hosts that any provider documents as live are refused, whatever is said of them; a host that is
    neither this machine nor a documented sandbox is refused until it is called one's own.
    """
    for contract in contracts.values():
        for mark in contract.settings.get("live_keys", ()):
            for name, value in {"api_key": target.api_key, **target.instruments}.items():
                if mark.lower() in str(value).lower():
                    raise SettingsError(
                        f"{name} looks like a live key of {contract.title} ({mark}…); use a test key. Nothing was sent."
                    )
    host = _host(target)
    for contract in contracts.values():
        if host in contract.settings.get("live_hosts", ()):
            raise SettingsError(
                f"base_url: {host} is {contract.title}'s production host, where any key may move real money; "
                "use the sandbox. Nothing was sent."
            )
    contract = contracts[target.provider]
    if not (target.own_server or is_known(target, contract)):
        documented = ", ".join(contract.settings.get("sandbox_hosts", ())) or "none is"
        raise SettingsError(
            f"base_url: {host} is neither this machine nor a sandbox that {contract.title} documents ({documented}); "
            "if it is yours and no real money moves there, say so with --i-own-this-server, or with "
            "i_own_this_server = true under [target]. Nothing was sent."
        )


def is_known(target: Target, contract: Contract) -> bool:
    """Whether the target is on this machine, or a sandbox that the contract's provider documents."""
    host = _host(target)
    return is_local(host) or host in contract.settings.get("sandbox_hosts", ())


def _host(target: Target) -> str:
    return (urlsplit(target.base_url).hostname or "").rstrip(".")


def is_local(host: str) -> bool:
    """Whether a host is this machine's own loopback."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host in LOOPBACK


def _address(base_url: str, where: str) -> SplitResult:
    """The parts of a base URL. Raises ``SettingsError`` where it is none, or holds more than scheme, host and path."""
    try:
        address = urlsplit(base_url)
        sound = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise SettingsError(f"{where}base_url = {base_url!r} is no http(s) address")
    if address.query or address.fragment or address.username or address.password:
        raise SettingsError(f"{where}base_url takes a scheme, a host and a path; credentials go into api_key")
    return address


def _name_of(address: SplitResult) -> str:
    """The name of a target that is given none: host and port, without the colons that no folder on Windows can have."""
    host = str(address.hostname)
    host = f"ipv6-{host.replace(':', '_')}" if ":" in host else host
    return f"{host}-{address.port}" if address.port else host


def _tls(given: Mapping[str, Any], folder: Path, address: SplitResult, where: str) -> dict[str, str]:
    """The paths of the TLS settings, once all that they name is there and can be used. Raises ``SettingsError``."""
    if not given:
        return {}
    from conformance.target.tls import Tls, UnusableFile

    paths = {}
    for name, value in given.items():
        looked_up = look_up(value, f"{where}{name}")
        if not isinstance(looked_up, str) or not looked_up:
            raise SettingsError(f"{where}{name} is no path of a PEM file")
        if address.scheme != "https":
            raise SettingsError(f"{where}{name} is for a base_url that begins with https")
        paths[name] = str(folder / Path(looked_up).expanduser())
    try:
        Tls(paths.get("ca", ""), paths.get("client_certificate", ""), paths.get("client_key", "")).context()
    except UnusableFile as error:
        raise SettingsError(f"{where}{error}") from None
    return paths


def _known(path: Path, where: str, table: Mapping[str, Any], known: set[str]) -> None:
    for key in table:
        if key not in known:
            raise SettingsError(f"{path}: {where}{key} is unknown; known: {', '.join(sorted(known))}")


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise SettingsError(f"{name} = {value!r} is no number of at least 0")
    return float(value)


def _usual_burst(contract: Contract, pace: float) -> int:
    """How many requests at once nobody minds: what is documented, or else what a second allows; 0 where that is one."""
    allowed = int(contract.settings.get("burst", pace)) if pace else USUAL_BURST
    return min(USUAL_BURST, allowed) if allowed > 1 else 0


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise SettingsError(f"{name} = {value!r} is no whole number of at least 0")
    return value


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) and re.search(r"\w", entry) for entry in value):
        raise SettingsError(f"{name} is no list of texts")
    return tuple(value)


def look_up(value: Any, name: str) -> Any:
    """A value given as ``env:NAME`` is read from the environment, each of a list too."""
    if isinstance(value, list):
        return [look_up(entry, name) for entry in value]
    if isinstance(value, str) and value.startswith("env:"):
        variable = value.removeprefix("env:")
        found = os.environ.get(variable, "").strip()
        if not found:
            raise SettingsError(f'{name} = "env:{variable}": the environment variable {variable} is not set')
        return found
    return value.strip() if isinstance(value, str) else value
