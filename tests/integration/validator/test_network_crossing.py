"""Messages cross between the chains, exactly once and in order, by certified checkpoints."""

import pytest
from crossing import (
    ORACLE,
    delivered_nonces,
    received_count,
    send_message,
    view,
)
from local_network import LocalNetwork, address_of

from actors.transport.interface import Channel
from contracts.addresses import PORTAL_ADDRESS
from execution.types import Address
from ledger.types import ChainRole

RECEIVER = Address(bytes.fromhex("12" * 20))
RECEIVER_HEX = "0x" + RECEIVER.hex()


@pytest.mark.parametrize("source", list(ChainRole))
async def test_messages_arrive_once_and_in_order_on_all_nodes(
    network: LocalNetwork, source: ChainRole
) -> None:
    await network.start()
    for nonce in range(6):
        send_message(network, nonce % 4, source, 0, nonce, RECEIVER, value_wei=10 + nonce)
    total_wei = sum(10 + nonce for nonce in range(6))
    await network.wait_until(
        lambda: all(
            network.balance(index, source.other, RECEIVER_HEX) == total_wei for index in range(4)
        )
    )
    await network.wait_for_growth(20)
    for index in range(4):
        assert network.balance(index, source.other, RECEIVER_HEX) == total_wei
        assert received_count(network, index, source.other) == 6
        assert delivered_nonces(network, index, source.other) == list(range(6))
        assert network.nodes[index].final_state.chain(source).next_message_nonce == 6


async def test_a_delivery_follows_the_checkpoint_that_certifies_it(network: LocalNetwork) -> None:
    await network.start()
    send_message(network, 0, ChainRole.FAST, 0, 0, RECEIVER, value_wei=5)
    await network.wait_until(lambda: network.balance(0, ChainRole.ZK, RECEIVER_HEX) == 5)
    await network.wait_until(lambda: list(delivered_nonces(network, 0, ChainRole.ZK)) == [0])
    has_checkpoint = False
    for ordered in network.nodes[0].archive.ordered_from(1):
        for certified in ordered.sealed.body.checkpoints:
            network.nodes[0].validators.verify_checkpoint(certified.certificate)
            has_checkpoint = has_checkpoint or bool(certified.messages)
        if ordered.work.deliveries:
            assert has_checkpoint
            return
    pytest.fail("no block delivers the message")


async def test_the_fast_chain_knows_state_roots_of_final_zk_blocks(network: LocalNetwork) -> None:
    await network.start()

    def newest_root() -> int:
        return view(network, 1, ChainRole.FAST, ORACLE, "latest_zk_block_number()")

    await network.wait_until(lambda: newest_root() >= 2)
    number = newest_root()
    known = view(network, 1, ChainRole.FAST, ORACLE, "state_root_of(uint256)", number)
    root = network.state_root(1, ChainRole.ZK, number)
    assert root is not None
    assert known == int.from_bytes(root, "big")


async def test_a_message_that_reverts_is_parked_and_the_next_ones_arrive(
    network: LocalNetwork,
) -> None:
    await network.start()
    send_message(network, 0, ChainRole.ZK, 0, 0, ORACLE, value_wei=7, data=b"no such function")
    send_message(network, 0, ChainRole.ZK, 0, 1, RECEIVER, value_wei=9)
    await network.wait_until(
        lambda: all(network.balance(index, ChainRole.FAST, RECEIVER_HEX) == 9 for index in range(4))
    )
    for index in range(4):
        assert received_count(network, index, ChainRole.FAST) == 2
    # Its value goes back to the sender by a message of the fast chain.
    await network.wait_until(
        lambda: all(received_count(network, index, ChainRole.ZK) == 1 for index in range(4))
    )
    assert view(network, 0, ChainRole.FAST, PORTAL_ADDRESS, "next_outbound_nonce()") == 1


async def test_what_crosses_survives_the_death_of_all_nodes(network: LocalNetwork) -> None:
    await network.start()
    for nonce in range(4):
        send_message(network, 0, ChainRole.FAST, 0, nonce, RECEIVER, value_wei=10)
    await network.wait_until(
        lambda: network.core(0, ChainRole.FAST).account_nonces([address_of(0)]) == [4]
    )
    await network.wait_for_growth(1)
    await network.kill()
    await network.start()
    await network.wait_until(
        lambda: all(network.balance(index, ChainRole.ZK, RECEIVER_HEX) == 40 for index in range(4))
    )
    await network.wait_for_growth(10)
    assert delivered_nonces(network, 2, ChainRole.ZK) == [0, 1, 2, 3]


async def test_a_message_crosses_although_all_attestations_and_bridges_of_its_block_are_lost(
    network: LocalNetwork,
) -> None:
    await network.start()
    honest_carry = network.memory.carry

    def lose_attestations(sender: int, receiver: int, channel: Channel, payload: bytes) -> bool:
        is_lost = channel is Channel.ATTESTATION
        return not is_lost and honest_carry(sender, receiver, channel, payload)

    network.memory.carry = lose_attestations  # type: ignore[method-assign]
    send_message(network, 0, ChainRole.FAST, 0, 0, RECEIVER, value_wei=5)

    def sent_number(index: int) -> int:
        core = network.core(index, ChainRole.FAST)
        results = core.final_results(1, core.final_number)
        return max((r.executed.number for r in results if r.executed.messages), default=0)

    await network.wait_until(lambda: all(sent_number(index) > 0 for index in range(4)))
    chain_id = network.genesis.chain(ChainRole.FAST).chain_id
    await network.wait_until(
        lambda: all(
            (chain_id, sent_number(index)) in network.bridges[index].desk._own for index in range(4)
        )
    )
    for bridge in network.bridges.values():
        bridge.replace()
    network.memory.carry = honest_carry  # type: ignore[method-assign]
    await network.wait_until(
        lambda: all(network.balance(index, ChainRole.ZK, RECEIVER_HEX) == 5 for index in range(4))
    )
