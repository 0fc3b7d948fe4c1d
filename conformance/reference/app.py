"""The WSGI application: from a request to an answer, each step by the policy that is in charge of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from . import actions, routing
from .errors import Refusal
from .model import Answer, Call, Intent, Page
from .operations import OPERATIONS, current
from .policies import Policies, Task
from .rendering import ACTIONS, View
from .store import Store
from .wire import Lying

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def application(policies: Policies) -> WSGIApplication:
    """A new server: its policies, a memory of its own, and the lie that it tells, if any."""
    server = Application(policies)
    return Lying(server, policies.lie()) if policies.lie else server


class Application:
    """One server: policies, and a memory of its own."""

    def __init__(self, policies: Policies) -> None:
        self.policies = policies
        self.store = Store()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        answer = self.answer(request)
        response = Response(answer.body, answer.status, content_type=answer.content_type)
        for name, value in answer.headers:
            response.headers[name] = value
        for name, value in self.policies.headers(request, answer).items():
            response.headers[name] = value
        return response(environ, start_response)

    def answer(self, request: Request) -> Answer:
        """What the server says to a request."""
        policies, now = self.policies, self.policies.clock()
        page = policies.base_path + ACTIONS
        if request.path.startswith(page):
            return self.visit(request, request.path.removeprefix(page), now)
        try:
            call = self.receive(request)
            return policies.idempotency(self.store, call, now, lambda: self.execute(call, now))
        except Refusal as refusal:
            return policies.errors.answer(refusal, _no_intent, executed=False)

    def receive(self, request: Request) -> Call:
        """The request routed, authenticated and decoded. Raises Refusal where one of these fails."""
        policies = self.policies
        path = request.path.removeprefix(policies.base_path)
        if not request.path.startswith(policies.base_path):
            raise Refusal("no_route", f"there is nothing outside {policies.base_path}")
        operation, intent_id = routing.find(policies.routes, policies.wrong_method, request.method, path)
        caller = policies.authentication(request)
        base_url = _origin(request.environ) + policies.base_path
        return Call(request, operation, intent_id, caller, base_url, policies.decoding(request))

    def visit(self, request: Request, token: str, now: float) -> Answer:
        """The page of a pending action."""
        with self.store.lock:
            return actions.visit(self.store, self.policies.lifecycle, request, token, now)

    def execute(self, call: Call, now: float) -> Answer:
        """Carries the operation out, isolated from others."""
        with self.policies.isolation(self.store, call.operation):
            return self.perform(call, now)

    def perform(self, call: Call, now: float) -> Answer:
        """Carries the operation out; a refusal may still have changed the intent, as a decline does."""
        policies, store = self.policies, self.store
        view, executed = View(call), False
        try:
            intent = self.load(call.intent_id, call.caller.account, now) if call.intent_id else None
            policies.access(call, intent)
            params = policies.reading(call.operation, policies.validation(call.operation, call.params))
            view, executed = View(call, policies.expansion(call.request, params)), True
            operation = {**OPERATIONS, **policies.operations}[call.operation]
            outcome = operation(Task(policies, store, params, intent, now, call.caller.account))
            return Answer.of(policies.success.get(call.operation, 200), self.render(outcome, view))
        except Refusal as refusal:
            if refusal.intent is not None:
                store.save(refusal.intent)
            return policies.errors.answer(
                refusal, lambda concerned: policies.rendering(concerned, view), executed=executed
            )

    def render(self, outcome: Intent | Page, view: View) -> Any:
        """What an operation came to, as the caller sees it; an intent is remembered."""
        policies = self.policies
        if isinstance(outcome, Page):
            return policies.paging([policies.rendering(item, view) for item in outcome.items], outcome, view)
        return policies.rendering(self.store.save(outcome), view)

    def load(self, intent_id: str, account: str, now: float) -> Intent:
        """The intent as it stands now. Raises Refusal where the account has none such."""
        intent = self.store.intents.get(intent_id)
        if intent is None or intent.account != account:
            raise Refusal("not_found", f"no such payment intent: {intent_id}", param=("intent",))
        return current(self.policies, self.store, intent, now)


def _no_intent(intent: Intent) -> Mapping[str, Any]:
    return {}


def _origin(environ: WSGIEnvironment) -> str:
    """Scheme and host as the caller wrote them."""
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    return f"{environ['wsgi.url_scheme']}://{host}"
