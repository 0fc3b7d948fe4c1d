"""Recordings of several makers become exchanges; what cannot be read is counted or named, and nothing in them runs."""

from __future__ import annotations

import base64
import gzip
import json
import lzma
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import vcr
import yaml
from vcr.serializers import yamlserializer

from conformance.evidence import bounded
from conformance.evidence.exchange import Exchange, Request, Response
from conformance.evidence.history import History
from conformance.evidence.recordings import RecordingError, Skipped, read_recordings
from conformance.evidence.redaction import Redactor

RUBY = """---
http_interactions:
- request:
    method: post
    uri: https://api.example.com/v1/payment_intents?expand[]=customer
    body:
      encoding: UTF-8
      string: amount=2000&currency=usd&description=caf%C3%A9
    headers:
      Content-Type: &1
      - application/x-www-form-urlencoded
      Accept:
      - "*/*"
  response:
    status:
      code: 200
      message: OK
    headers:
      Content-Type:
      - application/json
      Set-Cookie:
      - a=1
      - b=2
      X-Date:
      - 2024-06-10
      X-Version:
      - 1.10
    body:
      encoding: UTF-8
      string: |
        {"id": "pi_1", "description": "café"}
  recorded_at: Mon, 10 Jun 2024 07:49:05 GMT
- request:
    method: get
    uri: https://api.example.com/v1/payment_intents/pi_1
    body:
      encoding: US-ASCII
      string: ''
    headers:
      Content-Type: *1
  response:
    status: {code: 404, message: Not Found}
    headers: {}
    body:
      encoding: ASCII-8BIT
      base64_string: GZIPPED
  recorded_at: Mon, 10 Jun 2024 07:49:06 GMT
recorded_with: VCR 6.2.0
""".replace("GZIPPED", base64.b64encode(gzip.compress(b'{"error": {}}')).decode())

LINE: dict[str, Any] = {
    "repo": "someone/shop",
    "file": "spec/a.yml",
    "index": 3,
    "hand_edited": False,
    "redacted": ["x"],
    "recorded_at": "2023-12-13T14:15:07.500Z",
    "stripe_version": "2023-10-16",
    "op": "create",
    "method": "POST",
    "path": "/v1/payment_intents",
    "query": {"limit": "1", "expand": ["a"]},
    "request_headers": {"content-type": "application/x-www-form-urlencoded"},
    "request_body": "metadata[a]=b%20c&amount=1",
    "request_params": {"amount": "1", "metadata": {"a": "b c"}},
    "response_status": 200,
    "response_headers": {"request-id": "req_1"},
    "response_body": {"id": "pi_1", "n": "é"},
}


def read(*paths: Path) -> list[Exchange]:
    return list(read_recordings(paths))


def write_lines(path: Path, *lines: Any) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def answer(exchange: Exchange) -> Response:
    assert exchange.response is not None
    return exchange.response


@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_ruby_cassette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader: Any) -> None:
    monkeypatch.setattr("conformance.evidence.recorded_yaml._LOADER", loader)
    file = tmp_path / "charge.yml"
    file.write_text(RUBY)
    first, second = read(file)
    assert (first.request.method, first.request.query) == ("POST", "expand[]=customer")
    assert first.request.body == b"amount=2000&currency=usd&description=caf%C3%A9"
    assert answer(first).json == {"id": "pi_1", "description": "café"}
    assert [value for name, value in answer(first).headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert answer(first).header("x-date") == "2024-06-10"
    assert answer(first).header("x-version") == "1.10"
    assert first.started == 1718005745.0
    assert (first.number, second.number) == (1, 2)
    assert second.request.header("content-type") == "application/x-www-form-urlencoded"
    assert (answer(second).status, answer(second).json) == (404, {"error": {}})
    assert first.scenario == first.origin["file"] == str(file)
    assert (first.origin["index"], second.origin["index"]) == ("0", "1")


def test_python_cassette(tmp_path: Path) -> None:
    body = gzip.compress(b'{"id": "pi_1"}')
    cassette = {
        "interactions": [
            {
                "request": {
                    "method": "POST",
                    "uri": "http://h.example/x",
                    "body": "amount=1",
                    "headers": {"A": ["b", "c"]},
                },
                "response": {
                    "status": {"code": 201, "message": "Created"},
                    "headers": {"content-encoding": ["gzip"], "content-length": ["99"]},
                    "body": {"string": body},
                },
            },
            {
                "request": {"method": "GET", "uri": "http://h.example/y", "body": None, "headers": {}},
                "response": {"status_code": 204, "http_version": "HTTP/1.1", "headers": {}, "content": ""},
            },
        ],
        "version": 1,
    }
    file = tmp_path / "cassette.yaml"
    file.write_text(yamlserializer.serialize(cassette))
    first, second = read(file)
    assert (first.request.body, first.request.headers) == (b"amount=1", (("A", "b"), ("A", "c")))
    assert (answer(first).json, answer(first).status) == ({"id": "pi_1"}, 201)
    assert answer(first).headers == (("content-length", "14"),)
    assert (second.request.body, answer(second)) == (b"", Response(204))


def test_a_cassette_as_vcrpy_writes_it(tmp_path: Path) -> None:
    request = vcr.request.Request("POST", "http://h.example/x?a=1", b"\xff\x00", {"Content-Type": "text/plain"})
    body = {"string": b'{"a": "\xc3\xa9"}'}
    response = {"status": {"code": 200, "message": "OK"}, "headers": {"X": ["1"]}, "body": body}
    file = tmp_path / "c.yaml"
    file.write_text(vcr.serialize.serialize({"requests": [request], "responses": [response]}, yamlserializer))
    (exchange,) = read(file)
    assert exchange.request == Request("POST", "http://h.example/x?a=1", (("Content-Type", "text/plain"),), b"\xff\x00")
    assert answer(exchange).json == {"a": "é"}


def test_lines(tmp_path: Path) -> None:
    (exchange,) = read(write_lines(tmp_path / "a.jsonl", LINE))
    assert exchange.request.method == "POST"
    assert exchange.request.url == "/v1/payment_intents?limit=1&expand[]=a"
    assert exchange.request.body == b"metadata[a]=b%20c&amount=1"
    assert answer(exchange).json == {"id": "pi_1", "n": "é"}
    assert exchange.scenario == exchange.origin["file"] == "spec/a.yml"
    assert exchange.origin["recording"] == str(tmp_path / "a.jsonl")
    wanted = {"repo": "someone/shop", "index": "3", "op": "create", "stripe_version": "2023-10-16"}
    assert wanted.items() <= exchange.origin.items()
    assert exchange.started == 1702476907.5


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"amount=1&metadata[a]=b+c"),
        ("application/json", b'{"amount": "1", "metadata": {"a": "b c"}}'),
    ],
)
def test_parameters_stand_in_for_a_body_that_was_not_kept(tmp_path: Path, content_type: str, body: bytes) -> None:
    line = {**LINE, "request_body": "", "request_headers": {"Content-Type": content_type}}
    (exchange,) = read(write_lines(tmp_path / "a.jsonl", line))
    assert exchange.request.body == body


def test_an_answer_that_was_not_recorded_is_a_failure(tmp_path: Path) -> None:
    (exchange,) = read(write_lines(tmp_path / "a.jsonl", {**LINE, "response_status": None}))
    assert exchange.response is None
    assert exchange.failure


def test_our_own_history(tmp_path: Path) -> None:
    history = History(Redactor({}), tmp_path / "exchanges.jsonl")
    history.add(Exchange(5, Request("GET", "/x"), Response(200, (), b"{}"), scenario="test_a", credential="none"))
    (exchange,) = read(tmp_path / "exchanges.jsonl")
    assert (exchange.number, exchange.origin["number"], exchange.scenario) == (1, "5", "test_a")
    assert exchange.credential == "none"
    assert exchange.origin["file"] == str(tmp_path / "exchanges.jsonl")


@pytest.mark.parametrize(("suffix", "opener"), [(".gz", gzip.open), (".xz", lzma.open)])
def test_compressed_recordings(tmp_path: Path, suffix: str, opener: Any) -> None:
    for name, text in (("a.jsonl", json.dumps(LINE)), ("b.yml", RUBY)):
        with opener(tmp_path / (name + suffix), "wt", encoding="utf-8") as stream:
            stream.write(text)
    assert [exchange.number for exchange in read(tmp_path)] == [1, 2, 3]


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", LINE, {**LINE, "hand_edited": True}, {"method": "GET"}, 7, LINE)
    file.write_text(file.read_text() + "not JSON\n\n" + json.dumps({**LINE, "response_status": "no"}) + "\n")
    skipped = Skipped()
    assert len(list(read_recordings([file], skipped))) == 2
    assert skipped == {"edited by hand": 1, "unreadable exchange": 4}
    assert str(skipped) == "1 edited by hand, 4 unreadable exchange"


def test_folders_are_walked_past_other_files(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep" / "er" / "b.yml").write_text(RUBY)
    write_lines(tmp_path / "a.jsonl", LINE)
    (tmp_path / "README.md").write_text("# Read me")
    (tmp_path / ".git" / "c.yml").write_text(RUBY)
    (tmp_path / "settings.yml").write_text("a: 1\n")
    skipped = Skipped()
    found = [exchange.scenario for exchange in read_recordings([tmp_path], skipped)]
    assert found == ["spec/a.yml", *[str(tmp_path / "deep" / "er" / "b.yml")] * 2]
    assert skipped == {"unreadable file": 1}


UNREADABLE = {
    "a.txt": b"x",
    "a.har": b"{}",
    "a.gz": gzip.compress(b"x"),
    "empty.jsonl": b"",
    "empty.yml": b"",
    "other.jsonl": b'{"a": 1}\n{"b": 2}\n',
    "other.yaml": b"a: [1, 2]\n",
    "scalar.yaml": b"just text\n",
    "no-list.yaml": b"interactions: 7\n",
    "no-items.yaml": b"interactions: []\n",
    "broken.yaml": b"interactions: [\n",
    "tabs.yaml": b"interactions:\n\t- x\n",
    "binary.yaml": b"\x00\x01\xff",
    "alias.yaml": b"interactions: [*nothing]\n",
    "deep.yaml": b"interactions: " + b"[" * 5000,
    "deep.jsonl": b"[" * 100_000,
    "endless.jsonl": json.dumps({**LINE, "response_status": 1}).replace(": 1,", ": Infinity,").encode(),
    "cut.jsonl.xz": lzma.compress(json.dumps(LINE).encode())[:-8],
    "cut.jsonl.gz": gzip.compress(json.dumps(LINE).encode())[:-8],
    "plain.jsonl.gz": json.dumps(LINE).encode(),
    "plain.jsonl.xz": json.dumps(LINE).encode(),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_recording_is_named_with_the_formats_known(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(UNREADABLE[name])
    with pytest.raises(RecordingError) as caught:
        read(file)
    assert str(file) in str(caught.value)
    assert ".jsonl" in str(caught.value)
    assert "VCR" in str(caught.value)


def test_a_path_that_is_not_there_and_a_folder_without_recordings_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.yml", tmp_path / "gone", tmp_path):
        with pytest.raises(RecordingError, match=re.escape(str(path))):
            read(path)


HOSTILE = [
    "!!python/object/apply:os.system ['touch {mark}']",
    "!!python/object/apply:subprocess.check_output [[touch, '{mark}']]",
    "!!python/object/new:os.system ['touch {mark}']",
    "!!python/name:os.system ''",
    "!!python/module:this ''",
    "!ruby/object:Gem::Requirement {{requirements: ['touch {mark}']}}",
    "!ruby/hash:Kernel {{x: 'touch {mark}'}}",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("place", ["interactions:\n- {}", "interactions:\n- a: {}", "x: {}\ninteractions: []", "{}"])
def test_hostile_yaml_runs_nothing(tmp_path: Path, value: str, place: str) -> None:
    mark = tmp_path / "mark"
    file = tmp_path / "hostile.yaml"
    file.write_text(place.format(value.format(mark=mark)))
    with pytest.raises(RecordingError, match=r"asks for an object|not a cassette"):
        read(file)
    assert not mark.exists()


def test_the_hostile_yaml_would_run_elsewhere(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    yaml.unsafe_load(HOSTILE[0].format(mark=mark))
    assert mark.exists()


def test_aliases_of_aliases_do_not_grow(tmp_path: Path) -> None:
    layers = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 40))
    file = tmp_path / "laughs.yaml"
    file.write_text(f"l0: &l0 [x]\n{layers}\n" + RUBY.removeprefix("---\n"))
    assert len(read(file)) == 2


@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_one_interaction_cannot_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader: type[yaml.SafeLoader]
) -> None:
    monkeypatch.setattr("conformance.evidence.recorded_yaml._LOADER", loader)
    monkeypatch.setattr(bounded, "MAX_BYTES", 100_000)
    one = "- request: {{method: get, uri: /x}}\n  response: {{status: {{code: 200}}, body: {{string: {}}}}}\n"
    file = tmp_path / "a.yml"
    file.write_text("http_interactions:\n" + one.format("x" * 20_000) * 12)
    assert len(read(file)) == 12
    many = "{" + ", ".join(f"m{index}: x" for index in range(20_000)) + "}"
    for long in ("x" * 200_000, f'"{"x" * 200_000}"', many):
        file.write_text("http_interactions:\n" + one.format("x") + one.format(long) + one.format("x"))
        with pytest.raises(RecordingError, match="an interaction is longer than 100000 bytes"):
            read(file)
        file.write_text(f"recorded_with: {long}\nhttp_interactions:\n" + one.format("x"))
        with pytest.raises(RecordingError, match="longer than 100000 bytes"):
            read(file)


def test_a_scalar_of_a_hundred_megabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yml.gz"
    with gzip.open(file, "wb", compresslevel=1) as stream:
        stream.write(b"http_interactions:\n- request: {method: get, uri: ")
        for _ in range(100):
            stream.write(b"x" * 1_000_000)
        stream.write(b"}\n")
    with pytest.raises(RecordingError, match="an interaction is longer than"):
        read(file)


def test_a_shared_list_that_names_itself_ends(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text("http_interactions: &a\n- *a\n- request: &b {b: *b}\n")
    with pytest.raises(RecordingError, match="names nothing"):
        read(file)


OURS = """metadata:
  format: 1
  provider: stripe
  target: reference
  scenario: test_create.py::test_create_refuses[STR-049]
  digest: sha256:00
  exchanges:
  - {number: 12, credential: test, case: create/7, started: 1700000000.1, ended: 1700000000.25}
  - {number: 15, credential: none, case: '', started: 1700000001.0, ended: 1700000001.5}
  unanswered:
  - number: 13
    credential: test
    case: ''
    started: 1700000000.5
    ended: 1700000000.75
    failure: connection reset
    request: {method: GET, uri: http://h.example/y, body: null, headers: {}}
  - {number: 16, credential: test, case: '', failure: '', request: {method: GET, uri: /z, body: null, headers: {}}}
interactions:
- request: {method: POST, uri: http://h.example/x, body: amount=1, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: '{}'}}
- request: {method: GET, uri: http://h.example/x, body: null, headers: {}}
  response: {status: {code: 401, message: Unauthorized}, headers: {}, body: {string: '{}'}}
version: 1
"""


def test_our_own_cassettes_tell_more_than_others(tmp_path: Path) -> None:
    file = tmp_path / "STR-049.yaml"
    file.write_text(OURS)
    first, lost, second, last = read(file)
    assert [one.number for one in (first, lost, second, last)] == [1, 2, 3, 4]
    assert [one.origin["number"] for one in (first, lost, second, last)] == ["12", "13", "15", "16"]
    assert first.scenario == second.scenario == "test_create.py::test_create_refuses[STR-049]"
    assert (first.credential, first.case, second.credential) == ("test", "create/7", "none")
    assert (first.started, first.ended) == (1700000000.1, 1700000000.25)
    assert (lost.request.url, lost.response, lost.failure) == ("http://h.example/y", None, "connection reset")
    assert (answer(second).status, second.started) == (401, 1700000001.0)
    assert last.response is None
    assert last.failure
    assert first.origin["file"] == str(file)


@pytest.mark.parametrize("metadata", ["7", "[1]", "{exchanges: 7}", "{exchanges: [7, [], {}], unanswered: {a: b}}"])
def test_what_others_call_metadata_does_no_harm(tmp_path: Path, metadata: str) -> None:
    file = tmp_path / "a.yml"
    file.write_text(f"metadata: {metadata}\n" + RUBY.removeprefix("---\n"))
    first, _ = read(file)
    assert (first.scenario, first.started) == (str(file), 1718005745.0)


@pytest.mark.parametrize("name", ["a.jsonl.xz", "a.yml"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, name: str) -> None:
    body = "x" * 20_000
    file = tmp_path / name
    if name.endswith(".yml"):
        one = f"- request: {{method: get, uri: /x}}\n  response: {{status: {{code: 200}}, body: {{string: {body}}}}}\n"
        file.write_text("http_interactions:\n" + one * 600)
    else:
        file.write_bytes(lzma.compress((json.dumps({**LINE, "response_body": body}) + "\n").encode() * 600, preset=0))
    tracemalloc.start()
    count = sum(1 for _ in read_recordings([file]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 600
    assert peak < 3_000_000  # the whole is 12 MB
