"""The picture of calls: every request and answer once, in the order of time, whatever they hold."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from conformance.evidence.exchange import Exchange, Request, Response
from conformance.report.attachments import diagram

SPACE = "{http://www.w3.org/2000/svg}"


def made(number: int, started: float, ended: float, path: str = "/v1/intents", body: bytes = b"{}") -> Exchange:
    return Exchange(
        number, Request("POST", f"http://a.test{path}"), Response(200, (), body), started=started, ended=ended
    )


def labels(exchanges: list[Exchange]) -> list[str]:
    drawn = ElementTree.fromstring(diagram(exchanges))
    return [text.text or "" for text in drawn.iter(f"{SPACE}text")][2:]  # without the heads


def test_calls_one_after_the_other() -> None:
    confirmed = made(2, 3, 4, "/v1/intents/pi_1/confirm", b'{"status": "succeeded"}')
    assert labels([made(1, 1, 2), confirmed]) == [
        "#1 POST /v1/intents",
        "#1 200",
        "#2 POST /v1/intents/pi_1/confirm",
        "#2 200 succeeded",
    ]


def test_calls_at_once_are_drawn_in_the_order_of_time() -> None:
    told = labels([made(1, 1.0, 9), made(2, 1.1, 3)])
    assert told == ["#1 POST /v1/intents", "#2 POST /v1/intents", "#2 200", "#1 200"]


def test_where_times_are_not_known_the_order_is_that_of_the_exchanges() -> None:
    assert labels([made(1, 0, 0), made(2, 5, 6)]) == ["#1 POST /v1/intents", "#1 200", "#2 POST /v1/intents", "#2 200"]


def test_an_answer_that_never_comes_ends_half_way() -> None:
    lost = replace(made(1, 1, 2), response=None, failure="answer_lost")
    assert labels([lost]) == ["#1 POST /v1/intents", "#1 answer_lost", "×"]


def test_hostile_texts_stay_text() -> None:
    nasty = made(1, 1, 2, "/<script>alert(1)</script>&amp;", b'{"status": "<b>&\\"</b>"}')
    assert labels([nasty]) == ["#1 POST /<script>alert(1)</script>&amp;", '#1 200 <b>&"</b>']


def test_what_no_picture_can_hold_is_made_visible() -> None:
    nasty = made(1, 1, 2, body=b'{"status": "\\u0000\\ud800"}')
    assert labels([nasty])[1] == "#1 200 \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    diagram([nasty]).encode("utf-8")


def test_of_very_many_calls_the_first_are_drawn() -> None:
    told = labels([made(number, number, number + 0.5) for number in range(1, 60)])
    assert len(told) == 2 * 40 + 1
    assert told[-1] == "19 more exchanges are not drawn"
