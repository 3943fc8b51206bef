"""Ownership of a ZK chain's token, proved on the fast chain."""

import pytest
from contract_world import ALICE, BOB, MALLORY, World
from eth_hash.auto import keccak
from evm_harness import ETHER, START_SECONDS, Contract, Outcome, sent_messages

from bridge.work import RecordZkRoot
from contracts import artifact
from contracts.addresses import OWNERSHIP_ORACLE_ADDRESS, PORTAL_ADDRESS
from contracts.bindings import record_call
from contracts.system_calls import system_transaction
from execution.types import SYSTEM_ADDRESS, Address, Hash32
from ledger.crossing import Message

OWNERS_SLOT = artifact("AccessPass").storage_layout["erc721._owners"]
APPROVALS_SLOT = artifact("AccessPass").storage_layout["erc721._token_approvals"]
Proof = tuple[bytes, ...]


def record(world: World, number: int, state_root: Hash32 | None = None) -> Outcome:
    """Record the ZK chain's state root as the protocol does."""
    item = RecordZkRoot(number, state_root or world.zk.state_root)
    call = system_transaction(0, item)
    return world.fast.execute(call.to, call.data, sender=SYSTEM_ADDRESS, gas=call.gas_limit)


def mapping_slot(slot: int, token_id: int) -> int:
    """Return the slot of a mapping's entry as Vyper places it."""
    return int.from_bytes(keccak(slot.to_bytes(32) + token_id.to_bytes(32)))


def proofs(
    world: World, token: Contract, token_id: int, slot: int = OWNERS_SLOT
) -> tuple[Proof, Proof]:
    """Return the account proof and the storage proof of a token's owner."""
    storage_proof = world.zk.storage_proof(token.address, mapping_slot(slot, token_id))
    return world.zk.account_proof(token.address), storage_proof


@pytest.fixture
def access_pass(world: World) -> Contract:
    """Return an access pass whose slot is announced; Bob owns 0, Alice 1 to 40."""
    token = world.zk.deploy("AccessPass", ETHER // 10, 100, sender=ALICE)
    for owner in (BOB, *[ALICE] * 40):
        bought = token.transact("mint", sender=owner, value_wei=ETHER // 10)
        assert bought.is_success
    (outcome,) = world.carry(token.transact("announce_owner_slot", sender=MALLORY), world.zk)
    assert outcome.event_count("MessageDelivered", "Portal") == 1
    return token


def prove(world: World, token: Contract, token_id: int, owner: Address, number: int = 1) -> Outcome:
    """Prove an owner at a recorded block with the current state's proofs."""
    account_proof, storage_proof = proofs(world, token, token_id)
    return world.oracle.transact(
        "prove_ownership",
        number,
        token.address,
        token_id,
        owner,
        account_proof,
        storage_proof,
        sender=MALLORY,
    )


def owner_of(world: World, token: Contract, token_id: int, age: int = 300) -> str:
    """Ask the oracle for an owner."""
    return str(world.oracle.view("owner_of", token.address, token_id, age))


def hex_address(address: Address) -> str:
    """Return an address as the ABI decoder gives it."""
    return "0x" + address.hex()


NOBODY = hex_address(Address(bytes(20)))


def test_the_owner_of_a_pass_is_proved(world: World, access_pass: Contract) -> None:
    record(world, 1)
    assert prove(world, access_pass, 0, BOB).is_success
    assert owner_of(world, access_pass, 0) == hex_address(BOB)
    assert prove(world, access_pass, 17, ALICE).is_success
    assert owner_of(world, access_pass, 17) == hex_address(ALICE)


def test_another_owner_is_not_proved(world: World, access_pass: Contract) -> None:
    record(world, 1)
    outcome = prove(world, access_pass, 0, MALLORY)
    assert outcome.reason == "oracle: another account owns the token"
    account_proof, storage_proof = proofs(world, access_pass, 0)
    arguments = (1, access_pass.address, 0, BOB, account_proof, storage_proof)
    assert world.oracle.view("verify_erc721_owner", *arguments)
    forged = (1, access_pass.address, 0, MALLORY, account_proof, storage_proof)
    assert not world.oracle.view("verify_erc721_owner", *forged)


def test_the_proof_of_one_token_does_not_serve_another(world: World, access_pass: Contract) -> None:
    record(world, 1)
    account_proof, storage_proof = proofs(world, access_pass, 0)
    outcome = world.oracle.transact(
        "prove_ownership",
        1,
        access_pass.address,
        1,
        BOB,
        account_proof,
        storage_proof,
        sender=BOB,
    )
    assert not outcome.is_success


def test_an_approval_is_not_passed_off_as_ownership(world: World, access_pass: Contract) -> None:
    """The proof of the approvals' slot is true, but not of the slot that the token announced."""
    access_pass.transact("approve", MALLORY, 0, sender=BOB)
    record(world, 1)
    account_proof, storage_proof = proofs(world, access_pass, 0, slot=APPROVALS_SLOT)
    outcome = world.oracle.transact(
        "prove_ownership",
        1,
        access_pass.address,
        0,
        MALLORY,
        account_proof,
        storage_proof,
        sender=MALLORY,
    )
    assert not outcome.is_success


def test_nobody_registers_another_slot_for_a_token(world: World, access_pass: Contract) -> None:
    call = world.oracle.encode_call("register_token", APPROVALS_SLOT, 2)
    sent = world.zk_portal.transact("send", OWNERSHIP_ORACLE_ADDRESS, 200_000, call, sender=MALLORY)
    world.carry(sent, world.zk)
    assert world.oracle.view("owner_mappings", access_pass.address) == (2, OWNERS_SLOT)
    assert world.oracle.view("owner_mappings", MALLORY) == (2, APPROVALS_SLOT)
    direct = world.oracle.transact("register_token", APPROVALS_SLOT, 2, sender=MALLORY)
    assert direct.reason == "oracle: caller is not the portal"


def test_a_token_registers_only_once(world: World, access_pass: Contract) -> None:
    sent = access_pass.transact("announce_owner_slot", sender=MALLORY)
    (outcome,) = world.carry(sent, world.zk)
    (event,) = outcome.events("MessageParked", "Portal")
    assert b"token is already registered" in event["reason"]


def test_a_token_that_never_registered_has_no_owners(world: World) -> None:
    token = world.zk.deploy("AccessPass", 0, 10, sender=ALICE)
    token.transact("mint", sender=BOB)
    record(world, 1)
    assert prove(world, token, 0, BOB).reason == "oracle: token is not registered"


def test_an_unknown_mapping_layout_is_refused(world: World) -> None:
    for layout in (0, 3):
        call = world.oracle.encode_call("register_token", 1, layout)
        nonce = world.fast_portal.view("next_inbound_nonce")
        message = Message(world.zk.chain_id, nonce, BOB, OWNERSHIP_ORACLE_ADDRESS, 0, 200_000, call)
        assert world.fast.deliver(message).event_count("MessageParked", "Portal") == 1


def test_a_solidity_mapping_is_proved_too(world: World) -> None:
    """A token that places owners as Solidity does, at slot 2."""
    entry = keccak((7).to_bytes(32) + (2).to_bytes(32))
    # PUSH20 bob PUSH32 entry SSTORE
    code = bytes.fromhex("73") + BOB + bytes.fromhex("7f") + entry + bytes.fromhex("55")
    address = world.zk.put_code(Address(b"solidity token".ljust(20, b"\x01")), code)
    world.zk.execute(address, sender=BOB)
    call = world.oracle.encode_call("register_token", 2, 1)
    world.fast.deliver(
        Message(world.zk.chain_id, 0, address, OWNERSHIP_ORACLE_ADDRESS, 0, 200_000, call)
    )
    record(world, 1)
    proof = world.zk.storage_proof(address, int.from_bytes(entry))
    arguments = (1, address, 7, BOB, world.zk.account_proof(address), proof)
    assert world.oracle.view("verify_erc721_owner", *arguments)


def test_only_the_system_records_roots(world: World) -> None:
    outcome = world.fast.execute(
        OWNERSHIP_ORACLE_ADDRESS, record_call(1, Hash32(bytes(32))), sender=MALLORY
    )
    assert outcome.reason == "oracle: caller is not the system"


def test_roots_are_recorded_in_rising_order(world: World) -> None:
    assert record(world, 5).is_success
    for number in (5, 4, 0):
        assert record(world, number).reason == "oracle: block is not newer"
    assert record(world, 6).is_success
    assert world.oracle.view("latest_zk_block_number") == 6


def test_a_block_that_is_not_recorded_proves_nothing(world: World, access_pass: Contract) -> None:
    record(world, 5)
    for number in (0, 4, 6, 5 + 8192):
        outcome = prove(world, access_pass, 0, BOB, number)
        assert outcome.reason == "oracle: block is not recorded"


def test_the_ring_forgets_a_root_after_8192_blocks(world: World, access_pass: Contract) -> None:
    record(world, 1)
    record(world, 8192)
    assert prove(world, access_pass, 0, BOB, 1).is_success
    record(world, 8193)
    assert prove(world, access_pass, 0, BOB, 1).reason == "oracle: block is not recorded"
    assert prove(world, access_pass, 0, BOB, 8193).is_success


def test_a_proof_is_as_old_as_its_root(world: World, access_pass: Contract) -> None:
    record(world, 1)
    world.at(START_SECONDS + 299)
    prove(world, access_pass, 0, BOB)
    world.at(START_SECONDS + 300)
    assert owner_of(world, access_pass, 0, age=300) == hex_address(BOB)
    world.at(START_SECONDS + 301)
    assert owner_of(world, access_pass, 0, age=300) == NOBODY


def test_no_reader_can_ask_for_more_than_ten_minutes(world: World, access_pass: Contract) -> None:
    record(world, 1)
    prove(world, access_pass, 0, BOB)
    world.at(START_SECONDS + 600)
    assert owner_of(world, access_pass, 0, age=2**256 - 1) == hex_address(BOB)
    world.at(START_SECONDS + 601)
    assert owner_of(world, access_pass, 0, age=2**256 - 1) == NOBODY


def test_an_older_proof_does_not_replace_a_newer_one(world: World, access_pass: Contract) -> None:
    record(world, 1)
    account_proof, storage_proof = proofs(world, access_pass, 0)
    old = (1, access_pass.address, 0, BOB, account_proof, storage_proof)
    access_pass.transact("transferFrom", BOB, ALICE, 0, sender=BOB)
    record(world, 2)
    assert prove(world, access_pass, 0, ALICE, 2).is_success
    stale = world.oracle.transact("prove_ownership", *old, sender=BOB)
    assert stale.reason == "oracle: a newer ownership is proved"
    assert owner_of(world, access_pass, 0) == hex_address(ALICE)


def test_a_proof_against_another_blocks_root_fails(world: World, access_pass: Contract) -> None:
    record(world, 1)
    access_pass.transact("transferFrom", BOB, ALICE, 0, sender=BOB)
    assert prove(world, access_pass, 0, ALICE, 1).reason == "mpt: node has another hash"


def test_the_announcement_is_a_message_of_the_token_itself(
    world: World, access_pass: Contract
) -> None:
    (message,) = sent_messages(access_pass.transact("announce_owner_slot", sender=BOB), world.zk)
    assert message.sender == access_pass.address
    assert message.target == OWNERSHIP_ORACLE_ADDRESS != PORTAL_ADDRESS
