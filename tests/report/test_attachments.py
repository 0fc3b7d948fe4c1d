"""The curl line asks the same again, as a shell and a server see it; the text shows bodies laid out and bounded."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from conformance.evidence.exchange import Exchange, Request, Response
from conformance.report.attachments import curl_line, exchange_line, exchange_text

Seen = list[tuple[str, str, dict[str, str], bytes]]


@pytest.fixture
def server() -> Iterator[tuple[str, Seen]]:
    """A server on loopback that keeps what it was asked."""
    seen: Seen = []

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        do_GET = do_POST = do_DELETE = do_PUT = do_HEAD = _any

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", seen
        listening.shutdown()
        thread.join()


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl to ask with")
@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", "/v1/intents/pi_1?expand%5B%5D=customer&expand[]=x", (), b""),
        ("POST", "/v1/intents", (("Content-Type", "application/json"),), b'{"name": "it\'s $HOME `id` \\"x\\" \\\\n"}'),
        ("POST", "/v1/intents", (), b""),
        ("POST", "/v1/intents", (), b"without a media type"),
        ("POST", "/v1/intents", (("Content-Type", "text/plain"),), b"@/etc/hostname"),
        ("POST", "/v1/intents", (("Content-Type", "text/plain"),), "zwei\nZeilen, übel\n".encode()),
        ("POST", "/v1/intents", (("Content-Type", "text/plain"),), b"nul \x00 and \xff and %s\n"),
        ("POST", "/v1/intents", (("Content-Type", "text/plain"),), b"one\r\ntwo \x1b[31m"),
        ("DELETE", "/v1/intents/1", (("X-Empty", ""), ("X-Quote", "a'b\"c")), b""),
        ("GET", "/v1/intents", (("Content-Type", "application/json"),), b"{}"),
        ("HEAD", "/v1/intents", (), b""),
    ],
)
def test_curl_asks_the_same(
    server: tuple[str, Seen], method: str, path: str, headers: tuple[tuple[str, str], ...], body: bytes
) -> None:
    base, seen = server
    line = curl_line(Request(method, base + path, headers, body))
    subprocess.run(["sh", "-c", line], check=True, capture_output=True, timeout=20)
    [(got_method, got_path, got_headers, got_body)] = seen
    assert (got_method, got_path, got_body) == (method, path, body)
    assert {name.lower(): value for name, value in headers}.items() <= got_headers.items()
    assert ("content-type" in got_headers) == any(name == "Content-Type" for name, _ in headers)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Bearer [redacted:api_key]", '-H "Authorization: Bearer $API_KEY"'),
        ("Bearer [redacted:publishable_key]", '-H "Authorization: Bearer $PUBLISHABLE_KEY"'),
        ("Bearer [redacted:0badcafe]", '-H "Authorization: Bearer $API_KEY"'),
        ('a `b` [redacted] "', """-H 'Authorization: a `b` '"$API_KEY"' "'"""),
        ("Bearer [REDACTED]", '-H "Authorization: Bearer $API_KEY"'),
        ("Basic <redacted>", '-H "Authorization: Basic $CREDENTIALS"'),
        ("***", '-H "Authorization: $API_KEY"'),
        ("Bearer sk_test_nobody", "-H 'Authorization: Bearer sk_test_nobody'"),
    ],
)
def test_a_redacted_credential_is_a_shell_variable(value: str, shown: str) -> None:
    assert shown in curl_line(Request("GET", "http://127.0.0.1/", (("Authorization", value),)))


def test_a_recorded_header_cannot_speak_to_the_shell() -> None:
    line = curl_line(Request("GET", "http://127.0.0.1/$(id)", (("X-`id`", "[redacted]"), ("X", "$(id)"))))
    assert line == "curl -sS -i 'http://127.0.0.1/$(id)' -H 'X-`id`: '\"$API_KEY\" -H 'X: $(id)'"


def test_what_belongs_to_the_connection_is_left_out() -> None:
    headers = (("Host", "x"), ("content-length", "3"), ("User-Agent", "y"), ("Accept", "*/*"))
    assert curl_line(Request("GET", "http://127.0.0.1/", headers)) == "curl -sS -i http://127.0.0.1/ -H 'Accept: */*'"


def exchange(response: Response | None, **more: Any) -> Exchange:
    return Exchange(4, Request("POST", "http://127.0.0.1/v1/intents?a=b", (), b"plain"), response, **more)


def test_an_exchange_in_one_line() -> None:
    assert exchange_line(exchange(Response(200))) == "#4 POST /v1/intents → 200"
    assert exchange_line(exchange(None, failure="timed out")) == "#4 POST /v1/intents → timed out"
    assert exchange_line(exchange(None)) == "#4 POST /v1/intents → no answer"


def test_an_exchange_as_text() -> None:
    text = exchange_text(
        exchange(Response(200, (("X", "y"),), b'{"a":1}'), scenario="test_a", case="c-7", credential="test")
    )
    assert text == (
        "Asked by test_a\nExam case c-7\nCredential: test\n\n"
        "POST http://127.0.0.1/v1/intents?a=b\n\nplain\n\n"
        'HTTP 200\nX: y\n\n{\n  "a": 1\n}\n'
    )
    assert exchange_text(exchange(None, failure="timed out")).endswith("No answer: timed out\n")


def test_bodies_that_are_no_text_or_too_long_say_so() -> None:
    assert "<3 bytes that are no text: ff fe 00>" in exchange_text(exchange(Response(200, (), b"\xff\xfe\x00")))
    long = exchange_text(exchange(Response(200, (), b"x" * 50_000)))
    assert len(long) < 21_000
    assert "cut: 50,000 characters in all" in long
