"""The reference engine on its own: what it accepts, and roots that are known elsewhere."""

import pytest

from execution._reference_header import (
    EMPTY_OMMERS_HASH,
    EMPTY_REQUESTS_HASH,
    EMPTY_TRIE_ROOT,
    Header,
    logs_bloom,
    next_base_fee_wei,
    ordered_trie_root,
)
from execution.errors import BlockRejectedError
from execution.reference import ReferenceEngine
from execution.types import ZERO_HASH, Address, BlockInput, ChainSpec, GenesisAccount, Hash32, Log

ALICE = Address(b"\xa1" * 20)


def spec(fork: str = "prague") -> ChainSpec:
    return ChainSpec(
        chain_id=1,
        gas_limit=30_000_000,
        genesis_timestamp_seconds=1_000,
        alloc={ALICE: GenesisAccount(balance_wei=5, storage={1: 2})},
        fork=fork,
    )


def block(number: int, timestamp_seconds: int) -> BlockInput:
    return BlockInput(
        number, timestamp_seconds, ZERO_HASH, Address(bytes(20)), 30_000_000, (), (), ()
    )


def header(gas_used: int, base_fee_wei: int) -> Header:
    return Header(
        parent_hash=ZERO_HASH,
        coinbase=Address(bytes(20)),
        state_root=EMPTY_TRIE_ROOT,
        transactions_root=EMPTY_TRIE_ROOT,
        receipts_root=EMPTY_TRIE_ROOT,
        logs_bloom=bytes(256),
        number=1,
        gas_limit=20_000_000,
        gas_used=gas_used,
        timestamp_seconds=1,
        prev_randao=ZERO_HASH,
        base_fee_wei=base_fee_wei,
    )


def test_constants_are_those_of_ethereum() -> None:
    assert EMPTY_OMMERS_HASH.hex().startswith("1dcc4de8dec75d7aab85b567b6ccd41a")
    assert EMPTY_TRIE_ROOT.hex().startswith("56e81f171bcc55a6ff8345e692c0f86e")
    assert EMPTY_REQUESTS_HASH.hex().startswith("e3b0c44298fc1c149afbf4c8996fb924")
    assert ordered_trie_root([]) == EMPTY_TRIE_ROOT


@pytest.mark.parametrize(
    ("gas_used", "expected_wei"),
    [(10_000_000, 1_000), (20_000_000, 1_125), (0, 875), (10_000_001, 1_001), (9_000_000, 988)],
)
def test_the_base_fee_moves_by_at_most_an_eighth(gas_used: int, expected_wei: int) -> None:
    assert next_base_fee_wei(header(gas_used, base_fee_wei=1_000)) == expected_wei


def test_a_base_fee_of_zero_rises_again() -> None:
    assert next_base_fee_wei(header(20_000_000, base_fee_wei=0)) == 1
    assert next_base_fee_wei(header(0, base_fee_wei=0)) == 0


def test_a_bloom_sets_three_bits_per_address_and_topic() -> None:
    assert logs_bloom(()) == bytes(256)
    log = Log(ALICE, (Hash32(b"\x01" * 32),), b"data")
    bits = int.from_bytes(logs_bloom([log]), "big").bit_count()
    assert 4 <= bits <= 6


def test_the_genesis_state_is_readable() -> None:
    engine = ReferenceEngine(spec())
    assert engine.account(ALICE).balance_wei == 5
    assert engine.storage(ALICE, 1) == 2
    assert engine.account(Address(bytes(20))).balance_wei == 0


def test_another_fork_is_rejected() -> None:
    with pytest.raises(ValueError, match="cancun"):
        ReferenceEngine(spec("cancun"))


def test_only_the_next_number_is_accepted() -> None:
    engine = ReferenceEngine(spec())
    for number in (0, 2):
        with pytest.raises(BlockRejectedError, match="expected 1"):
            engine.execute(block(number, 1_001))
    assert engine.execute(block(1, 1_001)).number == 1


def test_time_may_stand_still_but_not_run_backwards() -> None:
    engine = ReferenceEngine(spec())
    with pytest.raises(BlockRejectedError, match="timestamp"):
        engine.execute(block(1, 999))
    assert engine.execute(block(1, 1_000)).number == 1


def test_each_block_has_the_last_one_as_parent() -> None:
    engine = ReferenceEngine(spec())
    genesis_hash = engine.head_hash
    output = engine.execute(block(1, 1_000))
    assert output.header_rlp.count(genesis_hash) == 1
    assert engine.head_hash == output.block_hash != genesis_hash
