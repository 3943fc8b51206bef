"""Noise transport records and yamux frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.transport.errors import MuxViolation, RecordViolation
from actors.transport.mux_frames import Flag, FrameParser, FrameType, encode_header
from actors.transport.rate_limit import RateLimit
from actors.transport.records import MAXIMUM_PLAINTEXT_BYTES, RecordOpener, RecordSealer

KEY = bytes(range(32))


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=6), st.integers(1, 400))
def test_records_open_however_the_network_cuts_them(plaintexts, step):
    sealer, opener = RecordSealer(KEY, 0), RecordOpener(KEY, 0)
    data = b"".join(sealer.seal(plaintext) for plaintext in plaintexts)
    opened = []
    for start in range(0, len(data), step):
        opened += opener.open(data[start : start + step])
    assert opened == plaintexts


def test_long_plaintext_becomes_several_records():
    plaintext = bytes(MAXIMUM_PLAINTEXT_BYTES) + b"end"
    opened = RecordOpener(KEY, 7).open(RecordSealer(KEY, 7).seal(plaintext))
    assert opened == [bytes(MAXIMUM_PLAINTEXT_BYTES), b"end"]


def test_records_match_the_noise_library():
    from noise.connection import NoiseConnection

    left, right = (NoiseConnection.from_name(b"Noise_NN_25519_ChaChaPoly_SHA256") for _ in "lr")
    left.set_as_initiator()
    right.set_as_responder()
    left.start_handshake()
    right.start_handshake()
    right.read_message(left.write_message())
    left.read_message(right.write_message())
    key = left.noise_protocol.cipher_state_encrypt.k
    sealer, opener = RecordSealer(key, 0), RecordOpener(key, 0)
    for text in (b"one", b"two"):
        assert right.decrypt(sealer.seal(text)[2:]) == text
    right_key = right.noise_protocol.cipher_state_encrypt.k
    opener = RecordOpener(right_key, 0)
    for text in (b"three", b"four"):
        ciphertext = right.encrypt(text)
        assert opener.open(len(ciphertext).to_bytes(2, "big") + ciphertext) == [text]


@given(st.integers(0, 10_000))
def test_any_flipped_bit_is_rejected(position):
    record = bytearray(RecordSealer(KEY, 0).seal(b"a vote that nobody may change" * 4))
    bit = position % (8 * (len(record) - 2)) + 16
    record[bit // 8] ^= 1 << bit % 8
    with pytest.raises(RecordViolation):
        RecordOpener(KEY, 0).open(bytes(record))


def test_a_replayed_record_is_rejected():
    record = RecordSealer(KEY, 0).seal(b"once")
    opener = RecordOpener(KEY, 0)
    assert opener.open(record) == [b"once"]
    with pytest.raises(RecordViolation):
        opener.open(record)


def test_a_record_without_room_for_its_tag_is_rejected():
    with pytest.raises(RecordViolation):
        RecordOpener(KEY, 0).open((15).to_bytes(2, "big"))


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=6), st.integers(1, 60))
def test_frames_are_parsed_however_the_records_cut_them(bodies, step):
    data = b"".join(encode_header(FrameType.DATA, 0, 3, len(body)) + body for body in bodies)
    parser, parsed = FrameParser(), []
    for start in range(0, len(data), step):
        for header, body in parser.parse(data[start : start + step]):
            if body is None:
                assert (header.stream_id, header.frame_type) == (3, FrameType.DATA)
                parsed.append(b"")
            else:
                parsed[-1] += body
    assert parsed == bodies


@pytest.mark.parametrize("header", [b"\x01" + bytes(11), b"\x00\x04" + bytes(10)])
def test_unknown_versions_and_types_are_rejected(header):
    with pytest.raises(MuxViolation):
        list(FrameParser().parse(header))


def test_control_frames_have_no_body():
    data = encode_header(FrameType.PING, Flag.SYN, 0, 77) * 2
    lengths = [header.length for header, _ in FrameParser().parse(data)]
    assert lengths == [77, 77]


def test_reading_within_the_rate_never_pauses():
    limit = RateLimit(bytes_per_second=1000, frames_per_second=100)
    assert all(limit.charge(second, 1000, 100) == 0 for second in range(10))


def test_reading_beyond_the_rate_pauses_but_never_for_long():
    limit = RateLimit(bytes_per_second=1000, frames_per_second=100)
    assert limit.charge(0.0, 1100, 1) == pytest.approx(0.1)
    assert limit.charge(0.0, 50_000, 1) == RateLimit.MAXIMUM_PAUSE_SECONDS


def test_many_small_frames_pause_as_well():
    limit = RateLimit(bytes_per_second=1e9, frames_per_second=100)
    assert limit.charge(0.0, 10, 120) == pytest.approx(0.2)
