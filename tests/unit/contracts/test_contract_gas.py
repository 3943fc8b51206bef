"""What the calls cost at most: ceilings some 20 % above what they cost on Prague."""

import random

import pytest
from contract_world import ALICE, BOB, FAST_CHAIN_ID, World
from eth_abi.abi import encode
from eth_hash.auto import keccak
from eth_utils.abi import function_signature_to_4byte_selector
from evm_harness import ETHER, START_SECONDS, account_address

from bridge.work import RecordZkRoot, SetQuarantine
from contracts import artifact
from contracts.addresses import ROUND_GUARD_ADDRESS
from contracts.system_calls import BOOKKEEPING_GAS_LIMIT, system_transaction
from execution.types import SYSTEM_ADDRESS, Address
from ledger.crossing import Message

OWNERS_SLOT = artifact("AccessPass").storage_layout["erc721._owners"]
GAME = account_address("game on fast")


def test_sending_and_delivering(world: World) -> None:
    plain = world.fast_portal.transact("send", BOB, 100_000, b"", sender=ALICE)
    valued = world.fast_portal.transact("send", BOB, 100_000, b"", sender=ALICE, value_wei=1)
    delivered = [world.carry(sent, world.fast)[0].gas_used for sent in (plain, valued)]
    again = world.fast_portal.transact("send", BOB, 100_000, b"", sender=ALICE)
    assert plain.gas_used <= 91_000
    assert valued.gas_used <= 80_000
    assert again.gas_used <= 50_000
    assert delivered[0] <= 75_000
    assert delivered[1] <= 75_000


@pytest.mark.parametrize(("winners", "ceiling"), [(1, 230_000), (5, 800_000), (64, 2_200_000)])
def test_reporting_winners(world: World, winners: int, ceiling: int) -> None:
    trophy = world.zk.deploy("Trophy", sender=ALICE)
    world.guard.transact("register_game", trophy.address, sender=ALICE)
    opened = world.guard.transact(
        "open_round",
        GAME,
        trophy.address,
        64,
        ETHER,
        0,
        START_SECONDS + 60,
        sender=ALICE,
        value_wei=64 * ETHER // 100,
    )
    assert opened.is_success
    receivers = [account_address(f"winner {i}") for i in range(winners)]
    data = function_signature_to_4byte_selector("report(uint256,address[])") + encode(
        ["uint256", "address[]"], [1, receivers]
    )
    message = Message(FAST_CHAIN_ID, 0, GAME, ROUND_GUARD_ADDRESS, 0, 2_000_000, data)
    delivered = world.zk.deliver(message)
    assert delivered.event_count("MessageDelivered", "Portal") == 1
    assert delivered.gas_used <= ceiling


def test_bookkeeping_uses_less_than_half_of_its_gas(world: World) -> None:
    root = system_transaction(0, RecordZkRoot(1, world.zk.state_root))
    quarantine = system_transaction(0, SetQuarantine(True, 1))
    for chain, call in ((world.fast, root), (world.zk, quarantine)):
        outcome = chain.execute(call.to, call.data, sender=SYSTEM_ADDRESS, gas=call.gas_limit)
        assert outcome.is_success
        assert outcome.gas_used < BOOKKEEPING_GAS_LIMIT // 2


def test_proving_an_ownership_in_a_large_state(world: World) -> None:
    """A token of 400 ids in a state of 2,000 accounts: five branch nodes in all."""
    generator = random.Random(1)
    world.zk.fund(*(Address(generator.randbytes(20)) for _ in range(2_000)), value_wei=1)
    token = world.zk.deploy("AccessPass", 0, 1_000, sender=ALICE)
    world.carry(token.transact("announce_owner_slot", sender=ALICE), world.zk)
    for _ in range(400):
        token.transact("mint_to", BOB, sender=ALICE)
    call = system_transaction(0, RecordZkRoot(1, world.zk.state_root))
    world.fast.execute(call.to, call.data, sender=SYSTEM_ADDRESS, gas=call.gas_limit)

    slot = int.from_bytes(keccak(OWNERS_SLOT.to_bytes(32) + (7).to_bytes(32)))
    proofs = (world.zk.account_proof(token.address), world.zk.storage_proof(token.address, slot))
    outcome = world.oracle.transact(
        "prove_ownership", 1, token.address, 7, BOB, *proofs, sender=BOB
    )
    assert outcome.is_success
    assert outcome.gas_used <= 415_000
