"""One of four validators breaks the protocol: real engines, disks and libp2p.

After each attack the honest three have one ledger, which goes on, and convict the traitor if it
has signed a contradiction, and nobody if it has not.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from libp2p_network import Libp2pNetwork
from local_network import QUICK, transfer

from actors.transport.channels import POLICIES
from actors.transport.interface import Channel
from actors.validator.checkpoints import MAX_WAITING_PER_PEER
from actors.validator.consensus_driver import IGNORED
from actors.validator.payloads import MAX_UNCHECKED_PER_PEER
from actors.validator.pools import MAX_WAITING_BATCHES_PER_PEER
from cluster.chaos.traitors import (
    Corrupter,
    DoubleVoter,
    Equivocator,
    Flooder,
    Forger,
    Replayer,
    Stuffer,
    Traitor,
    Withholder,
    arrest,
    turn,
)
from cluster.chaos.traitors.corrupter import CORRUPTIONS
from cluster.chaos.traitors.double_voter import Contradiction
from cluster.chaos.traitors.withholder import Withholding
from consensus.effects import Fault
from ledger.block import SealedBlock
from ledger.types import ChainRole

TRAITOR = 3
HONEST = (0, 1, 2)
QUICK_VIEWS = replace(QUICK, delta_ms=100)


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Libp2pNetwork]:
    """Four connected validators that have agreed on something."""
    local = Libp2pNetwork(tmp_path, timing=QUICK_VIEWS)
    await local.start()
    await local.wait_until_connected()
    await local.wait_for_growth(2)
    yield local
    await local.stop()
    assert local.failures == []


async def deeds(network: Libp2pNetwork, traitor: Traitor, count: int) -> None:
    """Let the traitor do its worst, so often at least."""
    await network.wait_until(lambda: traitor.deeds.total() >= count)


def proposers(network: Libp2pNetwork, first_height: int) -> list[int]:
    blocks = network.nodes[0].archive
    return [
        block.header.proposer
        for height in range(first_height, blocks.height + 1)
        if (block := blocks.block(height)) is not None
    ]


async def test_a_leader_with_two_faces_is_convicted_and_loses_its_turns(
    network: Libp2pNetwork,
) -> None:
    traitor = Equivocator()
    turn(network.nodes[TRAITOR], traitor)
    await network.wait_until(
        lambda: all(network.nodes[i].final_state.convicted == (TRAITOR,) for i in HONEST)
    )
    height = max(network.nodes[index].archive.height for index in HONEST)
    await network.wait_for_growth(12, *HONEST)
    await network.assert_agreement(*HONEST, culprit=TRAITOR)
    assert [entry["evidence"]["type"] for entry in network.evidence(0)] == ["ConflictingNotarize"]
    # A block that was under way when the evidence became final is the last one.
    assert proposers(network, height + 5).count(TRAITOR) == 0


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(Contradiction.NOTARIZE, marks=pytest.mark.chaos),
        pytest.param(Contradiction.FINALIZE, marks=pytest.mark.chaos),
        Contradiction.NULLIFY_FINALIZE,
    ],
)
async def test_who_votes_twice_is_convicted_by_the_two_votes(
    network: Libp2pNetwork, kind: Contradiction
) -> None:
    turn(network.nodes[TRAITOR], DoubleVoter(kind))
    await network.wait_until(
        lambda: all(network.nodes[i].final_state.convicted == (TRAITOR,) for i in HONEST)
    )
    await network.wait_for_growth(8, *HONEST)
    await network.assert_agreement(*HONEST, culprit=TRAITOR)
    for index in HONEST:
        assert [found["evidence"]["type"] for found in network.evidence(index)] == [kind.value]


@pytest.mark.parametrize(
    "mode",
    [
        Withholding.FROM_ALL,
        pytest.param(Withholding.FROM_ALL_BUT_ONE, marks=pytest.mark.chaos),
        pytest.param(Withholding.UNTIL_LATE, marks=pytest.mark.chaos),
    ],
)
async def test_a_payload_that_is_kept_back_delays_and_no_more(
    network: Libp2pNetwork, mode: Withholding
) -> None:
    traitor = Withholder(mode)
    turn(network.nodes[TRAITOR], traitor)
    await deeds(network, traitor, 6)
    height = network.nodes[0].archive.height
    await network.wait_for_growth(8, *HONEST)
    await network.assert_agreement(*HONEST)
    if mode is Withholding.FROM_ALL:
        assert TRAITOR not in proposers(network, height + 1)
    if mode is Withholding.FROM_ALL_BUT_ONE:
        # Who has it gives it to the others.
        await network.wait_until(lambda: TRAITOR in proposers(network, height + 1))


async def test_forged_votes_and_certificates_are_counted_and_convict_nobody(
    network: Libp2pNetwork,
) -> None:
    traitor = Forger(is_loud=True)
    turn(network.nodes[TRAITOR], traitor)
    named = {fault.value for fault in (Fault.FOREIGN_VOTE, Fault.BAD_CERTIFICATE)}
    await network.wait_until(
        lambda: all(
            named | {Fault.BAD_SIGNATURE.value} <= set(network.rejected(index, "consensus"))
            for index in HONEST
        )
    )
    await network.wait_until(
        lambda: all(
            network.nodes[index].transport.status().peers[TRAITOR].violations > 0
            for index in HONEST
        )
    )
    await network.wait_for_growth(8, *HONEST)
    await network.assert_agreement(*HONEST)


async def test_what_was_said_before_or_elsewhere_changes_nothing(network: Libp2pNetwork) -> None:
    traitor = Replayer()
    turn(network.nodes[TRAITOR], traitor)
    await deeds(network, traitor, 2_000)
    assert traitor.deeds["vote of another network"] > 0
    await network.wait_for_growth(8, *HONEST)
    await network.assert_agreement(*HONEST)
    for index in HONEST:
        rejected = network.rejected(index, "consensus")
        assert rejected[Fault.FOREIGN_VOTE.value] > 0


async def test_a_leader_that_breaks_each_rule_in_turn_gets_no_block_onto_the_ledger(
    network: Libp2pNetwork,
) -> None:
    traitor = Corrupter()
    turn(network.nodes[TRAITOR], traitor)
    await network.wait_until(lambda: set(traitor.deeds) == set(CORRUPTIONS))
    await network.wait_for_growth(8, *HONEST)
    await network.assert_agreement(*HONEST)
    final = set(network.digests(0, network.height(*HONEST)))
    assert final.isdisjoint(traitor.made)
    for index in HONEST:
        assert all(network.nodes[index].tree.get(digest) is None for digest in traitor.made)


async def test_a_block_past_its_gas_limit_is_the_same_on_all_nodes(network: Libp2pNetwork) -> None:
    """It is valid: what finds no gas left is skipped."""
    gas_limit = network.genesis.chain(ChainRole.FAST).gas_limit
    raws = [
        bytes.fromhex(transfer(ChainRole.FAST, account, 0, gas=gas_limit)[2:])
        for account in range(4)
    ]
    traitor = Stuffer(ChainRole.FAST, raws)
    turn(network.nodes[TRAITOR], traitor)
    await deeds(network, traitor, 1)
    blocks = network.nodes[0].archive

    def block_with_all() -> SealedBlock | None:
        found = (blocks.block(height) for height in range(1, blocks.height + 1))
        return next((one for one in found if one and set(raws) <= set(one.body.transactions)), None)

    await network.wait_until(lambda: block_with_all() is not None)
    number = block_with_all().header.chain_block_number  # type: ignore[union-attr]  # found above
    await network.assert_agreement(*HONEST)
    for index in HONEST:
        await network.wait_for_execution(ChainRole.FAST, number, index)
        block = network.core(index, ChainRole.FAST).store.block(number)
        assert block is not None
        executed = [raw for raw in raws if raw in block.transactions]
        assert executed == raws[:1]


@pytest.mark.parametrize(
    "channels",
    [
        (Channel.CONSENSUS,),
        *(pytest.param((channel,), marks=pytest.mark.chaos) for channel in list(Channel)[1:]),
        pytest.param(tuple(Channel), marks=pytest.mark.chaos),
    ],
    ids=lambda channels: "+".join(channel.name for channel in channels),
)
async def test_what_waits_for_a_node_in_a_flood_is_bounded(
    network: Libp2pNetwork, channels: tuple[Channel, ...]
) -> None:
    traitor = Flooder(*channels)
    turn(network.nodes[TRAITOR], traitor)
    traitor.begin()
    await deeds(network, traitor, 400)
    await network.wait_for_growth(8, *HONEST, seconds=120)
    for index in HONEST:
        node = network.nodes[index]
        inbox = node.transport._inbox  # type: ignore[attr-defined]  # of libp2p
        for channel in Channel:
            policy = POLICIES[channel]
            assert inbox.queued_bytes(TRAITOR, channel) <= policy.receive_window_bytes
        unasked = [sender for sender, _ in node.payloads._unchecked.values() if sender == TRAITOR]
        assert len(unasked) <= MAX_UNCHECKED_PER_PEER
        assert node.pools.waiting_batches <= MAX_WAITING_BATCHES_PER_PEER * network.count
        assert len(node.checkpoints._received) <= MAX_WAITING_PER_PEER * network.count
        if channels == (Channel.CONSENSUS,):
            faults = network.rejected(index, "consensus")
            assert faults[IGNORED] > faults[Fault.BAD_CERTIFICATE.value]
    arrest(network.nodes[TRAITOR])
    await network.wait_for_growth(8, *HONEST)
    await network.assert_agreement(*HONEST)
