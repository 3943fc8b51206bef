"""The fast chain runs on, and too few attest it: every node that executes it sees that."""

from dataclasses import replace

from compromised_network import open_game, resume_from
from local_network import LocalNetwork
from losses import exposure_of

from actors.bridge.desk import BridgeDesk
from bridge.exposure import ETH
from cluster.chaos.fast_chain import MuteDesk
from ledger.types import ChainRole

LIMIT_BLOCKS = 40
MUTE = (0, 1)
"""f+1 of four."""


def set_limit(network: LocalNetwork) -> None:
    for node in network.nodes.values():
        assert node.watch.limits is not None
        node.watch.limits = replace(node.watch.limits, blocks_without_checkpoint=LIMIT_BLOCKS)


async def test_what_f_nodes_do_not_attest_is_certified_all_the_same(network: LocalNetwork) -> None:
    await network.start()
    set_limit(network)
    network.bridges[0].desk.__class__ = MuteDesk
    start = network.nodes[1].final_state.fast.number
    await network.wait_until(lambda: network.nodes[1].final_state.fast.certified.number > start + 8)
    assert network.nodes[1].final_state.quarantine.votes == ()


async def test_a_stalled_checkpoint_leads_to_a_quarantine_and_a_resume_to_honest_checkpoints(
    network: LocalNetwork,
) -> None:
    await network.start()
    set_limit(network)
    game = await open_game(network, seconds=6)
    before = exposure_of(network.core(0, ChainRole.ZK).engine).of(ETH)
    for index in MUTE:
        network.bridges[index].desk.__class__ = MuteDesk

    # CUT OFF
    await network.wait_until(
        lambda: all(node.final_state.quarantine.is_active for node in network.nodes.values())
    )
    state = network.nodes[0].final_state
    assert state.quarantine.reason == "stalled checkpoint"
    assert state.fast.number - state.fast.certified.number >= LIMIT_BLOCKS
    await network.wait_until(lambda: network.nodes[0].final_state.zk.number > state.zk.number + 1)
    after = exposure_of(network.core(0, ChainRole.ZK).engine).of(ETH)
    assert after.withdrawable == before.withdrawable // 4

    # LEFT
    await network.wait_until(
        lambda: network.nodes[0].final_state.zk.timestamp_ms / 1000 > game.deadline_seconds + 1
    )
    await game.leave(network)

    # BACK
    for index in MUTE:
        network.bridges[index].desk.__class__ = BridgeDesk
    stalled_at = network.nodes[0].final_state.fast.number
    await resume_from(network, network.nodes[0].final_state.fast.certified)
    await network.wait_until(
        lambda: all(
            node.final_state.fast.certified.number > stalled_at for node in network.nodes.values()
        )
    )
    assert not network.nodes[0].final_state.quarantine.is_active
