"""The payment methods and customers a server knows from the start, and how a request names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .errors import Refusal
from .model import Method, Params
from .store import Store


@dataclass(frozen=True)
class Instruments:
    """What can be charged, and for whom.

    ``placed`` turns a well-known method into the one an intent shows (where well-known ids are only aliases), and
    ``described`` makes a method of the data a request sends instead of an id. ``customers`` None takes any id.
    """

    methods: Mapping[str, Method]
    customers: frozenset[str] | None
    placed: Callable[[Method], Method]
    described: Callable[[Params], Method] | None = None

    def customer(self, params: Params) -> str | None:
        """The customer a request names. Raises Refusal where nobody has that id."""
        named: str | None = params.get("customer")
        if named is not None and self.customers is not None and named not in self.customers:
            raise Refusal("unknown_reference", "no such customer", param=("customer",))
        return named

    def method(self, store: Store, params: Params, customer: str | None) -> Method | None:
        """The payment method a request names or describes, None where it does neither.

        Raises:
            Refusal: the id is nobody's, or the method belongs to another customer.
        """
        named = params.get("payment_method")
        if named is None:
            data = params.get("payment_method_data")
            return self.described(data) if data is not None and self.described is not None else None
        method = store.methods.get(named)
        if method is None and named in self.methods:
            method = self.placed(self.methods[named])
        if method is None:
            raise Refusal("unknown_reference", "no such payment method", param=("payment_method",))
        self.belonging(method, customer)
        return method

    def belonging(self, method: Method | None, customer: str | None) -> None:
        """Raises Refusal where the method belongs to another customer."""
        if method is not None and method.customer not in (None, customer):
            raise Refusal("foreign_method", "the payment method belongs to another customer", param=("payment_method",))
