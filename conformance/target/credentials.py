"""Named ways to authenticate, as OpenAPI's security schemes name them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from conformance.contract import Contract

STRANGER = "stranger"  # the credential of another account; all others that a target lends are of its own


def scheme_name(definition: Mapping[str, Any]) -> str:
    """``bearer``, ``basic`` or ``header:<name>`` of an OpenAPI security scheme."""
    if definition["type"] == "apiKey":
        return f"header:{definition['name']}"
    if definition["type"] in ("oauth2", "openIdConnect"):
        return "bearer"
    return str(definition["scheme"]).lower()


def authorization(scheme: str, key: str) -> dict[str, str]:
    """The headers that present ``key`` under a scheme; a Basic key without a colon is a user name without password."""
    if scheme == "bearer":
        return {"Authorization": f"Bearer {key}"}
    if scheme == "basic":
        pair = key if ":" in key else f"{key}:"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    return {scheme.removeprefix("header:"): key}


def default_scheme(contract: Contract) -> str:
    """The scheme that ``provider.toml`` prefers."""
    return scheme_name(contract.security[contract.settings["authentication"]["scheme"]])


def present(contract: Contract, credential: str, keys: Mapping[str, Any], scheme: str = "") -> dict[str, str]:
    """The headers for a class of credential.

    ``test`` is the target's own key (under ``scheme``, a name in the contract's securitySchemes, or the default);
    ``none`` sends nothing; ``unknown`` is well-formed and belongs to nobody; ``bearer`` and ``basic`` are the own key
    under that scheme whether the provider takes it or not; ``empty_password`` leaves out what follows the colon,
    ``wrong_password`` puts something else there; ``not_base64`` is no Basic value at all; any other name is a key that
    the target lends as ``<name>_key``.
    """
    own, default = str(keys["api_key"]), default_scheme(contract)
    if credential == "none":
        return {}
    if credential == "not_base64":
        return {"Authorization": "Basic %%%"}
    if credential in ("bearer", "basic"):
        return authorization(credential, own)
    if credential == "empty_password":
        return authorization("basic", own.partition(":")[0] + ":")
    if credential == "wrong_password":
        return authorization("basic", f"{own.partition(':')[0]}:belongsToNobody")
    if credential == "unknown":
        return authorization(default, str(contract.settings["authentication"]["unknown_key"]))
    if credential == "test":
        return authorization(scheme_name(contract.security[scheme]) if scheme else default, own)
    return authorization(default, str(keys[f"{credential}_key"]))
