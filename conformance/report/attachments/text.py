"""An exchange as text for a reader: what was sent, what came back, bodies laid out."""

from __future__ import annotations

import json
from contextlib import suppress
from urllib.parse import parse_qsl

from conformance.evidence.exchange import Exchange, Headers, header

_LIMIT = 20_000  # characters of one body: more is no longer read, and reports are passed around


def exchange_line(exchange: Exchange) -> str:
    """An exchange in one line: number, method, path and status."""
    came = str(exchange.response.status) if exchange.response else exchange.failure or "no answer"
    return f"#{exchange.number} {exchange.request.method} {exchange.request.path} → {came}"


def exchange_text(exchange: Exchange) -> str:
    """Request and response with headers and laid-out bodies; a body is cut after 20,000 characters, and says so."""
    request, response = exchange.request, exchange.response
    took = exchange.ended - exchange.started
    milliseconds = f" ({took * 1000:.0f} ms)" if took > 0 else ""
    asked = [f"Asked by {exchange.scenario}"] if exchange.scenario else []
    if exchange.case:
        asked.append(f"Exam case {exchange.case}")
    if exchange.credential:
        asked.append(f"Credential: {exchange.credential}")
    sent = [f"{request.method} {request.url}", *_headers(request.headers), "", _laid_out(request.body, request.headers)]
    if response is None:
        came = [f"No answer{milliseconds}: {exchange.failure or 'the reason is not known'}"]
    else:
        body = _laid_out(response.body, response.headers)
        came = [f"HTTP {response.status}{milliseconds}", *_headers(response.headers), "", body]
    blocks = ["\n".join(asked), "\n".join(sent).rstrip(), "\n".join(came).rstrip()]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _headers(headers: Headers) -> list[str]:
    return [f"{name}: {value}" for name, value in headers]


def _laid_out(body: bytes, headers: Headers) -> str:
    if not body:
        return ""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return f"<{len(body)} bytes that are no text: {body[:64].hex(' ')}{' …' if len(body) > 64 else ''}>"
    if "x-www-form-urlencoded" in (header(headers, "Content-Type") or "").lower():
        pairs = parse_qsl(text, keep_blank_values=True)
        text = "\n".join(f"{name} = {value}" for name, value in pairs) or text
    else:
        with suppress(ValueError, RecursionError):  # what is not JSON is shown as it came
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return text if len(text) <= _LIMIT else f"{text[:_LIMIT]}\n… cut: {len(text):,} characters in all"
