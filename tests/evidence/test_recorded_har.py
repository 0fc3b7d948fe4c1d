"""HAR files as their makers write them become exchanges; whatever else is given ends in a clear error."""

from __future__ import annotations

import base64
import gzip
import json
import lzma
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conformance.evidence import bounded, recorded_har
from conformance.evidence.exchange import Exchange, Response
from conformance.evidence.recordings import RecordingError, Skipped, read_recordings

INTENT = '{"id": "pi_1", "object": "payment_intent", "description": "café"}'
FORM = "application/x-www-form-urlencoded"


def pairs(**headers: str) -> list[dict[str, str]]:
    return [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()]


def entry(number: int = 1, **changes: Any) -> dict[str, Any]:
    """What all makers write alike."""
    return {
        "startedDateTime": f"2026-03-01T10:00:{number % 60:02}.000Z",
        "time": 250,
        "request": {
            "method": "GET",
            "url": f"https://api.example.com/v1/payment_intents/pi_{number}",
            "headers": [],
        },
        "response": {"status": 200, "headers": [], "content": {"size": 2, "text": "{}"}},
        **changes,
    }


def log(*entries: Any, **members: Any) -> dict[str, Any]:
    return {"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": list(entries), **members}}


def write(path: Path, document: Any) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def read(*paths: Path) -> list[Exchange]:
    return list(read_recordings(paths))


def answer(exchange: Exchange) -> Response:
    assert exchange.response is not None
    return exchange.response


CHROME = {
    "log": {
        "version": "1.2",
        "creator": {"name": "WebInspector", "version": "537.36"},
        "pages": [{"id": "page_1", "title": "https://shop.example.com/", "pageTimings": {"onLoad": 812.3}}],
        "entries": [
            {
                "_connectionId": "55",
                "_initiator": {"type": "script", "stack": {"callFrames": [{"functionName": "pay", "lineNumber": 7}]}},
                "_priority": "High",
                "_resourceType": "fetch",
                "cache": {},
                "connection": "443",
                "pageref": "page_1",
                "request": {
                    "method": "POST",
                    "url": "https://api.example.com/v1/payment_intents?expand[]=customer",
                    "httpVersion": "http/2.0",
                    "headers": pairs(**{":authority": "api.example.com", ":method": "POST", "content_type": FORM}),
                    "queryString": [{"name": "expand[]", "value": "customer"}],
                    "cookies": [],
                    "headersSize": -1,
                    "bodySize": 24,
                    "postData": {
                        "mimeType": FORM,
                        "text": "amount=2000&currency=usd",
                        "params": [{"name": "amount", "value": "2000"}, {"name": "currency", "value": "usd"}],
                    },
                },
                "response": {
                    "status": 200,
                    "statusText": "",
                    "httpVersion": "http/2.0",
                    "headers": pairs(content_encoding="gzip", content_type="application/json"),
                    "cookies": [],
                    "content": {"size": 65, "mimeType": "application/json", "text": INTENT, "compression": 5},
                    "redirectURL": "",
                    "headersSize": -1,
                    "bodySize": -1,
                    "_transferSize": 512,
                    "_error": None,
                },
                "serverIPAddress": "192.0.2.1",
                "startedDateTime": "2026-03-01T10:00:01.500Z",
                "time": 412.5,
                "timings": {"blocked": 2.1, "send": 0.1, "wait": 400, "receive": 10.3, "_blocked_queueing": 1.5},
            },
            {
                "request": {"method": "GET", "url": "https://ads.example.com/x", "headers": [], "bodySize": 0},
                "response": {
                    "status": 0,
                    "statusText": "",
                    "headers": [],
                    "content": {"size": 0, "mimeType": "x-unknown"},
                    "_error": "net::ERR_BLOCKED_BY_CLIENT",
                },
                "startedDateTime": "2026-03-01T10:00:02Z",
                "time": 0.9,
            },
            {
                "request": {"method": "GET", "url": "https://shop.example.com/logo.png", "headers": [], "bodySize": 0},
                "response": {
                    "status": 200,
                    "headers": pairs(Content_Type="image/png"),
                    "content": {"size": 4, "text": "iVBORw==", "encoding": "base64"},
                },
                "startedDateTime": "2026-03-01T10:00:03Z",
                "time": 0.9,
            },
        ],
    }
}


def test_chrome(tmp_path: Path) -> None:
    created, blocked, picture = read(write(tmp_path / "shop.har", CHROME))
    assert (created.request.method, created.request.query) == ("POST", "expand[]=customer")
    assert created.request.headers == (("content-type", FORM),)
    assert created.request.body == b"amount=2000&currency=usd"
    assert answer(created).json["description"] == "café"
    assert (created.started, created.ended) == (1772359201.5, 1772359201.9125)
    assert created.scenario == created.origin["file"] == str(tmp_path / "shop.har")
    assert (blocked.response, blocked.failure) == (None, "net::ERR_BLOCKED_BY_CLIENT")
    assert answer(picture).body == b"\x89PNG"


def test_what_shows_nothing_of_a_server_is_counted(tmp_path: Path) -> None:
    unseen = [
        entry(_fromCache="disk"),
        entry(_resourceType="websocket"),
        entry(request={"method": "GET", "url": "wss://api.example.com/events", "headers": []}),
        entry(request={"method": "GET", "url": "data:image/png;base64,AAAA", "headers": []}),
        entry(response={"status": 200, "headers": [], "content": {"size": 812, "mimeType": "application/json"}}),
        entry(request={"method": "POST", "url": "https://api.example.com/x", "headers": [], "bodySize": 17}),
    ]
    skipped = Skipped()
    file = write(tmp_path / "a.har", log(*unseen, entry()))
    assert len(list(read_recordings([file], skipped))) == 1
    assert skipped == {"answered by a cache": 1, "websocket": 2, "not HTTP": 1, "recorded without its body": 2}


@pytest.mark.parametrize(
    ("method", "response"),
    [
        ("DELETE", {"status": 204, "headers": [], "content": {"mimeType": "x-unknown"}}),
        ("HEAD", {"status": 200, "headers": [], "content": {"size": 100}}),
        ("GET", {"status": 500, "headers": [], "content": {"size": 0, "mimeType": ""}}),
    ],
)
def test_an_answer_without_a_body_is_an_answer(tmp_path: Path, method: str, response: dict[str, Any]) -> None:
    request = {"method": method, "url": "https://api.example.com/x", "headers": []}
    (exchange,) = read(write(tmp_path / "a.har", log(entry(request=request, response=response))))
    assert (answer(exchange).status, answer(exchange).body) == (response["status"], b"")


def test_firefox(tmp_path: Path) -> None:
    request = {
        "bodySize": 30,
        "method": "POST",
        "url": "https://api.example.com/v1/payment_intents",
        "httpVersion": "HTTP/2",
        "headers": pairs(Host="api.example.com", Content_Type=FORM),
        "cookies": [],
        "queryString": [],
        "headersSize": 612,
        "postData": {
            "mimeType": FORM,
            "params": [{"name": "metadata[a]", "value": "b & ü"}, {"name": "amount", "value": "2000"}],
            "text": "",
        },
    }
    response = {
        "status": 402,
        "statusText": "",
        "httpVersion": "HTTP/2",
        "headers": pairs(content_type="application/json"),
        "cookies": [],
        "content": {"mimeType": "application/json", "size": 13, "text": '{"error": {}}'},
        "redirectURL": "",
        "headersSize": 200,
        "bodySize": 213,
    }
    sent = entry(request=request, response=response, _securityState="secure", pageref="page_1")
    sent["startedDateTime"] = "2026-03-01T11:00:01.500+01:00"
    document = log(sent, browser={"name": "Firefox", "version": "140.0"}, pages=[{"id": "page_1"}])
    (exchange,) = read(write(tmp_path / "a.har", document))
    assert exchange.request.body == b"metadata%5Ba%5D=b+%26+%C3%BC&amount=2000"
    assert (answer(exchange).status, answer(exchange).json) == (402, {"error": {}})
    assert exchange.started == 1772359201.5


def test_fields_that_were_written_as_they_were_sent_are_not_escaped_again(tmp_path: Path) -> None:
    post = {"mimeType": FORM, "params": [{"name": "metadata%5Ba%5D", "value": "caf%C3%A9"}, {"name": "b"}]}
    request = {"method": "POST", "url": "https://api.example.com/x", "headers": [], "postData": post}
    (exchange,) = read(write(tmp_path / "a.har", log(entry(request=request))))
    assert exchange.request.body == b"metadata%5Ba%5D=caf%C3%A9&b="


def chunked(body: bytes, spelled: str) -> str:
    halves = (body[: len(body) // 2], body[len(body) // 2 :])
    return json.dumps([half.hex() if spelled == "hex" else base64.b64encode(half).decode() for half in halves])


PACKED = gzip.compress(INTENT.encode())


@pytest.mark.parametrize(
    "content",
    [
        {"text": INTENT},
        {"text": chunked(PACKED, "base64"), "encoding": "base64"},
        {"text": base64.b64encode(INTENT.encode()).decode(), "encoding": "base64"},
        {"text": chunked(PACKED, "hex")},
        {"text": chunked(PACKED, "hex"), "_isBinary": True},
        {"text": INTENT.encode().hex(), "_isBinary": True},
    ],
)
def test_polly(tmp_path: Path, content: dict[str, Any]) -> None:
    request = {
        "bodySize": 11,
        "cookies": [],
        "headers": [{"_fromType": "array", "name": "content-type", "value": FORM}],
        "headersSize": 303,
        "httpVersion": "HTTP/1.1",
        "method": "POST",
        "postData": {"mimeType": FORM, "params": [], "text": "amount=2000"},
        "queryString": [],
        "url": "https://api.example.com/v1/payment_intents",
    }
    response = {
        "bodySize": 50,
        "content": {"mimeType": "application/json", "size": 50, **content},
        "cookies": [],
        "headers": pairs(content_encoding="gzip"),
        "status": 200,
        "statusText": "OK",
    }
    recorded = entry(request=request, response=response, _id="1b2c", _order=0, cache={}, timings={"wait": 250})
    document = {
        "log": {
            "_recordingName": "shop/pays",
            "creator": {"comment": "persister:fs", "name": "Polly.JS", "version": "6.0.6"},
            "entries": [recorded],
            "pages": [],
            "version": "1.2",
        }
    }
    folder = tmp_path / "pays_123"
    folder.mkdir()
    (exchange,) = read(write(folder / "recording.har", document))
    assert answer(exchange).json["description"] == "café"
    assert exchange.request.body == b"amount=2000"


def test_mitmproxy(tmp_path: Path) -> None:
    request = {
        "method": "POST",
        "url": "https://api.example.com/v1/payment_intents",
        "httpVersion": "HTTP/2.0",
        "cookies": [{"name": "session", "value": "1"}],
        "headers": pairs(cookie="session=1", content_type="application/json"),
        "queryString": [],
        "headersSize": 80,
        "bodySize": 13,
        "postData": {"mimeType": "application/json", "text": '{"amount": 1}', "params": []},
    }
    failed = {
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "headers": [],
        "cookies": [],
        "content": {},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_transferSize": 0,
        "_error": "Client disconnected.",
    }
    socket = entry(3, _resourceType="websocket", _webSocketMessages=[{"type": "send", "opcode": 1, "data": "x"}])
    flows = [entry(1, request=request), entry(2, response=failed, comment="lost"), socket]
    for one in flows:
        one["startedDateTime"] = one["startedDateTime"].replace(".000Z", ".123456+00:00")
    skipped = Skipped()
    sent, lost = read_recordings([write(tmp_path / "flows.har", log(*flows))], skipped)
    assert sent.request.headers == (("cookie", "session=1"), ("content-type", "application/json"))
    assert sent.request.body == b'{"amount": 1}'
    assert (lost.response, lost.failure) == (None, "Client disconnected.")
    assert skipped == {"websocket": 1}


def test_cookies_that_stand_in_their_own_list_only_are_headers(tmp_path: Path) -> None:
    one = entry()
    one["request"]["cookies"] = [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    one["response"]["cookies"] = [{"name": "c", "value": "3", "path": "/"}, {"name": "d", "value": "4"}]
    (exchange,) = read(write(tmp_path / "a.har", log(one)))
    assert exchange.request.headers == (("Cookie", "a=1; b=2"),)
    assert answer(exchange).headers == (("Set-Cookie", "c=3"), ("Set-Cookie", "d=4"))


@pytest.mark.parametrize("name", ["a.har.gz", "a.har.xz", "a.json", "a.json.gz", "a.har"])
def test_names_and_compressions(tmp_path: Path, name: str) -> None:
    opener: Any = {".gz": gzip.open, ".xz": lzma.open}.get(Path(name).suffix, open)
    with opener(tmp_path / name, "wt", encoding="utf-8-sig") as stream:  # Windows' tools begin a file with a mark
        stream.write(json.dumps(CHROME))
    assert len(read(tmp_path / name)) == len(read(tmp_path)) == 3


def test_other_json_is_passed_over_in_folders_and_refused_alone(tmp_path: Path) -> None:
    write(tmp_path / "a.har", log(entry()))
    others = {
        "package.json": {"name": "shop", "log": {"level": "debug"}},
        "list.json": [1, 2, {"log": {"entries": []}}],
        "settings.json": "// a comment\n{}",
        "deep.json": "[" * 10_000 + "]" * 10_000,
        "empty.json": "",
        "text.json": '"log"',
    }
    skipped = Skipped()
    for name, content in others.items():
        file = write(tmp_path / name, content)
        with pytest.raises(RecordingError, match=r"not HAR|not JSON|cut off") as caught:
            read(file)
        assert str(file) in str(caught.value)
    assert len(list(read_recordings([tmp_path], skipped))) == 1
    assert not skipped
    write(tmp_path / "cut.json", json.dumps(log(entry()))[:-5])
    write(tmp_path / "no.har", {})
    list(read_recordings([tmp_path], skipped))
    assert skipped == {"unreadable file": 2}


def numbers(found: list[Exchange]) -> list[int]:
    return [int(exchange.request.path.rsplit("_", 1)[1]) for exchange in found]


def test_entries_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    shuffled = [3, 1, 2, 5, 4]
    assert numbers(read(write(tmp_path / "a.har", log(*map(entry, shuffled))))) == [1, 2, 3, 4, 5]
    untimed = [entry(3), entry(1), {**entry(9), "startedDateTime": None}, entry(2)]
    assert numbers(read(write(tmp_path / "b.har", log(*untimed)))) == [1, 9, 2, 3]


def test_repeats_of_one_moment_come_in_the_order_that_polly_tells(tmp_path: Path) -> None:
    moment = "2026-03-01T10:00:00.000Z"
    told = [("a", 2), ("b", 0), ("a", 0), ("a", 1), ("b", 1)]
    entries = [
        {**entry(index), "startedDateTime": moment, "_id": identity, "_order": order}
        for index, (identity, order) in enumerate(told)
    ]
    found = [told[number] for number in numbers(read(write(tmp_path / "a.har", log(*entries))))]
    assert found == [("a", 0), ("b", 0), ("a", 1), ("a", 2), ("b", 1)]


def test_how_far_ahead_is_looked_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a.har", log(*map(entry, (2, 3, 4, 5, 1))))
    monkeypatch.setattr(recorded_har, "_WINDOW", 2)
    assert numbers(read(file)) == [2, 3, 1, 4, 5]
    monkeypatch.setattr(recorded_har, "_WINDOW", 256)
    monkeypatch.setattr(recorded_har, "_WINDOW_CHARACTERS", 5)
    assert numbers(read(file)) == [2, 3, 1, 4, 5]


BAD = {
    "cut off": json.dumps(log(entry()))[:-3],
    "cut off ": "",
    "not JSON: ": '{"log": {"entries": [}]}',
    "not HAR": "{}",
    "not HAR ": '{"log": []}',
    "not HAR  ": '{"log": {"entries": {}}}',
    "another version": json.dumps(log(entry(), version="2.0")),
    "another version ": json.dumps(log(entry(), version=7)),
    "nested deeper": json.dumps(log()).replace("[]", "[" * 100_000 + "]" * 100_000),
    "not JSON: lexical error": json.dumps(log(entry())).replace("200", "NaN"),
    "none of its 4 entries": json.dumps(log({}, 7, None, {"request": {"method": 1, "url": []}})),
    "no exchange": json.dumps(log()),
}


@pytest.mark.parametrize("reason", BAD)
@pytest.mark.parametrize("name", ["bad.har", "bad.har.gz"])
def test_bad_files_are_named_with_what_is_wrong(tmp_path: Path, reason: str, name: str) -> None:
    file, content = tmp_path / name, BAD[reason].encode()
    file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(RecordingError) as caught:
        read(file)
    assert str(file) in str(caught.value)
    assert reason.strip() in str(caught.value)
    assert "HAR 1.2" in str(caught.value)


def test_bytes_that_are_no_text_and_archives_that_are_cut_off(tmp_path: Path) -> None:
    content = json.dumps(log(entry())).encode()
    for name, damaged in (("a.har", content[:-9] + b"\xff" + content[-9:]), ("a.har.gz", gzip.compress(content)[:-9])):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(RecordingError):
            read(tmp_path / name)


def test_what_was_read_before_the_end_of_a_file_that_is_cut_off_is_given(tmp_path: Path) -> None:
    file = write(tmp_path / "a.har", json.dumps(log(*map(entry, (2, 1, 3))))[:-40])
    reading = read_recordings([file])
    assert numbers([next(reading), next(reading)]) == [1, 2]
    with pytest.raises(RecordingError, match="cut off"):
        next(reading)


def test_an_error_shows_nothing_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "a.har", '{"log": {"entries": [{"request": "sk_test_fakeFAKE1234"! }]}}')
    with pytest.raises(RecordingError) as caught:
        read(file)
    assert "1234" not in str(caught.value)


def test_one_entry_cannot_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MAX_BYTES", 300_000)
    long = entry(response={"status": 200, "headers": [], "content": {"size": 1, "text": "x" * 600_000}})
    with pytest.raises(RecordingError, match="longer than 300000 bytes"):
        read(write(tmp_path / "a.har", log(entry(), long, entry())))
    many = [entry(response={"status": 200, "headers": [], "content": {"size": 1, "text": "x" * 100_000}})] * 12
    assert len(read(write(tmp_path / "b.har", log(*many, pages=["y" * 1000] * 1000)))) == 12


def peak(path: Path, count: int) -> int:
    one = entry(response={"status": 200, "headers": [], "content": {"size": 1, "text": "x" * 5_000}})
    with path.open("w") as stream:
        stream.write('{"log": {"version": "1.2", "entries": [')
        for index in range(count):
            stream.write(("," if index else "") + json.dumps(one))
        stream.write("]}}")
    tracemalloc.start()
    read_count = sum(1 for _ in read_recordings([path]))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read_count == count
    return most


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    assert peak(tmp_path / "large.har", 4000) < 1.5 * peak(tmp_path / "small.har", 200)


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
json_values = st.recursive(
    plain | st.sampled_from(["GET", "https://a.example/b", "2026-03-01T10:00:00Z", "base64", "hex", '["00"]']),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "request response method url headers cookies name value status content text encoding size"
                " postData params startedDateTime time _order _id _fromCache bodySize".split()
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
known_entries = st.fixed_dictionaries(
    {},
    optional={
        "startedDateTime": json_values,
        "time": json_values,
        "_order": json_values,
        "_id": json_values,
        "request": st.fixed_dictionaries(
            {"method": st.just("GET") | json_values, "url": st.just("/x") | st.just("http://[") | json_values},
            optional=dict.fromkeys(["headers", "postData", "cookies", "bodySize"], json_values),
        ),
        "response": st.fixed_dictionaries(
            {"status": st.integers() | json_values}, optional={"headers": json_values, "content": json_values}
        ),
    },
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    content=st.binary(max_size=200)
    | st.builds(json.dumps, json_values).map(str.encode)
    | st.builds(lambda *entries: json.dumps(log(*entries)).encode(), known_entries, known_entries | json_values),
    suffix=st.sampled_from([".har", ".json", ".har.gz", ".yaml", ".jsonl"]),
)
@example(content=b'{"log": {"entries": [{"request": {"method": "GET", "url": "http://["}}]}}', suffix=".har")
@example(content=b'{"log": {"version": "1.2", "entries": [' + b"9" * 5000 + b"]}}", suffix=".har")
def test_any_bytes_are_exchanges_or_a_recording_error(tmp_path: Path, content: bytes, suffix: str) -> None:
    file = tmp_path / f"any{suffix}"
    file.write_bytes(content)
    skipped = Skipped()
    try:
        found: list[Exchange] | RecordingError = list(read_recordings([file], skipped))
    except RecordingError as error:
        found = error
    if isinstance(found, RecordingError):
        assert str(file) in str(found)
    else:
        assert found or skipped
        assert all(isinstance(exchange, Exchange) for exchange in found)
