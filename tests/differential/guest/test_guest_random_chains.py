"""Random chains: the guest proves what the wasm engine and py-evm did.

``DIFFERENTIAL_SEED`` starts the run at another seed.
"""

import os
from dataclasses import replace

import pytest

from execution.errors import WitnessRejectedError
from execution.statement import Accumulators, combine
from execution.types import Address, GenesisAccount, SystemTransaction
from execution.witness import encode_witness, run_batch
from tests.differential.assembler import assemble, keep
from tests.differential.guest.batches import Batch, random_batch
from tests.differential.guest.growing_chain import GrowingChain
from tests.differential.guest.machine import run_guest

FIRST_SEED = int(os.environ.get("DIFFERENTIAL_SEED", "0"))
SEED_COUNT = 6
SLOW_SEED_COUNT = 300
BLOCKS = 3
TRANSACTIONS_PER_BLOCK = 15

pytestmark = pytest.mark.filterwarnings("ignore:SELFDESTRUCT opcode:DeprecationWarning")


def check(seed: int) -> None:
    batch = random_batch(seed, BLOCKS, TRANSACTIONS_PER_BLOCK)
    expected = batch.statement()
    witness = encode_witness(batch.witness())
    assert run_batch(witness) == expected
    assert run_guest(witness).proves(expected)

    statements = []
    before = Accumulators()
    for part in batch.parts():
        statement = part.statement(before)
        assert run_batch(encode_witness(part.witness(before))) == statement
        statements.append(statement)
        before = statement.after
    assert combine(statements) == expected


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEED_COUNT))
def test_a_random_chain_is_proved_as_it_was_executed(seed: int) -> None:
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", range(FIRST_SEED + SEED_COUNT, FIRST_SEED + SEED_COUNT + SLOW_SEED_COUNT)
)
def test_another_random_chain_is_proved_as_it_was_executed(seed: int) -> None:
    check(seed)


def test_an_empty_block_is_proved() -> None:
    batch = random_batch(1, 1, 0)
    run = run_guest(encode_witness(batch.witness()))
    assert run.proves(batch.statement())


def test_a_batch_may_start_at_any_retained_block() -> None:
    batch = random_batch(2, 4, 10)
    middle = batch.parts()[2]
    assert run_guest(encode_witness(middle.witness())).proves(middle.statement())


def test_building_a_witness_leaves_the_engine_as_it_was() -> None:
    batch = random_batch(3, 3, 10)
    head = batch.engine.head_hash
    witness = batch.witness()
    assert batch.engine.head_hash == head
    assert batch.witness() == witness


def test_a_witness_can_be_built_for_a_block_that_is_not_executed_yet() -> None:
    batch = random_batch(4, 3, 10)
    batch.engine.rollback(batch.outputs[0].number)
    ahead = Batch(
        batch.spec,
        batch.engine,
        batch.outputs[0].block_hash,
        batch.outputs[0].state_root,
        batch.blocks[1:],
        batch.outputs[1:],
    )
    assert run_guest(encode_witness(ahead.witness())).proves(ahead.statement())


def test_a_block_that_asks_for_old_hashes_brings_the_headers_that_vouch_for_them() -> None:
    contract = Address(b"\xc0" * 20)
    looking = assemble(5, "NUMBER", "SUB", "BLOCKHASH") + keep(1)
    chain = GrowingChain(7, {contract: GenesisAccount(nonce=1, code=looking)})
    outputs = [chain.execute() for _ in range(8)]
    chain.execute(system=[SystemTransaction(0, contract, 100_000, b"")])
    asked = int.from_bytes(outputs[3].block_hash, "big")
    assert chain.engines.wasm.storage_at(contract, 1) == asked

    batch = chain.batch(9, 9)
    witness = batch.witness()
    assert witness.headers == tuple(output.header_rlp for output in outputs[4:])
    assert run_guest(encode_witness(witness)).proves(batch.statement())

    without_the_oldest = replace(witness, headers=witness.headers[1:])
    with pytest.raises(WitnessRejectedError):
        run_batch(encode_witness(without_the_oldest))
