"""Blocks are cut into segments that chain; what the guest says is what the engine says."""

import pytest
from local_network import GENESIS_TIMESTAMP_MS, transfer

from actors.prover import batch
from actors.prover.batch import BatchBuilder, Segment
from actors.prover.errors import BlockTooLarge
from actors.prover.stf import load_guest
from cluster.dev_genesis import dev_genesis
from execution.block_data import BatchBlock
from execution.engine import WasmEngine
from execution.errors import WitnessRejectedError
from execution.genesis import chain_spec
from execution.statement import combine, public_values
from execution.types import Address, BlockInput, ChainSpec, Hash32
from execution.witness import run_batch
from ledger.keys import ValidatorKeys
from ledger.types import ChainRole
from proving.machine.executor import run_only

SPEC: ChainSpec = chain_spec(
    dev_genesis([ValidatorKeys(bytes([1]) * 32)], GENESIS_TIMESTAMP_MS), ChainRole.ZK
)
L1_CHAIN_ID = 1
CERTIFICATE = Hash32(b"\x07" * 32)


def blocks(count: int) -> list[BatchBlock]:
    """Each has one transfer, and names one certificate."""
    entries = []
    for number in range(1, count + 1):
        raw = transfer(ChainRole.ZK, 0, number - 1, to="0x" + "12" * 20, value_wei=5)
        block = BlockInput(
            number=number,
            timestamp_seconds=GENESIS_TIMESTAMP_MS // 1000 + number,
            prev_randao=Hash32(bytes([number]) * 32),
            coinbase=Address(b"\x01" * 20),
            gas_limit=SPEC.gas_limit,
            system_transactions=(),
            transactions=(bytes.fromhex(raw[2:]),),
            senders=(None,),
        )
        entries.append(BatchBlock(block, (CERTIFICATE,)))
    return entries


def segments(count: int, segment_cycles: int) -> list[Segment]:
    return list(
        BatchBuilder(SPEC, load_guest(), L1_CHAIN_ID).segments(blocks(count), segment_cycles)
    )


def test_segments_chain_and_lead_where_the_engine_leads() -> None:
    engine = WasmEngine(SPEC)
    for entry in blocks(4):
        expected = engine.execute(entry.block)
    cut = segments(4, segment_cycles=1)
    assert [segment.statement.first_block for segment in cut] == [1, 2, 3, 4]
    whole = combine([segment.statement for segment in cut])
    assert (whole.new_state_root, whole.last_block_hash) == (
        expected.state_root,
        expected.block_hash,
    )


def test_one_long_segment_says_what_several_short_ones_say() -> None:
    (long,) = segments(3, segment_cycles=1 << 30)
    assert combine([segment.statement for segment in segments(3, 1)]) == long.statement


def test_the_guest_commits_to_the_segment_s_statement() -> None:
    (segment,) = segments(2, segment_cycles=1 << 30)
    run = run_only(load_guest(), segment.witness)
    assert run.public_values == public_values(segment.statement)
    assert run.cycles == segment.cycles


def test_skipped_blocks_count_in_the_hash_chains_of_what_follows() -> None:
    builder = BatchBuilder(SPEC, load_guest(), L1_CHAIN_ID)
    entries = blocks(3)
    builder.skip(entries[:2])
    last = run_batch(builder.witness(entries[2:]))
    assert last == segments(3, segment_cycles=1)[2].statement


def test_a_block_beyond_one_proof_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MAXIMUM_CYCLES", 1000)
    with pytest.raises(BlockTooLarge, match="block 1 needs"):
        segments(1, segment_cycles=1)


@pytest.mark.parametrize("change", ["flipped", "truncated"])
def test_a_damaged_witness_proves_nothing(change: str) -> None:
    (segment,) = segments(1, segment_cycles=1)
    middle = len(segment.witness) // 2
    damaged = {
        "flipped": segment.witness[:middle]
        + bytes([segment.witness[middle] ^ 1])
        + segment.witness[middle + 1 :],
        "truncated": segment.witness[:middle],
    }[change]
    with pytest.raises(WitnessRejectedError):
        run_batch(damaged)
