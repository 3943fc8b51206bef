"""The canonical codec: golden vectors, bounds, and every other encoding refused."""

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import msgpack
import pytest
from wire_values import samples, wire_types

from ledger.block import MAX_BLOCK_BYTES, BlockBody, LedgerBlock
from ledger.bounds import AtMost, Uint
from ledger.codec import decode, encode, to_plain, wire
from ledger.crossing import Message, QuarantineVote
from ledger.errors import (
    CodecError,
    Malformed,
    NonCanonical,
    OutOfBounds,
    TooLarge,
    UnknownTag,
)
from ledger.genesis import StorageSlot, Timing
from ledger.types import ChainId, Ed25519Signature, Epoch, EvmAddress, ValidatorIndex, View
from ledger.votes import Nullify, Proposal, Round

GOLDEN: dict[str, str] = json.loads((Path(__file__).parent / "golden.json").read_text())
SAMPLES = samples()
ROUND = Round(Epoch(3), View(200))


def read(raw: bytes, *expected: type) -> Any:
    return decode(raw, *expected, limit_bytes=1 << 16)


def test_there_is_a_golden_vector_for_every_wire_type() -> None:
    assert len(wire_types()) == 36
    assert set(GOLDEN) == set(SAMPLES)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_the_encoding_is_the_golden_one(name: str) -> None:
    value, raw = SAMPLES[name], bytes.fromhex(GOLDEN[name])
    assert encode(value).hex() == GOLDEN[name]
    assert read(raw, type(value)) == value


def test_an_encoding_spelled_out() -> None:
    """Array of 3: tag 2, epoch 3 as a fixint, view 200 as a uint8."""
    assert encode(ROUND) == bytes([0x93, 0x02, 0x03, 0xCC, 200])
    assert encode(StorageSlot(0, 0x1234)) == bytes([0x93, 41, 0xC4, 0, 0xC4, 2, 0x12, 0x34])


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_no_prefix_of_an_encoding_decodes(name: str) -> None:
    raw = bytes.fromhex(GOLDEN[name])
    step = max(1, len(raw) // 40)
    for length in range(0, len(raw), step):
        with pytest.raises(Malformed):
            read(raw[:length], type(SAMPLES[name]))


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_nothing_may_follow_an_encoding(name: str) -> None:
    raw = bytes.fromhex(GOLDEN[name])
    for tail in (b"\x00", b"\xc0", raw):
        with pytest.raises(Malformed):
            read(raw + tail, type(SAMPLES[name]))


def test_only_the_expected_types_are_accepted() -> None:
    raw = encode(ROUND)
    assert read(raw, Proposal, Round) == ROUND
    with pytest.raises(UnknownTag):
        read(raw, Proposal)
    with pytest.raises(UnknownTag):
        read(bytes([0x91, 0x7F]), Round)


def test_the_limit_comes_before_everything_else() -> None:
    raw = encode(ROUND)
    assert decode(raw, Round, limit_bytes=len(raw)) == ROUND
    with pytest.raises(TooLarge):
        decode(raw, Round, limit_bytes=len(raw) - 1)


NON_CANONICAL = {
    "an integer one byte too wide": bytes([0x93, 0x02, 0xCC, 0x03, 0xCC, 200]),
    "an integer of 64 bits": bytes([0x93, 0x02, 0x03, 0xCF, 0, 0, 0, 0, 0, 0, 0, 200]),
    "a signed integer": bytes([0x93, 0x02, 0xD0, 0x03, 0xCC, 200]),
    "a wide tag": bytes([0x93, 0xCC, 0x02, 0x03, 0xCC, 200]),
    "an array of 16-bit length": bytes([0xDC, 0, 3, 0x02, 0x03, 0xCC, 200]),
    "an array of 32-bit length": bytes([0xDD, 0, 0, 0, 3, 0x02, 0x03, 0xCC, 200]),
}


@pytest.mark.parametrize("name", NON_CANONICAL)
def test_a_longer_encoding_of_the_same_value_is_refused(name: str) -> None:
    with pytest.raises(NonCanonical):
        read(NON_CANONICAL[name], Round)


@pytest.mark.parametrize(
    "raw",
    [
        bytes([0x93, 41, 0xC4, 1, 0, 0xC4, 0]),
        bytes([0x93, 41, 0xC4, 2, 0, 1, 0xC4, 0]),
        bytes([0x93, 41, 0xC5, 0, 1, 1, 0xC4, 0]),
    ],
    ids=["zero as a byte", "a leading zero byte", "a 16-bit length"],
)
def test_a_wide_integer_has_one_encoding(raw: bytes) -> None:
    with pytest.raises(NonCanonical):
        read(raw, StorageSlot)


WRONG_SHAPES: dict[str, object] = {
    "no array": 5,
    "an empty array": [],
    "a text tag": ["2", 3, 200],
    "a boolean tag": [True, 3, 200],
    "a field too few": [2, 3],
    "a field too many": [2, 3, 200, 0],
    "a boolean as an integer": [2, True, 200],
    "a float as an integer": [2, 3.0, 200],
    "nil": [2, None, 200],
    "bytes as an integer": [2, b"\x03", 200],
    "text as an integer": [2, "3", 200],
    "an array as an integer": [2, [3], 200],
    "a map": {2: 3},
    "a map as a field": [2, {}, 200],
    "an extension type": [2, msgpack.ExtType(5, b""), 200],
    "a timestamp": [2, msgpack.Timestamp(3), 200],
}


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_a_value_of_another_shape_is_malformed(name: str) -> None:
    with pytest.raises(Malformed):
        read(msgpack.packb(WRONG_SHAPES[name], use_bin_type=True), Round)


@pytest.mark.parametrize("raw", [b"", b"\xc1", b"\x93\x02\x03\xc1", b"\x92\x02\xa1\xff"])
def test_bytes_that_are_not_messagepack_are_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read(raw, Round)


def test_integers_keep_their_bits() -> None:
    top = Round(Epoch((1 << 64) - 1), View((1 << 63) - 1))
    assert read(encode(top), Round) == top
    with pytest.raises(OutOfBounds):
        encode(Round(Epoch(1 << 64), View(0)))
    with pytest.raises(OutOfBounds):
        encode(Round(Epoch(-1), View(0)))
    for tree in ([2, 0, 1 << 63], [2, -1, 0]):
        with pytest.raises(OutOfBounds):
            read(msgpack.packb(tree), Round)


def test_wide_integers_keep_their_bits() -> None:
    top = StorageSlot((1 << 256) - 1, 0)
    assert read(encode(top), StorageSlot) == top
    with pytest.raises(OutOfBounds):
        encode(StorageSlot(1 << 256, 0))
    with pytest.raises(OutOfBounds):
        read(msgpack.packb([41, b"\x01" * 33, b""]), StorageSlot)


def test_sequences_and_bytes_keep_their_lengths() -> None:
    # 8,192 transactions are allowed and 8,193 are not; so are 128 KiB in one.
    body = BlockBody((b"",) * 8192, (), (), (), ())
    assert decode(encode(body), BlockBody, limit_bytes=MAX_BLOCK_BYTES) == body
    with pytest.raises(OutOfBounds):
        encode(BlockBody((b"",) * 8193, (), (), (), ()))
    too_many = msgpack.packb([11, [b""] * 8193, [], [], [], []])
    with pytest.raises(OutOfBounds):
        decode(too_many, BlockBody, limit_bytes=MAX_BLOCK_BYTES)
    long = msgpack.packb([11, [bytes(128 * 1024 + 1)], [], [], [], []])
    with pytest.raises(OutOfBounds):
        decode(long, BlockBody, limit_bytes=MAX_BLOCK_BYTES)
    with pytest.raises(OutOfBounds):
        encode(BlockBody((bytes(128 * 1024 + 1),), (), (), (), ()))


def test_a_message_is_no_longer_than_the_portal_takes() -> None:
    target = EvmAddress(bytes(20))
    longest = Message(ChainId(1), 0, target, target, 0, 0, bytes(8192))
    assert read(encode(longest), Message) == longest
    with pytest.raises(OutOfBounds):
        encode(replace(longest, data=bytes(8193)))


def test_byte_strings_of_fixed_length_have_that_length() -> None:
    nullify = Nullify(ROUND, ValidatorIndex(1), Ed25519Signature(bytes(64)))
    assert read(encode(nullify), Nullify) == nullify
    for length in (0, 63, 65):
        with pytest.raises(OutOfBounds):
            read(msgpack.packb([4, [2, 3, 4], 1, bytes(length)]), Nullify)


def test_text_is_bounded_in_bytes_and_is_utf8() -> None:
    def vote(reason: str) -> QuarantineVote:
        return QuarantineVote(Epoch(0), 0, reason, ValidatorIndex(0), Ed25519Signature(bytes(64)))

    assert read(encode(vote("é" * 32)), QuarantineVote) == vote("é" * 32)
    with pytest.raises(OutOfBounds):
        encode(vote("é" * 32 + "x"))
    with pytest.raises(OutOfBounds):
        encode(vote("\ud800"))


def test_values_of_the_wrong_python_type_are_never_sent() -> None:
    with pytest.raises(CodecError):
        encode(Round(Epoch(True), View(0)))
    with pytest.raises(CodecError):
        encode(BlockBody([b""], (), (), (), ()))  # type: ignore[arg-type]  # what is tested
    with pytest.raises(CodecError):
        encode(BlockBody((), (ROUND,), (), (), ()))  # type: ignore[arg-type]  # what is tested


def test_a_type_that_is_not_registered_is_no_wire_type() -> None:
    with pytest.raises(TypeError):
        encode("text")


def test_a_tag_belongs_to_one_type() -> None:
    with pytest.raises(ValueError, match="tag 2 is taken by Round"):

        @wire(2)
        class Impostor:
            number: Annotated[int, Uint(8)]


def test_an_annotation_without_a_bound_is_refused() -> None:
    @wire(250)
    class Unbounded:
        data: bytes

    with pytest.raises(TypeError):
        encode(Unbounded(b""))

    @wire(251)
    class BoundedOtherwise:
        number: Annotated[int, AtMost(3)]

    with pytest.raises(TypeError):
        encode(BoundedOtherwise(1))


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_value_has_a_json_view(name: str) -> None:
    plain = to_plain(SAMPLES[name])
    assert plain["type"] == type(SAMPLES[name]).__name__
    assert json.loads(json.dumps(plain)) == plain


def test_the_json_view_keeps_wide_numbers_exact() -> None:
    entry = SAMPLES["Message/filled"]
    assert isinstance(entry, Message)
    plain = to_plain(entry)
    assert plain["value_wei"] == str(entry.value_wei)
    assert plain["sender"] == "0x" + entry.sender.hex()
    assert to_plain(Timing(1, 2, 3, 4, 5))["delta_ms"] == 1


HOSTILE = {
    "an array that promises 65,536 items": b"\xdd\x00\x01\x00\x00",
    "400 such arrays, nested": b"\xdd\x00\x01\x00\x00" * 400,
    "a block's worth of such arrays": b"\xdd\x00\x01\x00\x00" * 400_000,
    "an array of 2³² items": b"\xdd\xff\xff\xff\xff",
    "bytes of 4 GB": b"\xc6\xff\xff\xff\xff",
    "text of 4 GB": b"\xdb\xff\xff\xff\xff",
    "a map of 2³² entries": b"\xdf\xff\xff\xff\xff",
    "an extension of 4 GB": b"\xc9\xff\xff\xff\xff\x05",
    "arrays nested 100,000 deep": b"\x91" * 100_000 + b"\x00",
    "maps nested 100,000 deep": b"\x81\x01" * 100_000 + b"\x00",
    "a block with huge promises inside": b"\x93\x0c" + b"\xdd\x00\x01\x00\x00" * 1000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_promises_cost_no_more_memory_than_the_bytes_that_make_them(name: str) -> None:
    raw = HOSTILE[name]
    with pytest.raises(Malformed):  # Imports and caches are paid for before measuring.
        decode(raw, LedgerBlock, limit_bytes=MAX_BLOCK_BYTES)
    tracemalloc.start()
    try:
        with pytest.raises(Malformed):
            decode(raw, LedgerBlock, limit_bytes=MAX_BLOCK_BYTES)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes <= 64 * 1024 + 4 * len(raw)


def test_kept_promises_cost_a_bounded_multiple() -> None:
    """The worst that really comes: empty arrays, one byte each on the wire."""
    rows = b"\xdd\x00\x00\xff\xff" + b"\x90" * 0xFFFF
    raw = bytes([0x92, 0x0B]) + b"\xdc\x00\x10" + rows * 16
    tracemalloc.start()
    try:
        with pytest.raises(Malformed):
            decode(raw, BlockBody, limit_bytes=MAX_BLOCK_BYTES)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes <= 128 * len(raw)
