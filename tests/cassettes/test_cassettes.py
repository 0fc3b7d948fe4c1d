"""Cassettes as files: what is written is read back, and what is no longer as it was written is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from conformance.evidence.cassettes import CassetteError, Head, fingerprint, read_cassette, write_cassette
from conformance.evidence.exchange import Exchange, Request, Response

HEAD = Head(
    "stripe", "acme", "named server", "sha256:1234", "0.1.0", 7, "2026-01-02T03:04:05Z", "test_list.py::test_it[STR-1]"
)
JSON = (("content-type", "application/json"),)
BODIES = [
    b"",
    b"{}",
    '{"näme": "é\\u0000"}'.encode(),
    b"\x00\xff\xfe",
    b"a: b\n- c\n",
    "\u2028\x85line".encode(),
    b"'\"\n\t",
]


def _exchange(number: int, body: bytes = b"{}", **more: object) -> Exchange:
    made = {
        "number": number,
        "request": Request("POST", "http://acme.test/v1/things?a[]=1", (*JSON, ("x-twice", "1")), body),
        "response": Response(200, (*JSON, ("set-thing", "a"), ("set-thing", "b")), body),
        "credential": "test",
        "started": 1700000000.25,
        "ended": 1700000001.5,
        **more,
    }
    return Exchange(**made)  # type: ignore[arg-type]


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    path = tmp_path / "STR-1.yaml"
    write_cassette(path, HEAD, [_exchange(number, f'{{"n": {number}}}'.encode()) for number in (3, 1, 2)])
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written = [_exchange(number, body, case=f"case {number}") for number, body in enumerate(BODIES, 1)]
    write_cassette(tmp_path / "it.yaml", HEAD, written)
    head, read = read_cassette(tmp_path / "it.yaml")
    assert head == HEAD
    assert list(read) == written


def test_exchanges_come_in_the_order_of_their_numbers(cassette: Path) -> None:
    assert [one.number for one in read_cassette(cassette)[1]] == [1, 2, 3]


def test_that_no_answer_came_is_kept(tmp_path: Path) -> None:
    silent = _exchange(2, response=None, failure="ReadTimeout: nothing came")
    write_cassette(tmp_path / "it.yaml", HEAD, [_exchange(3), silent, _exchange(1)])
    assert [(one.number, one.failure) for one in read_cassette(tmp_path / "it.yaml")[1]] == [
        (1, ""),
        (2, "ReadTimeout: nothing came"),
        (3, ""),
    ]


def test_the_head_comes_first_and_names_its_origin(cassette: Path) -> None:
    text = cassette.read_text(encoding="utf-8")
    head = text.partition("\ninteractions:")[0]
    assert text.startswith("metadata:\n")
    for told in ("stripe", "acme", "named server", "sha256:1234", "0.1.0", "seed: 7", "2026-01-02T03:04:05Z", "STR-1"):
        assert told in head


def test_other_ends_of_lines_are_no_change(cassette: Path) -> None:
    before = read_cassette(cassette)
    cassette.write_bytes(cassette.read_bytes().replace(b"\n", b"\r\n"))
    assert read_cassette(cassette) == before


def test_a_cassette_cut_off_anywhere_is_refused(cassette: Path) -> None:
    whole = cassette.read_bytes()
    for length in range(0, len(whole) - 2, 7):
        cassette.write_bytes(whole[:length])
        with pytest.raises(CassetteError, match="cut off"):
            read_cassette(cassette)


EDITS: dict[str, Callable[[str], str]] = {
    "an answer's status": lambda text: text.replace("code: 200", "code: 402", 1),
    "a body": lambda text: text.replace('{"n": 2}', '{"n": 4}', 1),
    "the seed in its head": lambda text: text.replace("seed: 7", "seed: 8"),
    "the contract in its head": lambda text: text.replace("sha256:1234", "sha256:4321"),
    "an exchange more": lambda text: text.replace(
        "interactions:\n", "interactions:\n" + text[text.index("- request") :]
    ),
    "its digest": lambda text: re.sub("digest: sha256:[0-9a-f]{64}", "digest: sha256:" + "0" * 64, text),
    "its head's end": lambda text: text.replace("  unanswered: []\n", ""),
}


@pytest.mark.parametrize("what", EDITS)
def test_a_cassette_changed_by_hand_is_refused(cassette: Path, what: str) -> None:
    text = cassette.read_text(encoding="utf-8")
    edited = EDITS[what](text)
    assert edited != text
    cassette.write_text(edited, encoding="utf-8")
    with pytest.raises(CassetteError, match="changed by hand"):
        read_cassette(cassette)


def test_an_exchange_that_is_gone_is_told_as_cut_off(cassette: Path) -> None:
    text = cassette.read_text(encoding="utf-8")
    cassette.write_text(text[: text.rindex("- request")] + "version: 1\n", encoding="utf-8")
    with pytest.raises(CassetteError, match="2 of 3 exchanges"):
        read_cassette(cassette)


def test_a_cassette_of_another_tool_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "theirs.yaml"
    path.write_text(yaml.safe_dump({"interactions": [], "version": 1}), encoding="utf-8")
    with pytest.raises(CassetteError, match="no head"):
        read_cassette(path)


@pytest.mark.parametrize(
    "hostile",
    [
        "!!python/object/apply:os.system ['touch {there}']",
        "!!python/object/new:subprocess.Popen [['touch', '{there}']]",
        "!!python/name:os.system",
        "!!python/module:antigravity",
        "!!python/object/apply:builtins.iter {{args: [!!python/object/apply:os.system ['touch {there}']]}}",
    ],
)
@pytest.mark.parametrize("place", ["string: '{\"n\": 1}'", "seed: 7"])
def test_loading_runs_nothing(cassette: Path, hostile: str, place: str) -> None:
    there = cassette.parent / "was-run"
    text, key = cassette.read_text(encoding="utf-8"), place.partition(":")[0]
    assert place in text
    cassette.write_text(text.replace(place, f"{key}: {hostile.format(there=there)}", 1), encoding="utf-8")
    with pytest.raises(CassetteError):
        read_cassette(cassette)
    assert not there.exists()


def test_a_hostile_cassette_with_a_right_digest_runs_nothing(cassette: Path) -> None:
    """Whoever can write the file can compute the digest."""
    from conformance.evidence import cassettes

    there = cassette.parent / "was-run"
    text = cassette.read_text(encoding="utf-8").replace(
        "credential: test", f"credential: !!python/object/apply:os.system ['touch {there}']", 1
    )
    digest = cassettes._digest(text)
    cassette.write_text(re.sub("digest: sha256:[0-9a-f]{64}", f"digest: {digest}", text), encoding="utf-8")
    with pytest.raises(CassetteError):
        read_cassette(cassette)
    assert not there.exists()


def test_aliases_within_aliases_fill_no_memory(tmp_path: Path) -> None:
    lines = ["metadata: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"m{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 40)]
    path = tmp_path / "bomb.yaml"
    path.write_text(
        "\n".join([*lines, "interactions: [{request: *a39, response: *a39}]", "version: 1"]), encoding="utf-8"
    )
    with pytest.raises(CassetteError):
        read_cassette(path)


def _print(**given: object) -> str:
    base: dict[str, object] = {
        "method": "POST",
        "url": "http://a.test/v1/x",
        "headers": JSON,
        "body": b'{"a": 1, "b": 2}',
    }
    return fingerprint(Request(**{**base, **given}), "Idempotency-Key")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "alike",
    [
        {"body": b'{"b":2,"a":1}'},
        {"url": "https://elsewhere.test/v1/x"},
        {"headers": (*JSON, ("date", "today"))},
    ],
)
def test_requests_that_ask_the_same_match(alike: dict[str, object]) -> None:
    assert _print(**alike) == _print()


@pytest.mark.parametrize(
    "other",
    [
        {"method": "PUT"},
        {"url": "http://a.test/v1/y"},
        {"url": "http://a.test/v1/x?limit=1"},
        {"body": b'{"a": 1, "b": "2"}'},
        {"body": b'{"a": 1, "b": 2'},
        {"body": b""},
        {"headers": (*JSON, ("idempotency-key", "k"))},
    ],
)
def test_requests_that_ask_something_else_do_not(other: dict[str, object]) -> None:
    assert _print(**other) != _print()


def test_forms_match_by_what_they_say() -> None:
    form = (("content-type", "application/x-www-form-urlencoded"),)
    assert _print(headers=form, body=b"a=1&b[c]=2%20x") == _print(headers=form, body=b"b%5Bc%5D=2+x&a=1")
    assert _print(headers=form, body=b"a=1&a=2") != _print(headers=form, body=b"a=1")
