"""Nodes that stop, die, return and join; links that lose, delay and part."""

import random
import shutil
from pathlib import Path

import pytest
from local_network import LocalNetwork, address_of, transfer

from actors.transport.memory import LinkFault
from ledger.types import ChainRole


def assert_one_ledger(network: LocalNetwork, *indices: int) -> None:
    """All nodes have the same blocks and the same state roots, as far as they have them."""
    chosen = indices or tuple(network.nodes)
    height = network.height(*chosen)
    assert len({tuple(network.digests(index, height)) for index in chosen}) == 1
    for role in ChainRole:
        last = min(network.core(index, role).final_number for index in chosen)
        roots = {tuple(network.state_roots(index, role, last)) for index in chosen}
        assert len(roots) == 1
        assert None not in roots.pop()


def send_transfers(network: LocalNetwork, index: int, nonce: int, count: int) -> None:
    for role in ChainRole:
        raws = [transfer(role, 0, nonce + step) for step in range(count)]
        assert all(outcome.is_accepted for outcome in network.submit(index, role, raws))


async def test_three_nodes_go_on_without_the_fourth_and_it_catches_up_and_votes_again(
    network: LocalNetwork,
) -> None:
    await network.start()
    await network.wait_for_height(10)
    await network.stop(3)
    send_transfers(network, 0, 0, 10)
    await network.wait_for_growth(80, 0, 1, 2)

    await network.start(3)
    await network.wait_for_growth(10)
    assert network.nodes[3].history.fetched_blocks > 0
    # With one of the others away, no block is final without its vote.
    await network.stop(0)
    await network.wait_for_growth(10)
    assert_one_ledger(network)


async def test_a_node_with_an_empty_disk_joins_and_reaches_the_same_state_roots(
    network: LocalNetwork,
) -> None:
    await network.start(0, 1, 2)
    send_transfers(network, 0, 0, 20)
    await network.wait_for_height(110)

    await network.start(3)
    await network.wait_for_growth(5)
    for role in ChainRole:
        number = network.nodes[0].final_state.chain(role).number
        await network.wait_for_execution(role, number)
    assert_one_ledger(network)
    assert network.nodes[3].history.fetched_blocks >= 80


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))]
)
async def test_all_nodes_restart_at_once_and_resume_the_same_ledger(
    network: LocalNetwork, seed: int
) -> None:
    chance = random.Random(seed)
    nonce = 0
    await network.start()
    for _ in range(3):
        send_transfers(network, chance.randrange(4), nonce, 5)
        await network.wait_for_growth(chance.randrange(1, 25))
        height = network.height()
        before = network.digests(0, height)
        if chance.random() < 0.5:
            await network.stop()
        else:
            await network.kill()
        await network.start()
        await network.wait_for_growth(6)
        assert network.digests(0, height) == before
        nonce = next_nonce(network)
    assert_one_ledger(network)


def next_nonce(network: LocalNetwork) -> int:
    """The account's next nonce, on the chain that is ahead: pools do not survive a restart."""
    return max(
        network.core(index, role).account_nonces([address_of(0)])[0]
        for index in network.nodes
        for role in ChainRole
    )


async def test_killed_nodes_never_contradict_their_votes(network: LocalNetwork) -> None:
    """An honest node would convict another whose votes contradict each other."""
    chance = random.Random(5)
    await network.start()
    await network.wait_for_height(5)
    for _ in range(8):
        victim = chance.randrange(4)
        await network.kill(victim)
        if chance.random() < 0.5:
            await network.wait_for_growth(chance.randrange(1, 6))
        await network.start(victim)
        await network.wait_for_growth(chance.randrange(1, 6))
    await network.wait_for_growth(10)
    assert_one_ledger(network)
    for node in network.nodes.values():
        assert node.final_state.convicted == ()
        assert node.operators.evidence() == []


async def test_a_crash_that_loses_the_unsynced_tail_of_the_ledger_is_healed_from_peers(
    network: LocalNetwork, tmp_path: Path
) -> None:
    await network.start()
    await network.wait_for_height(20)
    # What is in the store but was never synced is gone; the votes are all there.
    old = tmp_path / "old-ledger"
    network.nodes[2].archive.sync()
    shutil.copytree(network.node_directory(2) / "ledger", old)
    send_transfers(network, 2, 0, 10)
    await network.wait_for_growth(60)
    await network.kill(2)
    shutil.rmtree(network.node_directory(2) / "ledger")
    shutil.copytree(old, network.node_directory(2) / "ledger")

    await network.start(2)
    await network.wait_for_growth(10)
    assert_one_ledger(network)
    assert network.nodes[2].final_state.convicted == ()
    await network.stop(0)
    await network.wait_for_growth(10)


async def test_a_lossy_slow_and_reordering_network_still_makes_one_ledger(
    network: LocalNetwork,
) -> None:
    fault = LinkFault(drop_probability=0.05, minimum_delay_seconds=0.0, maximum_delay_seconds=0.03)
    network.memory.set_fault(fault)
    await network.start()
    send_transfers(network, 1, 0, 10)
    await network.wait_for_height(40, seconds=90)
    network.memory.set_fault(LinkFault())
    await network.wait_for_growth(10)
    await network.wait_until(
        lambda: all(
            node.pools.pools[role].status().transaction_count == 0
            for node in network.nodes.values()
            for role in ChainRole
        )
    )
    assert_one_ledger(network)


async def test_a_partition_in_halves_stalls_and_heals(network: LocalNetwork) -> None:
    await network.start()
    await network.wait_for_height(10)
    network.memory.partition([0, 1], [2, 3])
    views = [node.view for node in network.nodes.values()]
    # Both halves give up views, which takes a quorum, so nothing moves while they vote.
    heights = [node.archive.height for node in network.nodes.values()]
    await network.wait_until(
        lambda: all(
            node.driver.state.views[node.driver.state.view].own_nullify is not None
            for node in network.nodes.values()
        )
    )
    assert max(node.archive.height for node in network.nodes.values()) <= max(heights) + 2
    assert max(node.view for node in network.nodes.values()) <= max(views) + 3
    network.memory.heal()
    await network.wait_for_growth(10)
    assert_one_ledger(network)


async def test_the_majority_of_a_partition_goes_on_and_the_minority_catches_up(
    network: LocalNetwork,
) -> None:
    await network.start()
    await network.wait_for_height(10)
    network.memory.partition([0, 1, 2], [3])
    await network.wait_for_growth(60, 0, 1, 2)
    assert network.nodes[3].archive.height < network.height(0, 1, 2)
    network.memory.heal()
    await network.wait_for_growth(10)
    assert_one_ledger(network)


async def test_an_executor_that_dies_in_the_middle_repeats_nothing_and_misses_nothing(
    network: LocalNetwork,
) -> None:
    await network.start()
    await network.wait_for_height(5)
    for nonce in range(0, 30, 10):
        for role in ChainRole:
            network.executors[1][role].kill()
        send_transfers(network, 0, nonce, 10)
        await network.wait_for_growth(20, 0, 2, 3)
        for role in ChainRole:
            network.executors[1][role].restart()
        await network.wait_for_growth(5)
        for role in ChainRole:
            await network.wait_until(
                lambda role=role: network.nodes[1].pools.pools[role].status().transaction_count == 0
            )
    for role in ChainRole:
        await network.wait_for_execution(role, network.nodes[0].final_state.chain(role).number)
    assert_one_ledger(network)
    certified = network.nodes[1].final_state.fast.certified.number
    await network.wait_until(lambda: network.nodes[1].final_state.fast.certified.number > certified)


async def test_replaced_bridges_of_all_nodes_still_make_certificates(
    network: LocalNetwork,
) -> None:
    await network.start()
    for _ in range(3):
        certified = {
            role: network.nodes[0].final_state.chain(role).certified.number for role in ChainRole
        }
        for bridge in network.bridges.values():
            bridge.replace()
        await network.wait_until(
            lambda certified=certified: all(
                node.final_state.chain(role).certified.number > certified[role]
                for node in network.nodes.values()
                for role in ChainRole
            )
        )
    assert_one_ledger(network)
