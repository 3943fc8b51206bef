"""Random chains: the guest proves what the wasm engine and py-evm did.

``DIFFERENTIAL_SEED`` starts the run at another seed.
"""

import os
from dataclasses import replace
from random import Random

import pytest

from execution.errors import WitnessRejectedError
from execution.statement import Accumulators, combine
from execution.types import Address, GenesisAccount, SystemTransaction
from execution.witness import encode_witness, run_batch
from tests.differential.assembler import assemble, keep, push, return_data
from tests.differential.guest.batches import Batch, random_batch
from tests.differential.guest.growing_chain import COINBASE, GrowingChain
from tests.differential.guest.machine import run_guest
from tests.differential.signing import Fields, make_key, sign

FIRST_SEED = int(os.environ.get("DIFFERENTIAL_SEED", "0"))
SEED_COUNT = 4
SLOW_SEED_COUNT = 300
BLOCKS = 3
TRANSACTIONS_PER_BLOCK = 10

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


def test_code_of_an_account_that_an_earlier_block_only_paid_is_in_the_witness() -> None:
    key = make_key(1)
    code = assemble(1, 1, "SSTORE", "STOP")
    alloc = {
        key.address: GenesisAccount(balance_wei=10**18),
        COINBASE: GenesisAccount(nonce=1, code=code),
    }
    chain = GrowingChain(7, alloc)
    transfer = Fields(2, 7, 0, 21_000, b"\x05" * 20, 1, max_fee_wei=9, tip_wei=9)
    chain.execute([sign(key, transfer)])
    chain.execute(system=[SystemTransaction(0, COINBASE, 100_000, b"")])
    batch = chain.batch(1, 2)
    witness = batch.witness()
    assert witness.codes == (code,)
    assert run_guest(encode_witness(witness)).proves(batch.statement())


def test_code_that_the_batch_itself_deploys_is_not_in_the_witness() -> None:
    key = make_key(1)
    code = assemble(1, 1, "SSTORE", "STOP")
    chain = GrowingChain(7, {key.address: GenesisAccount(balance_wei=10**18)})
    creation = Fields(2, 7, 0, 200_000, data=return_data(code))
    created = chain.execute([sign(key, creation)]).receipts[0].contract_address
    assert created is not None
    chain.execute(system=[SystemTransaction(0, created, 100_000, b"")])
    batch = chain.batch(1, 2)
    assert batch.witness().codes == ()
    assert run_guest(encode_witness(batch.witness())).proves(batch.statement())
    assert chain.batch(2, 2).witness().codes == (code,)


STORING = (
    push(0)
    + assemble("JUMPDEST", "DUP1", 32, "ADD", "CALLDATALOAD", "DUP2", "CALLDATALOAD", "SSTORE")
    + assemble(64, "ADD", "DUP1", "CALLDATASIZE", "GT", len(push(0)), "JUMPI", "STOP")
)
"""Stores the second of each two words of call data at the slot that the first names."""


def test_storage_that_shrinks_and_grows_needs_no_more_than_the_witness_has() -> None:
    random = Random(1)
    contract = Address(b"\xc0" * 20)
    values = {slot: slot + 1 for slot in range(40)}
    chain = GrowingChain(7, {contract: GenesisAccount(nonce=1, code=STORING, storage=values)})
    current = dict(values)
    for number in range(12):
        slots = random.sample(range(48), random.choice((1, 2, 7, 30)))
        is_clearing = number % 3 != 2
        changes = {slot: 0 if is_clearing else slot + number for slot in slots}
        words = [word.to_bytes(32, "big") for change in changes.items() for word in change]
        call = SystemTransaction(number, contract, 30_000_000, b"".join(words))
        assert chain.execute(system=[call]).receipts[0].is_success
        current.update(changes)
    assert all(
        chain.engines.wasm.storage_at(contract, slot) == value for slot, value in current.items()
    )

    for number in range(1, 13):
        batch = chain.batch(number, number)
        witness = batch.witness()
        assert run_batch(encode_witness(witness)) == batch.statement()
        for index in range(len(witness.nodes)):
            nodes = (*witness.nodes[:index], *witness.nodes[index + 1 :])
            with pytest.raises(WitnessRejectedError):
                run_batch(encode_witness(replace(witness, nodes=nodes)))
    whole = chain.batch(1, 12)
    assert run_guest(encode_witness(whole.witness())).proves(whole.statement())
