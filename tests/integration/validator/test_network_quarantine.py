"""The fast chain is cut off by votes, and comes back by a replay."""

from crossing import delivered_nonces, received_count, send_message
from local_network import LocalNetwork, address_of, transfer
from losses import word

from contracts.addresses import ROUND_GUARD_ADDRESS
from execution.types import Address
from ledger.types import ChainRole

RECEIVER = Address(bytes.fromhex("12" * 20))
RECEIVER_HEX = "0x" + RECEIVER.hex()


async def quarantine(network: LocalNetwork, *voters: int) -> None:
    for index in voters:
        node = network.nodes[index]
        node.operators.vote_quarantine(node.final_state, "test")
    await network.wait_until(
        lambda: all(node.final_state.quarantine.is_active for node in network.nodes.values())
    )


async def resume(network: LocalNetwork, *voters: int) -> None:
    point = network.nodes[0].final_state.fast.certified
    sequence = network.nodes[0].final_state.quarantine.sequence
    for index in voters:
        node = network.nodes[index]
        node.operators.vote_resume(node.final_state, point.number, point.state_root)
    await network.wait_until(
        lambda: all(
            node.final_state.quarantine.sequence == sequence + 1 for node in network.nodes.values()
        )
    )


async def all_executed(network: LocalNetwork) -> None:
    for role in ChainRole:
        number = max(node.final_state.chain(role).number for node in network.nodes.values())
        await network.wait_for_execution(role, number)
        roots = {tuple(network.state_roots(index, role, number)) for index in network.nodes}
        assert len(roots) == 1


async def balance_everywhere(network: LocalNetwork, role: ChainRole, wei: int) -> None:
    await network.wait_until(
        lambda: all(network.balance(index, role, RECEIVER_HEX) == wei for index in network.nodes)
    )


async def caps_are_halved(network: LocalNetwork, times: int) -> None:
    """Wait until the ZK chain of every node has its caps halved so many times."""
    await network.wait_until(
        lambda: all(
            word(network.core(index, ChainRole.ZK).engine, ROUND_GUARD_ADDRESS, "cap_halvings()")
            == times
            for index in network.nodes
        )
    )


async def test_two_votes_of_four_halve_the_caps_and_three_cut_the_fast_chain_off(
    network: LocalNetwork,
) -> None:
    await network.start()
    node = network.nodes[3]
    node.operators.vote_quarantine(node.final_state, "test")
    await network.wait_for_growth(10)
    await caps_are_halved(network, 0)
    node = network.nodes[0]
    node.operators.vote_quarantine(node.final_state, "test")
    await caps_are_halved(network, 1)
    await network.wait_for_growth(10)
    assert network.nodes[1].final_state.quarantine.votes == (0, 3)
    assert not network.nodes[1].final_state.quarantine.is_active
    await quarantine(network, 2)
    await caps_are_halved(network, 2)


async def test_a_vote_that_was_cast_outlives_the_death_of_its_node(network: LocalNetwork) -> None:
    await network.start()
    await network.wait_for_height(4)
    node = network.nodes[2]
    node.operators.vote_quarantine(node.final_state, "test")
    await network.kill(2)
    await network.start(2)
    await network.wait_until(
        lambda: all(node.final_state.quarantine.votes == (2,) for node in network.nodes.values())
    )


async def test_a_quarantine_stops_what_comes_from_the_fast_chain_and_not_the_zk_chain(
    network: LocalNetwork,
) -> None:
    await network.start()
    send_message(network, 0, ChainRole.FAST, 0, 0, RECEIVER, value_wei=5)
    await balance_everywhere(network, ChainRole.ZK, 5)
    await quarantine(network, 0, 1, 2)

    send_message(network, 0, ChainRole.FAST, 0, 1, RECEIVER, value_wei=5)
    raws = [transfer(ChainRole.ZK, 1, nonce, to=RECEIVER_HEX, value_wei=1) for nonce in range(3)]
    network.submit(0, ChainRole.ZK, raws)
    await balance_everywhere(network, ChainRole.ZK, 5 + 3)
    zk_number = network.nodes[0].final_state.zk.number
    await network.wait_until(lambda: network.nodes[0].final_state.zk.number >= zk_number + 5)
    assert network.balance(0, ChainRole.ZK, RECEIVER_HEX) == 5 + 3
    assert network.nodes[0].final_state.fast.next_message_nonce == 1


async def test_a_resume_replays_the_fast_chain_to_the_same_state_and_crossing_works_again(
    network: LocalNetwork,
) -> None:
    await network.start()
    send_message(network, 0, ChainRole.FAST, 0, 0, RECEIVER, value_wei=5)
    send_message(network, 0, ChainRole.ZK, 0, 0, RECEIVER, value_wei=3)
    await balance_everywhere(network, ChainRole.ZK, 5)
    await balance_everywhere(network, ChainRole.FAST, 3)
    await quarantine(network, 0, 1, 2)
    point = network.nodes[0].final_state.fast.certified
    await network.wait_for_execution(ChainRole.FAST, point.number)
    before = network.state_roots(0, ChainRole.FAST, point.number)
    send_message(network, 0, ChainRole.FAST, 0, 1, RECEIVER, value_wei=7)
    await network.wait_until(
        lambda: network.core(0, ChainRole.FAST).account_nonces([address_of(0)]) == [2]
    )

    await resume(network, 1, 2, 3)
    await balance_everywhere(network, ChainRole.ZK, 5 + 7)
    send_message(network, 2, ChainRole.FAST, 0, 2, RECEIVER, value_wei=11)
    send_message(network, 2, ChainRole.ZK, 0, 1, RECEIVER, value_wei=13)
    await balance_everywhere(network, ChainRole.ZK, 5 + 7 + 11)
    await balance_everywhere(network, ChainRole.FAST, 3 + 13)
    await all_executed(network)
    for index in range(4):
        assert network.state_roots(index, ChainRole.FAST, point.number) == before
        assert list(delivered_nonces(network, index, ChainRole.ZK)) == [0, 1, 2]
        assert received_count(network, index, ChainRole.ZK) == 3
        assert (
            network.bridges[index].desk.divergences
            == type(network.bridges[index].desk.divergences)()
        )


async def test_a_second_replay_and_restarts_in_between_leave_one_state(
    network: LocalNetwork,
) -> None:
    await network.start()
    paid_wei = 0
    for turn in range(2):
        send_message(network, 0, ChainRole.FAST, 0, turn, RECEIVER, value_wei=5)
        paid_wei += 5
        await balance_everywhere(network, ChainRole.ZK, paid_wei)
        await quarantine(network, 0, 1, 3)
        await network.wait_for_growth(5)
        await resume(network, 0, 1, 3)
        # The replay is under way, or about to begin.
        await network.kill(turn)
        await network.start(turn)
        await network.wait_for_growth(5)
    await network.kill(2)
    await network.start(2)
    send_message(network, 0, ChainRole.FAST, 0, 2, RECEIVER, value_wei=9)
    await balance_everywhere(network, ChainRole.ZK, paid_wei + 9)
    await all_executed(network)
    replays = {network.core(index, ChainRole.FAST).store.replay() for index in network.nodes}
    assert replays == {network.nodes[0].archive.replays[-1].block}
    assert len(network.nodes[2].archive.replays) == 2


async def test_a_new_node_joins_a_ledger_with_a_replay(network: LocalNetwork) -> None:
    await network.start(0, 1, 2)
    send_message(network, 0, ChainRole.FAST, 0, 0, RECEIVER, value_wei=5)
    await balance_everywhere(network, ChainRole.ZK, 5)
    await quarantine(network, 0, 1, 2)
    await resume(network, 0, 1, 2)
    send_message(network, 0, ChainRole.FAST, 0, 1, RECEIVER, value_wei=6)
    await balance_everywhere(network, ChainRole.ZK, 11)
    await network.start(3)
    await network.wait_for_growth(5)
    await all_executed(network)
