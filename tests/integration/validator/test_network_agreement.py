"""Four whole validators agree on one ledger of two interleaved chains."""

from itertools import pairwise

from local_network import QUICK, LocalNetwork, address_of, transfer

from actors.validator.inspection import NodeInspector
from actors.validator.proposer import CYCLES_PER_TRANSACTION, PROVABLE_CYCLES
from ledger.types import ChainRole


async def test_four_nodes_finalize_the_same_blocks_with_the_same_results(
    network: LocalNetwork,
) -> None:
    await network.start()
    await network.wait_for_height(60)

    height = network.height()
    assert height >= 60
    assert len({tuple(network.digests(index, height)) for index in range(4)}) == 1
    for role in ChainRole:
        number = network.nodes[0].archive.state_after(height).chain(role).number
        await network.wait_for_execution(role, number)
        roots = [network.state_roots(index, role, number) for index in range(4)]
        assert None not in roots[0]
        assert all(other == roots[0] for other in roots)


async def test_blocks_of_both_chains_interleave_and_zk_blocks_keep_their_distance(
    network: LocalNetwork,
) -> None:
    await network.start()
    network.submit(0, ChainRole.ZK, [transfer(ChainRole.ZK, 0, nonce) for nonce in range(20)])
    await network.wait_for_height(80)

    node = network.nodes[0]
    order = NodeInspector(node).interleaving(1, 80)
    changes = sum(left is not right for left, right in pairwise(order))
    assert changes >= 4
    zk_times = [
        block.header.timestamp_ms
        for block in map(node.archive.block, range(1, 81))
        if block is not None and block.header.chain is ChainRole.ZK
    ]
    gaps = [later - earlier for earlier, later in pairwise(zk_times)]
    assert gaps
    assert min(gaps) >= QUICK.zk_interval_ms


async def test_idle_chains_beat_at_their_own_pace_and_not_faster(network: LocalNetwork) -> None:
    await network.start()
    await network.wait_for_height(10)
    await network.wait_for_growth(40, 0)

    node = network.nodes[0]
    blocks = [node.archive.block(height) for height in range(10, 51)]
    times = [block.header.timestamp_ms for block in blocks if block is not None]
    # Checkpoints come at once; a view without anything to say waits for the beat.
    assert times[-1] - times[0] >= 10 * QUICK.idle_interval_ms
    assert {block.header.chain for block in blocks if block is not None} == set(ChainRole)


async def test_transfers_given_to_one_node_are_executed_once_and_final_on_all(
    network: LocalNetwork,
) -> None:
    await network.start()
    receiver = "0x" + "12" * 20
    for role in ChainRole:
        for sender in range(5):
            raws = [transfer(role, sender, nonce, to=receiver, value_wei=3) for nonce in range(12)]
            outcomes = network.submit(2, role, raws)
            assert all(outcome.is_accepted for outcome in outcomes)

    for role in ChainRole:
        await network.wait_until(
            lambda role=role: all(
                network.balance(index, role, receiver) == 3 * 60 for index in range(4)
            )
        )
        await network.wait_until(
            lambda role=role: all(
                network.nodes[index].pools.pools[role].status().transaction_count == 0
                for index in range(4)
            )
        )
    included = [
        raw
        for height in range(1, network.height() + 1)
        if (block := network.nodes[1].archive.block(height)) is not None
        for raw in block.body.transactions
    ]
    assert len(included) == 120
    assert len(set(included)) == 120
    for index in range(4):
        for pool in network.nodes[index].pools.pools.values():
            assert pool.status().in_flight_transaction_count == 0


async def test_gossiped_transactions_are_included_after_their_submitter_has_left(
    network: LocalNetwork,
) -> None:
    await network.start()
    raws = [transfer(ChainRole.FAST, 0, nonce) for nonce in range(5)]
    network.submit(3, ChainRole.FAST, raws)
    encoded = tuple(bytes.fromhex(raw[2:]) for raw in raws)
    await network.wait_until(
        lambda: all(
            None not in network.nodes[index].pools.senders.lookup(encoded) for index in (0, 1, 2)
        )
    )
    await network.stop(3)
    await network.wait_until(
        lambda: all(
            network.core(index, ChainRole.FAST).account_nonces([address_of(0)]) == [5]
            for index in (0, 1, 2)
        )
    )


async def test_zk_blocks_take_no_more_transactions_than_one_proof_covers(
    network: LocalNetwork,
) -> None:
    await network.start()
    for sender in range(5):
        raws = [transfer(ChainRole.ZK, sender, nonce) for nonce in range(12)]
        network.submit(0, ChainRole.ZK, raws)
    archive = network.nodes[0].archive

    def transaction_counts() -> list[int]:
        return [
            len(block.body.transactions)
            for height in range(1, archive.height + 1)
            if (block := archive.block(height)) is not None and block.header.chain is ChainRole.ZK
        ]

    await network.wait_until(lambda: sum(transaction_counts()) == 60)
    assert max(transaction_counts()) <= PROVABLE_CYCLES // CYCLES_PER_TRANSACTION
