"""Ids are made of their alphabet, all of it, at every place, and no two are the same."""

from __future__ import annotations

from conformance.reference.identifiers import word


def test_words_use_the_whole_alphabet_at_every_place() -> None:
    words = {word(8, "abc") for _ in range(400)}
    assert [set(letters) for letters in zip(*words, strict=True)] == [set("abc")] * 8


def test_long_words_differ() -> None:
    words = {word(24) for _ in range(1000)}
    assert len(words) == 1000
    assert {len(one) for one in words} == {24}
