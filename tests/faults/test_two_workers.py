"""Two worker processes behind one address: the keys of each are its own, the intents are everybody's."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Any

import httpx
import pytest

from conformance.contract import load_contract
from conformance.reference import policies_of, serve, target_settings
from conformance.reference import workers as module
from conformance.run import Run, Selection
from conformance.session import act
from conformance.target.settings import make_target

FAULT = "keeps_keys_per_process"
PROVIDERS = ("stripe", "revkeen", "paypercut")
TIMES = 24  # fresh connections; that all come to one of two processes has odds of 2 to the -23rd
PATIENCE = 20.0  # seconds
PATHS = {"stripe": "/v1/payment_intents", "revkeen": "/payment-intents", "paypercut": "/v1/payment_intents"}

Ask = Callable[..., httpx.Response]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """The worker processes that the test starts."""
    started: list[subprocess.Popen[str]] = []

    class Noted(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return started


def asking(provider: str, url: str) -> Ask:
    """Sends a request on a connection of its own."""
    key = target_settings(provider)["api_key"]
    own = {"x-api-key": key} if provider == "revkeen" else {"Authorization": f"Bearer {key}"}

    def ask(method: str, path: str = "", headers: Any = None, **body: Any) -> httpx.Response:
        sent: dict[str, Any] = {"data" if provider == "stripe" else "json": body} if body else {}
        with httpx.Client(headers=own, trust_env=False, timeout=PATIENCE) as client:
            return client.request(method, url + PATHS[provider] + path, headers=headers, **sent)

    return ask


def _sound(provider: str) -> dict[str, Any]:
    if provider == "revkeen":
        return {"amount": 2000, "customer": target_settings(provider)["instruments"]["customer"]}
    return {"amount": 2000, "currency": "usd" if provider == "stripe" else "EUR"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_keys_are_a_process_own_and_intents_everybodys(provider: str) -> None:
    with serve(provider, policies=policies_of(provider, FAULT)) as url:
        ask = asking(provider, url)
        answers = [ask("POST", headers={"Idempotency-Key": "one"}, **_sound(provider)) for _ in range(TIMES)]
        assert {answer.status_code for answer in answers} == {200}
        made = {answer.json()["id"] for answer in answers}
        assert len(made) == 2, "one for each process, however often"
        for intent in made:
            seen = [ask("GET", f"/{intent}") for _ in range(TIMES)]
            assert {(one.status_code, one.json()["id"]) for one in seen} == {(200, intent)}
        # What one process changes, the other shows.
        canceled = ask("POST", f"/{intent}/cancel", headers={"Idempotency-Key": "two"})
        assert canceled.status_code == 200
        assert {ask("GET", f"/{intent}").json()["status"] for _ in range(TIMES)} == {"canceled"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_worker_keeps_and_refuses_as_the_known_good_server(provider: str) -> None:
    """On one connection, and so with one process, nothing is wrong."""
    key = target_settings(provider)["api_key"]
    headers = {"x-api-key": key, "Authorization": f"Bearer {key}", "Idempotency-Key": "one"}
    kind = "data" if provider == "stripe" else "json"
    with (
        serve(provider, policies=policies_of(provider, FAULT)) as url,
        httpx.Client(headers=headers, trust_env=False) as client,
    ):
        bodies: list[Any] = [_sound(provider), _sound(provider), {**_sound(provider), "amount": 3000}]
        first, again, other = (client.post(url + PATHS[provider], **{kind: body}) for body in bodies)
        unknown = client.get(f"{url}{PATHS[provider]}/nobodys")
        stranger = httpx.get(f"{url}{PATHS[provider]}/nobodys", trust_env=False)
    assert first.content == again.content
    assert (other.status_code, unknown.status_code, stranger.status_code) == (
        400 if provider == "stripe" else 409,
        404,
        401,
    )
    assert not [name for answer in (first, unknown) for name in answer.headers if name.lower() == "x-executed"]


def test_workers_end_with_the_block(processes: list[subprocess.Popen[str]]) -> None:
    with serve("stripe", policies=policies_of("stripe", FAULT)) as url:
        assert [process.poll() for process in processes] == [None, None]
    assert [process.poll() for process in processes] == [0, 0]
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


def test_workers_end_when_the_block_fails(processes: list[subprocess.Popen[str]]) -> None:
    with pytest.raises(ZeroDivisionError), serve("stripe", policies=policies_of("stripe", FAULT)):
        raise ZeroDivisionError
    assert [process.poll() for process in processes] == [0, 0]


def test_workers_end_when_one_does_not_start(
    processes: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = module._PROGRAM
    monkeypatch.setattr(module, "_PROGRAM", f"import sys\nif sys.argv[2] == '0': sys.exit(3)\n{sound}")
    started = module._worker

    def second_is_spoilt(provider: str, port: int, backend: int) -> Any:
        return started(provider, 0 if processes else port, backend)

    monkeypatch.setattr(module, "_worker", second_is_spoilt)
    with pytest.raises(OSError, match="did not start"), serve("stripe", policies=policies_of("stripe", FAULT)):
        pass
    assert [process.poll() for process in processes] == [0, 3]


def test_a_port_that_is_taken_is_not_shared() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OSError), serve("stripe", port=port, policies=policies_of("stripe", FAULT)):
            pass


PROGRAM = f"""
import threading
from conformance.contract import load_contract
from conformance.reference import policies_of, serve, workers
with serve("stripe", policies=policies_of("stripe", "{FAULT}")) as url:
    print(url, flush=True)
    threading.Event().wait()
"""


@contextmanager
def _readable(stream: Any) -> Any:
    ready, _, _ = select([stream], [], [], PATIENCE)
    assert ready, "no word from the server"
    yield stream


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to find the processes of a process")
def test_no_orphan_outlives_a_server_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            with _readable(server.stdout) as told:
                url = told.readline().strip()
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            handles = [os.pidfd_open(int(child)) for child in children]
        finally:
            server.send_signal(signal.SIGKILL)
    assert len(handles) == 2
    for handle in handles:
        ended, _, _ = select([handle], [], [], PATIENCE)  # a process handle is readable when the process has ended
        os.close(handle)
        assert ended, "a worker is still there"
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


@pytest.mark.parametrize(
    ("provider", "burst"), [("stripe", "STR-175"), ("revkeen", "RVK-126"), ("paypercut", "PPC-126")]
)
def test_a_burst_comes_to_both_and_shows_it(provider: str, burst: str, tmp_path: Path) -> None:
    contract, settings = load_contract(provider), target_settings(provider)
    with serve(provider, policies=policies_of(provider, FAULT)) as url:
        target = make_target(contract, base_url=url, api_key=settings["api_key"], instruments=settings["instruments"])
        run = Run(contract=contract, target=target, folder=tmp_path, selection=Selection(frozenset({burst})))
        run.preflight()
        act(run)
        certificate = run.finish()
    assert [row.id for row in certificate.requirements if row.verdict == "fail"] == [burst]
