"""The contract: all that a provider promises, read from ``schemas/<provider>/``. Imports nothing else of the suite."""

from conformance.contract.loading import CatalogueError, contract_root, load_contract, provider_names
from conformance.contract.model import Contract, ErrorKind, Level, Operation, Requirement, Source, Transition

__all__ = [
    "CatalogueError",
    "Contract",
    "ErrorKind",
    "Level",
    "Operation",
    "Requirement",
    "Source",
    "Transition",
    "contract_root",
    "load_contract",
    "provider_names",
]
