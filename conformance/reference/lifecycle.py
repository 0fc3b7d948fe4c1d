"""The life of an intent: which operation is legal when, and where it leads. Takes an intent and gives the next one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from .errors import Refusal
from .model import Action, Attempt, Failure, Intent, Method

AUTHENTICATION_FAILURE = "payment_intent_authentication_failure"
_FAILURES = {
    "authentication_required": "authentication_required",
    AUTHENTICATION_FAILURE: "authentication_failed",
}

Precondition = Callable[[Intent, Attempt], None]


def no_payment_id() -> str | None:
    """For a provider that shows no id of a payment."""
    return None


def by_capture_method(intent: Intent) -> bool:
    """Whether the intent says that its funds are captured later."""
    return intent.capture_method == "manual"


def redirects(attempt: Attempt) -> str:
    """The kind of action for a provider that sends every payer to a page."""
    return "redirect"


def no_verification(intent: Intent) -> str | None:
    """For a provider that asks for nothing but what the payment method itself demands."""
    return None


@dataclass(frozen=True)
class Lifecycle:
    """The states of an intent and the ways between them.

    ``updatable`` are the statuses in which an intent can be changed; its ``annotations``, members that do not touch the
    payment itself, can be in all of ``annotatable`` (None: in every status).

    ``limit`` is the number of failed attempts that cancels an intent; ``delay`` the seconds that an asynchronous method
    takes; ``failed_payment`` and ``new_payment`` give the id of an attempt that failed or collected money;
    ``verification`` is the kind of action, if any, that an intent demands before its method is charged.
    """

    confirmable: frozenset[str] = frozenset({"requires_payment_method", "requires_confirmation"})
    cancelable: frozenset[str] = frozenset(
        {"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"}
    )
    updatable: frozenset[str] = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
    annotatable: frozenset[str] | None = None
    annotations: frozenset[str] = frozenset({"description", "metadata"})
    bare: str = "requires_payment_method"
    ready: str = "requires_confirmation"
    authorised: str = "requires_capture"
    declined: str = "requires_payment_method"
    limit: int | None = None
    limit_reason: str | None = None
    delay: float = 0.5
    new_payment: Callable[[], str | None] = no_payment_id
    failed_payment: Callable[[], str | None] = no_payment_id
    captures_later: Callable[[Intent], bool] = by_capture_method
    action_kind: Callable[[Attempt], str] = redirects
    verification: Callable[[Intent], str | None] = no_verification
    preconditions: tuple[Precondition, ...] = ()

    def begin(self, intent: Intent) -> Intent:
        """A new intent in its first status."""
        return replace(intent, status=self.bare if intent.method is None else self.ready)

    def update(self, intent: Intent, changed: Iterable[str]) -> Intent:
        """The intent about to take changes of these members; an earlier failure is forgotten.

        Raises:
            Refusal: its status does not allow one of them.
        """
        for name in changed:
            legal = self.annotatable if name in self.annotations else self.updatable
            if legal is not None and intent.status not in legal:
                message = f"{name} of an intent that is {intent.status} cannot be changed"
                raise Refusal("unexpected_state", message, param=(name,), intent=intent)
        return replace(intent, failure=None)

    def equip(self, intent: Intent, method: Method | None) -> Intent:
        """The intent with another payment method or with none, to be confirmed anew; a pending action is dropped."""
        return self.begin(replace(intent, method=method, action=None, authenticated=False))

    def confirm(self, intent: Intent, attempt: Attempt, now: float) -> Intent:
        """The intent after an attempt to pay.

        Raises:
            Refusal: the attempt is not legal, or it failed; the refusal carries the intent as it stands then.
        """
        if intent.status not in self.confirmable:
            raise Refusal("unexpected_state", f"an intent that is {intent.status} cannot be confirmed", intent=intent)
        method = attempt.method or intent.method
        if method is None:
            raise Refusal("no_method", "there is no payment method to confirm with", intent=intent)
        for precondition in self.preconditions:
            precondition(intent, attempt)
        known = intent.authenticated and attempt.method is None
        intent = replace(intent, method=method, authenticated=known, action=None, failure=None)
        verification = self.verification(intent)
        if (verification or self.must_authenticate(method, attempt)) and not known:
            if not attempt.off_session and not attempt.refuses_action:
                kind = verification or self.action_kind(attempt)
                action = Action(secrets.token_hex(12), kind, attempt.return_url)
                return replace(intent, status="requires_action", action=action)
            message = "the payer has to authenticate this payment"
            intent = self.fail(intent, now, "authentication_required", message, "authentication_required")
        else:
            intent = self.charge(intent, now)
        if intent.failure is not None:
            raise Refusal(intent.failure.kind, intent.failure.message, failure=intent.failure, intent=intent)
        return intent

    def must_authenticate(self, method: Method, attempt: Attempt) -> bool:
        """Whether this attempt needs the payer."""
        if method.authentication == "on_session":
            return not attempt.off_session
        return method.authentication == "always" or attempt.challenge

    def charge(self, intent: Intent, now: float) -> Intent:
        """The intent after its payment method was charged: paid, held, under way or failed."""
        method = intent.method
        assert method is not None
        if method.decline is not None and method.settlement == "at_once":
            message = "the payment method was declined"
            return self.fail(intent, now, method.decline.code, message, method.decline.decline_code)
        intent = replace(intent, payment=self.new_payment(), payments=intent.payments + 1, failure=None)
        if method.settlement == "at_once":
            return self.collect(intent)
        settles_at = None if method.settlement == "never" else now + self.delay
        return replace(intent, status="processing", settles_at=settles_at)

    def collect(self, intent: Intent) -> Intent:
        """The intent with its money: received, or held for a later capture."""
        if self.captures_later(intent):
            return replace(intent, status=self.authorised, amount_capturable=intent.amount)
        return replace(intent, status="succeeded", amount_received=intent.amount)

    def fail(self, intent: Intent, now: float, code: str, message: str, decline_code: str | None = None) -> Intent:
        """The intent after an attempt that came to nothing."""
        kind = _FAILURES.get(code, "declined")
        payment = intent.payment
        if intent.status != "processing" and kind != "authentication_failed":
            payment = self.failed_payment()
        attempts = intent.failed_attempts + 1
        failed = replace(
            intent,
            status=self.declined,
            failure=Failure(kind, code, message, decline_code, payment, intent.method),
            payment=payment,
            method=None if self.declined == self.bare else intent.method,
            failed_attempts=attempts,
            authenticated=False,
            action=None,
            settles_at=None,
        )
        if self.limit is not None and attempts >= self.limit:
            return replace(failed, status="canceled", canceled_at=now, cancellation_reason=self.limit_reason)
        return failed

    def capture(self, intent: Intent, amount: int | None, final: bool) -> Intent:
        """The intent with so much of its held money received, None for all; ``final`` releases what is left.

        Raises:
            Refusal: nothing is held, or not so much.
        """
        held = intent.amount_capturable
        if intent.status != self.authorised or held == 0:
            raise Refusal("unexpected_state", f"an intent that is {intent.status} cannot be captured", intent=intent)
        amount = held if amount is None else amount
        if amount > held:
            message = "the amount is larger than what can be captured"
            raise Refusal("capture_too_large", message, param=("amount_to_capture",), intent=intent)
        received = replace(intent, amount_received=intent.amount_received + amount)
        if final or amount == held:
            return replace(received, status="succeeded", amount_capturable=0)
        return replace(received, amount_capturable=held - amount)

    def cancel(self, intent: Intent, reason: str | None, now: float) -> Intent:
        """The canceled intent. Raises Refusal where its status does not allow that."""
        if intent.status not in self.cancelable:
            raise Refusal("unexpected_state", f"an intent that is {intent.status} cannot be canceled", intent=intent)
        return replace(
            intent,
            status="canceled",
            canceled_at=now,
            cancellation_reason=reason,
            amount_capturable=0,
            action=None,
            settles_at=None,
        )

    def act(self, intent: Intent, outcome: str, now: float) -> Intent:
        """The intent after the payer dealt with its action; ``outcome`` is ``success`` or ``failure``."""
        if outcome == "failure":
            message = "the payer did not authenticate this payment"
            return self.fail(intent, now, AUTHENTICATION_FAILURE, message)
        intent = replace(intent, action=None, authenticated=True)
        if intent.confirmation_method == "manual":
            return replace(intent, status=self.ready)
        return self.charge(intent, now)

    def settle(self, intent: Intent, now: float) -> Intent:
        """The intent at this moment: an asynchronous payment that has come to its end by now is over."""
        if intent.settles_at is None or now < intent.settles_at or intent.method is None:
            return intent
        method = intent.method
        intent = replace(intent, settles_at=None)
        decline = method.decline
        if method.settlement == "fails_later" and decline is not None:
            return self.fail(intent, now, decline.code, "the payment failed", decline.decline_code)
        return self.collect(intent)
