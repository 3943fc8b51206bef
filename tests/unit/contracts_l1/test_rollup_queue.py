"""Deposits and forced transactions: one queue, whose hash chain binds every field in order."""

import pytest
from attackers import deploy_attacker
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.outbox import message_leaf
from contracts import BRIDGED_TOKENS_ADDRESS, FORCED_TRANSACTION_ADDRESS, PORTAL_ADDRESS
from contracts.bridged_tokens import mint_from_l1_call
from execution.block_data import extend_chain
from execution.types import SYSTEM_ADDRESS, Address, Hash32
from ledger.crossing import Message
from ledger.hashing import keccak
from tests.support.engine_chain import ETHER, START_SECONDS
from tests.support.rollup_world import (
    ALICE,
    BOB,
    GUARDIAN,
    INCLUSION_SECONDS,
    L1_CHAIN_ID,
    MALLORY,
    RollupWorld,
)

TARGET = Address(keccak(b"target")[12:])
SHARED_WORLD = [HealthCheck.function_scoped_fixture]
"""The examples add to one queue."""


def chain_over(messages: list[Message]) -> Hash32:
    """The queue's hash as the ledger's own code makes it."""
    return extend_chain(
        Hash32(bytes(32)), (Hash32(keccak(message_leaf(message))) for message in messages)
    )


def test_a_deposit_is_an_entry_with_every_field(world: RollupWorld) -> None:
    outcome = world.rollup.must(ALICE, "deposit", TARGET, 70_000, b"\x01\x02", value_wei=5)
    message = world.enqueue(outcome)
    assert message == Message(L1_CHAIN_ID, 0, ALICE.address, TARGET, 5, 70_000, b"\x01\x02")
    assert world.rollup.view("queue_hash", 1) == chain_over([message])
    assert world.rollup.view("enqueued_at", 0) == START_SECONDS


@settings(max_examples=25, deadline=None, suppress_health_check=SHARED_WORLD)
@given(
    entries=st.lists(
        st.tuples(
            st.integers(2**16, 2**159 - 1),
            st.integers(0, 2_000_000),
            st.binary(max_size=300) | st.just(bytes(8192)),
            st.integers(0, 10**15),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_the_hash_chain_is_that_of_the_ledger_for_any_entries(
    world: RollupWorld, entries: list[tuple[int, int, bytes, int]]
) -> None:
    for target, gas_limit, data, value_wei in entries:
        arguments = (Address(target.to_bytes(20)), gas_limit, data)
        world.enqueue(world.rollup.must(BOB, "deposit", *arguments, value_wei=value_wei))
    for count in range(len(world.queue) + 1):
        assert world.rollup.view("queue_hash", count) == chain_over(world.queue[:count])


def test_the_queues_end_is_the_end(world: RollupWorld) -> None:
    world.deposit_eth(ALICE, 1)
    assert world.rollup.view("queue_length") == 1
    assert world.rollup.refusal(ALICE, "queue_hash", 2) == "queue: fewer entries"
    assert world.rollup.refusal(ALICE, "enqueued_at", 1) == "queue: no such entry"


def test_a_plain_deposit_arrives_on_the_zk_chain(world: RollupWorld) -> None:
    world.deposit_eth(ALICE, 3 * ETHER, receiver=MALLORY)
    (receipt,) = world.deliver()
    assert receipt.is_success
    assert world.zk.chain.balance_wei(MALLORY.address) == 3 * ETHER


def test_a_deposit_of_nothing_is_refused(world: RollupWorld) -> None:
    assert world.rollup.refusal(ALICE, "deposit_eth", TARGET) == "rollup: no value"


@pytest.mark.parametrize(
    "target",
    [
        Address(bytes(20)),
        Address((1).to_bytes(20)),
        Address((65_535).to_bytes(20)),
        PORTAL_ADDRESS,
        SYSTEM_ADDRESS,
        FORCED_TRANSACTION_ADDRESS,
    ],
)
def test_targets_that_the_portal_would_not_call_are_refused(
    world: RollupWorld, target: Address
) -> None:
    for function, arguments in (("deposit", (target, 0, b"")), ("deposit_eth", (target,))):
        assert world.rollup.refusal(ALICE, function, *arguments, value_wei=1) == (
            "rollup: forbidden target"
        )


def test_bounds_of_gas_and_data_are_the_portals(world: RollupWorld) -> None:
    world.rollup.must(ALICE, "deposit", TARGET, 2_000_000, bytes(8192))
    assert world.rollup.refusal(ALICE, "deposit", TARGET, 2_000_001, b"") == (
        "rollup: gas limit above 2000000"
    )
    assert not world.rollup.transact(ALICE, "deposit", TARGET, 0, bytes(8193)).is_success


def test_a_token_is_taken_into_custody_and_its_twin_minted(world: RollupWorld) -> None:
    message = world.deposit_token(ALICE, 7)
    assert message.sender == world.rollup.address
    assert message.target == BRIDGED_TOKENS_ADDRESS
    assert message.data == mint_from_l1_call(world.token.address, 7, ALICE.address)
    assert world.token.view("ownerOf", 7) == "0x" + world.rollup.address.hex()
    assert world.rollup.view("is_in_custody", world.token.address, 7)
    world.deliver()
    twin = world.zk.tokens.view("token_id_of", world.token.address, 7)
    assert world.zk.tokens.view("ownerOf", twin) == "0x" + ALICE.address.hex()


def test_only_who_owns_a_token_can_deposit_it(world: RollupWorld) -> None:
    world.token.must(ALICE, "mint", ALICE.address, 7)
    world.token.must(ALICE, "approve", world.rollup.address, 7)
    stolen = world.rollup.refusal(MALLORY, "deposit_token", world.token.address, 7, MALLORY.address)
    assert stolen == "erc721: another owner"
    zero = Address(bytes(20))
    lost = world.rollup.refusal(ALICE, "deposit_token", world.token.address, 7, zero)
    assert lost == "custody: zero receiver"


def test_a_contract_that_is_no_token_is_refused(world: RollupWorld) -> None:
    for address in (world.rollup.address, world.registry.address, TARGET):
        arguments = (address, 7, MALLORY.address)
        assert not world.rollup.transact(MALLORY, "deposit_token", *arguments).is_success
    assert world.rollup.view("queue_length") == 0


def test_a_token_that_lies_about_its_owner_is_not_taken(world: RollupWorld) -> None:
    liar = deploy_attacker(world)
    arguments = (liar.address, 7, MALLORY.address)
    liar.must(MALLORY, "lie", True)
    assert world.rollup.refusal(MALLORY, "deposit_token", *arguments) == (
        "custody: the token did not come"
    )
    liar.must(MALLORY, "lie", False)
    world.rollup.must(MALLORY, "deposit_token", *arguments)
    assert world.rollup.refusal(MALLORY, "deposit_token", *arguments) == (
        "custody: the token is here already"
    )


def test_a_forced_transaction_is_an_entry_that_anyone_may_make(world: RollupWorld) -> None:
    message = world.enqueue(world.rollup.must(MALLORY, "force_transaction", b"raw"))
    assert message.is_forced_transaction
    assert (message.value_wei, message.gas_limit, message.data) == (0, 0, b"raw")
    assert world.rollup.view("queue_hash", 1) == chain_over([message])


def test_the_portal_delivers_a_forced_entry_as_a_harmless_call(world: RollupWorld) -> None:
    world.enqueue(world.rollup.must(MALLORY, "force_transaction", b"raw"))
    (receipt,) = world.deliver()
    assert receipt.is_success
    assert world.zk.portal.view("next_l1_nonce") == 1


def test_an_empty_forced_transaction_is_refused(world: RollupWorld) -> None:
    assert world.rollup.refusal(ALICE, "force_transaction", b"") == "rollup: no transaction"


def test_an_l1_block_takes_only_so_many_forced_transactions(world: RollupWorld) -> None:
    data = world.rollup.encode_call("force_transaction", b"raw")
    many = [world.l1.sign(MALLORY, world.rollup.address, data, gas=200_000) for _ in range(9)]
    assert world.l1.block(many) == [True] * 8 + [False]
    assert world.l1.block([world.l1.sign(MALLORY, world.rollup.address, data, gas=200_000)]) == [
        True
    ]


def test_a_pause_stops_deposits_but_no_forced_transaction(world: RollupWorld) -> None:
    world.token.must(ALICE, "mint", ALICE.address, 7)
    world.token.must(ALICE, "approve", world.rollup.address, 7)
    world.rollup.must(GUARDIAN, "pause", 100)
    for function, arguments in (
        ("deposit", (TARGET, 0, b"")),
        ("deposit_eth", (TARGET,)),
        ("deposit_token", (world.token.address, 7, ALICE.address)),
    ):
        value = 0 if function == "deposit_token" else 1
        assert (
            world.rollup.refusal(ALICE, function, *arguments, value_wei=value) == "rollup: paused"
        )
    world.rollup.must(ALICE, "force_transaction", b"raw")
    world.l1.pass_time(100)
    world.rollup.must(ALICE, "deposit_eth", TARGET, value_wei=1)


@settings(max_examples=20, deadline=None, suppress_health_check=SHARED_WORLD)
@given(gaps=st.lists(st.integers(0, INCLUSION_SECONDS // 2), min_size=1, max_size=9))
def test_due_entries_are_those_past_the_deadline(world: RollupWorld, gaps: list[int]) -> None:
    for gap in gaps:
        world.rollup.must(ALICE, "force_transaction", b"raw")
        world.l1.pass_time(gap)
    length = world.rollup.view("queue_length")
    times = [world.rollup.view("enqueued_at", nonce) for nonce in range(length)]
    due = sum(time + INCLUSION_SECONDS <= world.l1.now_seconds for time in times)
    assert world.rollup.view("due_entries") == due
