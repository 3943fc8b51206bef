"""The codec over generated values of every wire type, and over every kind of damage."""

import tracemalloc
from enum import IntEnum
from functools import cache
from typing import Annotated, Any, get_args, get_origin

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_values import bare, field_hints, is_union, samples, wire_types

from ledger.block import LedgerBlock
from ledger.bounds import AtMost, Exactly, Uint
from ledger.codec import decode, encode
from ledger.errors import CodecError
from ledger.genesis import Genesis

LIMIT = 1 << 20
TYPES = wire_types()
SAMPLES = samples()
MAX_GENERATED_ITEMS = 3
MAX_GENERATED_BYTES = 80


@cache
def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values that an annotation allows, small where it allows a lot, with the edges."""
    if get_origin(hint) is Annotated:
        inner, bound = get_args(hint)
        return _bounded_values(bare(inner), bound)
    if is_union(hint):
        return st.one_of([values_of(member) for member in get_args(hint)])
    if hint is bool:
        return st.booleans()
    if issubclass(hint, IntEnum):
        return st.sampled_from(list(hint))
    return st.builds(hint, *(values_of(entry) for entry in field_hints(hint)))


def _bounded_values(inner: Any, bound: object) -> st.SearchStrategy[Any]:
    if isinstance(bound, Uint):
        top = (1 << bound.bits) - 1
        edges = sorted(
            {edge for bits in (7, 8, 16, 32, 64) for edge in (1 << bits, (1 << bits) - 1)}
        )
        near = st.sampled_from([0, top, *(edge for edge in edges if edge <= top)])
        return st.one_of(near, st.integers(0, top))
    if isinstance(bound, Exactly):
        return st.binary(min_size=bound.length, max_size=bound.length)
    assert isinstance(bound, AtMost)
    if inner is bytes:
        return st.binary(max_size=min(bound.length, MAX_GENERATED_BYTES))
    if inner is str:
        text = st.text(st.characters(exclude_categories=["Cs"]), max_size=bound.length)
        return text.filter(lambda value: len(value.encode()) <= bound.length)
    item = values_of(get_args(inner)[0])
    return st.lists(item, max_size=min(bound.length, MAX_GENERATED_ITEMS)).map(tuple)


@pytest.mark.parametrize("value_type", TYPES, ids=lambda value_type: value_type.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_is_encoded_decodes_to_itself(value_type: type, data: st.DataObject) -> None:
    value = data.draw(values_of(value_type))
    raw = encode(value)
    again = decode(raw, value_type, limit_bytes=LIMIT)
    assert again == value
    assert type(again) is value_type
    assert encode(again) == raw


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_different_values_have_different_encodings(data: st.DataObject) -> None:
    value_type = data.draw(st.sampled_from(TYPES))
    first = data.draw(values_of(value_type))
    second = data.draw(values_of(value_type))
    assert (first == second) == (encode(first) == encode(second))


def must_be_canonical_or_refused(raw: bytes, *expected: type) -> None:
    """The one promise to everybody who feeds us bytes."""
    try:
        value = decode(raw, *expected, limit_bytes=LIMIT)
    except CodecError:
        return
    assert encode(value) == raw


HEADERS = [b"\xc0", b"\xc1", b"\xc2", b"\xcb", b"\xcf", b"\xd3", b"\xd9", b"\xdb", b"\xc4", b"\xc6"]
HEADERS += [
    b"\xdc",
    b"\xdd",
    b"\xde",
    b"\xdf",
    b"\xc7",
    b"\xc9",
    b"\xd8",
    b"\x80",
    b"\x90",
    b"\xa0",
]


def mutate(raw: bytes, data: st.DataObject) -> bytes:
    """One piece of damage."""
    place = data.draw(st.integers(0, max(0, len(raw) - 1)))
    kind = data.draw(
        st.sampled_from(["flip", "cut", "insert", "delete", "double", "header", "promise"])
    )
    if kind == "flip":
        bit = 1 << data.draw(st.integers(0, 7))
        return raw[:place] + bytes([raw[place] ^ bit]) + raw[place + 1 :]
    if kind == "cut":
        return raw[:place]
    if kind == "insert":
        return raw[:place] + data.draw(st.binary(min_size=1, max_size=9)) + raw[place:]
    if kind == "delete":
        return raw[:place] + raw[place + data.draw(st.integers(1, 9)) :]
    if kind == "double":
        return raw[:place] + raw[place:] * 2
    if kind == "header":
        return raw[:place] + data.draw(st.sampled_from(HEADERS)) + raw[place + 1 :]
    length = data.draw(st.sampled_from([0, 1, 0xFFFF, 0x10000, 0xFFFFFFFF]))
    marker = data.draw(st.sampled_from([0xDD, 0xDB, 0xC6, 0xDF, 0xC9]))
    return raw[:place] + bytes([marker]) + length.to_bytes(4, "big") + raw[place:]


@pytest.mark.parametrize("name", sorted(SAMPLES))
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_another_canonical_value(
    name: str, data: st.DataObject
) -> None:
    value = SAMPLES[name]
    raw = encode(value)
    for _ in range(data.draw(st.integers(1, 3))):
        raw = mutate(raw, data) or b"\x00"
    must_be_canonical_or_refused(raw, type(value))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(raw: bytes) -> None:
    must_be_canonical_or_refused(raw, *TYPES)


json_like = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(1 << 63), (1 << 64) - 1),
        st.floats(allow_nan=False),
        st.binary(max_size=64),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=9), st.dictionaries(st.integers(0, 50), inner, max_size=3)
    ),
    max_leaves=30,
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(range(1, 50)), st.lists(json_like, max_size=9))
def test_any_tree_under_any_tag_is_refused_or_canonical(tag: int, tree: list[Any]) -> None:
    must_be_canonical_or_refused(msgpack.packb([tag, *tree], use_bin_type=True), *TYPES)


@pytest.mark.parametrize("value_type", [LedgerBlock, Genesis])
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_never_makes_decoding_expensive(value_type: type, data: st.DataObject) -> None:
    raw = mutate(encode(SAMPLES[f"{value_type.__name__}/filled"]), data)
    depth = data.draw(st.integers(0, 50))
    raw = b"\xdd\x00\x00\xff\xff" * depth + raw
    must_be_canonical_or_refused(raw, value_type)
    tracemalloc.start()
    try:
        must_be_canonical_or_refused(raw, value_type)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes <= 128 * 1024 + 128 * len(raw)
