"""Signer bitmaps and quorums."""

import pytest

from ledger.errors import InvalidSigners, QuorumNotReached
from ledger.signers import pack_signers, unpack_quorum, unpack_signers
from ledger.types import ValidatorIndex, max_faulty, quorum


def indexes(*numbers: int) -> tuple[ValidatorIndex, ...]:
    return tuple(ValidatorIndex(number) for number in numbers)


def test_bit_i_stands_for_validator_i() -> None:
    assert pack_signers(indexes(0, 2, 9)) == bytes([0b101, 0b10])
    assert unpack_signers(bytes([0b101, 0b10]), 10) == indexes(0, 2, 9)
    assert pack_signers(()) == b""
    assert unpack_signers(b"", 4) == ()


def test_order_and_repetition_do_not_matter_to_a_set() -> None:
    assert pack_signers(indexes(3, 1, 3)) == pack_signers(indexes(1, 3))


def test_a_bitmap_has_no_trailing_zero_byte() -> None:
    unpack_signers(b"\x07", 4)
    for padded in (b"\x07\x00", b"\x00"):
        with pytest.raises(InvalidSigners):
            unpack_signers(padded, 16)


@pytest.mark.parametrize("count", [1, 4, 7, 8, 9, 256])
def test_a_signer_beyond_the_validators_is_refused(count: int) -> None:
    last = pack_signers(indexes(count - 1))
    assert unpack_signers(last, count) == indexes(count - 1)
    with pytest.raises(InvalidSigners):
        unpack_signers(pack_signers(indexes(count)), count)


@pytest.mark.parametrize(
    ("count", "needed"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (7, 5), (10, 7)]
)
def test_a_quorum_is_all_but_f(count: int, needed: int) -> None:
    assert quorum(count) == needed
    signers = indexes(*range(needed))
    assert unpack_quorum(pack_signers(signers), count) == signers
    with pytest.raises(QuorumNotReached):
        unpack_quorum(pack_signers(signers[:-1]), count)


def test_two_quorums_always_share_an_honest_validator() -> None:
    for count in range(1, 257):
        assert 2 * quorum(count) - count >= max_faulty(count) + 1
        assert count - max_faulty(count) >= quorum(count)
