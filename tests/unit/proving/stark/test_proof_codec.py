"""Bytes that are not the one encoding of a proof of an allowed shape are refused, and cheaply."""

from __future__ import annotations

import tracemalloc
from time import process_time

import pytest

from proving.errors import (
    MalformedProof,
    NonCanonicalElement,
    OutOfRange,
    WrongLength,
)
from proving.field.koalabear import P
from proving.parameters import FAST
from proving.stark.codec import MAGIC, decode, encode
from proving.stark.verifier import verify
from tests.support.toy_machine import TESTING, toy_key
from tests.support.toy_proofs import honest_world

CHIPS = 4
HEADER_BYTES = len(MAGIC) + CHIPS
SUMS_START = HEADER_BYTES + 32 + 8 + 32


def test_a_proof_survives_the_way_through_bytes() -> None:
    world = honest_world()
    instance, proof = decode(world.key.verifying_key, world.encoded)
    assert instance.log_heights == (4, 6, 5, 3)
    assert encode(proof) == world.encoded


@pytest.mark.parametrize("length", [0, 1, 4, HEADER_BYTES - 1])
def test_a_header_cut_short_is_refused(length: int) -> None:
    world = honest_world()
    with pytest.raises(WrongLength, match="header"):
        decode(world.key.verifying_key, world.encoded[:length])


def test_another_magic_is_refused() -> None:
    world = honest_world()
    with pytest.raises(MalformedProof, match="magic"):
        decode(world.key.verifying_key, b"BRP2" + world.encoded[4:])


@pytest.mark.parametrize("change", [-1, 1, 1000])
def test_another_length_than_the_heights_demand_is_refused(change: int) -> None:
    world = honest_world()
    other = world.encoded[:change] if change < 0 else world.encoded + bytes(change)
    with pytest.raises(WrongLength, match="bytes of the proof"):
        decode(world.key.verifying_key, other)


@pytest.mark.parametrize(
    ("chip", "log_height"),
    [(0, 0), (0, 1), (0, 17), (0, 255), (1, 0), (1, 5), (1, 7), (2, 1), (2, 13), (3, 17)],
    ids=lambda value: str(value),
)
def test_heights_outside_of_their_bounds_are_refused(chip: int, log_height: int) -> None:
    """Too low, too high, absent though required, or another than the key fixes."""
    world = honest_world()
    position = len(MAGIC) + chip
    other = world.encoded[:position] + bytes([log_height]) + world.encoded[position + 1 :]
    with pytest.raises(OutOfRange, match="log2 of the rows"):
        decode(world.key.verifying_key, other)


def test_heights_within_their_bounds_are_not() -> None:
    world = honest_world()
    other = world.encoded[: len(MAGIC)] + bytes([5, 6, 12, 16]) + world.encoded[HEADER_BYTES:]
    with pytest.raises(WrongLength, match="bytes of the proof"):
        decode(world.key.verifying_key, other)


def test_a_field_element_has_one_encoding() -> None:
    world = honest_world()
    value = int.from_bytes(world.encoded[SUMS_START : SUMS_START + 4], "big")
    for other in (P, 2**32 - 1, *([value + P] if value + P < 2**32 else [])):
        encoded = (
            world.encoded[:SUMS_START] + other.to_bytes(4, "big") + world.encoded[SUMS_START + 4 :]
        )
        with pytest.raises(NonCanonicalElement):
            decode(world.key.verifying_key, encoded)


def test_a_large_hostile_proof_is_refused_in_bounded_time_and_memory() -> None:
    world = honest_world()
    hostile = world.encoded[:HEADER_BYTES] + b"\xff" * 50_000_000
    tracemalloc.start()
    start = process_time()
    with pytest.raises(WrongLength):
        verify(world.key.verifying_key, hostile, world.public_values)
    seconds, (_, peak_bytes) = process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 1
    assert peak_bytes < 5_000_000


def test_heights_alone_cause_no_allocation() -> None:
    """The largest heights, promised in a header with nothing behind it."""
    key = toy_key(FAST).verifying_key
    header = MAGIC + bytes([22, 6, 12, 22])
    tracemalloc.start()
    with pytest.raises(WrongLength):
        decode(key, header)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 1_000_000


def test_a_proof_for_other_proof_parameters_is_refused() -> None:
    world = honest_world()
    other = toy_key(FAST).verifying_key
    assert other.proof_parameters != TESTING
    with pytest.raises(MalformedProof):
        verify(other, world.encoded, world.public_values)
