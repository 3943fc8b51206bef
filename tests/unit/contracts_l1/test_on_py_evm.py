"""A life on L1, replayed on py-evm: the embedded L1 and the product's engine agree on every bit."""

from typing import Any

from contracts import PORTAL_ADDRESS
from contracts.withdrawals import withdraw_call, withdrawal_slot
from execution.reference import ReferenceEngine
from execution.types import Address
from tests.support.engine_chain import ETHER
from tests.support.rollup_world import ALICE, BOB, MALLORY, POSTER, RollupWorld


def live(world: RollupWorld) -> None:
    """Deposit, settle, withdraw, be refused, and escape."""
    world.deposit_eth(ALICE, 3 * ETHER)
    world.deposit_token(BOB, 7)
    world.deliver()
    world.zk.transact(ALICE, PORTAL_ADDRESS, withdraw_call(BOB.address), ETHER)
    world.settle()
    proofs = world.proof(PORTAL_ADDRESS, withdrawal_slot(0))
    fields: tuple[Any, ...] = (0, ALICE.address, BOB.address, ETHER, Address(bytes(20)), 0)
    world.exits.must(POSTER, "withdraw", *fields, *proofs)
    assert world.exits.refusal(POSTER, "withdraw", *fields, *proofs) == "exits: already withdrawn"
    world.enqueue(world.rollup.must(MALLORY, "force_transaction", b"left out"))
    world.open_escape_hatch()
    account_proof, _ = world.proof(ALICE.address)
    world.exits.must(ALICE, "escape_balance", ALICE.address, BOB.address, account_proof, b"")


def test_py_evm_agrees_on_every_block_of_a_life_on_l1() -> None:
    world = RollupWorld(validator_count=1)
    live(world)
    reference = ReferenceEngine(world.l1.spec)
    for block, output in world.l1.executed:
        assert reference.execute(block) == output
