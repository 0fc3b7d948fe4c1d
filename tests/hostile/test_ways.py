"""The ways to a target: IPv6, the environment's proxy, and what is left on a connection."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
from click.testing import Result

from conformance.contract import load_contract
from conformance.evidence.history import History
from conformance.evidence.redaction import Redactor
from conformance.reference import target_settings
from conformance.target.client import Client
from conformance.target.settings import SettingsError, make_target
from tests.commands.conftest import Asked, sound
from tests.hostile.server import Turn, answer, hostile

CREATE = {"operation": "create", "body": {"amount": 2000, "currency": "usd"}}


def a_client(url: str, timeout: float = 10.0) -> Client:
    contract, settings = load_contract("dots"), target_settings("dots")
    base = url + settings["base_path"]
    target = make_target(contract, base_url=base, api_key=settings["api_key"], timeout=timeout, requests_per_second=0)
    return Client(contract, target, History(Redactor(target.secrets())))


def has_ipv6() -> bool:
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1, the loopback address of IPv6")
def test_ipv6(certify: Callable[..., Result]) -> None:
    with hostile(lambda turn: turn.say(turn.sound()), sound=sound("dots"), host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        result = certify(server.url, "--only", "DOT-090")
        assert result.exit_code == 0, result.output
        client = a_client(server.url)
        assert [one.response is not None for one in client.together([CREATE] * 3)] == [True] * 3
        client.close()


def as_proxy(asked: Asked) -> bytes:
    """The sound answer to a request that came with its whole address, as a proxy gets it."""
    asked.path = httpx.URL(asked.path).raw_path.decode()
    return answers(asked)


answers = sound("dots")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One without proxies."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


def test_the_environments_proxy_is_asked(environment: pytest.MonkeyPatch, certify: Callable[..., Result]) -> None:
    with hostile(lambda turn: turn.say(turn.sound()), sound=as_proxy) as proxy:
        environment.setenv("HTTP_PROXY", proxy.url.replace("://", "://ann:open-sesame@"))
        result = certify(
            "http://target.invalid", "--only", "DOT-090", timeout=10, i_own_this_server=True, requests_per_second=0
        )
        assert result.exit_code == 0, result.output
        assert len(proxy.asked) == 4
        assert {asked.headers["host"] for asked in proxy.asked} == {"target.invalid"}
        assert {asked.headers["proxy-authorization"][:6] for asked in proxy.asked} == {"Basic "}
        assert "open-sesame" not in result.output


def test_a_mishap_goes_through_it_and_a_burst_does_not(environment: pytest.MonkeyPatch) -> None:
    with hostile(lambda turn: turn.say(turn.sound()), sound=as_proxy) as proxy:
        environment.setenv("ALL_PROXY", proxy.url)
        client = a_client("http://target.invalid")
        assert client.proxy == proxy.url
        assert client.target.burst == 0
        assert client.call(**CREATE, mishap="sent_twice").response is not None
        client.close()
        assert len(proxy.asked) == 2


def test_bursts_are_left_out_with_the_reason(
    environment: pytest.MonkeyPatch, certify: Callable[..., Result], tmp_path: object
) -> None:
    contract = load_contract("dots")
    burst = next(row.id for row in contract.requirements.values() if row.check == "burst")
    with hostile(lambda turn: turn.say(turn.sound()), sound=as_proxy) as proxy:
        environment.setenv("HTTP_PROXY", proxy.url)
        head = {"timeout": 10, "i_own_this_server": True, "requests_per_second": 0}
        certify("http://target.invalid", "--only", burst, "--burst", "5", **head)
        told = (tmp_path / "out" / "certificate.json").read_text()  # type: ignore[operator]
        assert "through the environment's proxy" in told
        assert len(proxy.asked) == 2  # the preflight's


def test_no_proxy_for_loopback_or_by_no_proxy(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    environment.setenv("NO_PROXY", "target.invalid")
    for url in ("http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "http://target.invalid"):
        assert a_client(url).proxy == ""
    assert a_client("http://other.invalid").proxy == "http://127.0.0.1:9"


def test_a_proxy_that_nobody_here_can_speak_to(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALL_PROXY", "socks5://ann:open-sesame@127.0.0.1:9")
    with pytest.raises(SettingsError, match="socks5 proxy for target") as told:
        a_client("http://target.invalid")
    assert "open-sesame" not in str(told.value)


def test_an_answer_that_was_there_before_is_not_taken_for_one() -> None:
    """Two answers to one request, on a connection that stays open: the second is nobody's."""

    def twice(turn: Turn) -> bool:
        body = b'{"id": "%d"}' % turn.asked.number
        stale = answer(200, b'{"id": "stale"}', closes=False)
        turn.say(answer(200, body, closes=False) + (stale if turn.asked.number == 1 else b""))
        return True

    with hostile(twice) as server:
        client = a_client(server.url)
        first, second, third = (client.call(**CREATE) for _ in range(3))
        client.close()
    assert first.response is not None
    assert first.response.json == {"id": "1"}
    assert second.response is None
    assert "before it was asked for" in second.failure
    assert third.response is not None
    assert third.response.json == {"id": "3"}


@pytest.mark.parametrize(("idle", "connections"), [(60.0, 1), (0.0, 3)])
def test_connections_are_kept_open_for_a_while(idle: float, connections: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def ever_open(turn: Turn) -> bool:
        turn.say(answer(200, b"{}", closes=False))
        return True

    monkeypatch.setattr("conformance.target.connections.IDLE", idle)
    with hostile(ever_open) as server:
        client = a_client(server.url)
        for _ in range(3):
            assert client.call(**CREATE).response is not None
        client.close()
        assert server.connections == connections
