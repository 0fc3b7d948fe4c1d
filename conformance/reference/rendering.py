"""What every rendering of an intent needs: who looks at it, times as text, the page of a pending action."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from werkzeug.wrappers import Request

from .model import Action, Call, Params

ACTIONS = "/_actions/"


@dataclass(frozen=True)
class View:
    """One look at an intent: the call it answers and the members wanted whole."""

    call: Call
    expand: frozenset[str] = frozenset()

    def page(self, action: Action) -> str:
        """The address at which the payer completes an action."""
        return f"{self.call.base_url}{ACTIONS}{action.token}"


def nothing_expanded(request: Request, params: Params) -> frozenset[str]:
    """For a provider whose references are always ids."""
    return frozenset()


def rfc3339(seconds: float) -> str:
    """A moment as RFC 3339 text, in UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
