"""Bracket forms travel both ways without loss, and decoding takes whatever a recording holds."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.evidence.forms import decode_form, encode_form


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ({}, b""),
        ({"amount": 2000, "currency": "usd"}, b"amount=2000&currency=usd"),
        ({"a": {"b": [1, 2]}}, b"a[b][]=1&a[b][]=2"),
        ({"a": [{"x": 1, "y": 2}, {"x": 3}]}, b"a[0][x]=1&a[0][y]=2&a[1][x]=3"),
        ({"a": [[1], [2, 3]]}, b"a[0][]=1&a[1][]=2&a[1][]=3"),
        ({"yes": True, "no": False, "none": None}, b"yes=true&no=false&none="),
        ({"gone": [], "lost": {}, "deep": {"list": [], "map": {"x": []}}}, b""),
        ({"name": "a b&c=d+é"}, b"name=a+b%26c%3Dd%2B%C3%A9"),
        ({"a & b": {"c d": "x"}}, b"a+%26+b[c+d]=x"),
        ({"rate": 1.5}, b"rate=1.5"),
    ],
)
def test_encodes(value: dict[str, Any], wire: bytes) -> None:
    assert encode_form(value) == wire


@pytest.mark.parametrize("value", [None, [], "a=1", 5])
def test_only_a_mapping_is_a_form(value: Any) -> None:
    with pytest.raises(TypeError, match="mapping"):
        encode_form(value)


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        (b"", {}),
        (b"amount=2000&currency=usd", {"amount": "2000", "currency": "usd"}),
        (b"a[b][]=1&a[b][]=2", {"a": {"b": ["1", "2"]}}),
        (b"a[b][0]=1&a[b][1]=2", {"a": {"b": ["1", "2"]}}),
        (b"a[1]=second&a[0]=first", {"a": ["first", "second"]}),
        (b"a%5Bb%5D%5B%5D=1", {"a": {"b": ["1"]}}),
        (b"a[][x]=1&a[][y]=2&a[][x]=3", {"a": [{"x": "1", "y": "2"}, {"x": "3"}]}),
        (b"a[0][x]=1&a[0][y]=2&a[1][x]=3", {"a": [{"x": "1", "y": "2"}, {"x": "3"}]}),
        (b"a[][]=1&a[][]=2", {"a": [["1"], ["2"]]}),
        (b"empty=&flag", {"empty": "", "flag": ""}),
        (b"a=1&a=2", {"a": "2"}),
        (b"a=1&a[b]=2", {"a": {"b": "2"}}),
        (b"a[b]=2&a=1", {"a": "1"}),
        (b"a[x]=1&a[]=2", {"a": {"x": "1", "": "2"}}),
        (b"a[007]=bond", {"a": {"007": "bond"}}),
        (b"0=zero", {"0": "zero"}),
        (b"a[b=1&[c]=2&d]=3&e[f]g=4", {"a[b": "1", "[c]": "2", "d]": "3", "e[f]g": "4"}),
        (b"a+b=c%20d", {"a b": "c d"}),
    ],
)
def test_decodes(wire: bytes, value: dict[str, Any]) -> None:
    assert decode_form(wire) == value


@pytest.mark.parametrize("wire", [b"\xff=\xfe", b"a=%FF", b"a" + b"[b]" * 5000 + b"=1", b"a[" + b"9" * 5000 + b"]=1"])
def test_decodes_anything(wire: bytes) -> None:
    assert decode_form(wire)


@pytest.mark.parametrize(
    "value",
    [
        {"a": {"b": [{"c": "d", "e": ["f", "g"]}, {"h": {"i": "j"}}]}, "k": "l"},
        {"text": "a=b&c[d] +%é\u2028", "odd & name": "x"},
        {"mixed": ["a", {"b": "c"}, ["d"]]},
    ],
)
def test_strings_come_back(value: dict[str, Any]) -> None:
    assert decode_form(encode_form(value)) == value
