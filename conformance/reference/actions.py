"""The page on which a payer completes or fails a pending action; it takes the place of the bank's own."""

from __future__ import annotations

from html import escape

from werkzeug.wrappers import Request

from .lifecycle import Lifecycle
from .model import Answer
from .store import Store

_HTML = "text/html; charset=utf-8"
_OUTCOMES = ("success", "failure")


def visit(store: Store, lifecycle: Lifecycle, request: Request, token: str, now: float) -> Answer:
    """Answers ``GET …/_actions/<token>?outcome=success|failure``; without an outcome it offers both as links.

    An unknown token is 404, an action that is no longer pending 409, an outcome of another name 400.
    """
    intent = store.intents.get(store.actions.get(token, ""))
    if request.method != "GET" or intent is None:
        return _page(404, "There is no such action.")
    if intent.action is None or intent.action.token != token:
        return _page(409, "This action is no longer pending.")
    outcome = request.args.get("outcome")
    if outcome is None:
        links = " ".join(f'<a href="?outcome={name}">{name}</a>' for name in _OUTCOMES)
        return _page(200, f"Authenticate the payment of {intent.amount} {escape(intent.currency)}: {links}")
    if outcome not in _OUTCOMES:
        return _page(400, "The outcome is success or failure.")
    back = intent.action.return_url
    store.save(lifecycle.act(intent, outcome, now))
    link = f' <a href="{escape(back)}">Back</a>' if back else ""
    return _page(200, f"Done: {outcome}.{link}")


def _page(status: int, text: str) -> Answer:
    return Answer(status, f"<!doctype html><title>Action</title><p>{text}</p>".encode(), content_type=_HTML)
