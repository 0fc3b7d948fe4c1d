"""The suite's proxy: what the client sees of each mishap, what the target gets, and that nothing is left behind."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any

import httpx
import pytest

from conformance.contract import load_contract
from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.target.client import Client
from conformance.target.clock import SkippingClock
from conformance.target.connections import BODY_LIMIT
from conformance.target.proxy import LATE, MISHAPS, TOLD_BY, ProxiedTransport, Told, told
from conformance.target.settings import make_target

SECONDS = 5.0  # of patience in these tests
API_KEY = "sk_test_nobody_may_see_this_0123456789"
CLIENT_SECRET = "pi_1_secret_nobodymayseethiseither"
HEADERS = (("Content-Type", "application/json"), ("X-Twice", "1"), ("X-Twice", "2"))
LOST = {
    "answer_lost": httpx.RemoteProtocolError,
    "answer_cut": httpx.ReadError,
    "answer_late": httpx.ReadTimeout,
    "bad_gateway": httpx.ProxyError,
}


class Target:
    """A tiny server: each POST makes an intent of its own, and is answered with ``status``; ``body`` replaces it."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []  # path with query, headers, body
        self.threads: set[str] = set()
        self.status = 200
        self.body: bytes | None = None
        self._numbers = count(1)

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        self.got.append((path, headers, body))
        self.threads.add(threading.current_thread().name)
        made = {"id": f"pi_{next(self._numbers)}", "amount": len(body), "client_secret": CLIENT_SECRET, "name": "é"}
        return json.dumps(made).encode() if self.body is None else self.body

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        """As a WSGI application."""
        headers = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name[:5] == "HTTP_"}
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        shown = self.answer(f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}", headers, body)
        start_response(
            f"{self.status} Told", [("Content-Type", "application/json"), ("X-Twice", "1"), ("X-Twice", "2")]
        )
        return [shown]

    @contextmanager
    def listening(self) -> Iterator[str]:
        """As a server on a socket; yields its URL."""
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                shown = target.answer(self.path, {name.lower(): text for name, text in self.headers.items()}, body)
                self.send_response(target.status)
                for name, text in HEADERS:
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(shown)

            def log_message(self, format: str, *args: object) -> None: ...

        class Server(ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 64

        with Server(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.server_address[1]}"
            server.shutdown()
            thread.join()


@pytest.fixture
def target() -> Target:
    return Target()


@pytest.fixture(params=["in memory", "on a socket"])
def url(request: pytest.FixtureRequest, target: Target) -> Iterator[str]:
    """Where the target is; in memory it is nowhere."""
    if request.param == "in memory":
        yield "http://target.test"
        return
    with target.listening() as address:
        yield address


@pytest.fixture
def client(url: str, target: Target) -> Iterator[httpx.Client]:
    """A client whose every request goes through the proxy."""
    with proxied(target, url) as made:
        yield made


@contextmanager
def proxied(target: Target, url: str) -> Iterator[httpx.Client]:
    in_memory = httpx.WSGITransport(app=target) if url == "http://target.test" else None
    with httpx.Client(transport=in_memory, timeout=SECONDS) as inner:
        transport = ProxiedTransport(inner, ("id", "amount", "absent", "client"))
        with httpx.Client(transport=transport, base_url=url, timeout=SECONDS) as made:
            yield made


def send(client: httpx.Client, mishap: str, body: bytes = b"amount=5") -> httpx.Response:
    request = client.build_request(
        "POST", "/v1/pi?a=b%2Fc", content=body, headers={"Authorization": f"Bearer {API_KEY}"}
    )
    request.extensions["mishap"] = mishap
    return client.send(request)


def failure_of(client: httpx.Client, mishap: str) -> str:
    with pytest.raises(httpx.TransportError) as raised:
        send(client, mishap)
    return str(raised.value)


def exchange(failure: str = "", *headers: tuple[str, str]) -> Exchange:
    return Exchange(1, Request("POST", "http://t/v1"), None if failure else Response(200, headers), failure=failure)


# -- what the client sees --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mishap", LOST)
def test_the_target_acts_once_and_the_client_gets_no_answer(mishap: str, client: httpx.Client, target: Target) -> None:
    with pytest.raises(LOST[mishap]) as raised:
        send(client, mishap)
    assert len(target.got) == 1
    assert told(exchange(str(raised.value))) == Told(200, {"id": "pi_1", "amount": 8})
    assert mishap in str(raised.value)
    assert ("502" in str(raised.value)) == (mishap == "bad_gateway")


def test_what_is_sent_twice_is_answered_by_the_second(client: httpx.Client, target: Target) -> None:
    answer = send(client, "sent_twice")
    assert [body for _, _, body in target.got] == [b"amount=5", b"amount=5"]
    assert (answer.status_code, answer.json()["id"], answer.json()["name"]) == (200, "pi_2", "é")
    assert answer.headers.get_list("X-Twice") == ["1", "2"]
    assert told(exchange("", (TOLD_BY, answer.headers[TOLD_BY]))) == Told(200, {"id": "pi_1", "amount": 8})


def test_a_compressed_answer_is_read(target: Target) -> None:
    packed = gzip.compress(b'{"id": "pi_1"}')

    def compressing(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [("Content-Encoding", "gzip"), ("Content-Length", str(len(packed)))])
        return [packed]

    inner = httpx.Client(transport=httpx.WSGITransport(app=compressing), timeout=SECONDS)
    outer = httpx.Client(transport=ProxiedTransport(inner, ("id",)), base_url="http://target.test", timeout=SECONDS)
    with inner, outer:
        answer = send(outer, "sent_twice")
        assert answer.json() == {"id": "pi_1"}
        assert told(exchange(failure_of(outer, "answer_lost"))) == Told(200, {"id": "pi_1"})


def test_a_refusal_is_not_sent_twice(client: httpx.Client, target: Target) -> None:
    target.status = 402
    text = failure_of(client, "sent_twice")
    assert len(target.got) == 1
    assert told(exchange(text)) == Told(402, {"id": "pi_1", "amount": 8})


@pytest.mark.parametrize("mishap", LOST)
@pytest.mark.parametrize("status", [400, 500, 502])
def test_a_lost_refusal_is_told(mishap: str, status: int, client: httpx.Client, target: Target) -> None:
    target.status = status
    with pytest.raises(LOST[mishap]) as raised:
        send(client, mishap)
    assert told(exchange(str(raised.value))) == Told(status, {"id": "pi_1", "amount": 8})


def test_the_target_gets_what_the_client_sent(client: httpx.Client, target: Target) -> None:
    failure_of(client, "answer_lost")
    ((path, headers, body),) = target.got
    assert (path, body) in (("/v1/pi?a=b%2Fc", b"amount=5"), ("/v1/pi?a=b/c", b"amount=5"))  # WSGI decodes the path
    assert headers["authorization"] == f"Bearer {API_KEY}"
    assert headers["host"] == client.base_url.netloc.decode()
    assert not [name for name in headers if "proxy" in name or "conformance" in name]


@pytest.mark.parametrize("mishap", MISHAPS)
def test_the_target_is_asked_by_the_thread_that_sends(mishap: str, target: Target) -> None:
    with proxied(target, "http://target.test") as client, suppress(httpx.TransportError):
        send(client, mishap)
    assert target.threads == {threading.current_thread().name}


@pytest.mark.parametrize("mishap", MISHAPS)
@pytest.mark.parametrize("body", [b"", b"x", b"[1]", b'"' + b"x" * 1_000_000 + b'"'])
def test_any_body_of_an_answer_will_do(mishap: str, body: bytes, client: httpx.Client, target: Target) -> None:
    target.body = body
    if mishap == "sent_twice":
        assert send(client, mishap).content == body
        return
    with pytest.raises(LOST[mishap]) as raised:
        send(client, mishap)
    assert told(exchange(str(raised.value))) == Told(200, {})


def test_a_large_request_arrives_whole(client: httpx.Client, target: Target) -> None:
    send(client, "sent_twice", b"x" * 3_000_000)
    assert [len(body) for _, _, body in target.got] == [3_000_000, 3_000_000]


def test_an_answer_that_comes_late_is_there_when_the_client_gives_up(target: Target) -> None:
    over: list[bool] = []

    def slow(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        threading.Event().wait(5 * LATE)  # longer than the client is willing to wait
        over.append(True)
        return target(environ, start_response)

    inner = httpx.Client(transport=httpx.WSGITransport(app=slow), timeout=SECONDS)
    outer = httpx.Client(transport=ProxiedTransport(inner), base_url="http://target.test", timeout=SECONDS)
    with inner, outer:
        failure_of(outer, "answer_late")
        assert over


# -- what is no mishap -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mishap", MISHAPS)
def test_a_target_that_is_not_there_is_not_taken_for_a_mishap(mishap: str, target: Target) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with proxied(target, f"http://127.0.0.1:{port}") as client, pytest.raises(httpx.ConnectError) as raised:
        send(client, mishap)
    assert told(exchange(str(raised.value))) is None


@pytest.mark.parametrize("mishap", MISHAPS)
def test_an_answer_without_end_is_not_taken_for_a_mishap(mishap: str, target: Target) -> None:
    target.body = b"x" * (BODY_LIMIT + 1)
    with proxied(target, "http://target.test") as client, pytest.raises(httpx.ReadError, match="longer") as raised:
        send(client, mishap)
    assert told(exchange(str(raised.value))) is None


def test_an_unknown_mishap_is_a_mistake(client: httpx.Client, target: Target) -> None:
    with pytest.raises(ValueError, match="no mishap"):
        send(client, "answer_eaten")
    assert not target.got


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ConnectError: refused",
        "answer_eaten, made by the suite's proxy: so; the target had answered HTTP 200 {}",
        "answer_lost, made by the suite's proxy: so; the target had answered HTTP 200 {[redacted]}",
    ],
)
def test_other_failures_tell_of_no_answer(text: str) -> None:
    assert told(exchange(text)) is None


# -- nothing is given away, nothing is left ----------------------------------------------------------------------------


@pytest.mark.parametrize("mishap", MISHAPS)
def test_no_text_holds_a_secret(mishap: str, client: httpx.Client, capfd: pytest.CaptureFixture[str]) -> None:
    text = send(client, mishap).headers[TOLD_BY] if mishap == "sent_twice" else failure_of(client, mishap)
    assert API_KEY not in text
    assert CLIENT_SECRET not in text
    assert capfd.readouterr() == ("", "")


def test_a_header_that_cannot_be_sent_is_not_quoted(target: Target) -> None:
    with proxied(target, "http://target.test") as client:
        request = client.build_request("POST", "/", headers={"Authorization": f"Bearer\n{API_KEY}"})
        request.extensions["mishap"] = "answer_lost"
        with pytest.raises(httpx.TransportError) as raised:
            client.send(request)
    assert API_KEY not in str(raised.value)
    assert not target.got


def test_it_works_from_eight_threads_at_once_and_leaves_nothing(url: str, target: Target) -> None:
    threads, open_files = threading.active_count(), _open_files()
    mishaps = [mishap for mishap in MISHAPS for _ in range(8)]
    with proxied(target, url) as client, ThreadPoolExecutor(8) as pool:

        def one(mishap: str, number: int) -> Told | None:
            try:
                answer = send(client, mishap, b"x" * number)
            except httpx.TransportError as error:
                return told(exchange(str(error)))
            return told(exchange("", (TOLD_BY, answer.headers[TOLD_BY])))

        seen = list(pool.map(one, mishaps, range(len(mishaps))))
    assert all(seen)
    assert [one.members["amount"] for one in seen if one] == list(range(len(mishaps)))  # each is told its own answer
    assert len(target.got) == len(mishaps) + mishaps.count("sent_twice")
    assert threading.active_count() <= threads + (0 if url == "http://target.test" else 8)  # the target's own
    if url == "http://target.test":
        assert _open_files() <= open_files


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0


# -- by the suite's client ---------------------------------------------------------------------------------------------


def test_what_is_sent_twice_counts_twice_for_the_pace(target: Target) -> None:
    contract = load_contract("stripe")
    settings = make_target(contract, base_url="http://127.0.0.1:1", api_key=API_KEY, requests_per_second=1)
    history, transport = History(Redactor(settings.secrets())), httpx.WSGITransport(app=target)
    client = Client(contract, settings, history, transport=transport, clock=SkippingClock())
    mishaps = ("sent_twice", "answer_lost", "")
    twice, lost, plain = (client.call("create", body={"amount": 5}, mishap=one) for one in mishaps)
    client.close()
    assert lost.started - twice.started > 1.5
    assert plain.started - lost.started < 1.5


def test_the_clients_exchange_has_a_failure_and_its_times(target: Target) -> None:
    contract = load_contract("stripe")
    settings = make_target(contract, base_url="http://127.0.0.1:1", api_key=API_KEY)
    history = History(Redactor(settings.secrets()))
    client = Client(contract, settings, history, transport=httpx.WSGITransport(app=target))
    made = [client.call("create", body={"amount": 5}, mishap=one) for one in ("answer_cut", "sent_twice", "")]
    lost, twice, plain = made
    client.close()
    assert lost.response is None
    assert told(lost) == Told(200, {"id": "pi_1", "amount": 8})
    assert told(twice) == Told(200, {"id": "pi_2", "amount": 8})
    assert plain.response is not None
    assert told(plain) is None
    assert 0 < lost.started <= lost.ended <= twice.started <= twice.ended <= plain.started
    assert API_KEY not in repr(history.redacted())
