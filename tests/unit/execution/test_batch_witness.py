"""Witnesses as bytes, block data, and what an engine says of a state."""

import hashlib

import pytest
import rlp

from execution import witness as witness_module
from execution._wasm_abi import ARTIFACT_DIRECTORY
from execution.block_data import BatchBlock, block_data_hash, chain_hash, encode_block_data
from execution.engine import WasmEngine
from execution.errors import (
    BatchError,
    BlockRejectedError,
    UnknownBlockError,
    WitnessRejectedError,
    WitnessTooLargeError,
)
from execution.guest import read_guest
from execution.statement import Accumulators
from execution.types import (
    Address,
    BlockInput,
    ChainSpec,
    GenesisAccount,
    Hash32,
    SystemTransaction,
)
from execution.witness import Witness, build_witness, encode_witness, run_batch
from ledger.hashing import keccak

RICH = Address(b"\x01" * 20)
SPEC = ChainSpec(
    chain_id=7,
    gas_limit=30_000_000,
    genesis_timestamp_seconds=1_000,
    alloc={RICH: GenesisAccount(balance_wei=5)},
)


def block(number: int, **fields: object) -> BlockInput:
    values: dict[str, object] = {
        "number": number,
        "timestamp_seconds": 1_000 + number,
        "prev_randao": Hash32(bytes(31) + b"\x09"),
        "coinbase": Address(b"\x0c" * 20),
        "gas_limit": 30_000_000,
        "system_transactions": (),
        "transactions": (),
        "senders": (),
    }
    return BlockInput(**(values | fields))  # type: ignore[arg-type]


def witness_of(*blocks: BlockInput) -> Witness:
    engine = WasmEngine(SPEC)
    return build_witness(engine, SPEC, [BatchBlock(entry) for entry in blocks], 1, Accumulators())


def test_block_data_is_the_input_without_senders() -> None:
    system = SystemTransaction(3, RICH, 50_000, b"data")
    entry = block(4, system_transactions=(system,), transactions=(b"\x02raw",), senders=(None,))
    certificate = Hash32(keccak(b"certificate"))

    fields = rlp.decode(encode_block_data(BatchBlock(entry, (certificate,))))
    assert fields[:2] == [b"\x04", (1_004).to_bytes(2, "big")]
    assert fields[2:4] == [entry.prev_randao, entry.coinbase]
    assert fields[5] == [b"\x7e" + rlp.encode([3, RICH, 50_000, b"data"])]
    assert fields[6:] == [[b"\x02raw"], [certificate]]


def test_the_hash_of_block_data_goes_on_from_batch_to_batch() -> None:
    blocks = [encode_block_data(BatchBlock(block(number))) for number in (1, 2)]
    start = Hash32(bytes(32))
    whole = block_data_hash(start, blocks)
    assert whole == block_data_hash(block_data_hash(start, blocks[:1]), blocks[1:])
    assert whole == chain_hash(chain_hash(start, keccak(blocks[0])), keccak(blocks[1]))


def test_every_part_of_a_witness_is_aligned() -> None:
    witness = Witness(7, 1, True, Accumulators(), (b"a",), (b"bc",), (), (b"defg", b"hijkl"))
    encoded = encode_witness(witness)
    lists = encoded[24 + 5 * 32 :]
    assert encoded[:8] == b"BRW1\x01\0\0\0"
    assert lists == (
        b"\x01\0\0\0" + b"\x01\0\0\0a\0\0\0"
        b"\x01\0\0\0" + b"\x02\0\0\0bc\0\0"
        b"\0\0\0\0"
        b"\x02\0\0\0" + b"\x04\0\0\0defg" + b"\x05\0\0\0hijkl\0\0\0"
    )


def test_a_witness_above_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    witness = witness_of(block(1))
    size = len(encode_witness(witness))
    monkeypatch.setattr(witness_module, "MAX_WITNESS_BYTES", size)
    assert len(encode_witness(witness)) == size
    monkeypatch.setattr(witness_module, "MAX_WITNESS_BYTES", size - 1)
    with pytest.raises(WitnessTooLargeError):
        encode_witness(witness)


def test_a_batch_of_no_blocks_is_refused() -> None:
    with pytest.raises(BatchError):
        witness_of()


def test_blocks_that_do_not_follow_the_parent_are_refused_and_leave_the_engine_as_it_was() -> None:
    engine = WasmEngine(SPEC)
    head = engine.execute(block(1)).block_hash
    with pytest.raises(BlockRejectedError):
        engine.witness(0, [block(1), block(3)])
    assert engine.head_hash == head
    assert engine.execute(block(2)).number == 2


def test_a_parent_that_is_not_retained_is_refused() -> None:
    with pytest.raises(UnknownBlockError):
        WasmEngine(SPEC).witness(1, [block(2)])


def test_an_empty_block_needs_nothing_of_the_state() -> None:
    witness = witness_of(block(1))
    assert (witness.nodes, witness.codes) == ((), ())
    statement = run_batch(encode_witness(witness))
    assert statement.previous_state_root == statement.new_state_root


def test_bytes_that_are_no_witness_are_refused() -> None:
    with pytest.raises(WitnessRejectedError):
        run_batch(b"no witness")


def test_the_guest_is_the_committed_one() -> None:
    sums = (ARTIFACT_DIRECTORY / "SHA256SUMS").read_text()
    assert f"{hashlib.sha256(read_guest()).hexdigest()}  stf.elf" in sums.splitlines()
